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

/// Reads a time as the States Language wants it: RFC 3339 with an upper-case `T` and a zone.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    if text.contains('T') { Timestamp::parse_rfc3339(text) } else { None }
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
