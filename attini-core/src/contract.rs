//! What every implementation of a port must keep, as tests; and implementations in memory for tests of everything else.
//!
//! One module per port holds one function per promise of the port's documentation, and `all`, which runs them. They panic
//! where a promise is broken. Adapters run them in their own tests:
//!
//! ```
//! # futures::executor::block_on(async {
//! use attini_core::contract::{MemObjectStore, object_store};
//! object_store::all(&MemObjectStore::default()).await;
//! # });
//! ```
//!
//! The fakes are stricter than the real services: pages of two, every condition checked, keys compared byte by byte,
//! messages delivered again as soon as that is allowed. [`Faults`] makes any of them fail at a chosen call.

pub mod clock;
pub mod functions;
pub mod inventory;
pub mod job_queue;
pub mod log_store;
pub mod notifications;
pub mod object_store;
pub mod parameter_store;
pub mod runner_fleet;
pub mod stack_service;
pub mod task_tokens;
pub mod workflows;

mod fake;
mod faults;
mod framework;

pub use fake::{
    Answer, MemFunctions, MemInventory, MemLogStore, MemNotifications, MemObjectStore, MemParameters, MemQueue,
    MemStackService, MemTaskTokens, MemWorkflows, RecordingFleet, SequentialIds, SettableClock,
};
pub use faults::{Faults, Moment};
pub use framework::{TestFramework, registration, zip_of};

#[cfg(test)]
mod tests;
