//! What the steps of a plan do when they run: one file per kind, and the function that chooses between them.
//!
//! A step that answers through a task token ends in exactly one answer: here when it fails early or is done at once, else
//! by the guard or the runner.

mod action;
mod approval;
mod cfn;
mod input;
mod merge;
mod plan_end;
mod prepare;
mod runner_job;

pub use action::{run_action, supported_step_types};
pub use input::StepInput;
pub use plan_end::plan_ended;

#[cfg(test)]
mod tests;
