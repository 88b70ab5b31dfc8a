use std::path::{Path, PathBuf};
use std::time::Duration;

use attini_core::deploy::{Ending, end_deployment, record_upload_failure};
use attini_core::framework::{Failure, Framework};
use attini_core::inventory::{Outcome, find_deployment};
use attini_core::value::{DeploymentName, ExecutionArn, ObjectIdentifier};

use super::jobs::kill_leftovers;
use super::parts::Parts;
use super::workflows::owner_of;
use crate::store::deployments::{self, DeploymentState, LocalDeployment};
use crate::store::{WorkerLease, executions, task_tokens};

/// Time a worker has from being asked for to being there.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Sets right what workers left that died: their deployments end as interrupted, their executions as aborted, what they
/// started and is still there is ended. Called before anything else is done, so every reader finds records that are right.
pub(super) async fn recover(parts: &Parts) -> Result<(), Failure> {
    let open = parts.home.read(deployments::list_open).map_err(|error| Failure::internal(&error))?;
    for deployment in open {
        recover_one(parts, &deployment).await?;
    }
    Ok(())
}

/// As [`recover`], for the deployment that an execution belongs to.
pub(super) async fn recover_owner_of(parts: &Parts, execution: &ExecutionArn) -> Result<(), Failure> {
    let found = parts.home.read(|tx| deployments::find(tx, owner_of(execution)));
    match found.map_err(|error| Failure::internal(&error))? {
        Some(deployment) if deployment.state != DeploymentState::Ended => recover_one(parts, &deployment).await,
        _ => abort_execution(parts, execution, "nobody runs it any more"),
    }
}

async fn recover_one(parts: &Parts, deployment: &LocalDeployment) -> Result<(), Failure> {
    let internal = |error: crate::store::HomeError| Failure::internal(&error);
    let young = parts.clock.now().since(deployment.started) < START_LIMIT;
    if deployment.state == DeploymentState::Waiting && young {
        return Ok(());
    }
    // Whoever has the lease is alive, or is already setting things right.
    let Some(_lease) = WorkerLease::acquire(&parts.home, &deployment.id).map_err(internal)? else { return Ok(()) };
    let now = parts.home.read(|tx| deployments::find(tx, &deployment.id)).map_err(internal)?;
    if now.is_none_or(|now| now.state == DeploymentState::Ended) {
        return Ok(());
    }
    kill_leftovers(&jobs_directory(&parts.work, &deployment.id));
    let who = match deployment.owner_pid {
        Some(pid) => format!("its worker (process {pid}) died"),
        None => "its worker never started".to_owned(),
    };
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let cause = format!(
        "{who}; how far the last step came is unknown. Deploy again to bring the environment into a known state"
    );
    let found = find_deployment(framework.inventory.as_ref(), &name, &deployment.object).await?;
    match found {
        Some(record) => {
            for arn in record.execution_arns.values() {
                let arn = ExecutionArn::from_record(arn.clone());
                if owner_of(&arn) == deployment.id {
                    abort_execution(parts, &arn, &who)?;
                }
            }
            interrupted(&framework, &name, &deployment.object, cause).await?;
        }
        None => {
            let failure = Failure::new("Interrupted", cause);
            record_upload_failure(&framework, &deployment.object, deployment.started, Outcome::Interrupted, &failure)
                .await?;
        }
    }
    parts.home.write(|tx| deployments::end(tx, &deployment.id)).map_err(internal)
}

async fn interrupted(
    framework: &Framework,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    cause: String,
) -> Result<(), Failure> {
    let error = Some(Failure::new("Interrupted", cause));
    end_deployment(framework, name, object, &Ending { outcome: Outcome::Interrupted, error }).await
}

fn abort_execution(parts: &Parts, execution: &ExecutionArn, why: &str) -> Result<(), Failure> {
    let outcome = executions::Outcome::Aborted { error: Some("Interrupted".to_owned()), cause: Some(why.to_owned()) };
    let now = parts.clock.now();
    parts
        .home
        .write(|tx| {
            executions::finish(tx, execution, &outcome, now)?;
            task_tokens::close_all(tx, execution)
        })
        .map_err(|error| Failure::internal(&error))
}

/// Returns environment and distribution name of an upload: the first two segments of its key.
pub(super) fn names_in(object: &ObjectIdentifier) -> (String, String) {
    let mut parts = object.as_str().split('/');
    let environment = parts.next().unwrap_or_default().to_owned();
    (environment, parts.next().unwrap_or_default().to_owned())
}

/// Directory in which a worker notes the processes it started.
pub(super) fn jobs_directory(work: &Path, deployment: &str) -> PathBuf {
    work.join(deployment).join("jobs")
}
