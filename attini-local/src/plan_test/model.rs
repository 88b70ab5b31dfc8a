//! What a file of cases looks like: the source of its JSON Schema, and of what is read from it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Unit tests of a deployment plan.
#[derive(JsonSchema)]
#[schemars(title = "attini plan test", rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are read by the derive only")]
pub(super) struct FileForm {
    /// What counts for every case of the file; a case's own entries win, key by key.
    pub(super) defaults: Option<Defaults>,
    /// The cases. They run in any order and know nothing of each other; results are shown in the order of the file.
    pub(super) cases: Vec<CaseForm>,
}

/// What counts for every case of a file.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are read by the derive only")]
pub(super) struct Defaults {
    /// Name of the environment, `dev` when nothing else is said.
    pub(super) environment: Option<String>,
    /// Parameters of the init stack; they win over `initDeployConfig.parameters`.
    pub(super) parameters: Option<BTreeMap<String, Text>>,
    /// What the parameter store of the account holds, by name.
    pub(super) parameter_store: Option<BTreeMap<String, Text>>,
    /// Input of the execution, which becomes `$.customData`.
    pub(super) input: Option<Value>,
    /// Laid over the payload that the plan starts with, maps key by key: `dependencies`, say.
    pub(super) payload: Option<BTreeMap<String, Value>>,
    /// What steps answer, by the name of the step: one answer or a list of them.
    pub(super) mocks: Option<BTreeMap<String, OneOrMany<Answer>>>,
}

/// One run of the plan.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "the fields are read by the derive only")]
pub(super) struct CaseForm {
    /// What the case shows; different from the names of the file's other cases.
    pub(super) name: String,
    /// Name of the environment, `dev` when nothing else is said.
    pub(super) environment: Option<String>,
    /// Parameters of the init stack; they win over `initDeployConfig.parameters`.
    pub(super) parameters: Option<BTreeMap<String, Text>>,
    /// What the parameter store of the account holds, by name.
    pub(super) parameter_store: Option<BTreeMap<String, Text>>,
    /// Input of the execution, which becomes `$.customData`.
    pub(super) input: Option<Value>,
    /// Laid over the payload that the plan starts with, maps key by key: `dependencies`, say.
    pub(super) payload: Option<BTreeMap<String, Value>>,
    /// What steps answer, by the name of the step: one answer or a list of them.
    pub(super) mocks: Option<BTreeMap<String, OneOrMany<Answer>>>,
    /// What has to come of it. Without `status`, `error` and `cause` the plan has to succeed.
    pub(super) expect: Option<Expect>,
}

/// Keys of a case; those but the first and the last are keys of `defaults` too.
pub(super) const CASE_KEYS: [&str; 8] =
    ["name", "environment", "parameters", "parameterStore", "input", "payload", "mocks", "expect"];

/// A text; numbers and booleans keep the spelling that stands in the file.
pub(super) struct Text;

impl JsonSchema for Text {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

/// One value, or a list of them.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the fields are read by the derive only")]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

/// What one or more calls of a step come to.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Answer {
    /// AttiniCfn: the outputs of the stack.
    pub(super) outputs: Option<BTreeMap<String, Value>>,
    /// AttiniRunnerJob: what the commands write to `$ATTINI_OUTPUT`, a text as it is, anything else as JSON. Calls that
    /// wait (`.sync`, `.waitForTaskToken`): what comes in the end.
    #[serde(default, deserialize_with = "present")]
    pub(super) output: Option<Value>,
    /// AttiniLambdaInvoke and the ARN of a function: what the function returns. Other calls: what the service answers.
    #[serde(default, deserialize_with = "present")]
    pub(super) result: Option<Value>,
    /// AttiniRunnerJob: the exit code of the commands, 0 by default.
    pub(super) exit_code: Option<i32>,
    /// AttiniRunnerJob: the last lines of a job that failed; they stand in the cause.
    pub(super) log: Option<String>,
    /// AttiniManualApproval: somebody approves, with a message or `true` for none.
    pub(super) approve: Option<Verdict>,
    /// AttiniManualApproval: somebody rejects, with a message or `true` for none.
    pub(super) reject: Option<Verdict>,
    /// Any step: it fails with this error name.
    pub(super) error: Option<String>,
    /// Why it fails.
    pub(super) cause: Option<String>,
    /// How many calls in a row this answer serves, 1 by default. The last answer serves all later calls.
    pub(super) attempts: Option<usize>,
    /// How many seconds the step takes on the simulated clock, 0 by default.
    pub(super) delay: Option<f64>,
    /// In a Map: serve this iteration only, counted from 0. A list names one of the Map states around the step each, from
    /// the outside. Calls are then counted in the iteration.
    pub(super) iteration: Option<Iteration>,
}

