use std::collections::BTreeMap;
use std::fmt;
use std::pin::{Pin, pin};
use std::time::Duration;

use attini_core::port::LogLine;
use attini_core::runner::{
    JobMessage, LogLevel, RunnerConfigError, error_name, failure_cause, interpret_output, job_environment,
};
use serde_json::Value;
use tokio::sync::watch;

use crate::answer::Answer;
use crate::backoff::with_causes;
use crate::control::Control;
use crate::files::{JobFiles, OutputError, joined};
use crate::log::JobLog;
use crate::process::{Ended, Leftovers, Lines, Running, Script, Waits};
use crate::runner::{Shared, stopped};

/// How a job ended.
#[derive(Clone, PartialEq)]
pub enum JobOutcome {
    /// All commands succeeded; this is the step's output.
    Succeeded(Value),
    /// The step fails with this error name and cause.
    Failed {
        /// One of [`attini_core::runner::error_name`].
        error: &'static str,
        /// Why.
        cause: String,
    },
    /// The step no longer waits, so the job was ended and nobody is told.
    Abandoned,
}

/// Outputs can hold secrets, so they are not shown.
impl fmt::Debug for JobOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded(_) => f.write_str("Succeeded(…)"),
            Self::Failed { error, cause } => {
                f.debug_struct("Failed").field("error", error).field("cause", cause).finish()
            }
            Self::Abandoned => f.write_str("Abandoned"),
        }
    }
}

/// Why a job is ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Halt {
    Closed,
    Stopped,
}

impl Halt {
    pub(crate) fn outcome(self) -> JobOutcome {
        match self {
            Self::Closed => JobOutcome::Abandoned,
            Self::Stopped => failed(error_name::RUNNER_STOPPED, "The runner was stopped before the job ended"),
        }
    }
}

impl Shared {
    /// Runs the job, gives signs of life, and answers the step exactly once.
    pub(crate) async fn run_job(&self, job: &JobMessage, mut stop: watch::Receiver<bool>) -> JobOutcome {
        self.note(LogLevel::Info, &format!("Job {} of execution {} starts", job.step, job.execution));
        let outcome = {
            let halt = async {
                tokio::select! {
                    () = self.until_closed(&job.token) => Halt::Closed,
                    () = stopped(&mut stop) => Halt::Stopped,
                }
            };
            Box::pin(self.execute(job, pin!(halt))).await
        };
        let how = match &outcome {
            JobOutcome::Succeeded(_) => "succeeded",
            JobOutcome::Failed { error, .. } => *error,
            JobOutcome::Abandoned => "ended, because its step no longer waits",
        };
        self.note(LogLevel::Info, &format!("Job {} of execution {}: {how}", job.step, job.execution));
        self.ports.observer.job_ended(job, &outcome).await;
        let told = match &outcome {
            JobOutcome::Succeeded(output) => self.answer(&job.token, Answer::Success(output)).await,
            JobOutcome::Failed { error, cause } => self.answer(&job.token, Answer::Failure { error, cause }).await,
            JobOutcome::Abandoned => true,
        };
        // Not before the step was told: until then the result is all there is of the job.
        if told {
            self.forget(job).await;
        }
        outcome
    }

    async fn execute(&self, job: &JobMessage, mut halt: Pin<&mut (impl Future<Output = Halt> + Send)>) -> JobOutcome {
        let control = Control::of(&self.folders.held, job);
        if let Some(supervisor) = self.config.supervisor.as_ref().filter(|_| control.is_held()) {
            return self.execute_supervised(job, &control, supervisor, halt).await;
        }
        let files = match self.make_files(job).await {
            Ok(files) => files,
            Err(outcome) => return outcome,
        };
        let outcome = tokio::select! {
            provided = self.sources.provide(job, files.source.clone(), &self.config.limits) => match provided {
                Ok(()) => Ok(()),
                Err(error) => Err(runtime_error(&error)),
            },
            why = &mut halt => Err(why.outcome()),
        };
        let outcome = match outcome {
            Ok(()) => self.run_commands(job, &files, halt).await,
            Err(outcome) => outcome,
        };
        match tokio::task::spawn_blocking(move || files.remove()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.note(LogLevel::Warn, &with_causes(&error)),
            Err(error) => self.note(LogLevel::Warn, &with_causes(&error)),
        }
        outcome
    }

