use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use attini_core::framework::{ACTION_FUNCTION, Failure, Framework};
use attini_core::port::{FunctionError, HistoryEvent};
use attini_core::step::{plan_ended, run_action};
use attini_core::value::{ExecutionArn, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::functions::ValueFunctions;
use super::parts::Parts;
use super::workflows::STOP;
use crate::engine::{
    Action, Definition, EffectId, Event, Execution, ExecutionContext, Outcome, Seed, TaskPattern, TaskRequest, TimerId,
};
use crate::store::{HomeError, Tx, TxError, executions, intents, task_tokens};

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
}

/// One execution while it runs.
struct Run {
    arn: ExecutionArn,
    execution: Execution,
    events: UnboundedSender<Event>,
    timers: HashMap<TimerId, AbortHandle>,
    /// Open tasks: the state's name, whether others work on it (so that it must end by itself), and its heartbeat.
    open: HashMap<EffectId, OpenTask>,
    stop: Option<String>,
    left: u64,
}

struct OpenTask {
    is_work: bool,
    heartbeat: Option<Timestamp>,
    watches_heartbeat: bool,
}

impl Driver {
    /// Runs one execution to its end and records it.
    ///
    /// # Errors
    ///
    /// When the home fails; the execution is then as a crash leaves it.
    pub(super) async fn drive(self: Arc<Self>, arn: ExecutionArn) -> Result<(), Failure> {
        let (sender, receiver) = unbounded_channel();
        let Some((run, actions)) = self.start(&arn, sender)? else { return Ok(()) };
        let left = self.run(run, actions, receiver).await?;
        let ended = self.framework.workflows.describe(&arn).await?;
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

    fn start(&self, arn: &ExecutionArn, events: UnboundedSender<Event>) -> Result<Option<(Run, Vec<Action>)>, Failure> {
        let found = self
            .parts
            .home
            .read(|tx| Ok::<_, TxError>((executions::find(tx, arn)?, executions::definition(tx, arn)?)))
            .map_err(|error| Failure::internal(&error))?;
        let (Some(description), Some(definition)) = found else { return Ok(None) };
        let now = self.parts.clock.now();
        let definition = match Definition::parse(&definition) {
            Ok(definition) => Arc::new(definition),
            Err(problems) => {
                let outcome = executions::Outcome::Failed {
                    error: Some("States.Runtime".to_owned()),
                    cause: Some(problems.join("; ")),
                };
                self.write(|tx| executions::finish(tx, arn, &outcome, now).map(drop))?;
                return Ok(None);
            }
        };
        let machine = arn.machine();
        let context = ExecutionContext {
            execution_arn: arn.as_str().to_owned(),
            execution_name: arn.id().to_owned(),
            role_arn: String::new(),
            machine_arn: machine.as_str().to_owned(),
            machine_name: machine.name().to_owned(),
            region: self.parts.place.region.as_str().to_owned(),
            input: description.input,
            seed: Seed::new(format!("{}{}", self.parts.ids.uuid(), self.parts.ids.uuid())),
            object: None,
        };
        let (execution, actions) = Execution::start(definition, context, now);
        let run = Run {
            arn: arn.clone(),
            execution,
            events,
            timers: HashMap::new(),
            open: HashMap::new(),
            stop: None,
            left: 0,
        };
        Ok(Some((run, actions)))
    }

    async fn run(
        self: &Arc<Self>,
        mut run: Run,
        actions: Vec<Action>,
        mut receiver: UnboundedReceiver<Event>,
    ) -> Result<u64, Failure> {
        let now = self.parts.clock.now();
        self.write(|tx| record(tx, &run.arn, &actions, now))?;
        let mut ended = self.perform(&mut run, actions);
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
        Ok(run.left)
    }

    /// Takes events, answers and intents into account, and performs what follows. Says whether the execution has ended.
    fn round(self: &Arc<Self>, run: &mut Run, mut events: Vec<Event>) -> Result<bool, Failure> {
        let arn = run.arn.clone();
        let look = self
            .parts
            .home
            .read(|tx| {
                let answered = task_tokens::list_answered(tx)?.contains(&arn);
                Ok::<_, TxError>((answered, intents::is_waiting(tx, arn.as_str())?))
            })
            .map_err(|error| Failure::internal(&error))?;
        self.note_heartbeats(run, &mut events)?;
        if let (_, true) = look {
            let found = self.write(|tx| intents::take(tx, arn.as_str()))?;
            for intent in found.into_iter().filter(|intent| intent.kind == STOP) {
                let cause = intent.body.get("cause").and_then(Value::as_str).unwrap_or("stopped").to_owned();
                run.execution.hold();
                run.stop.get_or_insert(cause);
            }
        }
        if events.is_empty() && !look.0 && run.stop.is_none() {
            return Ok(false);
        }
        let now = self.parts.clock.now();
        let mut actions = Vec::new();
        let execution = &mut run.execution;
        let open = &run.open;
        let stop = run.stop.clone();
        self.parts
            .home
            .write(|tx| {
                for (effect, answer) in task_tokens::take_answers(tx, &arn)? {
                    let effect = EffectId::new(effect);
                    events.push(match answer {
                        task_tokens::Answer::Succeeded(output) => Event::TaskSucceeded { effect, output },
                        task_tokens::Answer::Failed { error, cause } => {
                            Event::TaskFailed { effect, error: Some(error), cause: Some(cause) }
                        }
                    });
                }
                for event in events.drain(..) {
                    actions.extend(execution.apply(event, now));
                }
                let nobody_works =
                    !execution.open_tasks().any(|effect| open.get(effect).is_some_and(|task| task.is_work));
                if let (Some(cause), true) = (&stop, nobody_works) {
                    actions.extend(execution.apply(Event::Stop { error: None, cause: Some(cause.clone()) }, now));
                }
                record(tx, &arn, &actions, now)
            })
            .map_err(|error: HomeError| Failure::internal(&error))?;
        Ok(self.perform(run, actions))
    }

    fn note_heartbeats(&self, run: &mut Run, events: &mut Vec<Event>) -> Result<(), Failure> {
        for (effect, task) in run.open.iter_mut().filter(|(_, task)| task.watches_heartbeat) {
            let last = self
                .parts
                .home
                .read(|tx| task_tokens::last_heartbeat(tx, &run.arn, effect.as_str()))
                .map_err(|error| Failure::internal(&error))?;
            if last.is_some() && last != task.heartbeat {
                task.heartbeat = last;
                events.push(Event::TaskHeartbeat { effect: effect.clone() });
            }
        }
        Ok(())
    }

    fn write<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, TxError>) -> Result<T, Failure> {
        self.parts.home.write(work).map_err(|error| Failure::internal(&error))
    }

