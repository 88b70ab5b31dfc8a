use std::path::{Path, PathBuf};

use attini_core::framework::Failure;
use attini_core::value::{ExecutionArn, ObjectIdentifier};

use super::jobs::kill_leftovers;
use super::parts::Parts;
use super::settle::{abort_execution, settle};
use super::submission::{is_claimed, retire};
use super::workflows::owner_of;
use crate::store::WorkerLease;
use crate::store::deployments::{self, DeploymentState, LocalDeployment};

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
        _ => abort_execution(parts, execution, "nobody runs it any more").map(drop),
    }
}

async fn recover_one(parts: &Parts, deployment: &LocalDeployment) -> Result<(), Failure> {
    let internal = |error: crate::store::HomeError| Failure::internal(&error);
    // The lease of a claimed deployment is left alone: its worker must find it free.
    let claimed = is_claimed(&parts.home, &deployment.id).map_err(internal)?;
    if deployment.state == DeploymentState::Waiting && claimed {
        return Ok(());
    }
    // Whoever has the lease is alive, or is already setting things right.
    let Some(lease) = WorkerLease::acquire(&parts.home, &deployment.id).map_err(internal)? else { return Ok(()) };
    let found = parts.home.read(|tx| deployments::find(tx, &deployment.id)).map_err(internal)?;
    let Some(found) = found else { return Ok(()) };
    let why = match (found.state, found.owner_pid) {
        (DeploymentState::Ended, _) => return Ok(()),
        (_, Some(pid)) => format!("its worker (process {pid}) died"),
        (_, None) => "its worker never started".to_owned(),
    };
    kill_leftovers(&parts.work.join(&found.id), &jobs_directory(&parts.work, &found.id));
    settle(parts, &found, &why).await?;
    drop(std::fs::remove_dir_all(parts.work.join(&found.id)));
    parts.home.write(|tx| deployments::end(tx, &found.id)).map_err(internal)?;
    retire(&parts.home, lease, &found.id).map_err(internal)
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

#[cfg(test)]
mod tests;
