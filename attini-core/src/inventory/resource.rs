use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::PlanStep;
use crate::framework::Failure;
use crate::port::{Inventory, RecordKey, ResourceKind};
use crate::value::{DeploymentName, MachineArn, Place, StackName};

/// Reads a record's body.
///
/// # Errors
///
/// When an attribute has not the recorded type; the message names the record.
pub fn read<T: DeserializeOwned>(key: &RecordKey, body: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(body))
        .map_err(|error| Failure::new("InternalError", format!("the record {key} cannot be read: {error}")))
}

/// A dependency of a distribution, as recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DependencyRecord {
    /// Name of the distribution depended on.
    pub distribution_name: String,
}

/// The newest deployment of a distribution that succeeded (init-deploy.md 8.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastSuccess {
    /// Id of the distribution.
    pub distribution_id: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where its files are.
    pub deployment_source_prefix: String,
    /// The upload.
    pub attini_object_identifier: String,
    /// When it was deployed, epoch ms.
    pub deployment_time: i64,
}

/// What an environment has of a distribution: the newest upload, and the last success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DistributionRecord {
    /// The newest upload.
    pub attini_object_identifier: String,
    /// Its id.
    pub distribution_id: String,
    /// Name of the distribution.
    pub distribution_name: String,
    /// The environment.
    pub environment: String,
    /// Who uploaded it.
    #[serde(default)]
    pub user_identity: String,
    /// Where its files are.
    #[serde(default)]
    pub deployment_source_prefix: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub distribution_tags: BTreeMap<String, String>,
    /// What it depends on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<DependencyRecord>,
    /// Its init stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_stack_name: Option<String>,
    /// Address of the last output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_url: Option<String>,
    /// The last success; absent on records of the original.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_success: Option<LastSuccess>,
}

impl DistributionRecord {
    /// Returns the id that people and dependants take for the current one: the last success, else the newest upload.
    #[must_use]
    pub fn current_id(&self) -> &str {
        self.last_success.as_ref().map_or(&self.distribution_id, |last| &last.distribution_id)
    }

    /// Returns the version of [`Self::current_id`].
    #[must_use]
    pub fn current_version(&self) -> Option<&str> {
        match &self.last_success {
            Some(last) => last.version.as_deref(),
            None => self.version.as_deref(),
        }
    }

    /// Returns the prefix of the files of [`Self::current_id`], without a closing `/`.
    #[must_use]
    pub fn current_prefix(&self) -> &str {
        self.last_success.as_ref().map_or(&self.deployment_source_prefix, |last| &last.deployment_source_prefix)
    }
}

/// What is known of an init stack (init-deploy.md 8.3).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InitStackRecord {
    /// The upload that wanted it last.
    #[serde(default)]
    pub attini_object_identifier: String,
    /// Id of the distribution.
    #[serde(default)]
    pub distribution_id: String,
    /// Name of the distribution.
    #[serde(default)]
    pub distribution_name: String,
    /// The environment.
    #[serde(default)]
    pub environment: String,
    /// Values for `${…}` in stack configurations.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Fingerprint of the last success; empty forces the next deployment to update.
    #[serde(default, rename = "initStackMd5Hex")]
    pub fingerprint: String,
    /// Fingerprint of what is being deployed.
    #[serde(default, rename = "pendingInitStackMd5Hex")]
    pub pending_fingerprint: String,
    /// Plans in the stack.
    #[serde(default)]
    pub sfn_arns: BTreeSet<String>,
    /// Runners in the stack.
    #[serde(default)]
    pub runners: BTreeSet<String>,
    /// Parameters of the stack that plans may read.
    #[serde(default)]
    pub stack_parameters: BTreeMap<String, String>,
}

/// A registered plan (deployment-plan.md 11).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanRecord {
    /// The environment.
    #[serde(default)]
    pub environment: String,
    /// Name of the distribution.
    #[serde(default)]
    pub distribution_name: String,
    /// Id of the distribution.
    #[serde(default)]
    pub distribution_id: String,
    /// The upload.
    #[serde(default)]
    pub attini_object_identifier: String,
    /// Stack that holds the plan.
    #[serde(default)]
    pub stack_name: String,
    /// JSON text of the payload's defaults.
    #[serde(default)]
    pub payload_defaults: String,
    /// Steps as their author knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attini_steps: Vec<PlanStep>,
    /// `replace`, `queue` or `reject`; absent is `replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<String>,
    /// How the last execution ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When the last execution started, epoch ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
}

