use crate::port::StackEvent;

/// The event that explains why an operation on a stack failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstCause {
    /// Status of the first resource that failed, `Unknown` when there is none. `Catch` matches it.
    pub error: String,
    /// Its reason.
    pub cause: String,
    /// Its logical id.
    pub resource: Option<String>,
}

/// Says whether a reason only follows from another failure.
#[must_use]
pub fn is_consequence(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    reason.contains("cancelled") || reason.contains("canceled")
}

/// Finds the first cause among the events of one operation, given oldest first (framework-stack.md C11.2).
///
/// Only events with the operation's token count when any has it, else those from the newest start of an operation on.
#[must_use]
pub fn first_cause(events: &[StackEvent], token: &str) -> FirstCause {
    let tokened: Vec<&StackEvent> = events.iter().filter(|event| event.token.as_deref() == Some(token)).collect();
    let of_operation = if tokened.is_empty() {
        let starts = |event: &StackEvent| event.is_about_the_stack() && is_start(&event.status.0);
        let from = events.iter().rposition(starts).unwrap_or(0);
        events[from..].iter().collect()
    } else {
        tokened
    };
    let failed = |status: &str| matches!(status, "CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED");
    let is_failed = |event: &&&StackEvent| failed(&event.status.0) && !event.is_about_the_stack();
    let real = of_operation
        .iter()
        .filter(is_failed)
        .find(|event| event.reason.as_deref().is_some_and(|reason| !is_consequence(reason)));
    let any = || of_operation.iter().find(is_failed);
    let rollback = || {
        let rolls = |status: &str| matches!(status, "ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS");
        of_operation.iter().find(|event| event.is_about_the_stack() && rolls(&event.status.0))
    };
    let stack = || of_operation.iter().find(|event| event.is_about_the_stack() && failed(&event.status.0));
    match real.or_else(any).or_else(rollback).or_else(stack) {
        Some(event) => FirstCause {
            error: event.status.0.clone(),
            cause: event.reason.clone().unwrap_or_else(|| "CloudFormation gave no reason".to_owned()),
            resource: (!event.is_about_the_stack()).then(|| event.logical_id.clone()),
        },
        None => FirstCause {
            error: "Unknown".to_owned(),
            cause: "could not resolve error, check cloudformation logs for more info".to_owned(),
            resource: None,
        },
    }
}

fn is_start(status: &str) -> bool {
    matches!(status, "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "DELETE_IN_PROGRESS")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::StackStatus;
    use crate::value::{StackName, Timestamp};

    fn event(number: i64, logical_id: &str, status: &str, reason: Option<&str>) -> StackEvent {
        let stack = StackName::parse("dev-db").expect("valid");
        let kind = if logical_id == "dev-db" { StackEvent::STACK_TYPE } else { "AWS::Lambda::Function" };
        StackEvent {
            id: number.to_string(),
            time: Timestamp::from_ms(number),
            stack,
            stack_id: "arn".to_owned(),
            logical_id: logical_id.to_owned(),
            physical_id: None,
            resource_type: kind.to_owned(),
            status: StackStatus(status.to_owned()),
            reason: reason.map(str::to_owned),
            token: None,
        }
    }

    #[test]
    fn framework_case_13_the_first_real_failure_of_this_update_wins() {
        let events = [
            event(1, "Z", "UPDATE_FAILED", Some("older")),
            event(2, "dev-db", "UPDATE_IN_PROGRESS", Some("User Initiated")),
            event(3, "Q", "UPDATE_FAILED", Some("Resource update cancelled")),
            event(4, "Fn", "UPDATE_FAILED", Some("boom")),
        ];
        let found = first_cause(&events, "token");
        assert_eq!((found.error.as_str(), found.cause.as_str()), ("UPDATE_FAILED", "boom"));
    }

    #[test]
    fn framework_case_14_without_a_failed_resource_the_rollback_speaks() {
        let events = [
            event(1, "dev-db", "CREATE_IN_PROGRESS", None),
            event(2, "dev-db", "ROLLBACK_IN_PROGRESS", Some("User Initiated")),
        ];
        assert_eq!(first_cause(&events, "token").error, "ROLLBACK_IN_PROGRESS");
        assert_eq!(first_cause(&[], "token").error, "Unknown");
    }
}
