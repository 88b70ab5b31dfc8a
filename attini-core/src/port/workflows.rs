use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use super::{BoxError, Page};
use crate::value::{ExecutionArn, MachineArn, Timestamp};

/// How an execution stands, in the words of Step Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecutionStatus {
    /// Not ended.
    Running,
    /// Ended with an output.
    Succeeded,
    /// Ended with an error.
    Failed,
    /// Ended because the execution took too long.
    TimedOut,
    /// Stopped from outside.
    Aborted,
}

impl ExecutionStatus {
    /// Returns the external name: `RUNNING`, …
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Aborted => "ABORTED",
        }
    }

    /// Reads the external name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut, Self::Aborted]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

impl fmt::Display for ExecutionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An execution as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionDescription {
    /// Which one.
    pub arn: ExecutionArn,
    /// How it stands.
    pub status: ExecutionStatus,
    /// What it was started with.
    pub input: Value,
    /// What it returned, when it succeeded.
    pub output: Option<Value>,
    /// Error name, when it did not.
    pub error: Option<String>,
    /// Why, when it did not.
    pub cause: Option<String>,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// One event of an execution's history, in the vocabulary of Step Functions.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEvent {
    /// Number in the execution, counted from 1.
    pub id: u64,
    /// Number of the event it follows from; 0 for none.
    pub previous_id: u64,
    /// When.
    pub time: Timestamp,
    /// `TaskStateEntered`, `LambdaFunctionFailed`, …
    pub kind: String,
    /// The details object of the kind, as the service spells it: `{"name": …, "input": …}`.
    pub details: Value,
}

/// State machines and their executions.
#[async_trait]
pub trait Workflows: fmt::Debug + Send + Sync {
    /// Starts an execution. The same name twice is the same execution, whatever became of it.
    async fn start(&self, machine: &MachineArn, name: &str, input: &Value) -> Result<ExecutionArn, WorkflowError>;

    /// Returns the execution.
    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError>;

    /// Returns a page of the running executions of a machine, in any order, those after `after`.
    async fn list_running(
        &self,
        machine: &MachineArn,
        after: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError>;

    /// Ends an execution that runs; one that has ended stays as it is.
    ///
    /// When this returns, the execution starts nothing more.
    async fn stop(&self, execution: &ExecutionArn, cause: &str) -> Result<(), WorkflowError>;

    /// Returns a page of the history, oldest first, the events with ids greater than `after`.
    async fn history(&self, execution: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError>;
}

/// A call to the workflow service failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkflowError {
    /// There is no such machine or execution.
    #[error("{arn} does not exist")]
    NotFound {
        /// The machine or execution.
        arn: String,
    },
    /// The service could not be reached or refused to work; trying again may help.
    #[error("cannot {operation} {arn}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The machine or execution.
        arn: String,
        /// Why.
        source: BoxError,
    },
}
