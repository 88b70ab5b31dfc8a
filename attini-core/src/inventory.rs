//! Deployments, history, environments: the records, and what people and steps read from them.
//!
//! Every record has one wire struct here; its field names are an external contract (init-deploy.md 8, actions.md 15).

mod deployment;
mod environment;
mod resource;

pub(crate) use deployment::update_own;
pub use deployment::{
    DeploymentRecord, DeploymentSource, Outcome, PlanStep, StackFailure, find_deployment, list_history,
    save_deployment, update_deployment,
};
pub use environment::{EnvironmentRecord, ensure_environment, find_environment, list_environments, remove_environment};
pub use resource::{
    ApprovalRecord, DependencyRecord, DistributionRecord, InitStackRecord, LastSuccess, PlanRecord, StackRecord,
    approval_key, distribution_key, init_stack_key, list_distributions, list_waiting_approvals, plan_key, read,
    stack_key,
};
