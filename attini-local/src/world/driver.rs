use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attini_core::framework::{Failure, Framework, explain};
use attini_core::port::{ExecutionStatus, FunctionError, HistoryEvent};
use attini_core::runner::{error_name, job_dedup_id};
use attini_core::step::{plan_ended, run_action};
use attini_core::value::{ExecutionArn, TaskToken, Timestamp};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::calls::{Call, payload, result as result_of, waiting_action};
use super::functions::ValueFunctions;
use super::jobs::holds_job;
use super::parts::Parts;
use super::redrive::REDRIVE;
use super::replay::{Input, OpenTask, Replay, ReplayError};
use super::watch::{StackOperation, operation_of};
use super::workflows::STOP;
use crate::engine::{
    Action, Definition, EffectId, Event, ExecutionContext, Outcome, Seed, TaskPattern, TaskRequest, TimerId,
};
use crate::store::{Tx, TxError, executions, has_left, intents, task_tokens};

/// Longest time between two looks at what other processes left in the home.
const POLL: Duration = Duration::from_millis(25);

/// Runs executions: performs what the engine asks for, and tells it what happened.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) parts: Parts,
    pub(super) framework: Arc<Framework>,
    pub(super) functions: Arc<ValueFunctions>,
    /// Told when a token was answered in this process.
    pub(super) answered: Arc<Notify>,
    /// Takes operations on stacks whose events are to be watched.
    pub(super) operations: UnboundedSender<StackOperation>,
    /// Folder of the deployment, below which runners keep their jobs.
    pub(super) work: PathBuf,
}

/// One execution while it runs.
struct Run {
    arn: ExecutionArn,
    replay: Replay,
    events: UnboundedSender<Event>,
    timers: HashMap<TimerId, AbortHandle>,
    /// The last sign of life of each open task that must give some.
    heartbeats: HashMap<EffectId, Option<Timestamp>>,
}

/// An execution as it is, and the actions that begin it when nothing of it is recorded.
type Begun = (Run, Option<Vec<Action>>);

