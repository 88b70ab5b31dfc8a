//! How states are left: what they return, what they assign, and where it goes on.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::action::Outcome;
use super::definition::{Kind, Language, State, StateId};
use super::execution::{Execution, ROOT};
use super::failure::Fault;
use super::frame::{FrameId, Phase};
use super::limits::fits;
use super::variables::Variables;

impl Execution {
    /// Makes the output of a state from its result and leaves the state.
    pub(super) fn finish(&mut self, id: FrameId, state: &State, result: Value) -> Result<(), Fault> {
        let Some(mut scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let (assigned, output) = match state.language {
            Language::JsonPath => {
                let result = scope.template(state.result_selector.as_ref(), Cow::Owned(result))?;
                let assigned = scope.assigned(state.assign.as_ref(), &result)?;
                let combined = super::states::combine(&state.result_path, &scope.frame.input, result)?;
                (assigned, scope.output(&state.output_path, Cow::Owned(combined))?)
            }
            Language::Jsonata => {
                let has_result = matches!(state.kind, Kind::Task(_) | Kind::Parallel { .. } | Kind::Map(_));
                scope.result = has_result.then_some(&result);
                let assigned = scope.assigned(state.assign.as_ref(), &Value::Null)?;
                let output = match &state.output {
                    Some(template) => Some(scope.template(Some(template), Cow::Owned(Value::Null))?),
                    None => None,
                };
                drop(scope);
                (assigned, output.unwrap_or(result))
            }
        };
        self.leave(id, state, output, assigned, state.next)
    }

    /// Records the exit of a state and goes on.
    pub(super) fn leave(
        &mut self,
        id: FrameId,
        state: &State,
        output: Value,
        assigned: Variables,
        next: Option<StateId>,
    ) -> Result<(), Fault> {
        if !fits(&output) {
            return Err(Fault::data_limit(&state.name));
        }
        self.check_variables(id, state, &assigned)?;
        let text = output.to_string();
        self.leave_with(id, state, output, text, assigned, next);
        Ok(())
    }

    /// Leaves a state that hands on its input as it is, and returns whether it does.
    pub(super) fn leave_unchanged(&mut self, id: FrameId, state: &State, next: Option<StateId>) -> bool {
        if state.hands_on() {
            self.leave_as_it_came(id, state, next);
        }
        state.hands_on()
    }

    /// Leaves a state with its input as its output.
    pub(super) fn leave_as_it_came(&mut self, id: FrameId, state: &State, next: Option<StateId>) {
        let Some(frame) = self.frames.get_mut(&id) else { return };
        let output = std::mem::take(&mut frame.input);
        let text = frame.text.take().unwrap_or_else(|| output.to_string());
        self.leave_with(id, state, output, text, Variables::new(), next);
    }

    fn leave_with(
        &mut self,
        id: FrameId,
        state: &State,
        output: Value,
        text: String,
        assigned: Variables,
        next: Option<StateId>,
    ) {
        let mut details = json!({"name": state.name, "output": text.as_str()});
        if !assigned.is_empty() {
            let texts = assigned.iter().map(|(name, value)| (name.clone(), value.to_string().into()));
            details["assignedVariables"] = Value::Object(texts.collect());
            self.assign(id, assigned);
        }
        self.record_for(id, format!("{}StateExited", state.kind.name()), details);
        match next {
            Some(next) => {
                if let Some(frame) = self.frames.get_mut(&id) {
                    frame.input = output;
                    frame.text = Some(text);
                    frame.state = next;
                    frame.phase = Phase::Enter;
                    self.ready.push_back(id);
                }
            }
            None if id == ROOT => {
                self.record_for(id, "ExecutionSucceeded", json!({"output": text}));
                self.end(Outcome::Succeeded { output });
            }
            None => self.child_ended(id, output),
        }
    }
}
