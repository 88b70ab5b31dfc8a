use std::collections::BTreeMap;
use std::fmt;

use attini_core::value::{Place, Timestamp};
use serde_json::{Map, Value};
use thiserror::Error;

use super::ResourceState;

/// A value that a stack offers to others of the same account and region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The value.
    pub value: String,
    /// Name of the exporting stack.
    pub stack: String,
}

/// A transform to apply to a template.
#[derive(Debug)]
pub struct TransformCall<'a> {
    /// Its name, as the template spells it.
    pub name: &'a str,
    /// The template without its `Transform` section; earlier transforms have been applied.
    pub fragment: &'a Value,
    /// Values of the template's parameters by name: text, or a list of texts.
    pub template_parameters: &'a Map<String, Value>,
    /// The transform's own parameters, when the template names it as an object.
    pub parameters: &'a Map<String, Value>,
}

/// A transform was not applied.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TransformError {
    /// There is no transform of that name.
    #[error("there is no such transform")]
    Unknown,
    /// The template is not one it can work on.
    #[error("{0}")]
    Failed(String),
}

/// A function that applies a transform.
pub type Transforms<'a> = dyn Fn(&TransformCall<'_>) -> Result<Value, TransformError> + 'a;

/// What surrounds the stacks: everything that is not in the request and not in the stack itself.
pub struct World<'a> {
    /// Account and region of the stack.
    pub place: Place,
    /// The current time; all events of the operation have it.
    pub now: Timestamp,
    /// Looks up a parameter of the parameter store.
    pub ssm: &'a dyn Fn(&str) -> Option<String>,
    /// Exports of all stacks by export name; the stack's own may be among them.
    pub exports: &'a BTreeMap<String, Export>,
    /// Returns the names of the stacks that import an export.
    pub imports_in_use: &'a dyn Fn(&str) -> Vec<String>,
    /// Applies a transform other than `AWS::Serverless-2016-10-31` and `AWS::LanguageExtensions`.
    pub transforms: &'a Transforms<'a>,
    /// Returns the template at the address that a nested stack names, or why it cannot be had.
    pub templates: &'a dyn Fn(&str) -> Result<Value, String>,
    /// How many stacks the stack is nested in; 0 for one of its own.
    pub nesting: usize,
    /// Gives meaning to resources.
    pub hooks: &'a mut dyn ResourceHooks,
}

/// Time and place only: the rest are functions and values that may be secret.
impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("place", &self.place).field("now", &self.now).finish_non_exhaustive()
    }
}

/// A resource that is about to be created, changed or deleted.
pub struct ResourceView<'a> {
    /// Name of its stack.
    pub stack: &'a str,
    /// Unique id of its stack.
    pub stack_id: &'a str,
    /// Its name in the template.
    pub logical_id: &'a str,
    /// Its type, after transforms: a `AWS::Serverless::StateMachine` is an `AWS::StepFunctions::StateMachine` here.
    pub resource_type: &'a str,
    /// Its physical id: what `Ref` gives unless the hook answers with another one.
    pub physical_id: &'a str,
    /// Its properties, all functions resolved.
    pub properties: &'a Map<String, Value>,
    /// The attributes that the simulator knows by itself; a hook's own win.
    pub attributes: &'a BTreeMap<String, Value>,
    /// Its metadata as the template has it; `null` for none.
    pub metadata: &'a Value,
    /// The resource as it was, for changes.
    pub previous: Option<&'a ResourceState>,
}

/// Names only: properties can hold secrets.
impl fmt::Debug for ResourceView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceView")
            .field("stack", &self.stack)
            .field("logical_id", &self.logical_id)
            .field("resource_type", &self.resource_type)
            .field("physical_id", &self.physical_id)
            .finish_non_exhaustive()
    }
}

/// What a hook knows about a resource. The default says nothing, so everything is derived from the resource.
#[derive(Clone, Default, PartialEq)]
pub struct Attributes {
    /// Its physical id, when it is not the one in the view. From [`ResourceHooks::updated`], a new id is a replacement:
    /// the resource with the old id is deleted when the update has succeeded.
    pub physical_id: Option<String>,
    /// Values for `Fn::GetAtt`. They are all that the hook says: values of an earlier call are forgotten.
    pub values: BTreeMap<String, Value>,
}

/// Names only: a custom resource may answer with secrets.
impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes")
            .field("physical_id", &self.physical_id)
            .field("values", &self.values.keys())
            .finish()
    }
}

/// Gives meaning to resources.
///
/// Called in dependency order, once per resource and change, also while an operation is rolled back: a change is undone by
/// [`ResourceHooks::updated`] with the earlier properties, a creation by [`ResourceHooks::deleted`]. `Err` is the reason
/// with which the resource fails; a hook that fails must leave everything as it was, because it is not asked to undo it.
pub trait ResourceHooks {
    /// A resource comes into being.
    ///
    /// # Errors
    ///
    /// The reason why it cannot; the operation fails then.
    fn created(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        let _ = resource;
        Ok(Attributes::default())
    }

    /// Properties of a resource change; [`ResourceView::previous`] is set.
    ///
    /// # Errors
    ///
    /// The reason why they cannot; the operation fails then.
    fn updated(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        let _ = resource;
        Ok(Attributes::default())
    }

    /// A resource goes away. Not called for those that are retained.
    ///
    /// # Errors
    ///
    /// The reason why it cannot; the deletion of the stack fails then.
    fn deleted(&mut self, resource: &ResourceView<'_>) -> Result<(), String> {
        let _ = resource;
        Ok(())
    }
}

/// Hooks that leave every resource to the simulator.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultHooks;

impl ResourceHooks for DefaultHooks {}
