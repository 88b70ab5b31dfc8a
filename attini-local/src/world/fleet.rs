use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::framework::explain;
use attini_core::inventory::update_deployment;
use attini_core::port::{Delivery, FleetError, JobQueue, QueueError, RunnerFleet};
use attini_core::runner::{JobMessage, RunnerRecord, configuration_hash, error_name};
use attini_core::value::{DeploymentName, ObjectIdentifier, Place};
use attini_runner::{JobOutcome, Limits, Ports, Runner, RunnerConfig, RunnerObserver, SilentObserver};
use futures::executor::block_on;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::jobs::{forget_job, note_job, notes_directory};
use super::parts::Parts;
use super::recover::names_in;
use super::tokens::NotifyingTokens;
use super::values::Values;
use crate::store::{EnvironmentValues, FileLogStore, FsObjectStore, SqliteInventory, SqliteQueue};

/// A fleet for processes that start no runners.
#[derive(Debug)]
pub(super) struct NoFleet;

#[async_trait]
impl RunnerFleet for NoFleet {
    async fn ensure(&self, runner: &RunnerRecord) -> Result<(), FleetError> {
        let cause = format!("this process starts no runners, so {} cannot run", runner.name);
        Err(FleetError { error: error_name::TASK_FAILED_TO_START.to_owned(), cause })
    }
}

/// A queue whose messages only one worker sees: runners of two deployments have the same queue names.
#[derive(Debug)]
pub(super) struct OwnQueue {
    inner: Arc<SqliteQueue>,
    owner: String,
    /// Told of every message that can be taken, so that idle runners need not look.
    sent: Notify,
}

/// Longest wait of [`OwnQueue::receive`]; only this process sends, so nothing comes unnoticed.
const RECEIVE_WAIT: Duration = Duration::from_millis(250);

impl OwnQueue {
    pub(super) fn new(inner: Arc<SqliteQueue>, owner: &str) -> Self {
        Self { inner, owner: owner.to_owned(), sent: Notify::new() }
    }

    /// Returns the end of the names of a worker's queues in the home.
    pub(super) fn suffix(owner: &str) -> String {
        format!("#{owner}")
    }

    fn name(&self, queue: &str) -> String {
        format!("{queue}{}", Self::suffix(&self.owner))
    }
}

#[async_trait]
impl JobQueue for OwnQueue {
    async fn send(&self, queue: &str, dedup: &str, body: &str) -> Result<(), QueueError> {
        let sent = self.inner.send(&self.name(queue), dedup, body).await;
        self.sent.notify_waiters();
        sent
    }

    async fn receive(&self, queue: &str) -> Result<Option<Delivery>, QueueError> {
        let name = self.name(queue);
        let sent = self.sent.notified();
        tokio::pin!(sent);
        // From here on a message that comes is noticed, also while the queue is being read.
        sent.as_mut().enable();
        if let Some(delivery) = self.inner.receive(&name).await? {
            return Ok(Some(delivery));
        }
        tokio::select! {
            () = sent => self.inner.receive(&name).await,
            () = tokio::time::sleep(RECEIVE_WAIT) => Ok(None),
        }
    }

    async fn delete(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        self.inner.delete(&self.name(queue), handle).await
    }

    async fn release(&self, queue: &str, handle: &str) -> Result<(), QueueError> {
        let released = self.inner.release(&self.name(queue), handle).await;
        self.sent.notify_waiters();
        released
    }
}

/// The runners of one worker: each is a job loop in this process, its jobs are processes of this machine.
#[derive(Debug)]
pub(super) struct LocalFleet {
    parts: Parts,
    environment: String,
    deployment: String,
    object: ObjectIdentifier,
    queue: Arc<dyn JobQueue>,
    tokens: Arc<NotifyingTokens>,
    shutdown: watch::Sender<bool>,
    runners: Mutex<HashMap<String, JoinHandle<()>>>,
}

impl LocalFleet {
    pub(super) fn new(
        parts: Parts,
        deployment: &str,
        object: ObjectIdentifier,
        queue: Arc<dyn JobQueue>,
        tokens: Arc<NotifyingTokens>,
    ) -> Self {
        let (shutdown, _) = watch::channel(false);
        Self {
            parts,
            environment: names_in(&object).0,
            deployment: deployment.to_owned(),
            object,
            queue,
            tokens,
            shutdown,
            runners: Mutex::default(),
        }
    }

