use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{lock, page};
use crate::port::{Clock, ExecutionDescription, ExecutionStatus, HistoryEvent, Page, WorkflowError, Workflows};
use crate::value::{ExecutionArn, MachineArn};

/// Machines whose executions do nothing: they run until a test or [`Workflows::stop`] ends them.
#[derive(Debug)]
pub struct MemWorkflows {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    machines: BTreeSet<MachineArn>,
    executions: BTreeMap<ExecutionArn, (ExecutionDescription, Vec<HistoryEvent>)>,
}

impl MemWorkflows {
    /// Makes a service without machines.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Adds a machine.
    pub fn register(&self, machine: &MachineArn) {
        lock(&self.state).machines.insert(machine.clone());
    }

    /// Returns all executions in order of their ARNs.
    #[must_use]
    pub fn executions(&self) -> Vec<ExecutionDescription> {
        lock(&self.state).executions.values().map(|(description, _)| description.clone()).collect()
    }

    /// Ends a running execution with an output; says whether it ran.
    pub fn succeed(&self, execution: &ExecutionArn, output: &Value) -> bool {
        self.end(execution, "ExecutionSucceeded", json!({"output": output.to_string()}), |description| {
            description.status = ExecutionStatus::Succeeded;
            description.output = Some(output.clone());
        })
    }

    /// Ends a running execution with an error; says whether it ran.
    pub fn fail(&self, execution: &ExecutionArn, error: &str, cause: &str) -> bool {
        self.end(execution, "ExecutionFailed", json!({"error": error, "cause": cause}), |description| {
            description.status = ExecutionStatus::Failed;
            description.error = Some(error.to_owned());
            description.cause = Some(cause.to_owned());
        })
    }

    /// Appends an event to the history of an execution that exists.
    pub fn add_event(&self, execution: &ExecutionArn, kind: &str, details: Value) {
        let now = self.clock.now();
        if let Some((_, events)) = lock(&self.state).executions.get_mut(execution) {
            let previous_id = events.last().map_or(0, |event| event.id);
            events.push(HistoryEvent { id: previous_id + 1, previous_id, time: now, kind: kind.to_owned(), details });
        }
    }

    fn end(
        &self,
        execution: &ExecutionArn,
        kind: &str,
        details: Value,
        change: impl FnOnce(&mut ExecutionDescription),
    ) -> bool {
        {
            let mut state = lock(&self.state);
            let Some((description, _)) = state.executions.get_mut(execution) else { return false };
            if description.status != ExecutionStatus::Running {
                return false;
            }
            change(description);
            description.ended = Some(self.clock.now());
        }
        self.add_event(execution, kind, details);
        true
    }
}

fn not_found(arn: &str) -> WorkflowError {
    WorkflowError::NotFound { arn: arn.to_owned() }
}

#[async_trait]
impl Workflows for MemWorkflows {
    async fn start(&self, machine: &MachineArn, name: &str, input: &Value) -> Result<ExecutionArn, WorkflowError> {
        let arn = machine.execution(name);
        {
            let mut state = lock(&self.state);
            if !state.machines.contains(machine) {
                return Err(not_found(machine.as_str()));
            }
            if state.executions.contains_key(&arn) {
                return Ok(arn);
            }
            let description = ExecutionDescription {
                arn: arn.clone(),
                status: ExecutionStatus::Running,
                input: input.clone(),
                output: None,
                error: None,
                cause: None,
                started: self.clock.now(),
                ended: None,
            };
            state.executions.insert(arn.clone(), (description, Vec::new()));
        }
        self.add_event(&arn, "ExecutionStarted", json!({"input": input.to_string()}));
        Ok(arn)
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        let state = lock(&self.state);
        let found = state.executions.get(execution).map(|(description, _)| description.clone());
        found.ok_or_else(|| not_found(execution.as_str()))
    }

    async fn list_running(
        &self,
        machine: &MachineArn,
        after: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        let state = lock(&self.state);
        if !state.machines.contains(machine) {
            return Err(not_found(machine.as_str()));
        }
        let running = state.executions.iter().filter(|(arn, (description, _))| {
            description.status == ExecutionStatus::Running
                && arn.machine() == *machine
                && after.is_none_or(|after| *arn > after)
        });
        Ok(page(running.map(|(arn, _)| arn.clone())))
    }

    async fn stop(&self, execution: &ExecutionArn, cause: &str) -> Result<(), WorkflowError> {
        self.describe(execution).await?;
        self.end(execution, "ExecutionAborted", json!({"cause": cause}), |description| {
            description.status = ExecutionStatus::Aborted;
            description.cause = Some(cause.to_owned());
        });
        Ok(())
    }

    async fn history(&self, execution: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        let state = lock(&self.state);
        let (_, events) = state.executions.get(execution).ok_or_else(|| not_found(execution.as_str()))?;
        Ok(page(events.iter().filter(|event| event.id > after).cloned()))
    }
}
