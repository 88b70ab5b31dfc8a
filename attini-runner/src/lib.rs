//! The job loop of Attini's runners, shared by every world.
//!
//! A [`Runner`] takes jobs from a queue, runs each as a process of its own in a fresh copy of the distribution, streams
//! what it writes, and answers the waiting step. What it says to the outside goes through the ports of `attini-core`; what
//! the messages and records mean is decided there, in [`attini_core::runner`].
//!
//! With [`RunnerConfig::supervisor`] a job survives its runner: a small process of its own runs it and leaves the result in
//! a folder, and the next runner of that folder goes on where the last one was. A job that was begun is never begun again;
//! when its supervisor is gone without a result, the step fails with `JobLost`.
//!
//! Nothing is inherited: a job's environment is the map in [`RunnerConfig::base_environment`], the `ATTINI_*` variables and
//! what the plan sets.

mod answer;
mod backoff;
mod config;
mod control;
mod files;
mod held;
mod intake;
mod job;
mod leftovers;
mod log;
mod observer;
mod ownership;
mod process;
mod run;
mod runner;
mod source;
mod startup;
mod supervise;
mod supervised;

pub use config::{Limits, Ports, RunnerConfig};
pub use control::is_held;
pub use job::JobOutcome;
pub use leftovers::end_processes_of;
pub use observer::{RunnerObserver, SilentObserver};
pub use run::RunnerExit;
pub use runner::{Runner, SetupError};
pub use supervise::supervise;
pub use supervised::{SupervisorCommand, end_jobs};
