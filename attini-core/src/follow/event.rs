use std::time::Duration;

use serde_json::{Map, Value};

use super::FirstCause;
use crate::port::{ExecutionStatus, LogLine, StackEvent};
use crate::value::{DeploymentName, ExecutionArn, ObjectIdentifier, StackName, Timestamp};

/// Which deployment to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentRef {
    /// `<environment>-<distribution>`.
    pub name: DeploymentName,
    /// The upload; it identifies the deployment.
    pub object: ObjectIdentifier,
}

/// One thing that happened, reported once.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowEvent {
    /// When it happened; the time of reading for what has no time of its own.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// One run of one step. A step that runs again (a loop, a `Map` iteration) is another run; a retry is the same one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Step {
    /// Number of the plan among those that are followed, counted from 0.
    pub plan: usize,
    /// Id of the history event that entered the step; unique in its execution.
    pub id: u64,
    /// Name of the step.
    pub name: String,
    /// Type in the plan (`AttiniCfn`), else in the States Language (`Task`, `Choice`).
    pub kind: String,
}

/// Who and what was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Environment.
    pub environment: String,
    /// Name of the distribution.
    pub distribution: String,
    /// Id of the distribution, if it has one.
    pub id: Option<String>,
    /// Version, if it has one.
    pub version: Option<String>,
    /// Tags of the distribution.
    pub tags: Map<String, Value>,
}

/// What has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The record of the deployment.
    Publication,
    /// The first execution of the plan.
    Plan,
}

/// Why a deployment failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Error code or outcome: `PublishDistributionError`, `ScriptExecutionError`, `ABORTED`, …
    pub code: String,
    /// The reason in words.
    pub message: String,
    /// The first step that failed, if one did.
    pub step: Option<String>,
    /// What started it, as close to the root as the records tell.
    pub first_cause: Option<FirstCause>,
}

/// What can happen while a deployment goes its way.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// Something has not come for a minute.
    StillWaiting {
        /// What.
        waiting: Waiting,
        /// For how long.
        since: Duration,
    },
    /// An older deployment still runs; this one's plan begins when that has ended, or has been ended.
    WaitingFor {
        /// Its distribution id.
        id: String,
    },
    /// Files and identity are recorded.
    Published(Published),
    /// Something that people should know and that stops nothing.
    Warning(String),
    /// The distribution has no stack and so nothing to run.
    NoStack,
    /// The init stack is already as wanted.
    InitStackUnchanged,
    /// The init stack is created or updated.
    InitStackStarted {
        /// Its name.
        stack: StackName,
    },
    /// Something happened in the init stack.
    InitStackEvent(StackEvent),
    /// The init stack is as wanted.
    InitStackDone {
        /// Whether it was created, not updated.
        created: bool,
        /// How long it took.
        duration: Duration,
    },
    /// There is no plan to run.
    NoPlan,
    /// The plan runs.
    PlanStarted {
        /// Its execution.
        execution: ExecutionArn,
        /// Characters of the longest name of its steps, as far as they are known by now.
        longest_name: Option<usize>,
    },
    /// A step was entered.
    StepStarted(Step),
    /// A step's job wrote a line.
    StepOutput {
        /// The step.
        step: Step,
        /// The line.
        line: LogLine,
    },
    /// Something happened in the stack that a step deploys.
    StepStackEvent {
        /// The step.
        step: Step,
        /// The event.
        event: StackEvent,
    },
    /// A step waits for a person.
    ApprovalNeeded(Step),
    /// An attempt of a step failed and the step runs again.
    StepRetried {
        /// The step.
        step: Step,
        /// Number of the attempt that failed, counted from 1.
        attempt: u32,
        /// Error name.
        error: String,
        /// Why.
        cause: String,
    },
    /// A step is done.
    StepSucceeded {
        /// The step.
        step: Step,
        /// From entering to leaving.
        duration: Duration,
        /// What the step added to the payload under its name.
        output: Option<Value>,
    },
    /// A step failed for good.
    StepFailed {
        /// The step.
        step: Step,
        /// From entering to the failure.
        duration: Duration,
        /// Error name.
        error: String,
        /// Why.
        cause: String,
        /// What started it; `None` when a step inside this one has told already.
        first_cause: Option<FirstCause>,
        /// Whether the plan has a way on from here.
        caught: bool,
    },
    /// A step was ended by the end of its plan or of a step around it.
    StepStopped {
        /// The step.
        step: Step,
        /// From entering to the end.
        duration: Duration,
    },
    /// The plan has ended.
    PlanEnded {
        /// Its execution.
        execution: ExecutionArn,
        /// How.
        status: ExecutionStatus,
        /// How long it took.
        duration: Duration,
        /// How many steps were entered, hidden ones not counted.
        steps: usize,
        /// Error name and cause of an execution that did not succeed.
        error: Option<(String, String)>,
    },
    /// Something could not be read; following goes on without it.
    Trouble {
        /// What and why.
        message: String,
    },
    /// The deployment failed. The last event.
    Failed(Failure),
}

/// How following ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The deployment succeeded.
    Succeeded,
    /// The deployment failed.
    Failed(Failure),
    /// The caller wanted to stop; the deployment goes on.
    Stopped,
}
