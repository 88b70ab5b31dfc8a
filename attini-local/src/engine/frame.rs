use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    /// The variables that its states have assigned. States below see them too, unless another execution runs them.
    #[serde(default)]
    pub(super) variables: BTreeMap<String, Value>,
    /// The frame at the top of the child execution this one belongs to; `None` in the execution itself.
    #[serde(default)]
    pub(super) run: Option<FrameId>,
    /// The id of the `…StateEntered` event.
    pub(super) entered_event: u64,
    /// The event from which that one followed.
    #[serde(default)]
    pub(super) before_entered: u64,
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
    /// Where it comes from, in a distributed Map.
    #[serde(default)]
    pub(super) source: Option<String>,
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
    /// In a Map state. `run` is there when each item has an execution of its own.
    Map { children: Children, items: Vec<Value>, selected: Value, next: usize, run: Option<Box<MapRun>> },
    /// In a Map state that reads its items.
    Reading(Box<Reading>),
    /// In a Map state that writes its results.
    Writing(Box<Writing>),
}

/// The frames that a state opened, and what those that ended returned.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Children {
    pub(super) open: BTreeSet<FrameId>,
    pub(super) results: Vec<Option<Value>>,
}

impl Children {
    pub(super) fn of(count: usize) -> Self {
        Self { open: BTreeSet::new(), results: vec![None; count] }
    }

    pub(super) fn ended(&mut self, child: FrameId, slot: usize, output: Value) {
        self.open.remove(&child);
        if self.results.len() <= slot {
            self.results.resize(slot + 1, None);
        }
        if let Some(result) = self.results.get_mut(slot) {
            *result = Some(output);
        }
    }

    /// Takes the results in the order of the branches or items.
    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.results).into_iter().map(Option::unwrap_or_default).collect()
    }
}

/// What a distributed Map knows of its run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MapRun {
    pub(super) arn: String,
    /// The last part of the ARN.
    pub(super) id: String,
    pub(super) concurrency: usize,
    pub(super) tolerated_count: Option<u64>,
    pub(super) tolerated_percentage: Option<f64>,
    /// The items of the children that failed.
    pub(super) failed_items: u64,
    /// How many items each child that was started has got.
    pub(super) batches: Vec<usize>,
    /// The children that failed.
    pub(super) failed: BTreeSet<usize>,
    /// Where items of an `ItemReader` come from: `s3://bucket/key`.
    pub(super) source: Option<String>,
}

/// The objects of an `ItemReader` that are still to be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) effect: EffectId,
    /// How many requests were made, this one included.
    pub(super) requests: u64,
    pub(super) stage: ReadingStage,
    /// The request under way.
    pub(super) request: Value,
    /// Objects to read after it: bucket and key.
    pub(super) pending: VecDeque<(String, String)>,
    pub(super) items: Vec<Value>,
    /// The columns of an inventory.
    pub(super) columns: Vec<String>,
    pub(super) selected: Value,
    pub(super) max_items: Option<usize>,
    pub(super) run: MapRun,
}

/// What the answer to the request under way will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ReadingStage {
    /// A page of a listing.
    List,
    /// A list of the objects that hold the items.
    Manifest,
    /// Items.
    Data,
}

/// The objects of a `ResultWriter` that are still to be written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Writing {
    pub(super) effect: EffectId,
    pub(super) requests: u64,
    pub(super) pending: VecDeque<Value>,
    /// What the state returns when all is written.
    pub(super) output: Value,
}

/// The execution that a distributed Map started for an item or a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) arn: String,
    pub(super) name: String,
    /// The ARN of the machine, with the label of the Map.
    pub(super) machine_arn: String,
    pub(super) input: Value,
    pub(super) started: Moment,
    /// How many events its history would have; nobody keeps it.
    pub(super) events: u64,
}
