use std::collections::HashSet;

use super::*;

/// Checks a flowchart line by line: every id is known, subgraphs are closed, texts hold nothing that means something.
fn check(text: &str) -> Result<(), String> {
    let mut lines = text.lines().skip_while(|line| line.starts_with("%%"));
    if lines.next() != Some("flowchart TD") {
        return Err("the header is missing".to_owned());
    }
    let (mut known, mut depth) = (HashSet::new(), 0_usize);
    let mut used = Vec::new();
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric());
    for line in lines.map(str::trim) {
        let refuse = |why: &str| Err(format!("{why}: {line}"));
        for quoted in line.split('"').skip(1).step_by(2) {
            let plain = quoted.replace("<b>", "").replace("</b>", "").replace("<br/>", "");
            if plain.contains(['<', '>', '`', '{', '}', '[', ']', '|', '"']) {
                return refuse("a text is not escaped");
            }
        }
        let outside: String = line.split('"').step_by(2).collect();
        if line.matches('"').count() % 2 == 1 {
            return refuse("a quote is not closed");
        }
        let words: Vec<&str> = outside.split_whitespace().collect();
        match words.as_slice() {
            ["subgraph", id, "[]"] if is_id(id) => {
                depth += 1;
                known.insert((*id).to_owned());
            }
            ["end"] => depth = depth.checked_sub(1).ok_or_else(|| format!("an end too many: {line}"))?,
            ["direction", "TB"] | ["classDef", _, _] => {}
            ["class", ids, name] if is_id(name) => used.extend(ids.split(',').map(str::to_owned)),
            [from, "-->" | "-.->" | "-->||" | "-.->||", to] => used.extend([(*from).to_owned(), (*to).to_owned()]),
            _ => {
                let id: String = outside.chars().take_while(char::is_ascii_alphanumeric).collect();
                let shapes = ["[]", "{}", "{{}}", "([])", "[()]", "[[]]", "(( ))", "((()))"];
                if !is_id(&id) || !shapes.contains(&&outside[id.len()..]) {
                    return refuse("not understood");
                }
                known.insert(id);
            }
        }
    }
    if depth != 0 {
        return Err("a subgraph is not closed".to_owned());
    }
    match used.iter().find(|id| !known.contains(*id)) {
        Some(id) => Err(format!("{id} is used and does not exist")),
        None => Ok(()),
    }
}

#[test]
fn a_plan_becomes_a_flowchart() {
    let graph = PlanGraph { plan: Some("Plan".to_owned()), ..PlanGraph::read(&everything(), Some("Tester")) };
    let text = mermaid(&graph);
    check(&text).expect("it is sound");
    insta::assert_snapshot!(text, @r##"
    %% Plan
    flowchart TD
        start(( ))
        s1[("<b>Net</b><br/>AttiniCfn, stack $#123;Env#125;-net")]
        subgraph s2 ["<b>Apps</b><br/>Parallel"]
            direction TB
            subgraph s2b1 ["branch 1"]
                direction TB
                s3[("<b>Api</b><br/>AttiniCfn, stack api")]
                s4{"<b>IsDev</b><br/>Choice"}
                s5["<b>Seed</b><br/>AttiniRunnerJob, runner Tester"]
                s2b1e((("end")))
                s3 --> s4
                s4 -->|"$.environment == #34;dev#34;"| s5
                s4 -->|"otherwise"| s2b1e
                s5 --> s2b1e
            end
            subgraph s2b2 ["branch 2"]
                direction TB
                subgraph s6 ["<b>Sites</b><br/>AttiniMap, each of $.customData.files"]
                    direction TB
                    s7[("<b>Site</b><br/>AttiniCfn")]
                end
            end
        end
        s8{{"✋ <b>Ask</b><br/>AttiniManualApproval, times out after 1 hour"}}
        s9{"<b>Go</b><br/>Choice"}
        s10(["<b>Stop</b><br/>Fail, error No"])
        s11[("✋ <b>Cdk</b><br/>AttiniCdk, project ./c, waits for approval of changes, runner Tester")]
        finish((("end")))
        start --> s1
        s1 --> s2
        s2 --> s8
        s8 --> s9
        s8 -.->|"on ManuallyAborted, States.Timeout"| s1
        s9 -->|"$.x is present"| s10
        s9 -->|"otherwise"| s11
        s11 --> finish
        classDef stack fill:#eaf2ff,stroke:#2563eb,color:#111827
        class s1,s3,s7,s11 stack
        classDef job fill:#e6f6f3,stroke:#0f766e,color:#111827
        class s5 job
        classDef approval fill:#fff4da,stroke:#b45309,color:#111827,stroke-width:2px
        class s8 approval
        classDef choice fill:#fbeffc,stroke:#a21caf,color:#111827
        class s4,s9 choice
        classDef fail fill:#fdecec,stroke:#b91c1c,color:#111827
        class s10 fail
    "##);
}

#[test]
fn names_cannot_break_out_of_their_texts() {
    let name = "a\"] end; `x` --> b <script>&amp; #1; {{ | \\";
    let text = mermaid(&PlanGraph::read(&json!([{"Name": name, "Type": "Pass"}]), None));
    check(&text).expect("it is sound");
    assert!(text.contains("a#34;#93; end#59; #96;x#96; --#62; b #60;script#62;#38;amp#59; #35;1#59;"), "{text}");
}

proptest! {
    #[test]
    fn every_flowchart_is_sound(plan in any_plan()) {
        prop_assert_eq!(check(&mermaid(&PlanGraph::read(&plan, None))), Ok(()));
    }
}
