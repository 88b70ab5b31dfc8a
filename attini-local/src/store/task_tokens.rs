//! Who waits for an answer, and the answers.
//!
//! A token stands here only as a digest. Its row goes from open to answered to taken, or is closed by the engine when the
//! step or its execution ends without an answer. Only an open token takes an answer.

use std::sync::Arc;

use async_trait::async_trait;
use attini_core::port::{AnswerError, Clock, TaskTokens};
use attini_core::value::{ExecutionArn, TaskToken, Timestamp};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Home;
use super::tx::{Tx, TxError};

/// Largest output of a step in bytes, as in Step Functions.
const OUTPUT_LIMIT_BYTES: usize = 262_144;
/// Longest error name in characters, as in Step Functions.
const ERROR_LIMIT: usize = 256;
/// Longest cause in characters, as in Step Functions.
const CAUSE_LIMIT: usize = 32_768;

/// What a waiting step was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// It goes on with this output.
    Succeeded(Value),
    /// It fails.
    Failed {
        /// Error name.
        error: String,
        /// Why.
        cause: String,
    },
}

/// Records that an effect of an execution waits for an answer. The same token again changes nothing.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn open(
    tx: &Tx<'_>,
    token: &TaskToken,
    execution: &ExecutionArn,
    effect: &str,
    now: Timestamp,
) -> Result<(), TxError> {
    let sql = "INSERT OR IGNORE INTO task_tokens (hash, execution, effect, state, heartbeat) \
               VALUES (?1, ?2, ?3, 'open', ?4)";
    tx.execute(sql, params![hash(token), execution.as_str(), effect, now.as_ms()])?;
    Ok(())
}

/// Answers a token, and returns whether it was open.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn answer(tx: &Tx<'_>, token: &TaskToken, answer: &Answer) -> Result<bool, TxError> {
    let text = serde_json::to_string(answer).map_err(|source| TxError::Unreadable { what: "answer", source })?;
    let number = tx.next_number()?;
    let sql =
        "UPDATE task_tokens SET state = 'answered', answer = ?2, answered = ?3 WHERE hash = ?1 AND state = 'open'";
    Ok(tx.execute(sql, params![hash(token), text, number])? == 1)
}

/// Returns the answers to an execution that nobody has taken, with the effects they belong to, in the order they came.
///
/// Each is returned once, so call this in the transaction that records what follows from them.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn take_answers(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<Vec<(String, Answer)>, TxError> {
    let sql = "SELECT effect, answer FROM task_tokens WHERE execution = ?1 AND state = 'answered' ORDER BY answered";
    let answers = tx.all(sql, params![execution.as_str()], |row| {
        let text: String = row.get(1)?;
        let answer = serde_json::from_str(&text).map_err(|source| TxError::Unreadable { what: "answer", source })?;
        Ok((row.get(0)?, answer))
    })?;
    if !answers.is_empty() {
        let sql = "UPDATE task_tokens SET state = 'closed', answer = NULL WHERE execution = ?1 AND state = 'answered'";
        tx.execute(sql, params![execution.as_str()])?;
    }
    Ok(answers)
}

/// Returns the executions that have answers nobody has taken.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn list_answered(tx: &Tx<'_>) -> Result<Vec<ExecutionArn>, TxError> {
    let sql = "SELECT DISTINCT execution FROM task_tokens WHERE state = 'answered' ORDER BY execution";
    tx.all(sql, [], |row| Ok(ExecutionArn::from_record(row.get::<_, String>(0)?)))
}

/// Says whether an execution has answers that nobody has taken.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn has_answers(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM task_tokens WHERE execution = ?1 AND state = 'answered' LIMIT 1";
    Ok(tx.first(sql, params![execution.as_str()], |_| Ok(()))?.is_some())
}

/// Makes the tokens of one effect take no answer any more, because its step timed out or was given up.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn close(tx: &Tx<'_>, execution: &ExecutionArn, effect: &str) -> Result<(), TxError> {
    let sql = "UPDATE task_tokens SET state = 'closed', answer = NULL WHERE execution = ?1 AND effect = ?2";
    tx.execute(sql, params![execution.as_str(), effect])?;
    Ok(())
}

/// Makes all tokens of an execution take no answer any more, because it ended.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn close_all(tx: &Tx<'_>, execution: &ExecutionArn) -> Result<(), TxError> {
    let sql = "UPDATE task_tokens SET state = 'closed', answer = NULL WHERE execution = ?1";
    tx.execute(sql, params![execution.as_str()])?;
    Ok(())
}

/// Records that work on a step goes on, and returns whether its token is open.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn heartbeat(tx: &Tx<'_>, token: &TaskToken, now: Timestamp) -> Result<bool, TxError> {
    let sql = "UPDATE task_tokens SET heartbeat = max(heartbeat, ?2) WHERE hash = ?1 AND state = 'open'";
    Ok(tx.execute(sql, params![hash(token), now.as_ms()])? == 1)
}

