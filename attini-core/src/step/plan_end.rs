use serde_json::{Value, json};

use super::prepare::SUPERSEDED;
use crate::deploy::{Ending, end_deployment, notify};
use crate::framework::{Failure, Framework};
use crate::guard::{digest_in, upload_digest};
use crate::inventory::{
    DeploymentRecord, Outcome, PlanRecord, approval_key, distribution_key, list_distributions, list_history,
    list_waiting_approvals, plan_key, read, update_deployment,
};
use crate::port::{Body, ExecutionDescription, ExecutionStatus, Precondition, update_if_present};
use crate::value::ObjectKey;

/// Records how a plan's execution ended (actions.md 12): status, output or error, the deployment's outcome.
///
/// Handling the same end twice changes nothing. `steps` is the number of states the execution left.
///
/// # Errors
///
/// When a port fails; the end can be given again. An execution that is no deployment's (any more) is ignored.
pub async fn plan_ended(framework: &Framework, execution: &ExecutionDescription, steps: u64) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let key = plan_key(&execution.arn.machine());
    let status = execution.status.as_str();
    update_if_present(inventory, &key, |body| {
        let newer = body.get("startTime").and_then(Value::as_i64).unwrap_or(0) > execution.started.as_ms();
        if !newer {
            body.insert("status".to_owned(), status.into());
            body.insert("startTime".to_owned(), execution.started.as_ms().into());
        }
    })
    .await?;
    let candidates = match inventory.find(&key).await? {
        Some(found) => {
            let plan: PlanRecord = read(&key, found.body)?;
            vec![(plan.environment, plan.distribution_name)]
        }
        // Its stack has another machine by now, or none; the deployment still has to end.
        None => {
            let all = list_distributions(inventory, None).await?;
            all.into_iter().map(|found| (found.environment, found.distribution_name)).collect()
        }
    };
    let mut found = None;
    for (environment, distribution) in &candidates {
        close_approvals(framework, environment, distribution, execution).await?;
        // Newest first, so the deployment of a plan that just ended is among the first.
        let history = list_history(inventory, environment, distribution, usize::MAX).await?;
        found = found.or_else(|| history.into_iter().find(|deployment| belongs_to(execution, deployment)));
    }
    let Some(deployment) = &found else { return Ok(()) };

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
        // The plan gave way to a newer deployment by itself.
        ExecutionStatus::Failed if execution.error.as_deref() == Some(SUPERSEDED) => Outcome::Aborted,
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

/// Says whether an execution is a deployment's own: it is the one recorded for its machine, or none is recorded, because it
/// never came to the end of its first state, and it bears the upload's digest in its name.
fn belongs_to(execution: &ExecutionDescription, deployment: &DeploymentRecord) -> bool {
    match deployment.execution_arns.get(execution.arn.machine().name()) {
        Some(recorded) => recorded == execution.arn.as_str(),
        None => digest_in(&execution.arn) == Some(&upload_digest(&deployment.object())),
    }
}

/// Nobody waits for the approvals of an execution that has ended.
async fn close_approvals(
    framework: &Framework,
    environment: &str,
    distribution: &str,
    execution: &ExecutionDescription,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let mut waiting = list_waiting_approvals(inventory, environment, distribution).await?;
    waiting.retain(|found| found.execution_arn == execution.arn.as_str());
    for approval in &waiting {
        let key = approval_key(environment, distribution, &approval.step_name);
        update_if_present(inventory, &key, |body| {
            if body.get("sfnToken").and_then(Value::as_str) == approval.sfn_token.as_deref() {
                body.remove("sfnToken");
            }
        })
        .await?;
    }
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
