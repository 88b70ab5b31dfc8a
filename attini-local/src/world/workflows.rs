use std::time::Duration;

use async_trait::async_trait;
use attini_core::framework::explain;
use attini_core::port::{ExecutionDescription, ExecutionStatus, HistoryEvent, Page, WorkflowError, Workflows};
use attini_core::value::{ExecutionArn, MachineArn};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::parts::Parts;
use super::recover::abandon_owner_of;
use crate::store::executions;
use crate::store::intents::{self, Intent};
use crate::store::{HomeError, WorkerLease};

/// Kind of the intent that ends an execution at its next step boundary.
pub(super) const STOP: &str = "stop";

/// State machines of the home. What is started runs in this process, when it is a worker.
#[derive(Debug)]
pub(super) struct LocalWorkflows {
    parts: Parts,
    /// Takes executions that this process shall run; `None` in processes that only look.
    started: Option<UnboundedSender<ExecutionArn>>,
}

impl LocalWorkflows {
    pub(super) fn new(parts: Parts, started: Option<UnboundedSender<ExecutionArn>>) -> Self {
        Self { parts, started }
    }
}

fn unavailable(operation: &'static str, arn: &str, error: HomeError) -> WorkflowError {
    WorkflowError::Unavailable { operation, arn: arn.to_owned(), source: error.into() }
}

#[async_trait]
impl Workflows for LocalWorkflows {
    async fn start(&self, machine: &MachineArn, name: &str, input: &Value) -> Result<ExecutionArn, WorkflowError> {
        let arn = machine.execution(name);
        let now = self.parts.clock.now();
        let seed = format!("{}{}", self.parts.ids.uuid(), self.parts.ids.uuid());
        let is_new = self
            .parts
            .home
            .write(|tx| {
                let Some(machine) = executions::find_machine(tx, machine)? else { return Ok(None) };
                executions::insert(tx, &arn, &machine, input, &seed, now).map(Some)
            })
            .map_err(|error| unavailable("start", arn.as_str(), error))?;
        match (is_new, &self.started) {
            (None, _) => Err(WorkflowError::NotFound { arn: machine.as_str().to_owned() }),
            (Some(true), Some(started)) => {
                let gone = |_| {
                    let source = "this process runs no executions any more".into();
                    WorkflowError::Unavailable { operation: "start", arn: arn.as_str().to_owned(), source }
                };
                started.send(arn.clone()).map_err(gone)?;
                Ok(arn)
            }
            _ => Ok(arn),
        }
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        self.parts
            .home
            .read(|tx| executions::find(tx, execution))
            .map_err(|error| unavailable("read", execution.as_str(), error))?
            .ok_or_else(|| WorkflowError::NotFound { arn: execution.as_str().to_owned() })
    }

    async fn list_running(
        &self,
        machine: &MachineArn,
        after: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        self.parts
            .home
            .read(|tx| executions::list_running(tx, machine, after))
            .map_err(|error| unavailable("list the executions of", machine.as_str(), error))
    }

    /// Asks the worker that runs the execution to end it at its next step boundary, and waits until it has. A worker that
    /// died cannot; what it left is ended instead.
    async fn stop(&self, execution: &ExecutionArn, cause: &str) -> Result<(), WorkflowError> {
        let failed = |error| unavailable("stop", execution.as_str(), error);
        let intent = Intent { kind: STOP.to_owned(), body: json!({ "cause": cause }), created: self.parts.clock.now() };
        self.parts.home.write(|tx| intents::put(tx, execution.as_str(), &intent)).map_err(failed)?;
        loop {
            if self.describe(execution).await?.status != ExecutionStatus::Running {
                return Ok(());
            }
            let alive = WorkerLease::is_alive(&self.parts.home, owner_of(execution)).map_err(failed)?;
            if !alive {
                abandon_owner_of(&self.parts, execution, cause).await.map_err(|failure| {
                    let source = explain(&failure).into();
                    WorkflowError::Unavailable { operation: "stop", arn: execution.as_str().to_owned(), source }
                })?;
            }
            self.parts.clock.sleep(Duration::from_millis(20)).await;
        }
    }

    async fn history(&self, execution: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        self.parts
            .home
            .read(|tx| executions::history(tx, execution, after))
            .map_err(|error| unavailable("read the history of", execution.as_str(), error))
    }
}

/// Returns the id of the deployment whose worker runs an execution: the digest at the start of the execution's name.
pub(super) fn owner_of(execution: &ExecutionArn) -> &str {
    execution.id().split('-').next().unwrap_or(execution.id())
}
