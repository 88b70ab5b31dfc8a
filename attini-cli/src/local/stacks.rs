//! Simulated stacks as data.

use attini_core::port::StackEvent;
use attini_local::world::{ResourceSummary, StackDetails, StackSummary};
use serde_json::{Map, Value, json};

use crate::commands::deploy::history::local_time;

/// Returns what is shown of every stack.
pub(super) fn summary(stack: &StackSummary) -> Value {
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(stack.name));
    entry.insert("status".to_owned(), json!(stack.status));
    entry.insert("region".to_owned(), json!(stack.region));
    if let Some(environment) = &stack.environment {
        entry.insert("environment".to_owned(), json!(environment));
    }
    if let Some(parent) = &stack.nested_in {
        entry.insert("nestedIn".to_owned(), json!(parent));
    }
    entry.insert("updated".to_owned(), json!(local_time(stack.updated)));
    entry.insert("resources".to_owned(), json!(stack.resources));
    Value::Object(entry)
}

/// Returns all that can be shown of a stack.
pub(super) fn details(stack: &StackDetails) -> Value {
    let mut shown = summary(&stack.summary);
    shown["reason"] = json!(stack.reason);
    shown["id"] = json!(stack.id);
    shown["terminationProtection"] = json!(stack.termination_protection);
    shown["parameters"] = json!(stack.parameters);
    shown["outputs"] = stack.outputs.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    shown["tags"] = json!(stack.tags);
    shown["resources"] = stack.resources.iter().map(resource).collect();
    shown["drift"] = json!(stack.drift);
    shown["events"] = stack.events.iter().map(event).collect();
    shown
}

fn resource(resource: &ResourceSummary) -> Value {
    json!({
        "logicalId": resource.logical_id, "type": resource.resource_type, "status": resource.status,
        "physicalId": resource.physical_id,
    })
}

fn event(event: &StackEvent) -> Value {
    json!({
        "time": local_time(event.time), "timestamp": event.time.as_ms(), "logicalId": event.logical_id,
        "status": event.status.0, "type": event.resource_type, "physicalId": event.physical_id, "reason": event.reason,
    })
}
