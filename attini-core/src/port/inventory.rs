use std::fmt;

use async_trait::async_trait;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{BoxError, Page, Precondition};
use crate::value::{DeploymentName, ObjectIdentifier, Timestamp};

/// The kinds of records about resources, by their external names (actions.md 15).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    /// An app plan by `<environment>-<plan name>`.
    AppDeploymentPlan,
    /// A stack of a step by `<stack>-<region>-<account>`.
    CloudformationStack,
    /// A plan by the ARN of its state machine.
    DeploymentPlan,
    /// A distribution by [`DeploymentName`].
    Distribution,
    /// An environment by its name.
    Environment,
    /// An init stack by its name.
    InitDeployCloudformationStack,
    /// A waiting approval by `<deployment name>-<step>`.
    ManualApproval,
    /// A runner by `<init stack>-<runner>`.
    Runner,
}

impl ResourceKind {
    /// Returns the external name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AppDeploymentPlan => "AppDeploymentPlan",
            Self::CloudformationStack => "CloudformationStack",
            Self::DeploymentPlan => "DeploymentPlan",
            Self::Distribution => "Distribution",
            Self::Environment => "Environment",
            Self::InitDeployCloudformationStack => "InitDeployCloudformationStack",
            Self::ManualApproval => "ManualApproval",
            Self::Runner => "Runner",
        }
    }
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKey {
    /// A deployment: table `AttiniDeployDataV1`. Time 0 is the copy of the newest one.
    Deployment(DeploymentName, Timestamp),
    /// Anything else: table `AttiniResourceStatesV1`.
    Resource(ResourceKind, String),
}

impl RecordKey {
    /// Returns the key of the copy of the newest deployment.
    #[must_use]
    pub fn latest(name: &DeploymentName) -> Self {
        Self::Deployment(name.clone(), Timestamp::from_ms(0))
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(name, time) => write!(f, "deployment {name} at {}", time.as_ms()),
            Self::Resource(kind, name) => write!(f, "{} {name}", kind.as_str()),
        }
    }
}

/// What a store calls the state of a record; two equal ones mean that nobody wrote in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision(pub String);

/// A record as stored. The body's field names are an external contract (init-deploy.md 8, actions.md 15).
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it stands.
    pub key: RecordKey,
    /// All attributes but the key's.
    pub body: Map<String, Value>,
    /// State it was read in.
    pub revision: Revision,
}

/// Deployments, history, environments and what belongs to them.
///
/// Reads see every finished write. A write is seen whole or not at all. Not promised: that a call which failed had no
/// effect; callers repeat any call.
#[async_trait]
pub trait Inventory: fmt::Debug + Send + Sync {
    /// Returns the record, if there is one.
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError>;

    /// Writes the whole record and returns its new revision.
    ///
    /// # Errors
    ///
    /// [`InventoryError::Conflict`] when the precondition does not hold; nothing is written then.
    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError>;

    /// Makes the record absent; it may be absent already, except with [`Precondition::Unchanged`].
    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError>;

    /// Returns a page of the deployments of one name, newest first, without the copy at time 0.
    ///
    /// With `before`, only those older than that.
    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError>;

    /// Returns every deployment record of one upload, the copy at time 0 included while it belongs to that upload.
    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError>;

    /// Returns a page of the records of one kind in byte order of their names, those after `after`.
    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError>;
}

/// A call to the inventory failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InventoryError {
    /// The record is not in the state the caller expected. Read it again and decide again.
    #[error("{key} was changed by someone else")]
    Conflict {
        /// The record.
        key: RecordKey,
    },
    /// The store could not be reached or refused to work; trying again may help.
    #[error("cannot {operation} {key}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The record or the first key of a listing.
        key: String,
        /// Why.
        source: BoxError,
    },
}

/// Changes a record, however many others write it at the same time, and returns the new body.
///
/// `change` gets the current body, empty when there is no record, and may be called several times.
///
/// # Errors
///
/// Whatever the store answers other than a conflict, and the conflict itself after 100 lost races.
pub async fn update<F>(
    inventory: &dyn Inventory,
    key: &RecordKey,
    change: F,
) -> Result<Map<String, Value>, InventoryError>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    let mut races = 0;
    loop {
        let found = inventory.find(key).await?;
        let (mut body, when) = match found {
            Some(record) => (record.body, Precondition::Unchanged(record.revision)),
            None => (Map::new(), Precondition::Absent),
        };
        change(&mut body);
        match inventory.put(key, body.clone(), when).await {
            Ok(_) => return Ok(body),
            Err(InventoryError::Conflict { .. }) if races < 100 => races += 1,
            Err(error) => return Err(error),
        }
    }
}

/// As [`update`], but leaves an absent record absent and returns `None` then.
///
/// # Errors
///
/// As [`update`].
pub async fn update_if_present<F>(
    inventory: &dyn Inventory,
    key: &RecordKey,
    change: F,
) -> Result<Option<Map<String, Value>>, InventoryError>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    let mut races = 0;
    loop {
        let Some(record) = inventory.find(key).await? else { return Ok(None) };
        let mut body = record.body;
        change(&mut body);
        match inventory.put(key, body.clone(), Precondition::Unchanged(record.revision)).await {
            Ok(_) => return Ok(Some(body)),
            Err(InventoryError::Conflict { .. }) if races < 100 => races += 1,
            Err(error) => return Err(error),
        }
    }
}
