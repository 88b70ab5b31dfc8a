//! The `Conditions` section: evaluation in the order of their dependencies.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::Refusal;
use super::references::References;

/// Says whether a condition holds while those in the map are known.
type Holds<'a> = dyn Fn(&BTreeMap<String, bool>, &Value) -> Result<bool, Refusal> + 'a;

/// Evaluates every condition, each after those it names.
pub(super) fn evaluate<'a>(
    conditions: &'a Map<String, Value>,
    holds: &Holds<'_>,
) -> Result<BTreeMap<String, bool>, Refusal> {
    let mut open: Vec<(&'a String, &'a Value, BTreeSet<String>)> = Vec::new();
    for (name, value) in conditions {
        let needs = names_in(value);
        if let Some(unknown) = needs.iter().find(|name| !conditions.contains_key(*name)) {
            return Err(Refusal::format(format_args!(
                "Unresolved condition dependency {unknown} in the Conditions block of the template"
            )));
        }
        open.push((name, value, needs));
    }
    let mut known = BTreeMap::new();
    while !open.is_empty() {
        let (ready, waiting): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(_, _, needs)| needs.iter().all(|name| known.contains_key(name)));
        if ready.is_empty() {
            let names: Vec<&str> = waiting.iter().map(|(name, ..)| name.as_str()).collect();
            return Err(Refusal::format(format_args!(
                "Circular dependency between conditions: [{}]",
                names.join(", ")
            )));
        }
        for (name, value, _) in ready {
            let outcome = holds(&known, value)?;
            known.insert(name.clone(), outcome);
        }
        open = waiting;
    }
    Ok(known)
}

/// Conditions a condition depends on: `{"Condition": name}` and `Fn::If`.
fn names_in(value: &Value) -> BTreeSet<String> {
    let mut names = References::of(value, &|_| None).conditions;
    collect_conditions(value, &mut names);
    names
}

fn collect_conditions(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_conditions(item, names)),
        Value::Object(entries) => {
            for (key, entry) in entries {
                match entry {
                    Value::String(name) if key == "Condition" && entries.len() == 1 => {
                        names.insert(name.clone());
                    }
                    _ => collect_conditions(entry, names),
                }
            }
        }
        _ => {}
    }
}
