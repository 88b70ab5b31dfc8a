use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::framework::Failure;
use attini_core::port::{Inventory, InventoryError, Page, Precondition, Record, RecordKey, ResourceKind, Revision};
use attini_core::value::{DeploymentName, ObjectIdentifier, Timestamp};
use serde_json::{Map, Value};

use super::parts::Parts;
use super::recover::recover;

/// How often who follows looks whether the workers still live.
const LOOK: Duration = Duration::from_millis(300);

/// The records for those who follow a deployment: one whose worker dies meanwhile is set right, so that nobody waits for
/// an end that cannot come.
#[derive(Debug)]
pub(super) struct RecoveringInventory {
    parts: Parts,
    inner: Arc<dyn Inventory>,
    looked: Mutex<Option<Timestamp>>,
}

impl RecoveringInventory {
    pub(super) fn new(parts: Parts, inner: Arc<dyn Inventory>) -> Self {
        Self { parts, inner, looked: Mutex::default() }
    }

    async fn look(&self) -> Result<(), Failure> {
        let now = self.parts.clock.now();
        let last = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.since(last) < LOOK) {
            return Ok(());
        }
        recover(&self.parts).await?;
        // Only a look that came to its end counts: what went wrong is tried again, and told, at once.
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}

#[async_trait]
impl Inventory for RecoveringInventory {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        self.inner.find(key).await
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        self.inner.put(key, body, when).await
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        self.inner.delete(key, when).await
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        self.inner.list_deployments(name, before).await
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        self.look().await.map_err(|failure| InventoryError::Unavailable {
            operation: "set right",
            key: format!("deployments of {name}"),
            source: failure.into(),
        })?;
        self.inner.list_by_object(name, object).await
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        self.inner.list_resources(kind, after).await
    }
}
