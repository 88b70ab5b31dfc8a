use serde_json::{Map, Value, json};

use super::init_stack::append_once;
use super::{FirstCause, first_cause, is_consequence};
use crate::framework::{Failure, Framework};
use crate::inventory::{StackRecord, read, stack_key, update_deployment};
use crate::port::{
    AnswerError, InventoryError, Precondition, RecordKey, StackDescription, StackError, StackEvent, StackService,
    StackTarget, update_if_present,
};
use crate::value::{DeploymentName, ObjectIdentifier, Place, TaskToken};

/// Takes one event of a step's stack into account (framework-stack.md C5).
///
/// `place` is where the stack is. A failed resource is noted in the deployment's records; the end of the operation answers
/// the step. Events of other operations are ignored.
///
/// # Errors
///
/// When a port fails; the event can be given again.
pub async fn stack_event(framework: &Framework, place: &Place, event: &StackEvent) -> Result<(), Failure> {
    let key = stack_key(&event.stack, place);
    let Some(found) = framework.inventory.find(&key).await? else { return Ok(()) };
    let item: StackRecord = read(&key, found.body)?;
    if event.token.as_deref() != Some(item.client_request_token.as_str()) {
        return Ok(());
    }
    note_failure(framework, place, &item, event).await?;
    if !event.is_about_the_stack() || event.status.is_in_progress() {
        return Ok(());
    }
    if let Some(token) = item.sfn_token.clone().map(TaskToken::new) {
        answer(framework, place, &item, event, &token).await?;
    }
    close(framework, &key, &item, event).await
}

/// Answers the step, and notes the failure first, so that whoever sees the step fail finds the reason.
async fn answer(
    framework: &Framework,
    place: &Place,
    item: &StackRecord,
    event: &StackEvent,
    token: &TaskToken,
) -> Result<(), Failure> {
    let mut noted = Ok(());
    let answered = match result(framework, place, item, event).await? {
        Ok(output) => match framework.tokens.succeed(token, &output).await {
            Err(error @ AnswerError::TooLarge { .. }) => {
                framework.tokens.fail(token, "InvalidOutput", &error.to_string()).await
            }
            other => other,
        },
        Err(failure) => {
            noted = note_end(framework, item, &failure.cause).await;
            framework.tokens.fail(token, &failure.error, &failure.cause).await
        }
    };
    match answered {
        Ok(()) | Err(AnswerError::Closed) => noted,
        Err(error) => Err(error.into()),
    }
}

/// Returns what the step gets when its stack's operation has ended: an output, or a failure by name.
async fn result(
    framework: &Framework,
    place: &Place,
    item: &StackRecord,
    event: &StackEvent,
) -> Result<Result<Value, Failure>, Failure> {
    let wanted_gone = item.desired_state == "DELETED";
    let region = (place.region != framework.place.region).then(|| place.region.clone());
    let target = StackTarget { name: event.stack.clone(), region, role: item.execution_role_arn.clone() };
    if is_gone(event) && wanted_gone {
        return Ok(Ok(json!({})));
    }
    if event.status.is_success() && !wanted_gone {
        return match framework.stacks.find(&target).await {
            Ok(Some(stack)) => Ok(Ok(step_output(&stack, item.output_path.as_deref()))),
            Ok(None) => Ok(Err(Failure::new(UNKNOWN, "the stack was deleted by someone else"))),
            Err(StackError::Refused { message, .. }) => Ok(Err(Failure::new(UNKNOWN, message))),
            Err(error) => Err(error.into()),
        };
    }
    let first = cause_of(framework.stacks.as_ref(), &target, event).await?;
    Ok(Err(Failure::new(first.error, first.cause)))
}

/// Error name of a step whose stack is done but cannot be read.
const UNKNOWN: &str = "unknown";

fn is_gone(event: &StackEvent) -> bool {
    event.status.0 == "DELETE_COMPLETE"
}

