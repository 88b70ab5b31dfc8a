//! A plan as a Mermaid flowchart.

use std::fmt::Write as _;

use super::text::visible;
use super::{Body, Link, LinkKind, PlanGraph, Step, StepClass, Target};

/// Returns the plan as a flowchart for Mermaid, from top to bottom; bodies inside of steps are subgraphs.
#[must_use]
pub fn mermaid(graph: &PlanGraph) -> String {
    let mut writer = Writer { text: String::new(), count: 0, used: Vec::new() };
    writer.line(0, &format!("%% {}", visible(&graph.title())));
    writer.line(0, "flowchart TD");
    writer.line(1, "start(( ))");
    let ids = writer.steps(&graph.body, 1);
    let ends = graph.body.links.iter().any(|link| link.to == Target::End);
    if ends {
        writer.line(1, "finish(((\"end\")))");
    }
    if let Some(id) = graph.body.start.and_then(|start| ids.get(start)) {
        writer.line(1, &format!("start --> {id}"));
    }
    writer.links(&graph.body, &ids, "finish", 1);
    writer.styles();
    writer.text
}

struct Writer {
    text: String,
    count: usize,
    /// The classes of steps and their ids, for the colors.
    used: Vec<(StepClass, String)>,
}

impl Writer {
    fn line(&mut self, depth: usize, text: &str) {
        let blanks = depth * 4;
        // Writing to a text cannot fail.
        let _ = writeln!(self.text, "{:blanks$}{text}", "");
    }

    /// Writes the steps of a body and returns their ids.
    fn steps(&mut self, body: &Body, depth: usize) -> Vec<String> {
        body.steps.iter().map(|step| self.step(step, depth)).collect()
    }

    fn step(&mut self, step: &Step, depth: usize) -> String {
        self.count += 1;
        let id = format!("s{}", self.count);
        let label = label(step);
        self.used.push((step.class, id.clone()));
        if step.bodies.iter().all(Body::is_empty) {
            let (open, close) = shape(step.class);
            self.line(depth, &format!("{id}{open}\"{label}\"{close}"));
            return id;
        }
        self.line(depth, &format!("subgraph {id} [\"{label}\"]"));
        self.line(depth + 1, "direction TB");
        if let [only] = step.bodies.as_slice() {
            self.inner(only, &format!("{id}e"), depth + 1);
        } else {
            for (index, body) in step.bodies.iter().enumerate() {
                let inner = format!("{id}b{}", index + 1);
                self.line(depth + 1, &format!("subgraph {inner} [\"{}\"]", escaped(&body.label)));
                self.line(depth + 2, "direction TB");
                self.inner(body, &format!("{inner}e"), depth + 2);
                self.line(depth + 1, "end");
            }
        }
        self.line(depth, "end");
        id
    }

    fn inner(&mut self, body: &Body, end: &str, depth: usize) {
        let ids = self.steps(body, depth);
        if body.ends_in_several_ways() {
            self.line(depth, &format!("{end}(((\"end\")))"));
        }
        self.links(body, &ids, end, depth);
    }

    fn links(&mut self, body: &Body, ids: &[String], end: &str, depth: usize) {
        let is_shown = end == "finish" || body.ends_in_several_ways();
        for link in &body.links {
            let to = match link.to {
                Target::Step(index) => ids[index].as_str(),
                Target::End if is_shown => end,
                Target::End => continue,
            };
            let text = arrow(link);
            self.line(depth, &format!("{} {text} {to}", ids[link.from]));
        }
    }

    fn styles(&mut self) {
        let colors = [
            (&[StepClass::Stack][..], "stack", "fill:#eaf2ff,stroke:#2563eb,color:#111827"),
            (&[StepClass::Job], "job", "fill:#e6f6f3,stroke:#0f766e,color:#111827"),
            (&[StepClass::Approval], "approval", "fill:#fff4da,stroke:#b45309,color:#111827,stroke-width:2px"),
            (&[StepClass::Choice], "choice", "fill:#fbeffc,stroke:#a21caf,color:#111827"),
            (
                &[StepClass::Fail, StepClass::Missing, StepClass::Unknown],
                "fail",
                "fill:#fdecec,stroke:#b91c1c,color:#111827",
            ),
        ];
        for (classes, name, style) in colors {
            let ids: Vec<&str> =
                self.used.iter().filter(|(class, _)| classes.contains(class)).map(|(_, id)| id.as_str()).collect();
            let ids = ids.join(",");
            if !ids.is_empty() {
                self.line(1, &format!("classDef {name} {style}"));
                self.line(1, &format!("class {ids} {name}"));
            }
        }
    }
}

fn label(step: &Step) -> String {
    let mark = if step.waits_for_a_person() { "✋ " } else { "" };
    let about = step.summary();
    let name = format!("{mark}<b>{}</b>", escaped(&step.name));
    if about.is_empty() { name } else { format!("{name}<br/>{}", escaped(&about)) }
}

fn shape(class: StepClass) -> (&'static str, &'static str) {
    match class {
        StepClass::Choice => ("{", "}"),
        StepClass::Approval => ("{{", "}}"),
        StepClass::Succeed | StepClass::Fail | StepClass::Pass | StepClass::Wait => ("([", "])"),
        StepClass::Stack | StepClass::Import => ("[(", ")]"),
        StepClass::Parallel | StepClass::Map => ("[[", "]]"),
        _ => ("[", "]"),
    }
}

fn arrow(link: &Link) -> String {
    let line = if link.kind == LinkKind::Catch { "-.->" } else { "-->" };
    match link.label() {
        label if label.is_empty() => line.to_owned(),
        label => format!("{line}|\"{}\"|", escaped(&label)),
    }
}

/// Escapes a text for a label in quotes. Mermaid reads labels as HTML, or as Markdown behind a backtick.
fn escaped(text: &str) -> String {
    let mut result = String::new();
    for c in visible(text).chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' | '{' | '}' | '[' | ']' | '|' | '*' | '_' | '~' | ';' => {
                // Writing to a text cannot fail.
                let _ = write!(result, "#{};", c as u32);
            }
            c => result.push(c),
        }
    }
    result
}
