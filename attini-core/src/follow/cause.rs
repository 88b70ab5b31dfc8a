use serde_json::Value;

use super::record::ResourceError;
use crate::port::StackEvent;
use crate::value::ObjectKey;

/// What started a failure, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstCause {
    /// One line: which thing failed and why.
    pub message: String,
    /// Lines that belong to it: the last output of a job, the entry to add.
    pub details: Vec<String>,
    /// The log of the job whose output the details end with; its lines were all told before.
    pub log: Option<ObjectKey>,
    /// What to do next.
    pub hint: Option<String>,
}

/// How many of a job's last lines are shown with its failure.
pub(super) const TAIL: usize = 10;

/// What is known about a failed step.
#[derive(Debug)]
pub(super) struct Evidence<'a> {
    pub step: &'a str,
    pub kind: &'a str,
    pub error: &'a str,
    pub cause: &'a str,
    /// The last lines of its job.
    pub output: &'a [String],
    /// Where its job writes to.
    pub log: Option<&'a ObjectKey>,
    /// Events of its stack, oldest first.
    pub stack: &'a [StackEvent],
    /// Stack errors that the deployment record holds for the step.
    pub recorded: &'a [&'a ResourceError],
}

/// Says whether steps of this type have a log of their own (cli.md 11.5).
pub(super) fn has_log(kind: &str) -> bool {
    matches!(kind, "AttiniRunnerJob" | "AttiniCdk" | "AttiniPackageSam")
}

/// Says whether steps of this type deploy a stack whose events can be read.
pub(super) fn has_stack(kind: &str) -> bool {
    kind == "AttiniCfn"
}

/// Returns the first cause of a step's failure.
pub(super) fn of_step(evidence: &Evidence<'_>) -> FirstCause {
    if let Some(found) = of_stack(evidence.stack).or_else(|| of_recorded(evidence.recorded)) {
        let hint = format!("correct the resource in the template of step `{}` and deploy again", evidence.step);
        return FirstCause { hint: Some(hint), ..found };
    }
    let cause = without_payload(&readable(evidence.cause));
    let mut lines = cause.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    let mut details: Vec<String> = lines.map(str::to_owned).collect();
    let is_job = has_log(evidence.kind);
    if is_job && details.is_empty() {
        details = evidence.output.to_vec();
    }
    let log = evidence.log.filter(|_| is_job && !evidence.output.is_empty()).cloned();
    let message = match (evidence.error, first.as_str()) {
        (error, "") => error.to_owned(),
        ("", first) => first.to_owned(),
        (error, first) => format!("{error}: {first}"),
    };
    FirstCause { message, details, log, hint: hint(evidence) }
}

/// Returns the first failed resource of a stack operation with its reason.
pub(super) fn of_stack(events: &[StackEvent]) -> Option<FirstCause> {
    let failed = |event: &&StackEvent| event.status.0.ends_with("_FAILED");
    let by_itself = |event: &&StackEvent| {
        let reason = event.reason.as_deref().unwrap_or_default();
        !event.is_about_the_stack() && !reason.to_ascii_lowercase().contains("cancelled")
    };
    let event = events.iter().filter(failed).find(by_itself).or_else(|| {
        events.iter().find(|event| event.is_about_the_stack() && event.reason.is_some() && is_bad(&event.status.0))
    })?;
    let reason = event.reason.as_deref().unwrap_or("no reason was given");
    let message = if event.is_about_the_stack() {
        format!("stack `{}` {}: {reason}", event.stack, event.status)
    } else {
        format!("resource `{}` ({}) {}: {reason}", event.logical_id, event.resource_type, event.status)
    };
    Some(FirstCause { message, details: Vec::new(), log: None, hint: None })
}

/// Returns the first of the errors that the record of a deployment holds.
pub(super) fn of_recorded(errors: &[&ResourceError]) -> Option<FirstCause> {
    let ResourceError { resource, status, error, .. } = errors.first()?;
    let message = format!("resource `{resource}` {status}: {error}");
    Some(FirstCause { message, details: Vec::new(), log: None, hint: None })
}

/// Says whether a status of a stack means that the wanted state was not or will not be reached.
pub(super) fn is_bad(status: &str) -> bool {
    status.ends_with("_FAILED") || status.contains("ROLLBACK")
}

/// Returns the message in a cause that is JSON (`{"errorType": …, "errorMessage": …}`), else the cause itself.
fn readable(cause: &str) -> String {
    let parsed: Option<Value> = cause.trim_start().starts_with('{').then(|| serde_json::from_str(cause).ok()).flatten();
    let message = parsed.as_ref().and_then(|value| value.get("errorMessage")).and_then(Value::as_str);
    message.unwrap_or(cause).to_owned()
}

