use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use attini_core::port::HistoryEvent;
use attini_core::value::{ExecutionArn, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::calls::Call;
use crate::engine::{
    Action, Definition, EffectId, Event, Execution, ExecutionContext, Redrive, RestoreError, TaskRequest, TimerId,
};
use crate::store::journal::{self, JournalEntry, Snapshot};
use crate::store::{Tx, TxError, executions, task_tokens};

/// After so many entries a snapshot takes their place, so that going through them stays quick.
const ENTRIES: u64 = 2_000;

/// What changes an execution's state: what the engine takes, in the form that is stored.
#[derive(Debug, Clone)]
pub(super) enum Input {
    /// Something has happened.
    Event(Event),
    /// [`Execution::hold`], to be stopped because of `cause` when no task runs any more.
    Hold {
        /// Why.
        cause: String,
    },
    /// [`Execution::redrive`].
    Redrive(Redrive),
}

/// [`Input`] as it is stored. What is stored once must be read for ever.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Wire {
    Submitted { effect: EffectId, output: Value },
    Succeeded { effect: EffectId, output: Value },
    Failed { effect: EffectId, error: Option<String>, cause: Option<String> },
    Heartbeat { effect: EffectId },
    Timer { timer: TimerId },
    Stop { error: Option<String>, cause: Option<String> },
    Hold { cause: String },
    Redrive { how: Redrive },
}

impl From<Input> for Wire {
    fn from(input: Input) -> Self {
        match input {
            Input::Hold { cause } => Self::Hold { cause },
            Input::Redrive(how) => Self::Redrive { how },
            Input::Event(Event::TaskSubmitted { effect, output }) => Self::Submitted { effect, output },
            Input::Event(Event::TaskSucceeded { effect, output }) => Self::Succeeded { effect, output },
            Input::Event(Event::TaskFailed { effect, error, cause }) => Self::Failed { effect, error, cause },
            Input::Event(Event::TaskHeartbeat { effect }) => Self::Heartbeat { effect },
            Input::Event(Event::TimerFired { timer }) => Self::Timer { timer },
            Input::Event(Event::Stop { error, cause }) => Self::Stop { error, cause },
        }
    }
}

impl From<Wire> for Input {
    fn from(wire: Wire) -> Self {
        Self::Event(match wire {
            Wire::Hold { cause } => return Self::Hold { cause },
            Wire::Redrive { how } => return Self::Redrive(how),
            Wire::Submitted { effect, output } => Event::TaskSubmitted { effect, output },
            Wire::Succeeded { effect, output } => Event::TaskSucceeded { effect, output },
            Wire::Failed { effect, error, cause } => Event::TaskFailed { effect, error, cause },
            Wire::Heartbeat { effect } => Event::TaskHeartbeat { effect },
            Wire::Timer { timer } => Event::TimerFired { timer },
            Wire::Stop { error, cause } => Event::Stop { error, cause },
        })
    }
}

/// A task that was started and has not ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OpenTask {
    /// What to do.
    #[serde(with = "shared")]
    pub(super) request: Arc<TaskRequest>,
    /// Whether the call was answered, so that only the result is missing.
    pub(super) submitted: bool,
}

/// An execution, and what a driver has to know of it besides.
#[derive(Debug)]
pub(super) struct Replay {
    pub(super) execution: Execution,
    pub(super) open: BTreeMap<EffectId, OpenTask>,
    /// How many tasks were started that the environment's values answer.
    calls: Vec<Calls>,
    /// Why it is to be stopped at its next step boundary.
    pub(super) stop: Option<String>,
    /// Number of the last entry.
    number: u64,
    /// Number of the last entry of the last snapshot.
    snapshot: u64,
    last: Option<(u64, String)>,
}

/// How often a state has called a function, or a service when that is empty.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Calls {
    pub(super) state: String,
    pub(super) function: String,
    pub(super) count: usize,
}