/// Takes the token out of the stack's record, or the record away with the stack. A newer operation's record stays.
async fn close(framework: &Framework, key: &RecordKey, item: &StackRecord, event: &StackEvent) -> Result<(), Failure> {
    let ours = |body: &Map<String, Value>| {
        body.get("clientRequestToken").and_then(Value::as_str) == Some(&item.client_request_token)
    };
    if !is_gone(event) {
        update_if_present(framework.inventory.as_ref(), key, |body| {
            if ours(body) {
                body.remove("sfnToken");
            }
        })
        .await?;
        return Ok(());
    }
    match framework.inventory.find(key).await? {
        Some(now) if ours(&now.body) => {
            match framework.inventory.delete(key, Precondition::Unchanged(now.revision)).await {
                // A newer operation has taken the record over in between.
                Ok(()) | Err(InventoryError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        _ => Ok(()),
    }
}

/// Notes in the deployment's records which step failed and why, until the plan itself has ended.
async fn note_end(framework: &Framework, item: &StackRecord, cause: &str) -> Result<(), Failure> {
    let name = DeploymentName::of_raw(&item.environment, &item.distribution_name);
    let object = ObjectIdentifier::from_record(item.attini_object_identifier.clone());
    let text = format!("Step: {} failed with error: {cause}", item.step_name);
    update_deployment(framework.inventory.as_ref(), &name, &object, |body| {
        if body.get("outcome").is_none_or(Value::is_null) {
            body.insert("errorCode".to_owned(), "CloudformationError".into());
            body.insert("errorMessage".to_owned(), text.clone().into());
        }
    })
    .await?;
    Ok(())
}

async fn note_failure(
    framework: &Framework,
    place: &Place,
    item: &StackRecord,
    event: &StackEvent,
) -> Result<(), Failure> {
    let reason = event.reason.as_deref().filter(|reason| !reason.is_empty() && !is_consequence(reason));
    let Some(reason) = reason.filter(|_| event.status.0.ends_with("_FAILED") && !event.is_about_the_stack()) else {
        return Ok(());
    };
    let slot = format!("{}-{}-{}", event.stack, place.region, place.account);
    let entry = json!({
        "resourceName": event.logical_id, "resourceStatus": event.status.0, "errorType": "CloudFormation",
        "error": reason, "stepName": item.step_name, "stackName": event.stack.as_str(),
        "region": place.region.as_str(), "eventId": event.id,
    });
    let name = DeploymentName::of_raw(&item.environment, &item.distribution_name);
    let object = ObjectIdentifier::from_record(item.attini_object_identifier.clone());
    update_deployment(framework.inventory.as_ref(), &name, &object, |body| {
        if let Value::Object(errors) = body.entry("errors").or_insert_with(|| json!({})) {
            append_once(errors.entry(slot.clone()).or_insert_with(|| json!([])), &entry, &event.id);
        }
    })
    .await?;
    Ok(())
}

/// Returns the output of a step that deployed a stack: its outputs, below `outputPath` when there is one.
pub(crate) fn step_output(stack: &StackDescription, output_path: Option<&str>) -> Value {
    let outputs: Map<String, Value> =
        stack.outputs.iter().map(|(key, value)| (key.clone(), Value::from(value.clone()))).collect();
    match output_path {
        Some(path) => json!({ path: outputs }),
        None => Value::Object(outputs),
    }
}

/// Finds out why an operation failed. When the events cannot be read (any more), nobody knows.
pub(super) async fn cause_of(
    stacks: &dyn StackService,
    target: &StackTarget,
    event: &StackEvent,
) -> Result<FirstCause, Failure> {
    let token = event.token.as_deref().unwrap_or_default();
    match all_events(stacks, target, Some(&event.stack_id)).await {
        Ok(events) => Ok(first_cause(&events, token)),
        Err(StackError::Refused { .. } | StackError::NotFound { .. }) => {
            Ok(first_cause(std::slice::from_ref(event), token))
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads all events of a stack, oldest first.
pub(crate) async fn all_events(
    stacks: &dyn StackService,
    target: &StackTarget,
    stack_id: Option<&str>,
) -> Result<Vec<StackEvent>, StackError> {
    let mut events: Vec<StackEvent> = Vec::new();
    loop {
        let after = events.last().map(|event| event.id.clone());
        let page = stacks.events(target, stack_id, after.as_deref()).await?;
        let more = page.more && !page.items.is_empty();
        events.extend(page.items);
        if !more {
            return Ok(events);
        }
    }
}
