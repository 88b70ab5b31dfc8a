use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::event::{DeploymentRef, Ending, FollowEvent};
use super::follower::{Follower, StackRequestOf};
use super::record::RecordView;
use crate::port::{
    Clock, ExecutionStatus, HistoryEvent, Inventory, InventoryError, LogStore, Record, RecordKey, ResourceKind,
    StackError, StackEvent, StackService, WorkflowError, Workflows,
};
use crate::value::{ExecutionArn, Timestamp};

/// Shortest wait between two readings.
const SHORTEST: Duration = Duration::from_millis(20);
/// Longest wait between two readings while the ports answer.
const LONGEST: Duration = Duration::from_millis(250);
/// Longest wait while they do not.
const LONGEST_TROUBLED: Duration = Duration::from_secs(5);
/// So many readings in a row may fail.
const TROUBLED_READINGS: u32 = 20;
/// After so many a person is told; fewer pass unnoticed.
const TOLD_READINGS: u32 = 6;
/// How often the stacks of running steps, and older deployments, are looked up; those of steps that have ended are looked up at once.
const STACK_LOOKUP: Duration = Duration::from_millis(200);

/// What following reads from.
#[derive(Debug, Clone)]
pub struct FollowPorts {
    /// Deployment records and stacks of steps.
    pub inventory: Arc<dyn Inventory>,
    /// Executions.
    pub workflows: Arc<dyn Workflows>,
    /// Output of jobs.
    pub logs: Arc<dyn LogStore>,
    /// Stack events.
    pub stacks: Arc<dyn StackService>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Settings of [`follow`].
#[derive(Debug, Clone, Copy)]
pub struct FollowOptions {
    /// How long the upload may take to be published, and a published plan to start. Default: 15 minutes, above the 600 s
    /// an init deploy may run.
    pub publish_timeout: Duration,
}

impl Default for FollowOptions {
    fn default() -> Self {
        Self { publish_timeout: Duration::from_secs(15 * 60) }
    }
}

/// Following had to be given up; the deployment goes on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The records could not be read, many times in a row.
    #[error("cannot read the state of the deployment any more")]
    Inventory(#[from] InventoryError),
    /// The execution could not be read, many times in a row.
    #[error("cannot read the execution of the plan any more")]
    Workflow(#[from] WorkflowError),
}

/// Follows a deployment until it has ended or `should_stop` says so, and hands every event to `emit`.
///
/// A deployment that has ended is replayed without waiting. Readings that fail are repeated with growing waits; logs and
/// stack events that cannot be read are told once and left out.
///
/// # Errors
///
/// [`FollowError`] after 20 failed readings in a row.
pub async fn follow(
    ports: &FollowPorts,
    deployment: &DeploymentRef,
    options: FollowOptions,
    emit: &mut (dyn FnMut(FollowEvent) + Send),
    should_stop: &(dyn Fn() -> bool + Sync),
) -> Result<Ending, FollowError> {
    let mut reading = Reading {
        ports,
        deployment,
        follower: Follower::new(ports.clock.now(), options.publish_timeout),
        troubles: BTreeSet::new(),
        stacks_looked_up: None,
        older_looked_up: None,
    };
    let mut delay = SHORTEST;
    let mut failed_readings = 0;
    loop {
        match reading.once().await {
            Ok(()) => failed_readings = 0,
            Err(error) if failed_readings >= TROUBLED_READINGS => return Err(error),
            Err(error) => {
                failed_readings += 1;
                if failed_readings == TOLD_READINGS {
                    reading.trouble(&error);
                }
            }
        }
        let events = reading.follower.settle(ports.clock.now());
        let news = !events.is_empty();
        events.into_iter().for_each(&mut *emit);
        if let Some(ending) = reading.follower.ending() {
            return Ok(ending.clone());
        }
        if should_stop() {
            return Ok(Ending::Stopped);
        }
        let longest = if failed_readings > 0 { LONGEST_TROUBLED } else { LONGEST };
        delay = if news { SHORTEST } else { (delay * 3 / 2).min(longest) };
        ports.clock.sleep(delay).await;
    }
}

struct Reading<'a> {
    ports: &'a FollowPorts,
    deployment: &'a DeploymentRef,
    follower: Follower,
    troubles: BTreeSet<String>,
    stacks_looked_up: Option<Timestamp>,
    older_looked_up: Option<Timestamp>,
}

impl Reading<'_> {
    /// Reads everything that can be new, in the order that [`Follower`] wants.
    async fn once(&mut self) -> Result<(), FollowError> {
        let DeploymentRef { name, object } = self.deployment;
        let records = self.ports.inventory.list_by_object(name, object).await?;
        let own = |record: &&Record| matches!(&record.key, RecordKey::Deployment(_, time) if time.as_ms() != 0);
        let Some(record) = records.iter().find(own) else { return Ok(()) };
        self.follower.see_record(record);
        if self.follower.waits_for_plan() && self.is_due_for_older() {
            let older = self.older().await?;
            self.follower.see_older(older, self.ports.clock.now());
        }
        if let Some(request) = self.follower.init_stack_request() {
            let events = self.stack_events(&request).await;
            self.follower.see_init_stack(events, self.ports.clock.now());
        }
        for (execution, read) in self.follower.execution_requests() {
            // Before the history: an execution that has ended by now has its whole history.
            if self.follower.see_execution(self.ports.workflows.describe(&execution).await?) {
                let events = self.history(&execution, read).await?;
                self.follower.see_history(&execution, &events);
            }
        }
        self.read_logs().await;
        self.read_stacks().await;
        Ok(())
    }