/// [`Replay`] as it is stored.
#[derive(Serialize, Deserialize)]
struct Stored {
    execution: Value,
    open: BTreeMap<EffectId, OpenTask>,
    calls: Vec<Calls>,
    stop: Option<String>,
    last: Option<(u64, String)>,
}

/// An execution cannot be continued from its journal.
#[derive(Debug, Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    Tx(#[from] TxError),
    #[error("the journal of the execution cannot be read")]
    Unreadable(#[from] serde_json::Error),
    #[error(transparent)]
    Snapshot(#[from] RestoreError),
    #[error(
        "another version of attini started this execution, and this one would go on differently; resume it with that \
         version, or deploy again"
    )]
    OtherVersion,
}

impl Replay {
    /// Starts an execution; returns the actions that follow when nothing of it is recorded, else brings it to where its
    /// journal ends.
    pub(super) fn of(
        tx: &Tx<'_>,
        arn: &ExecutionArn,
        definition: &Arc<Definition>,
        context: ExecutionContext,
        started: Timestamp,
    ) -> Result<(Self, Option<Vec<Action>>), ReplayError> {
        let (snapshot, entries) = journal::read(tx, arn)?;
        let recorded = executions::last_event(tx, arn)?;
        let mut replay = match snapshot {
            Some(snapshot) => Self::restore(snapshot, Arc::clone(definition))?,
            None => {
                let (execution, actions) = Execution::start(Arc::clone(definition), context, started);
                let mut replay = Self {
                    execution,
                    open: BTreeMap::new(),
                    calls: Vec::new(),
                    stop: None,
                    number: 0,
                    snapshot: 0,
                    last: None,
                };
                replay.note(&actions);
                if recorded == 0 {
                    return Ok((replay, Some(actions)));
                }
                replay
            }
        };
        for JournalEntry { number, at, body } in entries {
            let input = Input::from(serde_json::from_value::<Wire>(body)?);
            replay.number = number;
            replay.apply(input, at);
        }
        replay.forget_ended();
        // The history was made by the same events. Where it differs, whoever made it decided differently.
        let kind = executions::event_kind(tx, arn, recorded)?;
        match (replay.last.clone(), kind) {
            (Some((id, kind)), Some(known)) if id == recorded && kind == known => Ok((replay, None)),
            _ => Err(ReplayError::OtherVersion),
        }
    }

    fn restore(snapshot: Snapshot, definition: Arc<Definition>) -> Result<Self, ReplayError> {
        let stored: Stored = serde_json::from_value(snapshot.state)?;
        Ok(Self {
            execution: Execution::restore(stored.execution, definition)?,
            open: stored.open,
            calls: stored.calls,
            stop: stored.stop,
            number: snapshot.number,
            snapshot: snapshot.number,
            last: stored.last,
        })
    }

    /// Takes an input into account and returns what to do.
    pub(super) fn apply(&mut self, input: Input, at: Timestamp) -> Vec<Action> {
        let actions = match input {
            Input::Hold { cause } => {
                self.execution.hold();
                self.stop.get_or_insert(cause);
                Vec::new()
            }
            Input::Redrive(how) => {
                self.stop = None;
                self.open.clear();
                self.execution.redrive(&how, at)
            }
            Input::Event(event) => {
                match &event {
                    Event::TaskSubmitted { effect, .. } => {
                        if let Some(task) = self.open.get_mut(effect) {
                            task.submitted = true;
                        }
                    }
                    Event::TaskSucceeded { effect, .. } | Event::TaskFailed { effect, .. } => {
                        self.open.remove(effect);
                    }
                    _ => {}
                }
                self.execution.apply(event, at)
            }
        };
        self.note(&actions);
        actions
    }

