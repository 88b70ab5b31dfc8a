use rusqlite::params;
use serde_json::{Map, Value};

use super::tx::json;
use super::{Home, HomeError};

/// What a real account would hold, per environment: set by the user, never part of a distribution.
#[derive(Debug, Clone)]
pub struct EnvironmentValues(Home);

impl EnvironmentValues {
    /// Takes the values of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self(home)
    }

    /// Returns the values of an environment; an empty object when none were set.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database cannot be read.
    pub fn values(&self, environment: &str) -> Result<Value, HomeError> {
        let sql = "SELECT body FROM environment_values WHERE environment = ?1";
        let found = self.0.read(|tx| {
            tx.first(sql, params![environment], |row| json("document of environment values", &row.get::<_, String>(0)?))
        })?;
        Ok(found.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// Replaces the values of an environment.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database cannot be written.
    pub fn set_values(&self, environment: &str, values: &Value) -> Result<(), HomeError> {
        let sql = "INSERT OR REPLACE INTO environment_values (environment, body) VALUES (?1, ?2)";
        self.0.write(|tx| tx.execute(sql, params![environment, values.to_string()]))?;
        Ok(())
    }
}
