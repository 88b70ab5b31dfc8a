use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;

use super::lock;
use crate::port::{AnswerError, TaskTokens};
use crate::value::TaskToken;

/// Largest output of a step in bytes.
const LIMIT_BYTES: usize = 262_144;

/// What a waiting step was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It goes on with this output.
    Succeeded(Value),
    /// It fails.
    Failed {
        /// Error name.
        error: String,
        /// Why.
        cause: String,
    },
}

/// Waiting steps in memory. A token that was never opened is closed.
#[derive(Default)]
pub struct MemTaskTokens(Mutex<State>);

#[derive(Default)]
struct State {
    /// Heartbeats of the open tokens.
    open: HashMap<TaskToken, usize>,
    answers: Vec<(TaskToken, Answer)>,
    opened: u64,
}

impl fmt::Debug for MemTaskTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.0);
        write!(f, "MemTaskTokens({} open, {} answered)", state.open.len(), state.answers.len())
    }
}

impl MemTaskTokens {
    /// Lets a new step wait and returns its token.
    #[must_use]
    pub fn open(&self) -> TaskToken {
        let number = {
            let mut state = lock(&self.0);
            state.opened += 1;
            state.opened
        };
        let token = TaskToken::new(format!("token-{number}"));
        self.open_as(&token);
        token
    }

    /// Lets a step wait with a token of the test's choice.
    pub fn open_as(&self, token: &TaskToken) {
        lock(&self.0).open.insert(token.clone(), 0);
    }

    /// Ends the wait without an answer, as a time-out does.
    pub fn close(&self, token: &TaskToken) {
        lock(&self.0).open.remove(token);
    }

    /// Returns the answers so far, in order.
    #[must_use]
    pub fn answers(&self) -> Vec<(TaskToken, Answer)> {
        lock(&self.0).answers.clone()
    }

    /// Returns the answer to one step, when it has one.
    #[must_use]
    pub fn answer_to(&self, token: &TaskToken) -> Option<Answer> {
        lock(&self.0).answers.iter().find(|(found, _)| found == token).map(|(_, answer)| answer.clone())
    }

    /// Returns how many heartbeats a waiting step got; `None` when it does not wait.
    #[must_use]
    pub fn heartbeats(&self, token: &TaskToken) -> Option<usize> {
        lock(&self.0).open.get(token).copied()
    }

    fn answer(&self, token: &TaskToken, answer: Answer) -> Result<(), AnswerError> {
        let mut state = lock(&self.0);
        state.open.remove(token).ok_or(AnswerError::Closed)?;
        state.answers.push((token.clone(), answer));
        Ok(())
    }
}

#[async_trait]
impl TaskTokens for MemTaskTokens {
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        let size_bytes = output.to_string().len();
        if size_bytes > LIMIT_BYTES {
            return Err(AnswerError::TooLarge { size_bytes, limit_bytes: LIMIT_BYTES });
        }
        self.answer(token, Answer::Succeeded(output.clone()))
    }

    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        let error = error.chars().take(256).collect();
        let cause = cause.chars().take(32_768).collect();
        self.answer(token, Answer::Failed { error, cause })
    }

    async fn heartbeat(&self, token: &TaskToken) -> Result<(), AnswerError> {
        let mut state = lock(&self.0);
        *state.open.get_mut(token).ok_or(AnswerError::Closed)? += 1;
        Ok(())
    }
}
