use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::deploy::notify;
use crate::framework::{Failure, Framework};
use crate::guard::{digest_in, upload_digest};
use crate::inventory::{
    DeploymentRecord, DistributionRecord, InitStackRecord, PlanRecord, distribution_key, find_deployment,
    init_stack_key, plan_key, read, update_deployment,
};
use crate::payload::origin_data;
use crate::value::{DeploymentName, ExecutionArn, MachineArn, ObjectIdentifier};

/// The first state of every plan: makes room, and returns the payload that travels through the plan (actions.md 2).
pub(super) async fn run(framework: &Framework, input: &Value) -> Result<Value, Failure> {
    let text = |field: &str| {
        let found = input.get(field).and_then(Value::as_str);
        let missing = || Failure::new("IllegalFormatException", format!("the first state sent no `{field}`"));
        found.ok_or_else(missing)
    };
    let machine = MachineArn::from_record(text("sfnArn")?);
    let execution = ExecutionArn::from_record(text("executionArn")?);
    let inventory = framework.inventory.as_ref();

    let plan: PlanRecord = match inventory.find(&plan_key(&machine)).await? {
        Some(record) => read(&plan_key(&machine), record.body)?,
        None => {
            let cause = format!("there is no record of plan {}; deploy its distribution again", machine.name());
            return Err(Failure::new("InternalError", cause));
        }
    };
    let name = DeploymentName::of_raw(&plan.environment, &plan.distribution_name);
    let object = ObjectIdentifier::from_record(plan.attini_object_identifier.clone());
    let Some(deployment) = find_deployment(inventory, &name, &object).await? else {
        let cause = format!("no deploy data found for objectIdentifier={object}");
        return Err(Failure::new("InternalError", cause));
    };
    if is_superseded(&execution, &object) {
        let cause = format!("Stopped due to new execution started: {}", replaced_by(&deployment));
        return Err(Failure::new(SUPERSEDED, cause));
    }
    if let (Some(outcome), true) = (deployment.outcome, digest_in(&execution).is_some()) {
        let why = deployment.error_message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let cause = format!("the deployment ended as {} before its plan began{why}", outcome.as_str());
        return Err(Failure::new(SUPERSEDED, cause));
    }
    make_room(framework, &machine, &execution, &plan, &deployment).await?;

    let init_stack = match &deployment.stack_name {
        Some(stack) => match inventory.find(&init_stack_key(stack)).await? {
            Some(record) => read::<InitStackRecord>(&init_stack_key(stack), record.body)?,
            None => InitStackRecord::default(),
        },
        None => InitStackRecord::default(),
    };
    record_execution(framework, &name, &object, &execution).await?;
    let origin = origin_data(&deployment, None);
    let dependencies = dependencies(framework, &deployment).await?;
    let start = json!({
        "type": "DeploymentPlanStart", "status": "SUCCEEDED", "eventId": framework.ids.uuid(),
        "executionArn": execution.as_str(), "region": framework.place.region.as_str(),
        "distributionId": deployment.distribution_id, "distributionName": deployment.distribution_name,
        "environment": deployment.environment, "deploymentOriginData": origin,
    });
    let (environment, distribution) = (&deployment.environment, &deployment.distribution_name);
    notify(framework, "DeploymentPlanStart", "SUCCEEDED", environment, distribution, start).await;
    Ok(json!({
        "deploymentOriginData": origin,
        "output": default_output(&plan.payload_defaults)?,
        "dependencies": dependencies,
        "environment": deployment.environment,
        "stackParameters": init_stack.stack_parameters,
        "customData": input.get("customData").cloned().unwrap_or_else(|| json!({})),
    }))
}

/// Error name of an execution that has to give way.
pub(super) const SUPERSEDED: &str = crate::runner::error_name::EXECUTION_SUPERSEDED;

/// An execution that the framework starts bears the digest of its upload in its name. When the plan has meanwhile been
/// registered for another upload, the execution would deploy what it was not started for.
fn is_superseded(execution: &ExecutionArn, object: &ObjectIdentifier) -> bool {
    digest_in(execution).is_some_and(|digest| digest != upload_digest(object))
}

fn replaced_by(deployment: &DeploymentRecord) -> String {
    let by = deployment.user_identity.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
    format!("replaced by the deployment of {} {}{by}", deployment.distribution_name, deployment.distribution_id)
}