impl Driver {
    /// Runs one execution to its end and records it; one that another process has begun is continued.
    ///
    /// # Errors
    ///
    /// When the home fails, or the execution cannot be continued; it is then as a crash leaves it.
    pub(super) async fn drive(self: Arc<Self>, arn: ExecutionArn) -> Result<(), Failure> {
        let (sender, receiver) = unbounded_channel();
        if let Some((run, actions)) = self.start(&arn, sender)? {
            self.run(run, actions, receiver).await?;
        }
        let ended = self.framework.workflows.describe(&arn).await?;
        let left = self.read(|tx| executions::states_left(tx, &arn))?;
        let mut tries = 0;
        while let Err(failure) = plan_ended(&self.framework, &ended, left).await {
            tries += 1;
            if tries == 5 {
                return Err(failure);
            }
            self.parts.clock.sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Returns the execution; `None` when it has ended.
    fn start(&self, arn: &ExecutionArn, events: UnboundedSender<Event>) -> Result<Option<Begun>, Failure> {
        let found = self.read(|tx| {
            Ok((executions::find(tx, arn)?, executions::definition(tx, arn)?, executions::seed(tx, arn)?))
        })?;
        let (Some(description), Some(definition), seed) = found else { return Ok(None) };
        if description.status != ExecutionStatus::Running {
            return Ok(None);
        }
        let definition = match Definition::parse(&definition) {
            Ok(definition) => Arc::new(definition),
            Err(problems) => {
                let outcome = executions::Outcome::Failed {
                    error: Some("States.Runtime".to_owned()),
                    cause: Some(problems.join("; ")),
                };
                let now = self.parts.clock.now();
                self.write(|tx| executions::finish(tx, arn, &outcome, now).map(drop))?;
                return Ok(None);
            }
        };
        let Some(seed) = seed else {
            return Err(cannot_continue(&ReplayError::OtherVersion));
        };
        let context = context_of(&self.parts, arn, description.input, seed);
        let started = description.started;
        let replayed = self.read(|tx| Ok(Replay::of(tx, arn, &definition, context, started)))?;
        let (replay, actions) = replayed.map_err(|error| cannot_continue(&error))?;
        let (timers, heartbeats) = (HashMap::new(), HashMap::new());
        Ok(Some((Run { arn: arn.clone(), replay, events, timers, heartbeats }, actions)))
    }

    async fn run(
        self: &Arc<Self>,
        mut run: Run,
        actions: Option<Vec<Action>>,
        mut receiver: UnboundedReceiver<Event>,
    ) -> Result<(), Failure> {
        let mut ended = match actions {
            Some(actions) => {
                let now = self.parts.clock.now();
                self.write(|tx| record(tx, &run.arn, &actions, now))?;
                self.perform(&mut run, actions)
            }
            None if run.replay.execution.is_ended().is_some() => self.redrive(&mut run)?,
            None => self.take_up(&mut run)?,
        };
        while !ended {
            // What happened since the last round is taken together: one transaction for all of it.
            let mut events = Vec::new();
            tokio::select! {
                event = receiver.recv() => events.extend(event),
                () = self.answered.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
            while let Ok(event) = receiver.try_recv() {
                events.push(event);
            }
            ended = self.round(&mut run, events)?;
        }
        for (_, timer) in run.timers {
            timer.abort();
        }
        Ok(())
    }

    /// Goes on with an execution that has ended and was reopened since.
    fn redrive(self: &Arc<Self>, run: &mut Run) -> Result<bool, Failure> {
        self.functions.skip(&run.replay.answered_calls()).map_err(Failure::from)?;
        let now = self.parts.clock.now();
        let (replay, arn) = (&mut run.replay, &run.arn);
        let actions = self.write(|tx| {
            let intents = intents::take(tx, arn.as_str())?;
            let how = intents.into_iter().find(|intent| intent.kind == REDRIVE).map(|intent| intent.body);
            let how = how.and_then(|how| serde_json::from_value(how).ok()).unwrap_or_default();
            let actions = replay.advance(tx, arn, vec![Input::Redrive(how)], now)?;
            record(tx, arn, &actions, now)?;
            Ok(actions)
        })?;
        Ok(self.perform(run, actions))
    }

    /// Does again what is open in an execution that another process has begun, and says whether it has ended.
    fn take_up(self: &Arc<Self>, run: &mut Run) -> Result<bool, Failure> {
        self.functions.skip(&run.replay.answered_calls()).map_err(Failure::from)?;
        let timers: Vec<_> = run.replay.execution.open_timers().collect();
        timers.into_iter().for_each(|(timer, at)| self.set_timer(run, timer, at));
        let open = run.replay.open.clone();
        for (effect, task) in &open {
            watch_heartbeat(run, effect, &task.request);
        }
        // What was answered meanwhile must not be done again.
        if self.round(run, Vec::new())? {
            return Ok(true);
        }
        for (effect, task) in open {
            if run.replay.open.contains_key(&effect) {
                self.start_task_again(run, effect, task);
            }
        }
        Ok(false)
    }

    /// Takes events, answers and intents into account, and performs what follows. Says whether the execution has ended.
    fn round(self: &Arc<Self>, run: &mut Run, mut events: Vec<Event>) -> Result<bool, Failure> {
        let arn = run.arn.clone();
        let (answered, intended) =
            self.read(|tx| Ok((task_tokens::has_answers(tx, &arn)?, intents::is_waiting(tx, arn.as_str())?)))?;
        self.note_heartbeats(run, &mut events)?;
        if events.is_empty() && !answered && !intended && run.replay.stop.is_none() {
            return Ok(false);
        }
        let now = self.parts.clock.now();
        let replay = &mut run.replay;
        let actions = self.write(|tx| {
            let mut inputs = Vec::new();
            let intents = if intended { intents::take(tx, arn.as_str())? } else { Vec::new() };
            for intent in intents.into_iter().filter(|intent| intent.kind == STOP) {
                let cause = intent.body.get("cause").and_then(Value::as_str).unwrap_or("stopped").to_owned();
                inputs.push(Input::Hold { cause });
            }
            for (effect, answer) in task_tokens::take_answers(tx, &arn)? {
                let effect = EffectId::new(effect);
                events.push(match answer {
                    task_tokens::Answer::Succeeded(output) => Event::TaskSucceeded { effect, output },
                    task_tokens::Answer::Failed { error, cause } => {
                        Event::TaskFailed { effect, error: Some(error), cause: Some(cause) }
                    }
                });
            }
            inputs.extend(events.drain(..).map(Input::Event));
            let mut actions = match inputs.is_empty() {
                true => Vec::new(),
                false => replay.advance(tx, &arn, inputs, now)?,
            };
            let nobody_works = !replay.open.values().any(|task| waiting_action(&task.request) != Some(APPROVAL));
            if let (Some(cause), true) = (replay.stop.clone(), nobody_works) {
                let stop = Input::Event(Event::Stop { error: None, cause: Some(cause) });
                actions.extend(replay.advance(tx, &arn, vec![stop], now)?);
            }
            record(tx, &arn, &actions, now)?;
            Ok(actions)
        })?;
        Ok(self.perform(run, actions))
    }

    fn note_heartbeats(&self, run: &mut Run, events: &mut Vec<Event>) -> Result<(), Failure> {
        run.heartbeats.retain(|effect, _| run.replay.open.contains_key(effect));
        for (effect, known) in &mut run.heartbeats {
            let last = self.read(|tx| task_tokens::last_heartbeat(tx, &run.arn, effect.as_str()))?;
            if last.is_some() && last != *known {
                *known = last;
                events.push(Event::TaskHeartbeat { effect: effect.clone() });
            }
        }
        Ok(())
    }

    fn read<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>) -> Result<T, Failure> {
        self.parts.home.read(work).map_err(|error| Failure::internal(&error))
    }

    fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>) -> Result<T, Failure> {
        self.parts.home.write(work).map_err(|error| Failure::internal(&error))
    }

    fn perform(self: &Arc<Self>, run: &mut Run, actions: Vec<Action>) -> bool {
        let mut ended = false;
        for action in actions {
            match action {
                Action::StartTask { effect, task } => {
                    watch_heartbeat(run, &effect, &task);
                    self.start_task(run, effect, Arc::new(task));
                }
                Action::SetTimer { timer, at } => self.set_timer(run, timer, at),
                Action::CancelTimer { timer } => {
                    if let Some(timer) = run.timers.remove(&timer) {
                        timer.abort();
                    }
                }
                Action::CancelTask { .. } | Action::Record(_) => {}
                Action::End(_) => ended = true,
            }
        }
        ended
    }

    fn set_timer(&self, run: &mut Run, timer: TimerId, at: Timestamp) {
        let events = run.events.clone();
        let wait = at.since(self.parts.clock.now());
        let task = tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            // Nobody listens when the execution has ended.
            drop(events.send(Event::TimerFired { timer }));
        });
        run.timers.insert(timer, task.abort_handle());
    }

    fn start_task(self: &Arc<Self>, run: &Run, effect: EffectId, task: Arc<TaskRequest>) {
        let driver = Arc::clone(self);
        let called = effect.clone();
        self.report(run, effect, async move { Some(driver.call(called, &task).await) });
    }

    /// Does again what may have been done before. Every action of the framework can be repeated with the same token: what
    /// was accepted is not asked for twice.
    fn start_task_again(self: &Arc<Self>, run: &Run, effect: EffectId, task: OpenTask) {
        let OpenTask { request, submitted } = task;
        let (driver, called) = (Arc::clone(self), effect.clone());
        match waiting_action(&request) {
            Some(STACK) => self.report(run, effect, async move {
                let event = driver.call(called.clone(), &request).await;
                if let (Some(token), Event::TaskSubmitted { .. }) = (&request.token, &event) {
                    // Whoever watched the operation is gone.
                    match operation_of(&driver.framework, token).await {
                        Ok(operation) => operation.into_iter().for_each(|found| drop(driver.operations.send(found))),
                        Err(failure) => return Some(finished(called, Err(failed_call(failure)))),
                    }
                }
                Some(event).filter(|event| !submitted || !matches!(event, Event::TaskSubmitted { .. }))
            }),
            Some(JOB) => self.report(run, effect, async move {
                let lost = request.token.as_ref().map(|token| driver.is_lost(token)).transpose();
                let event = match lost {
                    Ok(Some(true)) => finished(called, Err(job_lost())),
                    Ok(_) => driver.call(called, &request).await,
                    Err(failure) => finished(called, Err(failed_call(failure))),
                };
                Some(event).filter(|event| !submitted || !matches!(event, Event::TaskSubmitted { .. }))
            }),
            // It was asked for, and whoever answers does so through the records.
            _ if submitted => {}
            _ => self.start_task(run, effect, request),
        }
    }

    /// Lets a task run beside the execution, which hears of its end, also when that is a panic.
    fn report(
        self: &Arc<Self>,
        run: &Run,
        effect: EffectId,
        work: impl Future<Output = Option<Event>> + Send + 'static,
    ) {
        let (driver, events) = (Arc::clone(self), run.events.clone());
        let work = tokio::spawn(work);
        tokio::spawn(async move {
            let event = match work.await {
                Ok(event) => event,
                Err(error) => Some(Event::TaskFailed {
                    effect,
                    error: Some("InternalError".to_owned()),
                    cause: Some(format!(
                        "this is a mistake in attini or in a program that embeds it: {}",
                        explain(&error)
                    )),
                }),
            };
            if let Some(event) = event {
                drop(events.send(event));
                driver.answered.notify_one();
            }
        });
    }

    /// Says whether a job was handed over and nobody knows of it any more.
    fn is_lost(&self, token: &TaskToken) -> Result<bool, Failure> {
        let id = job_dedup_id(token);
        Ok(self.read(|tx| has_left(tx, &id))? && !holds_job(&self.work, &id))
    }

    async fn call(&self, effect: EffectId, task: &TaskRequest) -> Event {
        let result = match Call::of(task) {
            Call::Framework => run_action(&self.framework, payload(task)).await.map_err(failed_call),
            Call::Function { name } => self.framework.functions.invoke(&name, &task.state, payload(task)).await,
            // Whoever waits for a token of another service gets the value that the environment has for the state.
            Call::Service => {
                return finished(
                    effect,
                    match super::objects::answer(&self.parts, task).await {
                        Some(answered) => answered,
                        None => self.functions.task(&task.resource, &task.state),
                    },
                );
            }
        };
        match result {
            Ok(output) if task.pattern == TaskPattern::WaitForTaskToken => {
                Event::TaskSubmitted { effect, output: result_of(task, output) }
            }
            other => finished(effect, other.map(|output| result_of(task, output))),
        }
    }
}

