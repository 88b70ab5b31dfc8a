//! The traits through which the library meets the outside.
//!
//! Each is small and object safe. A method's doc says what is promised; what is not said is not promised. There is no
//! transaction across ports: every act can be repeated, and preconditions stand in the signature where two writers exist.
//! With the feature `contract`, `crate::contract` holds one test suite and one in-memory fake per trait.

mod clock;
mod functions;
mod inventory;
mod job_queue;
mod log_store;
mod notifications;
mod object_store;
mod parameter_store;
mod runner_fleet;
mod stack_service;
mod task_tokens;
mod workflows;

pub use clock::{Clock, Ids};
pub use functions::{FunctionError, Functions};
pub use inventory::{Inventory, InventoryError, Record, RecordKey, ResourceKind, Revision, update, update_if_present};
pub use job_queue::{Delivery, JobQueue, QueueError};
pub use log_store::{LogLine, LogStore};
pub use notifications::{Notification, Notifications};
pub use object_store::{Body, ObjectReader, ObjectStore, StoreError};
pub use parameter_store::ParameterStore;
pub use runner_fleet::{FleetError, RunnerFleet};
pub use stack_service::{
    DeclaredParameter, OnFailure, ParameterValue, StackDescription, StackError, StackEvent, StackRequest, StackService,
    StackStatus, StackTarget, TemplateLocation,
};
pub use task_tokens::{AnswerError, TaskTokens};
pub use workflows::{ExecutionDescription, ExecutionStatus, HistoryEvent, WorkflowError, Workflows};

/// A cause of any type, kept for the reader of an error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What must hold for a write to take place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition<V> {
    /// Nothing.
    None,
    /// There is no such thing yet.
    Absent,
    /// The thing has not changed since this version of it was read.
    Unchanged(V),
}

/// One page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the order the method promises.
    pub items: Vec<T>,
    /// Whether a further call, after the last item, may return more.
    pub more: bool,
}

/// The outside could not be reached or refused to work. Trying again may help.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation}")]
pub struct Unavailable {
    /// What was tried, with its object: `read parameter /a/b`.
    pub operation: String,
    /// Why.
    pub source: BoxError,
}

impl Unavailable {
    /// Joins what was tried with its cause.
    pub fn new(operation: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self { operation: operation.into(), source: source.into() }
    }
}
