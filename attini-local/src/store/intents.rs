//! What someone wants of a worker that lives in another process: approve, abort, stop.

use attini_core::value::Timestamp;
use rusqlite::params;
use serde_json::Value;

use super::tx::{Tx, TxError, json};

/// One wish.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// What is wanted: `approve`, `abort`, …
    pub kind: String,
    /// What belongs to it.
    pub body: Value,
    /// When it was said.
    pub created: Timestamp,
}

/// Leaves an intent for whoever works on `target`, the id of a deployment or the ARN of an execution.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn put(tx: &Tx<'_>, target: &str, intent: &Intent) -> Result<(), TxError> {
    let id = tx.next_number()?;
    let sql = "INSERT INTO intents (id, target, kind, body, created) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![id, target, intent.kind, intent.body.to_string(), intent.created.as_ms()])?;
    Ok(())
}

/// Returns the intents for a target in the order they were left.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list(tx: &Tx<'_>, target: &str) -> Result<Vec<Intent>, TxError> {
    tx.all("SELECT kind, body, created FROM intents WHERE target = ?1 ORDER BY id", params![target], |row| {
        Ok(Intent {
            kind: row.get(0)?,
            body: json("intent", &row.get::<_, String>(1)?)?,
            created: Timestamp::from_ms(row.get(2)?),
        })
    })
}

/// Returns the intents for a target in the order they were left, and removes them.
///
/// Call this in the transaction that records what follows from them.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn take(tx: &Tx<'_>, target: &str) -> Result<Vec<Intent>, TxError> {
    let found = list(tx, target)?;
    if !found.is_empty() {
        tx.execute("DELETE FROM intents WHERE target = ?1", params![target])?;
    }
    Ok(found)
}

/// Says whether someone left an intent for a target. Cheaper than [`take`], as it locks nobody out.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn is_waiting(tx: &Tx<'_>, target: &str) -> Result<bool, TxError> {
    Ok(tx.first("SELECT 1 FROM intents WHERE target = ?1 LIMIT 1", params![target], |_| Ok(()))?.is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Home;

    #[test]
    fn intents_are_taken_in_order_and_once() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let intent = |kind: &str| Intent { kind: kind.to_owned(), body: json!({}), created: Timestamp::from_ms(1) };
        home.write(|tx| {
            put(tx, "d1", &intent("approve"))?;
            put(tx, "d2", &intent("stop"))?;
            put(tx, "d1", &intent("abort"))
        })
        .expect("writes");
        assert!(home.read(|tx| is_waiting(tx, "d1")).expect("reads"));
        assert_eq!(home.read(|tx| list(tx, "d1")).expect("reads"), [intent("approve"), intent("abort")]);
        assert_eq!(home.write(|tx| take(tx, "d1")).expect("takes"), [intent("approve"), intent("abort")]);
        assert_eq!(home.write(|tx| take(tx, "d1")).expect("takes"), []);
        assert!(!home.read(|tx| is_waiting(tx, "d1")).expect("reads"));
        assert_eq!(home.write(|tx| take(tx, "d2")).expect("takes"), [intent("stop")]);
    }
}
