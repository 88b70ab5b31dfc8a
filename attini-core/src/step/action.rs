use serde_json::Value;

use super::{StepInput, approval, cfn, merge, prepare, runner_job};
use crate::framework::{Failure, Framework};
use crate::port::AnswerError;

/// Returns the Attini step types that this version can run, by the names their authors write.
#[must_use]
pub fn supported_step_types() -> &'static [&'static str] {
    &["AttiniCfn", "AttiniLambdaInvoke", "AttiniManualApproval", "AttiniMap", "AttiniMergeOutput", "AttiniRunnerJob"]
}

/// Does what a state of a plan asks for, chosen by `attiniActionType` (actions.md 1.3), and returns the function's result.
///
/// A state that waits for its task token gets every failure through the token; the call itself succeeds then.
///
/// # Errors
///
/// For states without a token, whatever went wrong, by name. For those with one, only when the answer could not be given.
pub async fn run_action(framework: &Framework, input: Value) -> Result<Value, Failure> {
    let kind = input.get("attiniActionType").and_then(Value::as_str).unwrap_or_default().to_owned();
    let token = StepInput::token_of(&input);
    let Some(token) = token else {
        return match kind.as_str() {
            "GetDeployOriginData" => prepare::run(framework, &input).await,
            "AttiniMergeOutput" => merge::run(&input),
            _ => Err(unknown(&kind)),
        };
    };
    let done = match StepInput::read(input) {
        Err(failure) => Err(failure),
        Ok(input) => match kind.as_str() {
            "DeployCfn" => cfn::run(framework, &input).await,
            "ExecuteRunner" => runner_job::run(framework, &input).await,
            "ManualApproval" => approval::run(framework, &input).await,
            _ => Err(unknown(&kind)),
        },
    };
    if let Err(failure) = done {
        match framework.tokens.fail(&token, &failure.error, &failure.cause).await {
            Ok(()) | Err(AnswerError::Closed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Value::Null)
}

fn unknown(kind: &str) -> Failure {
    let cause = if kind.is_empty() {
        "the state sent no `attiniActionType`".to_owned()
    } else {
        format!("`{kind}` is not an action of this version; it has {}", supported_step_types().join(", "))
    };
    Failure::new("UnsupportedAction", cause)
}
