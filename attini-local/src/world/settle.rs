use attini_core::config::Config;
use attini_core::deploy::{Ending, end_deployment};
use attini_core::distribution::{Archive, Limits};
use attini_core::document::MAX_BYTES;
use attini_core::framework::{Failure, Framework};
use attini_core::inventory::{DeploymentRecord, Outcome, find_deployment, save_deployment};
use attini_core::port::{ExecutionDescription, ExecutionStatus, HistoryEvent, ObjectReader};
use attini_core::step::plan_ended;
use attini_core::value::{DeploymentName, ExecutionArn, Timestamp};
use serde_json::json;

use super::parts::Parts;
use super::recover::names_in;
use super::worker::UPLOAD;
use crate::store::deployments::LocalDeployment;
use crate::store::{executions, intents, task_tokens};

/// Brings the records of a deployment to their end if it has ended in fact: what has ended and was not recorded is recorded.
/// Says whether it has ended. Doing it twice is doing it once.
///
/// The caller holds the deployment's lease.
pub(super) async fn settle(parts: &Parts, deployment: &LocalDeployment) -> Result<bool, Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let find = || find_deployment(framework.inventory.as_ref(), &name, &deployment.object);
    let has_ended = |record: &DeploymentRecord| record.outcome.is_some_and(|outcome| outcome != Outcome::Interrupted);
    let Some(record) = find().await? else { return Ok(false) };
    let arns = executions_of(parts, deployment)?;
    for arn in &arns {
        if framework.workflows.describe(arn).await?.status == ExecutionStatus::Running {
            return Ok(false);
        }
    }
    if !has_ended(&record) {
        for arn in &arns {
            record_end(parts, &framework, &record, arn).await?;
        }
    }
    Ok(find().await?.is_some_and(|record| has_ended(&record)))
}

/// Ends a deployment as aborted because of `cause`, with its executions.
///
/// The caller holds the deployment's lease.
pub(super) async fn abort(parts: &Parts, deployment: &LocalDeployment, cause: &str) -> Result<(), Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let inventory = framework.inventory.as_ref();
    let record = match find_deployment(inventory, &name, &deployment.object).await? {
        Some(record) => record,
        None => {
            let mut record = new_record(parts, &framework, deployment).await?;
            save_deployment(inventory, &mut record).await?;
            record
        }
    };
    for arn in &executions_of(parts, deployment)? {
        abort_execution(parts, arn, cause)?;
        record_end(parts, &framework, &record, arn).await?;
    }
    let ending = Ending { outcome: Outcome::Aborted, error: Some(Failure::new("DeploymentReplaced", cause)) };
    // Without effect when an execution has ended it.
    end_deployment(&framework, &record.name(), &deployment.object, &ending).await
}

pub(super) fn executions_of(parts: &Parts, deployment: &LocalDeployment) -> Result<Vec<ExecutionArn>, Failure> {
    parts.home.read(|tx| executions::list_named(tx, &deployment.id)).map_err(|error| Failure::internal(&error))
}

/// Returns the record of a deployment that nobody has recorded yet, with what its upload says of itself.
pub(super) async fn new_record(
    parts: &Parts,
    framework: &Framework,
    deployment: &LocalDeployment,
) -> Result<DeploymentRecord, Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let id = match deployment.object.split() {
        Some((key, version)) => framework.origin.open(&key, Some(&version)).await.ok().and_then(id_in),
        None => None,
    };
    let notes = parts.home.read(|tx| intents::list(tx, &deployment.id)).map_err(|error| Failure::internal(&error))?;
    let note = notes.iter().find(|note| note.kind == UPLOAD).map(|note| &note.body);
    let time = note.and_then(|note| note.get("time")?.as_i64()).map_or(deployment.started, Timestamp::from_ms);
    let id = id.as_deref().unwrap_or("undefined");
    let mut record = DeploymentRecord::new(&environment, &distribution, id, &deployment.object, time);
    record.user_identity = note.and_then(|note| note.get("user")?.as_str()).map(str::to_owned);
    record.deployment_source.deployment_source_bucket = framework.place.artifact_bucket();
    Ok(record)
}

/// Returns the id in the configuration of an upload, if it can be read.
fn id_in(upload: Box<dyn ObjectReader>) -> Option<String> {
    let mut archive = Archive::open(upload, &Limits::default()).ok()?;
    let file = archive.find_config().ok()?;
    let text = String::from_utf8(archive.read(file, MAX_BYTES as u64).ok()?).ok()?;
    Config::identity(file, &text).id.map(|id| id.as_str().to_owned())
}

/// Records how an execution ended, also when its plan is not registered any more.
async fn record_end(
    parts: &Parts,
    framework: &Framework,
    record: &DeploymentRecord,
    arn: &ExecutionArn,
) -> Result<(), Failure> {
    let left = parts.home.read(|tx| executions::states_left(tx, arn)).map_err(|error| Failure::internal(&error))?;
    let ended = framework.workflows.describe(arn).await?;
    plan_ended(framework, &ended, left).await?;
    // Without effect when the line above has found the deployment.
    end_deployment(framework, &record.name(), &record.object(), &ending_of(&ended)).await
}

fn ending_of(ended: &ExecutionDescription) -> Ending {
    let superseded = ended.error.as_deref() == Some(attini_core::runner::error_name::EXECUTION_SUPERSEDED);
    let outcome = match ended.status {
        ExecutionStatus::Succeeded => Outcome::Succeeded,
        ExecutionStatus::TimedOut => Outcome::TimedOut,
        ExecutionStatus::Aborted => Outcome::Aborted,
        ExecutionStatus::Failed if superseded => Outcome::Aborted,
        ExecutionStatus::Failed | ExecutionStatus::Running => Outcome::Failed,
    };
    let status = ended.status.as_str();
    let failure = || {
        let cause = ended.cause.clone().unwrap_or_else(|| format!("the plan ended with status {status}"));
        Failure::new(ended.error.clone().unwrap_or_default(), cause)
    };
    Ending { outcome, error: (outcome != Outcome::Succeeded).then(failure) }
}

/// Ends an execution that nobody runs; one that has ended stays as it is.
fn abort_execution(parts: &Parts, execution: &ExecutionArn, cause: &str) -> Result<(), Failure> {
    let outcome = executions::Outcome::Aborted { error: None, cause: Some(cause.to_owned()) };
    let now = parts.clock.now();
    parts
        .home
        .write(|tx| {
            if executions::finish(tx, execution, &outcome, now)? {
                let last = executions::last_event(tx, execution)?;
                let kind = "ExecutionAborted".to_owned();
                let details = json!({ "cause": cause });
                let event = HistoryEvent { id: last + 1, previous_id: last, time: now, kind, details };
                executions::append_history(tx, execution, &[event])?;
            }
            task_tokens::close_all(tx, execution)
        })
        .map_err(|error| Failure::internal(&error))
}
