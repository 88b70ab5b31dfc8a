//! A plan in the language of Graphviz.

use std::fmt::Write as _;

use super::text::visible;
use super::{Body, Link, LinkKind, PlanGraph, Step, StepClass, Target};

/// Returns the plan as a graph for Graphviz, from top to bottom; bodies inside of steps are clusters.
#[must_use]
pub fn dot(graph: &PlanGraph) -> String {
    let mut writer = Writer { text: String::new(), count: 0 };
    let title = quoted(&graph.title());
    writer.line(0, &format!("digraph {title} {{"));
    for setting in [
        &format!("graph [label={title}, labelloc=t, compound=true, rankdir=TB, fontname=\"sans-serif\"]"),
        "node [shape=box, style=\"rounded,filled\", fillcolor=\"#f6f7f9\", fontname=\"sans-serif\", fontsize=11]",
        "edge [fontname=\"sans-serif\", fontsize=10]",
        "start [shape=circle, label=\"\", width=0.2, fillcolor=\"#374151\"]",
    ] {
        writer.line(1, &format!("{setting};"));
    }
    let nodes = writer.steps(&graph.body, 1);
    if graph.body.links.iter().any(|link| link.to == Target::End) {
        writer.line(1, "finish [shape=doublecircle, label=\"\", width=0.15, fillcolor=\"#374151\"];");
    }
    if let Some(node) = graph.body.start.and_then(|start| nodes.get(start)) {
        writer.edge("start", node.first(), &node.head_of(), 1);
    }
    writer.links(&graph.body, &nodes, Some("finish"), 1);
    writer.line(0, "}");
    writer.text
}

/// How edges reach a step: a node, or a cluster with a point at either end.
enum Node {
    Plain(String),
    Cluster(String),
}

impl Node {
    fn first(&self) -> &str {
        match self {
            Self::Plain(id) | Self::Cluster(id) => id,
        }
    }

    fn last(&self) -> String {
        match self {
            Self::Plain(id) => id.clone(),
            Self::Cluster(id) => format!("{id}_out"),
        }
    }

    fn head_of(&self) -> Vec<String> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Cluster(id) => vec![format!("lhead=\"cluster_{id}\"")],
        }
    }

    fn tail_of(&self) -> Vec<String> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Cluster(id) => vec![format!("ltail=\"cluster_{id}\"")],
        }
    }
}

struct Writer {
    text: String,
    count: usize,
}

impl Writer {
    fn line(&mut self, depth: usize, text: &str) {
        let blanks = depth * 2;
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{:blanks$}{text}", "");
    }

    fn edge(&mut self, from: &str, to: &str, attributes: &[String], depth: usize) {
        let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
        self.line(depth, &format!("{from} -> {to}{attributes};"));
    }

    fn steps(&mut self, body: &Body, depth: usize) -> Vec<Node> {
        body.steps.iter().map(|step| self.step(step, depth)).collect()
    }

    fn step(&mut self, step: &Step, depth: usize) -> Node {
        self.count += 1;
        let id = format!("s{}", self.count);
        let mark = if step.waits_for_a_person() { "✋ " } else { "" };
        let label = quoted_lines(&[&format!("{mark}{}", step.name), &step.summary()]);
        let look = look(step.class);
        if step.bodies.iter().all(Body::is_empty) {
            self.line(depth, &format!("{id} [label={label}{look}];"));
            return Node::Plain(id);
        }
        self.line(depth, &format!("subgraph \"cluster_{id}\" {{"));
        self.line(depth + 1, &format!("graph [label={label}, style=rounded, color=\"#64748b\"];"));
        let point = "[shape=point, style=invis, width=0.01, label=\"\"]";
        self.line(depth + 1, &format!("{id} {point};"));
        self.line(depth + 1, &format!("{id}_out {point};"));
        for (index, body) in step.bodies.iter().enumerate() {
            let is_boxed = step.bodies.len() > 1;
            let inner = format!("{id}_{}", index + 1);
            if is_boxed {
                self.line(depth + 1, &format!("subgraph \"cluster_{inner}\" {{"));
                let label = quoted(&body.label);
                self.line(depth + 2, &format!("graph [label={label}, style=\"rounded,dashed\"];"));
            }
            let depth = depth + 1 + usize::from(is_boxed);
            let nodes = self.steps(body, depth);
            let end = format!("{inner}_end");
            let end = body.ends_in_several_ways().then_some(end.as_str());
            if let Some(end) = end {
                self.line(
                    depth,
                    &format!("{end} [shape=doublecircle, label=\"\", width=0.12, fillcolor=\"#374151\"];"),
                );
            }
            self.links(body, &nodes, end, depth);
            // Edges that nobody sees keep the points above and below the steps.
            let hidden = ["style=invis".to_owned()];
            if let Some(node) = body.start.and_then(|start| nodes.get(start)) {
                self.edge(&id, node.first(), &hidden, depth);
            }
            for node in &nodes {
                self.edge(&node.last(), &format!("{id}_out"), &hidden, depth);
            }
            if is_boxed {
                self.line(depth - 1, "}");
            }
        }
        self.line(depth, "}");
        Node::Cluster(id)
    }

    fn links(&mut self, body: &Body, nodes: &[Node], end: Option<&str>, depth: usize) {
        for link in &body.links {
            let from = &nodes[link.from];
            let mut attributes = from.tail_of();
            let to = match (link.to, end) {
                (Target::Step(index), _) => {
                    attributes.extend(nodes[index].head_of());
                    nodes[index].first()
                }
                (Target::End, Some(end)) => end,
                (Target::End, None) => continue,
            };
            attributes.extend(link_look(link));
            self.edge(&from.last(), to, &attributes, depth);
        }
    }
}

fn look(class: StepClass) -> String {
    let (shape, color) = match class {
        StepClass::Stack => ("", "#eaf2ff"),
        StepClass::Job => ("", "#e6f6f3"),
        StepClass::Approval => ("octagon", "#fff4da"),
        StepClass::Choice => ("diamond", "#fbeffc"),
        StepClass::Fail | StepClass::Missing | StepClass::Unknown => ("", "#fdecec"),
        StepClass::Succeed => ("", "#e8f6ec"),
        _ => return String::new(),
    };
    let shape = if shape.is_empty() { String::new() } else { format!(", shape={shape}, style=filled") };
    format!("{shape}, fillcolor=\"{color}\"")
}

fn link_look(link: &Link) -> Vec<String> {
    let mut look = Vec::new();
    if !link.label().is_empty() {
        look.push(format!("label={}", quoted(&link.label())));
    }
    if link.kind == LinkKind::Catch {
        look.extend(["style=dashed", "color=\"#b91c1c\"", "fontcolor=\"#b91c1c\""].map(ToOwned::to_owned));
    }
    look
}

fn quoted(text: &str) -> String {
    quoted_lines(&[text])
}

/// Quotes texts as the lines of one label. In a quoted text `\` and `"` are special, and Graphviz reads HTML entities.
fn quoted_lines(lines: &[&str]) -> String {
    let escaped = |line: &&&str| visible(line).replace('&', "&amp;").replace('\\', "\\\\").replace('"', "\\\"");
    let lines: Vec<String> = lines.iter().filter(|line| !line.is_empty()).map(|line| escaped(&line)).collect();
    format!("\"{}\"", lines.join("\\n"))
}
