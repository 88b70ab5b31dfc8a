use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use attini_core::runner::{JobMessage, LogLevel};
use thiserror::Error;
use tokio::sync::watch;

use crate::control::HELD;
use crate::files::private_folder;
use crate::source::Sources;
use crate::{JobOutcome, Ports, RunnerConfig, RunnerExit};

const DEFAULT_SHELL: &str = "/bin/bash";

/// Takes jobs from a queue and runs them.
#[derive(Debug, Clone)]
pub struct Runner {
    pub(crate) shared: Arc<Shared>,
}

/// The folders of a runner could not be made.
#[derive(Debug, Error)]
#[error("cannot make the runner's folder {}", path.display())]
pub struct SetupError {
    /// The folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl Runner {
    /// Makes a runner and its folders.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when the folder in the configuration cannot be made or used.
    pub fn new(config: RunnerConfig, ports: Ports) -> Result<Self, SetupError> {
        let folders = Folders::make(&config.work_dir)?;
        let sources = Sources::new(folders.sources.clone(), ports.objects.clone());
        let shell = if knows_pipefail(&config.shell) { config.shell.clone() } else { PathBuf::from(DEFAULT_SHELL) };
        Ok(Self { shared: Arc::new(Shared { config, ports, folders, sources, shell }) })
    }

    /// Runs the startup commands once, then jobs from the queue, several at once, until there is a reason to end.
    ///
    /// `shutdown` turning true ends it: no further job is taken, running ones get [`crate::Limits::stop_grace`] to end and are
    /// then ended with `RunnerStopped`. A dropped sender never turns true.
    pub async fn run(&self, shutdown: watch::Receiver<bool>) -> RunnerExit {
        self.shared.run(shutdown).await
    }

    /// Runs one job that somebody else took from its queue and accepted, and answers its step.
    ///
    /// `stop` turning true ends the job at once with `RunnerStopped`.
    pub async fn run_job(&self, job: &JobMessage, stop: watch::Receiver<bool>) -> JobOutcome {
        self.shared.run_job(job, stop).await
    }
}

/// What the loop and all jobs share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: RunnerConfig,
    pub(crate) ports: Ports,
    pub(crate) folders: Folders,
    pub(crate) sources: Sources,
    pub(crate) shell: PathBuf,
}

impl Shared {
    /// Says something about the runner, if the configured level asks for it.
    pub(crate) fn note(&self, level: LogLevel, text: &str) {
        if level >= self.config.record.jobs.log_level() {
            self.ports.observer.note(level, text);
        }
    }

    /// Returns the variables of all scripts.
    pub(crate) fn base_environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.config.base_environment.clone();
        environment.entry("HOME".to_owned()).or_insert_with(|| self.folders.home.to_string_lossy().into_owned());
        environment
    }
}

/// The folders of a runner, absolute and without links, so that jobs see them as they are.
#[derive(Debug)]
pub(crate) struct Folders {
    pub(crate) work: PathBuf,
    /// Of all jobs: what startup commands install there stays.
    pub(crate) home: PathBuf,
    pub(crate) jobs: PathBuf,
    /// What is kept of jobs that survive this process.
    pub(crate) held: PathBuf,
    pub(crate) sources: PathBuf,
}

impl Folders {
    fn make(work: &Path) -> Result<Self, SetupError> {
        let error = |path: &Path| {
            let path = path.to_owned();
            move |source| SetupError { path, source }
        };
        private_folder(work).map_err(error(work))?;
        let work = work.canonicalize().map_err(error(work))?;
        let folder = |name: &str| {
            let path = work.join(name);
            private_folder(&path).map_err(error(&path)).map(|()| path)
        };
        Ok(Self {
            home: folder("home")?,
            jobs: folder("jobs")?,
            held: folder(HELD)?,
            sources: folder("sources")?,
            work,
        })
    }
}

/// Returns when the flag turns true; never when nobody can set it any more.
pub(crate) async fn stopped(flag: &mut watch::Receiver<bool>) {
    if flag.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn knows_pipefail(shell: &Path) -> bool {
    if shell.file_name().is_some_and(|name| name == "bash") {
        return true;
    }
    let tried = Command::new(shell)
        .args(["-c", "set -eo pipefail"])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}
