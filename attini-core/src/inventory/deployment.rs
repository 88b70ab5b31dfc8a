use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::read;
use crate::framework::Failure;
use crate::port::{Inventory, InventoryError, Precondition, RecordKey, update_if_present};
use crate::value::{DeploymentName, ObjectIdentifier, Timestamp};

/// How a deployment ended, as people see it. Recorded as `outcome`, beside the original's fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Everything was done.
    Succeeded,
    /// A step, the init stack, or the publishing failed.
    Failed,
    /// Stopped by somebody, or replaced by a newer deployment.
    Aborted,
    /// The plan took longer than it may.
    TimedOut,
    /// What ran it died; nobody knows how far the last step came.
    Interrupted,
}

impl Outcome {
    /// Returns the recorded spelling.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
            Self::TimedOut => "TIMED_OUT",
            Self::Interrupted => "INTERRUPTED",
        }
    }
}

/// Where the files of a published distribution are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSource {
    /// The artifact bucket.
    #[serde(default)]
    pub deployment_source_bucket: String,
    /// `<env>/<name>/<id>/distribution-origin`; absent when publishing failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_source_prefix: Option<String>,
}

/// A step of the plan as its author knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanStep {
    /// Name of the state.
    pub name: String,
    /// Type of the step: `AttiniCfn`, …
    #[serde(rename = "type")]
    pub kind: String,
}

/// A resource or stack that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackFailure {
    /// Logical id.
    pub resource_name: String,
    /// Its status.
    pub resource_status: String,
    /// Why.
    pub error: String,
    /// Which event said so, so that a doubled event is seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The rest of the attributes: step, stack, region.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// One deployment (init-deploy.md 8.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentRecord {
    /// Name of the distribution.
    pub distribution_name: String,
    /// Environment it went into.
    pub environment: String,
    /// Id of the distribution.
    pub distribution_id: String,
    /// The upload.
    pub object_identifier: String,
    /// When it started, epoch ms, also on the copy at time 0.
    #[serde(default)]
    pub started_at: i64,
    /// `platform` or `app`.
    #[serde(default)]
    pub deployment_type: String,
    /// Where the files are.
    #[serde(default)]
    pub deployment_source: DeploymentSource,
    /// Tags of the distribution.
    #[serde(default)]
    pub distribution_tags: BTreeMap<String, String>,
    /// The init stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_name: Option<String>,
    /// Version of the distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the init stack was left alone.
    #[serde(default)]
    pub init_stack_unchanged: bool,
    /// State machine name → execution ARN.
    #[serde(default)]
    pub execution_arns: BTreeMap<String, String>,
    /// What failed in the init stack.
    #[serde(default)]
    pub init_stack_errors: Vec<StackFailure>,
    /// `<stack>-<region>-<account>` → what failed in a step's stack.
    #[serde(default)]
    pub errors: BTreeMap<String, Vec<StackFailure>>,
    /// Number of plans, known when the init stack is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_plan_count: Option<i64>,
    /// Steps of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attini_steps: Vec<PlanStep>,
    /// Name of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// What failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// How the plan's execution ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_plan_status: Option<String>,
    /// Whether a SAM project was packaged.
    #[serde(default)]
    pub sam_packaged: bool,
    /// Who uploaded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_identity: Option<String>,
    /// How it ended; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// When it ended, epoch ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// What people should know that stops nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Content digest of the distribution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_digest: Option<String>,
}

impl DeploymentRecord {
    /// Returns the record of a deployment that has just begun.
    #[must_use]
    pub fn new(environment: &str, distribution: &str, id: &str, object: &ObjectIdentifier, time: Timestamp) -> Self {
        Self {
            distribution_name: distribution.to_owned(),
            environment: environment.to_owned(),
            distribution_id: id.to_owned(),
            object_identifier: object.as_str().to_owned(),
            started_at: time.as_ms(),
            deployment_type: "platform".to_owned(),
            deployment_source: DeploymentSource::default(),
            distribution_tags: BTreeMap::new(),
            stack_name: None,
            version: None,
            init_stack_unchanged: false,
            execution_arns: BTreeMap::new(),
            init_stack_errors: Vec::new(),
            errors: BTreeMap::new(),
            deployment_plan_count: None,
            attini_steps: Vec::new(),
            error_code: None,
            error_message: None,
            deployment_plan_status: None,
            sam_packaged: false,
            user_identity: None,
            outcome: None,
            end_time: None,
            warnings: Vec::new(),
            content_digest: None,
        }
    }

    /// Returns the key of its records.
    #[must_use]
    pub fn name(&self) -> DeploymentName {
        DeploymentName::of_raw(&self.environment, &self.distribution_name)
    }

    /// Returns the upload.
    #[must_use]
    pub fn object(&self) -> ObjectIdentifier {
        ObjectIdentifier::from_record(self.object_identifier.clone())
    }

    /// Returns when it started.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        Timestamp::from_ms(self.started_at)
    }

    fn body(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        }
    }

    fn from_record(key: &RecordKey, body: Map<String, Value>) -> Result<Self, Failure> {
        let mut record: Self = read(key, body)?;
        // Records of the original keep the time in the key only.
        if let (0, RecordKey::Deployment(_, time)) = (record.started_at, key) {
            record.started_at = time.as_ms();
        }
        Ok(record)
    }
}

