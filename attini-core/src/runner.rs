//! The runner protocol: configuration, job message, result, environment variables, log records.
//!
//! Everything here is a function from values to values; `attini-runner` acts on it, in every world alike.

pub mod attribute;
mod environment;
pub mod error_name;
mod hash;
mod limit;
mod log;
mod message;
mod output;
mod record;

pub use environment::{JobPaths, job_environment, job_script, startup_environment};
pub use hash::{combined_hash, configuration_hash, host_hash, task_hash};
pub use limit::{Limit, LogLevel};
pub use log::{parse_log_record, render_log_record};
pub use message::{InvalidMessage, JobMessage, RunnerJobProperties, job_dedup_id, render_job_message};
pub use output::{OUTPUT_LIMIT_BYTES, OutputTooLarge, failure_cause, interpret_output};
pub use record::{
    HostSettings, JobSettings, NetworkSettings, RunnerConfigError, RunnerRecord, RunnerState, StartupSettings,
    TaskSettings,
};
