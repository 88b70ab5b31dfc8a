//! A state machine, read and checked, in the form in which it is run.

mod assign;
mod choice;
mod distributed;
mod fields;
mod handlers;
mod parse;

use std::collections::BTreeSet;

use attini_core::asl::path::{Query, ReferencePath};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::resource::Resource;
use super::template::{Expression, Located, Template};
pub(super) use choice::{Comparison, Condition, Domain, Operand, OperandValue, Rule, Test};
pub(super) use distributed::{Batcher, CsvHeaders, Distributed, InputType, Reader, ResultForm, Writer};
pub(super) use handlers::{Catcher, Retrier};

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
    /// Whether executions may have more events than the service allows.
    pub(super) has_no_event_limit: bool,
}

impl Definition {
    /// Reads a state machine.
    ///
    /// # Errors
    ///
    /// Every problem, each with the state and the field it is in and what to do. What the engine does not support (items
    /// in Parquet files) is such a problem too.
    pub fn parse(definition: &Value) -> Result<Self, Vec<String>> {
        let fingerprint = hex::encode(Sha256::digest(definition.to_string()));
        parse::definition(definition, fingerprint)
    }

    /// Lets executions have as many events as they like. The service ends them at 25,000, so nothing that is deployed runs
    /// like this; measurements do.
    #[must_use]
    pub fn without_event_limit(self) -> Self {
        Self { has_no_event_limit: true, ..self }
    }

    pub(super) fn state(&self, id: StateId) -> Option<&State> {
        self.states.get(id.0)
    }

    /// Says whether the top level has a state of this name.
    #[must_use]
    pub fn has_state(&self, name: &str) -> bool {
        self.find(MachineId(0), name).is_some()
    }

    /// Returns the state of a machine that has a name.
    pub(super) fn find(&self, machine: MachineId, name: &str) -> Option<StateId> {
        let mut next = vec![self.start(machine)];
        let mut seen = BTreeSet::new();
        while let Some(id) = next.pop() {
            let Some(state) = self.state(id).filter(|_| seen.insert(id.0)) else { continue };
            if state.name == name {
                return Some(id);
            }
            next.extend(state.next);
            next.extend(state.catch.iter().map(|catcher| catcher.next));
            if let Kind::Choice { rules, default } = &state.kind {
                next.extend(rules.iter().map(|rule| rule.next));
                next.extend(*default);
            }
        }
        None
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

/// What paths and expressions of a state are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    JsonPath,
    Jsonata,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) language: Language,
    pub(super) input_path: Selector,
    /// `Parameters`, `Arguments`.
    pub(super) parameters: Option<Template>,
    pub(super) result_selector: Option<Template>,
    pub(super) result_path: ResultPath,
    pub(super) output_path: Selector,
    pub(super) assign: Option<Template>,
    /// `Output` of a JSONata state.
    pub(super) output: Option<Template>,
    /// `None` ends the machine.
    pub(super) next: Option<StateId>,
    pub(super) retry: Vec<Retrier>,
    pub(super) catch: Vec<Catcher>,
}

impl State {
    /// Whether a state that makes no result of its own hands on its input as it is, and assigns nothing.
    pub(super) fn hands_on(&self) -> bool {
        matches!((&self.input_path, &self.output_path), (Selector::Whole, Selector::Whole))
            && self.assign.is_none()
            && self.output.is_none()
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Pass { result: Option<Value> },
    Task(Box<Task>),
    Choice { rules: Vec<Choice>, default: Option<StateId> },
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

/// One entry of `Choices`.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) rule: Rule,
    pub(super) next: StateId,
    pub(super) assign: Option<Template>,
    pub(super) output: Option<Template>,
}

#[derive(Debug)]
pub(super) struct Map {
    pub(super) processor: MachineId,
    pub(super) items: Items,
    pub(super) item_selector: Option<Template>,
    pub(super) max_concurrency: Option<Seconds>,
    pub(super) tolerated_failure_count: Option<Seconds>,
    pub(super) tolerated_failure_percentage: Option<Percentage>,
    /// What a Map in distributed mode has besides.
    pub(super) distributed: Option<Box<Distributed>>,
}

/// Where a Map has its items from.
#[derive(Debug)]
pub(super) enum Items {
    Input,
    Path(Query),
    /// `Items`
    Template(Template),
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
    Jsonata(Box<Located>),
}

#[derive(Debug)]
pub(super) enum Percentage {
    Fixed(f64),
    Path(Query),
    Jsonata(Box<Located>),
}

/// A text, given or computed.
#[derive(Debug)]
pub(super) enum Text {
    Fixed(String),
    Computed(Expression),
    Jsonata(Box<Located>),
}

#[derive(Debug)]
pub(super) enum Wait {
    Seconds(u64),
    SecondsPath(Query),
    /// Epoch milliseconds.
    Timestamp(i64),
    TimestampPath(Query),
    SecondsJsonata(Box<Located>),
    TimestampJsonata(Box<Located>),
}
