//! A state machine, read and checked, in the form in which it is run.

mod choice;
mod fields;
mod parse;

use attini_core::asl::path::{Query, ReferencePath};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::resource::Resource;
use super::template::{Expression, Template};
pub(super) use choice::{Comparison, Domain, Operand, OperandValue, Rule, Test};

/// A state machine that can be run.
///
/// The states of all branches and iterators stand in one list, so that running needs no walk through nested machines.
#[derive(Debug, Default)]
pub struct Definition {
    pub(super) states: Vec<State>,
    /// The top level is machine 0.
    pub(super) machines: Vec<Machine>,
    pub(super) timeout_seconds: Option<u64>,
    pub(super) fingerprint: String,
}

impl Definition {
    /// Reads a state machine.
    ///
    /// # Errors
    ///
    /// Every problem, each with the state and the field it is in and what to do. What the engine does not support
    /// (JSONata, `Assign`, distributed Map) is such a problem too.
    pub fn parse(definition: &Value) -> Result<Self, Vec<String>> {
        let fingerprint = hex::encode(Sha256::digest(definition.to_string()));
        parse::definition(definition, fingerprint)
    }

    pub(super) fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(id.0)
    }

    pub(super) fn start(&self, machine: MachineId) -> StateId {
        self.machines.get(machine.0).map_or(StateId(usize::MAX), |machine| machine.start)
    }
}

/// The position of a state in its [`Definition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct StateId(pub(super) usize);

/// The position of a machine (the top level, a branch, an iterator) in its [`Definition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MachineId(pub(super) usize);

#[derive(Debug)]
pub(super) struct Machine {
    pub(super) start: StateId,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) input_path: Selector,
    pub(super) parameters: Option<Template>,
    pub(super) result_selector: Option<Template>,
    pub(super) result_path: ResultPath,
    pub(super) output_path: Selector,
    /// `None` ends the machine.
    pub(super) next: Option<StateId>,
    pub(super) retry: Vec<Retrier>,
    pub(super) catch: Vec<Catcher>,
}

#[derive(Debug)]
pub(super) enum Kind {
    Pass { result: Option<Value> },
    Task(Box<Task>),
    Choice { rules: Vec<(Rule, StateId)>, default: Option<StateId> },
    Wait(Wait),
    Succeed,
    Fail { error: Option<Text>, cause: Option<Text> },
    Parallel { branches: Vec<MachineId> },
    Map(Box<Map>),
}

impl Kind {
    /// The type as the States Language spells it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "Pass",
            Self::Task(_) => "Task",
            Self::Choice { .. } => "Choice",
            Self::Wait(_) => "Wait",
            Self::Succeed => "Succeed",
            Self::Fail { .. } => "Fail",
            Self::Parallel { .. } => "Parallel",
            Self::Map(_) => "Map",
        }
    }
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) resource: Resource,
    pub(super) timeout: Option<Seconds>,
    pub(super) heartbeat: Option<Seconds>,
    pub(super) credentials: Option<Template>,
}

#[derive(Debug)]
pub(super) struct Map {
    pub(super) processor: MachineId,
    pub(super) items_path: Option<Query>,
    pub(super) item_selector: Option<Template>,
    pub(super) max_concurrency: Option<Seconds>,
    pub(super) tolerated_failure_count: Option<Seconds>,
    pub(super) tolerated_failure_percentage: Option<Percentage>,
}

/// `InputPath`, `OutputPath`.
#[derive(Debug)]
pub(super) enum Selector {
    Whole,
    /// `null`: an empty object instead.
    Nothing,
    Path(Query),
}

#[derive(Debug)]
pub(super) enum ResultPath {
    Whole,
    /// `null`: the result is dropped.
    Discard,
    Path(ReferencePath),
}

/// A whole number, given or found in the input.
#[derive(Debug)]
pub(super) enum Seconds {
    Fixed(u64),
    Path(Query),
}

#[derive(Debug)]
pub(super) enum Percentage {
    Fixed(f64),
    Path(Query),
}

/// A text, given or computed.
#[derive(Debug)]
pub(super) enum Text {
    Fixed(String),
    Computed(Expression),
}

#[derive(Debug)]
pub(super) enum Wait {
    Seconds(u64),
    SecondsPath(Query),
    /// Epoch milliseconds.
    Timestamp(i64),
    TimestampPath(Query),
}

#[derive(Debug)]
pub(super) struct Retrier {
    pub(super) errors: Vec<String>,
    pub(super) interval_seconds: u64,
    pub(super) max_attempts: u64,
    pub(super) backoff_rate: f64,
    pub(super) max_delay_seconds: Option<u64>,
    pub(super) full_jitter: bool,
}

#[derive(Debug)]
pub(super) struct Catcher {
    pub(super) errors: Vec<String>,
    pub(super) result_path: ResultPath,
    pub(super) next: StateId,
}
