use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use super::cause::TAIL;
use crate::port::{ExecutionDescription, ExecutionStatus, HistoryEvent, StackEvent};
use crate::value::{ExecutionArn, Region, StackName, TaskToken, Timestamp};

/// One execution, and what its history told so far.
#[derive(Debug)]
pub(super) struct PlanTrack {
    pub arn: ExecutionArn,
    pub occurrences: Vec<Occurrence>,
    /// What is not reported yet, in the order of the history.
    pub changes: Vec<Change>,
    pub last_event: u64,
    pub description: Option<ExecutionDescription>,
    /// Whether the end of the execution has been seen in its history.
    pub closed: bool,
    pub reported_start: bool,
    pub reported_end: bool,
    /// Which occurrence each event belongs to.
    owners: HashMap<u64, usize>,
}

/// One state that was entered once.
#[derive(Debug)]
pub(super) struct Occurrence {
    pub id: u64,
    pub name: String,
    /// Kind in the States Language: `Task`, `Choice`, …
    pub state: String,
    pub entered: Timestamp,
    pub ended: Option<Timestamp>,
    /// Whether the end has been reported.
    pub told: bool,
    pub attempt: u32,
    pub approval: Approval,
    /// The last lines of its job.
    pub tail: VecDeque<String>,
    pub stack_events: Vec<StackEvent>,
    /// What its task was asked to deploy, once it was scheduled.
    pub request: StackOfTask,
    /// Whether a failed step inside it was reported.
    pub blamed: bool,
    parent: Option<usize>,
    failure: Option<Pending>,
    /// Error and cause of the first state inside it that failed for good.
    inner_failure: Option<(String, String)>,
}

/// What the parameters of a step's task tell about its stack (deployment-plan.md 8.12).
#[derive(Debug, Default)]
pub(super) struct StackOfTask {
    /// Name of the stack; `None` when a configuration file names it.
    pub name: Option<StackName>,
    /// Its region, when it is another one.
    pub region: Option<Region>,
    /// What answers the step: the record of the stack holds the same until then.
    pub token: Option<TaskToken>,
}

impl StackOfTask {
    fn read(details: &Value) -> Self {
        let parameters = detail(details, "parameters");
        let Ok(parameters) = serde_json::from_str::<Value>(&parameters) else { return Self::default() };
        let text = |pointer: &str| parameters.pointer(pointer).and_then(Value::as_str);
        Self {
            // A name with variables is none yet.
            name: text("/Payload/Properties/StackName").and_then(|name| StackName::parse(name).ok()),
            region: text("/Payload/Properties/Region").and_then(|region| Region::parse(region).ok()),
            token: text("/Payload/deploymentPlanExecutionMetadata/sfnToken").map(TaskToken::new),
        }
    }
}

/// How far a step that may need a person is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approval {
    NotAsked,
    /// Its answer can be taken.
    Ready,
    Told,
}

/// A failed attempt of which is not known yet what follows.
#[derive(Debug, Clone)]
struct Pending {
    event: u64,
    at: Timestamp,
    error: String,
    cause: String,
    /// Whether the retry was reported before it began.
    told: bool,
}

/// Something to report.
#[derive(Debug)]
pub(super) struct Change {
    pub at: Timestamp,
    pub occurrence: usize,
    pub kind: ChangeKind,
}

#[derive(Debug)]
pub(super) enum ChangeKind {
    Started,
    Retried { attempt: u32, error: String, cause: String },
    Succeeded { output: Option<Value> },
    Failed { error: String, cause: String, caught: bool },
    Stopped,
}

impl PlanTrack {
    pub(super) fn new(arn: ExecutionArn) -> Self {
        Self {
            arn,
            occurrences: Vec::new(),
            changes: Vec::new(),
            last_event: 0,
            description: None,
            closed: false,
            reported_start: false,
            reported_end: false,
            owners: HashMap::new(),
        }
    }