    fn perform(self: &Arc<Self>, run: &mut Run, actions: Vec<Action>) -> bool {
        let mut ended = false;
        for action in actions {
            match action {
                Action::StartTask { effect, task } => self.start_task(run, effect, task),
                Action::CancelTask { effect } => {
                    run.open.remove(&effect);
                }
                Action::SetTimer { timer, at } => {
                    let events = run.events.clone();
                    let wait = at.since(self.parts.clock.now());
                    let task = tokio::spawn(async move {
                        tokio::time::sleep(wait).await;
                        // Nobody listens when the execution has ended.
                        drop(events.send(Event::TimerFired { timer }));
                    });
                    run.timers.insert(timer, task.abort_handle());
                }
                Action::CancelTimer { timer } => {
                    if let Some(timer) = run.timers.remove(&timer) {
                        timer.abort();
                    }
                }
                Action::Record(event) => run.left += u64::from(event.kind.ends_with("StateExited")),
                Action::End(_) => ended = true,
            }
        }
        let open: Vec<EffectId> = run.execution.open_tasks().cloned().collect();
        run.open.retain(|effect, _| open.contains(effect));
        ended
    }

    fn start_task(self: &Arc<Self>, run: &mut Run, effect: EffectId, task: TaskRequest) {
        let is_approval = task.parameters.pointer("/Payload/attiniActionType") == Some(&json!("ManualApproval"));
        let open =
            OpenTask { is_work: !is_approval, heartbeat: None, watches_heartbeat: task.heartbeat_seconds.is_some() };
        run.open.insert(effect.clone(), open);
        let (driver, events) = (Arc::clone(self), run.events.clone());
        tokio::spawn(async move {
            let event = driver.call(effect, task).await;
            drop(events.send(event));
            driver.answered.notify_one();
        });
    }

    async fn call(&self, effect: EffectId, task: TaskRequest) -> Event {
        let waits = task.pattern == TaskPattern::WaitForTaskToken;
        let result = if task.resource.contains(":::lambda:invoke") {
            let function = task.parameters.get("FunctionName").and_then(Value::as_str).unwrap_or_default().to_owned();
            let payload = task.parameters.get("Payload").cloned().unwrap_or_else(|| json!({}));
            let answer = self.invoke(&function, &task.state, payload).await;
            answer.map(|payload| json!({ "ExecutedVersion": "$LATEST", "Payload": payload, "StatusCode": 200 }))
        } else if task.resource.contains(":lambda:") {
            self.invoke(&task.resource, &task.state, task.parameters).await
        } else if let Some(answered) = super::objects::answer(&self.parts, &task).await {
            answered
        } else {
            // Whoever waits for a token of another service gets the value that the environment has for the state.
            let output = self.functions.task(&task.resource, &task.state);
            return finished(effect, output);
        };
        match result {
            Ok(output) if waits => Event::TaskSubmitted { effect, output },
            other => finished(effect, other),
        }
    }

    async fn invoke(&self, function: &str, state: &str, payload: Value) -> Result<Value, FunctionError> {
        let name = function.rsplit(":function:").next().unwrap_or(function);
        if name == ACTION_FUNCTION {
            return run_action(&self.framework, payload)
                .await
                .map_err(|failure| FunctionError::Failed { error: failure.error, cause: failure.cause });
        }
        self.framework.functions.invoke(function, state, payload).await
    }
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
