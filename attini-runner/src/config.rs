use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attini_core::port::{Clock, Inventory, JobQueue, LogStore, ObjectStore, TaskTokens};
use attini_core::runner::RunnerRecord;

use crate::{RunnerObserver, SupervisorCommand};

/// What a runner is told at its start.
#[derive(Debug, Clone)]
pub struct RunnerConfig {
    /// The runner, its queue, and how it runs jobs.
    pub record: RunnerRecord,
    /// Jobs with another hash are left for another runner (runner.md 2.4).
    pub configuration_hash: i32,
    /// The task this process runs in. The runner ends when the record names another one; `None` when whoever starts it
    /// makes sure that there is only one.
    pub task_id: Option<String>,
    /// Folder that belongs to this runner alone; made when absent.
    pub work_dir: PathBuf,
    /// All environment variables of jobs but the `ATTINI_*` of the job and those of the plan.
    ///
    /// `HOME` is a folder in [`RunnerConfig::work_dir`] and `TMPDIR` a folder of the job unless they stand here.
    pub base_environment: BTreeMap<String, String>,
    /// Shell of jobs. One that does not know `pipefail` is replaced by `/bin/bash`.
    pub shell: PathBuf,
    /// Where people find the runner's own log; part of the causes of failures.
    pub log_url: Option<String>,
    /// What runs jobs so that they survive this process; the next runner with the same folder takes them up again. `None`
    /// runs them as children of this process, for worlds in which nothing of a runner survives it.
    pub supervisor: Option<SupervisorCommand>,
    /// How long everything may take.
    pub limits: Limits,
}

/// How long a runner waits for what. The defaults are those of the specification; tests use shorter ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Between asking a job that took too long to end and ending it; default 10 s (runner.md 4.6).
    pub kill_grace: Duration,
    /// The same for a job that is in the way of the runner's own end; default 2 s, because containers get 30 s in all.
    pub stop_kill_grace: Duration,
    /// For the output of processes that outlive the job's shell, and for its log to be stored; default 5 s.
    pub output_wait: Duration,
    /// Between two signs of life of a job; default 60 s (runner.md 1).
    pub heartbeat: Duration,
    /// For running jobs when the runner is to end; default 20 s (runner.md 4.9).
    pub stop_grace: Duration,
    /// For a service that does not answer, before giving up; default 5 min (runner.md 4.8).
    pub patience: Duration,
    /// First pause before trying again; doubled each time; default 1 s.
    pub backoff_first: Duration,
    /// Longest pause before trying again; default 30 s.
    pub backoff_max: Duration,
    /// For the record to name this runner's task; default 30 s (runner.md 4.2).
    pub ownership_wait: Duration,
    /// Longest time a line of a job waits before it is stored; default 50 ms.
    pub log_flush: Duration,
    /// Least time between two looks into an empty queue; default 20 ms.
    pub poll_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            kill_grace: Duration::from_secs(10),
            stop_kill_grace: Duration::from_secs(2),
            output_wait: Duration::from_secs(5),
            heartbeat: Duration::from_secs(60),
            stop_grace: Duration::from_secs(20),
            patience: Duration::from_secs(300),
            backoff_first: Duration::from_secs(1),
            backoff_max: Duration::from_secs(30),
            ownership_wait: Duration::from_secs(30),
            log_flush: Duration::from_millis(50),
            poll_pause: Duration::from_millis(20),
        }
    }
}

/// What a runner needs from the outside.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Where jobs come from.
    pub queue: Arc<dyn JobQueue>,
    /// Where results go.
    pub tokens: Arc<dyn TaskTokens>,
    /// Artifact store with the zips of distributions.
    pub objects: Arc<dyn ObjectStore>,
    /// Where output of jobs goes.
    pub logs: Arc<dyn LogStore>,
    /// Records: which execution is current, who owns the queue.
    pub inventory: Arc<dyn Inventory>,
    /// Gives lines their time. Waits are real ones, because processes are.
    pub clock: Arc<dyn Clock>,
    /// Hears what happens.
    pub observer: Arc<dyn RunnerObserver>,
}
