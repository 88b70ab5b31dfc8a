use serde_json::json;
use sha2::{Digest, Sha256};

use super::{LogLevel, RunnerRecord};

/// Returns the hash of everything a running task was configured with, the host apart (runner.md 2.4, actions.md 9.7).
///
/// Environment, distribution and execution are not part of it: a warm runner serves all of them.
#[must_use]
pub fn task_hash(record: &RunnerRecord) -> i32 {
    let RunnerRecord { task, network, jobs, startup, .. } = record;
    hash(&json!([
        task.definition,
        task.cluster,
        task.container,
        task.role,
        task.cpu,
        task.memory,
        network.assign_public_ip,
        network.subnets,
        network.security_groups,
        record.queue,
        jobs.max_concurrent_jobs,
        jobs.idle_time_to_live.map(|time| time.as_secs()),
        jobs.job_timeout.map(|time| time.as_secs()),
        jobs.log_level.map(LogLevel::as_str),
        startup.commands,
        startup.timeout.map(|time| time.as_secs()),
        record.framework_version,
    ]))
}

/// Returns the hash of the host's configuration; 0 when the runner has none.
#[must_use]
pub fn host_hash(record: &RunnerRecord) -> i32 {
    record
        .host
        .as_ref()
        .map_or(0, |host| hash(&json!([host.instance_type, host.log_group, host.instance_profile, host.ami])))
}

/// Returns what a message and a runner compare: both hashes in one.
#[must_use]
pub fn configuration_hash(record: &RunnerRecord) -> i32 {
    combined_hash(task_hash(record), host_hash(record))
}

/// Combines the hashes of task and host.
#[must_use]
pub fn combined_hash(task: i32, host: i32) -> i32 {
    task.wrapping_mul(31).wrapping_add(host)
}

/// Stable across processes, versions of the compiler and machines.
fn hash(value: &serde_json::Value) -> i32 {
    let digest = Sha256::digest(value.to_string().as_bytes());
    i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
