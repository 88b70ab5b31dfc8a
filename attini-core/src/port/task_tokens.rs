use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use super::BoxError;
use crate::value::TaskToken;

/// Answers to waiting steps. A token takes exactly one answer.
#[async_trait]
pub trait TaskTokens: fmt::Debug + Send + Sync {
    /// Lets the step go on with this output.
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError>;

    /// Fails the step. Error names over 256 and causes over 32,768 characters are cut.
    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError>;

    /// Says that work on the step goes on.
    async fn heartbeat(&self, token: &TaskToken) -> Result<(), AnswerError>;
}

/// An answer was not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The step was answered before, timed out, or its execution ended. There is nothing left to do for the caller.
    #[error("the step no longer waits for an answer")]
    Closed,
    /// The output is larger than a payload may be (262,144 bytes). The step still waits.
    #[error("the output has {size_bytes} bytes, more than the {limit_bytes} a step may return")]
    TooLarge {
        /// Size of the output as JSON.
        size_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// The service could not be reached; trying again may help.
    #[error("cannot answer the step")]
    Unavailable {
        /// Why.
        source: BoxError,
    },
}