    /// Takes inputs into account, writes them into the journal, and returns what to do.
    pub(super) fn advance(
        &mut self,
        tx: &Tx<'_>,
        arn: &ExecutionArn,
        inputs: Vec<Input>,
        now: Timestamp,
    ) -> Result<Vec<Action>, TxError> {
        let mut entries = Vec::with_capacity(inputs.len());
        let mut actions = Vec::new();
        for input in inputs {
            self.number += 1;
            let body = serde_json::to_value(Wire::from(input.clone())).map_err(unwritable)?;
            entries.push(JournalEntry { number: self.number, at: now, body });
            actions.extend(self.apply(input, now));
        }
        journal::append(tx, arn, &entries)?;
        for effect in self.forget_ended() {
            // A task that took too long takes no answer any more, and who works on it learns that.
            task_tokens::close(tx, arn, effect.as_str())?;
        }
        if self.number - self.snapshot >= ENTRIES && self.execution.is_ended().is_none() {
            self.take_snapshot(tx, arn)?;
        }
        Ok(actions)
    }

    /// Forgets tasks that ended without an event of their own, and returns them.
    fn forget_ended(&mut self) -> Vec<EffectId> {
        let open: BTreeSet<&EffectId> = self.execution.open_tasks().collect();
        if open.len() == self.open.len() {
            return Vec::new();
        }
        let ended: Vec<EffectId> = self.open.keys().filter(|effect| !open.contains(effect)).cloned().collect();
        ended.iter().for_each(|effect| drop(self.open.remove(effect)));
        ended
    }

    fn take_snapshot(&mut self, tx: &Tx<'_>, arn: &ExecutionArn) -> Result<(), TxError> {
        let stored = Stored {
            execution: serde_json::to_value(&self.execution).map_err(unwritable)?,
            open: self.open.clone(),
            calls: self.calls.clone(),
            stop: self.stop.clone(),
            last: self.last.clone(),
        };
        let state = serde_json::to_value(stored).map_err(unwritable)?;
        journal::put_snapshot(tx, arn, &Snapshot { number: self.number, state })?;
        self.snapshot = self.number;
        Ok(())
    }

    /// Returns the calls that were answered, so that those that come get the answers after these.
    pub(super) fn answered_calls(&self) -> Vec<Calls> {
        let mut calls = self.calls.clone();
        for task in self.open.values().filter(|task| !task.submitted) {
            let function = function_of(&task.request);
            let same =
                |calls: &&mut Calls| calls.state == task.request.state && Some(&calls.function) == function.as_ref();
            if let Some(calls) = calls.iter_mut().find(same) {
                calls.count -= 1;
            }
        }
        calls
    }

    fn count(&mut self, task: &TaskRequest) {
        let Some(function) = function_of(task) else { return };
        match self.calls.iter_mut().find(|calls| calls.state == task.state && calls.function == function) {
            Some(calls) => calls.count += 1,
            None => self.calls.push(Calls { state: task.state.clone(), function, count: 1 }),
        }
    }

    fn note(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                Action::StartTask { effect, task } => {
                    self.count(task);
                    let open = OpenTask { request: Arc::new(task.clone()), submitted: false };
                    self.open.insert(effect.clone(), open);
                }
                Action::CancelTask { effect } => drop(self.open.remove(effect)),
                Action::Record(HistoryEvent { id, kind, .. }) => self.last = Some((*id, kind.clone())),
                _ => {}
            }
        }
    }
}

/// Returns the function that a task calls, empty when it calls another service; `None` when that is the framework's own.
fn function_of(task: &TaskRequest) -> Option<String> {
    match Call::of(task) {
        Call::Framework => None,
        Call::Function { name, .. } => Some(name),
        Call::Service => Some(String::new()),
    }
}

fn unwritable(source: serde_json::Error) -> TxError {
    TxError::Unreadable { what: "journal entry", source }
}

mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::engine::TaskRequest;

    pub(super) fn serialize<S: Serializer>(request: &Arc<TaskRequest>, serializer: S) -> Result<S::Ok, S::Error> {
        request.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<TaskRequest>, D::Error> {
        TaskRequest::deserialize(deserializer).map(Arc::new)
    }
}

#[cfg(test)]
mod tests;
