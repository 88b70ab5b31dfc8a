//! The plan language: list syntax, step types, the macro that turns plans and runners into CloudFormation resources.
//!
//! A plan goes through three forms. What the author wrote (a list of steps, or `StartAt` and `States`) is read into
//! [`crate::asl::Scope`], which knows for each state where it was written. The scope is checked as a whole, then each step
//! becomes one or more states. Everything here is a function from values to values (deployment-plan.md 2 to 8).

mod defaults;
mod expander;
mod expansion;
mod frame;
pub mod graph;
mod kinds;
pub mod lint;
mod parameters;
mod paths;
mod problem;
mod redirect;
mod references;
mod request;
mod resolve;
mod resource;
mod retry;
mod runner;
mod sam;
mod schema;
mod simple;
mod steps;
mod survey;
mod translate;

#[cfg(test)]
mod tests;

pub use defaults::{decode_defaults, encode_defaults};
pub use expansion::{Expansion, check, expand};
pub use problem::PlanProblem;
pub use request::{DEFAULT_RUNNER_IMAGE, MacroRequest, MacroSettings, failure, macro_response, success};
pub use resolve::{KnownValues, known_parameters, known_place, plan_machine, resolve_template};
pub use sam::{SamProject, sam_projects};
pub use schema::schema;
pub use survey::{
    PlanKind, PlanResource, StepInfo, StepOutline, find_plans, needs_default_vpc, outline, steps, used_runners,
};
pub use translate::translate_template;

use kinds::merge_state_name;

/// Type of a plan in an init template.
pub const DEPLOYMENT_PLAN: &str = "Attini::Deploy::DeploymentPlan";
/// Type of a plan that app distributions run.
pub const APP_DEPLOYMENT_PLAN: &str = "Attini::Deploy::AppDeploymentPlan";
/// Type of a runner.
pub const RUNNER: &str = "Attini::Deploy::Runner";
/// Type of the resource that registers a plan (deployment-plan.md 4.5).
pub const PLAN_TRIGGER: &str = "Custom::AttiniDeploymentPlanTrigger";
/// Type of the resource that registers a plan of app distributions.
pub const APP_PLAN_TRIGGER: &str = "Custom::AttiniAppDeploymentPlanTrigger";
/// Logical id of the runner that is added when steps need one and name none.
pub const DEFAULT_RUNNER: &str = "AttiniDefaultRunner";
