use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::port::{Delivery, JobQueue, QueueError};

/// Largest message in bytes.
const LIMIT_BYTES: usize = 262_144;
/// Calls of `receive` for which a delivered message is hidden. Whoever asks a second time without deleting it may get it again.
const HIDDEN_CALLS: u8 = 1;

/// Queues in memory. A queue exists as soon as someone names it, until [`MemQueue::remove`].
///
/// A message that was delivered and neither deleted nor released is hidden from the next `receive` only, then it is
/// delivered again.
#[derive(Debug, Default)]
pub struct MemQueue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    messages: BTreeMap<u64, Message>,
    seen: BTreeSet<(String, String)>,
    removed: BTreeSet<String>,
    numbers: u64,
}

struct Message {
    queue: String,
    body: String,
    hidden_calls: u8,
    handle: Option<String>,
}

/// Jobs hold task tokens, so their text is not shown.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { queue, body, hidden_calls, handle } = self;
        write!(f, "message of {} bytes in {queue}, hidden for {hidden_calls}, delivered as {handle:?}", body.len())
    }
}

impl State {
    fn check(&self, queue: &str) -> Result<(), QueueError> {
        if self.removed.contains(queue) { Err(QueueError::Gone { queue: queue.to_owned() }) } else { Ok(()) }
    }

    fn next(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

impl MemQueue {
    /// Removes a queue with its messages; every call about it fails from now on.
    pub fn remove(&self, queue: &str) {
        let mut state = lock(&self.0);
        state.messages.retain(|_, message| message.queue != queue);
        state.removed.insert(queue.to_owned());
    }

    /// Returns the messages of a queue that are not deleted, delivered ones included.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<String> {
        let state = lock(&self.0);
        state.messages.values().filter(|message| message.queue == queue).map(|message| message.body.clone()).collect()
    }
}

#[async_trait]
impl JobQueue for MemQueue {
    async fn send(&self, queue: &str, dedup: &str, body: &str) -> Result<(), QueueError> {
        if body.len() > LIMIT_BYTES {
            return Err(QueueError::TooLarge { size_bytes: body.len(), limit_bytes: LIMIT_BYTES });
        }
        let mut state = lock(&self.0);
        state.check(queue)?;
        if state.seen.insert((queue.to_owned(), dedup.to_owned())) {
            let number = state.next();
            let (queue, body) = (queue.to_owned(), body.to_owned());
            state.messages.insert(number, Message { queue, body, hidden_calls: 0, handle: None });
        }
        Ok(())
    }

    async fn receive(&self, queue: &str) -> Result<Option<Delivery>, QueueError> {
        let mut state = lock(&self.0);
        state.check(queue)?;
        let number = state.next();
        let mut delivery = None;
        for (id, message) in state.messages.iter_mut().filter(|(_, message)| message.queue == queue) {
            if message.hidden_calls > 0 {
                message.hidden_calls -= 1;
            } else if delivery.is_none() {
                let handle = format!("{id}-{number}");
                message.hidden_calls = HIDDEN_CALLS;
                message.handle = Some(handle.clone());
                delivery = Some(Delivery { handle, body: message.body.clone() });
            }
        }
        Ok(delivery)
    }

    async fn delete(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        let mut state = lock(&self.0);
        state.check(queue)?;
        let id = handle.split('-').next().unwrap_or_default();
        state.messages.retain(|number, message| message.queue != queue || number.to_string() != id);
        Ok(())
    }

    async fn release(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        let mut state = lock(&self.0);
        state.check(queue)?;
        let delivered = |message: &&mut Message| message.queue == queue && message.handle.as_deref() == Some(handle);
        if let Some(message) = state.messages.values_mut().find(delivered) {
            message.hidden_calls = 0;
            message.handle = None;
        }
        Ok(())
    }
}
