use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

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
    let mut events = Vec::new();
    let (mut execution, mut actions) = Execution::start(definition, context, now);
    loop {
        for action in actions {
            match action {
                Action::StartTask { effect, task } => {
                    let Answer { submitted, end } = mocks.answer(&effect, &task);
                    inbox.extend(submitted.map(|output| Event::TaskSubmitted { effect: effect.clone(), output }));
                    match end {
                        TaskEnd::Succeeded(output) => inbox.push_back(Event::TaskSucceeded { effect, output }),
                        TaskEnd::Failed { error, cause } => inbox.push_back(Event::TaskFailed { effect, error, cause }),
                        TaskEnd::Silent => {}
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
        let event = match inbox.pop_front() {
            Some(event) => event,
            None => {
                let Some((timer, at)) =
                    timers.iter().map(|(timer, at)| (*timer, *at)).min_by_key(|(id, at)| (*at, *id))
                else {
                    break;
                };
                timers.remove(&timer);
                now = now.max(at);
                Event::TimerFired { timer }
            }
        };
        actions = execution.apply(event, now);
    }
    SimulationResult { outcome: execution.is_ended().cloned(), events, ended: now }
}
