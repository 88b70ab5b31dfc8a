//! Ports in memory.

mod clock;
mod functions;
mod inventory;
mod job_queue;
mod object_store;
mod recorders;
mod stack_service;
mod task_tokens;
mod workflows;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::port::Page;

pub use clock::{SequentialIds, SettableClock};
pub use functions::MemFunctions;
pub use inventory::MemInventory;
pub use job_queue::MemQueue;
pub use object_store::MemObjectStore;
pub use recorders::{MemLogStore, MemNotifications, MemParameters, RecordingFleet};
pub use stack_service::MemStackService;
pub use task_tokens::{Answer, MemTaskTokens};
pub use workflows::MemWorkflows;

/// Items per page: so few that nobody forgets to ask for the next one.
const PAGE: usize = 2;

/// Nothing here leaves a half-made change behind, so a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn page<T>(found: impl Iterator<Item = T>) -> Page<T> {
    let mut items: Vec<T> = found.take(PAGE + 1).collect();
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Page { items, more }
}
