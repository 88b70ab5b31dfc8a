//! What a value of a template refers to, without evaluating it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Refusal;
use super::at::At;
use super::intrinsics::{as_call, sub};

/// Functions of properties and outputs.
const PROPERTY_FUNCTIONS: [&str; 19] = [
    "Fn::Base64",
    "Fn::GetAtt",
    "Fn::GetAZs",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Split",
    "Fn::FindInMap",
    "Fn::Select",
    "Ref",
    "Fn::Equals",
    "Fn::If",
    "Fn::Not",
    "Condition",
    "Fn::And",
    "Fn::Or",
    "Fn::Sub",
    "Fn::Cidr",
    "Fn::Length",
    "Fn::ToJsonString",
];
const RULE_FUNCTIONS: [&str; 3] = ["Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"];
const LANGUAGE_EXTENSIONS: [&str; 2] = ["Fn::Length", "Fn::ToJsonString"];
/// Real functions that the simulator does not have.
const UNSUPPORTED: [&str; 4] = ["Fn::Transform", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"];

/// Names that a value refers to.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Names in `Ref`, and variables of `Fn::Sub` without a dot: parameters, resources, pseudo parameters.
    pub(super) refs: BTreeSet<String>,
    /// Logical ids in `Fn::GetAtt`, and before the first dot of a variable of `Fn::Sub`.
    pub(super) attributes_of: BTreeSet<String>,
    /// Names of conditions in `Fn::If` and `Condition`.
    pub(super) conditions: BTreeSet<String>,
    /// Names of maps in `Fn::FindInMap`, when written as text.
    pub(super) mappings: BTreeSet<String>,
}

impl References {
    /// Collects what a value refers to. `taken` says how a condition turned out; with `None` both branches count.
    pub(super) fn of(value: &Value, taken: &dyn Fn(&str) -> Option<bool>) -> Self {
        let mut references = Self::default();
        references.collect(value, taken);
        references
    }

    /// Returns the logical ids and other names, whichever way they are referred to.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.refs.iter().chain(&self.attributes_of)
    }

    fn collect(&mut self, value: &Value, taken: &dyn Fn(&str) -> Option<bool>) {
        match (as_call(value), value) {
            (Some((name, argument)), _) => self.collect_call(name, argument, taken),
            (None, Value::Array(items)) => items.iter().for_each(|item| self.collect(item, taken)),
            (None, Value::Object(entries)) => entries.values().for_each(|entry| self.collect(entry, taken)),
            _ => {}
        }
    }

    fn collect_call(&mut self, name: &str, argument: &Value, taken: &dyn Fn(&str) -> Option<bool>) {
        match (name, argument) {
            ("Ref", Value::String(target)) => {
                self.refs.insert(target.clone());
            }
            ("Fn::GetAtt", Value::String(text)) => self.attribute_of(text.split('.').next().unwrap_or(text)),
            ("Fn::GetAtt", Value::Array(items)) => {
                if let Some(target) = items.first().and_then(Value::as_str) {
                    self.attribute_of(target.split('.').next().unwrap_or(target));
                }
                items.iter().skip(1).for_each(|item| self.collect(item, taken));
            }
            ("Fn::Sub", Value::String(text)) => self.collect_sub(text, &[]),
            ("Fn::Sub", Value::Array(items)) => {
                let variables = items.get(1).and_then(Value::as_object);
                let local: Vec<&str> =
                    variables.map(|map| map.keys().map(String::as_str).collect()).unwrap_or_default();
                if let Some(text) = items.first().and_then(Value::as_str) {
                    self.collect_sub(text, &local);
                }
                variables.iter().flat_map(|map| map.values()).for_each(|value| self.collect(value, taken));
            }
            ("Fn::If", Value::Array(items)) => {
                let condition = items.first().and_then(Value::as_str).unwrap_or_default();
                self.conditions.insert(condition.to_owned());
                let outcome = taken(condition);
                for (branch, item) in [(true, items.get(1)), (false, items.get(2))] {
                    if let Some(item) = item.filter(|_| outcome.is_none_or(|outcome| outcome == branch)) {
                        self.collect(item, taken);
                    }
                }
            }
            ("Fn::FindInMap", Value::Array(items)) => {
                if let Some(map) = items.first().and_then(Value::as_str) {
                    self.mappings.insert(map.to_owned());
                }
                items.iter().for_each(|item| self.collect(item, taken));
            }
            _ => self.collect(argument, taken),
        }
    }

    fn attribute_of(&mut self, target: &str) {
        self.attributes_of.insert(target.to_owned());
    }

    fn collect_sub(&mut self, text: &str, local: &[&str]) {
        // A text that cannot be read is reported by the check of functions.
        let Ok(pieces) = sub::parse(text) else { return };
        for variable in pieces.iter().filter_map(sub::Piece::variable).filter(|name| !local.contains(name)) {
            match variable.split_once('.') {
                Some((target, _)) => self.attribute_of(target),
                None => {
                    self.refs.insert(variable.to_owned());
                }
            }
        }
    }
}

