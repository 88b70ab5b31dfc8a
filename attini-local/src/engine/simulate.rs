use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use attini_core::port::HistoryEvent;
use attini_core::value::Timestamp;
use serde_json::Value;

use super::action::{Action, EffectId, Event, Outcome, TaskRequest, TimerId};
use super::context::ExecutionContext;
use super::definition::Definition;
use super::execution::Execution;

/// What stands in for the world behind the tasks.
pub trait Mocks {
    /// Returns what becomes of a task.
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer;
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The first answer of a `.sync` or `.waitForTaskToken` call.
    pub submitted: Option<Value>,
    /// Its end.
    pub end: TaskEnd,
    /// How long after its start the end comes.
    pub delay: Duration,
}

impl Answer {
    /// An end that comes at once.
    #[must_use]
    pub fn of(end: TaskEnd) -> Self {
        Self { submitted: None, end, delay: Duration::ZERO }
    }
}

/// The end of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEnd {
    /// It returns this.
    Succeeded(Value),
    /// It fails.
    Failed {
        /// Error name.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
    /// It is never heard of again, so only a timeout ends it.
    Silent,
}

/// What a simulation saw.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulationResult {
    /// How the execution ended; `None` when it waits for something that will never come.
    pub outcome: Option<Outcome>,
    /// The history.
    pub events: Vec<HistoryEvent>,
    /// What the clock showed at the end.
    pub ended: Timestamp,
}

/// Runs a state machine to its end with a clock that jumps to the next timer whenever nothing else happens.
pub fn simulate(
    definition: Arc<Definition>,
    context: ExecutionContext,
    mocks: &mut dyn Mocks,
    now: Timestamp,
) -> SimulationResult {
    let mut now = now;
    let mut timers: BTreeMap<TimerId, Timestamp> = BTreeMap::new();
    let mut inbox: VecDeque<Event> = VecDeque::new();
    // Ends of tasks that take time.
    let mut late: Vec<(Timestamp, Event)> = Vec::new();
    let mut events = Vec::new();
    let (mut execution, mut actions) = Execution::start(definition, context, now);
    loop {
        for action in actions {
            match action {
                Action::StartTask { effect, task } => {
                    let Answer { submitted, end, delay } = mocks.answer(&effect, &task);
                    inbox.extend(submitted.map(|output| Event::TaskSubmitted { effect: effect.clone(), output }));
                    let event = match end {
                        TaskEnd::Succeeded(output) => Event::TaskSucceeded { effect, output },
                        TaskEnd::Failed { error, cause } => Event::TaskFailed { effect, error, cause },
                        TaskEnd::Silent => continue,
                    };
                    if delay.is_zero() {
                        inbox.push_back(event);
                    } else {
                        late.push((now.after(delay), event));
                    }
                }
                Action::SetTimer { timer, at } => {
                    timers.insert(timer, at);
                }
                Action::CancelTimer { timer } => {
                    timers.remove(&timer);
                }
                Action::Record(event) => events.push(event),
                // Events of a canceled task have no effect.
                Action::CancelTask { .. } | Action::End(_) => {}
            }
        }
        // The ends of tasks that were canceled would only move the clock.
        if execution.is_ended().is_some() {
            break;
        }
        let event = match inbox.pop_front() {
            Some(event) => event,
            None => {
                let timer = timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(id, at)| (*at, *id));
                // A task that ends when its time is up has made it.
                let end = late.iter().enumerate().map(|(index, (at, _))| (*at, index)).min();
                match (timer, end) {
                    (timer, Some((at, index))) if timer.is_none_or(|(_, timer)| at <= timer) => {
                        now = now.max(at);
                        late.remove(index).1
                    }
                    (Some((timer, at)), _) => {
                        timers.remove(&timer);
                        now = now.max(at);
                        Event::TimerFired { timer }
                    }
                    _ => break,
                }
            }
        };
        actions = execution.apply(event, now);
    }
    SimulationResult { outcome: execution.is_ended().cloned(), events, ended: now }
}
