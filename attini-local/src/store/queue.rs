use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attini_core::port::{Clock, Delivery, JobQueue, QueueError};
use rusqlite::params;

use super::tx::TxError;
use super::{Home, HomeError, Tx};

/// Largest message in bytes, as in SQS (runner.md).
const LIMIT_BYTES: usize = 262_144;

/// Queues as rows of the home's database. A queue exists as soon as someone names it, and messages come out in the order
/// they went in.
#[derive(Debug, Clone)]
pub struct SqliteQueue {
    home: Home,
    clock: Arc<dyn Clock>,
    visibility: Duration,
}

impl SqliteQueue {
    /// Takes the queues of a home. A delivered message that is neither deleted nor released shows again after `visibility`.
    #[must_use]
    pub fn new(home: Home, clock: Arc<dyn Clock>, visibility: Duration) -> Self {
        Self { home, clock, visibility }
    }
}

/// Shows the messages of all queues whose names end in `owner` again, because whoever took them is gone.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub(crate) fn show_again(tx: &Tx<'_>, owner: &str) -> Result<(), TxError> {
    let sql = "UPDATE messages SET visible = 0, handle = NULL WHERE substr(queue, -length(?1)) = ?1 AND visible <> 0";
    tx.execute(sql, params![owner])?;
    Ok(())
}

/// Says whether a message was sent with this id and has left its queue.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub(crate) fn has_left(tx: &Tx<'_>, dedup: &str) -> Result<bool, TxError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM messages WHERE dedup = ?1) FROM message_dedup WHERE dedup = ?1 LIMIT 1";
    Ok(tx.first(sql, params![dedup], |row| Ok(row.get(0)?))?.unwrap_or(false))
}

#[async_trait]
impl JobQueue for SqliteQueue {
    async fn send(&self, queue: &str, dedup: &str, body: &str) -> Result<(), QueueError> {
        if body.len() > LIMIT_BYTES {
            return Err(QueueError::TooLarge { size_bytes: body.len(), limit_bytes: LIMIT_BYTES });
        }
        let sent = self.home.write(|tx| {
            let seen = "INSERT OR IGNORE INTO message_dedup (queue, dedup) VALUES (?1, ?2)";
            if tx.execute(seen, params![queue, dedup])? == 1 {
                let id = tx.next_number()?;
                let sql = "INSERT INTO messages (id, queue, body, visible, dedup) VALUES (?1, ?2, ?3, 0, ?4)";
                tx.execute(sql, params![id, queue, body, dedup])?;
            }
            Ok(())
        });
        sent.map_err(unavailable("send to", queue))
    }

    async fn receive(&self, queue: &str) -> Result<Option<Delivery>, QueueError> {
        let now = self.clock.now();
        let next = "SELECT id, body FROM messages WHERE queue = ?1 AND visible <= ?2 ORDER BY id LIMIT 1";
        let look = |tx: &Tx<'_>| {
            tx.first(next, params![queue, now.as_ms()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))
        };
        // An idle runner asks all the time; looking first spares the others a write lock.
        if self.home.read(look).map_err(unavailable("receive from", queue))?.is_none() {
            return Ok(None);
        }
        let taken = self.home.write(|tx| {
            let Some((id, body)) = look(tx)? else { return Ok(None) };
            let handle = format!("{id}-{}", tx.next_number()?);
            let hide = "UPDATE messages SET visible = ?2, handle = ?3 WHERE id = ?1";
            tx.execute(hide, params![id, now.after(self.visibility).as_ms(), handle])?;
            Ok(Some(Delivery { handle, body }))
        });
        taken.map_err(unavailable("receive from", queue))
    }

    async fn delete(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        // By the message, not the delivery: who says that the job is done is right, also when it was delivered again since.
        let Some(id) = handle.split('-').next().and_then(|id| id.parse::<i64>().ok()) else { return Ok(()) };
        let sql = "DELETE FROM messages WHERE id = ?1 AND queue = ?2";
        self.home.write(|tx| tx.execute(sql, params![id, queue])).map_err(unavailable("delete from", queue))?;
        Ok(())
    }

    async fn release(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        // By the delivery: a late release must not show a message that someone else works on.
        let sql = "UPDATE messages SET visible = 0, handle = NULL WHERE queue = ?1 AND handle = ?2";
        self.home.write(|tx| tx.execute(sql, params![queue, handle])).map_err(unavailable("release to", queue))?;
        Ok(())
    }
}

fn unavailable(operation: &'static str, queue: &str) -> impl FnOnce(HomeError) -> QueueError {
    let queue = queue.to_owned();
    move |error| QueueError::Unavailable { operation, queue, source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::SystemClock;

    #[tokio::test]
    async fn what_a_dead_runner_took_shows_again() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let queue = SqliteQueue::new(home.clone(), Arc::new(SystemClock::new()), Duration::from_secs(3600));
        for (name, dedup) in [("q#a", "1"), ("q#b", "2")] {
            queue.send(name, dedup, dedup).await.expect("sends");
            assert!(queue.receive(name).await.expect("receives").is_some());
            assert!(queue.receive(name).await.expect("receives").is_none());
        }
        home.write(|tx| show_again(tx, "#a")).expect("writes");
        let again = queue.receive("q#a").await.expect("receives").expect("shows");
        assert!(queue.receive("q#b").await.expect("receives").is_none());
        let left = |dedup: &'static str| home.read(|tx| has_left(tx, dedup)).expect("reads");
        assert!(!left("1") && !left("never sent"));
        queue.delete("q#a", &again.handle).await.expect("deletes");
        assert!(left("1"));
    }
}
