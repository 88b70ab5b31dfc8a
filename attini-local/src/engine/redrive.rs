//! Going on with an execution that ended without success: states that succeeded stay, the others run again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use attini_core::value::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{Action, Outcome};
use super::definition::MachineId;
use super::execution::{Execution, ROOT};
use super::failure::Failure;
use super::frame::{Frame, FrameId, Phase, Run};
use super::variables;

/// What a redrive does besides running unsuccessful states again.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Redrive {
    /// Unsuccessful states that count as succeeded, by name: their input is their output.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Where to begin instead: a state of the top level, and its input.
    #[serde(default)]
    pub from: Option<(String, Value)>,
}

/// Without the input, which may hold secrets.
impl std::fmt::Debug for Redrive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let from = self.from.as_ref().map(|(state, _)| state);
        f.debug_struct("Redrive").field("skip", &self.skip).field("from", &from).finish()
    }
}

/// What there was of an execution just before its end.
#[derive(Serialize, Deserialize)]
pub(super) struct Unfinished {
    frames: BTreeMap<FrameId, Frame>,
    runs: BTreeMap<FrameId, Run>,
    variable_bytes: usize,
}

impl Execution {
    /// Returns whether the execution has ended without success and can go on.
    #[must_use]
    pub fn can_be_redriven(&self) -> bool {
        self.unfinished.is_some() && !matches!(self.is_ended(), None | Some(Outcome::Succeeded { .. }))
    }

    /// Returns the unsuccessful states of an execution that can be redriven, by name.
    #[must_use]
    pub fn unsuccessful(&self) -> Vec<&str> {
        let Some(unfinished) = &self.unfinished else { return Vec::new() };
        let mut names: Vec<&str> = unfinished
            .frames
            .values()
            .filter(|frame| !waits_for_children(frame))
            .filter_map(|frame| Some(self.definition.state(frame.state)?.name.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Goes on with an execution that failed, was stopped or took too long, and returns what to do. Attempts are counted
    /// from the beginning, and so is the time that the execution may take. A distributed Map begins again as a whole.
    ///
    /// An execution that [cannot be redriven](Self::can_be_redriven) stays as it is.
    pub fn redrive(&mut self, redrive: &Redrive, now: Timestamp) -> Vec<Action> {
        if !self.can_be_redriven() {
            return Vec::new();
        }
        let Some(Unfinished { frames, runs, variable_bytes }) = self.unfinished.take().map(|kept| *kept) else {
            return Vec::new();
        };
        (self.frames, self.runs, self.variable_bytes) = (frames, runs, variable_bytes);
        self.reopen(now);
        self.redrives += 1;
        let last = self.events;
        let redriven = self.record(None, last, "ExecutionRedriven", json!({ "redriveCount": self.redrives }));
        if let Some(seconds) = self.definition.timeout_seconds {
            self.set_timer(None, Duration::from_secs(seconds));
        }
        if let Some((state, input)) = &redrive.from {
            self.begin_at(state, input.clone());
        }
        self.begin_unsuccessful(&redrive.skip, redriven);
        self.run();
        std::mem::take(&mut self.actions)
    }

    fn begin_at(&mut self, state: &str, input: Value) {
        let Some(id) = self.definition.find(MachineId(0), state) else { return };
        self.drop_children(ROOT);
        if let Some(root) = self.frames.get_mut(&ROOT) {
            root.state = id;
            root.input = input;
            root.text = None;
            root.phase = Phase::Enter;
        }
    }

    fn begin_unsuccessful(&mut self, skip: &[String], redriven: u64) {
        let definition = Arc::clone(&self.definition);
        let ids: Vec<FrameId> = self.frames.keys().copied().collect();
        for id in ids {
            // It may have gone with the state around it.
            let Some(frame) = self.frames.get(&id) else { continue };
            let Some(state) = definition.state(frame.state) else { continue };
            let was_entered = !matches!(frame.phase, Phase::Enter);
            if skip.contains(&state.name) && was_entered {
                self.drop_children(id);
                self.leave_as_it_came(id, state, state.next);
                continue;
            }
            if waits_for_children(frame) {
                continue;
            }
            self.drop_children(id);
            if let Some(frame) = self.frames.get_mut(&id) {
                frame.phase = Phase::Enter;
                frame.last_event = redriven;
            }
            self.ready.push_back(id);
        }
    }

    /// Forgets everything below a frame.
    fn drop_children(&mut self, id: FrameId) {
        let mut parents = vec![id];
        while let Some(parent) = parents.pop() {
            let children: Vec<FrameId> =
                self.frames.iter().filter(|(_, frame)| frame.parent == Some(parent)).map(|(id, _)| *id).collect();
            for child in children {
                if let Some(frame) = self.frames.remove(&child) {
                    self.variable_bytes = self.variable_bytes.saturating_sub(variables::bytes(&frame.variables));
                }
                self.runs.remove(&child);
                parents.push(child);
            }
        }
    }

    /// Keeps what there is, because the execution is about to end without success.
    pub(super) fn keep_unfinished(&mut self) {
        self.unfinished = Some(Box::new(Unfinished {
            frames: self.frames.clone(),
            runs: self.runs.clone(),
            variable_bytes: self.variable_bytes,
        }));
    }

    /// Whether a failure of a state is retried or caught, there or further out.
    pub(super) fn is_handled(&self, id: FrameId, failure: &Failure) -> bool {
        let (mut id, mut failure) = (id, failure.clone());
        loop {
            let Some(frame) = self.frames.get(&id) else { return true };
            let Some(state) = self.definition.state(frame.state) else { return true };
            let retrier = state.retry.iter().enumerate().find(|(_, retrier)| failure.is_one_of(&retrier.errors));
            let used = |index: usize| frame.retries.get(index).copied().unwrap_or(0);
            if retrier.is_some_and(|(index, retrier)| used(index) < retrier.max_attempts)
                || state.catch.iter().any(|catcher| failure.is_one_of(&catcher.errors))
            {
                return true;
            }
            let Some(parent) = frame.parent else { return false };
            // It counts what failed, and fails itself when that is too much.
            if self.is_map_run(parent) {
                return true;
            }
            if self.frames.get(&parent).is_some_and(|frame| matches!(frame.phase, Phase::Parallel { .. })) {
                failure = failure.also("States.BranchFailed");
            }
            id = parent;
        }
    }
}

/// Whether a frame has nothing to do but to wait for those below it.
fn waits_for_children(frame: &Frame) -> bool {
    match &frame.phase {
        Phase::Parallel { children } | Phase::Map { children, run: None, .. } => !children.open.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
