//! A graph as JSON, for tools.

use serde_json::{Value, json};

use super::{Body, Link, LinkKind, PlanGraph, Step, StepClass, Target};

impl PlanGraph {
    /// Returns the graph for tools; field names and words do not change.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "distribution": self.distribution, "plan": self.plan, "body": body(&self.body) })
    }
}

fn body(it: &Body) -> Value {
    let name = |index: usize| it.steps.get(index).map(|step| step.name.clone());
    json!({
        "label": it.label,
        "start": it.start.and_then(name),
        "steps": it.steps.iter().map(step).collect::<Vec<_>>(),
        "links": it.links.iter().map(|found| link(found, &name)).collect::<Vec<_>>(),
    })
}

fn step(it: &Step) -> Value {
    json!({
        "name": it.name,
        "type": it.kind,
        "class": it.class.word(),
        "facts": it.facts.iter().map(|fact| json!({ "label": fact.label, "value": fact.value })).collect::<Vec<_>>(),
        "comment": it.comment,
        "bodies": it.bodies.iter().map(body).collect::<Vec<_>>(),
    })
}

fn link(it: &Link, name: &dyn Fn(usize) -> Option<String>) -> Value {
    let to = match it.to {
        Target::Step(index) => name(index),
        Target::End => None,
    };
    let kind = match it.kind {
        LinkKind::Next => "next",
        LinkKind::Condition => "condition",
        LinkKind::Otherwise => "otherwise",
        LinkKind::Catch => "catch",
    };
    json!({ "from": name(it.from), "to": to, "kind": kind, "labels": it.labels })
}

impl StepClass {
    /// Returns the word for the class in data and in the names of styles.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Stack => "stack",
            Self::Job => "job",
            Self::Approval => "approval",
            Self::Call => "call",
            Self::Import => "import",
            Self::Merge => "merge",
            Self::Choice => "choice",
            Self::Parallel => "parallel",
            Self::Map => "map",
            Self::Pass => "pass",
            Self::Wait => "wait",
            Self::Succeed => "succeed",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
        }
    }
}
