//! Init deploy: from an uploaded zip to a started plan; and how a deployment ends.

mod end;

pub use end::{Ending, end_deployment};
