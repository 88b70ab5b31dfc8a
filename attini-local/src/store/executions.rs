//! State machines, their executions and histories, as the workflow engine keeps them.

use attini_core::port::{ExecutionDescription, ExecutionStatus, HistoryEvent, Page};
use attini_core::value::{ExecutionArn, MachineArn, Timestamp};
use rusqlite::{Row, params};
use serde_json::Value;

use super::tx::{Tx, TxError, json, optional_json};

/// Rows returned by one listing.
const PAGE: usize = 100;

/// A state machine as registered.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Which one.
    pub arn: MachineArn,
    /// Its States Language document.
    pub definition: Value,
    /// When it was registered or changed.
    pub updated: Timestamp,
}

/// How an execution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It returned a value.
    Succeeded(Value),
    /// It ended with an error.
    Failed {
        /// Error name.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
    /// It took too long.
    TimedOut,
    /// It was stopped from outside.
    Aborted {
        /// Error name, when the caller gave one.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
}

/// Registers a state machine, or replaces its definition. Executions that run keep the one they started with.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn put_machine(tx: &Tx<'_>, machine: &Machine) -> Result<(), TxError> {
    let sql = "INSERT OR REPLACE INTO machines (arn, definition, updated) VALUES (?1, ?2, ?3)";
    tx.execute(sql, params![machine.arn.as_str(), machine.definition.to_string(), machine.updated.as_ms()])?;
    Ok(())
}

/// Returns a state machine, if it is registered.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn find_machine(tx: &Tx<'_>, arn: &MachineArn) -> Result<Option<Machine>, TxError> {
    tx.first("SELECT definition, updated FROM machines WHERE arn = ?1", params![arn.as_str()], |row| {
        Ok(Machine {
            arn: arn.clone(),
            definition: json("state machine", &row.get::<_, String>(0)?)?,
            updated: Timestamp::from_ms(row.get(1)?),
        })
    })
}

/// Removes a state machine; it may be absent already. Its executions stay.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn delete_machine(tx: &Tx<'_>, arn: &MachineArn) -> Result<(), TxError> {
    tx.execute("DELETE FROM machines WHERE arn = ?1", params![arn.as_str()])?;
    Ok(())
}

/// Records a new running execution of a machine, and returns whether there was none of that ARN; an existing one stays as
/// it is, whatever became of it. `seed` is the secret that its task tokens are made of.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn insert(
    tx: &Tx<'_>,
    arn: &ExecutionArn,
    machine: &Machine,
    input: &Value,
    seed: &str,
    started: Timestamp,
) -> Result<bool, TxError> {
    let sql = "INSERT OR IGNORE INTO executions (arn, machine, definition, input, status, started, seed) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let running = ExecutionStatus::Running.as_str();
    let definition = machine.definition.to_string();
    let input = input.to_string();
    let values = params![arn.as_str(), machine.arn.as_str(), definition, input, running, started.as_ms(), seed];
    Ok(tx.execute(sql, values)? == 1)
}

/// Returns an execution, if there is one.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn find(tx: &Tx<'_>, arn: &ExecutionArn) -> Result<Option<ExecutionDescription>, TxError> {
    let sql = "SELECT status, input, output, error, cause, started, ended FROM executions WHERE arn = ?1";
    tx.first(sql, params![arn.as_str()], |row| {
        Ok(ExecutionDescription {
            arn: arn.clone(),
            status: status(row)?,
            input: json("execution input", &row.get::<_, String>(1)?)?,
            output: optional_json("execution output", row.get(2)?)?,
            error: row.get(3)?,
            cause: row.get(4)?,
            started: Timestamp::from_ms(row.get(5)?),
            ended: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_ms),
        })
    })
}

fn status(row: &Row<'_>) -> Result<ExecutionStatus, TxError> {
    let text: String = row.get(0)?;
    let unknown = || rusqlite::Error::InvalidColumnType(0, format!("status {text}"), rusqlite::types::Type::Text);
    Ok(ExecutionStatus::parse(&text).ok_or_else(unknown)?)
}

