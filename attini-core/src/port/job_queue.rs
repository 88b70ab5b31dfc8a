use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use super::BoxError;

/// A message taken from a queue.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What [`JobQueue::delete`] and [`JobQueue::release`] want back.
    pub handle: String,
    /// The message.
    pub body: String,
}

/// A message holds the token of the waiting step, so its text is not shown.
impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("handle", &self.handle)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Queues of jobs, one per runner.
///
/// A message is delivered at least once until it is deleted; a delivered one is hidden from others until it is released or
/// the store's own time for it has passed.
#[async_trait]
pub trait JobQueue: fmt::Debug + Send + Sync {
    /// Appends a message. A second message with the same `dedup` id is dropped.
    async fn send(&self, queue: &str, dedup: &str, body: &str) -> Result<(), QueueError>;

    /// Returns one message, or `None` when there is none after at most a short wait of the store's choice.
    async fn receive(&self, queue: &str) -> Result<Option<Delivery>, QueueError>;

    /// Removes a delivered message; it may be gone already.
    async fn delete(&self, queue: &str, handle: &str) -> Result<(), QueueError>;

    /// Makes a delivered message visible again at once.
    async fn release(&self, queue: &str, handle: &str) -> Result<(), QueueError>;
}

/// A call to a queue failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The message is larger than the queue takes (256 KiB). Trying again does not help.
    #[error("the job message has {size_bytes} bytes, more than the {limit_bytes} a queue takes")]
    TooLarge {
        /// Size of the message.
        size_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// There is no such queue (any more).
    #[error("queue {queue} does not exist")]
    Gone {
        /// The queue.
        queue: String,
    },
    /// The service could not be reached or refused to work; trying again may help.
    #[error("cannot {operation} queue {queue}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The queue.
        queue: String,
        /// Why.
        source: BoxError,
    },
}
