//! The events of one operation.

use attini_core::port::{StackEvent, StackStatus};
use attini_core::value::{StackName, Timestamp};

/// Collects events in order and numbers them on from the stack's earlier ones.
#[derive(Debug)]
pub(super) struct EventLog {
    stack: StackName,
    stack_id: String,
    time: Timestamp,
    token: Option<String>,
    count: u64,
    events: Vec<StackEvent>,
}

impl EventLog {
    pub(super) fn new(stack: StackName, stack_id: &str, time: Timestamp, token: &str, count: u64) -> Self {
        let token = (!token.is_empty()).then(|| token.to_owned());
        Self { stack, stack_id: stack_id.to_owned(), time, token, count, events: Vec::new() }
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
