//! The parameters of a template: which are secret, which are lists (deployment-plan.md 4.5).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::kinds::read_flag;

/// Returns the names of the parameters whose values must not be shown.
pub(super) fn no_echo(fragment: &Value) -> BTreeSet<String> {
    let hidden = declared(fragment).filter(|(_, declaration)| is_no_echo(declaration));
    hidden.map(|(name, _)| name.clone()).collect()
}

/// Returns what the trigger sends of the parameters; `None` for a template without the section.
pub(super) fn for_trigger(fragment: &Value) -> Option<Map<String, Value>> {
    fragment.get("Parameters")?.as_object()?;
    let shown = declared(fragment).filter(|(_, declaration)| !is_no_echo(declaration));
    Some(shown.map(|(name, declaration)| (name.clone(), sent(name, declaration))).collect())
}

fn declared(fragment: &Value) -> impl Iterator<Item = (&String, &Value)> {
    fragment.get("Parameters").and_then(Value::as_object).into_iter().flatten()
}

fn is_no_echo(declaration: &Value) -> bool {
    declaration.get("NoEcho").and_then(read_flag) == Some(true)
}

/// A list would arrive as a JSON list, which a record of texts cannot hold.
fn sent(name: &str, declaration: &Value) -> Value {
    let kind = declaration.get("Type").and_then(Value::as_str).unwrap_or_default();
    let list = kind.starts_with("List<") || kind.contains("CommaDelimitedList") || kind.contains("Value<List<");
    if list { json!({"Fn::Join": [",", {"Ref": name}]}) } else { json!({"Ref": name}) }
}
