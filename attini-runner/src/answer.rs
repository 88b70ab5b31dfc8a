use attini_core::port::AnswerError;
use attini_core::runner::{LogLevel, error_name};
use attini_core::value::TaskToken;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::backoff::{Backoff, with_causes};
use crate::runner::Shared;

/// What a step is told.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    Success(&'a Value),
    Failure { error: &'a str, cause: &'a str },
}

impl Shared {
    /// Answers a step, again and again while the service does not listen (runner.md 4.8); says whether it heard.
    pub(crate) async fn answer(&self, token: &TaskToken, answer: Answer<'_>) -> bool {
        let limits = &self.config.limits;
        let mut backoff = Backoff::new(limits);
        let start = Instant::now();
        let mut too_large: Option<String> = None;
        loop {
            let told = match (&too_large, &answer) {
                (Some(cause), _) => self.ports.tokens.fail(token, error_name::OUTPUT_TOO_LARGE, cause).await,
                (None, Answer::Success(output)) => self.ports.tokens.succeed(token, output).await,
                (None, Answer::Failure { error, cause }) => self.ports.tokens.fail(token, error, cause).await,
            };
            let error = match told {
                Ok(()) => return true,
                Err(AnswerError::Closed) => {
                    self.note(LogLevel::Info, "The step no longer waits for the result of the job");
                    return true;
                }
                Err(error @ AnswerError::TooLarge { .. }) if too_large.is_none() => {
                    too_large = Some(error.to_string());
                    continue;
                }
                Err(error) => error,
            };
            let pause = backoff.pause();
            if start.elapsed() + pause > limits.patience {
                self.note(LogLevel::Error, &format!("The result of the job is lost: {}", with_causes(&error)));
                return false;
            }
            sleep(pause).await;
        }
    }

    /// Gives signs of life; returns when the step no longer waits for an answer (runner.md 1).
    pub(crate) async fn until_closed(&self, token: &TaskToken) {
        let mut told = false;
        loop {
            sleep(self.config.limits.heartbeat).await;
            match self.ports.tokens.heartbeat(token).await {
                Ok(()) => {}
                Err(AnswerError::Closed) => return,
                // Older policies do not allow signs of life. The job goes on without.
                Err(error) if !told => {
                    told = true;
                    self.note(LogLevel::Warn, &format!("Cannot send signs of life: {}", with_causes(&error)));
                }
                Err(_) => {}
            }
        }
    }
}
