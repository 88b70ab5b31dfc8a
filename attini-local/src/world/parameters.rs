use async_trait::async_trait;
use attini_core::port::{ParameterStore, Unavailable};

use super::values::Values;
use crate::store::{EnvironmentValues, Home, SqliteParameters};

/// The account's parameters: what an environment's values say, else what the framework wrote.
#[derive(Debug)]
pub(super) struct ValueParameters {
    home: Home,
    environment: String,
    stored: SqliteParameters,
}

impl ValueParameters {
    pub(super) fn new(home: Home, environment: &str) -> Self {
        let stored = SqliteParameters::new(home.clone());
        Self { home, environment: environment.to_owned(), stored }
    }
}

#[async_trait]
impl ParameterStore for ValueParameters {
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable> {
        let failed = |source: attini_core::port::BoxError| Unavailable::new(format!("read parameter {name}"), source);
        let values = EnvironmentValues::new(self.home.clone())
            .values(&self.environment)
            .map_err(|error| failed(error.into()))?;
        let values = Values::from_json(values).map_err(|error| failed(error.into()))?;
        match values.parameter(name) {
            Some(value) => Ok(Some(value)),
            None => self.stored.find(name).await,
        }
    }

    async fn put(&self, name: &str, value: &str, description: &str) -> Result<(), Unavailable> {
        self.stored.put(name, value, description).await
    }
}
