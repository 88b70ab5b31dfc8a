use md5::{Digest, Md5};
use serde_json::{Map, Value, json};

use super::is_consequence;
use crate::deploy::{Ending, end_deployment};
use crate::framework::{Failure, Framework, explain};
use crate::inventory::{
    InitStackRecord, Outcome, PlanRecord, find_deployment, init_stack_key, plan_key, read, update_deployment,
};
use crate::port::{StackEvent, StackTarget, WorkflowError, update_if_present};
use crate::value::{DeploymentName, ExecutionArn, MachineArn, ObjectIdentifier, StackName};

/// Returns the token that marks the operations on an init stack for one upload: upper-case hex MD5 (init-deploy.md 10).
#[must_use]
pub fn init_stack_token(object: &ObjectIdentifier) -> String {
    hex::encode_upper(Md5::digest(object.as_str().as_bytes()))
}

/// Takes one event of an init stack into account (framework-stack.md C7).
///
/// A failed resource is noted in the deployment's records; a finished stack starts its plans; a failed one ends the
/// deployment. Events of other operations only take the fingerprint back, because the stack has changed.
///
/// # Errors
///
/// When a port fails; the event can be given again.
pub async fn init_stack_event(framework: &Framework, event: &StackEvent) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let Some(item) = find_item(framework, &event.stack).await? else { return Ok(()) };
    let object = ObjectIdentifier::from_record(item.attini_object_identifier.clone());
    let key = init_stack_key(event.stack.as_str());
    if event.token.as_deref() != Some(init_stack_token(&object).as_str()) {
        if changes_the_stack(event) {
            update_if_present(inventory, &key, |body| {
                // The stack is not any more what the fingerprint says, so the next deployment must really update it.
                if body.contains_key("initStackMd5Hex") {
                    body.insert("initStackMd5Hex".to_owned(), "".into());
                }
            })
            .await?;
        }
        return Ok(());
    }
    let name = DeploymentName::of_raw(&item.environment, &item.distribution_name);
    let reason = event.reason.clone().filter(|reason| !reason.is_empty());
    if let (true, Some(reason)) = (event.status.0.ends_with("_FAILED"), &reason) {
        note_failure(framework, &name, &object, event, reason).await?;
    }
    if !event.is_about_the_stack() || event.status.is_in_progress() || event.status.0 == "DELETE_COMPLETE" {
        return Ok(());
    }
    let ours =
        |body: &Map<String, Value>| body.get("attiniObjectIdentifier").and_then(Value::as_str) == Some(object.as_str());
    if event.status.is_success() {
        update_if_present(inventory, &key, |body| {
            // The event may come twice; the second time there is nothing pending any more.
            if ours(body)
                && let Some(pending) = body.remove("pendingInitStackMd5Hex")
            {
                body.insert("initStackMd5Hex".to_owned(), pending);
            }
        })
        .await?;
        return start_plans(framework, &event.stack).await;
    }
    update_if_present(inventory, &key, |body| {
        if ours(body) {
            body.insert("initStackMd5Hex".to_owned(), "".into());
            body.remove("pendingInitStackMd5Hex");
        }
    })
    .await?;
    let target = StackTarget::own(event.stack.clone());
    let cause = super::stack::cause_of(framework.init_stacks.as_ref(), &target, event).await?;
    let place = cause.resource.map(|resource| format!(" (resource {resource})")).unwrap_or_default();
    let message = format!("init-stack failed with error: {}{place}", cause.cause);
    let ending = Ending { outcome: Outcome::Failed, error: Some(Failure::new("CloudformationError", message)) };
    end_deployment(framework, &name, &object, &ending).await
}

/// Says whether an event of somebody else's operation means that the stack is another one now. The deletion before a
/// re-creation is the framework's own.
fn changes_the_stack(event: &StackEvent) -> bool {
    let planned = event.token.as_deref().is_some_and(|token| token.starts_with(RECREATE_TOKEN));
    event.is_about_the_stack() && !event.status.is_in_progress() && !planned
}

