//! What happened to executions, so that they can be gone through again: their state is a function of it.
//!
//! An entry is written in the transaction that writes what follows from it. What an entry holds is the business of who
//! drives executions; it can hold inputs and outputs of steps, so it is as secret as they are.

use attini_core::value::{ExecutionArn, Timestamp};
use rusqlite::params;
use serde_json::Value;

use super::tx::{Tx, TxError, json};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// Its number in the execution, counted from 1.
    pub number: u64,
    /// When it was taken into account.
    pub at: Timestamp,
    /// What it was.
    pub body: Value,
}

/// The state of an execution after an entry, in place of all entries up to that one.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Number of the last entry that is in it.
    pub number: u64,
    /// The state.
    pub state: Value,
}

/// Appends entries.
///
/// # Errors
///
/// [`TxError`] when the database refuses, which it does for a number that is there already.
pub fn append(tx: &Tx<'_>, execution: &ExecutionArn, entries: &[JournalEntry]) -> Result<(), TxError> {
    let sql = "INSERT INTO journal (execution, number, at, body) VALUES (?1, ?2, ?3, ?4)";
    for entry in entries {
        tx.execute(sql, params![execution.as_str(), to_sql(entry.number), entry.at.as_ms(), entry.body.to_string()])?;
    }
    Ok(())
}

/// Puts a snapshot in place of the entries that are in it.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn put_snapshot(tx: &Tx<'_>, execution: &ExecutionArn, snapshot: &Snapshot) -> Result<(), TxError> {
    let sql = "INSERT OR REPLACE INTO snapshots (execution, number, state) VALUES (?1, ?2, ?3)";
    let number = to_sql(snapshot.number);
    tx.execute(sql, params![execution.as_str(), number, snapshot.state.to_string()])?;
    tx.execute("DELETE FROM journal WHERE execution = ?1 AND number <= ?2", params![execution.as_str(), number])?;
    Ok(())
}

/// Returns the snapshot of an execution, if there is one, and the entries after it in order.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn read(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<(Option<Snapshot>, Vec<JournalEntry>), TxError> {
    let sql = "SELECT number, state FROM snapshots WHERE execution = ?1";
    let snapshot = tx.first(sql, params![execution.as_str()], |row| {
        Ok(Snapshot { number: from_sql(row.get(0)?), state: json("snapshot", &row.get::<_, String>(1)?)? })
    })?;
    let sql = "SELECT number, at, body FROM journal WHERE execution = ?1 ORDER BY number";
    let entries = tx.all(sql, params![execution.as_str()], |row| {
        Ok(JournalEntry {
            number: from_sql(row.get(0)?),
            at: Timestamp::from_ms(row.get(1)?),
            body: json("journal entry", &row.get::<_, String>(2)?)?,
        })
    })?;
    Ok((snapshot, entries))
}

fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Home;

    #[test]
    fn a_snapshot_takes_the_place_of_what_is_in_it() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let (one, other) = (ExecutionArn::from_record("arn:one"), ExecutionArn::from_record("arn:other"));
        let entry = |number| JournalEntry { number, at: Timestamp::from_ms(5), body: json!(number) };
        home.write(|tx| {
            append(tx, &one, &[entry(1), entry(2)])?;
            append(tx, &other, &[entry(1)])?;
            append(tx, &one, &[entry(3)])?;
            assert_eq!(read(tx, &one)?, (None, vec![entry(1), entry(2), entry(3)]));
            for number in [1, 2] {
                put_snapshot(tx, &one, &Snapshot { number, state: json!("s") })?;
            }
            assert_eq!(read(tx, &one)?, (Some(Snapshot { number: 2, state: json!("s") }), vec![entry(3)]));
            assert_eq!(read(tx, &other)?, (None, vec![entry(1)]));
            Ok(())
        })
        .expect("writes");
        assert!(home.write(|tx| append(tx, &one, &[entry(3)])).is_err());
    }
}
