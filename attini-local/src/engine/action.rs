use std::fmt;

use attini_core::port::HistoryEvent;
use attini_core::value::{TaskToken, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::resource::TaskPattern;

/// The name of one attempt of one task, unique in its execution: `Map.1#0[2]/Task.1#0`.
///
/// It is made of the state with the number of its visit and of its attempt, after those of the Map (with the index of
/// the item) and Parallel (with the index of the branch) states around it. It does not depend on the order in which
/// branches make progress.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub(super) String);

impl EffectId {
    /// Takes an id that was stored as text.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of a timer in its execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimerId(pub u64);

/// What a task is to do. A driver can store it as its intent; the stored form holds secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRequest {
    /// The name of the state.
    pub state: String,
    /// Its `Resource`.
    pub resource: String,
    /// Its input, after `InputPath` and `Parameters`. May hold secrets.
    pub parameters: Value,
    /// Its `Credentials`, if it has some.
    pub credentials: Option<Value>,
    /// How its result is made.
    pub pattern: TaskPattern,
    /// The token that answers it. A `.sync` task has one too; only its parameters know whether anybody uses it.
    #[serde(with = "token")]
    pub token: Option<TaskToken>,
    /// How long it may take. The engine keeps this time itself.
    pub timeout_seconds: Option<u64>,
    /// How long it may be silent. The engine keeps this time itself.
    pub heartbeat_seconds: Option<u64>,
}

/// Without the parameters, which may hold secrets.
impl fmt::Debug for TaskRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRequest")
            .field("state", &self.state)
            .field("resource", &self.resource)
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}

/// What the driver has to do, in this order.
#[derive(Clone, PartialEq)]
pub enum Action {
    /// Start a task. Its end comes back as [`Event::TaskSucceeded`] or [`Event::TaskFailed`].
    StartTask {
        /// The name of the attempt.
        effect: EffectId,
        /// What to do.
        task: TaskRequest,
    },
    /// Stop a task; its end is no longer of interest.
    CancelTask {
        /// The name of the attempt.
        effect: EffectId,
    },
    /// Send [`Event::TimerFired`] at this time.
    SetTimer {
        /// The timer.
        timer: TimerId,
        /// When.
        at: Timestamp,
    },
    /// Forget a timer.
    CancelTimer {
        /// The timer.
        timer: TimerId,
    },
    /// Write an event of the history. Inputs, outputs and parameters are texts of JSON in the details, as in the
    /// service's answers.
    Record(HistoryEvent),
    /// The execution has ended; this is the last action.
    End(Outcome),
}

/// Without payloads, which may hold secrets.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StartTask { effect, task } => write!(f, "StartTask({effect}, {task:?})"),
            Self::CancelTask { effect } => write!(f, "CancelTask({effect})"),
            Self::SetTimer { timer, at } => write!(f, "SetTimer({}, {at})", timer.0),
            Self::CancelTimer { timer } => write!(f, "CancelTimer({})", timer.0),
            Self::Record(event) => write!(f, "Record({} <- {}: {})", event.previous_id, event.id, event.kind),
            Self::End(outcome) => write!(f, "End({outcome:?})"),
        }
    }
}

/// What has happened. Events about tasks and timers that are no longer open have no effect.
#[derive(Clone, PartialEq)]
pub enum Event {
    /// The call of a `.sync` or `.waitForTaskToken` task was answered; the result comes later.
    TaskSubmitted {
        /// Which attempt.
        effect: EffectId,
        /// The answer.
        output: Value,
    },
    /// A task has its result.
    TaskSucceeded {
        /// Which attempt.
        effect: EffectId,
        /// The result.
        output: Value,
    },
    /// A task failed.
    TaskFailed {
        /// Which attempt.
        effect: EffectId,
        /// The name that `Retry` and `Catch` know; `None` when whoever failed it gave none.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
    /// A task is still at work.
    TaskHeartbeat {
        /// Which attempt.
        effect: EffectId,
    },
    /// A timer has come.
    TimerFired {
        /// Which.
        timer: TimerId,
    },
    /// End the execution now. To let running tasks end first: [`super::Execution::hold`], wait until
    /// [`super::Execution::at_step_boundary`], then send this.
    Stop {
        /// Error name.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
}

/// Without outputs and causes, which may hold secrets.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TaskSubmitted { effect, .. } => write!(f, "TaskSubmitted({effect})"),
            Self::TaskSucceeded { effect, .. } => write!(f, "TaskSucceeded({effect})"),
            Self::TaskFailed { effect, error, .. } => write!(f, "TaskFailed({effect}, {error:?})"),
            Self::TaskHeartbeat { effect } => write!(f, "TaskHeartbeat({effect})"),
            Self::TimerFired { timer } => write!(f, "TimerFired({})", timer.0),
            Self::Stop { error, .. } => write!(f, "Stop({error:?})"),
        }
    }
}

/// How an execution ended.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// It reached its end.
    Succeeded {
        /// What it returned.
        output: Value,
    },
    /// A state failed and nothing caught it.
    Failed {
        /// Error name; a Fail state may leave it out.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
    /// It took longer than its `TimeoutSeconds`.
    TimedOut,
    /// It was stopped.
    Aborted {
        /// Error name.
        error: Option<String>,
        /// Why.
        cause: Option<String>,
    },
}

/// Without the output, which may hold secrets.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Succeeded { .. } => f.write_str("Succeeded"),
            Self::Failed { error, cause } => write!(f, "Failed({error:?}, {cause:?})"),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Aborted { error, cause } => write!(f, "Aborted({error:?}, {cause:?})"),
        }
    }
}

mod token {
    use attini_core::value::TaskToken;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for this signature")]
    pub(super) fn serialize<S: Serializer>(token: &Option<TaskToken>, serializer: S) -> Result<S::Ok, S::Error> {
        token.as_ref().map(TaskToken::expose).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TaskToken>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(TaskToken::new))
    }
}
