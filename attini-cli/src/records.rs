//! Environments, distributions, deployments and approvals as the records hold them (init-deploy.md 8, actions.md 15).

use attini_core::port::{Inventory, Record, RecordKey, ResourceKind};
use attini_core::value::{DeploymentName, EnvironmentType, ObjectIdentifier, Timestamp};
use serde_json::{Map, Value, json};

use crate::error::CommandError;

/// A registered environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentRecord {
    pub name: String,
    pub kind: EnvironmentType,
    /// Whether an id that was used is refused with another content.
    pub immutable_ids: bool,
}

/// A distribution in an environment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DistributionRecord {
    pub environment: String,
    pub name: String,
    /// The newest upload, whatever became of it.
    pub newest: Labels,
    /// The last deployment that succeeded.
    pub last_success: Option<Labels>,
}

/// Id, version, tags and time of one deployment of a distribution.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Labels {
    pub id: Option<String>,
    pub version: Option<String>,
    pub tags: Map<String, Value>,
    pub deployed: Option<Timestamp>,
}

impl DistributionRecord {
    /// Returns what counts as current: the last success, else the newest upload.
    pub(crate) fn current(&self) -> &Labels {
        self.last_success.as_ref().unwrap_or(&self.newest)
    }
}

/// One deployment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeploymentRecord {
    pub environment: String,
    pub distribution: String,
    pub labels: Labels,
    pub object: Option<ObjectIdentifier>,
    pub outcome: Option<String>,
    pub error_code: Option<String>,
    pub status: Option<String>,
    pub user: Option<String>,
    /// Digest of what was deployed.
    pub content_digest: Option<String>,
    /// Who let it go on after it had failed, when and how.
    pub resumptions: Vec<Value>,
}

/// Returns all environments by name.
pub(crate) async fn environments(inventory: &dyn Inventory) -> Result<Vec<EnvironmentRecord>, CommandError> {
    let records = all(inventory, ResourceKind::Environment).await?;
    let read = |record: Record| {
        let RecordKey::Resource(_, name) = record.key else { return None };
        let test = text(&record.body, "environmentType").is_some_and(|kind| kind == "test");
        let kind = if test { EnvironmentType::Test } else { EnvironmentType::Production };
        let immutable_ids = record.body.get("immutableIds").and_then(Value::as_bool).unwrap_or_default();
        Some(EnvironmentRecord { name, kind, immutable_ids })
    };
    Ok(records.into_iter().filter_map(read).collect())
}

/// Returns all distributions, by environment and name.
pub(crate) async fn distributions(inventory: &dyn Inventory) -> Result<Vec<DistributionRecord>, CommandError> {
    let records = all(inventory, ResourceKind::Distribution).await?;
    let mut found: Vec<DistributionRecord> =
        records.iter().filter_map(|record| distribution_of(&record.body)).collect();
    found.sort_by(|a, b| (&a.environment, &a.name).cmp(&(&b.environment, &b.name)));
    Ok(found)
}

/// Returns a distribution in an environment, if it was ever deployed there.
pub(crate) async fn distribution(
    inventory: &dyn Inventory,
    environment: &str,
    name: &str,
) -> Result<Option<DistributionRecord>, CommandError> {
    let key = DeploymentName::of_raw(environment, name);
    let record = inventory.find(&RecordKey::Resource(ResourceKind::Distribution, key.to_string())).await?;
    // `a-b` + `c` and `a` + `b-c` share a key (cli.md 2).
    let same = |found: &DistributionRecord| found.environment == environment && found.name == name;
    Ok(record.and_then(|record| distribution_of(&record.body)).filter(same))
}

/// Returns the deployments of a distribution, newest first, at most `limit` of them that `wanted` picks.
pub(crate) async fn deployments(
    inventory: &dyn Inventory,
    environment: &str,
    distribution: &str,
    limit: usize,
    wanted: impl Fn(&DeploymentRecord) -> bool,
) -> Result<Vec<DeploymentRecord>, CommandError> {
    let name = DeploymentName::of_raw(environment, distribution);
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = inventory.list_deployments(&name, before).await?;
        for record in &page.items {
            let RecordKey::Deployment(_, time) = &record.key else { continue };
            before = Some(*time);
            let deployment = deployment_of(*time, &record.body);
            let same = deployment.environment == environment && deployment.distribution == distribution;
            if same && wanted(&deployment) {
                found.push(deployment);
            }
        }
        if found.len() >= limit || !page.more || page.items.is_empty() {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// Returns the names of the steps of a distribution that wait for an answer.
pub(crate) async fn waiting_steps(
    inventory: &dyn Inventory,
    environment: &str,
    distribution: &str,
) -> Result<Vec<String>, CommandError> {
    let records = all(inventory, ResourceKind::ManualApproval).await?;
    let read = |record: Record| {
        let is = |key: &str, wanted: &str| text(&record.body, key).is_some_and(|text| text == wanted);
        // An answered approval has lost its token.
        let waits = text(&record.body, "sfnToken").is_some();
        let ours = is("environment", environment) && is("distributionName", distribution);
        (ours && waits).then(|| text(&record.body, "stepName")).flatten()
    };
    Ok(records.into_iter().filter_map(read).collect())
}

/// Returns labels as the commands print them: absent ones left out.
pub(crate) fn labels(labels: &Labels) -> Map<String, Value> {
    let mut map = Map::new();
    if let Some(id) = &labels.id {
        map.insert("distributionId".to_owned(), json!(id));
    }
    if let Some(version) = &labels.version {
        map.insert("version".to_owned(), json!(version));
    }
    if !labels.tags.is_empty() {
        map.insert("distributionTags".to_owned(), json!(labels.tags));
    }
    map
}

async fn all(inventory: &dyn Inventory, kind: ResourceKind) -> Result<Vec<Record>, CommandError> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().and_then(|record| match &record.key {
            RecordKey::Resource(_, name) => Some(name.as_str()),
            RecordKey::Deployment(..) => None,
        });
        let page = inventory.list_resources(kind, after).await?;
        let last = !page.more || page.items.is_empty();
        records.extend(page.items);
        if last {
            return Ok(records);
        }
    }
}

fn distribution_of(body: &Map<String, Value>) -> Option<DistributionRecord> {
    let last = body.get("lastSuccess").and_then(Value::as_object);
    Some(DistributionRecord {
        environment: text(body, "environment")?,
        name: text(body, "distributionName")?,
        newest: labels_of(body),
        last_success: last.map(labels_of),
    })
}

fn deployment_of(time: Timestamp, body: &Map<String, Value>) -> DeploymentRecord {
    DeploymentRecord {
        environment: text(body, "environment").unwrap_or_default(),
        distribution: text(body, "distributionName").unwrap_or_default(),
        labels: Labels { deployed: Some(time), ..labels_of(body) },
        object: text(body, "objectIdentifier").map(ObjectIdentifier::from_record),
        outcome: text(body, "outcome"),
        error_code: text(body, "errorCode"),
        status: text(body, "deploymentPlanStatus"),
        user: text(body, "userIdentity"),
        resumptions: body.get("resumptions").and_then(Value::as_array).cloned().unwrap_or_default(),
        content_digest: text(body, "contentDigest"),
    }
}

fn labels_of(body: &Map<String, Value>) -> Labels {
    Labels {
        id: text(body, "distributionId"),
        version: text(body, "version"),
        tags: body.get("distributionTags").and_then(Value::as_object).cloned().unwrap_or_default(),
        deployed: body.get("deploymentTime").and_then(Value::as_i64).map(Timestamp::from_ms),
    }
}

fn text(body: &Map<String, Value>, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
