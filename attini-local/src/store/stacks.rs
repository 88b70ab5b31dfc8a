//! Stacks and their events, as the stack simulator keeps them. What a state or event holds is its business.

use std::fmt;

use attini_core::port::{Page, Precondition, Revision};
use attini_core::value::{Region, StackName};
use rusqlite::{Row, params};
use serde_json::Value;

use super::tx::{Tx, TxError, json};

/// Events returned by one call.
const PAGE: usize = 100;

/// A stack as stored.
#[derive(Clone, PartialEq)]
pub struct StoredStack {
    /// Its name.
    pub name: String,
    /// What the simulator knows of it.
    pub state: Value,
    /// State it was read in.
    pub revision: Revision,
}

/// Leaves the state out, which holds the values of parameters.
impl fmt::Debug for StoredStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredStack")
            .field("name", &self.name)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// Returns a stack, if there is one.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn find(tx: &Tx<'_>, region: &Region, name: &StackName) -> Result<Option<StoredStack>, TxError> {
    let sql = "SELECT name, state, revision FROM stacks WHERE region = ?1 AND name = ?2";
    tx.first(sql, params![region.as_str(), name.as_str()], read)
}

/// Returns the stacks of a region in byte order of their names.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list(tx: &Tx<'_>, region: &Region) -> Result<Vec<StoredStack>, TxError> {
    tx.all("SELECT name, state, revision FROM stacks WHERE region = ?1 ORDER BY name", params![region.as_str()], read)
}

/// Returns the stacks of all regions with their regions, in byte order of name and region.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn all(tx: &Tx<'_>) -> Result<Vec<(String, StoredStack)>, TxError> {
    let sql = "SELECT name, state, revision, region FROM stacks ORDER BY name, region";
    tx.all(sql, [], |row| Ok((row.get(3)?, read(row)?)))
}

/// Writes a stack and returns its new revision; `None`, and nothing written, when the precondition does not hold.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn put(
    tx: &Tx<'_>,
    region: &Region,
    name: &StackName,
    state: &Value,
    when: &Precondition<Revision>,
) -> Result<Option<Revision>, TxError> {
    let holds = match when {
        Precondition::None => true,
        Precondition::Absent => find(tx, region, name)?.is_none(),
        Precondition::Unchanged(revision) => find(tx, region, name)?.is_some_and(|found| found.revision == *revision),
    };
    if !holds {
        return Ok(None);
    }
    let revision = tx.next_number()?;
    let sql = "INSERT OR REPLACE INTO stacks (region, name, state, revision) VALUES (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![region.as_str(), name.as_str(), state.to_string(), revision])?;
    Ok(Some(Revision(revision.to_string())))
}

/// Removes a stack; it may be absent already. Its events stay.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn delete(tx: &Tx<'_>, region: &Region, name: &StackName) -> Result<(), TxError> {
    tx.execute("DELETE FROM stacks WHERE region = ?1 AND name = ?2", params![region.as_str(), name.as_str()])?;
    Ok(())
}

/// Removes a stack with its history, as if it had never been.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn forget(tx: &Tx<'_>, region: &Region, name: &StackName, stack_id: &str) -> Result<(), TxError> {
    tx.execute("DELETE FROM stack_events WHERE stack_id = ?1", [stack_id])?;
    delete(tx, region, name)
}

fn read(row: &Row<'_>) -> Result<StoredStack, TxError> {
    Ok(StoredStack {
        name: row.get(0)?,
        state: json("stack", &row.get::<_, String>(1)?)?,
        revision: Revision(row.get::<_, i64>(2)?.to_string()),
    })
}

/// Appends an event to the history of a stack and returns its number, which is greater than those before it.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn append_event(tx: &Tx<'_>, stack_id: &str, event: &Value) -> Result<i64, TxError> {
    let number = tx.next_number()?;
    let sql = "INSERT INTO stack_events (stack_id, number, body) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![stack_id, number, event.to_string()])?;
    Ok(number)
}

/// Returns a page of the events of a stack with their numbers, oldest first, those with numbers greater than `after`.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn events(tx: &Tx<'_>, stack_id: &str, after: i64) -> Result<Page<(i64, Value)>, TxError> {
    let sql = "SELECT number, body FROM stack_events WHERE stack_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3";
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut items = tx.all(sql, params![stack_id, after, limit], |row| {
        Ok((row.get(0)?, json("stack event", &row.get::<_, String>(1)?)?))
    })?;
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Ok(Page { items, more })
}

/// Returns the id of the stack with the newest event, among ids that begin with `prefix`; so deleted stacks are found.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn newest_id(tx: &Tx<'_>, prefix: &str) -> Result<Option<String>, TxError> {
    let sql =
        "SELECT stack_id FROM stack_events WHERE substr(stack_id, 1, length(?1)) = ?1 ORDER BY number DESC LIMIT 1";
    tx.first(sql, params![prefix], |row| Ok(row.get(0)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::Home;

    #[test]
    fn stacks_are_written_conditionally_and_keep_their_events() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let region = Region::parse("eu-west-1").expect("valid");
        let name = StackName::parse("site").expect("valid");
        home.write(|tx| {
            let first = put(tx, &region, &name, &json!(1), &Precondition::Absent)?.expect("is absent");
            assert_eq!(put(tx, &region, &name, &json!(2), &Precondition::Absent)?, None);
            let second = put(tx, &region, &name, &json!(2), &Precondition::Unchanged(first.clone()))?;
            assert!(second.is_some_and(|second| second != first));
            assert_eq!(put(tx, &region, &name, &json!(3), &Precondition::Unchanged(first))?, None);
            assert_eq!(find(tx, &region, &name)?.expect("is there").state, json!(2));
            assert_eq!(find(tx, &Region::parse("eu-west-2").expect("valid"), &name)?, None);

            for number in 0..120 {
                append_event(tx, "id", &json!(number))?;
            }
            delete(tx, &region, &name)?;
            assert!(list(tx, &region)?.is_empty());
            let page = events(tx, "id", 0)?;
            assert!(page.more);
            let rest = events(tx, "id", page.items.last().expect("is full").0)?;
            assert_eq!((rest.items.len(), rest.more), (20, false));
            forget(tx, &region, &name, "id")?;
            assert!(events(tx, "id", 0)?.items.is_empty());
            Ok(())
        })
        .expect("writes");
    }
}
