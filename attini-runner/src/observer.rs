use std::fmt;

use async_trait::async_trait;
use attini_core::runner::{JobMessage, LogLevel};

use crate::JobOutcome;

/// Hears what a runner does: for a container's log, and for a world that must find leftovers after a crash.
#[async_trait]
pub trait RunnerObserver: fmt::Debug + Send + Sync {
    /// The job's processes exist; all of them are in this process group unless they leave it.
    ///
    /// Whoever records the group can end what a crashed runner leaves behind. The job goes on when this returns.
    async fn job_started(&self, _job: &JobMessage, _process_group: i32) {}

    /// The job's processes are gone; the step is answered next.
    async fn job_ended(&self, _job: &JobMessage, _outcome: &JobOutcome) {}

    /// A job wrote a line, or the startup commands when there is no job.
    fn output(&self, _job: Option<&JobMessage>, _line: &str) {}

    /// The runner says something about itself, at a level that its configuration asks for.
    fn note(&self, _level: LogLevel, _text: &str) {}
}

/// Hears nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct SilentObserver;

impl RunnerObserver for SilentObserver {}
