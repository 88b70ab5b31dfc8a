use attini_core::framework::ACTION_FUNCTION;
use serde_json::{Value, json};

use crate::engine::{TaskPattern, TaskRequest};

/// What a task calls.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    /// The framework's own function.
    Framework,
    /// Another Lambda function.
    Function {
        /// Its name or ARN.
        name: String,
    },
    /// Another service.
    Service,
}

impl Call {
    pub(super) fn of(task: &TaskRequest) -> Self {
        let name = if is_invoke(task) {
            task.parameters.get("FunctionName").and_then(Value::as_str).unwrap_or_default()
        } else if task.resource.contains(":lambda:") {
            &task.resource
        } else {
            return Self::Service;
        };
        match name.rsplit(":function:").next() {
            Some(ACTION_FUNCTION) => Self::Framework,
            _ => Self::Function { name: name.to_owned() },
        }
    }
}

/// Says whether a task goes through the Lambda integration, which wraps what it sends and gets.
pub(super) fn is_invoke(task: &TaskRequest) -> bool {
    task.resource.contains(":::lambda:invoke")
}

/// Returns what the called function gets.
pub(super) fn payload(task: &TaskRequest) -> Value {
    match is_invoke(task) {
        true => task.parameters.get("Payload").cloned().unwrap_or_else(|| json!({})),
        false => task.parameters.clone(),
    }
}

/// Returns the result of the call as the state sees it.
pub(super) fn result(task: &TaskRequest, payload: Value) -> Value {
    match is_invoke(task) {
        true => json!({ "ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200 }),
        false => payload,
    }
}

/// Returns what the framework is to do (`attiniActionType`), for a task that waits for its token.
pub(super) fn waiting_action(task: &TaskRequest) -> Option<&str> {
    if task.pattern != TaskPattern::WaitForTaskToken || Call::of(task) != Call::Framework {
        return None;
    }
    task.parameters.pointer("/Payload/attiniActionType").and_then(Value::as_str)
}
