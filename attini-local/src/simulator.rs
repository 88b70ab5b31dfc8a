//! CloudFormation stacks on one machine: templates are read, checked and evaluated as the service does, and nothing is
//! created anywhere.
//!
//! One pure function, [`run`], takes a stack as it was, a request and the [`World`] around it, and returns the stack as it
//! is afterwards with the events in CloudFormation's order and words. There is no I/O, no clock and no randomness in
//! here: physical ids and attributes are made from the stack's id and the logical id, so the same inputs give the same
//! stack. Give a type a meaning of its own through [`ResourceHooks`].
//!
//! Deliberate differences from the service:
//!
//! - A transform that fails, and everything the simulator does not support, refuses the request; the service would
//!   create the stack and roll it back.
//! - Resources that depend on nothing unfinished start together, but they finish one after the other in template order.
//! - Attributes that the table of types does not know are a text `<logical id>-<attribute>-<hash>`.
//! - Tags of the stack are recorded, but a change of them changes no resource.
//! - `{{resolve:ssm:…}}` is looked up, in the version that there is; `ssm-secure` and `secretsmanager` references stay as they are written, so no secret
//!   reaches the state.
//!
//! Not supported yet, and refused by name: modules, `Fn::Transform`, `AWS::Include`, `Hooks`, `Fn::RefAll`,
//! `Fn::ValueOf`, `Fn::ValueOfAll`.

mod at;
mod conditions;
mod drift;
mod events;
mod graph;
mod intrinsics;
mod language;
mod operation;
mod parameters;
mod prepare;
mod references;
mod refusal;
mod resources;
mod rules;
mod serverless;
mod state;
mod template;
mod transforms;
mod world;

#[cfg(test)]
mod tests;

pub use drift::{Changed, Difference, DriftStatus, ResourceDrift, drift};
pub use operation::{
    ChangeAction, OperationKind, OperationOutcome, OperationRequest, Replacement, ResourceChange, preview, run,
    stack_id_prefix,
};
pub use parameters::declared_parameters;
pub use refusal::Refusal;
pub use serverless::machine_definition;
pub use state::{Policy, ResourceState, StackState, StoredParameter};
pub use world::{
    Attributes, DefaultHooks, Export, ResourceHooks, ResourceView, TransformCall, TransformError, Transforms, World,
};
