use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::{EffectId, TimerId};
use super::context::Moment;
use super::definition::StateId;

/// The number of a frame in its execution, never used twice.
pub(super) type FrameId = u64;

/// One line of control: the top level, a branch, or an iteration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Frame {
    /// The frame whose state opened this one.
    pub(super) parent: Option<FrameId>,
    /// The index of the branch or of the item in its parent.
    pub(super) slot: usize,
    /// What stands before the names of its effects: `Map.1#0[2]/`.
    pub(super) path: String,
    /// `$$.Map.Item`, its own or that of the iteration around.
    pub(super) item: Option<Item>,
    pub(super) state: StateId,
    /// How many states were entered.
    pub(super) visits: u64,
    /// The raw input of the state.
    pub(super) input: Value,
    /// The input as text, if it has been written already: histories are full of it.
    #[serde(skip)]
    pub(super) text: Option<String>,
    /// The id of the `…StateEntered` event.
    pub(super) entered_event: u64,
    pub(super) entered_time: Moment,
    /// The event from which the next one follows.
    pub(super) last_event: u64,
    /// How often each retrier was used in this visit.
    pub(super) retries: Vec<u64>,
    /// How often the state was started again in this visit.
    pub(super) attempt: u64,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Item {
    pub(super) index: usize,
    pub(super) value: Value,
}

/// What a frame does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Phase {
    /// About to enter its state.
    Enter,
    /// About to start its state again.
    Again,
    /// In a Wait state, or between two attempts.
    Waiting { timer: TimerId },
    /// Has a task running.
    Task { effect: EffectId, timeout: Option<TimerId>, heartbeat: Option<TimerId>, heartbeat_seconds: Option<u64> },
    /// In a Parallel state.
    Parallel { children: Children },
    /// In a Map state.
    Map { children: Children, items: Vec<Value>, selected: Value, next: usize },
}

/// The frames that a state opened, and what those that ended returned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Children {
    pub(super) open: Vec<FrameId>,
    pub(super) results: Vec<Option<Value>>,
}

impl Children {
    pub(super) fn of(count: usize) -> Self {
        Self { open: Vec::new(), results: vec![None; count] }
    }

    pub(super) fn ended(&mut self, child: FrameId, slot: usize, output: Value) {
        self.open.retain(|id| *id != child);
        if let Some(result) = self.results.get_mut(slot) {
            *result = Some(output);
        }
    }

    /// Takes the results in the order of the branches or items.
    pub(super) fn take(&mut self) -> Value {
        Value::Array(std::mem::take(&mut self.results).into_iter().map(Option::unwrap_or_default).collect())
    }
}
