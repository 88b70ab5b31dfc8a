use serde_json::{Value, json};

use crate::framework::{Failure, Framework};
use crate::inventory::{ApprovalRecord, approval_key, list_waiting_approvals};
use crate::port::{AnswerError, update_if_present};
use crate::value::TaskToken;

/// A person's answer to a waiting step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The environment.
    pub environment: String,
    /// Name of the distribution.
    pub distribution: String,
    /// The step; `None` when only one can be meant.
    pub step: Option<String>,
    /// Whether the step fails instead of going on.
    pub abort: bool,
    /// What the person says about it. Becomes part of the step's output, or the cause of its failure.
    pub message: Option<String>,
    /// Who answers.
    pub user: String,
}

/// What became of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The step took it.
    Taken {
        /// The step.
        step: String,
    },
    /// The step was answered before, timed out, or its execution ended.
    NoLongerWaiting {
        /// The step.
        step: String,
    },
    /// No such step waits.
    NotWaiting {
        /// Those that do.
        waiting: Vec<String>,
    },
}

/// Hands an answer to the waiting step and records who gave it (framework-stack.md C9).
///
/// Success has the output `{}` or `{"message": …}`; an abort fails the step with `ManuallyAborted` and the message as cause.
///
/// # Errors
///
/// When a port fails; the step still waits then.
pub async fn answer_approval(framework: &Framework, approval: &Approval) -> Result<Answer, Failure> {
    let inventory = framework.inventory.as_ref();
    let (environment, distribution) = (&approval.environment, &approval.distribution);
    let waiting = list_waiting_approvals(inventory, environment, distribution).await?;
    let meant = match &approval.step {
        Some(step) => waiting.iter().find(|found| found.step_name == *step),
        None if waiting.len() == 1 => waiting.first(),
        None => None,
    };
    let Some(ApprovalRecord { step_name, sfn_token: Some(token), .. }) = meant else {
        return Ok(Answer::NotWaiting { waiting: waiting.into_iter().map(|found| found.step_name).collect() });
    };
    let secret = TaskToken::new(token.clone());
    let answered = if approval.abort {
        let cause = approval.message.as_deref().unwrap_or("aborted by user");
        framework.tokens.fail(&secret, "ManuallyAborted", cause).await
    } else {
        let output = approval.message.as_ref().map_or_else(|| json!({}), |message| json!({ "message": message }));
        framework.tokens.succeed(&secret, &output).await
    };
    let taken = match answered {
        Ok(()) => true,
        Err(AnswerError::Closed) => false,
        Err(error) => return Err(error.into()),
    };
    let key = approval_key(environment, distribution, step_name);
    let now = framework.clock.now();
    update_if_present(inventory, &key, |body| {
        // Another iteration of the step may have written its own token meanwhile.
        if body.get("sfnToken").and_then(Value::as_str) == Some(token) {
            body.remove("sfnToken");
            if taken {
                body.insert("answeredBy".to_owned(), approval.user.clone().into());
                body.insert("answeredAt".to_owned(), now.as_ms().into());
            }
        }
    })
    .await?;
    let step = step_name.clone();
    Ok(if taken { Answer::Taken { step } } else { Answer::NoLongerWaiting { step } })
}
