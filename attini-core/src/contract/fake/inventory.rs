use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{lock, page};
use crate::port::{Inventory, InventoryError, Page, Precondition, Record, RecordKey, ResourceKind, Revision};
use crate::value::{DeploymentName, ObjectIdentifier, Timestamp};

/// Records in memory, in pages of two.
#[derive(Debug, Default)]
pub struct MemInventory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<RecordKey, (u64, Map<String, Value>)>,
    writes: u64,
}

impl State {
    fn holds(&self, key: &RecordKey, when: &Precondition<Revision>) -> Result<(), InventoryError> {
        let found = self.records.get(key);
        let holds = match when {
            Precondition::None => true,
            Precondition::Absent => found.is_none(),
            Precondition::Unchanged(revision) => found.is_some_and(|(number, _)| number.to_string() == revision.0),
        };
        if holds { Ok(()) } else { Err(InventoryError::Conflict { key: key.clone() }) }
    }
}

fn record((key, (number, body)): (&RecordKey, &(u64, Map<String, Value>))) -> Record {
    Record { key: key.clone(), body: body.clone(), revision: Revision(number.to_string()) }
}

impl MemInventory {
    /// Returns all records in order of their keys.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        lock(&self.0).records.iter().map(record).collect()
    }
}

#[async_trait]
impl Inventory for MemInventory {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        Ok(lock(&self.0).records.get_key_value(key).map(record))
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        let mut state = lock(&self.0);
        state.holds(key, &when)?;
        state.writes += 1;
        let number = state.writes;
        state.records.insert(key.clone(), (number, body));
        Ok(Revision(number.to_string()))
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        let mut state = lock(&self.0);
        state.holds(key, &when)?;
        state.records.remove(key);
        Ok(())
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        let wanted = |key: &RecordKey| match key {
            RecordKey::Deployment(found, time) => {
                found == name && time.as_ms() != 0 && before.is_none_or(|before| *time < before)
            }
            RecordKey::Resource(..) => false,
        };
        Ok(page(lock(&self.0).records.iter().rev().filter(|(key, _)| wanted(key)).map(record)))
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        let wanted = |key: &RecordKey, body: &Map<String, Value>| match key {
            RecordKey::Deployment(found, _) => {
                found == name && body.get("objectIdentifier").and_then(Value::as_str) == Some(object.as_str())
            }
            RecordKey::Resource(..) => false,
        };
        Ok(lock(&self.0).records.iter().filter(|(key, (_, body))| wanted(key, body)).map(record).collect())
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        let wanted = |key: &RecordKey| match key {
            RecordKey::Resource(found, name) => *found == kind && after.is_none_or(|after| name.as_str() > after),
            RecordKey::Deployment(..) => false,
        };
        Ok(page(lock(&self.0).records.iter().filter(|(key, _)| wanted(key)).map(record)))
    }
}
