use serde_json::{Value, json};

use crate::deploy::{Ending, end_deployment, notify};
use crate::framework::{Failure, Framework};
use crate::inventory::{
    DeploymentRecord, Outcome, PlanRecord, distribution_key, list_history, plan_key, read, update_deployment,
};
use crate::port::{Body, ExecutionDescription, ExecutionStatus, Precondition, update_if_present};
use crate::value::ObjectKey;

/// Records how a plan's execution ended (actions.md 12): status, output or error, the deployment's outcome.
///
/// Handling the same end twice changes nothing. `steps` is the number of states the execution left.
///
/// # Errors
///
/// When a port fails; the end can be given again. A replaced execution that belongs to no deployment is ignored.
pub async fn plan_ended(framework: &Framework, execution: &ExecutionDescription, steps: u64) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let machine = execution.arn.machine();
    let key = plan_key(&machine);
    let Some(found) = inventory.find(&key).await? else { return Ok(()) };
    let plan: PlanRecord = read(&key, found.body)?;
    let status = execution.status.as_str();
    update_if_present(inventory, &key, |body| {
        let newer = body.get("startTime").and_then(Value::as_i64).unwrap_or(0) > execution.started.as_ms();
        if !newer {
            body.insert("status".to_owned(), status.into());
            body.insert("startTime".to_owned(), execution.started.as_ms().into());
        }
    })
    .await?;
    // Newest first, so the deployment of a plan that just ended is among the first.
    let history = list_history(inventory, &plan.environment, &plan.distribution_name, usize::MAX).await?;
    let ours = |found: &&DeploymentRecord| found.execution_arns.values().any(|arn| arn == execution.arn.as_str());
    let Some(deployment) = history.iter().find(ours) else { return Ok(()) };

    if let (ExecutionStatus::Succeeded, Some(output)) = (execution.status, &execution.output) {
        save_output(framework, deployment, output).await?;
    }
    update_deployment(inventory, &deployment.name(), &deployment.object(), |body| {
        body.insert("deploymentPlanStatus".to_owned(), status.into());
    })
    .await?;
    let outcome = match execution.status {
        ExecutionStatus::Succeeded => Outcome::Succeeded,
        ExecutionStatus::Aborted => Outcome::Aborted,
        ExecutionStatus::TimedOut => Outcome::TimedOut,
        ExecutionStatus::Failed | ExecutionStatus::Running => Outcome::Failed,
    };
    let error = (outcome != Outcome::Succeeded).then(|| {
        let error = execution.error.clone().unwrap_or_default();
        let cause = execution.cause.clone().unwrap_or_else(|| format!("the plan ended with status {status}"));
        Failure::new(error, cause)
    });
    end_deployment(framework, &deployment.name(), &deployment.object(), &Ending { outcome, error }).await?;
    let body = json!({
        "type": "DeploymentPlanEnd", "status": status, "eventId": framework.ids.uuid(),
        "executionArn": execution.arn.as_str(), "region": framework.place.region.as_str(),
        "distributionId": deployment.distribution_id, "distributionName": deployment.distribution_name,
        "environment": deployment.environment, "deploymentPlanStepsCount": steps.to_string(),
    });
    let (environment, distribution) = (&deployment.environment, &deployment.distribution_name);
    notify(framework, "DeploymentPlanEnd", status, environment, distribution, body).await;
    Ok(())
}

/// Publishes the last state's output as the distribution's (actions.md 12.3).
async fn save_output(framework: &Framework, deployment: &DeploymentRecord, output: &Value) -> Result<(), Failure> {
    let DeploymentRecord { environment, distribution_name, distribution_id, started_at, .. } = deployment;
    let key = ObjectKey::of_output(environment, distribution_name, distribution_id);
    let text = serde_json::to_vec_pretty(output)
        .map_err(|error| Failure::new("InternalError", format!("the output cannot be written: {error}")))?;
    framework.artifacts.put(&key, Body::from(text), Precondition::None).await?;
    let url = framework.place.artifact_url(&key);
    update_if_present(framework.inventory.as_ref(), &distribution_key(environment, distribution_name), |body| {
        let last = body.get("lastSuccess").and_then(|last| last.get("deploymentTime")).and_then(Value::as_i64);
        if last.unwrap_or(0) <= *started_at {
            body.insert("outputUrl".to_owned(), url.clone().into());
        }
    })
    .await?;
    Ok(())
}
