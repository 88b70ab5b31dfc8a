//! The ranges of the numbers that a definition may hold.

use serde_json::{Map, Value};

const MAX_SECONDS: u64 = 99_999_999;

/// Whole numbers of states, with their least and greatest values.
const OF_STATES: [(&str, u64, u64); 5] = [
    ("Seconds", 0, MAX_SECONDS),
    ("TimeoutSeconds", 1, MAX_SECONDS),
    ("HeartbeatSeconds", 1, MAX_SECONDS),
    ("MaxConcurrency", 0, u64::MAX),
    ("ToleratedFailureCount", 0, u64::MAX),
];
const OF_RETRIERS: [(&str, u64, u64); 3] =
    [("IntervalSeconds", 1, MAX_SECONDS), ("MaxAttempts", 0, MAX_SECONDS), ("MaxDelaySeconds", 1, 31_622_400)];

/// Returns the fields of a state with wrong numbers, and what is wrong with each. An expression is none until it is
/// evaluated.
pub(super) fn of_state(state: &Map<String, Value>, is_jsonata: bool) -> Vec<(&'static str, String)> {
    let mut found = whole(state, &OF_STATES, is_jsonata);
    let number = |field: &str| state.get(field).and_then(Value::as_f64);
    if let (Some(timeout), Some(heartbeat)) = (number("TimeoutSeconds"), number("HeartbeatSeconds"))
        && heartbeat >= timeout
    {
        found.push(("HeartbeatSeconds", "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'".to_owned()));
    }
    found
}

/// Like [`of_state`], for one entry of `Retry`.
pub(super) fn of_retrier(retrier: &Map<String, Value>) -> Vec<(&'static str, String)> {
    whole(retrier, &OF_RETRIERS, false)
}

fn whole(
    object: &Map<String, Value>,
    fields: &[(&'static str, u64, u64)],
    is_jsonata: bool,
) -> Vec<(&'static str, String)> {
    fields
        .iter()
        .filter_map(|(field, least, most)| {
            let value = object.get(*field)?;
            if is_jsonata && value.as_str().is_some_and(|text| text.starts_with("{%") && text.ends_with("%}")) {
                return None;
            }
            match value.as_f64().filter(|number| number.fract() == 0.0) {
                None => Some((*field, "Expected value of type Integer".to_owned())),
                #[expect(clippy::cast_precision_loss, reason = "what is compared needs no 64 bits")]
                Some(number) if number < *least as f64 || number > *most as f64 => {
                    Some((*field, format!("Value must be between {least} and {most}")))
                }
                Some(_) => None,
            }
        })
        .collect()
}