/// Writes what the deployment's followers need to know of its plans, and starts them.
///
/// Called when the init stack is as wanted: after its operation, or because nothing had to change. Starting twice is
/// starting once, because an execution's name is made from upload and time. A deployment that has ended starts nothing.
///
/// # Errors
///
/// When a port fails; it can be called again then. A plan that is not there ends the deployment instead.
pub async fn start_plans(framework: &Framework, stack: &StackName) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let Some(item) = find_item(framework, stack).await? else {
        let text = format!("there is no record of init stack {stack}; it was not created by an Attini init deploy");
        return Err(Failure::new("InternalError", text));
    };
    let object = ObjectIdentifier::from_record(item.attini_object_identifier.clone());
    let name = DeploymentName::of_raw(&item.environment, &item.distribution_name);
    let Some(deployment) = find_deployment(inventory, &name, &object).await? else {
        let text = format!("there is no deployment record of {object}, so the plans of {stack} cannot start");
        return Err(Failure::new("InternalError", text));
    };
    if deployment.outcome.is_some() {
        return Ok(());
    }
    let mut steps = Vec::new();
    for arn in &item.sfn_arns {
        let key = plan_key(&MachineArn::from_record(arn.clone()));
        if let (true, Some(found)) = (steps.is_empty(), inventory.find(&key).await?) {
            steps = read::<PlanRecord>(&key, found.body)?.attini_steps;
        }
    }
    let steps = json!(steps);
    update_deployment(inventory, &name, &object, |body| {
        body.insert("deploymentPlanCount".to_owned(), item.sfn_arns.len().into());
        body.insert("attiniSteps".to_owned(), steps.clone());
    })
    .await?;
    if item.sfn_arns.is_empty() {
        let ending = Ending { outcome: Outcome::Succeeded, error: None };
        return end_deployment(framework, &name, &object, &ending).await;
    }
    let execution_name = execution_name(&object, deployment.started_at);
    let mut unanswered = Ok(());
    for arn in &item.sfn_arns {
        let machine = MachineArn::from_record(arn.clone());
        match framework.workflows.start(&machine, &execution_name, &json!({})).await {
            Ok(_) => {}
            Err(error @ WorkflowError::NotFound { .. }) => {
                let text = format!("plan {} could not be started: {}", machine.name(), explain(&error));
                let error = Some(Failure::new("StartExecutionError", text));
                end_deployment(framework, &name, &object, &Ending { outcome: Outcome::Failed, error }).await?;
            }
            // It may have started; only asking again tells.
            Err(error) => unanswered = Err(error.into()),
        }
    }
    unanswered
}

/// Returns the name of the executions that the framework starts for an upload: the same for the same deployment.
fn execution_name(object: &ObjectIdentifier, started_at: i64) -> String {
    format!("{}-{started_at}", upload_digest(object))
}

/// Returns the digest of an upload that begins the names of the executions started for it.
pub(crate) fn upload_digest(object: &ObjectIdentifier) -> String {
    hex::encode(Md5::digest(object.as_str().as_bytes()))
}

/// Returns the digest of the upload that an execution was started for; `None` when somebody else started it.
pub(crate) fn digest_in(execution: &ExecutionArn) -> Option<&str> {
    let (digest, time) = execution.id().split_once('-')?;
    let is_ours = digest.len() == 32 && !time.is_empty() && time.bytes().all(|b| b.is_ascii_digit());
    is_ours.then_some(digest)
}

/// Beginning of the token of a deletion that comes before a re-creation.
pub(crate) const RECREATE_TOKEN: &str = "recreate-call-";

async fn find_item(framework: &Framework, stack: &StackName) -> Result<Option<InitStackRecord>, Failure> {
    let key = init_stack_key(stack.as_str());
    match framework.inventory.find(&key).await? {
        Some(record) => read(&key, record.body).map(Some),
        None => Ok(None),
    }
}

async fn note_failure(
    framework: &Framework,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    event: &StackEvent,
    reason: &str,
) -> Result<(), Failure> {
    if is_consequence(reason) {
        return Ok(());
    }
    let entry = json!({
        "resourceName": event.logical_id, "resourceStatus": event.status.0, "error": reason, "eventId": event.id,
    });
    update_deployment(framework.inventory.as_ref(), name, object, |body| {
        append_once(body.entry("initStackErrors").or_insert_with(|| json!([])), &entry, &event.id);
    })
    .await?;
    Ok(())
}

/// Appends an entry to a list of failures unless the event is there already; a list keeps at most 300 entries.
pub(super) fn append_once(list: &mut Value, entry: &Value, event_id: &str) {
    if let Value::Array(entries) = list {
        let known = |known: &Value| known.get("eventId").and_then(Value::as_str) == Some(event_id);
        if entries.len() < 300 && !entries.iter().any(known) {
            entries.push(entry.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn init_deploy_case_18_token() {
        let object = ObjectIdentifier::from_record("dev/infra/infra.zip#v1");
        assert_eq!(init_stack_token(&object), "DF71271C2465F029E766E757F5923732");
    }
}
