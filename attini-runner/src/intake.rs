use std::collections::VecDeque;

use attini_core::port::{Delivery, InventoryError, RecordKey};
use attini_core::runner::{InvalidMessage, JobMessage, LogLevel, error_name};
use attini_core::value::DeploymentName;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::answer::Answer;
use crate::backoff::{Backoff, with_causes};
use crate::control::Control;
use crate::runner::{Shared, stopped};

/// How many accepted jobs are remembered. A queue repeats a delivery within minutes, not after a thousand jobs.
const REMEMBERED: usize = 1000;

/// What becomes of a delivery.
#[derive(Debug)]
pub(crate) enum Intake {
    /// It is off the queue and this runner's to run and answer.
    Run(Box<JobMessage>),
    /// It is off the queue and settled.
    Settled,
    /// It is on the queue again, for later or for another runner.
    Left,
    /// It is on the queue again: this runner's task is not the record's any more.
    Replaced,
    /// It is on the queue again: this runner is to end.
    Stopping,
    /// It is off the queue and failed: this runner cannot read its records.
    NoAccess,
}

/// The jobs that a runner has accepted, the newest last.
#[derive(Debug, Default)]
pub(crate) struct Accepted(VecDeque<String>);

impl Accepted {
    fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|known| known == id)
    }

    fn add(&mut self, id: String) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }
}

/// What the records say about a job.
enum Standing {
    Current,
    Superseded,
    NotOwner,
}

