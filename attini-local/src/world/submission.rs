use std::fs::File;

use attini_core::value::ObjectIdentifier;

use crate::store::{Home, HomeError, WorkerLease};

/// An upload whose worker was not started yet.
///
/// While this value lives, or the file of its [`claim`](Submission::into_claim) is open in any process, nobody takes the
/// deployment for abandoned. From then on it is interrupted unless a worker has taken it.
#[derive(Debug)]
#[must_use = "a deployment that nobody takes over ends as interrupted"]
pub struct Submission {
    object: ObjectIdentifier,
    claim: WorkerLease,
}

impl Submission {
    pub(super) fn new(object: ObjectIdentifier, claim: WorkerLease) -> Self {
        Self { object, claim }
    }

    /// Returns the upload, which [`LocalWorld::work`](super::LocalWorld::work) takes.
    #[must_use]
    pub fn object(&self) -> &ObjectIdentifier {
        &self.object
    }

    /// Returns an open file that a worker in another process must inherit, its standard input for example: so the
    /// deployment is claimed without a gap until that process has ended, whatever happens to this one.
    #[must_use]
    pub fn into_claim(self) -> File {
        self.claim.into_file()
    }
}

fn name(deployment: &str) -> String {
    format!("{deployment}.claim")
}

/// Claims a deployment that is about to be recorded.
pub(super) fn claim(home: &Home, deployment: &str) -> Result<Option<WorkerLease>, HomeError> {
    WorkerLease::acquire(home, &name(deployment))
}

/// Says whether somebody is about to start the worker of a deployment, or the worker is about to take it.
pub(super) fn is_claimed(home: &Home, deployment: &str) -> Result<bool, HomeError> {
    WorkerLease::is_alive(home, &name(deployment))
}

/// Removes the lock files of a deployment that has ended. Whoever still holds its claim keeps an open file without a name.
pub(super) fn retire(home: &Home, lease: WorkerLease, deployment: &str) -> Result<(), HomeError> {
    WorkerLease::forget(home, &name(deployment))?;
    lease.retire(home, deployment)
}