/// Returns the seed of an execution; `None` when a version recorded it that kept none.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn seed(tx: &Tx<'_>, arn: &ExecutionArn) -> Result<Option<String>, TxError> {
    let found = tx.first("SELECT seed FROM executions WHERE arn = ?1", params![arn.as_str()], |row| Ok(row.get(0)?))?;
    Ok(found.flatten())
}

/// Returns the definition that an execution was started with.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn definition(tx: &Tx<'_>, arn: &ExecutionArn) -> Result<Option<Value>, TxError> {
    tx.first("SELECT definition FROM executions WHERE arn = ?1", params![arn.as_str()], |row| {
        json("state machine", &row.get::<_, String>(0)?)
    })
}

/// Ends an execution, and returns whether it ran until now; one that has ended stays as it is.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn finish(tx: &Tx<'_>, arn: &ExecutionArn, outcome: &Outcome, ended: Timestamp) -> Result<bool, TxError> {
    let (status, output, error, cause) = match outcome {
        Outcome::Succeeded(output) => (ExecutionStatus::Succeeded, Some(output.to_string()), None, None),
        Outcome::Failed { error, cause } => (ExecutionStatus::Failed, None, error.as_deref(), cause.as_deref()),
        Outcome::TimedOut => (ExecutionStatus::TimedOut, None, None, None),
        Outcome::Aborted { error, cause } => (ExecutionStatus::Aborted, None, error.as_deref(), cause.as_deref()),
    };
    let sql = "UPDATE executions SET status = ?2, output = ?3, error = ?4, cause = ?5, ended = ?6 \
               WHERE arn = ?1 AND status = ?7";
    let running = ExecutionStatus::Running.as_str();
    let values = params![arn.as_str(), status.as_str(), output, error, cause, ended.as_ms(), running];
    Ok(tx.execute(sql, values)? == 1)
}

/// Lets an execution run again that ended without success, as a redrive does, and returns whether it was such a one.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn reopen(tx: &Tx<'_>, arn: &ExecutionArn) -> Result<bool, TxError> {
    let sql = "UPDATE executions SET status = ?2, error = NULL, cause = NULL, ended = NULL \
               WHERE arn = ?1 AND status NOT IN (?2, ?3)";
    let (running, succeeded) = (ExecutionStatus::Running.as_str(), ExecutionStatus::Succeeded.as_str());
    Ok(tx.execute(sql, params![arn.as_str(), running, succeeded])? == 1)
}

/// Returns a page of the running executions of a machine in byte order of their ARNs, those after `after`.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list_running(
    tx: &Tx<'_>,
    machine: &MachineArn,
    after: Option<&ExecutionArn>,
) -> Result<Page<ExecutionArn>, TxError> {
    let sql = "SELECT arn FROM executions WHERE machine = ?1 AND status = ?2 AND (?3 IS NULL OR arn > ?3) \
               ORDER BY arn LIMIT ?4";
    let running = ExecutionStatus::Running.as_str();
    let values = params![machine.as_str(), running, after.map(ExecutionArn::as_str), limit()];
    let found = tx.all(sql, values, |row| Ok(ExecutionArn::from_record(row.get::<_, String>(0)?)))?;
    Ok(page(found))
}

/// Returns the executions of all machines whose names begin with `prefix` and `-`, in byte order of their ARNs.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list_named(tx: &Tx<'_>, prefix: &str) -> Result<Vec<ExecutionArn>, TxError> {
    let sql = "SELECT arn FROM executions WHERE instr(arn, ':' || ?1 || '-') > 0 ORDER BY arn";
    let found = tx.all(sql, params![prefix], |row| Ok(ExecutionArn::from_record(row.get::<_, String>(0)?)))?;
    let begins = |arn: &ExecutionArn| arn.id().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('-'));
    Ok(found.into_iter().filter(begins).collect())
}

