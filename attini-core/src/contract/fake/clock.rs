use std::future::poll_fn;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;

use super::lock;
use crate::port::{Clock, Ids};
use crate::value::Timestamp;

/// A clock that a test sets. Who sleeps moves it on and goes on at once, after every other task had a turn.
#[derive(Debug, Default)]
pub struct SettableClock {
    now: Mutex<Timestamp>,
    slept: Mutex<Vec<Duration>>,
}

impl SettableClock {
    /// Starts at epoch milliseconds.
    #[must_use]
    pub fn at(ms: i64) -> Self {
        Self { now: Mutex::new(Timestamp::from_ms(ms)), slept: Mutex::default() }
    }

    /// Moves the clock to a moment; to an earlier one it does not go.
    pub fn set(&self, to: Timestamp) {
        let mut now = lock(&self.now);
        *now = to.max(*now);
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.now);
        *now = now.after(by);
    }

    /// Returns all the sleeps so far, in order.
    #[must_use]
    pub fn slept(&self) -> Vec<Duration> {
        lock(&self.slept).clone()
    }
}

#[async_trait]
impl Clock for SettableClock {
    fn now(&self) -> Timestamp {
        *lock(&self.now)
    }

    async fn sleep(&self, wait: Duration) {
        let until = self.now().after(wait);
        lock(&self.slept).push(wait);
        let mut waited = false;
        poll_fn(|context| {
            if waited {
                return Poll::Ready(());
            }
            waited = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.set(until);
    }
}

/// Ids that count: `00000000-0000-4000-8000-000000000001`, …
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl Ids for SequentialIds {
    fn uuid(&self) -> String {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        format!("00000000-0000-4000-8000-{number:012x}")
    }
}
