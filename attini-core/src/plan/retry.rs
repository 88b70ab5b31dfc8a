//! The framework's retriers (deployment-plan.md 8.2) and how the user's join them (8.3).

use serde_json::{Value, json};

/// Errors of the Lambda service itself; a function that failed for another reason is not called again.
const LAMBDA_ERRORS: [&str; 5] = [
    "Lambda.TooManyRequestsException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
];

/// R3: the Lambda service throttles or fails.
pub(super) fn lambda_service() -> Value {
    json!({"ErrorEquals": LAMBDA_ERRORS, "IntervalSeconds": 2, "MaxAttempts": 30, "BackoffRate": 1.2})
}

/// R1, R2, R3: stack operations that are polled, a stack that had to be deleted first, and the Lambda service.
pub(super) fn stack_operations() -> Vec<Value> {
    vec![
        json!({
            "ErrorEquals": ["IsExecuting"],
            "IntervalSeconds": 3, "MaxAttempts": 650, "BackoffRate": 1.01, "MaxDelaySeconds": 30,
        }),
        json!({"ErrorEquals": ["RollBackCompleteState"], "IntervalSeconds": 4, "MaxAttempts": 1, "BackoffRate": 1}),
        lambda_service(),
    ]
}

/// For the first state of a plan with `Concurrency: queue`: another execution is still running (actions.md 2.6).
///
/// It waits for some 41 hours, whatever the interval is.
pub(super) fn queued_deployment(interval_seconds: u32) -> Value {
    let attempts = 5000 * 30 / interval_seconds.clamp(1, 30);
    json!({
        "ErrorEquals": ["DeploymentQueued"],
        "IntervalSeconds": interval_seconds.max(1), "BackoffRate": 1, "MaxAttempts": attempts,
    })
}

/// Puts the user's retriers behind the framework's.
///
/// An error that the user names is taken out of the framework's retriers, and those left without errors go. So an empty
/// list of the user's changes nothing (case 109 of the corpus; the text of deployment-plan.md 8.3 would have it remove
/// all): without the framework's retriers a stack step cannot finish in another region. One of them is switched off by
/// naming its error with `MaxAttempts: 0`.
pub(super) fn merged(mut framework: Vec<Value>, user: Option<&[Value]>) -> Value {
    let user = user.unwrap_or_default();
    let names = |retrier: &Value| -> Vec<Value> {
        retrier.get("ErrorEquals").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let taken: Vec<Value> = user.iter().flat_map(names).collect();
    if !taken.is_empty() {
        framework.retain_mut(|retrier| {
            let left: Vec<Value> = names(retrier).into_iter().filter(|name| !taken.contains(name)).collect();
            let keep = !left.is_empty();
            retrier["ErrorEquals"] = Value::Array(left);
            keep
        });
    }
    framework.extend(user.iter().cloned());
    Value::Array(framework)
}