/// Writes a new deployment: its own record, and the copy at time 0 unless that belongs to a newer one.
///
/// A record that an earlier call wrote for the same upload keeps what it knows and this one does not. A copy that is taken
/// over from an older deployment keeps that one's executions, so that jobs of a plan that still runs are not refused
/// before it is really replaced (init-deploy.md 8.1). Two deployments of the same millisecond get different times. Says
/// whether this is the newest deployment.
///
/// # Errors
///
/// When the inventory cannot be written.
pub async fn save_deployment(inventory: &dyn Inventory, record: &mut DeploymentRecord) -> Result<bool, Failure> {
    let name = record.name();
    let is_ours = |body: &Map<String, Value>, record: &DeploymentRecord| {
        body.get("objectIdentifier").and_then(Value::as_str) == Some(record.object_identifier.as_str())
    };
    loop {
        let own = RecordKey::Deployment(name.clone(), record.time());
        let (body, when) = match inventory.find(&own).await? {
            None => (record.body(), Precondition::Absent),
            Some(found) if is_ours(&found.body, record) => {
                (merged(found.body, record.body()), Precondition::Unchanged(found.revision))
            }
            Some(_) => {
                record.started_at += 1;
                continue;
            }
        };
        match inventory.put(&own, body, when).await {
            Ok(_) => break,
            Err(InventoryError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let latest = RecordKey::latest(&name);
    loop {
        let (copy, when) = match inventory.find(&latest).await? {
            None => (record.body(), Precondition::Absent),
            Some(old) if is_ours(&old.body, record) => {
                (merged(old.body, record.body()), Precondition::Unchanged(old.revision))
            }
            Some(old) => {
                if started_at(&old.body) > record.started_at {
                    return Ok(false);
                }
                let mut copy = record.body();
                if let Some(arns) = old.body.get("executionArns").filter(|_| record.execution_arns.is_empty()) {
                    copy.insert("executionArns".to_owned(), arns.clone());
                }
                (copy, Precondition::Unchanged(old.revision))
            }
        };
        match inventory.put(&latest, copy, when).await {
            Ok(_) => return Ok(true),
            Err(InventoryError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn started_at(body: &Map<String, Value>) -> i64 {
    body.get("startedAt").and_then(Value::as_i64).unwrap_or(0)
}

/// Lays a record over an earlier one of the same upload; what the new one does not know stays.
fn merged(mut earlier: Map<String, Value>, new: Map<String, Value>) -> Map<String, Value> {
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    for (field, value) in new {
        if !is_empty(&value) || !earlier.contains_key(&field) {
            earlier.insert(field, value);
        }
    }
    earlier
}

/// Changes every record of one upload: its own, and the copy at time 0 while that belongs to it.
///
/// Says how many records there were.
///
/// # Errors
///
/// When the inventory cannot be read or written.
pub async fn update_deployment<F>(
    inventory: &dyn Inventory,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    change: F,
) -> Result<usize, Failure>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    update_records(inventory, name, object, |_| true, change).await
}

/// As [`update_deployment`], without the copy at time 0.
pub(crate) async fn update_own<F>(
    inventory: &dyn Inventory,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    change: F,
) -> Result<usize, Failure>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    update_records(inventory, name, object, |key| !is_copy(key), change).await
}

fn is_copy(key: &RecordKey) -> bool {
    matches!(key, RecordKey::Deployment(_, time) if time.as_ms() == 0)
}

async fn update_records<F>(
    inventory: &dyn Inventory,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    wanted: fn(&RecordKey) -> bool,
    change: F,
) -> Result<usize, Failure>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    let mut records = inventory.list_by_object(name, object).await?;
    records.retain(|record| wanted(&record.key));
    // Whoever is interrupted in between leaves the deployment's own record ahead of the copy, never behind it.
    records.sort_by_key(|record| is_copy(&record.key));
    for record in &records {
        update_if_present(inventory, &record.key, |body| {
            // The copy at time 0 may have gone over to a newer upload since it was listed.
            if body.get("objectIdentifier").and_then(Value::as_str) == Some(object.as_str()) {
                change(body);
            }
        })
        .await?;
    }
    Ok(records.len())
}

/// Returns the deployment of an upload; the newest when the same upload was handled twice.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn find_deployment(
    inventory: &dyn Inventory,
    name: &DeploymentName,
    object: &ObjectIdentifier,
) -> Result<Option<DeploymentRecord>, Failure> {
    let mut newest: Option<DeploymentRecord> = None;
    for record in inventory.list_by_object(name, object).await? {
        if is_copy(&record.key) {
            continue;
        }
        let found = DeploymentRecord::from_record(&record.key, record.body)?;
        if newest.as_ref().is_none_or(|newest| found.started_at > newest.started_at) {
            newest = Some(found);
        }
    }
    Ok(newest)
}

/// Returns the deployments of one distribution in one environment, newest first, at most `limit`.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn list_history(
    inventory: &dyn Inventory,
    environment: &str,
    distribution: &str,
    limit: usize,
) -> Result<Vec<DeploymentRecord>, Failure> {
    let name = DeploymentName::of_raw(environment, distribution);
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = inventory.list_deployments(&name, before).await?;
        for record in page.items {
            if let RecordKey::Deployment(_, time) = &record.key {
                before = Some(*time);
            }
            let deployment = DeploymentRecord::from_record(&record.key, record.body)?;
            // The key is ambiguous: `a-b` + `c` is also `a` + `b-c`.
            if deployment.environment == environment && deployment.distribution_name == distribution {
                found.push(deployment);
            }
            if found.len() == limit {
                return Ok(found);
            }
        }
        if !page.more {
            return Ok(found);
        }
    }
}
