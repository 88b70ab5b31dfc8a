//! A whole environment on this machine: what happens in an account when a zip is uploaded happens here, in one directory.
//!
//! [`LocalWorld`] is the handle. An upload becomes a deployment that a *worker* carries out: a process of its own for the
//! command line ([`LocalWorld::submit`], then [`LocalWorld::work`] in another process), or the calling program
//! ([`LocalWorld::deploy`]). Everybody else follows through the records. The framework's functions are those of
//! `attini-core`, the ports behind them are the adapters of [`crate::store`], the engine and the simulator.

mod calls;
mod deploy;
mod driver;
mod fleet;
mod followed;
mod functions;
mod hooks;
mod jobs;
mod objects;
mod parameters;
mod parts;
mod recover;
mod redrive;
mod region;
mod replay;
mod reset;
mod settle;
mod stack_view;
mod stacks;
mod submission;
mod templates;
mod tokens;
mod values;
mod watch;
mod worker;
mod workflows;

pub use attini_runner::{SupervisorCommand, supervise};
pub use deploy::{Deployed, LocalWorld, Options, WorldError};
pub use redrive::Redriving;
pub use stack_view::{ResourceSummary, StackDetails, StackSummary};
pub use submission::Submission;
pub use values::{Answer, Answers, FailureAnswer, RunnerValues, StackValues, SuccessAnswer, Values};
