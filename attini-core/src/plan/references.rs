//! References to plans and runners, whose logical ids are gone after the expansion (deployment-plan.md 3).

use std::collections::BTreeSet;

use serde_json::Value;

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
                        ("Fn::Sub", Value::String(text)) if alone => self.substitution(text),
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
            let text = format!("the runner {id} cannot be used in a Ref, GetAtt or DependsOn");
            problems.push(PlanProblem::new(at.clone(), None, text).help("use the plain runner name".to_owned()));
        }
        if let Some((plan, machine)) = self.plan
            && id == plan
        {
            machine.clone_into(id);
        }
    }

    fn substitution(&self, text: &mut String) {
        let Some((plan, machine)) = self.plan else { return };
        for end in ["}", "."] {
            let reference = format!("${{{plan}{end}");
            if text.contains(&reference) {
                *text = text.replace(&reference, &format!("${{{machine}{end}"));
            }
        }
    }
}
