//! Kinds of values that stand in many places.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

/// Defines a type that is nothing but its schema.
macro_rules! value {
    ($(#[doc = $doc:literal])* $name:ident, $schema:tt) => {
        $(#[doc = $doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

value!(
    /// A text, or a function of CloudFormation that gives one.
    Text,
    {
        "anyOf": [
            { "type": ["string", "number", "boolean"] },
            {
                "type": "object",
                "patternProperties": { "^(Ref|Fn::[A-Za-z0-9]+)$": {} },
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1
            }
        ]
    }
);

value!(
    /// A text that has to be written out.
    Literal,
    { "type": ["string", "number", "boolean"] }
);

value!(
    /// `true` or `false`, also as a text.
    Flag,
    { "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$" }] }
);

value!(
    /// A whole number of seconds.
    Seconds,
    { "type": "integer", "minimum": 0 }
);

value!(
    /// Whether a resource gets a public address.
    PublicIp,
    { "anyOf": [{ "type": "boolean" }, { "enum": ["ENABLED", "DISABLED"] }, { "type": "object" }] }
);

value!(
    /// Ids as a list, or as one text with commas.
    Ids,
    { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": ["string", "object"] } }, { "type": "object" }] }
);

/// A map from names to texts.
pub(super) type Texts = BTreeMap<String, Text>;

/// What a step does when it fails with one of some errors.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Catcher {
    /// Names of errors; `States.ALL` for any.
    #[schemars(length(min = 1))]
    error_equals: Vec<Literal>,
    /// The step to go on with.
    next: Literal,
    /// Where the error goes, such as `$.output.Failure`. Without it the error replaces the whole payload, which no Attini step
    /// can work with.
    result_path: Option<String>,
    /// What the author says of it.
    comment: Option<String>,
    /// Variables to set.
    assign: Option<BTreeMap<String, Value>>,
}

/// When a step is tried again.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retrier {
    /// Names of errors; `States.ALL` for any.
    #[schemars(length(min = 1))]
    error_equals: Vec<Literal>,
    /// Seconds before the first try, at least 1; 1 when it is left out.
    interval_seconds: Option<u64>,
    /// How often it is tried again; 3 when it is left out, 0 for never.
    max_attempts: Option<u64>,
    /// By how much the wait grows with each try, at least 1; 2 when it is left out.
    backoff_rate: Option<f64>,
    /// The longest wait in seconds.
    max_delay_seconds: Option<u64>,
    /// `FULL` spreads the waits by chance.
    #[schemars(extend("enum" = ["FULL", "NONE", null]))]
    jitter_strategy: Option<String>,
    /// What the author says of it.
    comment: Option<String>,
}

/// What every state may have.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Common {
    /// What the author says of the step.
    comment: Option<String>,
    /// Always `JSONPath`.
    #[schemars(extend("enum" = ["JSONPath", null]))]
    query_language: Option<String>,
}

/// What states with an input and an output may have.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Data {
    /// Which part of the payload the step sees. Attini steps need all of it.
    input_path: Option<String>,
    /// Which part of the result is the new payload. The next Attini step needs all of it.
    output_path: Option<String>,
    /// Variables to set.
    assign: Option<BTreeMap<String, Value>>,
}

/// What states with a result may have.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Outcome {
    /// Where the result goes in the payload. On Attini steps it is always `$.output.<step>`, whatever stands here.
    result_path: Option<String>,
    /// Which parts of the result are kept.
    result_selector: Option<BTreeMap<String, Value>>,
    /// When the step is tried again, besides what Attini itself does; `[]` takes that away too.
    retry: Option<Vec<Retrier>>,
    /// What happens when the step fails. The first that fits counts.
    catch: Option<Vec<Catcher>>,
}

/// How long a step may take.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Limits {
    /// Seconds after which the step fails with `States.Timeout`; a year when it is left out.
    timeout_seconds: Option<Seconds>,
    /// Path of that number in the payload.
    timeout_seconds_path: Option<String>,
}

/// How long a step may be silent.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Heartbeats {
    /// Seconds without a sign of life after which the step fails; it also covers the start of the runner.
    heartbeat_seconds: Option<Seconds>,
    /// Path of that number in the payload.
    heartbeat_seconds_path: Option<String>,
}

/// In whose name a task runs.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
pub(super) struct Rights {
    /// The role of another account.
    credentials: Option<BTreeMap<String, Value>>,
}