/// A stack that a step deploys (actions.md 15.4).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StackRecord {
    /// Id of the distribution.
    #[serde(default)]
    pub distribution_id: String,
    /// Name of the distribution.
    #[serde(default)]
    pub distribution_name: String,
    /// The environment.
    #[serde(default)]
    pub environment: String,
    /// The upload.
    #[serde(default)]
    pub attini_object_identifier: String,
    /// `DEPLOYED` or `DELETED`.
    #[serde(default)]
    pub desired_state: String,
    /// The step.
    #[serde(default)]
    pub step_name: String,
    /// Token of the operation; events with another one are stale.
    #[serde(default)]
    pub client_request_token: String,
    /// Name of the stack.
    #[serde(default)]
    pub stack_name: String,
    /// Unique id of the stack, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_id: Option<String>,
    /// Execution that wanted it last.
    #[serde(default)]
    pub sfn_execution_arn: String,
    /// Secret that answers the step; absent once answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sfn_token: Option<String>,
    /// Where the template was.
    #[serde(default)]
    pub template: String,
    /// `Cfn` or `Cdk`.
    #[serde(default)]
    pub stack_type: String,
    /// Extra level in the step's output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_path: Option<String>,
    /// Region of the stack when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Role for its calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for StackRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StackRecord")
            .field("stack_name", &self.stack_name)
            .field("step_name", &self.step_name)
            .field("desired_state", &self.desired_state)
            .finish_non_exhaustive()
    }
}

/// A step that waits for a person (actions.md 15.6).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalRecord {
    /// Id of the distribution.
    pub distribution_id: String,
    /// Name of the distribution.
    pub distribution_name: String,
    /// The environment.
    pub environment: String,
    /// The upload.
    pub attini_object_identifier: String,
    /// The step.
    pub step_name: String,
    /// Secret that answers the step; absent once answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sfn_token: Option<String>,
    /// Execution that waits.
    #[serde(default)]
    pub execution_arn: String,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<String>,
    /// When, epoch ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<i64>,
}

/// Without the token.
impl std::fmt::Debug for ApprovalRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApprovalRecord")
            .field("distribution_name", &self.distribution_name)
            .field("step_name", &self.step_name)
            .field("waiting", &self.sfn_token.is_some())
            .finish_non_exhaustive()
    }
}

/// Returns the key of a [`DistributionRecord`].
#[must_use]
pub fn distribution_key(environment: &str, distribution: &str) -> RecordKey {
    let name = DeploymentName::of_raw(environment, distribution);
    RecordKey::Resource(ResourceKind::Distribution, name.as_str().to_owned())
}

/// Returns the key of an [`InitStackRecord`].
#[must_use]
pub fn init_stack_key(stack: &str) -> RecordKey {
    RecordKey::Resource(ResourceKind::InitDeployCloudformationStack, stack.to_owned())
}

/// Returns the key of a [`PlanRecord`].
#[must_use]
pub fn plan_key(machine: &MachineArn) -> RecordKey {
    RecordKey::Resource(ResourceKind::DeploymentPlan, machine.as_str().to_owned())
}

/// Returns the key of a [`StackRecord`]; region and account are those of the stack.
#[must_use]
pub fn stack_key(stack: &StackName, place: &Place) -> RecordKey {
    let name = format!("{stack}-{}-{}", place.region, place.account);
    RecordKey::Resource(ResourceKind::CloudformationStack, name)
}

/// Returns the key of an [`ApprovalRecord`].
#[must_use]
pub fn approval_key(environment: &str, distribution: &str, step: &str) -> RecordKey {
    RecordKey::Resource(ResourceKind::ManualApproval, format!("{environment}-{distribution}-{step}"))
}

/// Returns what every environment, or one, has of every distribution.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn list_distributions(
    inventory: &dyn Inventory,
    environment: Option<&str>,
) -> Result<Vec<DistributionRecord>, Failure> {
    let all: Vec<DistributionRecord> = list_all(inventory, ResourceKind::Distribution).await?;
    Ok(all.into_iter().filter(|found| environment.is_none_or(|wanted| found.environment == wanted)).collect())
}

/// Returns the steps of a distribution that wait for a person.
///
/// # Errors
///
/// When the inventory cannot be read.
pub async fn list_waiting_approvals(
    inventory: &dyn Inventory,
    environment: &str,
    distribution: &str,
) -> Result<Vec<ApprovalRecord>, Failure> {
    let all: Vec<ApprovalRecord> = list_all(inventory, ResourceKind::ManualApproval).await?;
    let ours = |found: &ApprovalRecord| found.environment == environment && found.distribution_name == distribution;
    Ok(all.into_iter().filter(|found| ours(found) && found.sfn_token.is_some()).collect())
}

async fn list_all<T: DeserializeOwned>(inventory: &dyn Inventory, kind: ResourceKind) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = inventory.list_resources(kind, after.as_deref()).await?;
        for record in page.items {
            if let RecordKey::Resource(_, name) = &record.key {
                after = Some(name.clone());
            }
            found.push(read(&record.key, record.body)?);
        }
        if !page.more {
            return Ok(found);
        }
    }
}
