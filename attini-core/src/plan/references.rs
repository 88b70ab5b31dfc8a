//! References to plans and runners, whose logical ids are gone after the expansion (deployment-plan.md 3).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::problem::PlanProblem;
use crate::document::DocPath;

/// Says whether a value is an intrinsic function of CloudFormation.
pub(super) fn is_intrinsic(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        object.len() == 1 && object.keys().all(|key| key == "Ref" || key == "Condition" || key.starts_with("Fn::"))
    })
}

/// Returns the first runner that a value refers to.
pub(super) fn runner_in<'v>(value: &'v Value, runners: &BTreeSet<String>) -> Option<&'v str> {
    match value {
        Value::Object(object) => {
            let named = match (object.get("Ref"), object.get("Fn::GetAtt")) {
                (Some(Value::String(name)), _) => Some(name.as_str()),
                (_, Some(Value::String(name))) => name.split('.').next(),
                (_, Some(Value::Array(parts))) => parts.first().and_then(Value::as_str),
                _ => None,
            };
            let named = named.filter(|name| object.len() == 1 && runners.contains(*name));
            named.or_else(|| object.values().find_map(|value| runner_in(value, runners)))
        }
        Value::Array(items) => items.iter().find_map(|item| runner_in(item, runners)),
        _ => None,
    }
}

/// Makes references to the plan lead to its state machine, and reports those to runners.
pub(super) struct References<'a> {
    /// The plan's logical id and the one of its state machine.
    pub(super) plan: Option<(&'a str, &'a str)>,
    /// Logical ids of the template's runners.
    pub(super) runners: &'a BTreeSet<String>,
}

impl References<'_> {
    /// Adapts everything in a resource or an output.
    pub(super) fn adapt(&self, value: &mut Value, at: &DocPath, problems: &mut Vec<PlanProblem>) {
        if let Some(resource) = value.as_object_mut()
            && let Some(depends) = resource.get_mut("DependsOn")
        {
            let at = at.key("DependsOn");
            match depends {
                Value::Array(items) => items.iter_mut().for_each(|item| self.id(item, &at, problems)),
                one => self.id(one, &at, problems),
            }
        }
        self.walk(value, at, problems);
    }

    fn walk(&self, value: &mut Value, at: &DocPath, problems: &mut Vec<PlanProblem>) {
        match value {
            Value::Object(object) => {
                let alone = object.len() == 1;
                for (key, value) in object {
                    let at = at.key(key);
                    match (key.as_str(), &mut *value) {
                        ("Ref", value) if alone => self.id(value, &at, problems),
                        ("Fn::GetAtt", Value::String(text)) if alone => {
                            let (id, attribute) = text.split_once('.').unwrap_or((text, ""));
                            let mut id = Value::String(id.to_owned());
                            let attribute = attribute.to_owned();
                            self.id(&mut id, &at, problems);
                            if let Value::String(id) = id {
                                *text = if attribute.is_empty() { id } else { format!("{id}.{attribute}") };
                            }
                        }
                        ("Fn::GetAtt", Value::Array(parts)) if alone => {
                            if let Some(id) = parts.first_mut() {
                                self.id(id, &at, problems);
                            }
                        }
                        ("Fn::Sub", Value::String(text)) if alone => self.substitution(text, None, &at, problems),
                        ("Fn::Sub", Value::Array(parts)) if alone => {
                            if let [Value::String(text), values, ..] = parts.as_mut_slice() {
                                self.substitution(text, values.as_object(), &at, problems);
                                self.walk(values, &at.index(1), problems);
                            }
                        }
                        (_, value) => self.walk(value, &at, problems),
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.walk(item, &at.index(index), problems);
                }
            }
            _ => {}
        }
    }

    fn id(&self, value: &mut Value, at: &DocPath, problems: &mut Vec<PlanProblem>) {
        let Value::String(id) = value else { return };
        if self.runners.contains(id.as_str()) {
            let text = format!("the runner {id} cannot be used in a Ref, GetAtt, Sub or DependsOn");
            problems.push(PlanProblem::new(at.clone(), None, text).help("use the plain runner name".to_owned()));
        }
        if let Some((plan, machine)) = self.plan
            && id == plan
        {
            machine.clone_into(id);
        }
    }

    /// Adapts `${Plan}` and `${Plan.Attribute}` in a text, unless `own` says what the name stands for.
    fn substitution(
        &self,
        text: &mut String,
        own: Option<&Map<String, Value>>,
        at: &DocPath,
        problems: &mut Vec<PlanProblem>,
    ) {
        let mut result = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            result.push_str(before);
            result.push_str("${");
            rest = after;
            let end = after.find(['}', '.']).unwrap_or(after.len());
            let name = &after[..end];
            if end == after.len() || own.is_some_and(|own| own.contains_key(name)) {
                continue;
            }
            let mut id = Value::String(name.to_owned());
            self.id(&mut id, at, problems);
            result.push_str(id.as_str().unwrap_or(name));
            rest = &after[end..];
        }
        result.push_str(rest);
        *text = result;
    }
}
