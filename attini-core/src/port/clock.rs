use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::value::Timestamp;

/// Time. Tests use one that they set.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync {
    /// Returns the current moment. Successive calls never go back.
    fn now(&self) -> Timestamp;

    /// Returns after at least `wait`.
    async fn sleep(&self, wait: Duration);
}

/// Names that nobody has used before.
pub trait Ids: fmt::Debug + Send + Sync {
    /// Returns a new random UUID, version 4, in lower case with hyphens.
    fn uuid(&self) -> String;
}