pub(super) const ANSWER_KEYS: [&str; 12] = [
    "outputs",
    "output",
    "result",
    "exitCode",
    "log",
    "approve",
    "reject",
    "error",
    "cause",
    "attempts",
    "delay",
    "iteration",
];

/// `null` is a result too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A message, or `true`.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a message or `true`")]
pub(super) enum Verdict {
    Plain(bool),
    Message(String),
}

/// Which iteration.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a number or a list of numbers, counted from 0")]
pub(super) enum Iteration {
    Inner(usize),
    All(Vec<usize>),
}

/// What has to come of a case.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expect {
    /// How the plan ends.
    pub(super) status: Option<Status>,
    /// Error name with which it fails.
    pub(super) error: Option<Pattern>,
    /// Why it fails.
    pub(super) cause: Option<Pattern>,
    /// The steps in the order in which they begin. `...` stands for any number of steps, a list for its steps in any order.
    pub(super) path: Option<Vec<PathPart>>,
    /// Steps that have to run, whenever.
    pub(super) visited: Option<Vec<String>>,
    /// Steps that must not run.
    pub(super) not_visited: Option<Vec<String>>,
    /// `$.output.<step>` at the end, by step. Of maps, what stands here has to be there; anything else has to be equal.
    pub(super) outputs: Option<BTreeMap<String, Value>>,
    /// The payload at the end, as far as it stands here. When the plan fails: what its last state got.
    pub(super) payload: Option<Value>,
    /// The whole payload at the end.
    pub(super) exact_payload: Option<Value>,
    /// The steps that ask for an approval, in order.
    pub(super) approvals: Option<Vec<String>>,
    /// How often steps are called, retries and iterations included, by step.
    pub(super) attempts: Option<BTreeMap<String, usize>>,
    /// What AttiniCfn steps ask for, by step, as far as it stands here: one is the last call, a list is all calls.
    pub(super) stacks: Option<BTreeMap<String, OneOrMany<StackForm>>>,
    /// What AttiniRunnerJob steps run, by step, as far as it stands here: one is the last call, a list is all calls.
    pub(super) jobs: Option<BTreeMap<String, OneOrMany<JobForm>>>,
    /// What other tasks are called with, by step, as far as it stands here: one is the last call, a list is all calls.
    pub(super) calls: Option<BTreeMap<String, Value>>,
    /// How many seconds the plan takes on the simulated clock.
    pub(super) seconds: Option<f64>,
}

pub(super) const EXPECT_KEYS: [&str; 15] = [
    "status",
    "error",
    "cause",
    "path",
    "visited",
    "notVisited",
    "outputs",
    "payload",
    "exactPayload",
    "approvals",
    "attempts",
    "stacks",
    "jobs",
    "calls",
    "seconds",
];

/// How a plan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    /// It reached its end.
    Succeeded,
    /// A step failed and nothing caught it.
    Failed,
    /// It took longer than the `TimeoutSeconds` of the plan.
    TimedOut,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
        }
    }
}

/// A text to compare with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be a text, or `contains: TEXT`, or `matches: PATTERN`")]
pub(super) enum Pattern {
    /// The whole text.
    Equals(String),
    /// A part of it.
    Contains(Contains),
    /// A regular expression that is found in it.
    Matches(Matches),
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Contains {
    /// A part of the text.
    pub(super) contains: String,
}

#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Matches {
    /// A regular expression that is found in the text.
    pub(super) matches: String,
}

/// A part of a path.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "must be the name of a step, `...`, or a list of names")]
pub(super) enum PathPart {
    Step(String),
    AnyOrder(Vec<String>),
}

/// What a step asks the stack service for.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "compared as JSON")]
pub(super) struct StackForm {
    /// Name of the stack.
    pub(super) name: Option<Value>,
    /// `Deploy` or `Delete`.
    pub(super) action: Option<Value>,
    /// Path of the template, with a leading `/`.
    pub(super) template: Option<Value>,
    /// Region, when the step names one.
    pub(super) region: Option<Value>,
    /// Parameters; they are compared as texts.
    pub(super) parameters: Option<BTreeMap<String, Value>>,
    /// Tags; they are compared as texts.
    pub(super) tags: Option<BTreeMap<String, Value>>,
}

pub(super) const STACK_KEYS: [&str; 6] = ["name", "action", "template", "region", "parameters", "tags"];

/// What a job runs.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "compared as JSON")]
pub(super) struct JobForm {
    /// All commands.
    pub(super) commands: Option<Vec<Value>>,
    /// Environment variables; they are compared as texts.
    pub(super) environment: Option<BTreeMap<String, Value>>,
    /// Logical id of the runner.
    pub(super) runner: Option<Value>,
}

pub(super) const JOB_KEYS: [&str; 3] = ["commands", "environment", "runner"];
