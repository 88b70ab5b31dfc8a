use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;

use super::lock;
use crate::port::{
    FleetError, LogLine, LogStore, Notification, Notifications, ParameterStore, RunnerFleet, Unavailable,
};
use crate::runner::RunnerRecord;
use crate::value::ObjectKey;

/// Logs in memory.
#[derive(Debug, Default)]
pub struct MemLogStore(Mutex<BTreeMap<ObjectKey, Vec<LogLine>>>);

#[async_trait]
impl LogStore for MemLogStore {
    async fn append(&self, log: &ObjectKey, lines: &[LogLine]) -> Result<(), Unavailable> {
        lock(&self.0).entry(log.clone()).or_default().extend_from_slice(lines);
        Ok(())
    }

    async fn read(&self, log: &ObjectKey, from: usize) -> Result<Vec<LogLine>, Unavailable> {
        Ok(lock(&self.0).get(log).and_then(|lines| lines.get(from..)).unwrap_or_default().to_vec())
    }
}

/// Parameters in memory. Values can be secrets, so they are not shown.
#[derive(Default)]
pub struct MemParameters(Mutex<BTreeMap<String, String>>);

impl std::fmt::Debug for MemParameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}

#[async_trait]
impl ParameterStore for MemParameters {
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable> {
        Ok(lock(&self.0).get(name).cloned())
    }

    async fn put(&self, name: &str, value: &str, _description: &str) -> Result<(), Unavailable> {
        lock(&self.0).insert(name.to_owned(), value.to_owned());
        Ok(())
    }
}

/// Keeps what was published.
#[derive(Debug, Default)]
pub struct MemNotifications(Mutex<Vec<Notification>>);

impl MemNotifications {
    /// Returns the notifications so far, in order.
    #[must_use]
    pub fn published(&self) -> Vec<Notification> {
        lock(&self.0).clone()
    }
}

#[async_trait]
impl Notifications for MemNotifications {
    async fn publish(&self, notification: Notification) -> Result<(), Unavailable> {
        lock(&self.0).push(notification);
        Ok(())
    }
}

/// Keeps which runners were asked for, and starts none.
#[derive(Debug, Default)]
pub struct RecordingFleet {
    ensured: Mutex<Vec<RunnerRecord>>,
    failure: Mutex<Option<(String, String)>>,
}

impl RecordingFleet {
    /// Returns the runners asked for so far, in order.
    #[must_use]
    pub fn ensured(&self) -> Vec<RunnerRecord> {
        lock(&self.ensured).clone()
    }

    /// Makes the next call fail.
    pub fn fail_next(&self, error: &str, cause: &str) {
        *lock(&self.failure) = Some((error.to_owned(), cause.to_owned()));
    }
}

#[async_trait]
impl RunnerFleet for RecordingFleet {
    async fn ensure(&self, runner: &RunnerRecord) -> Result<(), FleetError> {
        if let Some((error, cause)) = lock(&self.failure).take() {
            return Err(FleetError { error, cause });
        }
        lock(&self.ensured).push(runner.clone());
        Ok(())
    }
}
