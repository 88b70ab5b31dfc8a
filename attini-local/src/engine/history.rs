use attini_core::port::HistoryEvent;
use attini_core::value::Timestamp;
use serde_json::{Map, Value, json};

use super::action::{Action, TaskRequest};
use super::execution::Execution;
use super::frame::FrameId;
use super::resource::{Resource, Service};

impl Execution {
    /// Records an event that follows from `previous`, and returns its id. The events of the executions that a distributed
    /// Map starts are only counted: they stand in no history of this one.
    pub(super) fn record(
        &mut self,
        run: Option<FrameId>,
        previous: u64,
        kind: impl Into<String>,
        details: Value,
    ) -> u64 {
        if let Some(run) = run {
            let Some(run) = self.runs.get_mut(&run) else { return 0 };
            run.events += 1;
            return run.events;
        }
        self.events += 1;
        let event = HistoryEvent {
            id: self.events,
            previous_id: previous,
            time: Timestamp::from_ms(self.now_ms),
            kind: kind.into(),
            details,
        };
        self.actions.push(Action::Record(event));
        self.events
    }

    /// Records an event of a frame; the frame's next event follows from it.
    pub(super) fn record_for(&mut self, frame: FrameId, kind: impl Into<String>, details: Value) -> u64 {
        let id = self.record_beside(frame, kind, details);
        if let Some(frame) = self.frames.get_mut(&frame) {
            frame.last_event = id;
        }
        id
    }

    /// Records an event of a frame from which nothing follows.
    pub(super) fn record_beside(&mut self, frame: FrameId, kind: impl Into<String>, details: Value) -> u64 {
        let previous = self.frames.get(&frame).map_or(0, |frame| frame.last_event);
        self.record_in(frame, previous, kind, details)
    }

    /// Records an event that follows from `previous` in the history that a frame belongs to.
    pub(super) fn record_in(&mut self, frame: FrameId, previous: u64, kind: impl Into<String>, details: Value) -> u64 {
        let run = self.frames.get(&frame).and_then(|frame| frame.run);
        self.record(run, previous, kind, details)
    }
}

/// `{"error": …, "cause": …}` without what is not known.
pub(super) fn error_details(error: Option<&str>, cause: Option<&str>) -> Map<String, Value> {
    let mut details = Map::new();
    details.extend(cause.map(|cause| ("cause".to_owned(), cause.into())));
    details.extend(error.map(|error| ("error".to_owned(), error.into())));
    details
}

/// The events of a task, whose names depend on what it calls.
impl Resource {
    fn prefix(&self) -> &'static str {
        match self.service {
            Service::Lambda => "LambdaFunction",
            Service::Activity => "Activity",
            Service::Integration { .. } => "Task",
        }
    }

    pub(super) fn event(&self, what: &str) -> String {
        format!("{}{what}", self.prefix())
    }

    /// Adds the fields that name an integration in each of its events.
    pub(super) fn named(&self, mut details: Map<String, Value>) -> Value {
        if let Service::Integration { kind, action } = &self.service {
            details.insert("resource".to_owned(), action.as_str().into());
            details.insert("resourceType".to_owned(), kind.as_str().into());
        }
        Value::Object(details)
    }

    pub(super) fn scheduled(&self, task: &TaskRequest, region: &str) -> Value {
        let mut details = Map::new();
        match self.service {
            Service::Integration { .. } => {
                details.insert("parameters".to_owned(), task.parameters.to_string().into());
                details.insert("region".to_owned(), region.into());
            }
            Service::Lambda | Service::Activity => {
                details.insert("input".to_owned(), task.parameters.to_string().into());
                details.insert("resource".to_owned(), self.arn.as_str().into());
            }
        }
        let limits = [("timeoutInSeconds", task.timeout_seconds), ("heartbeatInSeconds", task.heartbeat_seconds)];
        details.extend(limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into()))));
        if let Some(role) = task.credentials.as_ref().and_then(|credentials| credentials.get("RoleArn")) {
            details.insert("taskCredentials".to_owned(), json!({"roleArn": role}));
        }
        self.named(details)
    }

    /// What the `…Started` event says.
    pub(super) fn started(&self) -> Value {
        match self.service {
            Service::Integration { .. } => self.named(Map::new()),
            Service::Lambda | Service::Activity => Value::Object(Map::new()),
        }
    }
}
