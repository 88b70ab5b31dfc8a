//! The events of one operation.

use std::time::Duration;

use attini_core::port::{StackEvent, StackStatus};
use attini_core::value::{StackName, Timestamp};

/// Collects events in order and numbers them on from the stack's earlier ones.
#[derive(Debug)]
pub(super) struct EventLog {
    stack: StackName,
    stack_id: String,
    begun: Timestamp,
    time: Timestamp,
    token: Option<String>,
    count: u64,
    events: Vec<StackEvent>,
}

impl EventLog {
    pub(super) fn new(stack: StackName, stack_id: &str, time: Timestamp, token: &str, count: u64) -> Self {
        let token = (!token.is_empty()).then(|| token.to_owned());
        Self { stack, stack_id: stack_id.to_owned(), begun: time, time, token, count, events: Vec::new() }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, wait: Duration) {
        let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        self.time = Timestamp::from_ms(self.time.as_ms().saturating_add(wait_ms));
    }

    /// Returns the time of the next event.
    pub(super) fn now(&self) -> Timestamp {
        self.time
    }

    /// Returns how much time has passed since the operation began.
    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.time.as_ms() - self.begun.as_ms()).unwrap_or(0))
    }

    /// Takes over the events of a nested stack.
    pub(super) fn adopt(&mut self, events: Vec<StackEvent>) {
        self.events.extend(events);
    }

    /// Records a status of the stack itself.
    pub(super) fn stack(&mut self, status: &str, reason: Option<&str>) {
        let (name, id) = (self.stack.as_str().to_owned(), self.stack_id.clone());
        self.push(name, Some(id), StackEvent::STACK_TYPE.to_owned(), status, reason);
    }

    /// Records a status of a resource.
    pub(super) fn resource(
        &mut self,
        logical_id: &str,
        physical_id: Option<&str>,
        kind: &str,
        status: &str,
        reason: Option<&str>,
    ) {
        self.push(logical_id.to_owned(), physical_id.map(str::to_owned), kind.to_owned(), status, reason);
    }

    fn push(
        &mut self,
        logical_id: String,
        physical_id: Option<String>,
        resource_type: String,
        status: &str,
        reason: Option<&str>,
    ) {
        self.count += 1;
        self.events.push(StackEvent {
            id: format!("{logical_id}-{status}-{}", self.count),
            time: self.time,
            stack: self.stack.clone(),
            stack_id: self.stack_id.clone(),
            logical_id,
            physical_id,
            resource_type,
            status: StackStatus(status.to_owned()),
            reason: reason.map(str::to_owned),
            token: self.token.clone(),
        });
    }

    /// Returns how many events the stack has had, earlier operations included.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn into_events(self) -> Vec<StackEvent> {
        self.events
    }
}
