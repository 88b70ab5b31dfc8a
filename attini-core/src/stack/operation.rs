use super::Action;
use crate::framework::Failure;
use crate::port::{StackDescription, StackError, StackRequest, StackService};

/// Tag that stacks of steps bear; the framework may only touch those that do (actions.md 5.7).
pub(crate) const RESOURCE_TYPE_TAG: (&str, &str) = ("AttiniResourceType", "cloudformation-stack");

/// What has to be done to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Create it.
    Create,
    /// Update it.
    Update,
    /// Delete what a failed creation left, then create it.
    Recreate,
    /// Delete it.
    Delete,
    /// Nothing: it is gone already.
    Nothing,
}

/// Chooses by the stack's status, not by messages of refused calls (actions.md 5.12).
///
/// # Errors
///
/// `IsExecuting` while another operation is under way (the plan retries it), `AccessDenied` for a stack that Attini does
/// not manage, `ValidationError` for one that CloudFormation cannot update any more.
pub fn decide_operation(existing: Option<&StackDescription>, action: Action) -> Result<Operation, Failure> {
    let Some(stack) = existing else {
        return Ok(if action == Action::Delete { Operation::Nothing } else { Operation::Create });
    };
    let status = stack.status.0.as_str();
    if stack.status.is_in_progress() && status != "REVIEW_IN_PROGRESS" {
        let cause = format!("stack {} is in {status}; another operation on it is under way", stack.name);
        return Err(Failure::new("IsExecuting", cause));
    }
    let (tag, value) = RESOURCE_TYPE_TAG;
    if stack.tags.get(tag).map(String::as_str) != Some(value) {
        let cause =
            format!("stack {} exists and is not managed by Attini: it lacks the tag `{tag}: {value}`", stack.name);
        return Err(Failure::new("AccessDenied", cause));
    }
    match (action, status) {
        (Action::Delete, _) => Ok(Operation::Delete),
        (Action::Deploy, _) if stack.status.needs_recreation() => Ok(Operation::Recreate),
        (Action::Deploy, "UPDATE_ROLLBACK_FAILED") => {
            let cause = format!(
                "stack {} is in UPDATE_ROLLBACK_FAILED; continue its rollback (ContinueUpdateRollback) and deploy again",
                stack.name
            );
            Err(Failure::new("ValidationError", cause))
        }
        (Action::Deploy, "DELETE_FAILED") => Ok(Operation::Recreate),
        (Action::Deploy, _) => Ok(Operation::Update),
    }
}

/// Creates a stack and returns its id. When the answer is lost it asks once more: the same token is the same operation.
pub(crate) async fn create_stack(stacks: &dyn StackService, request: &StackRequest) -> Result<String, StackError> {
    match stacks.create(request).await {
        Err(StackError::Unavailable { .. }) => stacks.create(request).await,
        answer => answer,
    }
}

/// Updates a stack and returns its id; asks once more as [`create_stack`] does.
pub(crate) async fn update_stack(stacks: &dyn StackService, request: &StackRequest) -> Result<String, StackError> {
    match stacks.update(request).await {
        Err(StackError::Unavailable { .. }) => stacks.update(request).await,
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::StackStatus;
    use crate::value::StackName;

    fn stack(status: &str, tagged: bool) -> StackDescription {
        let (tag, value) = RESOURCE_TYPE_TAG;
        let tags = if tagged { vec![(tag.to_owned(), value.to_owned())] } else { Vec::new() };
        StackDescription {
            name: StackName::parse("dev-db").expect("valid"),
            id: "arn".to_owned(),
            status: StackStatus(status.to_owned()),
            status_reason: None,
            outputs: Vec::new(),
            parameters: std::collections::BTreeMap::default(),
            tags: tags.into_iter().collect(),
            termination_protection: false,
        }
    }

    #[test]
    fn actions_case_28_deleting_an_absent_stack_is_done() {
        assert_eq!(decide_operation(None, Action::Delete), Ok(Operation::Nothing));
        assert_eq!(decide_operation(None, Action::Deploy), Ok(Operation::Create));
    }

    #[test]
    fn actions_case_30_a_rolled_back_creation_is_made_anew() {
        for status in ["ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "DELETE_FAILED"] {
            assert_eq!(
                decide_operation(Some(&stack(status, true)), Action::Deploy),
                Ok(Operation::Recreate),
                "{status}"
            );
        }
    }

    #[test]
    fn actions_case_31_a_foreign_stack_is_left_alone() {
        let refused = decide_operation(Some(&stack("CREATE_COMPLETE", false)), Action::Deploy).expect_err("refused");
        assert_eq!(refused.error, "AccessDenied");
        assert!(refused.cause.contains("AttiniResourceType: cloudformation-stack"), "{refused}");
    }

    #[test]
    fn an_operation_under_way_is_waited_for() {
        let busy = decide_operation(Some(&stack("UPDATE_IN_PROGRESS", true)), Action::Deploy).expect_err("busy");
        assert_eq!(busy.error, "IsExecuting");
    }
}
