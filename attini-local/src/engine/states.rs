//! What each type of state does, and how branches and failures end.

mod children;
mod choice;
mod fail;
mod map;
mod map_run;
mod parallel;
mod reader;
mod task;
mod wait;
mod writer;

use std::borrow::Cow;

use serde_json::Value;

use super::definition::{Kind, Language, ResultPath, State, StateId};
use super::execution::Execution;
use super::failure::Fault;
use super::frame::FrameId;

impl Execution {
    /// Runs a state that was just entered, or starts it again. A state that ends at once is also left.
    pub(super) fn execute(&mut self, id: FrameId, state: &State) -> Result<(), Fault> {
        match &state.kind {
            Kind::Pass { result: None }
                if state.parameters.is_none()
                    && matches!(state.result_path, ResultPath::Whole)
                    && state.result_selector.is_none()
                    && self.leave_unchanged(id, state, state.next) =>
            {
                Ok(())
            }
            Kind::Pass { result } => {
                let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
                let result = match result {
                    Some(result) => result.clone(),
                    _ => {
                        let input = scope.selector(&state.input_path, &scope.frame.input)?;
                        scope.template(state.parameters.as_ref(), input)?
                    }
                };
                self.finish(id, state, result)
            }
            Kind::Succeed => {
                if self.leave_unchanged(id, state, None) {
                    return Ok(());
                }
                self.pass_on(id, state, None)
            }
            Kind::Task(task) => self.start_task(id, state, task),
            Kind::Choice { rules, default } => self.choose(id, state, rules, *default),
            Kind::Wait(wait) => self.start_wait(id, state, wait),
            Kind::Fail { error, cause } => self.fail_state(id, state, error.as_ref(), cause.as_ref()),
            Kind::Parallel { branches } => self.start_branches(id, state, branches),
            Kind::Map(map) => self.start_map(id, state, map),
        }
    }
}

impl Execution {
    /// Leaves a state that has no result: its input is its output, unless it says otherwise.
    pub(in crate::engine) fn pass_on(
        &mut self,
        id: FrameId,
        state: &State,
        next: Option<StateId>,
    ) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let assigned = scope.assigned(state.assign.as_ref(), &input)?;
        let output = match (&state.output, state.language) {
            (Some(template), Language::Jsonata) => scope.template(Some(template), Cow::Owned(Value::Null))?,
            _ => scope.output(&state.output_path, input)?,
        };
        self.leave(id, state, output, assigned, next)
    }
}

/// Joins a result with the raw input of its state, as `ResultPath` says.
pub(super) fn combine(path: &ResultPath, input: &Value, result: Value) -> Result<Value, Fault> {
    match path {
        ResultPath::Whole => Ok(result),
        ResultPath::Discard => Ok(input.clone()),
        ResultPath::Path(path) => {
            let mut combined = input.clone();
            path.set(&mut combined, result)
                .map_err(|error| Fault::named("States.ResultPathMatchFailure", error.to_string()))?;
            Ok(combined)
        }
    }
}
