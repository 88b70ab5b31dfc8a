//! Intrinsic functions, evaluated in the scope of one stack.

mod cidr;
mod logic;
mod lookup;
pub(super) mod sub;
mod text;

use std::cell::Cell;
use std::collections::BTreeMap;

use attini_core::value::Place;
use serde_json::Value;

use super::at::At;
use super::{Export, Refusal, ResourceState, StoredParameter};

/// What one evaluation may produce in all, in bytes: templates can double a text with every step.
const BUDGET_BYTES: usize = 32 * 1_024 * 1_024;

/// A function that has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The template is wrong, in CloudFormation's words.
    Template(String),
    /// There is no such export.
    NoExport(String),
}

impl Fault {
    pub(super) fn template(text: impl std::fmt::Display) -> Self {
        Self::Template(format!("Template error: {text}"))
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Template(text) => text.clone(),
            Self::NoExport(name) => format!("No export named {name} found."),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Validation(fault.text())
    }
}

/// What functions can see.
pub(super) struct Scope<'a> {
    pub(super) stack_name: &'a str,
    pub(super) stack_id: &'a str,
    pub(super) place: &'a Place,
    pub(super) parameters: &'a BTreeMap<String, StoredParameter>,
    pub(super) mappings: &'a serde_json::Map<String, Value>,
    pub(super) conditions: &'a BTreeMap<String, bool>,
    pub(super) resources: &'a BTreeMap<String, ResourceState>,
    pub(super) exports: &'a BTreeMap<String, Export>,
    pub(super) ssm: &'a dyn Fn(&str) -> Option<String>,
    pub(super) language_extensions: bool,
    pub(super) budget: Cell<usize>,
}

/// Returns the initial budget of a [`Scope`].
pub(super) fn budget() -> Cell<usize> {
    Cell::new(BUDGET_BYTES)
}

/// Returns name and argument when the value is a function: an object whose only key is `Ref` or `Fn::…`.
pub(super) fn as_call(value: &Value) -> Option<(&str, &Value)> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    let (name, argument) = entries.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// Returns the text of a scalar, as functions see it.
pub(super) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

impl Scope<'_> {
    /// Returns the same scope with other mappings and conditions, and a budget of its own.
    pub(super) fn within<'b>(
        &'b self,
        mappings: &'b serde_json::Map<String, Value>,
        conditions: &'b BTreeMap<String, bool>,
    ) -> Scope<'b> {
        Scope { mappings, conditions, budget: budget(), language_extensions: true, ..*self }
    }

    /// Resolves all functions in a value; `None` is `AWS::NoValue`, which removes the property or element.
    pub(super) fn resolve(&self, value: &Value) -> Result<Option<Value>, Fault> {
        if let Some((name, argument)) = as_call(value) {
            let result = self.call(name, argument)?;
            self.charge(result.as_ref().map_or(0, size_of))?;
            return Ok(result);
        }
        match value {
            Value::Array(items) => {
                let mut resolved = Vec::with_capacity(items.len());
                for item in items {
                    resolved.extend(self.resolve(item)?);
                }
                Ok(Some(Value::Array(resolved)))
            }
            Value::Object(entries) => {
                let mut resolved = serde_json::Map::new();
                for (key, entry) in entries {
                    if let Some(entry) = self.resolve(entry)? {
                        resolved.insert(key.clone(), entry);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            Value::String(text) if text.contains("{{resolve:ssm:") => Ok(Some(Value::String(self.dynamic(text)?))),
            other => Ok(Some(other.clone())),
        }
    }

    /// Returns where in a value the first function stands that has no value.
    pub(super) fn blame(&self, value: &Value, at: &At<'_>) -> Option<String> {
        if as_call(value).is_some() {
            return self.resolve(value).is_err().then(|| at.to_string());
        }
        match value {
            Value::Array(items) => {
                items.iter().enumerate().find_map(|(index, item)| self.blame(item, &At::Index(at, index)))
            }
            Value::Object(entries) => entries.iter().find_map(|(key, entry)| self.blame(entry, &At::Key(at, key))),
            _ => self.resolve(value).is_err().then(|| at.to_string()),
        }
    }

    /// Resolves to a text, or fails with the rule that the function demands.
    fn text(&self, value: &Value, rule: &str) -> Result<String, Fault> {
        self.resolve(value)?.as_ref().and_then(text_of).ok_or_else(|| Fault::template(rule))
    }

    /// Resolves to a list, or fails with the rule that the function demands.
    fn list(&self, value: &Value, rule: &str) -> Result<Vec<Value>, Fault> {
        match self.resolve(value)? {
            Some(Value::Array(items)) => Ok(items),
            _ => Err(Fault::template(rule)),
        }
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>, Fault> {
        match name {
            "Ref" => self.reference(argument),
            "Fn::If" => self.choose(argument),
            "Fn::GetAtt" => self.attribute(argument).map(Some),
            "Fn::Sub" => self.substitute(argument).map(Some),
            "Fn::Join" => self.join(argument).map(Some),
            "Fn::Select" => self.select(argument).map(Some),
            "Fn::Split" => self.split(argument).map(Some),
            "Fn::FindInMap" => self.find_in_map(argument),
            "Fn::Base64" => self.base64(argument).map(Some),
            "Fn::Cidr" => self.cidr(argument).map(Some),
            "Fn::GetAZs" => self.zones(argument).map(Some),
            "Fn::ImportValue" => self.import(argument).map(Some),
            "Fn::Length" => self.length(argument).map(Some),
            "Fn::ToJsonString" => self.to_json(argument).map(Some),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => Ok(Some(Value::Bool(self.holds_call(name, argument)?))),
            other => Err(Fault::template(format_args!("encountered unsupported function: {other}"))),
        }
    }

    fn charge(&self, bytes: usize) -> Result<(), Fault> {
        let left = self.budget.get().checked_sub(bytes);
        self.budget.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or_else(|| {
            Fault::template(format_args!("the functions of one resource produce more than {BUDGET_BYTES} bytes"))
        })
    }
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 8,
        Value::Array(items) => items.iter().map(size_of).sum::<usize>() + 8,
        Value::Object(entries) => entries.iter().map(|(key, entry)| key.len() + size_of(entry)).sum::<usize>() + 8,
        _ => 8,
    }
}
