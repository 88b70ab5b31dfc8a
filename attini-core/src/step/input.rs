use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::framework::Failure;
use crate::value::{ExecutionArn, ObjectIdentifier, StepName, TaskToken};

/// What a state gives to the action function (actions.md 1.4).
///
/// The shape is ours, but state machines that the original generated keep sending it until their distribution is deployed
/// again, so unknown fields are ignored and absent ones empty.
#[derive(Clone)]
pub struct StepInput {
    /// The step.
    pub step: StepName,
    /// Secret that answers it.
    pub token: TaskToken,
    /// The execution it belongs to.
    pub execution: ExecutionArn,
    /// When that started, RFC 3339.
    pub execution_started: String,
    /// Which attempt this is, counted from 0.
    pub retry: u64,
    /// The user's `Properties`, paths already resolved.
    pub properties: Value,
    /// `deploymentOriginData`, untouched.
    pub origin_data: Value,
    /// What the step needs of it.
    pub origin: Origin,
    /// The whole payload as given, for what is passed on.
    pub payload: Value,
}

/// The part of `deploymentOriginData` that steps use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Origin {
    /// Name of the distribution.
    pub distribution_name: String,
    /// Its id.
    pub distribution_id: String,
    /// The environment.
    pub environment: String,
    /// The upload.
    pub object_identifier: String,
    /// Stack that holds the plan.
    #[serde(default)]
    pub stack_name: Option<String>,
    /// Where the files are.
    pub deployment_source: Source,
}

/// Where the files of the distribution are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Prefix without a closing `/`.
    pub deployment_source_prefix: String,
    /// The artifact bucket.
    pub deployment_source_bucket: String,
}

impl Origin {
    /// Returns the upload.
    #[must_use]
    pub fn object(&self) -> ObjectIdentifier {
        ObjectIdentifier::from_record(self.object_identifier.clone())
    }
}

/// Identifiers only: properties and payload may hold secrets.
impl fmt::Debug for StepInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepInput")
            .field("step", &self.step)
            .field("execution", &self.execution)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    execution_arn: String,
    #[serde(default)]
    execution_start_time: String,
    #[serde(default)]
    retry_counter: u64,
    step_name: String,
}

impl StepInput {
    /// Reads the task token, if the payload has one.
    #[must_use]
    pub fn token_of(payload: &Value) -> Option<TaskToken> {
        let token = payload.pointer("/deploymentPlanExecutionMetadata/sfnToken")?.as_str()?;
        Some(TaskToken::new(token))
    }

    /// Reads the payload of a step.
    ///
    /// # Errors
    ///
    /// `IllegalFormatException` naming the field that is missing or has another form.
    pub fn read(payload: Value) -> Result<Self, Failure> {
        let bad = |field: &str, error: &dyn fmt::Display| {
            let cause = format!("the step's input has no usable `{field}`: {error}");
            Failure::new("IllegalFormatException", cause)
        };
        let part = |field: &str| payload.get(field).cloned().unwrap_or(Value::Null);
        let metadata: Metadata = serde_json::from_value(part("deploymentPlanExecutionMetadata"))
            .map_err(|error| bad("deploymentPlanExecutionMetadata", &error))?;
        let origin_data = part("deploymentOriginData");
        let origin =
            serde_json::from_value(origin_data.clone()).map_err(|error| bad("deploymentOriginData", &error))?;
        let token = Self::token_of(&payload)
            .ok_or_else(|| bad("deploymentPlanExecutionMetadata.sfnToken", &"it is missing"))?;
        Ok(Self {
            step: StepName::new(metadata.step_name),
            token,
            execution: ExecutionArn::from_record(metadata.execution_arn),
            execution_started: metadata.execution_start_time,
            retry: metadata.retry_counter,
            properties: part("Properties"),
            origin_data,
            origin,
            payload,
        })
    }
}