/// Returns how many states an execution has left so far.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn states_left(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<u64, TxError> {
    let sql = "SELECT count(*) FROM history WHERE execution = ?1 AND kind LIKE '%StateExited'";
    Ok(tx.first(sql, params![execution.as_str()], |row| Ok(from_sql(row.get(0)?)))?.unwrap_or(0))
}

/// Appends events to the history of an execution.
///
/// # Errors
///
/// [`TxError`] when the database refuses, which it does for an event id that is there already.
pub fn append_history(tx: &Tx<'_>, execution: &ExecutionArn, events: &[HistoryEvent]) -> Result<(), TxError> {
    let sql = "INSERT INTO history (execution, id, previous, time, kind, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    for event in events {
        let (id, previous) = (to_sql(event.id), to_sql(event.previous_id));
        let details = event.details.to_string();
        tx.execute(sql, params![execution.as_str(), id, previous, event.time.as_ms(), event.kind, details])?;
    }
    Ok(())
}

/// Returns a page of the history of an execution, oldest first, the events with ids greater than `after`.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn history(tx: &Tx<'_>, execution: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, TxError> {
    let sql =
        "SELECT id, previous, time, kind, details FROM history WHERE execution = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    let found = tx.all(sql, params![execution.as_str(), to_sql(after), limit()], |row| {
        Ok(HistoryEvent {
            id: from_sql(row.get(0)?),
            previous_id: from_sql(row.get(1)?),
            time: Timestamp::from_ms(row.get(2)?),
            kind: row.get(3)?,
            details: json("history event", &row.get::<_, String>(4)?)?,
        })
    })?;
    Ok(page(found))
}

/// Returns the id of the last event of an execution; 0 when it has none.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn last_event(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<u64, TxError> {
    let sql = "SELECT id FROM history WHERE execution = ?1 ORDER BY id DESC LIMIT 1";
    Ok(tx.first(sql, params![execution.as_str()], |row| Ok(from_sql(row.get(0)?)))?.unwrap_or(0))
}

/// Returns the kind of an event of the history, if it is there.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn event_kind(tx: &Tx<'_>, execution: &ExecutionArn, id: u64) -> Result<Option<String>, TxError> {
    let sql = "SELECT kind FROM history WHERE execution = ?1 AND id = ?2";
    tx.first(sql, params![execution.as_str(), to_sql(id)], |row| Ok(row.get(0)?))
}

/// Returns what a state got when it was entered last, if it was.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn last_input(tx: &Tx<'_>, execution: &ExecutionArn, state: &str) -> Result<Option<Value>, TxError> {
    let sql = "SELECT details ->> 'input' FROM history WHERE execution = ?1 AND kind LIKE '%StateEntered' \
               AND details ->> 'name' = ?2 ORDER BY id DESC LIMIT 1";
    let text = tx.first(sql, params![execution.as_str(), state], |row| Ok(row.get::<_, Option<String>>(0)?))?;
    optional_json("input of a state", text.flatten())
}

fn limit() -> i64 {
    i64::try_from(PAGE + 1).unwrap_or(i64::MAX)
}

