//! Names of the errors that runners send to steps. Users list them in `Catch` and `Retry`, so they never change.

/// A command ended with an exit code other than 0, or the job took too long (runner.md 4.8).
pub const SCRIPT_EXECUTION_ERROR: &str = "ScriptExecutionError";
/// The runner could not do its own part: source, files, processes (runner.md 4.8).
pub const RUNTIME_ERROR: &str = "RuntimeError";
/// A startup command failed, or the runner is older than required (runner.md 4.2).
pub const STARTUP_TASKS_FAILED: &str = "Startup tasks failed";
/// The runner, or the environment variables of a job, are configured with impossible values (runner.md 3.11).
pub const RUNNER_CONFIG_ERROR: &str = "RunnerConfigError";
/// The output of a job is larger than a step may return (runner.md 4.7).
pub const OUTPUT_TOO_LARGE: &str = "OutputTooLarge";
/// The message of a job is larger than a queue takes (runner.md 3.2).
pub const PAYLOAD_TOO_LARGE: &str = "PayloadTooLarge";
/// The job belongs to an execution that a newer one has replaced (runner.md 4.4).
pub const EXECUTION_SUPERSEDED: &str = "ExecutionSuperseded";
/// The runner was stopped before the job ended (runner.md 4.9).
pub const RUNNER_STOPPED: &str = "RunnerStopped";
/// The runner may not read its records (runner.md 4.4).
pub const ILLEGAL_ACCESS_EXCEPTION: &str = "IllegalAccessException";
/// A property has a kind that cannot be read (actions.md 1.5).
pub const ILLEGAL_FORMAT_EXCEPTION: &str = crate::value::coerce::IllegalFormat::ERROR_NAME;
/// Whoever ran the job is gone without leaving a result (design: local world).
pub const JOB_LOST: &str = "JobLost";
/// The runner did not come up (runner.md 3.11).
pub const TASK_FAILED_TO_START: &str = "TaskFailedToStart";
/// The host of a runner did not come up (runner.md 3.7).
pub const EC2_START_FAILED: &str = "Ec2StartFailedError";

/// Every name with its meaning, for the reference.
pub const ALL: [(&str, &str); 13] = [
    (SCRIPT_EXECUTION_ERROR, "a command of the job failed, or the job took longer than its timeout"),
    (RUNTIME_ERROR, "the runner could not fetch the source, write its files or start the job"),
    (STARTUP_TASKS_FAILED, "a startup command of the runner failed, or the runner is too old"),
    (RUNNER_CONFIG_ERROR, "the runner or the job's environment variables have impossible values"),
    (OUTPUT_TOO_LARGE, "the job's output is larger than a step may return"),
    (PAYLOAD_TOO_LARGE, "the job's input is larger than a queue takes"),
    (EXECUTION_SUPERSEDED, "a newer execution has replaced the one the job belongs to"),
    (RUNNER_STOPPED, "the runner was stopped before the job ended"),
    (ILLEGAL_ACCESS_EXCEPTION, "the runner may not read its records"),
    (ILLEGAL_FORMAT_EXCEPTION, "a property of the step has a kind that cannot be read"),
    (JOB_LOST, "the process that ran the job is gone without a result"),
    (TASK_FAILED_TO_START, "the runner did not come up"),
    (EC2_START_FAILED, "the host of the runner did not come up"),
];
