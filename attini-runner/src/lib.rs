//! The job loop of Attini's runners, shared by every world.
//!
//! A [`Runner`] takes jobs from a queue, runs each as a process of its own in a fresh copy of the distribution, streams
//! what it writes, and answers the waiting step. What it says to the outside goes through the ports of `attini-core`; what
//! the messages and records mean is decided there, in [`attini_core::runner`].
//!
//! Nothing is inherited: a job's environment is the map in [`RunnerConfig::base_environment`], the `ATTINI_*` variables and
//! what the plan sets.

mod answer;
mod backoff;
mod config;
mod files;
mod intake;
mod job;
mod log;
mod observer;
mod ownership;
mod process;
mod run;
mod runner;
mod source;
mod startup;

pub use config::{Limits, Ports, RunnerConfig};
pub use job::JobOutcome;
pub use observer::{RunnerObserver, SilentObserver};
pub use run::RunnerExit;
pub use runner::{Runner, SetupError};