    fn is_due_for_older(&mut self) -> bool {
        let now = self.ports.clock.now();
        let due = self.older_looked_up.is_none_or(|last| now.since(last) >= STACK_LOOKUP);
        if due {
            self.older_looked_up = Some(now);
        }
        due
    }

    /// Returns the id of an older deployment of the same name whose plan runs.
    async fn older(&self) -> Result<Option<String>, FollowError> {
        let page = self.ports.inventory.list_deployments(&self.deployment.name, self.follower.deployed()).await?;
        for record in page.items {
            let view = RecordView::read(Timestamp::from_ms(0), &record.body);
            for execution in view.executions.iter().filter(|_| view.outcome.is_none()) {
                match self.ports.workflows.describe(execution).await {
                    Ok(found) if found.status == ExecutionStatus::Running => return Ok(view.id),
                    // Old executions are forgotten at some time.
                    Ok(_) | Err(WorkflowError::NotFound { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(None)
    }

    async fn history(&self, execution: &ExecutionArn, mut after: u64) -> Result<Vec<HistoryEvent>, WorkflowError> {
        let mut events = Vec::new();
        loop {
            let page = self.ports.workflows.history(execution, after).await?;
            let last = page.items.last().map(|event| event.id);
            events.extend(page.items);
            match last {
                Some(last) if page.more => after = last,
                _ => return Ok(events),
            }
        }
    }

    async fn read_logs(&mut self) {
        for request in self.follower.log_requests() {
            match self.ports.logs.read(&request.log, request.from).await {
                Ok(lines) => self.follower.see_log(&request.log, lines),
                Err(error) => self.trouble(&error),
            }
        }
    }

    async fn read_stacks(&mut self) {
        let now = self.ports.clock.now();
        let due = self.stacks_looked_up.is_none_or(|last| now.since(last) >= STACK_LOOKUP)
            || self.follower.stack_records_cannot_wait();
        if due && self.follower.needs_stack_records() {
            self.stacks_looked_up = Some(now);
            match self.stack_records().await {
                Ok(records) => self.follower.see_stack_records(&records),
                Err(error) => self.trouble(&error),
            }
        }
        for (position, request) in self.follower.stack_requests() {
            let events = self.stack_events(&request).await;
            self.follower.see_step_stack(position, events);
        }
    }

    async fn stack_records(&self) -> Result<Vec<Record>, InventoryError> {
        let mut records: Vec<Record> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.ports.inventory.list_resources(ResourceKind::CloudformationStack, after.as_deref()).await?;
            after = page.items.last().and_then(|record| match &record.key {
                RecordKey::Resource(_, name) => Some(name.clone()),
                RecordKey::Deployment(..) => None,
            });
            records.extend(page.items);
            if !page.more || after.is_none() {
                return Ok(records);
            }
        }
    }

    async fn stack_events(&mut self, request: &StackRequestOf) -> Vec<StackEvent> {
        let mut events: Vec<StackEvent> = Vec::new();
        loop {
            let after = events.last().map(|event| event.id.clone()).or_else(|| request.after.clone());
            let found = self.ports.stacks.events(&request.target, request.stack_id.as_deref(), after.as_deref()).await;
            match found {
                Ok(page) => {
                    let last = !page.more || page.items.is_empty();
                    events.extend(page.items);
                    if last {
                        return events;
                    }
                }
                // The stack is not there yet.
                Err(StackError::NotFound { .. }) => return events,
                Err(error) => {
                    self.trouble(&error);
                    return events;
                }
            }
        }
    }

    fn trouble(&mut self, error: &(dyn std::error::Error + 'static)) {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        if self.troubles.insert(message.clone()) {
            self.follower.see_trouble(message, self.ports.clock.now());
        }
    }
}