/// Returns what an execution knows of itself.
pub(super) fn context_of(parts: &Parts, arn: &ExecutionArn, input: Value, seed: String) -> ExecutionContext {
    let machine = arn.machine();
    ExecutionContext {
        execution_arn: arn.as_str().to_owned(),
        execution_name: arn.id().to_owned(),
        role_arn: String::new(),
        machine_arn: machine.as_str().to_owned(),
        machine_name: machine.name().to_owned(),
        region: parts.place.region.as_str().to_owned(),
        input,
        seed: Seed::new(seed),
        object: None,
    }
}

/// What the framework does for the steps that wait, as the plan's states ask for it.
const APPROVAL: &str = "ManualApproval";
const STACK: &str = "DeployCfn";
const JOB: &str = "ExecuteRunner";

fn watch_heartbeat(run: &mut Run, effect: &EffectId, task: &TaskRequest) {
    if task.heartbeat_seconds.is_some() {
        run.heartbeats.insert(effect.clone(), None);
    }
}

fn cannot_continue(error: &ReplayError) -> Failure {
    Failure::new("CannotResume", explain(error))
}

fn failed_call(failure: Failure) -> FunctionError {
    FunctionError::Failed { error: failure.error, cause: failure.cause }
}

fn job_lost() -> FunctionError {
    let cause =
        "the job was handed over to a runner, and nothing is left of it; nobody knows how far it came".to_owned();
    FunctionError::Failed { error: error_name::JOB_LOST.to_owned(), cause }
}

