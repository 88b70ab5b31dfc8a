//! Init deploy: from an uploaded zip to a started plan; and how a deployment ends.

mod end;
mod registration;

pub(crate) use end::notify;
pub(crate) use registration::runner_key;
pub use end::{Ending, end_deployment};
pub use registration::{Registration, register_plan, unregister_plan};
