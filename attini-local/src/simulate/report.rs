use attini_core::port::HistoryEvent;
use serde_json::{Map, Value, json};

use crate::engine::Outcome;

/// Fields of event details that hold JSON as text.
const TEXTS: [&str; 3] = ["input", "output", "parameters"];

/// Returns how an execution ended: `status`, then `output`, or `error` and `cause` if there are any.
#[must_use]
pub fn ended(outcome: &Outcome) -> Map<String, Value> {
    let (status, output, error, cause) = match outcome {
        Outcome::Succeeded { output } => ("SUCCEEDED", Some(output.clone()), None, None),
        Outcome::Failed { error, cause } => ("FAILED", None, error.as_ref(), cause.as_ref()),
        Outcome::Aborted { error, cause } => ("ABORTED", None, error.as_ref(), cause.as_ref()),
        Outcome::TimedOut => ("TIMED_OUT", None, None, None),
    };
    let mut ended = Map::from_iter([("status".to_owned(), json!(status))]);
    ended.extend(output.map(|output| ("output".to_owned(), output)));
    ended.extend(error.map(|error| ("error".to_owned(), json!(error))));
    ended.extend(cause.map(|cause| ("cause".to_owned(), json!(cause))));
    ended
}

/// Returns a history as the service lists it, with the JSON inside of texts decoded and without times.
#[must_use]
pub fn events(history: &[HistoryEvent]) -> Vec<Value> {
    history.iter().map(event).collect()
}

fn event(event: &HistoryEvent) -> Value {
    let mut fields = Map::from_iter([
        ("id".to_owned(), event.id.into()),
        ("previousEventId".to_owned(), event.previous_id.into()),
        ("type".to_owned(), event.kind.as_str().into()),
    ]);
    if event.details.as_object().is_some_and(|details| !details.is_empty()) {
        let mut details = event.details.clone();
        for field in TEXTS {
            if let Some(value) = details.get_mut(field) {
                decode(value);
            }
        }
        if let Some(Value::Object(variables)) = details.get_mut("assignedVariables") {
            variables.values_mut().for_each(decode);
        }
        fields.insert(details_field(&event.kind), details);
    }
    Value::Object(fields)
}

/// Replaces a text by the JSON in it, if it is JSON.
fn decode(value: &mut Value) {
    if let Some(decoded) = value.as_str().and_then(|text| serde_json::from_str(text).ok()) {
        *value = decoded;
    }
}

/// `PassStateEntered` -> `stateEnteredEventDetails`, `TaskFailed` -> `taskFailedEventDetails`.
fn details_field(kind: &str) -> String {
    let kind = ["StateEntered", "StateExited"].into_iter().find(|end| kind.ends_with(end)).unwrap_or(kind);
    let mut chars = kind.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect::<String>() + "EventDetails"
}