    /// Ends all runners and waits until they are gone.
    pub(super) async fn stop(&self) {
        self.shutdown.send_replace(true);
        let runners: Vec<_> =
            self.runners.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, runner)| runner).collect();
        for runner in runners {
            // A runner that panicked has nothing left to end.
            drop(runner.await);
        }
    }

    /// Lets go of all runners: jobs with a supervisor go on, and the next worker takes them up. The others end.
    pub(super) async fn detach(&self) {
        let runners: Vec<_> =
            self.runners.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, runner)| runner).collect();
        for runner in runners {
            runner.abort();
            // It is gone; how does not matter.
            drop(runner.await);
        }
    }

    fn values(&self) -> Result<Values, String> {
        let stored = EnvironmentValues::new(self.parts.home.clone())
            .values(&self.environment)
            .map_err(|error| explain(&error))?;
        Values::from_json(stored)
    }

    /// Notes in the deployment's record that the startup commands were left out.
    fn warn(&self, runner: &RunnerRecord) {
        let text = format!(
            "the startup commands of runner {} are not run on this machine, because they are made for its image; to run them \
             all the same, set `runners: {{{}: {{runStartupCommands: true}}}}` with `attini local set`",
            runner.name, runner.name
        );
        let inventory = SqliteInventory::new(self.parts.home.clone());
        let (environment, distribution) = names_in(&self.object);
        let name = DeploymentName::of_raw(&environment, &distribution);
        let noted = update_deployment(&inventory, &name, &self.object, |body| {
            if let Value::Array(warnings) = body.entry("warnings").or_insert_with(|| Value::Array(Vec::new())) {
                warnings.push(text.clone().into());
            }
        });
        // A warning that cannot be noted stops nothing.
        drop(block_on(noted));
    }

    fn config(&self, runner: &RunnerRecord) -> Result<RunnerConfig, String> {
        let work = self.parts.work.join(&self.deployment).join(&runner.name);
        let hash = configuration_hash(runner);
        let mut record = runner.clone();
        if !self.values()?.runners.get(&runner.name).is_some_and(|values| values.run_startup_commands) {
            // They prepare an image; on somebody's machine they would install things into the system.
            record.startup.commands.clear();
        }
        let empty = work.join("empty");
        fs::create_dir_all(&work)
            .and_then(|()| fs::write(&empty, ""))
            .map_err(|error| format!("cannot prepare the work folder {}: {error}", work.display()))?;
        Ok(RunnerConfig {
            record,
            configuration_hash: hash,
            task_id: None,
            work_dir: work,
            base_environment: job_environment(&self.parts, &self.parts.place, &empty),
            shell: PathBuf::from("/bin/bash"),
            log_url: None,
            supervisor: self.parts.supervisor.clone(),
            limits: Limits {
                heartbeat: Duration::from_secs(1),
                poll_pause: Duration::from_millis(5),
                ..Limits::default()
            },
        })
    }
}

/// Everything a job gets that is not the job's own: nothing is inherited, and nothing leads to a cloud (design 3).
fn job_environment(parts: &Parts, place: &Place, empty: &Path) -> BTreeMap<String, String> {
    let empty = empty.display().to_string();
    let mut variables = BTreeMap::from([
        ("PATH".to_owned(), parts.search_path.clone()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("SHELL".to_owned(), "/bin/bash".to_owned()),
        ("AWS_CONFIG_FILE".to_owned(), empty.clone()),
        ("AWS_SHARED_CREDENTIALS_FILE".to_owned(), empty),
        ("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()),
        ("ATTINI_AWS_ACCOUNT".to_owned(), place.account.as_str().to_owned()),
        ("ATTINI_AWS_REGION".to_owned(), place.region.as_str().to_owned()),
        ("ATTINI_ARTIFACT_STORE".to_owned(), place.artifact_bucket()),
        ("ATTINI_DISABLE_ANSI_COLOR".to_owned(), "true".to_owned()),
    ]);
    variables.extend(parts.job_variables.clone());
    variables
}

/// Notes the processes of jobs without a supervisor, so that a later command can end them when this worker dies.
#[derive(Debug)]
struct Notes {
    directory: PathBuf,
    groups: Mutex<HashMap<String, i32>>,
}

#[async_trait]
impl RunnerObserver for Notes {
    async fn job_started(&self, job: &JobMessage, process_group: i32) {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner).insert(job.dedup_id(), process_group);
        // Without the note only the clean-up after a crash is missing; the job itself goes on.
        drop(note_job(&self.directory, process_group));
    }

    async fn job_ended(&self, job: &JobMessage, _outcome: &JobOutcome) {
        let group = self.groups.lock().unwrap_or_else(PoisonError::into_inner).remove(&job.dedup_id());
        if let Some(group) = group {
            forget_job(&self.directory, group);
        }
    }
}

#[async_trait]
impl RunnerFleet for LocalFleet {
    async fn ensure(&self, runner: &RunnerRecord) -> Result<(), FleetError> {
        let failed = |cause: String| FleetError { error: error_name::TASK_FAILED_TO_START.to_owned(), cause };
        let mut runners = self.runners.lock().unwrap_or_else(PoisonError::into_inner);
        if runners.get(&runner.queue).is_some_and(|runner| !runner.is_finished()) {
            return Ok(());
        }
        let config = self.config(runner).map_err(failed)?;
        if config.record.startup.commands != runner.startup.commands {
            self.warn(runner);
        }
        let home = &self.parts.home;
        let observer: Arc<dyn RunnerObserver> = match &self.parts.supervisor {
            Some(_) => Arc::new(SilentObserver),
            None => {
                let directory = notes_directory(&self.parts.work.join(&self.deployment));
                Arc::new(Notes { directory, groups: Mutex::default() })
            }
        };
        let ports = Ports {
            queue: Arc::clone(&self.queue),
            tokens: Arc::clone(&self.tokens) as Arc<_>,
            objects: Arc::new(FsObjectStore::new(home.clone(), self.parts.place.artifact_bucket())),
            logs: Arc::new(FileLogStore::new(home.clone())),
            inventory: Arc::new(SqliteInventory::new(home.clone())),
            clock: Arc::clone(&self.parts.clock),
            observer,
        };
        let started = Runner::new(config, ports).map_err(|error| failed(explain(&error)))?;
        let shutdown = self.shutdown.subscribe();
        let task = tokio::spawn(async move {
            started.run(shutdown).await;
        });
        runners.insert(runner.queue.clone(), task);
        Ok(())
    }
}
