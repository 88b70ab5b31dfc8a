use serde::{Deserialize, Serialize};

/// How a task waits for its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TaskPattern {
    /// The answer of the call is the result.
    RequestResponse,
    /// `.sync`: the call starts a job, whose end is the result.
    Sync,
    /// `.waitForTaskToken`: whoever holds the token gives the result.
    WaitForTaskToken,
}

/// What a task calls, as its events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Service {
    /// A function by its ARN.
    Lambda,
    /// An activity by its ARN.
    Activity,
    /// An integration: `arn:aws:states:::sqs:sendMessage` has the type `sqs` and the action `sendMessage`.
    Integration { kind: String, action: String },
}

/// The `Resource` of a Task state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    pub(super) arn: String,
    pub(super) pattern: TaskPattern,
    pub(super) service: Service,
}

impl Resource {
    /// Takes any text that looks like an ARN; what stands behind it is the driver's business.
    pub(super) fn parse(arn: &str) -> Result<Self, String> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(_), Some(service), Some(_), Some(_), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("`{arn}` is not an ARN"));
        };
        let base = |suffix: &str| rest.strip_suffix(suffix);
        let pattern = if base(".waitForTaskToken").is_some() {
            TaskPattern::WaitForTaskToken
        } else if base(".sync").is_some() || base(".sync:2").is_some() {
            TaskPattern::Sync
        } else {
            TaskPattern::RequestResponse
        };
        let service = match service {
            "lambda" => Service::Lambda,
            "states" if rest.starts_with("activity:") => Service::Activity,
            _ => {
                // `startExecution.sync:2` has a colon of its own.
                let end = rest.find(".sync:").unwrap_or(rest.len());
                let split = rest.get(..end).and_then(|name| name.rfind(':'));
                match split.and_then(|at| Some((rest.get(..at)?, rest.get(at + 1..)?))) {
                    Some((kind, action)) => Service::Integration { kind: kind.to_owned(), action: action.to_owned() },
                    None => Service::Integration { kind: service.to_owned(), action: rest.to_owned() },
                }
            }
        };
        Ok(Self { arn: arn.to_owned(), pattern, service })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrations_have_a_type_and_an_action() {
        let parts = |arn: &str| match Resource::parse(arn).map(|resource| (resource.pattern, resource.service)) {
            Ok((pattern, Service::Integration { kind, action })) => (pattern, kind, action),
            other => panic!("{arn}: {other:?}"),
        };
        let expect = |pattern, kind: &str, action: &str| (pattern, kind.to_owned(), action.to_owned());
        assert_eq!(
            parts("arn:aws:states:::aws-sdk:s3:listObjects"),
            expect(TaskPattern::RequestResponse, "aws-sdk:s3", "listObjects")
        );
        assert_eq!(
            parts("arn:aws:states:::states:startExecution.sync:2"),
            expect(TaskPattern::Sync, "states", "startExecution.sync:2")
        );
        assert_eq!(
            parts("arn:aws:states:::lambda:invoke.waitForTaskToken"),
            expect(TaskPattern::WaitForTaskToken, "lambda", "invoke.waitForTaskToken")
        );
    }
}
