use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attini_core::port::{Clock, Delivery, JobQueue, QueueError};
use rusqlite::params;

use super::{Home, HomeError};

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
                let sql = "INSERT INTO messages (id, queue, body, visible) VALUES (?1, ?2, ?3, 0)";
                tx.execute(sql, params![id, queue, body])?;
            }
            Ok(())
        });
        sent.map_err(unavailable("send to", queue))
    }

    async fn receive(&self, queue: &str) -> Result<Option<Delivery>, QueueError> {
        let now = self.clock.now();
        let next = "SELECT id, body FROM messages WHERE queue = ?1 AND visible <= ?2 ORDER BY id LIMIT 1";
        let look = |tx: &super::Tx<'_>| {
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
