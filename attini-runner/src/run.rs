use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use attini_core::port::{Delivery, QueueError};
use attini_core::runner::{JobMessage, LogLevel, error_name};
use attini_core::value::TaskToken;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout_at};

use crate::answer::Answer;
use crate::backoff::{Backoff, with_causes};
use crate::intake::{Accepted, Intake};
use crate::process::Running;
use crate::runner::{Shared, stopped};

/// Why a runner ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunnerExit {
    /// There was no job for the configured time.
    Idle,
    /// It was asked to.
    Stopped,
    /// Its record names another task.
    Replaced,
    /// Its queue is gone.
    QueueGone,
    /// It cannot read its records.
    NoAccess,
    /// It could not start. Whatever was queued for it failed with `Startup tasks failed`.
    StartupFailed {
        /// Why.
        cause: String,
    },
}

type Received = Result<Option<Delivery>, QueueError>;
type Receiving<'a> = Pin<Box<dyn Future<Output = Received> + Send + 'a>>;

/// The jobs that run.
#[derive(Debug)]
struct Jobs {
    tasks: JoinSet<()>,
    /// Kept for a job whose task ends without an answer.
    tokens: HashMap<Id, TaskToken>,
    stop: watch::Sender<bool>,
}

impl Shared {
    pub(crate) async fn run(self: &Arc<Self>, mut shutdown: watch::Receiver<bool>) -> RunnerExit {
        let mut jobs = Jobs { tasks: JoinSet::new(), tokens: HashMap::new(), stop: watch::Sender::new(false) };
        let mut accepted = Accepted::default();
        // What runs already needs nothing of what follows.
        for job in self.left_jobs(true, &mut accepted) {
            self.spawn_job(&mut jobs, job);
        }
        let started = tokio::select! {
            started = self.start() => started,
            () = stopped(&mut shutdown) => Err(RunnerExit::Stopped),
        };
        let services = match started {
            Ok(services) => services,
            Err(exit) => {
                if let RunnerExit::StartupFailed { cause } = &exit {
                    for job in self.left_jobs(false, &mut accepted) {
                        self.refuse_held(&job, error_name::STARTUP_TASKS_FAILED, cause).await;
                    }
                }
                return self.end_jobs(&mut jobs, None, exit, &mut shutdown).await;
            }
        };
        for job in self.left_jobs(false, &mut accepted) {
            self.spawn_job(&mut jobs, job);
        }
        let mut receiving = None;
        let exit = Box::pin(self.take_jobs(&mut jobs, &mut accepted, &mut receiving, &mut shutdown)).await;
        let exit = self.end_jobs(&mut jobs, receiving, exit, &mut shutdown).await;
        // Not before the last job, which may use what the startup commands left running.
        drop(services);
        self.note(LogLevel::Info, &format!("The runner ends: {exit:?}"));
        exit
    }

    /// Returns what the startup commands left running, or why the runner ends at once.
    async fn start(&self) -> Result<Option<Running>, RunnerExit> {
        let started = match self.claim().await {
            Ok(true) => self.run_startup().await,
            Ok(false) => return Err(RunnerExit::Replaced),
            Err(error) => Err(with_causes(&error)),
        };
        match started {
            Ok(services) => Ok(services),
            Err(cause) => {
                self.note(LogLevel::Error, &cause);
                self.fail_queued(error_name::STARTUP_TASKS_FAILED, &cause).await;
                Err(RunnerExit::StartupFailed { cause })
            }
        }
    }

