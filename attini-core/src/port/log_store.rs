use std::fmt;

use async_trait::async_trait;

use super::Unavailable;
use crate::value::{ObjectKey, Timestamp};

/// One line that a job wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When it was read from the job.
    pub time: Timestamp,
    /// The line without its end; what is not UTF-8 is replaced.
    pub text: String,
}

/// Output of jobs while they run and afterwards.
#[async_trait]
pub trait LogStore: fmt::Debug + Send + Sync {
    /// Appends lines to the log of that key.
    async fn append(&self, log: &ObjectKey, lines: &[LogLine]) -> Result<(), Unavailable>;

    /// Returns the lines from number `from` on, counted from 0; an unknown log has none.
    ///
    /// A line that is still being written is held back.
    async fn read(&self, log: &ObjectKey, from: usize) -> Result<Vec<LogLine>, Unavailable>;

    /// Returns where a person finds the whole log, if there is such a place; a file, for instance.
    fn place(&self, _log: &ObjectKey) -> Option<String> {
        None
    }
}
