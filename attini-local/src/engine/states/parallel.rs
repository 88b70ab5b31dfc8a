use serde_json::{Map, Value};

use crate::engine::definition::{MachineId, State};
use crate::engine::execution::Execution;
use crate::engine::failure::Fault;
use crate::engine::frame::{Children, FrameId, Phase};

impl Execution {
    pub(super) fn start_branches(&mut self, id: FrameId, state: &State, branches: &[MachineId]) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let input = scope.template(state.parameters.as_ref(), input)?;
        let started = self.record_for(id, "ParallelStateStarted", Value::Object(Map::new()));
        let mut children = Children::of(branches.len());
        for (slot, machine) in branches.iter().enumerate() {
            children.open.insert(self.open_frame(*machine, Some((id, slot)), None, input.clone(), started));
        }
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Parallel { children };
        }
        Ok(())
    }
}
