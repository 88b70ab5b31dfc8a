use attini_core::framework::Failure;
use attini_core::inventory::{Outcome, find_deployment, save_deployment, update_deployment};
use attini_core::value::{DeploymentName, ExecutionArn, ObjectIdentifier};
use serde_json::Value;

use super::jobs::{end_everything, end_orphans};
use super::parts::Parts;
use super::settle::{abort, new_record, settle};
use super::submission::{is_claimed, retire};
use super::workflows::owner_of;
use crate::store::deployments::{self, DeploymentState, LocalDeployment};
use crate::store::{HomeError, WorkerLease, intents};

/// Finds the deployments whose workers died: those that have come to their end are recorded so, all others as interrupted,
/// and stay as they are until somebody resumes or replaces them. Called before anything else is done, so every reader finds
/// records that are right.
pub(super) async fn recover(parts: &Parts) -> Result<(), Failure> {
    for deployment in parts.home.read(deployments::list_open).map_err(|error| internal(&error))? {
        if deployment.state != DeploymentState::Interrupted {
            look_after(parts, &deployment).await?;
        }
    }
    Ok(())
}

async fn look_after(parts: &Parts, deployment: &LocalDeployment) -> Result<(), Failure> {
    // The lease of a claimed deployment is left alone: its worker must find it free.
    let claimed = is_claimed(&parts.home, &deployment.id).map_err(|error| internal(&error))?;
    if deployment.state == DeploymentState::Waiting && claimed {
        return Ok(());
    }
    let Some((lease, found)) = put_down(parts, &deployment.id)? else { return Ok(()) };
    let why = match (found.state, found.owner_pid) {
        (DeploymentState::Interrupted, _) => return Ok(()),
        (_, Some(pid)) => format!("its worker (process {pid}) died"),
        (_, None) => "its worker never started".to_owned(),
    };
    end_orphans(&parts.work.join(&found.id));
    if settle(parts, &found).await? {
        return close(parts, lease, &found);
    }
    interrupt(parts, &found, &why).await
}

/// Takes a deployment that nobody works on; `None` when somebody does, or when it has ended.
fn put_down(parts: &Parts, id: &str) -> Result<Option<(WorkerLease, LocalDeployment)>, Failure> {
    // Whoever has the lease is alive, or is already setting things right.
    let Some(lease) = WorkerLease::acquire(&parts.home, id).map_err(|error| internal(&error))? else { return Ok(None) };
    let found = parts.home.read(|tx| deployments::find(tx, id)).map_err(|error| internal(&error))?;
    Ok(found.filter(|found| found.state != DeploymentState::Ended).map(|found| (lease, found)))
}

/// Records a deployment as interrupted because of `why`. Nothing of it is ended: it stands where it was.
///
/// The caller holds the lease.
pub(super) async fn interrupt(parts: &Parts, deployment: &LocalDeployment, why: &str) -> Result<(), Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let inventory = framework.inventory.as_ref();
    let name = DeploymentName::of_raw(&environment, &distribution);
    let mut names = vec![name.clone()];
    if find_deployment(inventory, &name, &deployment.object).await?.is_none() {
        let mut record = new_record(parts, &framework, deployment).await?;
        save_deployment(inventory, &mut record).await?;
        names = vec![record.name()];
    }
    let now = parts.clock.now();
    let text = format!("{why}; it stands where it was, until it is resumed or replaced by a new deployment");
    for name in names {
        update_deployment(inventory, &name, &deployment.object, |body| {
            if body.get("outcome").is_none_or(Value::is_null) {
                body.insert("outcome".to_owned(), Outcome::Interrupted.as_str().into());
                body.insert("endTime".to_owned(), now.as_ms().into());
                body.insert("errorCode".to_owned(), "Interrupted".into());
                body.insert("errorMessage".to_owned(), text.clone().into());
            }
        })
        .await?;
    }
    parts.home.write(|tx| deployments::put_down(tx, &deployment.id, false)).map_err(|error| internal(&error))
}

