//! Deployments of this machine and the processes that work on them.
//!
//! Whether a worker lives is told by its [`WorkerLease`](super::WorkerLease), not by these rows: a process that died could
//! not have changed them.

use attini_core::value::{ObjectIdentifier, Timestamp};
use rusqlite::{Row, params};

use super::tx::{Tx, TxError};

/// How far the work on a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeploymentState {
    /// No worker has taken it yet.
    Waiting,
    /// A worker took it. When that worker's lease is free, it was interrupted.
    Working,
    /// Its worker died, and that is recorded. It can be taken again.
    Interrupted,
    /// There is nothing left to do.
    Ended,
}

impl DeploymentState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Interrupted => "interrupted",
            Self::Ended => "ended",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Working, Self::Interrupted, Self::Ended].into_iter().find(|state| state.as_str() == text)
    }
}

/// One deployment of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDeployment {
    /// Its id, any text; also the name of the lease.
    pub id: String,
    /// The upload it deploys.
    pub object: ObjectIdentifier,
    /// How far it is.
    pub state: DeploymentState,
    /// Process that took it last, for people: ids are used again.
    pub owner_pid: Option<u32>,
    /// When it was recorded, or taken last.
    pub started: Timestamp,
}

/// Records a deployment that waits for a worker, and returns whether there was none of that id.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn insert(tx: &Tx<'_>, id: &str, object: &ObjectIdentifier, now: Timestamp) -> Result<bool, TxError> {
    let sql = "INSERT OR IGNORE INTO deployments (id, object, state, started) VALUES (?1, ?2, ?3, ?4)";
    let waiting = DeploymentState::Waiting.as_str();
    Ok(tx.execute(sql, params![id, object.as_str(), waiting, now.as_ms()])? == 1)
}

/// Records that a process works on a deployment, and returns whether there is something left to do.
///
/// The caller holds the lease.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn take(tx: &Tx<'_>, id: &str, pid: u32, now: Timestamp) -> Result<bool, TxError> {
    let sql = "UPDATE deployments SET state = ?2, owner_pid = ?3, started = ?4 WHERE id = ?1 AND state <> ?5";
    let (working, ended) = (DeploymentState::Working.as_str(), DeploymentState::Ended.as_str());
    Ok(tx.execute(sql, params![id, working, pid, now.as_ms(), ended])? == 1)
}

/// Records that nobody works on a deployment that has not ended; with `waits` a worker is about to take it.
///
/// The caller holds the lease.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn put_down(tx: &Tx<'_>, id: &str, waits: bool) -> Result<(), TxError> {
    let state = if waits { DeploymentState::Waiting } else { DeploymentState::Interrupted };
    let sql = "UPDATE deployments SET state = ?2 WHERE id = ?1 AND state <> ?3";
    tx.execute(sql, params![id, state.as_str(), DeploymentState::Ended.as_str()])?;
    Ok(())
}

/// Lets a deployment that has ended wait for a worker again, and returns whether it had ended.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn reopen(tx: &Tx<'_>, id: &str) -> Result<bool, TxError> {
    let (waiting, ended) = (DeploymentState::Waiting.as_str(), DeploymentState::Ended.as_str());
    let sql = "UPDATE deployments SET state = ?2 WHERE id = ?1 AND state = ?3";
    Ok(tx.execute(sql, params![id, waiting, ended])? == 1)
}

/// Records that there is nothing left to do for a deployment; repeatable.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn end(tx: &Tx<'_>, id: &str) -> Result<(), TxError> {
    tx.execute("UPDATE deployments SET state = ?2 WHERE id = ?1", params![id, DeploymentState::Ended.as_str()])?;
    Ok(())
}

/// Returns a deployment, if there is one.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn find(tx: &Tx<'_>, id: &str) -> Result<Option<LocalDeployment>, TxError> {
    tx.first("SELECT id, object, state, owner_pid, started FROM deployments WHERE id = ?1", params![id], read)
}

/// Returns the newest deployment of an upload, if there is one.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn find_by_object(tx: &Tx<'_>, object: &ObjectIdentifier) -> Result<Option<LocalDeployment>, TxError> {
    let sql = "SELECT id, object, state, owner_pid, started FROM deployments WHERE object = ?1 \
               ORDER BY started DESC, id DESC LIMIT 1";
    tx.first(sql, params![object.as_str()], read)
}

/// Returns the deployments that have not ended, oldest first.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list_open(tx: &Tx<'_>) -> Result<Vec<LocalDeployment>, TxError> {
    let sql = "SELECT id, object, state, owner_pid, started FROM deployments WHERE state <> ?1 ORDER BY started, id";
    tx.all(sql, params![DeploymentState::Ended.as_str()], read)
}

fn read(row: &Row<'_>) -> Result<LocalDeployment, TxError> {
    let state: String = row.get(2)?;
    let unknown = || rusqlite::Error::InvalidColumnType(2, format!("state {state}"), rusqlite::types::Type::Text);
    Ok(LocalDeployment {
        id: row.get(0)?,
        object: ObjectIdentifier::from_record(row.get::<_, String>(1)?),
        state: DeploymentState::parse(&state).ok_or_else(unknown)?,
        owner_pid: row.get(3)?,
        started: Timestamp::from_ms(row.get(4)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Home;

    #[test]
    fn a_deployment_is_taken_until_it_ended() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let object = ObjectIdentifier::from_record("dev/site/site.zip#1");
        home.write(|tx| {
            assert!(insert(tx, "d1", &object, Timestamp::from_ms(1))?);
            assert!(!insert(tx, "d1", &object, Timestamp::from_ms(2))?);
            assert!(take(tx, "d1", 7, Timestamp::from_ms(3))?);
            assert!(take(tx, "d1", 8, Timestamp::from_ms(4))?);
            let found = find_by_object(tx, &object)?.expect("is there");
            assert_eq!((found.state, found.owner_pid), (DeploymentState::Working, Some(8)));
            assert_eq!(list_open(tx)?, [found]);
            for (waits, state) in [(false, DeploymentState::Interrupted), (true, DeploymentState::Waiting)] {
                put_down(tx, "d1", waits)?;
                assert_eq!(find(tx, "d1")?.map(|found| found.state), Some(state));
            }
            end(tx, "d1")?;
            put_down(tx, "d1", true)?;
            assert!(!take(tx, "d1", 9, Timestamp::from_ms(5))?);
            assert_eq!(find(tx, "d1")?.map(|found| found.state), Some(DeploymentState::Ended));
            assert!(list_open(tx)?.is_empty());
            assert!(reopen(tx, "d1")?);
            assert!(!reopen(tx, "d1")?);
            Ok(())
        })
        .expect("writes");
    }
}
