use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use attini_core::port::{Clock, Ids};
use attini_core::value::Timestamp;
use uuid::Uuid;

/// The machine's clock. When it is set back, it stands still here until it has caught up.
#[derive(Debug, Default)]
pub struct SystemClock {
    latest_ms: AtomicI64,
}

impl SystemClock {
    /// Takes the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let read_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        let earlier_ms = self.latest_ms.fetch_max(read_ms, Ordering::SeqCst);
        Timestamp::from_ms(read_ms.max(earlier_ms))
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

/// Random UUIDs.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    fn uuid(&self) -> String {
        Uuid::new_v4().to_string()
    }
}