/// Where a value stands, which decides the functions it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Properties of resources and outputs.
    Value,
    /// Conditions, where `{"Condition": …}` is a function too.
    Condition,
    /// Rules.
    Rule,
}

/// Refuses functions that do not exist, that are not allowed at the place, or that the simulator does not have.
pub(super) fn check_functions(
    value: &Value,
    place: Place,
    language_extensions: bool,
    at: &At<'_>,
) -> Result<(), Refusal> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_functions(item, place, language_extensions, &At::Index(at, index))),
        Value::Object(entries) => entries.iter().try_for_each(|(key, entry)| {
            if key.starts_with("Fn::") {
                check_name(key, entries.len(), place, language_extensions, at)?;
                if key == "Fn::FindInMap" && !language_extensions {
                    check_map_keys(entry, at)?;
                }
                if key == "Fn::Sub"
                    && let Some(text) = entry.as_str().or_else(|| entry.get(0)?.as_str())
                {
                    sub::parse(text).map_err(|fault| Refusal::at(&fault.text(), At::Key(at, key)))?;
                }
            }
            check_functions(entry, place, language_extensions, &At::Key(at, key))
        }),
        _ => Ok(()),
    }
}

/// Without the language extensions, only `Ref` and `Fn::FindInMap` may stand in `Fn::FindInMap`.
fn check_map_keys(arguments: &Value, at: &At<'_>) -> Result<(), Refusal> {
    let other = |argument: &Value| match as_call(argument) {
        Some((name, _)) => name != "Ref" && name != "Fn::FindInMap",
        None => !argument.is_string() && !argument.is_number() && !argument.is_boolean(),
    };
    if !arguments.as_array().is_some_and(|arguments| arguments.iter().any(other)) {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value (at {at}); functions other than Ref and Fn::FindInMap, and DefaultValue, need the transform AWS::LanguageExtensions",
    )))
}

fn check_name(name: &str, keys: usize, place: Place, language_extensions: bool, at: &At<'_>) -> Result<(), Refusal> {
    let unsupported = UNSUPPORTED
        .iter()
        .find(|known| name.strip_prefix(**known).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")));
    if let Some(known) = unsupported {
        return Err(Refusal::unsupported(format!("{known} in {at}")));
    }
    let extension = LANGUAGE_EXTENSIONS.contains(&name) || name.starts_with("Fn::ForEach");
    if extension && !language_extensions {
        return Err(Refusal::validation(format!(
            "Template error: {name} in {at} needs the transform AWS::LanguageExtensions"
        )));
    }
    let known = PROPERTY_FUNCTIONS.contains(&name) || place == Place::Rule && RULE_FUNCTIONS.contains(&name);
    if !known {
        return Err(Refusal::validation(format!(
            "Template error: encountered unsupported function: {name} ({}). Supported functions are: [{}]",
            at,
            PROPERTY_FUNCTIONS.join(", ")
        )));
    }
    if keys > 1 {
        let text = format!("Template error: {name} in {at} must be the only key of its object");
        return Err(Refusal::validation(text));
    }
    Ok(())
}

/// Returns where the first reference to a name stands.
pub(super) fn find_reference(value: &Value, name: &str, at: &At<'_>) -> Option<String> {
    let inner = match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| find_reference(item, name, &At::Index(at, index)))
        }
        Value::Object(entries) => {
            entries.iter().find_map(|(key, entry)| find_reference(entry, name, &At::Key(at, key)))
        }
        _ => None,
    };
    inner.or_else(|| {
        let is_call = as_call(value).is_some() || value.get("Condition").is_some_and(Value::is_string);
        let references = References::of(value, &|_| None);
        let named = references.names().chain(&references.conditions).chain(&references.mappings).any(|one| one == name);
        (is_call && named).then(|| at.to_string())
    })
}