    async fn take_jobs<'a>(
        self: &'a Arc<Self>,
        jobs: &mut Jobs,
        accepted: &mut Accepted,
        receiving: &mut Option<Receiving<'a>>,
        shutdown: &mut watch::Receiver<bool>,
    ) -> RunnerExit {
        let settings = &self.config.record.jobs;
        let mut backoff = Backoff::new(&self.config.limits);
        let mut pause = Duration::ZERO;
        let mut idle_since = Instant::now();
        let mut asked = Instant::now();
        loop {
            // Work for which there is no slot stays on the queue, where another runner can find it.
            if receiving.is_none() && jobs.tasks.len() < settings.max_concurrent_jobs() {
                asked = Instant::now() + pause;
                *receiving = Some(self.receive(pause));
                pause = Duration::ZERO;
            }
            // A call that is under way is kept while jobs end: dropping it could lose what it has taken.
            let received = tokio::select! {
                biased;
                () = stopped(shutdown) => return RunnerExit::Stopped,
                Some(ended) = jobs.tasks.join_next_with_id() => {
                    self.job_ended(jobs, ended).await;
                    idle_since = Instant::now();
                    continue;
                }
                received = next(receiving) => received,
            };
            *receiving = None;
            let delivery = match received {
                Ok(Some(delivery)) => delivery,
                Ok(None) => {
                    backoff.reset();
                    if jobs.tasks.is_empty() && idle_since.elapsed() >= settings.idle_time_to_live() {
                        match self.leave().await {
                            Some(delivery) => delivery,
                            None => return RunnerExit::Idle,
                        }
                    } else {
                        pause = self.config.limits.poll_pause.saturating_sub(asked.elapsed());
                        continue;
                    }
                }
                Err(QueueError::Gone { .. }) => return RunnerExit::QueueGone,
                Err(error) => {
                    self.note(LogLevel::Warn, &with_causes(&error));
                    pause = backoff.pause();
                    continue;
                }
            };
            match self.take(delivery, accepted, shutdown).await {
                Intake::Run(job) => {
                    backoff.reset();
                    self.spawn_job(jobs, *job);
                }
                Intake::Settled => backoff.reset(),
                Intake::Left => pause = backoff.pause(),
                Intake::Replaced => return RunnerExit::Replaced,
                Intake::Stopping => return RunnerExit::Stopped,
                Intake::NoAccess => return RunnerExit::NoAccess,
            }
        }
    }

    fn spawn_job(self: &Arc<Self>, jobs: &mut Jobs, job: JobMessage) {
        let (shared, stop) = (Arc::clone(self), jobs.stop.subscribe());
        let token = job.token.clone();
        let task = jobs.tasks.spawn(async move {
            Box::pin(shared.run_job(&job, stop)).await;
        });
        jobs.tokens.insert(task.id(), token);
    }

    fn receive(&self, pause: Duration) -> Receiving<'_> {
        Box::pin(async move {
            if !pause.is_zero() {
                sleep(pause).await;
            }
            self.ports.queue.receive(&self.config.record.queue).await
        })
    }

    /// Gives the queue up and looks into it once more: a job queued in between would otherwise wait for nobody.
    async fn leave(&self) -> Option<Delivery> {
        if let Err(error) = self.mark_started(false).await {
            self.note(LogLevel::Warn, &with_causes(&error));
        }
        let delivery = self.ports.queue.receive(&self.config.record.queue).await.ok().flatten()?;
        if let Err(error) = self.mark_started(true).await {
            self.note(LogLevel::Warn, &with_causes(&error));
        }
        Some(delivery)
    }

    /// Waits for the jobs that still run; ends them when time is up (runner.md 4.9).
    async fn end_jobs(
        &self,
        jobs: &mut Jobs,
        mut receiving: Option<Receiving<'_>>,
        mut exit: RunnerExit,
        shutdown: &mut watch::Receiver<bool>,
    ) -> RunnerExit {
        while exit != RunnerExit::Stopped {
            tokio::select! {
                ended = jobs.tasks.join_next_with_id() => match ended {
                    Some(ended) => self.job_ended(jobs, ended).await,
                    None => return exit,
                },
                () = stopped(shutdown) => exit = RunnerExit::Stopped,
            }
        }
        let deadline = Instant::now() + self.config.limits.stop_grace;
        while !jobs.tasks.is_empty() {
            tokio::select! {
                Some(ended) = jobs.tasks.join_next_with_id() => self.job_ended(jobs, ended).await,
                received = next(&mut receiving) => {
                    receiving = None;
                    if let Ok(Some(delivery)) = received {
                        self.release(&delivery).await;
                    }
                }
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        jobs.stop.send_replace(true);
        while let Some(ended) = jobs.tasks.join_next_with_id().await {
            self.job_ended(jobs, ended).await;
        }
        // A call that is about to return gets the chance to; a delivery it makes later comes back by itself.
        if let Ok(Ok(Some(delivery))) = timeout_at(Instant::now(), next(&mut receiving)).await {
            self.release(&delivery).await;
        }
        exit
    }

    async fn job_ended(&self, jobs: &mut Jobs, ended: Result<(Id, ()), JoinError>) {
        match ended {
            Ok((id, ())) => {
                jobs.tokens.remove(&id);
            }
            Err(error) => {
                let Some(token) = jobs.tokens.remove(&error.id()) else { return };
                let cause = "the runner's own work for the job ended without a result";
                self.note(LogLevel::Error, cause);
                self.answer(&token, Answer::Failure { error: error_name::RUNTIME_ERROR, cause }).await;
            }
        }
    }
}

/// Returns what the call under way returns; never, when there is none.
async fn next(receiving: &mut Option<Receiving<'_>>) -> Received {
    match receiving {
        Some(receiving) => receiving.await,
        None => std::future::pending().await,
    }
}
