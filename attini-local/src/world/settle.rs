use attini_core::config::Config;
use attini_core::deploy::{Ending, end_deployment};
use attini_core::distribution::{Archive, Limits};
use attini_core::document::MAX_BYTES;
use attini_core::framework::{Failure, Framework};
use attini_core::inventory::{DeploymentRecord, Outcome, find_deployment, save_deployment};
use attini_core::port::{ExecutionDescription, ExecutionStatus, ObjectReader};
use attini_core::step::plan_ended;
use attini_core::value::{DeploymentName, ExecutionArn, Timestamp};

use super::parts::Parts;
use super::recover::names_in;
use super::worker::UPLOAD;
use crate::store::deployments::LocalDeployment;
use crate::store::{executions, intents, task_tokens};

/// Brings the records of a deployment that nobody works on any more to their end: what has ended and was not recorded is
/// recorded, what still seems to run is ended as interrupted because of `why`. Doing it twice is doing it once.
///
/// The caller holds the deployment's lease.
pub(super) async fn settle(parts: &Parts, deployment: &LocalDeployment, why: &str) -> Result<(), Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let arns =
        parts.home.read(|tx| executions::list_named(tx, &deployment.id)).map_err(|error| Failure::internal(&error))?;
    let mut cut_short = false;
    for arn in &arns {
        cut_short |= abort_execution(parts, arn, why)?;
    }
    let object = &deployment.object;
    let find = || find_deployment(framework.inventory.as_ref(), &name, object);
    let interrupted = || {
        let cause = format!(
            "{why}; how far the last step came is unknown. Deploy again to bring the environment into a known state"
        );
        Failure::new("Interrupted", cause)
    };
    let Some(record) = find().await? else {
        let mut record = new_record(parts, &framework, deployment).await?;
        save_deployment(framework.inventory.as_ref(), &mut record).await?;
        let ending = Ending { outcome: Outcome::Interrupted, error: Some(interrupted()) };
        return end_deployment(&framework, &record.name(), object, &ending).await;
    };
    if record.outcome.is_some() {
        return Ok(());
    }
    if !cut_short {
        for arn in &arns {
            record_end(parts, &framework, &record, arn).await?;
        }
    }
    if find().await?.is_some_and(|record| record.outcome.is_some()) {
        return Ok(());
    }
    let ending = Ending { outcome: Outcome::Interrupted, error: Some(interrupted()) };
    end_deployment(&framework, &name, object, &ending).await
}

/// Returns the record of a deployment that nobody has recorded yet, with what its upload says of itself.
async fn new_record(
    parts: &Parts,
    framework: &Framework,
    deployment: &LocalDeployment,
) -> Result<DeploymentRecord, Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let id = match deployment.object.split() {
        Some((key, version)) => framework.origin.open(&key, Some(&version)).await.ok().and_then(id_in),
        None => None,
    };
    let notes = parts.home.write(|tx| intents::take(tx, &deployment.id)).map_err(|error| Failure::internal(&error))?;
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

/// Ends an execution that nobody runs, and returns whether it had not ended.
pub(super) fn abort_execution(parts: &Parts, execution: &ExecutionArn, why: &str) -> Result<bool, Failure> {
    let outcome = executions::Outcome::Aborted { error: Some("Interrupted".to_owned()), cause: Some(why.to_owned()) };
    let now = parts.clock.now();
    parts
        .home
        .write(|tx| {
            let ran = executions::finish(tx, execution, &outcome, now)?;
            task_tokens::close_all(tx, execution)?;
            Ok(ran)
        })
        .map_err(|error| Failure::internal(&error))
}
