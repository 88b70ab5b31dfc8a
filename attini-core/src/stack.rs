//! Stack configuration: what a step and its configuration files say of a stack, and what follows from both.

mod file;
mod location;
mod operation;
mod wanted;

pub use file::{StackFile, ValueSource, ValueSpec};
pub use location::{config_file_key, template_location};
pub use operation::{Operation, decide_operation};
pub(crate) use operation::{create_stack, update_stack};
pub(crate) use wanted::fill;
pub use wanted::{Action, StackProperties, WantedStack};
