//! An interpreter for the Amazon States Language, as a pure state machine.
//!
//! [`Execution::start`] and [`Execution::apply`] turn events into [`Action`]s. Nothing in here waits, calls or reads a
//! clock: the driver does, and reports back. The same events give the same actions, and an execution can be stored and
//! read back between any two events, so a driver that commits the state before it acts survives a crash.
//!
//! Supported is the JSONPath flavor without variables, with Map in inline mode. [`Definition::parse`] refuses the rest by
//! name.

mod action;
mod chance;
mod context;
mod definition;
mod execution;
mod failure;
mod frame;
mod history;
mod limits;
mod resource;
mod retry;
mod scope;
mod simulate;
mod states;
mod template;
#[cfg(test)]
mod tests;

pub use action::{Action, EffectId, Event, Outcome, TaskRequest, TimerId};
pub use chance::Seed;
pub use context::ExecutionContext;
pub use definition::Definition;
pub use execution::{Execution, RestoreError};
pub use resource::TaskPattern;
pub use simulate::{Answer, Mocks, SimulationResult, TaskEnd, simulate};
