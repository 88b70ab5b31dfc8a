//! What the history of an execution says of its calls.

use std::collections::BTreeMap;

use attini_core::port::HistoryEvent;
use serde_json::{Map, Value};

use super::RecordError;
use crate::plan_test::run::entered;

/// One call of a state.
pub(super) struct Call {
    pub(super) state: String,
    pub(super) iterations: Vec<usize>,
    pub(super) parameters: Value,
    pub(super) submitted: Option<Value>,
    pub(super) end: End,
}

pub(super) enum End {
    Succeeded(Value),
    Failed { error: Option<String>, cause: Option<String> },
    Open,
}

/// What a history says.
pub(super) struct History {
    pub(super) calls: Vec<Call>,
    pub(super) entered: Vec<String>,
    /// The payload that the first state made.
    pub(super) prepared: Value,
    pub(super) stack_parameters: Map<String, Value>,
    pub(super) status: &'static str,
    pub(super) error: Option<String>,
    pub(super) tokens: Vec<String>,
}

fn text(event: &HistoryEvent, field: &str) -> Option<String> {
    event.details.get(field)?.as_str().map(str::to_owned)
}

fn json_in(event: &HistoryEvent, field: &str) -> Option<Value> {
    serde_json::from_str(event.details.get(field)?.as_str()?).ok()
}

impl History {
    pub(super) fn read(events: &[HistoryEvent]) -> Result<Self, RecordError> {
        if events.iter().any(|event| event.kind == "ExecutionRedriven") {
            return Err(RecordError::Resumed);
        }
        let by_id: BTreeMap<u64, &HistoryEvent> = events.iter().map(|event| (event.id, event)).collect();
        let last = events.last().ok_or(RecordError::Running)?;
        let status = match last.kind.as_str() {
            "ExecutionSucceeded" => "SUCCEEDED",
            "ExecutionFailed" => "FAILED",
            "ExecutionTimedOut" => "TIMED_OUT",
            "ExecutionAborted" => "ABORTED",
            _ => return Err(RecordError::Running),
        };
        let mut history = Self {
            calls: Vec::new(),
            entered: entered(events).map(str::to_owned).collect(),
            prepared: Value::Null,
            stack_parameters: Map::new(),
            status,
            error: text(last, "error"),
            tokens: Vec::new(),
        };
        // Number of the call that an event belongs to.
        let mut open: BTreeMap<u64, usize> = BTreeMap::new();
        for event in events {
            if event.kind.ends_with("Scheduled") {
                let parameters = json_in(event, "parameters").or_else(|| json_in(event, "input")).unwrap_or_default();
                history.tokens_in(&parameters);
                let (state, iterations) = place(event, &by_id);
                open.insert(event.id, history.calls.len());
                history.calls.push(Call { state, iterations, parameters, submitted: None, end: End::Open });
                continue;
            }
            let Some(number) = open.get(&event.previous_id).copied() else { continue };
            let call = &mut history.calls[number];
            match event.kind.as_str() {
                kind if kind.ends_with("Submitted") => call.submitted = json_in(event, "output"),
                kind if kind.ends_with("Succeeded") => {
                    call.end = End::Succeeded(json_in(event, "output").unwrap_or_default());
                }
                kind if kind.ends_with("TimedOut") => {
                    call.end = End::Failed { error: Some("States.Timeout".to_owned()), cause: None };
                }
                kind if kind.ends_with("Failed") => {
                    call.end = End::Failed { error: text(event, "error"), cause: text(event, "cause") };
                }
                _ => {}
            }
            // What follows the end is no event of the call.
            if matches!(call.end, End::Open) {
                open.insert(event.id, number);
            }
        }
        let first = history.calls.iter().find(|call| call.parameters["attiniActionType"] == "GetDeployOriginData");
        if let Some(End::Succeeded(payload)) = first.map(|call| &call.end) {
            history.stack_parameters = payload["stackParameters"].as_object().cloned().unwrap_or_default();
            history.prepared = payload.clone();
        }
        Ok(history)
    }

    fn tokens_in(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str().filter(|_| name.to_lowercase().ends_with("token")) {
                        Some(token) if !token.is_empty() => self.tokens.push(token.to_owned()),
                        _ => self.tokens_in(value),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.tokens_in(item)),
            _ => {}
        }
    }
}

/// Returns the state that an event belongs to, and the iterations around it, from the outside.
fn place(event: &HistoryEvent, by_id: &BTreeMap<u64, &HistoryEvent>) -> (String, Vec<usize>) {
    let mut state = None;
    let mut iterations = Vec::new();
    // The state whose beginning is looked for: what is in it is none of ours.
    let mut passed: Option<String> = None;
    let mut next = by_id.get(&event.previous_id);
    while let Some(event) = next {
        let name = text(event, "name").unwrap_or_default();
        if let Some(wanted) = &passed {
            if event.kind.ends_with("StateEntered") && name == *wanted {
                passed = None;
            }
        } else if event.kind.ends_with("StateExited") {
            passed = Some(name);
        } else if event.kind.ends_with("StateEntered") {
            state.get_or_insert(name);
        } else if event.kind == "MapIterationStarted" {
            let index = event.details.get("index").and_then(Value::as_u64).unwrap_or_default();
            iterations.push(usize::try_from(index).unwrap_or(usize::MAX));
        }
        next = by_id.get(&event.previous_id).filter(|before| before.id < event.id);
    }
    iterations.reverse();
    (state.unwrap_or_default(), iterations)
}
