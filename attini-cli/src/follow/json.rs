//! What happens to a deployment as JSON lines (cli.md 4.3): the original's objects, with further keys and event names.

use attini_core::follow::{FollowEvent, Published, Step, Waiting, What};
use attini_core::port::StackEvent;
use serde_json::{Map, Value, json};

/// Returns the lines of an event, each with its stable event name.
pub(super) fn lines(event: &FollowEvent, answer_line: &dyn Fn(&str) -> String) -> Vec<(&'static str, Value)> {
    let one = |name: &'static str, data: Value| vec![(name, data)];
    match &event.what {
        What::StillWaiting { waiting, since } => {
            let missing = match waiting {
                Waiting::Publication => "the upload is not published yet",
                Waiting::Plan => "the deployment plan has not started yet",
            };
            one("stillWaiting", json!(format!("{missing}, after {} s", since.as_secs())))
        }
        What::WaitingFor { id } => one("waitingFor", json!({ "distributionId": id })),
        What::Published(it) => published(it),
        What::Warning(text) => one("warning", json!(text)),
        What::NoStack => one("noStack", json!("No stack present in distribution")),
        What::InitStackUnchanged => one("initStackUnchanged", json!("No changes to init stack")),
        What::InitStackStarted { .. } => one("initStackStarted", json!("Deploying init stack")),
        What::InitStackEvent(event) => {
            let mut all = Vec::new();
            if event.is_about_the_stack() {
                all.push(("stackStatus", json!({ "StackStatus": event.status.0 })));
            }
            all.push(("initStackEvent", stack_event(event)));
            all
        }
        What::InitStackDone { created, .. } => {
            let how = if *created { "created" } else { "updated" };
            one("initStackDone", json!(format!("Init stack {how} successfully")))
        }
        What::NoPlan => one("noPlan", json!("No deployment plan found")),
        What::PlanStarted { execution, .. } => vec![
            ("planStarted", json!("Running deployment plan")),
            ("execution", json!({ "executionArn": execution.as_str() })),
        ],
        What::StepStarted(step) => one("stepStarted", row(step, "STARTED", "", json!({}))),
        What::StepOutput { step, line } => one("stepOutput", row(step, "RUNNING", &line.text, json!({}))),
        What::StepStackEvent { step, event } => {
            let mut all = vec![("stepStackEvent", merged(json!({ "stepName": step.name }), stack_event(event)))];
            if event.status.0.ends_with("_FAILED") {
                let cause = event.reason.as_deref().unwrap_or_default();
                all.push((
                    "stackError",
                    json!({
                        "Result": "Error", "Step": step.name, "Stack": event.stack.as_str(),
                        "Resource": event.logical_id, "Cause": cause,
                    }),
                ));
            }
            all
        }
        What::ApprovalNeeded(step) => {
            let line = answer_line(&step.name);
            let text = format!("MANUAL APPROVAL NEEDED: {line}");
            one("approvalNeeded", row(step, "RUNNING", &text, json!({ "command": line })))
        }
        What::StepRetried { step, attempt, error, cause } => {
            let more = json!({ "attempt": attempt, "error": error, "cause": cause });
            one("stepRetried", row(step, "RUNNING", &format!("attempt {attempt} failed: {error}"), more))
        }
        What::StepSucceeded { step, duration, output } => {
            let text = output.as_ref().map(Value::to_string).unwrap_or_default();
            let more = json!({ "durationMs": ms(*duration) });
            one("stepSucceeded", row(step, "SUCCESS", &text, more))
        }
        What::StepFailed { step, duration, error, cause, first_cause, caught } => {
            let mut more = json!({ "durationMs": ms(*duration), "error": error, "cause": cause, "caught": caught });
            if let Some(first) = first_cause {
                more["firstCause"] = json!({ "message": first.message, "details": first.details, "hint": first.hint });
            }
            one("stepFailed", row(step, "FAILED", &format!("\nError: {error}\nCause: {cause}"), more))
        }
        What::StepStopped { step, duration } => {
            one("stepStopped", row(step, "STOPPED", "", json!({ "durationMs": ms(*duration) })))
        }
        What::PlanEnded { status, duration, steps, error, .. } => {
            let mut end = json!({ "status": status.as_str(), "durationMs": ms(*duration), "steps": steps });
            if let Some((error, cause)) = error {
                end = merged(end, json!({ "error": error, "cause": cause }));
            }
            vec![("planFinished", json!(format!("Deployment plan finished with status: {status}"))), ("planEnded", end)]
        }
        What::Trouble { message } => one("trouble", json!(message)),
        What::Failed(failure) => {
            let data = json!({
                "Result": "Failed", "errorCode": failure.code, "errorMessage": failure.message, "stepName": failure.step,
            });
            one("deploymentFailed", data)
        }
    }
}

fn published(it: &Published) -> Vec<(&'static str, Value)> {
    let mut all = vec![
        ("published", json!("Published distribution")),
        ("identity", json!({ "Environment": it.environment })),
        ("identity", json!({ "DistributionName": it.distribution })),
        ("identity", json!({ "DistributionId": it.id.as_deref().unwrap_or("not_defined") })),
    ];
    if let Some(version) = &it.version {
        all.push(("identity", json!({ "Version": version })));
    }
    all
}

fn row(step: &Step, status: &str, output: &str, more: Value) -> Value {
    let row = json!({
        "stepName": step.name, "status": status, "output": output, "stepType": step.kind,
        "run": format!("{}.{}", step.plan, step.id),
    });
    merged(row, more)
}

fn stack_event(event: &StackEvent) -> Value {
    let data = json!({
        "stack": event.stack.as_str(), "resource": event.logical_id, "resourceType": event.resource_type,
        "status": event.status.0,
    });
    let reason = event.reason.as_ref().map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    merged(data, reason)
}

fn merged(first: Value, second: Value) -> Value {
    let map = |value| if let Value::Object(map) = value { map } else { Map::new() };
    let mut all = map(first);
    all.extend(map(second));
    Value::Object(all)
}

fn ms(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