    /// Says whether the execution has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.description.as_ref().is_some_and(|description| description.status != ExecutionStatus::Running)
    }

    /// Takes history events into account; those seen before are skipped.
    pub(super) fn see(&mut self, events: &[HistoryEvent]) {
        for event in events {
            if event.id > self.last_event {
                self.last_event = event.id;
                self.apply(event);
            }
        }
    }

    fn apply(&mut self, event: &HistoryEvent) {
        let before = self.owners.get(&event.previous_id).copied();
        let owner = if let Some(state) = event.kind.strip_suffix("StateEntered") {
            self.settle_failure(before, event, false);
            Some(self.enter(state, event, before))
        } else if event.kind.ends_with("StateExited") {
            self.exit(event, before)
        } else if is_container_event(&event.kind) {
            self.container_event(event, before)
        } else if let Some(status) =
            event.kind.strip_prefix("Execution").filter(|status| !["Started", "Redriven"].contains(status))
        {
            self.settle_failure(before, event, false);
            self.close(event.time, status, before, failure_of(&event.details));
            before
        } else {
            self.attempt_event(event, before)
        };
        if let Some(owner) = owner {
            self.owners.insert(event.id, owner);
        }
    }

    fn enter(&mut self, state: &str, event: &HistoryEvent, before: Option<usize>) -> usize {
        // After the exit of a state the next one is its sibling; before it, the new one is inside.
        let parent = before.and_then(|index| {
            let previous = self.occurrences.get(index)?;
            if previous.ended.is_some() { previous.parent } else { Some(index) }
        });
        let index = self.occurrences.len();
        let failure = (state == "Fail").then(|| Pending {
            event: event.id,
            at: event.time,
            error: "States.Fail".to_owned(),
            cause: String::new(),
            told: false,
        });
        self.occurrences.push(Occurrence {
            id: event.id,
            name: detail(&event.details, "name"),
            state: state.to_owned(),
            entered: event.time,
            ended: None,
            told: false,
            attempt: 1,
            approval: Approval::NotAsked,
            tail: VecDeque::with_capacity(TAIL),
            stack_events: Vec::new(),
            request: StackOfTask::default(),
            blamed: false,
            parent,
            failure,
            inner_failure: None,
        });
        self.change(event.time, index, ChangeKind::Started);
        index
    }

    fn exit(&mut self, event: &HistoryEvent, before: Option<usize>) -> Option<usize> {
        let name = detail(&event.details, "name");
        let index = self
            .open_ancestor(before, |found| found.name == name)
            .or_else(|| self.occurrences.iter().rposition(|found| found.name == name && found.ended.is_none()))?;
        if before != Some(index) {
            self.settle_failure(before, event, false);
        }
        if !self.settle_failure(Some(index), event, true) {
            let output = output_of(&event.details, &name);
            self.end(index, event.time, ChangeKind::Succeeded { output });
        }
        Some(index)
    }

    /// `ParallelState…`, `MapState…`, `MapRun…` and `MapIteration…` belong to the state around what came before.
    fn container_event(&mut self, event: &HistoryEvent, before: Option<usize>) -> Option<usize> {
        let named = detail(&event.details, "name");
        let container = if event.kind.starts_with("Parallel") { "Parallel" } else { "Map" };
        let index = self.open_ancestor(before, |found| {
            found.state == container && (named.is_empty() || found.name == named || !event.kind.contains("Iteration"))
        });
        if before != index {
            self.settle_failure(before, event, false);
        }
        let index = index?;
        if matches!(event.kind.as_str(), "ParallelStateFailed" | "MapStateFailed" | "MapRunFailed") {
            self.fail_attempt(index, event);
        } else if event.kind.ends_with("StateStarted") {
            self.retry(index, event.time);
        }
        Some(index)
    }

    fn attempt_event(&mut self, event: &HistoryEvent, before: Option<usize>) -> Option<usize> {
        let index = before?;
        let kind = event.kind.as_str();
        if kind.ends_with("StateAborted") {
            if !self.settle_failure(before, event, false) {
                self.end(index, event.time, ChangeKind::Stopped);
            }
        } else if kind.ends_with("Scheduled") {
            self.retry(index, event.time);
            self.occurrences.get_mut(index)?.request = StackOfTask::read(&event.details);
        } else if kind == "TaskSubmitted" {
            let occurrence = self.occurrences.get_mut(index)?;
            if occurrence.approval == Approval::NotAsked {
                occurrence.approval = Approval::Ready;
            }
        } else if kind.ends_with("Failed") || kind.ends_with("TimedOut") {
            self.fail_attempt(index, event);
        }
        Some(index)
    }

    fn fail_attempt(&mut self, index: usize, event: &HistoryEvent) {
        let (error, cause) = failure_of(&event.details);
        let Some(occurrence) = self.occurrences.get_mut(index) else { return };
        let inner = occurrence.inner_failure.take().filter(|_| error.is_empty() && cause.is_empty());
        let (error, cause) = inner.unwrap_or((error, cause));
        occurrence.failure = Some(Pending { event: event.id, at: event.time, error, cause, told: false });
    }

    fn retry(&mut self, index: usize, at: Timestamp) {
        let Some(occurrence) = self.occurrences.get_mut(index) else { return };
        let Some(Pending { error, cause, told, .. }) = occurrence.failure.take() else { return };
        let attempt = occurrence.attempt;
        occurrence.attempt += 1;
        occurrence.blamed = false;
        occurrence.inner_failure = None;
        occurrence.approval = Approval::NotAsked;
        if !told {
            self.change(at, index, ChangeKind::Retried { attempt, error, cause });
        }
    }

    /// Ends a state whose last attempt failed, now that something other than a retry follows.
    fn settle_failure(&mut self, index: Option<usize>, event: &HistoryEvent, caught: bool) -> bool {
        let Some(index) = index else { return false };
        let Some(occurrence) = self.occurrences.get_mut(index).filter(|found| found.ended.is_none()) else {
            return false;
        };
        let follows = |pending: &Pending| caught || pending.event == event.previous_id;
        let Some(pending) = occurrence.failure.take_if(|pending| follows(pending)) else { return false };
        let (mut error, mut cause) = (pending.error, pending.cause);
        if event.kind == "ExecutionFailed" && cause.is_empty() {
            let (execution_error, execution_cause) = failure_of(&event.details);
            cause = execution_cause;
            if !execution_error.is_empty() {
                error = execution_error;
            }
        }
        let parent = occurrence.parent.filter(|_| !caught);
        if let Some(parent) = parent.and_then(|parent| self.occurrences.get_mut(parent)) {
            // The failure event of the state around it names neither error nor cause.
            parent.inner_failure.get_or_insert_with(|| (error.clone(), cause.clone()));
        }
        self.end(index, pending.at, ChangeKind::Failed { error, cause, caught });
        true
    }

    /// Ends everything that is still open, because the execution has ended.
    pub(super) fn close(
        &mut self,
        at: Timestamp,
        status: &str,
        failed: Option<usize>,
        (error, cause): (String, String),
    ) {
        self.closed = true;
        for index in (0..self.occurrences.len()).rev() {
            let Some(occurrence) = self.occurrences.get_mut(index).filter(|found| found.ended.is_none()) else {
                continue;
            };
            let pending = occurrence.failure.take();
            let kind = match pending {
                Some(pending) if status == "Failed" => {
                    ChangeKind::Failed { error: pending.error, cause: pending.cause, caught: false }
                }
                _ if status == "Failed" && failed == Some(index) => {
                    ChangeKind::Failed { error: error.clone(), cause: cause.clone(), caught: false }
                }
                _ => ChangeKind::Stopped,
            };
            self.end(index, at, kind);
        }
    }

    /// Reports attempts that failed at least a second ago and wait for their next attempt.
    pub(super) fn tell_waiting_retries(&mut self, now: Timestamp) {
        for index in 0..self.occurrences.len() {
            let Some(occurrence) = self.occurrences.get_mut(index).filter(|found| found.ended.is_none()) else {
                continue;
            };
            let attempt = occurrence.attempt;
            let Some(pending) = occurrence.failure.as_mut().filter(|pending| !pending.told) else { continue };
            if now.since(pending.at).as_millis() >= 1000 {
                pending.told = true;
                let (error, cause) = (pending.error.clone(), pending.cause.clone());
                self.change(now, index, ChangeKind::Retried { attempt, error, cause });
            }
        }
    }

    /// Returns the state around this one.
    pub(super) fn parent(&self, index: usize) -> Option<usize> {
        self.occurrences.get(index)?.parent
    }

    fn open_ancestor(&self, from: Option<usize>, is_it: impl Fn(&Occurrence) -> bool) -> Option<usize> {
        let mut next = from;
        while let Some(index) = next {
            let occurrence = self.occurrences.get(index)?;
            if occurrence.ended.is_none() && is_it(occurrence) {
                return Some(index);
            }
            next = occurrence.parent;
        }
        None
    }

    fn end(&mut self, index: usize, at: Timestamp, kind: ChangeKind) {
        if let Some(occurrence) = self.occurrences.get_mut(index).filter(|found| found.ended.is_none()) {
            occurrence.ended = Some(at);
            self.change(at, index, kind);
        }
    }

    fn change(&mut self, at: Timestamp, occurrence: usize, kind: ChangeKind) {
        self.changes.push(Change { at, occurrence, kind });
    }
}

fn is_container_event(kind: &str) -> bool {
    (kind.starts_with("ParallelState") || kind.starts_with("MapState") || kind.starts_with("MapRun"))
        && !kind.ends_with("StateAborted")
        || kind.starts_with("MapIteration")
}

fn failure_of(details: &Value) -> (String, String) {
    (detail(details, "error"), detail(details, "cause"))
}

fn detail(details: &Value, key: &str) -> String {
    details.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns `output.<step>` of what a state passed on; the service keeps it as JSON text, other engines as a value.
fn output_of(details: &Value, step: &str) -> Option<Value> {
    let output = details.get("output")?;
    let parsed = output.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    parsed.as_ref().unwrap_or(output).get("output")?.get(step).cloned()
}
