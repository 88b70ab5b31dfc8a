use std::pin::Pin;
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use attini_core::port::{LogLine, LogStore};
use attini_core::runner::{JobMessage, LogLevel, RunnerConfigError, error_name};
use attini_core::value::ObjectKey;

use crate::answer::Answer;
use crate::backoff::with_causes;
use crate::control::{Control, JobEnd, JobResult, Spec};
use crate::files::JobFiles;
use crate::job::{Halt, JobOutcome, failed, read_output, runtime_error, timed_out};
use crate::log::JobLog;
use crate::runner::Shared;
use crate::supervised::{Seen, SupervisorCommand, end_job, start, watch};

/// How often a supervisor is started that dies before it begins the job.
const STARTS: u32 = 3;
/// How much longer a supervisor may take than its own limits add up to.
const SLACK: Duration = Duration::from_secs(2);

impl Shared {
    /// Runs a job that is kept in a folder, from wherever an earlier runner has left it.
    pub(crate) async fn execute_supervised(
        &self,
        job: &JobMessage,
        control: &Control,
        supervisor: &SupervisorCommand,
        mut halt: Pin<&mut (impl Future<Output = Halt> + Send)>,
    ) -> JobOutcome {
        let limits = &self.config.limits;
        let files = JobFiles::kept(&self.folders.jobs, job);
        let mut log = LogOfJob::start(self, job, control).await;
        let patience = limits.stop_kill_grace + limits.output_wait + SLACK;
        let mut outcome = None;
        for _ in 0..STARTS {
            let child = match self.begin(job, control, &files, supervisor, halt.as_mut()).await {
                Ok(child) => child,
                Err(failure) => {
                    outcome = Some(failure);
                    break;
                }
            };
            let mut each = |line: LogLine| log.line(line, |text| self.ports.observer.output(Some(job), text));
            match watch(control, child, patience, halt.as_mut(), &mut each).await {
                Ok(Seen::Halted(why)) => outcome = Some(why.outcome()),
                Ok(Seen::Gone(Some(result))) => outcome = Some(self.outcome_of(&files, &result)),
                Ok(Seen::Gone(None)) if control.has_begun() => {
                    end_job(control);
                    outcome = Some(failed(error_name::JOB_LOST, LOST));
                }
                // Its supervisor died before it began the job.
                Ok(Seen::Gone(None)) => continue,
                Err(error) => {
                    outcome = Some(failed(error_name::RUNTIME_ERROR, format!("cannot follow the job: {error}")));
                }
            }
            break;
        }
        if let Err(problem) = log.finish(limits.output_wait).await {
            self.note(LogLevel::Warn, &format!("The log of job {} is not complete: {problem}", job.step));
        }
        outcome.unwrap_or_else(|| {
            let program = supervisor.program.display();
            failed(
                error_name::RUNTIME_ERROR,
                format!("{program}, which is to run the job, ended {STARTS} times before it began"),
            )
        })
    }

    /// Starts a supervisor unless one lives or the job was begun.
    async fn begin(
        &self,
        job: &JobMessage,
        control: &Control,
        files: &JobFiles,
        supervisor: &SupervisorCommand,
        halt: Pin<&mut (impl Future<Output = Halt> + Send)>,
    ) -> Result<Option<Child>, JobOutcome> {
        let broken =
            |what: &str, error: &io::Error| failed(error_name::RUNTIME_ERROR, format!("cannot {what}: {error}"));
        // Whoever has the lock may be about to begin.
        let lock = control.lock().map_err(|error| broken("lock the job's folder", &error))?;
        // Without this mark nothing of the job has happened, so it can be prepared again.
        let Some(lock) = lock.filter(|_| !control.has_begun()) else { return Ok(None) };
        self.prepare(job, control, files, halt).await?;
        let program = supervisor.program.display();
        start(control, supervisor, lock).map(Some).map_err(|error| broken(&format!("start {program}"), &error))
    }

