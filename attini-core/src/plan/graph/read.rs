//! From the states of a plan to its graph.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::condition::condition_text;
use super::facts::{facts_of, kind_of, text_of};
use super::{Body, Link, LinkKind, PlanGraph, Step, StepClass, Target};
use crate::asl::{Nested, Scope, State, scalar_text};
use crate::document::DocPath;
use crate::plan::PlanResource;
use crate::plan::survey;

impl PlanGraph {
    /// Reads a plan: a list of steps, or an object with `StartAt` and `States`. What cannot be read is left out.
    ///
    /// `default_runner` is the runner of steps that name none.
    #[must_use]
    pub fn read(definition: &Value, default_runner: Option<&str>) -> Self {
        let scope = survey::read(definition, &DocPath::root());
        Self { distribution: None, plan: None, body: body_of(&scope, String::new(), default_runner) }
    }

    /// Reads a plan of a template; `None` when its resource holds none.
    #[must_use]
    pub fn of_template(template: &Value, plan: &PlanResource) -> Option<Self> {
        let definition = plan.definition(template)?;
        let properties = &template["Resources"][&plan.logical_id]["Properties"];
        let runner = properties.get("DefaultRunner").filter(|runner| !runner.is_null()).map(text_of);
        let graph = Self::read(definition, runner.as_deref());
        Some(Self { plan: Some(plan.logical_id.clone()), ..graph })
    }
}

fn body_of(scope: &Scope, label: String, runner: Option<&str>) -> Body {
    let written: Vec<&State> = scope.states.iter().filter(|state| state.made_for.is_none()).collect();
    let mut reader = Reader { scope, index: HashMap::new(), body: Body { label, ..Body::default() } };
    for (index, state) in written.iter().enumerate() {
        // A name that stands twice is a mistake; links lead to the first.
        reader.index.entry(state.name.clone()).or_insert(index);
        reader.body.steps.push(step_of(state, runner));
    }
    if !scope.start.is_empty() {
        reader.body.start = match reader.target(&scope.start) {
            Target::Step(index) => Some(index),
            Target::End => None,
        };
    }
    for (index, state) in written.iter().enumerate() {
        reader.links(index, state);
    }
    reader.body
}

fn step_of(state: &State, runner: Option<&str>) -> Step {
    let kind = kind_of(&state.kind, &state.fields);
    let facts = facts_of(&kind, &state.fields, runner);
    let bodies = match &state.nested {
        Nested::None => Vec::new(),
        Nested::Branches(scopes) => {
            let bodies = scopes.iter().enumerate();
            bodies.map(|(index, scope)| body_of(scope, format!("branch {}", index + 1), runner)).collect()
        }
        Nested::Iterator(_, scope) => vec![body_of(scope, "for each item".to_owned(), runner)],
    };
    let comment = state.fields.get("Comment").and_then(scalar_text).filter(|text| !text.trim().is_empty());
    Step { name: state.name.clone(), kind: kind.name, class: kind.class, facts, comment, bodies }
}

struct Reader<'s> {
    scope: &'s Scope,
    index: HashMap<String, usize>,
    body: Body,
}

impl Reader<'_> {
    /// Finds what a name leads to. A step that was not written leads on to the next one that was.
    fn target(&mut self, name: &str) -> Target {
        if let Some(index) = self.index.get(name) {
            return Target::Step(*index);
        }
        let made = self.scope.state(name).filter(|state| state.made_for.is_some());
        if let Some(state) = made {
            let next = state.fields.get("Next").and_then(Value::as_str).filter(|next| *next != name);
            return match next {
                Some(next) => self.target(next),
                None => Target::End,
            };
        }
        let index = self.body.steps.len();
        self.index.insert(name.to_owned(), index);
        self.body.steps.push(Step {
            name: name.to_owned(),
            kind: "no such step".to_owned(),
            class: StepClass::Missing,
            facts: Vec::new(),
            comment: None,
            bodies: Vec::new(),
        });
        Target::Step(index)
    }

    fn links(&mut self, from: usize, state: &State) {
        if state.kind == "Choice" {
            for rule in list(&state.fields, "Choices") {
                let to = self.named(rule);
                self.link(from, to, LinkKind::Condition, vec![condition_text(rule)]);
            }
            if let Some(name) = state.fields.get("Default").and_then(scalar_text) {
                let to = self.target(&name);
                self.link(from, to, LinkKind::Otherwise, Vec::new());
            }
        } else if !matches!(state.kind.as_str(), "Succeed" | "Fail") {
            let to = self.named(&state.fields);
            self.link(from, to, LinkKind::Next, Vec::new());
        }
        for rule in list(&state.fields, "Catch") {
            let errors =
                rule.get("ErrorEquals").and_then(Value::as_array).into_iter().flatten().filter_map(scalar_text);
            let errors =
                errors.map(|error| if error == "States.ALL" { "any error".to_owned() } else { error }).collect();
            let to = self.named(rule);
            self.link(from, to, LinkKind::Catch, errors);
        }
    }

    /// Returns where the `Next` of a state or rule leads; a step without one ends its scope.
    fn named(&mut self, fields: &Map<String, Value>) -> Target {
        match fields.get("Next").and_then(scalar_text) {
            Some(name) => self.target(&name),
            None => Target::End,
        }
    }

    /// Adds a link, or a further reason to one that is there.
    fn link(&mut self, from: usize, to: Target, kind: LinkKind, labels: Vec<String>) {
        let same = |link: &&mut Link| (link.from, link.to, link.kind) == (from, to, kind);
        match self.body.links.iter_mut().rev().take_while(|link| link.from == from).find(same) {
            Some(link) => link.labels.extend(labels),
            None => self.body.links.push(Link { from, to, kind, labels }),
        }
    }
}

/// Returns the objects of a list.
fn list<'s>(fields: &'s Map<String, Value>, key: &str) -> impl Iterator<Item = &'s Map<String, Value>> + use<'s> {
    fields.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
