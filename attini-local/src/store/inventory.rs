use async_trait::async_trait;
use attini_core::port::{Inventory, InventoryError, Page, Precondition, Record, RecordKey, ResourceKind, Revision};
use attini_core::value::{DeploymentName, ObjectIdentifier, Timestamp};
use rusqlite::{Row, params};
use serde_json::{Map, Value};

use super::tx::{Tx, TxError};
use super::{Home, HomeError};

/// Records returned by one call.
const PAGE: usize = 100;
/// Attribute by which [`Inventory::list_by_object`] finds records (init-deploy.md 8.1).
const OBJECT_IDENTIFIER: &str = "objectIdentifier";

/// Records as rows of the home's database.
#[derive(Debug, Clone)]
pub struct SqliteInventory(Home);

impl SqliteInventory {
    /// Takes the records of a home.
    #[must_use]
    pub fn new(home: Home) -> Self {
        Self(home)
    }
}

#[async_trait]
impl Inventory for SqliteInventory {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        let found = self.0.read(|tx| find(tx, key)).map_err(unavailable("read", key))?;
        Ok(found.map(|(revision, body)| Record { key: key.clone(), body, revision }))
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        let object = body.get(OBJECT_IDENTIFIER).and_then(Value::as_str).map(str::to_owned);
        let text = Value::Object(body).to_string();
        let written = self.0.write(|tx| {
            if !holds(tx, key, &when)? {
                return Ok(None);
            }
            let revision = tx.next_number()?;
            match key {
                RecordKey::Deployment(name, time) => tx.execute(
                    "INSERT OR REPLACE INTO deployment_records (name, time, object, body, revision) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![name.as_str(), time.as_ms(), object, text, revision],
                )?,
                RecordKey::Resource(kind, name) => tx.execute(
                    "INSERT OR REPLACE INTO resource_records (kind, name, body, revision) VALUES (?1, ?2, ?3, ?4)",
                    params![kind.as_str(), name, text, revision],
                )?,
            };
            Ok(Some(Revision(revision.to_string())))
        });
        written.map_err(unavailable("write", key))?.ok_or_else(|| InventoryError::Conflict { key: key.clone() })
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        let deleted = self.0.write(|tx| {
            if !holds(tx, key, &when)? {
                return Ok(false);
            }
            match key {
                RecordKey::Deployment(name, time) => tx.execute(
                    "DELETE FROM deployment_records WHERE name = ?1 AND time = ?2",
                    params![name.as_str(), time.as_ms()],
                )?,
                RecordKey::Resource(kind, name) => tx.execute(
                    "DELETE FROM resource_records WHERE kind = ?1 AND name = ?2",
                    params![kind.as_str(), name],
                )?,
            };
            Ok(true)
        });
        if deleted.map_err(unavailable("delete", key))? {
            Ok(())
        } else {
            Err(InventoryError::Conflict { key: key.clone() })
        }
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        let sql = "SELECT revision, body, time FROM deployment_records \
                   WHERE name = ?1 AND time <> 0 AND (?2 IS NULL OR time < ?2) ORDER BY time DESC LIMIT ?3";
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        self.0
            .read(|tx| {
                let values = params![name.as_str(), before.map(Timestamp::as_ms), limit];
                tx.all(sql, values, |row| deployment(name, row)).map(page)
            })
            .map_err(unavailable("list deployments of", name))
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        let sql = "SELECT revision, body, time FROM deployment_records WHERE name = ?1 AND object = ?2 ORDER BY time";
        self.0
            .read(|tx| tx.all(sql, params![name.as_str(), object.as_str()], |row| deployment(name, row)))
            .map_err(unavailable("list deployments of", object))
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        let sql = "SELECT revision, body, name FROM resource_records \
                   WHERE kind = ?1 AND (?2 IS NULL OR name > ?2) ORDER BY name LIMIT ?3";
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        self.0
            .read(|tx| {
                let found = tx.all(sql, params![kind.as_str(), after, limit], |row| {
                    let (revision, body) = content(row)?;
                    Ok(Record { key: RecordKey::Resource(kind, row.get(2)?), body, revision })
                })?;
                Ok(page(found))
            })
            .map_err(unavailable("list", kind.as_str()))
    }
}

/// What a row holds beside its key.
type Content = (Revision, Map<String, Value>);

fn find(tx: &Tx<'_>, key: &RecordKey) -> Result<Option<Content>, TxError> {
    match key {
        RecordKey::Deployment(name, time) => tx.first(
            "SELECT revision, body FROM deployment_records WHERE name = ?1 AND time = ?2",
            params![name.as_str(), time.as_ms()],
            content,
        ),
        RecordKey::Resource(kind, name) => tx.first(
            "SELECT revision, body FROM resource_records WHERE kind = ?1 AND name = ?2",
            params![kind.as_str(), name],
            content,
        ),
    }
}

fn holds(tx: &Tx<'_>, key: &RecordKey, when: &Precondition<Revision>) -> Result<bool, TxError> {
    Ok(match when {
        Precondition::None => true,
        Precondition::Absent => find(tx, key)?.is_none(),
        Precondition::Unchanged(revision) => find(tx, key)?.is_some_and(|(found, _)| found == *revision),
    })
}

fn content(row: &Row<'_>) -> Result<Content, TxError> {
    let revision: i64 = row.get(0)?;
    let text: String = row.get(1)?;
    let body = serde_json::from_str(&text).map_err(|source| TxError::Unreadable { what: "record", source })?;
    Ok((Revision(revision.to_string()), body))
}

fn deployment(name: &DeploymentName, row: &Row<'_>) -> Result<Record, TxError> {
    let (revision, body) = content(row)?;
    let time = Timestamp::from_ms(row.get(2)?);
    Ok(Record { key: RecordKey::Deployment(name.clone(), time), body, revision })
}

fn page(mut items: Vec<Record>) -> Page<Record> {
    let more = items.len() > PAGE;
    items.truncate(PAGE);
    Page { items, more }
}

fn unavailable(operation: &'static str, key: impl ToString) -> impl FnOnce(HomeError) -> InventoryError {
    move |error| InventoryError::Unavailable { operation, key: key.to_string(), source: error.into() }
}
