use serde_json::Value;

/// The most bytes of a payload as JSON.
pub(super) const MAX_PAYLOAD_BYTES: usize = 262_144;
/// The most events of one execution; the service ends an execution that reaches it.
pub(super) const MAX_EVENTS: u64 = 25_000;
/// How deep a payload may be nested. The service has no such number; without one, a loop that wraps its payload
/// each time would exhaust the stack of whatever walks the value later.
const MAX_DEPTH: usize = 512;

/// The most bytes of all variables of an execution.
pub(super) const MAX_VARIABLE_BYTES: usize = 10 << 20;

/// Whether a value fits into a payload.
pub(super) fn fits(value: &Value) -> bool {
    size(value).is_some()
}

/// Returns the bytes of a value as JSON; `None` when it does not fit into a payload.
pub(super) fn size(value: &Value) -> Option<usize> {
    let mut bytes = 0_usize;
    let mut open = vec![(value, 0_usize)];
    while let Some((value, depth)) = open.pop() {
        bytes += match value {
            Value::Null => 4,
            Value::Bool(value) => 5 - usize::from(*value),
            Value::Number(number) => number.as_i64().map_or(8, digits),
            Value::String(text) => quoted(text),
            Value::Array(items) => {
                open.extend(items.iter().map(|item| (item, depth + 1)));
                2 + items.len().saturating_sub(1)
            }
            Value::Object(fields) => {
                open.extend(fields.values().map(|value| (value, depth + 1)));
                2 + fields.len().saturating_sub(1) + fields.keys().map(|name| quoted(name) + 1).sum::<usize>()
            }
        };
        if bytes > MAX_PAYLOAD_BYTES || depth > MAX_DEPTH {
            return None;
        }
    }
    Some(bytes)
}

fn quoted(text: &str) -> usize {
    2 + text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).count()
}

fn digits(number: i64) -> usize {
    let sign = usize::from(number < 0);
    sign + number.unsigned_abs().checked_ilog10().map_or(1, |log| usize::try_from(log).unwrap_or(0) + 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn size_is_that_of_compact_json() {
        let text = |length: usize| json!("x".repeat(length));
        assert!(fits(&text(MAX_PAYLOAD_BYTES - 2)));
        assert!(!fits(&text(MAX_PAYLOAD_BYTES - 1)));
        assert!(fits(&json!({"a": [1, -2, null, true, false, "\"\n"]})));
    }

    #[test]
    fn depth_is_limited() {
        let nested = |levels: usize| (0..levels).fold(json!(1), |value, _| json!([value]));
        assert!(fits(&nested(MAX_DEPTH)));
        assert!(!fits(&nested(MAX_DEPTH + 1)));
    }
}
