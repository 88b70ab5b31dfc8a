//! Following a deployment: from what is recorded somewhere to what a person wants to see, in order and once.
//!
//! [`Follower`] is pure: it takes what was read (the deployment record, stack events, executions with their histories, log
//! lines) and returns [`FollowEvent`]s. [`follow`] reads through the ports until the deployment has ended. Neither changes
//! anything, so any number of people can follow, from any phase, also long after the end.

mod cause;
mod driver;
mod event;
mod follower;
mod record;
mod steps;

pub use cause::FirstCause;
pub use driver::{FollowError, FollowOptions, FollowPorts, follow};
pub use event::{DeploymentRef, Ending, Failure, FollowEvent, Published, Step, Waiting, What};
pub use follower::{Follower, LogRequest, StackRequestOf};

#[cfg(test)]
mod tests;
