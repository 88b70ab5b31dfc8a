use std::fmt;

use async_trait::async_trait;

use super::Unavailable;

/// Named values of an account and region.
#[async_trait]
pub trait ParameterStore: fmt::Debug + Send + Sync {
    /// Returns the value, decrypted when it is a secret.
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable>;

    /// Writes a plain text value, replacing an earlier one.
    async fn put(&self, name: &str, value: &str, description: &str) -> Result<(), Unavailable>;
}