/// What a new execution does while an older one runs (deployment-plan.md 4.1, actions.md 2.6).
///
/// A newer one is left alone: it does the same with this one. So of two that begin at once exactly one gives way.
async fn make_room(
    framework: &Framework,
    machine: &MachineArn,
    execution: &ExecutionArn,
    plan: &PlanRecord,
    deployment: &DeploymentRecord,
) -> Result<(), Failure> {
    let workflows = framework.workflows.as_ref();
    let mut others = Vec::new();
    loop {
        let page = workflows.list_running(machine, others.last()).await?;
        let more = page.more && !page.items.is_empty();
        others.extend(page.items);
        if !more {
            break;
        }
    }
    others.retain(|other| other != execution);
    if others.is_empty() {
        return Ok(());
    }
    let own = workflows.describe(execution).await?.started;
    let mut running = Vec::new();
    for other in others {
        let started = workflows.describe(&other).await?.started;
        if (started, &other) < (own, execution) {
            running.push(other);
        }
    }
    let Some(first) = running.first() else { return Ok(()) };
    match plan.concurrency.as_deref() {
        Some("queue") => {
            let cause = format!("waiting until execution {} has ended", first.id());
            Err(Failure::new("DeploymentQueued", cause))
        }
        Some("reject") => {
            let cause = format!("execution {} runs and the plan's Concurrency is `reject`", first.id());
            Err(Failure::new("DeploymentRejected", cause))
        }
        _ => {
            let cause = format!("Stopped due to new execution started: {}", replaced_by(deployment));
            for other in &running {
                workflows.stop(other, &cause).await?;
            }
            Ok(())
        }
    }
}

pub(crate) async fn record_execution(
    framework: &Framework,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    execution: &ExecutionArn,
) -> Result<(), Failure> {
    let machine = execution.machine();
    update_deployment(framework.inventory.as_ref(), name, object, |body| {
        if let Value::Object(arns) = body.entry("executionArns").or_insert_with(|| json!({})) {
            arns.insert(machine.name().to_owned(), execution.as_str().into());
        }
    })
    .await?;
    Ok(())
}

/// Reads the `output` member of the plan's defaults; a plan without defaults starts with `{}`.
fn default_output(payload_defaults: &str) -> Result<Value, Failure> {
    if payload_defaults.trim().is_empty() {
        return Ok(json!({}));
    }
    let defaults: Value = serde_json::from_str(payload_defaults)
        .map_err(|error| Failure::new("InternalError", format!("the recorded PayloadDefaults are no JSON: {error}")))?;
    Ok(defaults.get("output").filter(|output| output.is_object()).cloned().unwrap_or_else(|| json!({})))
}

/// Returns the payload's `dependencies` (actions.md 4).
async fn dependencies(framework: &Framework, deployment: &DeploymentRecord) -> Result<Value, Failure> {
    let inventory = framework.inventory.as_ref();
    let own = distribution_key(&deployment.environment, &deployment.distribution_name);
    let Some(record) = inventory.find(&own).await? else { return Ok(json!({})) };
    let record: DistributionRecord = read(&own, record.body)?;
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    for dependency in &record.dependencies {
        let name = &dependency.distribution_name;
        let key = distribution_key(&deployment.environment, name);
        let Some(record) = inventory.find(&key).await? else {
            let cause = format!("dependency {name} is not present in environment {}", deployment.environment);
            return Err(Failure::new("DependencyError", cause));
        };
        let record: DistributionRecord = read(&key, record.body)?;
        let mut entry = Map::new();
        entry.insert("deploymentSourcePrefix".to_owned(), record.current_prefix().into());
        if let Some(url) = &record.output_url {
            entry.insert("outputUrl".to_owned(), url.clone().into());
        }
        found.insert(name.clone(), Value::Object(entry));
    }
    Ok(json!(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_started_for_another_upload_is_superseded() {
        let object = ObjectIdentifier::from_record("dev/infra/infra.zip#v1");
        let digest = upload_digest(&object);
        let arn = |name: &str| ExecutionArn::from_record(format!("arn:aws:states:r:a:execution:m:{name}"));
        assert!(!is_superseded(&arn(&format!("{digest}-1700000000000")), &object));
        assert!(is_superseded(&arn("00000000000000000000000000000000-1700000000000"), &object));
        assert!(!is_superseded(&arn("started-by-hand"), &object));
    }

    #[test]
    fn actions_case_8_payload_defaults() {
        assert_eq!(default_output(r#"{"output":{"A":{"k":"v"}},"x":1}"#).expect("JSON"), json!({"A": {"k": "v"}}));
        assert_eq!(default_output("{}").expect("JSON"), json!({}));
    }
}
