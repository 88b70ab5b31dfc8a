//! Links to a step lead to the first of the states it becomes (deployment-plan.md 8.1).

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::kinds::generated_names;
use crate::asl::Scope;

/// Where links of one scope must lead instead.
pub(super) struct Redirects<'a>(HashMap<&'a str, String>);

impl<'a> Redirects<'a> {
    pub(super) fn of(scope: &'a Scope) -> Self {
        let entries = scope.states.iter().filter_map(|state| {
            let entry = generated_names(state).into_iter().next()?;
            Some((state.name.as_str(), entry))
        });
        Self(entries.collect())
    }

    /// Returns the state that a link to the name must lead to.
    pub(super) fn entry<'n>(&'n self, name: &'n str) -> &'n str {
        self.0.get(name).map_or(name, String::as_str)
    }

    /// Changes all links in the fields of a state.
    pub(super) fn apply(&self, fields: &mut Map<String, Value>) {
        if self.0.is_empty() {
            return;
        }
        for key in ["Next", "Default"] {
            if let Some(target) = fields.get_mut(key) {
                self.link(target);
            }
        }
        for entry in fields.get_mut("Catch").and_then(Value::as_array_mut).into_iter().flatten() {
            self.rule(entry);
        }
        for rule in fields.get_mut("Choices").and_then(Value::as_array_mut).into_iter().flatten() {
            self.rule(rule);
        }
    }

    /// Changes the link of an entry in `Catch` or `Choices`, and those of the rules inside.
    fn rule(&self, rule: &mut Value) {
        if let Some(target) = rule.get_mut("Next") {
            self.link(target);
        }
        for key in ["And", "Or"] {
            rule.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().for_each(|rule| self.rule(rule));
        }
        if let Some(rule) = rule.get_mut("Not") {
            self.rule(rule);
        }
    }

    fn link(&self, value: &mut Value) {
        if let Value::String(name) = value
            && let Some(entry) = self.0.get(name.as_str())
        {
            name.clone_from(entry);
        }
    }
}
