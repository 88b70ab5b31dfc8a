//! Drift: what somebody changed behind a stack's back.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::StackState;
use super::resources::is_same;

/// Properties as they are outside of the stack, by logical id; `None` for a resource that is gone. Only properties that are
/// named differ, and `null` is one that was taken away.
pub type Changed = BTreeMap<String, Option<Map<String, Value>>>;

/// How a resource differs from its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceDrift {
    /// Name in the template; `Child.Bucket` is a resource of the nested stack `Child`.
    pub logical_id: String,
    /// Whether and how it differs.
    pub status: DriftStatus,
    /// The properties that differ.
    pub differences: Vec<Difference>,
}

/// CloudFormation's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DriftStatus {
    /// Nothing that was looked at differs.
    InSync,
    /// Properties differ.
    Modified,
    /// The resource is gone.
    Deleted,
}

/// A property that differs. Values are left out, because they can be secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Where: `/Tags/0/Value`.
    pub path: String,
    /// `ADD`, `REMOVE` or `NOT_EQUAL`.
    pub kind: &'static str,
}

/// Compares the resources named in `changed` with the stack. Names that the stack does not have are passed over.
#[must_use]
pub fn drift(state: &StackState, changed: &Changed) -> Vec<ResourceDrift> {
    let mut found = Vec::new();
    for (id, outside) in changed {
        let Some(resource) = find(state, id) else { continue };
        let mut differences = Vec::new();
        for (name, actual) in outside.iter().flatten() {
            compare(&format!("/{name}"), resource.properties.get(name), Some(actual), &mut differences);
        }
        let status = match (outside, differences.is_empty()) {
            (None, _) => DriftStatus::Deleted,
            (Some(_), true) => DriftStatus::InSync,
            (Some(_), false) => DriftStatus::Modified,
        };
        found.push(ResourceDrift { logical_id: id.clone(), status, differences });
    }
    found
}

fn find<'a>(state: &'a StackState, id: &str) -> Option<&'a super::ResourceState> {
    match id.split_once('.') {
        Some((child, rest)) => find(state.resources.get(child)?.nested.as_deref()?, rest),
        None => state.resources.get(id),
    }
}

fn compare(path: &str, expected: Option<&Value>, actual: Option<&Value>, found: &mut Vec<Difference>) {
    let mut note = |kind| found.push(Difference { path: path.to_owned(), kind });
    match (expected, actual.filter(|actual| !actual.is_null())) {
        (None, None) => {}
        (None, Some(_)) => note("ADD"),
        (Some(_), None) => note("REMOVE"),
        (Some(Value::Object(expected)), Some(Value::Object(actual))) => {
            for key in expected.keys().chain(actual.keys().filter(|key| !expected.contains_key(*key))) {
                compare(&format!("{path}/{key}"), expected.get(key), actual.get(key), found);
            }
        }
        (Some(Value::Array(expected)), Some(Value::Array(actual))) => {
            for index in 0..expected.len().max(actual.len()) {
                compare(&format!("{path}/{index}"), expected.get(index), actual.get(index), found);
            }
        }
        (Some(expected), Some(actual)) if is_same(expected, actual) => {}
        (Some(_), Some(_)) => note("NOT_EQUAL"),
    }
}
