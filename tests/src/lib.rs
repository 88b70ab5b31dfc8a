//! What several whole-system tests share.

mod plan_cases;

pub use plan_cases::{PlanCase, conformance_folder, plan_cases};