/// Cuts the payload out of a cause that quotes all of it (`… could not be found in the input '{…}'`); the outputs of the
/// steps before, which a person compares with the path, come on a line of their own.
fn without_payload(cause: &str) -> String {
    const MARK: &str = " in the input '";
    let Some((before, payload)) = cause.split_once(MARK) else { return cause.to_owned() };
    let Ok(payload) = serde_json::from_str::<Value>(payload.trim_end().trim_end_matches('\'')) else {
        return cause.to_owned();
    };
    let output = payload.get("output").unwrap_or(&payload);
    format!("{before} in the input\nthe outputs so far are {output}")
}

fn hint(evidence: &Evidence<'_>) -> Option<String> {
    let step = evidence.step;
    match evidence.error {
        "ScriptExecutionError" => {
            let code = evidence
                .cause
                .split("code ")
                .nth(1)
                .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
            Some(match code.as_deref() {
                Some("126") => format!("a command of step `{step}` is there but cannot be run: is it executable?"),
                Some("127") => format!("a command of step `{step}` was not found: install it where the runner runs"),
                Some("137") => format!("a command of step `{step}` was killed, most often because memory ran out"),
                _ => format!("correct the commands of step `{step}`"),
            })
        }
        "States.Runtime" if evidence.cause.contains("could not be found in the input") => {
            Some(format!("correct the path in step `{step}`, or what the step before writes to its output"))
        }
        "States.Timeout" => Some(format!("step `{step}` took longer than it may: raise its `TimeoutSeconds`")),
        "JobLost" => Some(format!("if the job may run twice, list `JobLost` in `Retry` of step `{step}`")),
        "ManuallyAborted" => Some("someone rejected the step; deploy again when it may go on".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::StackStatus;
    use crate::value::{StackName, Timestamp};

    fn event(id: &str, logical: &str, kind: &str, status: &str, reason: Option<&str>) -> StackEvent {
        StackEvent {
            id: id.to_owned(),
            time: Timestamp::from_ms(0),
            stack: StackName::parse("app").expect("valid"),
            stack_id: "app-id".to_owned(),
            logical_id: logical.to_owned(),
            physical_id: None,
            resource_type: kind.to_owned(),
            status: StackStatus(status.to_owned()),
            reason: reason.map(str::to_owned),
            token: None,
        }
    }

    fn job(error: &str, cause: &str) -> FirstCause {
        let output = ["+ make".to_owned(), "make: not found".to_owned()];
        of_step(&Evidence {
            step: "Build",
            kind: "AttiniRunnerJob",
            error,
            cause,
            output: &output,
            log: None,
            stack: &[],
            recorded: &[],
        })
    }

    #[test]
    fn a_job_names_exit_code_and_last_lines() {
        let cause = job("ScriptExecutionError", "Script exited with code 127");
        assert_eq!(cause.message, "ScriptExecutionError: Script exited with code 127");
        assert_eq!(cause.details, ["+ make", "make: not found"]);
        assert!(cause.hint.expect("a hint").contains("was not found"));
    }

    #[test]
    fn a_stack_names_the_first_resource_that_failed_by_itself() {
        let events = [
            event("1", "Queue", "AWS::SQS::Queue", "CREATE_FAILED", Some("Resource creation cancelled")),
            event("2", "Db", "AWS::RDS::DBInstance", "CREATE_FAILED", Some("no such class")),
            event("3", "app", StackEvent::STACK_TYPE, "ROLLBACK_IN_PROGRESS", Some("[Db] failed")),
        ];
        let cause = of_stack(&events).expect("a cause");
        assert_eq!(cause.message, "resource `Db` (AWS::RDS::DBInstance) CREATE_FAILED: no such class");
    }

    #[test]
    fn a_path_that_leads_nowhere_shows_the_outputs_and_not_the_payload() {
        let cause = "The JSONPath '$.output.A.b' specified for the field 'B.$' could not be found in the input \
                     '{\"environment\":\"dev\",\"output\":{\"A\":{\"result\":\"it's\"}}}'";
        let found = job("States.Runtime", cause);
        let message =
            "States.Runtime: The JSONPath '$.output.A.b' specified for the field 'B.$' could not be found in the input";
        assert_eq!(found.message, message);
        assert_eq!(found.details, [r#"the outputs so far are {"A":{"result":"it's"}}"#]);
        assert!(found.hint.expect("a hint").contains("correct the path"));
    }

    #[test]
    fn a_cause_in_json_is_read() {
        let cause = job("E", r#"{"errorType":"X","errorMessage":"no value for /a\n  /a: …"}"#);
        assert_eq!(cause.message, "E: no value for /a");
        assert_eq!(cause.details, ["  /a: …"]);
    }
}
