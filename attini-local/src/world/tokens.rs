use std::sync::Arc;

use async_trait::async_trait;
use attini_core::port::{AnswerError, TaskTokens};
use attini_core::value::TaskToken;
use serde_json::Value;
use tokio::sync::Notify;

use crate::store::SqliteTaskTokens;

/// Tokens of the home that wake this process's driver when they are answered here. Answers of other processes are found
/// by looking.
#[derive(Debug)]
pub(super) struct NotifyingTokens {
    inner: SqliteTaskTokens,
    answered: Arc<Notify>,
}

impl NotifyingTokens {
    pub(super) fn new(inner: SqliteTaskTokens, answered: Arc<Notify>) -> Self {
        Self { inner, answered }
    }
}

#[async_trait]
impl TaskTokens for NotifyingTokens {
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        let answered = self.inner.succeed(token, output).await;
        self.answered.notify_one();
        answered
    }

    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        let answered = self.inner.fail(token, error, cause).await;
        self.answered.notify_one();
        answered
    }

    async fn heartbeat(&self, token: &TaskToken) -> Result<(), AnswerError> {
        self.inner.heartbeat(token).await
    }
}