fn finished(effect: EffectId, result: Result<Value, FunctionError>) -> Event {
    match result {
        Ok(output) => Event::TaskSucceeded { effect, output },
        Err(error) => {
            let failure = Failure::from(error);
            Event::TaskFailed { effect, error: Some(failure.error), cause: Some(failure.cause) }
        }
    }
}

/// Writes what a decision led to, before any of it is done: history, tokens that can be answered, the end.
fn record(tx: &Tx<'_>, arn: &ExecutionArn, actions: &[Action], now: Timestamp) -> Result<(), TxError> {
    let history: Vec<HistoryEvent> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Record(event) => Some(event.clone()),
            _ => None,
        })
        .collect();
    executions::append_history(tx, arn, &history)?;
    for action in actions {
        match action {
            Action::StartTask { effect, task } => {
                if let Some(token) = &task.token {
                    task_tokens::open(tx, token, arn, effect.as_str(), now)?;
                }
            }
            Action::CancelTask { effect } => task_tokens::close(tx, arn, effect.as_str())?,
            Action::End(outcome) => {
                executions::finish(tx, arn, &stored(outcome), now)?;
                task_tokens::close_all(tx, arn)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn stored(outcome: &Outcome) -> executions::Outcome {
    match outcome.clone() {
        Outcome::Succeeded { output } => executions::Outcome::Succeeded(output),
        Outcome::Failed { error, cause } => executions::Outcome::Failed { error, cause },
        Outcome::TimedOut => executions::Outcome::TimedOut,
        Outcome::Aborted { error, cause } => executions::Outcome::Aborted { error, cause },
    }
}
