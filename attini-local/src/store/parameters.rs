use async_trait::async_trait;
use attini_core::port::{ParameterStore, Unavailable};
use rusqlite::params;

use super::Home;

/// Named values as rows of the home's database. They belong to the account, not to one environment.
#[derive(Debug, Clone)]
pub struct SqliteParameters(Home);

impl SqliteParameters {
    /// Takes the parameters of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self(home)
    }
}

#[async_trait]
impl ParameterStore for SqliteParameters {
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable> {
        self.0
            .read(|tx| tx.first("SELECT value FROM parameters WHERE name = ?1", params![name], |row| Ok(row.get(0)?)))
            .map_err(|error| Unavailable::new(format!("read parameter {name}"), error))
    }

    async fn put(&self, name: &str, value: &str, description: &str) -> Result<(), Unavailable> {
        let sql = "INSERT OR REPLACE INTO parameters (name, value, description) VALUES (?1, ?2, ?3)";
        self.0
            .write(|tx| tx.execute(sql, params![name, value, description]))
            .map_err(|error| Unavailable::new(format!("write parameter {name}"), error))?;
        Ok(())
    }
}