/// Takes back what [`interrupt`] recorded.
///
/// The caller holds the lease, or has claimed the deployment.
pub(super) async fn uninterrupt(parts: &Parts, object: &ObjectIdentifier) -> Result<(), Failure> {
    let (environment, distribution) = names_in(object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    update_deployment(framework.inventory.as_ref(), &name, object, |body| {
        if body.get("outcome").and_then(Value::as_str) == Some(Outcome::Interrupted.as_str()) {
            for field in ["outcome", "endTime", "errorCode", "errorMessage"] {
                body.remove(field);
            }
        }
    })
    .await?;
    Ok(())
}

/// Ends for good what nobody works on, because of `cause`: executions, jobs, the deployment itself. Does nothing when
/// somebody works on it.
pub(super) async fn abandon(parts: &Parts, deployment: &str, cause: &str) -> Result<(), Failure> {
    let Some((lease, found)) = put_down(parts, deployment)? else { return Ok(()) };
    end_everything(&parts.work.join(&found.id));
    uninterrupt(parts, &found.object).await?;
    abort(parts, &found, cause).await?;
    close(parts, lease, &found)
}

/// As [`abandon`], for the deployment that an execution belongs to.
pub(super) async fn abandon_owner_of(parts: &Parts, execution: &ExecutionArn, cause: &str) -> Result<(), Failure> {
    abandon(parts, owner_of(execution), cause).await
}

/// Ends the deployments of the same distribution that are older than this one and that nobody works on: what takes their
/// place is under way.
pub(super) async fn replace_older(parts: &Parts, deployment: &LocalDeployment) -> Result<(), Failure> {
    let (environment, distribution) = names_in(&deployment.object);
    let framework = parts.onlooker(&environment);
    let name = DeploymentName::of_raw(&environment, &distribution);
    let Some(own) = find_deployment(framework.inventory.as_ref(), &name, &deployment.object).await? else {
        return Ok(());
    };
    let by = own.user_identity.as_ref().map(|user| format!(" by {user}")).unwrap_or_default();
    let cause = format!("replaced by the deployment of {} {}{by}", own.distribution_name, own.distribution_id);
    for other in parts.home.read(deployments::list_open).map_err(|error| internal(&error))? {
        let same = names_in(&other.object) == (environment.clone(), distribution.clone());
        if !same || other.id == deployment.id || is_claimed(&parts.home, &other.id).map_err(|error| internal(&error))? {
            continue;
        }
        let record = find_deployment(framework.inventory.as_ref(), &name, &other.object).await?;
        if record.map_or(other.started.as_ms(), |record| record.started_at) < own.started_at {
            abandon(parts, &other.id, &cause).await?;
        }
    }
    Ok(())
}

/// Removes what only a deployment that has not ended needs. Its last worker may have died when a step had failed and jobs of
/// other branches were still there: they end here.
pub(super) fn close(parts: &Parts, lease: WorkerLease, deployment: &LocalDeployment) -> Result<(), Failure> {
    end_everything(&parts.work.join(&deployment.id));
    parts
        .home
        .write(|tx| {
            intents::take(tx, &deployment.id)?;
            deployments::end(tx, &deployment.id)
        })
        .map_err(|error| internal(&error))?;
    retire(&parts.home, lease, &deployment.id).map_err(|error| internal(&error))
}

/// Ends what a deployment that nobody works on has left outside of the records, which are about to be removed.
pub(super) fn discard(parts: &Parts, deployment: &LocalDeployment) -> Result<(), Failure> {
    let Some((lease, found)) = put_down(parts, &deployment.id)? else { return Ok(()) };
    end_everything(&parts.work.join(&found.id));
    close(parts, lease, &found)
}

fn internal(error: &HomeError) -> Failure {
    Failure::internal(error)
}

/// Returns environment and distribution name of an upload: the first two segments of its key.
pub(super) fn names_in(object: &ObjectIdentifier) -> (String, String) {
    let mut parts = object.as_str().split('/');
    let environment = parts.next().unwrap_or_default().to_owned();
    (environment, parts.next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests;
