use serde_json::{Map, Value, json};

use super::init_stack::append_once;
use super::{first_cause, is_consequence};
use crate::framework::{Failure, Framework};
use crate::inventory::{StackRecord, read, stack_key, update_deployment};
use crate::port::{
    AnswerError, InventoryError, Precondition, StackDescription, StackEvent, StackService, StackTarget,
    update_if_present,
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
    let Some(token) = item.sfn_token.clone().map(TaskToken::new) else { return Ok(()) };
    let wanted_gone = item.desired_state == "DELETED";
    let gone = event.status.0 == "DELETE_COMPLETE";
    let region = (place.region != framework.place.region).then(|| place.region.clone());
    let target = StackTarget { name: event.stack.clone(), region, role: item.execution_role_arn.clone() };
    let answered = if gone && wanted_gone {
        framework.tokens.succeed(&token, &json!({})).await
    } else if event.status.is_success() && !wanted_gone {
        match framework.stacks.find(&target).await? {
            Some(stack) => succeed(framework, &token, &item, &stack).await,
            None => framework.tokens.fail(&token, "Unknown", "the stack was deleted by someone else").await,
        }
    } else {
        let events = all_events(framework.stacks.as_ref(), &target, Some(&event.stack_id)).await?;
        let first = first_cause(&events, &item.client_request_token);
        let resource = first.resource.map(|resource| format!("{resource}: ")).unwrap_or_default();
        let cause = format!("stack {}: {resource}{}", event.stack, first.cause);
        framework.tokens.fail(&token, &first.error, &cause).await
    };
    match answered {
        Ok(()) | Err(AnswerError::Closed) => {}
        Err(error) => return Err(error.into()),
    }
    let ours = |body: &Map<String, Value>| {
        body.get("clientRequestToken").and_then(Value::as_str) == Some(&item.client_request_token)
    };
    if gone {
        let Some(now) = framework.inventory.find(&key).await? else { return Ok(()) };
        if ours(&now.body) {
            return match framework.inventory.delete(&key, Precondition::Unchanged(now.revision)).await {
                // A newer operation has taken the record over in between.
                Ok(()) | Err(InventoryError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error.into()),
            };
        }
        return Ok(());
    }
    update_if_present(framework.inventory.as_ref(), &key, |body| {
        if ours(body) {
            body.remove("sfnToken");
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

async fn succeed(
    framework: &Framework,
    token: &TaskToken,
    item: &StackRecord,
    stack: &StackDescription,
) -> Result<(), AnswerError> {
    let output = step_output(stack, item.output_path.as_deref());
    match framework.tokens.succeed(token, &output).await {
        Err(error @ AnswerError::TooLarge { .. }) => {
            framework.tokens.fail(token, "InvalidOutput", &error.to_string()).await
        }
        other => other,
    }
}

/// Reads all events of a stack, oldest first.
pub(super) async fn all_events(
    stacks: &dyn StackService,
    target: &StackTarget,
    stack_id: Option<&str>,
) -> Result<Vec<StackEvent>, Failure> {
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
