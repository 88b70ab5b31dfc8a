use std::fmt;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

/// Functions that a plan calls by name: `AttiniLambdaInvoke`, and Lambda tasks of the States Language.
#[async_trait]
pub trait Functions: fmt::Debug + Send + Sync {
    /// Calls a function by name or ARN and returns what it returned.
    ///
    /// `state` is the name of the calling state, for messages.
    async fn invoke(&self, function: &str, state: &str, payload: Value) -> Result<Value, FunctionError>;
}

/// A function did not return a value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FunctionError {
    /// The function failed by itself; a plan can catch the name.
    #[error("function failed with {error}: {cause}")]
    Failed {
        /// Error name, as `Catch` and `Retry` match it.
        error: String,
        /// The reason as text, often JSON.
        cause: String,
    },
    /// Nothing of that name can be called here.
    #[error("{0}")]
    Unknown(String),
}
