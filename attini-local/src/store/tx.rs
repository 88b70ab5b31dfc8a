use rusqlite::Transaction;
use serde_json::Value;
use thiserror::Error;

/// A transaction of the home's database, as [`Home::read`](super::Home::read) and [`Home::write`](super::Home::write) lend it.
#[derive(Debug)]
pub struct Tx<'a>(&'a Transaction<'a>);

/// A statement failed. The home adds the path when it turns this into a [`HomeError`](super::HomeError).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TxError {
    /// The database refused the statement.
    #[error("the database failed")]
    Database(#[from] rusqlite::Error),
    /// A row holds what this version cannot read.
    #[error("a {what} cannot be read")]
    Unreadable {
        /// What the row is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

impl<'a> Tx<'a> {
    pub(super) fn new(tx: &'a Transaction<'a>) -> Self {
        Self(tx)
    }

    /// Runs one statement and returns how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize, TxError> {
        Ok(self.0.prepare_cached(sql)?.execute(params)?)
    }

    /// Returns the first row, if there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> Result<T, TxError>,
    ) -> Result<Option<T>, TxError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        rows.next()?.map(read).transpose()
    }

    /// Returns all rows in order.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut read: impl FnMut(&rusqlite::Row<'_>) -> Result<T, TxError>,
    ) -> Result<Vec<T>, TxError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }

    /// Returns a number that no one got before and that is greater than all those.
    pub(super) fn next_number(&self) -> Result<i64, TxError> {
        let next = self.first("UPDATE sequence SET value = value + 1 RETURNING value", [], |row| Ok(row.get(0)?))?;
        next.ok_or(TxError::Database(rusqlite::Error::QueryReturnedNoRows))
    }
}

/// Reads a column that holds JSON.
pub(super) fn json(what: &'static str, text: &str) -> Result<Value, TxError> {
    serde_json::from_str(text).map_err(|source| TxError::Unreadable { what, source })
}

/// As [`json`], for a column that may be NULL.
pub(super) fn optional_json(what: &'static str, text: Option<String>) -> Result<Option<Value>, TxError> {
    text.map(|text| json(what, &text)).transpose()
}
