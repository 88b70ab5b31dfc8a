//! `Map` and `AttiniMap`: one run of a scope per item (deployment-plan.md 8.12).

use serde_json::{Map, Value};

use crate::asl::{IteratorKey, Scope, State};
use crate::plan::expander::PlanContext;
use crate::plan::problem::PlanProblem;

/// Refuses distributed maps, whose iterations are executions of their own.
pub(in crate::plan) fn check(state: &State, iterator: &Scope, trail: &[&str], problems: &mut Vec<PlanProblem>) {
    let mode = iterator.fields.get("ProcessorConfig").and_then(|config| config.get("Mode"));
    if mode.is_some_and(|mode| mode == "DISTRIBUTED") {
        let path = iterator.origin.key("ProcessorConfig").key("Mode");
        let text = format!("{} cannot run with Mode DISTRIBUTED, only INLINE", state.kind);
        problems.push(PlanProblem::new(path, Some(&trail.join(" > ")), text));
    }
}

/// Turns an `AttiniMap` into a `Map` whose items are paths of stack configuration files.
pub(in crate::plan) fn frame(plan: &PlanContext, key: IteratorKey, state: &mut Map<String, Value>) {
    let (selector, other) = match key {
        IteratorKey::Iterator => ("Parameters", "ItemSelector"),
        IteratorKey::ItemProcessor => ("ItemSelector", "Parameters"),
    };
    let mut item = Map::new();
    item.insert("ConfigFile.$".to_owned(), Value::String("$$.Map.Item.Value".to_owned()));
    for field in plan.payload_fields() {
        item.insert(format!("{field}.$"), Value::String(format!("$.{field}")));
    }
    state.shift_remove(other);
    state.insert("Type".to_owned(), Value::String("Map".to_owned()));
    state.insert("InputPath".to_owned(), Value::String("$".to_owned()));
    state.insert(selector.to_owned(), Value::Object(item));
}
