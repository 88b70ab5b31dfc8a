use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::read;
use crate::framework::Failure;
use crate::port::{Inventory, Precondition, RecordKey, ResourceKind, update};
use crate::value::{Environment, EnvironmentType};

/// A registered environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRecord {
    /// Its name, as registered.
    pub name: String,
    /// What it is used for.
    pub kind: EnvironmentType,
    /// Whether an id that was deployed with one content is refused with another.
    pub immutable_ids: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentWire {
    environment_type: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    immutable_ids: bool,
}

fn key(name: &str) -> RecordKey {
    RecordKey::Resource(ResourceKind::Environment, name.to_owned())
}

fn from_body(name: &str, body: serde_json::Map<String, Value>) -> Result<EnvironmentRecord, Failure> {
    let wire: EnvironmentWire = read(&key(name), body)?;
    let kind = EnvironmentType::parse(&wire.environment_type)
        .map_err(|error| Failure::new("InternalError", format!("record of environment {name}: {error}")))?;
    Ok(EnvironmentRecord { name: name.to_owned(), kind, immutable_ids: wire.immutable_ids })
}

/// Creates an environment or changes its type; says whether it is new.
///
/// # Errors
///
/// When the inventory cannot be written.
pub async fn ensure_environment(
    inventory: &dyn Inventory,
    name: &Environment,
    kind: EnvironmentType,
) -> Result<bool, Failure> {
    let known = inventory.find(&key(name.as_str())).await?.is_some();
    update(inventory, &key(name.as_str()), |body| {
        body.insert("environmentType".to_owned(), kind.as_str().into());
    })
    .await?;
    Ok(!known)
}

/// Returns a registered environment.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn find_environment(inventory: &dyn Inventory, name: &str) -> Result<Option<EnvironmentRecord>, Failure> {
    match inventory.find(&key(name)).await? {
        Some(record) => from_body(name, record.body).map(Some),
        None => Ok(None),
    }
}

/// Returns all registered environments in byte order of their names.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn list_environments(inventory: &dyn Inventory) -> Result<Vec<EnvironmentRecord>, Failure> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = inventory.list_resources(ResourceKind::Environment, after.as_deref()).await?;
        for record in page.items {
            let RecordKey::Resource(_, name) = &record.key else { continue };
            after = Some(name.clone());
            found.push(from_body(name, record.body.clone())?);
        }
        if !page.more {
            return Ok(found);
        }
    }
}

/// Removes the registration; what is deployed stays.
///
/// # Errors
///
/// When the inventory cannot be written.
pub async fn remove_environment(inventory: &dyn Inventory, name: &str) -> Result<(), Failure> {
    Ok(inventory.delete(&key(name), Precondition::None).await?)
}
