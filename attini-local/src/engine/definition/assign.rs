//! Names of variables: which machines assign which.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::engine::template::Template;

/// The longest name of a variable.
const MAX_NAME: usize = 80;

/// Returns the variables that the states of a machine assign, those of its branches and iterators left out.
pub(super) fn assigned(states: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for state in states.values() {
        let rules = ["Choices", "Catch"].into_iter().filter_map(|field| state.get(field)?.as_array()).flatten();
        for holder in std::iter::once(state).chain(rules) {
            let assign = holder.get("Assign").and_then(Value::as_object);
            names.extend(assign.into_iter().flat_map(Map::keys).map(|name| plain(name).to_owned()));
        }
    }
    names
}

/// Reads `Assign`; `outer` are the variables of the machines around.
pub(super) fn template(fields: &mut Fields<'_, '_>, outer: &BTreeSet<String>) -> Option<Template> {
    const FIELD: &str = "Assign";
    match fields.get(FIELD)? {
        Value::Object(variables) => {
            for name in variables.keys().map(|name| plain(name)) {
                if let Some(problem) = problem(name, outer) {
                    fields.problem(FIELD, problem);
                }
            }
            fields.template(FIELD)
        }
        _ => {
            fields.problem(FIELD, "write an object with the variables and their values");
            None
        }
    }
}

fn plain(name: &str) -> &str {
    name.strip_suffix(".$").unwrap_or(name)
}

fn problem(name: &str, outer: &BTreeSet<String>) -> Option<String> {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_');
    if !starts || !chars.all(|c| c.is_alphanumeric() || c == '_') {
        Some(format!("`{name}` is no name of a variable; use letters, digits and `_`, and begin with a letter"))
    } else if name.chars().count() > MAX_NAME {
        Some(format!("`{name}` is longer than {MAX_NAME} characters"))
    } else if name == "states" {
        Some("`states` is reserved; choose another name".to_owned())
    } else if outer.contains(name) {
        Some(format!(
            "the machine around assigns `{name}` too, which states in here can read but not assign; choose another name"
        ))
    } else {
        None
    }
}
