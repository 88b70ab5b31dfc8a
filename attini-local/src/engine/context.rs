use std::fmt;

use attini_core::value::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::chance::Seed;

/// What an execution knows of itself: the source of its context object.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionContext {
    /// `$$.Execution.Id`: its ARN.
    pub execution_arn: String,
    /// `$$.Execution.Name`.
    pub execution_name: String,
    /// `$$.Execution.RoleArn`.
    pub role_arn: String,
    /// `$$.StateMachine.Id`: the ARN of the machine.
    pub machine_arn: String,
    /// `$$.StateMachine.Name`.
    pub machine_name: String,
    /// The region that events of tasks name.
    pub region: String,
    /// What the execution was started with.
    pub input: Value,
    /// Tokens and chance.
    pub seed: Seed,
    /// What stands in for the whole context object, where somebody tests a state with one of his own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
}

/// Without the input, which may hold secrets.
impl fmt::Debug for ExecutionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecutionContext").field("execution_arn", &self.execution_arn).finish_non_exhaustive()
    }
}

/// Reads a time as the States Language wants it: RFC 3339 with an upper-case `T`, and an upper-case `Z` or an offset.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    if is_rfc3339(text) { Timestamp::parse_rfc3339(text) } else { None }
}

/// Other forms of ISO 8601 are none, whatever a lenient reader makes of them.
fn is_rfc3339(text: &str) -> bool {
    let fits = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(c, wanted)| if wanted == b'0' { c.is_ascii_digit() } else { c == wanted })
    };
    let Some((time, rest)) = text.split_at_checked(19) else { return false };
    let zone = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    let is_zone = zone == "Z" || zone.strip_prefix(['+', '-']).is_some_and(|offset| fits(offset, "00:00"));
    fits(time, "0000-00-00T00:00:00") && is_zone
}

/// A moment that serializes as epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.as_ms())
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(|ms| Self(Timestamp::from_ms(ms)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_form_of_rfc_3339() {
        for text in ["2016-03-14T01:59:00Z", "2016-03-05T21:29:29.243167252Z", "2016-03-14T01:59:00.5-01:00"] {
            assert!(time(text).is_some(), "{text}");
        }
        for text in [
            "2016-03-14t01:59:00Z",
            "2016-03-14T01:59:00z",
            "2016-03-14 01:59:00Z",
            "2016-03-14T01:59:00",
            "2016-03-14T01:59Z",
            "2016-03-14T01:59:00.Z",
            "2016-03-14T01:59:00,5Z",
            "2016-03-14T01:59:00+0100",
            "2016-03-14T01:59:00Z[UTC]",
            "20160314T015900Z",
            "2016-13-05T21:29:29Z",
            "2016-12-05T25:29:29Z",
            "05-12-2016T21:29:29Z",
            "2016-03-14",
            "2016-03-14T01:59:0\u{e9}Z",
            "",
        ] {
            assert!(time(text).is_none(), "{text}");
        }
    }
}
