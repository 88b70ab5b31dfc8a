use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use crate::runner::RunnerRecord;

/// The places where runners live.
#[async_trait]
pub trait RunnerFleet: fmt::Debug + Send + Sync {
    /// Makes sure that a runner with this configuration is up or coming up, and returns without waiting for it.
    ///
    /// Called after the job was queued; repeatable.
    async fn ensure(&self, runner: &RunnerRecord) -> Result<(), FleetError>;
}

/// A runner could not be started. The name and cause go to the waiting step.
#[derive(Debug, Error)]
#[error("{error}: {cause}")]
pub struct FleetError {
    /// Error name, as `Catch` and `Retry` match it (runner.md 3.11).
    pub error: String,
    /// Why.
    pub cause: String,
}
