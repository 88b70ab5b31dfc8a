//! What the framework's functions run over: the ports of one place, and its settings.

use std::fmt;
use std::sync::Arc;

use crate::port::{
    AnswerError, Clock, FleetError, FunctionError, Functions, Ids, Inventory, InventoryError, JobQueue, Notifications,
    ObjectStore, ParameterStore, QueueError, RunnerFleet, StackError, StackService, StoreError, TaskTokens,
    Unavailable, WorkflowError, Workflows,
};
use crate::value::Place;

/// Name of the function that does the work of every Attini step (actions.md 1.1).
pub const ACTION_FUNCTION: &str = "attini-action";

/// The ports of one account and region, as the framework's functions use them.
#[derive(Debug, Clone)]
pub struct Framework {
    /// Account and region.
    pub place: Place,
    /// What can be chosen when the framework is set up.
    pub settings: Settings,
    /// Uploads.
    pub origin: Arc<dyn ObjectStore>,
    /// Files of published distributions, outputs, logs.
    pub artifacts: Arc<dyn ObjectStore>,
    /// Records.
    pub inventory: Arc<dyn Inventory>,
    /// Named values of the account.
    pub parameters: Arc<dyn ParameterStore>,
    /// Stacks that hold plans and runners.
    pub init_stacks: Arc<dyn StackService>,
    /// Stacks that steps deploy.
    pub stacks: Arc<dyn StackService>,
    /// Plans that run.
    pub workflows: Arc<dyn Workflows>,
    /// Answers to waiting steps.
    pub tokens: Arc<dyn TaskTokens>,
    /// Jobs for runners.
    pub jobs: Arc<dyn JobQueue>,
    /// Runners.
    pub fleet: Arc<dyn RunnerFleet>,
    /// Functions of users.
    pub functions: Arc<dyn Functions>,
    /// Messages about deployments.
    pub notifications: Arc<dyn Notifications>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Fresh names.
    pub ids: Arc<dyn Ids>,
}

/// What can be chosen when the framework is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Template parameter, and stack tag, that gets the environment's name. Default `AttiniEnvironmentName`.
    pub environment_parameter: String,
    /// Version of the framework; part of the init stack's fingerprint, so that an upgrade updates every init stack once.
    pub version: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment_parameter: "AttiniEnvironmentName".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// A failure by name: what records keep as `errorCode` and `errorMessage`, and what `Catch` and `Retry` of a plan match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name, at most 256 characters.
    pub error: String,
    /// What happened, to which thing and why.
    pub cause: String,
}

impl Failure {
    /// Returns a failure with this name and cause.
    pub fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: error.into(), cause: cause.into() }
    }

    /// Returns a failure of the outside that has no better name.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        Self::new("InternalError", explain(cause))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.error, self.cause)
    }
}

impl std::error::Error for Failure {}

macro_rules! internal_failure {
    ($($error:ty),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::internal(&error)
            }
        })*
    };
}
internal_failure!(InventoryError, StoreError, WorkflowError, Unavailable, AnswerError);

impl From<StackError> for Failure {
    fn from(error: StackError) -> Self {
        match error {
            StackError::Refused { code, message } => Self::new(code, message),
            other => Self::internal(&other),
        }
    }
}

impl From<FleetError> for Failure {
    fn from(error: FleetError) -> Self {
        Self::new(error.error, error.cause)
    }
}

impl From<FunctionError> for Failure {
    fn from(error: FunctionError) -> Self {
        match error {
            FunctionError::Failed { error, cause } => Self::new(error, cause),
            FunctionError::Unknown(cause) => Self::new("Lambda.ResourceNotFoundException", cause),
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::TooLarge { .. } => Self::new("PayloadTooLarge", error.to_string()),
            other => Self::internal(&other),
        }
    }
}

/// Returns an error's text with those of its causes behind it, each once.
#[must_use]
pub fn explain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}
