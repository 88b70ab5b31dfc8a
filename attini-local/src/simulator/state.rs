use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use attini_core::port::{StackDescription, StackStatus};
use attini_core::value::StackName;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What becomes of a resource that leaves its stack.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Policy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
    /// It stays, unless the operation that created it fails.
    RetainExceptOnCreate,
    /// It is deleted; the service keeps a copy, which the simulator has no use for.
    Snapshot,
}

/// A parameter of a stack.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredParameter {
    /// What the request or the default says; for a parameter of the parameter store its name there.
    pub text: String,
    /// What `Ref` gives: a text or a list of texts.
    pub value: Value,
    /// Whether the value is a secret.
    pub no_echo: bool,
}

/// Values can be secrets.
impl fmt::Debug for StoredParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredParameter(…)")
    }
}

/// A resource of a stack.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceState {
    /// Its type.
    pub resource_type: String,
    /// What `Ref` gives.
    pub physical_id: String,
    /// How often the resource was replaced.
    pub generation: u32,
    /// Properties with all functions resolved.
    pub properties: Map<String, Value>,
    /// Known values for `Fn::GetAtt`.
    pub attributes: BTreeMap<String, Value>,
    /// Metadata as the template has it.
    pub metadata: Value,
    /// Status in CloudFormation's words.
    pub status: String,
    /// Logical ids that it depends on.
    pub depends_on: BTreeSet<String>,
    /// What becomes of it when it leaves the stack.
    pub deletion_policy: Policy,
    /// What becomes of it when another one takes its place.
    pub update_replace_policy: Policy,
    /// The stack behind an `AWS::CloudFormation::Stack`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nested: Option<Box<StackState>>,
}

/// Without properties and attributes, which can hold secrets.
impl fmt::Debug for ResourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceState")
            .field("resource_type", &self.resource_type)
            .field("physical_id", &self.physical_id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A stack as the simulator keeps it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct StackState {
    /// Its name.
    pub name: String,
    /// Its unique id (ARN).
    pub id: String,
    /// Status in CloudFormation's words.
    pub status: String,
    /// Reason of the status.
    pub status_reason: Option<String>,
    /// The template as it was requested. Stacks of earlier versions of the simulator do not have it (`null`).
    #[serde(default)]
    pub source: Value,
    /// The template after all transforms.
    pub template: Value,
    /// Parameters by name.
    pub parameters: BTreeMap<String, StoredParameter>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resources by logical id.
    pub resources: BTreeMap<String, ResourceState>,
    /// Outputs in template order.
    pub outputs: Vec<(String, String)>,
    /// Exported values by export name.
    pub exports: BTreeMap<String, String>,
    /// Names of the exports of other stacks that this one imports.
    pub imports: BTreeSet<String>,
    /// Whether it is protected against deletion. May be changed at any time.
    pub termination_protection: bool,
    /// Policy that says which resources an update may touch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// Token of the last operation.
    pub last_token: String,
    /// Epoch milliseconds of its creation.
    pub created_ms: i64,
    /// Epoch milliseconds of its last operation.
    pub updated_ms: i64,
    /// How many events it has had.
    pub event_count: u64,
}

/// Without values, which can be secrets.
impl fmt::Debug for StackState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StackState")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("status", &self.status)
            .field("resources", &self.resources)
            .finish_non_exhaustive()
    }
}

impl StackState {
    /// Returns the stacks nested in this one, at any depth.
    #[must_use]
    pub fn nested(&self) -> Vec<&StackState> {
        let children = self.resources.values().filter_map(|resource| resource.nested.as_deref());
        children.flat_map(|child| std::iter::once(child).chain(child.nested())).collect()
    }

    /// Returns the stack as a stack service describes it; `name` is the stack's own.
    #[must_use]
    pub fn describe(&self, name: &StackName) -> StackDescription {
        let shown = |parameter: &StoredParameter| {
            if parameter.no_echo { "****".to_owned() } else { parameter.text.clone() }
        };
        StackDescription {
            name: name.clone(),
            id: self.id.clone(),
            status: StackStatus(self.status.clone()),
            status_reason: self.status_reason.clone(),
            outputs: self.outputs.clone(),
            parameters: self.parameters.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
            tags: self.tags.clone(),
            termination_protection: self.termination_protection,
        }
    }
}
