//! What all task states of Attini have in common (deployment-plan.md 8.2, 8.3).

use serde_json::{Map, Value, json};

use super::expander::{Expander, Step};
use super::paths::output_path;
use super::retry;
use crate::asl::kind_of;
use crate::framework::ACTION_FUNCTION;

/// The fields of a States Language `Task` that a user may set on a step.
const TASK_FIELDS: [&str; 18] = [
    "Type",
    "Properties",
    "Next",
    "End",
    "Comment",
    "InputPath",
    "OutputPath",
    "ResultPath",
    "ResultSelector",
    "Retry",
    "Catch",
    "TimeoutSeconds",
    "TimeoutSecondsPath",
    "HeartbeatSeconds",
    "HeartbeatSecondsPath",
    "Credentials",
    "Assign",
    "QueryLanguage",
];

/// Payload fields that every framed state hands on.
pub(super) const PAYLOAD_FIELDS: [&str; 6] =
    ["customData", "deploymentOriginData", "output", "dependencies", "environment", "stackParameters"];

/// What follows a state.
#[derive(Debug, Clone)]
pub(super) enum Link {
    /// The scope ends.
    End,
    /// The state of that name.
    To(String),
}

impl Link {
    pub(super) fn write(&self, state: &mut Map<String, Value>) {
        match self {
            Self::End => state.insert("End".to_owned(), Value::Bool(true)),
            Self::To(name) => state.insert("Next".to_owned(), Value::String(name.clone())),
        };
    }
}

/// What the user wrote on a step besides `Type` and `Properties`.
#[derive(Debug, Clone)]
pub(super) struct UserFields {
    /// Copied as they are.
    pub(super) copied: Map<String, Value>,
    /// The user's retriers.
    pub(super) retry: Option<Vec<Value>>,
    /// What follows the step.
    pub(super) link: Link,
}

/// Which fields a step type takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// Those of a framed state whose work sends heartbeats.
    Heartbeats,
    /// Those of a framed state.
    NoHeartbeats,
    /// Those of a framed state, and `Parameters` and `Resource`: the state is the user's own call.
    OwnCall,
}

impl UserFields {
    /// Takes the user's fields and reports those that the step cannot have.
    pub(super) fn of(step: &Step<'_>, takes: Takes, to: &mut Expander<'_>) -> Self {
        let mut copied = Map::new();
        for (key, value) in &step.fields {
            match key.as_str() {
                "Type" | "Properties" | "Next" | "End" | "ResultPath" | "Retry" => {}
                "Parameters" | "Resource" if takes == Takes::OwnCall => {
                    copied.insert(key.clone(), value.clone());
                }
                "Parameters" | "Resource" => {
                    to.report(step, &[key], format!("{key} is not allowed on {}", step.state.kind), {
                        Some("what the step needs stands in Properties".to_owned())
                    });
                }
                "HeartbeatSeconds" | "HeartbeatSecondsPath" if takes == Takes::NoHeartbeats => {
                    let text = format!("{key} is not allowed on {}, nothing sends heartbeats", step.state.kind);
                    to.report(step, &[key], text, Some("use TimeoutSeconds".to_owned()));
                }
                "QueryLanguage" => {
                    if value != "JSONPath" {
                        to.report(step, &[key], "QueryLanguage must be JSONPath on steps of Attini", None);
                    }
                }
                known if TASK_FIELDS.contains(&known) => {
                    copied.insert(key.clone(), value.clone());
                }
                _ => {
                    let text = format!("{key} is no field of a step");
                    to.report(step, &[key], text, Some("does it belong into Properties?".to_owned()));
                }
            }
        }
        let retry = match step.fields.get("Retry") {
            None | Some(Value::Null) => None,
            Some(Value::Array(retriers)) => Some(retriers.clone()),
            Some(other) => {
                to.report(step, &["Retry"], format!("Retry must be a list, not {}", kind_of(other)), None);
                None
            }
        };
        Self { copied, retry, link: step.link() }
    }
}

/// Builds a framed task state, which waits for its token to be answered.
pub(super) fn framed(
    to: &Expander<'_>,
    name: &str,
    action: &str,
    properties: Option<Map<String, Value>>,
    retriers: Vec<Value>,
    user: &UserFields,
) -> Map<String, Value> {
    let mut payload = Map::new();
    for field in to.plan.payload_fields() {
        payload.insert(format!("{field}.$"), Value::String(format!("$.{field}")));
    }
    payload.insert("attiniActionType".to_owned(), Value::String(action.to_owned()));
    payload.insert(
        "deploymentPlanExecutionMetadata".to_owned(),
        json!({
            "executionArn.$": "$$.Execution.Id",
            "executionStartTime.$": "$$.Execution.StartTime",
            "sfnToken.$": "$$.Task.Token",
            "retryCounter.$": "$$.State.RetryCount",
            "stepName.$": "$$.State.Name",
        }),
    );
    if let Some(properties) = properties {
        payload.insert("Properties".to_owned(), Value::Object(properties));
    }
    // `json!` would copy the payload, and plans have thousands of them.
    let mut parameters = Map::new();
    parameters.insert("FunctionName".to_owned(), Value::String(ACTION_FUNCTION.to_owned()));
    parameters.insert("Payload".to_owned(), Value::Object(payload));
    let mut state = Map::new();
    state.insert("Type".to_owned(), Value::String("Task".to_owned()));
    let resource = format!("arn:{}:states:::lambda:invoke.waitForTaskToken", to.plan.partition);
    state.insert("Resource".to_owned(), Value::String(resource));
    state.insert("Parameters".to_owned(), Value::Object(parameters));
    state.insert("Retry".to_owned(), retry::merged(retriers, user.retry.as_deref()));
    state.extend(user.copied.clone());
    state.insert("ResultPath".to_owned(), Value::String(output_path(name, &[])));
    user.link.write(&mut state);
    state
}
