//! Events of stacks and approvals become answers to waiting steps, and marks in the records.
//!
//! Events may come twice, late, or out of order: each is handled so that the second time changes nothing.

mod approval;
mod cause;
mod init_stack;
mod stack;

pub use approval::{Answer, Approval, answer_approval};
pub use cause::{FirstCause, first_cause, is_consequence};
pub(crate) use init_stack::{RECREATE_TOKEN, digest_in, upload_digest};
pub use init_stack::{init_stack_event, init_stack_token, start_plans};
pub use stack::stack_event;
pub(crate) use stack::{all_events, step_output};

#[cfg(test)]
mod tests;
