use std::cell::{Cell, OnceCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use attini_core::value::{TaskToken, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::action::{Action, EffectId, Event, Outcome, TimerId};
use super::context::{ExecutionContext, Moment};
use super::definition::{Definition, Kind, MachineId, State};
use super::failure::{Failure, Fault, QUERY, RUNTIME, TIMEOUT};
use super::frame::{Frame, FrameId, Item, Phase, Run};
use super::history::error_details;
use super::jsonata::Converted;
use super::limits::MAX_EVENTS;
use super::redrive::Unfinished;
use super::scope::StateScope;

/// One running execution. Serialize it to store it; [`Execution::restore`] reads it back.
///
/// The stored form holds inputs, outputs and the seed of the task tokens: treat it as a secret.
#[derive(Serialize, Deserialize)]
pub struct Execution {
    #[serde(skip)]
    pub(super) definition: Arc<Definition>,
    /// Of the definition, so that a snapshot is not continued with another one.
    fingerprint: String,
    pub(super) context: ExecutionContext,
    started: Moment,
    pub(super) frames: BTreeMap<FrameId, Frame>,
    next_frame: FrameId,
    /// Frames that can go on now.
    pub(super) ready: VecDeque<FrameId>,
    effects: BTreeMap<EffectId, FrameId>,
    timers: BTreeMap<TimerId, Timer>,
    next_timer: u64,
    randoms: Cell<u64>,
    pub(super) events: u64,
    /// The executions that distributed Maps have started, by the frames at their top.
    #[serde(default)]
    pub(super) runs: BTreeMap<FrameId, Run>,
    /// The size of all variables as JSON.
    #[serde(default)]
    pub(super) variable_bytes: usize,
    held: bool,
    outcome: Option<Outcome>,
    /// What a redrive goes on with.
    #[serde(default)]
    pub(super) unfinished: Option<Box<Unfinished>>,
    /// How often it was redriven.
    #[serde(default)]
    pub(super) redrives: u64,
    #[serde(skip)]
    pub(super) now_ms: i64,
    #[serde(skip)]
    pub(super) actions: Vec<Action>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Timer {
    /// `None` is the timeout of the execution.
    frame: Option<FrameId>,
    at: Moment,
}

/// Without inputs and outputs, which may hold secrets.
impl fmt::Debug for Execution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Execution")
            .field("context", &self.context)
            .field("open_tasks", &self.effects.keys())
            .field("events", &self.events)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// A stored execution cannot be continued.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The snapshot cannot be read.
    #[error("the stored execution cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// The snapshot belongs to another definition.
    #[error("the stored execution belongs to another version of its state machine; continue it with that version")]
    OtherDefinition,
}

pub(super) const ROOT: FrameId = 0;

fn too_many_events() -> Failure {
    Failure::new(RUNTIME, format!("The execution reached the maximum number of history events ({MAX_EVENTS})."))
}

impl Execution {
    /// Starts an execution and returns what to do first.
    pub fn start(definition: Arc<Definition>, context: ExecutionContext, now: Timestamp) -> (Self, Vec<Action>) {
        let input = context.input.clone();
        let timeout_seconds = definition.timeout_seconds;
        let mut execution = Self {
            fingerprint: definition.fingerprint.clone(),
            definition,
            context,
            started: Moment(now),
            frames: BTreeMap::new(),
            next_frame: ROOT,
            ready: VecDeque::new(),
            effects: BTreeMap::new(),
            timers: BTreeMap::new(),
            next_timer: 0,
            randoms: Cell::new(0),
            events: 0,
            runs: BTreeMap::new(),
            variable_bytes: 0,
            held: false,
            outcome: None,
            unfinished: None,
            redrives: 0,
            now_ms: now.as_ms(),
            actions: Vec::new(),
        };
        execution.record(None, 0, "ExecutionStarted", json!({"input": input.to_string()}));
        execution.open_frame(MachineId(0), None, None, input, 0);
        if let Some(seconds) = timeout_seconds {
            execution.set_timer(None, Duration::from_secs(seconds));
        }
        execution.run();
        let actions = std::mem::take(&mut execution.actions);
        (execution, actions)
    }

    /// Takes an event and returns what to do.
    pub fn apply(&mut self, event: Event, now: Timestamp) -> Vec<Action> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        self.now_ms = now.as_ms();
        match event {
            Event::TaskSubmitted { effect, output } => self.task_submitted(&effect, &output),
            Event::TaskSucceeded { effect, output } => self.task_succeeded(&effect, output),
            Event::TaskFailed { effect, error, cause } => self.task_failed(&effect, error, cause),
            Event::TaskHeartbeat { effect } => self.task_heartbeat(&effect),
            Event::TimerFired { timer } => self.timer_fired(timer),
            Event::Stop { error, cause } => self.stop(error, cause),
        }
        self.run();
        std::mem::take(&mut self.actions)
    }

    /// Returns how the execution ended; `None` while it runs.
    #[must_use]
    pub fn is_ended(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Reads a stored execution.
    ///
    /// # Errors
    ///
    /// [`RestoreError`] when the snapshot is damaged or was made with another definition.
    pub fn restore(snapshot: Value, definition: Arc<Definition>) -> Result<Self, RestoreError> {
        let mut execution: Self = serde_json::from_value(snapshot)?;
        if execution.fingerprint != definition.fingerprint {
            return Err(RestoreError::OtherDefinition);
        }
        execution.definition = definition;
        Ok(execution)
    }

    /// Returns the tasks that were started and have not ended.
    pub fn open_tasks(&self) -> impl Iterator<Item = &EffectId> {
        self.effects.keys()
    }

    /// Returns the timers that were set and have not fired, for a driver that restores the execution.
    pub fn open_timers(&self) -> impl Iterator<Item = (TimerId, Timestamp)> {
        self.timers.iter().map(|(id, timer)| (*id, timer.at.0))
    }

    /// Returns the task that a token answers, if it is open.
    ///
    /// The cost grows with the number of open tasks.
    #[must_use]
    pub fn task_of(&self, token: &TaskToken) -> Option<&EffectId> {
        self.effects.keys().find(|effect| self.context.seed.token(effect) == *token)
    }

    /// Whether no task is running, so that stopping now interrupts nobody's work.
    #[must_use]
    pub fn at_step_boundary(&self) -> bool {
        self.effects.is_empty()
    }

    /// From now on no state is entered and no task is tried again; running tasks end as usual.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Undoes [`Self::hold`] and returns what to do.
    pub fn release(&mut self, now: Timestamp) -> Vec<Action> {
        self.held = false;
        self.now_ms = now.as_ms();
        self.run();
        std::mem::take(&mut self.actions)
    }

    /// Lets an ended execution go on at `now`.
    pub(super) fn reopen(&mut self, now: Timestamp) {
        self.outcome = None;
        self.held = false;
        self.now_ms = now.as_ms();
    }

    /// Whether [`Self::hold`] is in effect.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Lets every frame go on that can, one state each in turn.
    pub(super) fn run(&mut self) {
        let max_events = if self.definition.has_no_event_limit { u64::MAX } else { MAX_EVENTS };
        while self.outcome.is_none() && !self.held {
            let Some(id) = self.ready.pop_front() else { break };
            if self.events >= max_events {
                self.keep_unfinished();
                self.end_failed(ROOT, too_many_events());
                break;
            }
            let run = self.frames.get(&id).and_then(|frame| self.runs.get(&frame.run?));
            if run.is_some_and(|run| run.events >= max_events) {
                self.fail(id, too_many_events());
                continue;
            }
            self.advance(id);
        }
    }

    fn advance(&mut self, id: FrameId) {
        let definition = Arc::clone(&self.definition);
        let now = Moment(Timestamp::from_ms(self.now_ms));
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        if matches!(frame.phase, Phase::Enter) {
            frame.visits += 1;
            frame.attempt = 0;
            frame.retries.clear();
            frame.entered_time = now;
            frame.before_entered = frame.last_event;
            let text = frame.text.take().unwrap_or_else(|| frame.input.to_string());
            let details = json!({"name": state.name, "input": text.as_str()});
            frame.text = Some(text);
            let entered = self.record_for(id, format!("{}StateEntered", state.kind.name()), details);
            if let Some(frame) = self.frames.get_mut(&id) {
                frame.entered_event = entered;
            }
        }
        let result = self.execute(id, state);
        self.settle(id, state, result);
    }

    /// Turns the fault of a state into its failure.
    pub(super) fn settle(&mut self, id: FrameId, state: &State, result: Result<(), Fault>) {
        if let Err(fault) = result {
            let failure = self.report(id, state, fault);
            self.fail(id, failure);
        }
    }

    /// Turns a fault into a failure, and records that of an expression in an event of its own.
    pub(super) fn report(&mut self, id: FrameId, state: &State, fault: Fault) -> Failure {
        let Some(frame) = self.frames.get_mut(&id) else { return Failure::of_fault(&state.name, 0, fault) };
        let entered = frame.entered_event;
        let is_query = fault.error == QUERY;
        let location = fault.location.clone();
        let mut failure = Failure::of_fault(&state.name, entered, fault);
        if is_query {
            // The service makes this event together with that of the entry, except where a state was seen to begin.
            if frame.last_event == entered && !matches!(state.kind, Kind::Wait(_)) {
                frame.last_event = frame.before_entered;
            }
            let mut details = error_details(failure.error.as_deref(), failure.cause.as_deref());
            details.extend(location.map(|location| ("location".to_owned(), location.into())));
            details.insert("state".to_owned(), state.name.as_str().into());
            self.record_for(id, "EvaluationFailed", Value::Object(details));
            failure.reported = true;
        }
        failure
    }

    /// Returns what the paths of a frame's state see; `None` when the frame has ended.
    pub(super) fn scope<'a>(
        &'a self,
        id: FrameId,
        state: &'a State,
        token: Option<&'a TaskToken>,
        item: Option<&'a Item>,
    ) -> Option<StateScope<'a>> {
        let frame = self.frames.get(&id)?;
        Some(StateScope {
            execution: &self.context,
            redrives: self.redrives,
            started: self.started,
            now_ms: self.now_ms,
            state,
            id,
            frame,
            frames: &self.frames,
            run: frame.run.and_then(|run| self.runs.get(&run)),
            token,
            item,
            result: None,
            error: None,
            used: &self.randoms,
            context: OnceCell::new(),
            converted: Converted::default(),
        })
    }

    /// Opens a frame at the start of a machine; its first event follows from `last_event`.
    pub(super) fn open_frame(
        &mut self,
        machine: MachineId,
        parent: Option<(FrameId, usize)>,
        item: Option<Item>,
        input: Value,
        last_event: u64,
    ) -> FrameId {
        let id = self.next_frame;
        self.next_frame += 1;
        let slot = parent.map_or(0, |(_, slot)| slot);
        let around = parent.and_then(|(parent, _)| self.frames.get(&parent));
        let path = around.map_or_else(String::new, |around| {
            let name = self.definition.state(around.state).map_or("", |state| state.name.as_str());
            format!("{}{name}.{}#{}[{slot}]/", around.path, around.visits, around.attempt)
        });
        let item = item.or_else(|| around.and_then(|around| around.item.clone()));
        let run = around.and_then(|around| around.run);
        let frame = Frame {
            parent: parent.map(|(parent, _)| parent),
            slot,
            path,
            item,
            state: self.definition.start(machine),
            visits: 0,
            input,
            text: None,
            variables: BTreeMap::new(),
            run,
            entered_event: 0,
            before_entered: 0,
            entered_time: self.started,
            last_event,
            retries: Vec::new(),
            attempt: 0,
            phase: Phase::Enter,
        };
        self.frames.insert(id, frame);
        self.ready.push_back(id);
        id
    }

    /// Names the current attempt of a frame's task.
    pub(super) fn effect_of(&self, id: FrameId, state: &State) -> EffectId {
        let (path, visits, attempt) =
            self.frames.get(&id).map_or(("", 0, 0), |frame| (frame.path.as_str(), frame.visits, frame.attempt));
        EffectId(format!("{path}{}.{visits}#{attempt}", state.name))
    }

    pub(super) fn open_effect(&mut self, effect: EffectId, frame: FrameId) {
        self.effects.insert(effect, frame);
    }

    pub(super) fn frame_of(&self, effect: &EffectId) -> Option<FrameId> {
        self.effects.get(effect).copied()
    }

    pub(super) fn close_effect(&mut self, effect: &EffectId) {
        self.effects.remove(effect);
    }

    pub(super) fn set_timer(&mut self, frame: Option<FrameId>, wait: Duration) -> TimerId {
        let timer = TimerId(self.next_timer);
        self.next_timer += 1;
        let at = Timestamp::from_ms(self.now_ms).after(wait);
        self.timers.insert(timer, Timer { frame, at: Moment(at) });
        self.actions.push(Action::SetTimer { timer, at });
        timer
    }

    pub(super) fn cancel_timer(&mut self, timer: Option<TimerId>) {
        if let Some(timer) = timer
            && self.timers.remove(&timer).is_some()
        {
            self.actions.push(Action::CancelTimer { timer });
        }
    }

    fn timer_fired(&mut self, timer: TimerId) {
        let Some(fired) = self.timers.remove(&timer) else { return };
        let Some(id) = fired.frame else {
            self.keep_unfinished();
            // The service records nothing else: the states stay open, and the event follows from none of theirs.
            self.record(None, 0, "ExecutionTimedOut", Value::Object(error_details(Some(TIMEOUT), None)));
            self.end(Outcome::TimedOut);
            return;
        };
        let definition = Arc::clone(&self.definition);
        let Some(frame) = self.frames.get(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        match frame.phase {
            Phase::Waiting { .. } if matches!(state.kind, Kind::Wait(_)) => {
                let result = self.wait_over(id, state);
                self.settle(id, state, result);
            }
            Phase::Waiting { .. } => {
                if let Some(frame) = self.frames.get_mut(&id) {
                    frame.phase = Phase::Again;
                }
                self.ready.push_back(id);
            }
            Phase::Task { heartbeat, .. } => self.task_timed_out(id, heartbeat == Some(timer)),
            _ => {}
        }
    }

    fn stop(&mut self, error: Option<String>, cause: Option<String>) {
        let last = self.frames.get(&ROOT).map_or(0, |frame| frame.last_event);
        self.keep_unfinished();
        self.abort_frames();
        self.record(None, last, "ExecutionAborted", Value::Object(error_details(error.as_deref(), cause.as_deref())));
        self.end(Outcome::Aborted { error, cause });
    }

    fn abort_frames(&mut self) {
        let all: Vec<FrameId> = self.frames.keys().copied().collect();
        for id in all.into_iter().rev() {
            self.abort_frame(id);
        }
    }

    pub(super) fn end_failed(&mut self, last: FrameId, failure: Failure) {
        let details = error_details(failure.error.as_deref(), failure.cause.as_deref());
        self.record_for(last, "ExecutionFailed", Value::Object(details));
        self.end(Outcome::Failed { error: failure.error, cause: failure.cause });
    }

    /// Ends the execution; whatever is still open is canceled.
    pub(super) fn end(&mut self, outcome: Outcome) {
        for effect in std::mem::take(&mut self.effects).into_keys() {
            self.actions.push(Action::CancelTask { effect });
        }
        for timer in std::mem::take(&mut self.timers).into_keys() {
            self.actions.push(Action::CancelTimer { timer });
        }
        self.frames.clear();
        self.runs.clear();
        self.ready.clear();
        self.actions.push(Action::End(outcome.clone()));
        self.outcome = Some(outcome);
    }

    pub(super) fn random(&self) -> u64 {
        let n = self.randoms.get();
        self.randoms.set(n + 1);
        self.context.seed.random(n)
    }
}
