use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attini_core::port::Clock;

use super::file_name::segment;
use super::home::open_lock_file;
use super::{Home, HomeError};

/// How often a waiting caller of [`NamedLock::acquire`] looks again.
const POLL: Duration = Duration::from_millis(50);

/// Says, while it is held, that the worker of a deployment is alive.
///
/// It is a lock on a file, so it ends with the process that holds it, however that ends.
#[derive(Debug)]
pub struct WorkerLease {
    file: File,
}

impl WorkerLease {
    /// Takes the lease of a deployment; `None` while another process, or another part of this one, holds it.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the lock file cannot be used.
    pub fn acquire(home: &Home, deployment: &str) -> Result<Option<Self>, HomeError> {
        let _gate = gate(home)?;
        let path = lease_path(home, deployment);
        let file = open_lock_file(&path)?;
        Ok(try_lock(&file, &path)?.then_some(Self { file }))
    }

    /// Says whether someone holds the lease of a deployment.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the lock file cannot be used.
    pub fn is_alive(home: &Home, deployment: &str) -> Result<bool, HomeError> {
        let _gate = gate(home)?;
        let path = lease_path(home, deployment);
        if !path.exists() {
            return Ok(false);
        }
        let file = open_lock_file(&path)?;
        Ok(!try_lock(&file, &path)?)
    }

    /// Gives up the lease of a deployment that nobody will ever work on again, and removes its file.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the file cannot be removed; the lease is free all the same.
    pub fn retire(self, home: &Home, deployment: &str) -> Result<(), HomeError> {
        // Nobody opens a lease but behind the gate, so nobody has just opened the file and is about to lock it.
        let _gate = gate(home)?;
        remove_lock_file(&lease_path(home, deployment))
    }

    /// Removes the file of a lease that nobody will ask for again, whoever holds it.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the file cannot be removed.
    pub fn forget(home: &Home, deployment: &str) -> Result<(), HomeError> {
        let _gate = gate(home)?;
        remove_lock_file(&lease_path(home, deployment))
    }

    /// Returns the open file behind the lease, to be handed to another process. The lease is held until every process that
    /// has the file has ended or closed it.
    #[must_use]
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Asking who is alive takes the lock for a moment. Behind this gate nobody takes that moment for a living worker.
fn gate(home: &Home) -> Result<File, HomeError> {
    let path = home.path().join("locks").join("worker.gate");
    let file = open_lock_file(&path)?;
    file.lock().map_err(|error| HomeError::file("lock", &path, error))?;
    Ok(file)
}

fn lease_path(home: &Home, deployment: &str) -> PathBuf {
    home.path().join("locks").join(format!("{}.worker", segment(deployment)))
}

/// A lock that at most one holder in all processes has. It ends when it is dropped or its process dies.
#[derive(Debug)]
pub struct NamedLock {
    _file: File,
}

impl NamedLock {
    /// Takes the lock, or returns `None` while someone holds it.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the lock file cannot be used.
    pub fn try_acquire(home: &Home, name: &str) -> Result<Option<Self>, HomeError> {
        let path = home.path().join("locks").join(format!("{}.lock", segment(name)));
        let file = open_lock_file(&path)?;
        Ok(try_lock(&file, &path)?.then_some(Self { _file: file }))
    }

    /// Waits for the lock and takes it. Who waits longest is not preferred.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the lock file cannot be used.
    pub async fn acquire(home: &Home, name: &str, clock: &dyn Clock) -> Result<Self, HomeError> {
        loop {
            if let Some(lock) = Self::try_acquire(home, name)? {
                return Ok(lock);
            }
            clock.sleep(POLL).await;
        }
    }
}

fn remove_lock_file(path: &Path) -> Result<(), HomeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(HomeError::file("remove", path, error)),
        _ => Ok(()),
    }
}

fn try_lock(file: &File, path: &Path) -> Result<bool, HomeError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(HomeError::file("lock", path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SystemClock;

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        (dir, home)
    }

    #[test]
    fn a_lease_has_one_holder_and_ends_with_it() {
        let (_dir, home) = home();
        assert!(!WorkerLease::is_alive(&home, "a/b").expect("asks"));
        let lease = WorkerLease::acquire(&home, "a/b").expect("asks").expect("is free");
        assert!(WorkerLease::is_alive(&home, "a/b").expect("asks"));
        assert!(!WorkerLease::is_alive(&home, "a").expect("asks"));
        assert!(WorkerLease::acquire(&home, "a/b").expect("asks").is_none());
        drop(lease);
        assert!(!WorkerLease::is_alive(&home, "a/b").expect("asks"));
        assert!(WorkerLease::acquire(&home, "a/b").expect("asks").is_some());
    }

    #[test]
    fn a_retired_lease_leaves_no_file() {
        let (_dir, home) = home();
        let lease = WorkerLease::acquire(&home, "a").expect("asks").expect("is free");
        lease.retire(&home, "a").expect("removes");
        WorkerLease::forget(&home, "never there").expect("has nothing to remove");
        assert!(!lease_path(&home, "a").exists());
        assert!(!WorkerLease::is_alive(&home, "a").expect("asks"));
    }

    #[tokio::test]
    async fn a_named_lock_is_passed_on() {
        let (_dir, home) = home();
        let clock = SystemClock::new();
        let first = NamedLock::acquire(&home, "stack x", &clock).await.expect("takes");
        assert!(NamedLock::try_acquire(&home, "stack x").expect("asks").is_none());
        assert!(NamedLock::try_acquire(&home, "stack y").expect("asks").is_some());
        let waiting = NamedLock::acquire(&home, "stack x", &clock);
        let (second, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(second.is_ok());
    }
}
