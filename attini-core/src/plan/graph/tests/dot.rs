use super::*;

/// Reads a graph in the language of Graphviz, as far as ours goes, and returns the number of nodes, edges and clusters.
fn check(text: &str) -> Result<(usize, usize, usize), String> {
    let tokens = tokens(text)?;
    let mut at = 0;
    let mut next = || {
        at += 1;
        tokens.get(at - 1).map(String::as_str)
    };
    let (mut nodes, mut edges, mut clusters) = (Vec::new(), Vec::new(), 0);
    if next() != Some("digraph") || !next().is_some_and(|name| name.starts_with('"')) || next() != Some("{") {
        return Err("the header is missing".to_owned());
    }
    let mut depth = 1;
    while depth > 0 {
        match next().ok_or("the end is missing")? {
            "}" => depth -= 1,
            "subgraph" => {
                let name = next().unwrap_or_default();
                if !name.starts_with("\"cluster_") || next() != Some("{") {
                    return Err(format!("not a cluster: {name}"));
                }
                clusters += 1;
                depth += 1;
            }
            id => {
                let mut token = next().unwrap_or_default();
                if token == "->" {
                    edges.push((id.to_owned(), next().unwrap_or_default().to_owned()));
                    token = next().unwrap_or_default();
                } else if !matches!(id, "graph" | "node" | "edge") {
                    nodes.push(id.to_owned());
                }
                while token == "[" || token == "," {
                    let (key, sign, value) = (next().unwrap_or_default(), next(), next().unwrap_or_default());
                    if sign != Some("=") || key.is_empty() || value.is_empty() {
                        return Err(format!("not an attribute: {key} {sign:?} {value}"));
                    }
                    token = next().unwrap_or_default();
                    if token == "]" {
                        token = next().unwrap_or_default();
                        break;
                    }
                }
                if token != ";" {
                    return Err(format!("; is missing behind {id}, found {token:?}"));
                }
            }
        }
    }
    for id in edges.iter().flat_map(|(from, to)| [from, to]) {
        if !nodes.contains(id) {
            return Err(format!("{id} is used and does not exist"));
        }
    }
    Ok((nodes.len(), edges.len(), clusters))
}

fn tokens(text: &str) -> Result<Vec<String>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let mut token = String::from(c);
        match c {
            c if c.is_whitespace() => continue,
            '{' | '}' | '[' | ']' | ';' | ',' | '=' => {}
            '-' => token.push(rest.next().filter(|c| *c == '>').ok_or("a lone -")?),
            '"' => loop {
                let c = rest.next().ok_or("a quote is not closed")?;
                token.push(c);
                match c {
                    '"' => break,
                    '\\' => token.push(rest.next().ok_or("a quote is not closed")?),
                    _ => {}
                }
            },
            c if c.is_ascii_alphanumeric() => {
                while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')) {
                    token.push(c);
                }
            }
            other => return Err(format!("a lone {other:?}")),
        }
        tokens.push(token);
    }
    Ok(tokens)
}

#[test]
fn a_plan_becomes_a_graph_with_clusters() {
    let text = dot(&PlanGraph::read(&everything(), Some("Tester")));
    // Two steps with bodies, two branches, one of them with a frame of its own.
    assert_eq!(check(&text).map(|(_, _, clusters)| clusters), Ok(4));
    assert!(text.contains(r#"label="$.x is present""#), "{text}");
    assert!(text.contains(r#"ltail="cluster_s2""#) && text.contains(r#"lhead="cluster_s2""#), "{text}");
}

#[test]
fn names_cannot_break_out_of_their_texts() {
    let text = dot(&PlanGraph::read(&json!([{"Name": "a\"]; \\b -> c &lt; \\", "Type": "Pass"}]), None));
    check(&text).expect("it is sound");
    assert!(text.contains(r#"label="a\"]; \\b -> c &amp;lt; \\\nPass""#), "{text}");
}

proptest! {
    #[test]
    fn every_graph_is_sound(plan in any_plan()) {
        prop_assert!(check(&dot(&PlanGraph::read(&plan, None))).is_ok());
    }
}
