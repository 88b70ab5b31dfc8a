//! Variables: what `Assign` makes, where it goes, and how much of it there may be.

use std::collections::BTreeMap;

use serde_json::Value;

use super::definition::State;
use super::execution::Execution;
use super::failure::Fault;
use super::frame::FrameId;
use super::limits::{MAX_VARIABLE_BYTES, size};
use super::scope::StateScope;
use super::template::Template;

/// What a state assigns, by name.
pub(super) type Variables = BTreeMap<String, Value>;

impl StateScope<'_> {
    /// Returns what `Assign` makes. All of it sees the variables as they were when the state was entered.
    pub(super) fn assigned(&self, assign: Option<&Template>, input: &Value) -> Result<Variables, Fault> {
        let Some(template) = assign else { return Ok(Variables::new()) };
        match self.template(Some(template), std::borrow::Cow::Borrowed(input))? {
            Value::Object(variables) => Ok(variables.into_iter().collect()),
            // The definition allows nothing else.
            _ => Ok(Variables::new()),
        }
    }
}

impl Execution {
    /// Fails a state whose variables are too large, or that assigns one of a machine around it.
    pub(super) fn check_variables(&self, id: FrameId, state: &State, assigned: &Variables) -> Result<(), Fault> {
        if assigned.is_empty() {
            return Ok(());
        }
        let scope = self.scope(id, state, None, None);
        let around = scope.iter().flat_map(StateScope::around).skip(1);
        let taken = around.flat_map(|frame| frame.variables.keys()).find(|name| assigned.contains_key(*name));
        if let Some(name) = taken {
            return Err(Fault::runtime(format!(
                "The variable '{name}' belongs to the state machine around this one, whose states in here may read but \
                 not assign it. Assign another name in the state '{}'.",
                state.name
            )));
        }
        let new = assigned.values().try_fold(0, |sum: usize, value| Some(sum + size(value)?));
        let Some(new) = new.filter(|new| *new <= super::limits::MAX_PAYLOAD_BYTES) else {
            return Err(Fault::data_limit(&state.name));
        };
        let replaced = self.frames.get(&id).map_or(0, |frame| {
            assigned.keys().filter_map(|name| frame.variables.get(name)).filter_map(size).sum::<usize>()
        });
        if (self.variable_bytes + new).saturating_sub(replaced) > MAX_VARIABLE_BYTES {
            return Err(Fault::data_limit(&state.name));
        }
        Ok(())
    }

    /// Sets variables of a frame. They were checked.
    pub(super) fn assign(&mut self, id: FrameId, assigned: Variables) {
        let Some(frame) = self.frames.get_mut(&id) else { return };
        for (name, value) in assigned {
            self.variable_bytes += size(&value).unwrap_or(0);
            if let Some(old) = frame.variables.insert(name, value) {
                self.variable_bytes = self.variable_bytes.saturating_sub(size(&old).unwrap_or(0));
            }
        }
    }
}

/// Returns the size of variables.
pub(super) fn bytes(variables: &Variables) -> usize {
    variables.values().filter_map(size).sum()
}