fn page<T>(mut items: Vec<T>) -> Page<T> {
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Page { items, more }
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

    fn started() -> (tempfile::TempDir, Home, ExecutionArn) {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let arn = MachineArn::from_record("arn:aws:states:eu-west-1:000000000000:stateMachine:m");
        let execution = arn.execution("e");
        let machine = Machine { arn, definition: json!({"StartAt": "A"}), updated: Timestamp::from_ms(1) };
        let new = home.write(|tx| {
            put_machine(tx, &machine)?;
            insert(tx, &execution, &machine, &json!({"n": 1}), "s", Timestamp::from_ms(2))
        });
        assert!(new.expect("writes"));
        (dir, home, execution)
    }

    #[test]
    fn an_execution_starts_once_and_keeps_its_definition() {
        let (_dir, home, execution) = started();
        let newer = Machine { arn: execution.machine(), definition: json!({}), updated: Timestamp::from_ms(3) };
        let again = home.write(|tx| {
            put_machine(tx, &newer)?;
            insert(tx, &execution, &newer, &json!(2), "t", Timestamp::from_ms(4))
        });
        assert!(!again.expect("writes"));
        home.read(|tx| {
            let found = find(tx, &execution)?.expect("is there");
            assert_eq!((found.status, found.input), (ExecutionStatus::Running, json!({"n": 1})));
            assert_eq!(seed(tx, &execution)?.as_deref(), Some("s"));
            assert_eq!(definition(tx, &execution)?, Some(json!({"StartAt": "A"})));
            assert_eq!(find_machine(tx, &execution.machine())?, Some(newer));
            Ok(())
        })
        .expect("reads");
    }

    #[test]
    fn executions_are_found_by_the_beginning_of_their_name() {
        let (_dir, home, execution) = started();
        let machine = Machine { arn: execution.machine(), definition: json!({}), updated: Timestamp::from_ms(3) };
        let ours = [machine.arn.execution("ab-1"), machine.arn.execution("ab-2")];
        home.write(|tx| {
            for name in ["ab-2", "ab-1", "abc-1", "a_-1", "x-ab-1"] {
                insert(tx, &machine.arn.execution(name), &machine, &json!({}), "s", Timestamp::from_ms(4))?;
            }
            assert_eq!(list_named(tx, "ab")?, ours);
            assert_eq!(list_named(tx, "b")?, []);
            Ok(())
        })
        .expect("writes");
    }

    #[test]
    fn an_execution_ends_once_until_it_is_reopened() {
        let (_dir, home, execution) = started();
        let failed = Outcome::Failed { error: Some("E".to_owned()), cause: None };
        let done = Outcome::Succeeded(json!([1]));
        home.write(|tx| {
            assert!(finish(tx, &execution, &failed, Timestamp::from_ms(5))?);
            assert!(!finish(tx, &execution, &done, Timestamp::from_ms(6))?);
            let found = find(tx, &execution)?.expect("is there");
            assert_eq!((found.status, found.error.as_deref()), (ExecutionStatus::Failed, Some("E")));
            assert_eq!(found.ended, Some(Timestamp::from_ms(5)));
            assert!(list_running(tx, &execution.machine(), None)?.items.is_empty());

            assert!(reopen(tx, &execution)?);
            assert!(!reopen(tx, &execution)?);
            assert_eq!(list_running(tx, &execution.machine(), None)?.items, std::slice::from_ref(&execution));
            assert!(finish(tx, &execution, &done, Timestamp::from_ms(7))?);
            assert!(!reopen(tx, &execution)?);
            assert_eq!(find(tx, &execution)?.expect("is there").output, Some(json!([1])));
            Ok(())
        })
        .expect("writes");
    }

    #[test]
    fn history_comes_in_pages_and_takes_an_id_once() {
        let (_dir, home, execution) = started();
        let event = |id| HistoryEvent {
            id,
            previous_id: id - 1,
            time: Timestamp::from_ms(9),
            kind: "PassStateEntered".to_owned(),
            details: json!({"name": "A"}),
        };
        let events: Vec<_> = (1..=150).map(event).collect();
        home.write(|tx| append_history(tx, &execution, &events)).expect("writes");
        assert!(home.write(|tx| append_history(tx, &execution, &[event(151), event(150)])).is_err());
        home.read(|tx| {
            let first = history(tx, &execution, 0)?;
            assert_eq!((first.items.len(), first.more), (100, true));
            let second = history(tx, &execution, 100)?;
            assert_eq!((second.items.as_slice(), second.more), (events.get(100..).expect("150"), false));
            assert_eq!(last_event(tx, &execution)?, 150);
            assert_eq!(event_kind(tx, &execution, 150)?.as_deref(), Some("PassStateEntered"));
            assert_eq!(event_kind(tx, &execution, 151)?, None);
            Ok(())
        })
        .expect("reads");
    }
}