/// Returns the last heartbeat of an effect that waits, the time of opening when there was none; `None` when it does not wait.
///
/// # Errors
///
/// [`TxError`] when the database refuses.
pub fn last_heartbeat(tx: &Tx<'_>, execution: &ExecutionArn, effect: &str) -> Result<Option<Timestamp>, TxError> {
    let sql = "SELECT max(heartbeat) FROM task_tokens WHERE execution = ?1 AND effect = ?2 AND state = 'open'";
    let found = tx.first(sql, params![execution.as_str(), effect], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(found.flatten().map(Timestamp::from_ms))
}

fn hash(token: &TaskToken) -> String {
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

/// Answers to waiting steps as rows of the home's database; the engine finds them with [`take_answers`].
#[derive(Debug, Clone)]
pub struct SqliteTaskTokens {
    home: Home,
    clock: Arc<dyn Clock>,
}

impl SqliteTaskTokens {
    /// Takes the tokens of a home.
    #[must_use]
    pub fn new(home: Home, clock: Arc<dyn Clock>) -> Self {
        Self { home, clock }
    }

    fn write(&self, work: impl FnOnce(&Tx<'_>) -> Result<bool, TxError>) -> Result<(), AnswerError> {
        match self.home.write(work) {
            Ok(true) => Ok(()),
            Ok(false) => Err(AnswerError::Closed),
            Err(error) => Err(AnswerError::Unavailable { source: error.into() }),
        }
    }
}

#[async_trait]
impl TaskTokens for SqliteTaskTokens {
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        let size_bytes = output.to_string().len();
        if size_bytes > OUTPUT_LIMIT_BYTES {
            return Err(AnswerError::TooLarge { size_bytes, limit_bytes: OUTPUT_LIMIT_BYTES });
        }
        self.write(|tx| answer(tx, token, &Answer::Succeeded(output.clone())))
    }

    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        let error = error.chars().take(ERROR_LIMIT).collect();
        let cause = cause.chars().take(CAUSE_LIMIT).collect();
        self.write(|tx| answer(tx, token, &Answer::Failed { error, cause }))
    }

    async fn heartbeat(&self, token: &TaskToken) -> Result<(), AnswerError> {
        let now = self.clock.now();
        self.write(|tx| heartbeat(tx, token, now))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_taken_once_and_the_token_is_nowhere_in_the_home() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let token = TaskToken::new("a-token-that-nobody-may-read");
        let execution = ExecutionArn::from_record("arn:e");
        home.write(|tx| {
            open(tx, &token, &execution, "step-1", Timestamp::from_ms(5))?;
            assert_eq!(last_heartbeat(tx, &execution, "step-1")?, Some(Timestamp::from_ms(5)));
            assert!(heartbeat(tx, &token, Timestamp::from_ms(8))?);
            assert_eq!(last_heartbeat(tx, &execution, "step-1")?, Some(Timestamp::from_ms(8)));
            assert!(answer(tx, &token, &Answer::Succeeded(json!(1)))?);
            assert!(!answer(tx, &token, &Answer::Succeeded(json!(2)))?);
            assert!(!heartbeat(tx, &token, Timestamp::from_ms(9))?);
            assert_eq!(last_heartbeat(tx, &execution, "step-1")?, None);
            assert_eq!(list_answered(tx)?, std::slice::from_ref(&execution));
            assert!(has_answers(tx, &execution)?);
            Ok(())
        })
        .expect("writes");
        let take = || home.write(|tx| take_answers(tx, &execution)).expect("takes");
        assert_eq!(take(), [("step-1".to_owned(), Answer::Succeeded(json!(1)))]);
        assert_eq!(take(), []);
        assert!(!home.write(|tx| answer(tx, &token, &Answer::Succeeded(json!(3)))).expect("asks"));
        for file in ["records.db", "records.db-wal"] {
            let content = std::fs::read(dir.path().join(file)).expect("reads");
            let secret = token.expose().as_bytes();
            assert!(!content.windows(secret.len()).any(|part| part == secret), "{file}");
        }
    }

    #[test]
    fn a_closed_token_takes_no_answer() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        let execution = ExecutionArn::from_record("arn:e");
        let failed = Answer::Failed { error: "E".to_owned(), cause: "c".to_owned() };
        let (one, two) = (TaskToken::new("one"), TaskToken::new("two"));
        home.write(|tx| {
            open(tx, &one, &execution, "1", Timestamp::from_ms(0))?;
            open(tx, &two, &execution, "2", Timestamp::from_ms(0))?;
            close(tx, &execution, "1")?;
            assert!(!answer(tx, &one, &failed)?);
            open(tx, &one, &execution, "1", Timestamp::from_ms(1))?;
            assert!(!answer(tx, &one, &failed)?);
            assert!(answer(tx, &two, &failed)?);
            close_all(tx, &execution)?;
            assert_eq!(take_answers(tx, &execution)?, []);
            Ok(())
        })
        .expect("writes");
    }
}
