//! An interpreter for the Amazon States Language, as a pure state machine.
//!
//! [`Execution::start`] and [`Execution::apply`] turn events into [`Action`]s. Nothing in here waits, calls or reads a
//! clock: the driver does, and reports back. The same events give the same actions, and an execution can be stored and
//! read back between any two events, so a driver that commits the state before it acts survives a crash.
//!
//! Both query languages are supported, with variables, and Map in both modes. What a distributed Map reads and writes are
//! objects of S3: it asks for them with tasks whose resources are `s3:getObject`, `s3:listObjectsV2` and `s3:putObject`,
//! which [`objects`] answers from a store.

mod action;
mod chance;
mod context;
mod definition;
mod execution;
mod exit;
mod failure;
mod frame;
mod history;
mod jsonata;
mod limits;
pub mod objects;
mod redrive;
mod resource;
mod retry;
mod scope;
mod simulate;
mod states;
mod template;
#[cfg(test)]
mod tests;
mod variables;

pub use action::{Action, EffectId, Event, Outcome, TaskRequest, TimerId};
pub use chance::Seed;
pub use context::ExecutionContext;
pub use definition::Definition;
pub use execution::{Execution, RestoreError};
pub use redrive::Redrive;
pub use resource::TaskPattern;
pub use simulate::{Answer, Mocks, SimulationResult, TaskEnd, simulate};