    /// Writes everything that the job and its supervisor need.
    async fn prepare(
        &self,
        job: &JobMessage,
        control: &Control,
        files: &JobFiles,
        halt: Pin<&mut (impl Future<Output = Halt> + Send)>,
    ) -> Result<(), JobOutcome> {
        let (folder, copy) = (self.folders.jobs.clone(), job.clone());
        match tokio::task::spawn_blocking(move || JobFiles::create_kept(&folder, &copy).map(drop)).await {
            Ok(made) => made.map_err(|error| runtime_error(&error))?,
            Err(error) => return Err(runtime_error(&error)),
        }
        tokio::select! {
            provided = self.sources.provide(job, files.source.clone(), &self.config.limits) => {
                provided.map_err(|error| runtime_error(&error))?;
            }
            why = halt => return Err(why.outcome()),
        }
        let environment =
            self.environment(job, files).map_err(|error| failed(RunnerConfigError::ERROR_NAME, error.to_string()))?;
        let limits = &self.config.limits;
        let spec = Spec {
            shell: self.shell.clone(),
            file: files.script.clone(),
            dir: files.source.clone(),
            output: files.output.clone(),
            environment,
            timeout: self.config.record.jobs.job_timeout(),
            kill_grace: limits.kill_grace,
            halt_grace: limits.stop_kill_grace,
            output_wait: limits.output_wait,
        };
        control
            .write_quickly("spec.json", &spec.render())
            .map_err(|error| failed(error_name::RUNTIME_ERROR, format!("cannot write what to run: {error}")))
    }

    fn outcome_of(&self, files: &JobFiles, result: &JobResult) -> JobOutcome {
        let tail = || result.tail.iter().map(String::as_str);
        match &result.end {
            JobEnd::Exited(0) => read_output(files),
            JobEnd::Exited(code) => self.script_error(&format!("Script exited with code {code}"), tail()),
            JobEnd::TimedOut => self.script_error(&timed_out(self.config.record.jobs.job_timeout()), tail()),
            JobEnd::Halted => Halt::Stopped.outcome(),
            JobEnd::Broken(cause) => failed(error_name::RUNTIME_ERROR, cause.as_str()),
        }
    }

    /// Answers a job that is kept and will not be run.
    pub(crate) async fn refuse_held(&self, job: &JobMessage, error: &str, cause: &str) {
        self.note(LogLevel::Info, &format!("Job {} is not run: {cause}", job.step));
        if self.answer(&job.token, Answer::Failure { error, cause }).await {
            self.forget(job).await;
        }
    }

    /// Removes what is kept of a job.
    pub(crate) async fn forget(&self, job: &JobMessage) {
        let control = Control::of(&self.folders.held, job);
        if !control.is_held() {
            return;
        }
        let files = JobFiles::kept(&self.folders.jobs, job);
        let removed = tokio::task::spawn_blocking(move || {
            let files = files.remove();
            control.remove().map_err(|error| error.to_string()).and(files.map_err(|error| with_causes(&error)))
        });
        match removed.await {
            Ok(Ok(())) => {}
            Ok(Err(problem)) => self.note(LogLevel::Warn, &problem),
            Err(error) => self.note(LogLevel::Warn, &with_causes(&error)),
        }
    }
}

const LOST: &str = "The process that ran the job is gone without a result, so nobody knows how far the job came. It is not \
                    repeated by itself: list `JobLost` in the `Retry` of steps that can be run twice";

/// The stored log of a job, of which a part may be stored already.
struct LogOfJob {
    log: JobLog,
    /// So many lines are stored.
    skip: usize,
}

impl LogOfJob {
    async fn start(shared: &Shared, job: &JobMessage, control: &Control) -> Self {
        let skip = match control.has_begun() {
            true => stored_lines(&shared.ports.logs, &job.log_key(), control).await,
            false => 0,
        };
        let noted = control.clone();
        let log =
            JobLog::start(shared.ports.logs.clone(), job.log_key(), shared.config.limits.log_flush, move |count| {
                // Without the note only more has to be compared after a crash.
                let _unnoted = noted.write_quickly("stored", &(skip + count).to_string());
            });
        Self { log, skip }
    }

    fn line(&mut self, line: LogLine, tell: impl FnOnce(&str)) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        tell(&line.text);
        self.log.push(line);
    }

    async fn finish(self, wait: Duration) -> Result<(), String> {
        self.log.finish(wait).await
    }
}

/// Returns how many lines of a job are in its log: those that were noted, and those that were stored after the last note.
async fn stored_lines(logs: &Arc<dyn LogStore>, key: &ObjectKey, control: &Control) -> usize {
    let noted: usize = control.number("stored").unwrap_or(0);
    let Ok(stored) = logs.read(key, 0).await else { return noted };
    let written = fs::read_to_string(control.path("output")).unwrap_or_default();
    let mut rest = written.lines().skip(noted).peekable();
    let mut found = 0;
    // Several jobs can write into one log, so theirs are passed over.
    for line in stored {
        let Some(next) = rest.peek() else { break };
        let (time, text) = next.split_once(' ').unwrap_or(("", next));
        if line.text == text && line.time.as_ms().to_string() == time {
            found += 1;
            rest.next();
        }
    }
    noted + found
}