    async fn make_files(&self, job: &JobMessage) -> Result<JobFiles, JobOutcome> {
        let (folder, job) = (self.folders.jobs.clone(), job.clone());
        match tokio::task::spawn_blocking(move || JobFiles::create(&folder, &job)).await {
            Ok(made) => made.map_err(|error| runtime_error(&error)),
            Err(error) => Err(runtime_error(&error)),
        }
    }

    async fn run_commands(
        &self,
        job: &JobMessage,
        files: &JobFiles,
        halt: Pin<&mut (impl Future<Output = Halt> + Send)>,
    ) -> JobOutcome {
        let environment = match self.environment(job, files) {
            Ok(environment) => environment,
            Err(error) => return failed(RunnerConfigError::ERROR_NAME, error.to_string()),
        };
        let script = Script { shell: &self.shell, file: &files.script, dir: &files.source, environment: &environment };
        let mut running = match Running::start(&script) {
            Ok(running) => running,
            Err(error) => {
                return failed(
                    error_name::RUNTIME_ERROR,
                    format!("cannot start {} in the job's folder: {error}", self.shell.display()),
                );
            }
        };
        self.ports.observer.job_started(job, running.process_group()).await;
        let limits = &self.config.limits;
        let mut log = JobLog::start(self.ports.logs.clone(), job.log_key(), limits.log_flush, |_| {});
        let timeout = self.config.record.jobs.job_timeout();
        let waits = Waits {
            timeout,
            kill_grace: limits.kill_grace,
            halt_grace: limits.stop_kill_grace,
            output_wait: limits.output_wait,
        };
        let mut lines = Lines::new(|line| {
            self.ports.observer.output(Some(job), line);
            log.push(LogLine { time: self.ports.clock.now(), text: line.to_owned() });
        });
        let ended = running.finish(&waits, Leftovers::End, halt, &mut lines).await;
        let outcome = match ended {
            Ok(Ended::Exited(0)) => read_output(files),
            Ok(Ended::Exited(code)) => self.script_error(&format!("Script exited with code {code}"), lines.tail()),
            Ok(Ended::TimedOut) => self.script_error(&timed_out(timeout), lines.tail()),
            Ok(Ended::Halted(why)) => why.outcome(),
            Err(error) => failed(error_name::RUNTIME_ERROR, format!("cannot follow the job's process: {error}")),
        };
        drop(lines);
        if let Err(problem) = log.finish(limits.output_wait).await {
            self.note(LogLevel::Warn, &format!("The log of job {} is not complete: {problem}", job.step));
        }
        outcome
    }

    pub(crate) fn environment(
        &self,
        job: &JobMessage,
        files: &JobFiles,
    ) -> Result<BTreeMap<String, String>, RunnerConfigError> {
        let own = job_environment(&self.config.record.name, job, &files.paths())?;
        let temporary = ("TMPDIR".to_owned(), files.temporary.to_string_lossy().into_owned());
        Ok(joined([BTreeMap::from([temporary]), self.base_environment(), own]))
    }

    pub(crate) fn script_error<'a>(&self, what: &str, tail: impl Iterator<Item = &'a str>) -> JobOutcome {
        failed(error_name::SCRIPT_EXECUTION_ERROR, failure_cause(&self.with_log_url(what), tail))
    }

    /// Adds where the whole log is, when that is known.
    pub(crate) fn with_log_url(&self, what: &str) -> String {
        match &self.config.log_url {
            Some(url) => format!("{what}, see complete logs at: {url}"),
            None => what.to_owned(),
        }
    }
}

/// Returns the text of a timeout, in seconds.
pub(crate) fn timed_out(timeout: Duration) -> String {
    format!("Script timed out after {} seconds", timeout.as_secs_f64())
}

pub(crate) fn read_output(files: &JobFiles) -> JobOutcome {
    let output = files.read_output().and_then(|content| Ok(interpret_output(&content)?));
    match output {
        Ok(output) => JobOutcome::Succeeded(output),
        Err(OutputError::TooLarge(error)) => failed(error_name::OUTPUT_TOO_LARGE, error.to_string()),
        Err(error) => runtime_error(&error),
    }
}

pub(crate) fn failed(error: &'static str, cause: impl Into<String>) -> JobOutcome {
    JobOutcome::Failed { error, cause: cause.into() }
}

pub(crate) fn runtime_error(error: &dyn std::error::Error) -> JobOutcome {
    failed(error_name::RUNTIME_ERROR, with_causes(error))
}
