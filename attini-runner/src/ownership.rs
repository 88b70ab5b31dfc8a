use attini_core::port::{InventoryError, RecordKey, ResourceKind, update_if_present};
use attini_core::runner::{RunnerState, attribute};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::runner::Shared;

impl Shared {
    /// Marks the runner as up, once its record names its task; says whether it does in time (runner.md 4.2).
    ///
    /// Whoever starts a task learns its name only afterwards, so the record may be late.
    pub(crate) async fn claim(&self) -> Result<bool, InventoryError> {
        let limits = &self.config.limits;
        let start = Instant::now();
        let mut backoff = Backoff::new(limits);
        loop {
            let claimed = self.mark_started(true).await;
            if matches!(claimed, Ok(true)) || start.elapsed() >= limits.ownership_wait {
                return claimed;
            }
            sleep(backoff.pause().min(limits.ownership_wait.saturating_sub(start.elapsed()))).await;
        }
    }

    /// Writes whether this runner is up; says whether the record names its task. Writes nothing when it does not.
    pub(crate) async fn mark_started(&self, started: bool) -> Result<bool, InventoryError> {
        let Some(own) = self.config.task_id.as_deref() else { return Ok(true) };
        let is_own = |task: Option<&Value>| task.and_then(Value::as_str) == Some(own);
        let key = self.record_key();
        let body = update_if_present(&*self.ports.inventory, &key, |body| {
            if is_own(body.get(attribute::TASK_ID)) {
                body.insert(attribute::STARTED.to_owned(), Value::from(started));
            }
        });
        Ok(body.await?.is_some_and(|body| is_own(body.get(attribute::TASK_ID))))
    }

    /// Says whether the record still names this runner's task.
    pub(crate) async fn is_owner(&self) -> Result<bool, InventoryError> {
        let Some(own) = &self.config.task_id else { return Ok(true) };
        let record = self.ports.inventory.find(&self.record_key()).await?;
        Ok(record.is_some_and(|record| RunnerState::read(&record.body).task_id.as_ref() == Some(own)))
    }

    fn record_key(&self) -> RecordKey {
        RecordKey::Resource(ResourceKind::Runner, self.config.record.resource_name.clone())
    }
}