impl Shared {
    /// Decides about a delivery (runner.md 4.4). A job is deleted before it runs, so that none runs twice.
    pub(crate) async fn take(
        &self,
        delivery: Delivery,
        accepted: &mut Accepted,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Intake {
        let job = match JobMessage::parse(&delivery.body) {
            Ok(job) => job,
            Err(error) => return self.refuse(&delivery, &error).await,
        };
        if accepted.contains(&job.dedup_id()) {
            self.note(LogLevel::Info, &format!("Job {} was delivered again", job.step));
            return if self.delete(&delivery).await { Intake::Settled } else { Intake::Left };
        }
        let standing = tokio::select! {
            standing = self.standing(&job) => standing,
            () = stopped(shutdown) => {
                self.release(&delivery).await;
                return Intake::Stopping;
            }
        };
        match standing {
            Ok(Standing::Current) => {}
            Ok(Standing::NotOwner) => {
                self.release(&delivery).await;
                return Intake::Replaced;
            }
            Ok(Standing::Superseded) => {
                let cause = format!("Execution {} was replaced by a newer one before the job started", job.execution);
                return self.settle(&delivery, &job, error_name::EXECUTION_SUPERSEDED, &cause, Intake::Settled).await;
            }
            Err(error) => {
                let cause = format!("The runner cannot read its records: {}", with_causes(&error));
                return self
                    .settle(&delivery, &job, error_name::ILLEGAL_ACCESS_EXCEPTION, &cause, Intake::NoAccess)
                    .await;
            }
        }
        if job.configuration_hash != self.config.configuration_hash {
            self.note(LogLevel::Info, &format!("Job {} is for a runner with another configuration", job.step));
            self.release(&delivery).await;
            return Intake::Left;
        }
        if self.config.supervisor.is_some()
            && let Err(error) = Control::hold(&self.folders.held, &job, &delivery.body)
        {
            let cause = format!("cannot keep the job in {}: {error}", self.folders.held.display());
            return self.settle(&delivery, &job, error_name::RUNTIME_ERROR, &cause, Intake::Settled).await;
        }
        if !self.delete(&delivery).await {
            return Intake::Left;
        }
        accepted.add(job.dedup_id());
        Intake::Run(Box::new(job))
    }

    /// Returns the jobs that an earlier runner of this folder has accepted and not answered: those that were begun, or the
    /// others.
    pub(crate) fn left_jobs(&self, begun: bool, accepted: &mut Accepted) -> Vec<JobMessage> {
        if self.config.supervisor.is_none() {
            return Vec::new();
        }
        let held = Control::list(&self.folders.held).into_iter();
        let jobs: Vec<_> = held
            .filter(|(control, _)| control.has_begun() == begun)
            // It was read before, or it would not be there.
            .filter_map(|(_, message)| JobMessage::parse(&message).ok())
            .filter(|job| !accepted.contains(&job.dedup_id()))
            .collect();
        jobs.iter().for_each(|job| accepted.add(job.dedup_id()));
        jobs
    }

    /// Takes everything off the queue that is for this runner and fails it: nobody else would answer.
    pub(crate) async fn fail_queued(&self, error: &str, cause: &str) {
        let mut foreign = Vec::new();
        while let Ok(Some(delivery)) = self.ports.queue.receive(&self.config.record.queue).await {
            let done = match JobMessage::parse(&delivery.body) {
                Ok(job) if job.configuration_hash != self.config.configuration_hash => {
                    foreign.push(delivery);
                    continue;
                }
                Ok(job) => self.settle(&delivery, &job, error, cause, Intake::Settled).await,
                Err(invalid) => self.refuse(&delivery, &invalid).await,
            };
            // A queue that does not let go of a message would give it again and again.
            if matches!(done, Intake::Left) {
                break;
            }
        }
        for delivery in foreign {
            self.release(&delivery).await;
        }
    }

    /// Puts a delivery back on the queue.
    pub(crate) async fn release(&self, delivery: &Delivery) {
        if let Err(error) = self.ports.queue.release(&self.config.record.queue, &delivery.handle).await {
            // It comes back by itself when the queue's own time for it has passed.
            self.note(LogLevel::Debug, &with_causes(&error));
        }
    }

    async fn delete(&self, delivery: &Delivery) -> bool {
        match self.ports.queue.delete(&self.config.record.queue, &delivery.handle).await {
            Ok(()) => true,
            Err(error) => {
                self.note(LogLevel::Warn, &format!("A job is left on the queue: {}", with_causes(&error)));
                self.release(delivery).await;
                false
            }
        }
    }

    async fn settle(&self, delivery: &Delivery, job: &JobMessage, error: &str, cause: &str, then: Intake) -> Intake {
        if !self.delete(delivery).await {
            return Intake::Left;
        }
        self.note(LogLevel::Info, &format!("Job {} is not run: {cause}", job.step));
        self.answer(&job.token, Answer::Failure { error, cause }).await;
        then
    }

    async fn refuse(&self, delivery: &Delivery, invalid: &InvalidMessage) -> Intake {
        if !self.delete(delivery).await {
            return Intake::Left;
        }
        self.note(LogLevel::Error, &format!("A message is dropped: {invalid}"));
        if let Some(token) = &invalid.token {
            self.answer(token, Answer::Failure { error: invalid.error_name, cause: &invalid.to_string() }).await;
        }
        Intake::Settled
    }

    async fn standing(&self, job: &JobMessage) -> Result<Standing, InventoryError> {
        let limits = &self.config.limits;
        let start = Instant::now();
        let mut backoff = Backoff::new(limits);
        loop {
            let error = match self.try_standing(job).await {
                Ok(standing) => return Ok(standing),
                Err(error) => error,
            };
            let pause = backoff.pause();
            if start.elapsed() + pause > limits.patience {
                return Err(error);
            }
            sleep(pause).await;
        }
    }

    async fn try_standing(&self, job: &JobMessage) -> Result<Standing, InventoryError> {
        if !self.is_owner().await? {
            return Ok(Standing::NotOwner);
        }
        let name = DeploymentName::of_raw(&job.environment, &job.distribution_name);
        let deployment = self.ports.inventory.find(&RecordKey::latest(&name)).await?;
        let executions = deployment.as_ref().and_then(|record| record.body.get("executionArns")?.as_object());
        let is_current = |value: &Value| value.as_str() == Some(job.execution.as_str());
        let current = executions.is_some_and(|executions| executions.values().any(is_current));
        Ok(if current { Standing::Current } else { Standing::Superseded })
    }
}
