use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::engine::action::{Action, EffectId, TaskRequest};
use crate::engine::definition::{Kind, State, Task};
use crate::engine::execution::Execution;
use crate::engine::failure::{DATA_LIMIT, Failure, Fault, TIMEOUT, too_large};
use crate::engine::frame::{FrameId, Phase};
use crate::engine::history::error_details;
use crate::engine::limits::fits;
use crate::engine::resource::{Resource, Service, TaskPattern};

impl Execution {
    pub(super) fn start_task(&mut self, id: FrameId, state: &State, task: &Task) -> Result<(), Fault> {
        let Task { resource, timeout, heartbeat, credentials } = task;
        let effect = self.effect_of(id, state);
        let token = (resource.pattern != TaskPattern::RequestResponse).then(|| self.context.seed.token(&effect));
        let Some(scope) = self.scope(id, state, token.as_ref(), None) else { return Ok(()) };
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let timeout_seconds = scope.whole(timeout.as_ref(), "TimeoutSeconds", &input)?;
        let heartbeat_seconds = scope.whole(heartbeat.as_ref(), "HeartbeatSeconds", &input)?;
        let credentials = match credentials {
            Some(template) => Some(scope.template(Some(template), input.clone())?),
            None => None,
        };
        let parameters = scope.template(state.parameters.as_ref(), input)?;
        if !fits(&parameters) {
            return Err(Fault::data_limit(&state.name));
        }
        let task = TaskRequest {
            state: state.name.clone(),
            resource: resource.arn.clone(),
            parameters,
            credentials,
            pattern: resource.pattern,
            token,
            timeout_seconds,
            heartbeat_seconds,
        };
        let details = resource.scheduled(&task, &self.context.region);
        self.record_for(id, resource.event("Scheduled"), details);
        self.record_for(id, resource.event("Started"), resource.started());
        self.open_effect(effect.clone(), id);
        self.actions.push(Action::StartTask { effect: effect.clone(), task });
        let timeout = timeout_seconds.map(|seconds| self.set_timer(Some(id), Duration::from_secs(seconds)));
        let heartbeat = heartbeat_seconds.map(|seconds| self.set_timer(Some(id), Duration::from_secs(seconds)));
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Task { effect, timeout, heartbeat, heartbeat_seconds };
        }
        Ok(())
    }

    pub(in crate::engine) fn task_submitted(&mut self, effect: &EffectId, output: &Value) {
        self.with_task(effect, |execution, id, _, resource| {
            if resource.pattern != TaskPattern::RequestResponse {
                let details = Map::from_iter([("output".to_owned(), output.to_string().into())]);
                execution.record_for(id, resource.event("Submitted"), resource.named(details));
            }
        });
    }

    pub(in crate::engine) fn task_succeeded(&mut self, effect: &EffectId, output: Value) {
        if let Some(id) = self.storage_task(effect) {
            self.storage_answered(id, effect, Ok(output));
            return;
        }
        if !fits(&output) {
            self.task_too_large(effect);
            return;
        }
        self.with_task(effect, |execution, id, state, resource| {
            execution.end_task(id, effect);
            let details = Map::from_iter([("output".to_owned(), output.to_string().into())]);
            execution.record_for(id, resource.event("Succeeded"), resource.named(details));
            let result = execution.finish(id, state, output);
            execution.settle(id, state, result);
        });
    }

    /// The service reports a result that is too large as a failure of the task, under the task's own name.
    fn task_too_large(&mut self, effect: &EffectId) {
        let mut cause = None;
        self.with_task(effect, |_, _, _, resource| {
            cause = Some(too_large(match &resource.service {
                Service::Integration { kind, .. } => kind,
                Service::Lambda | Service::Activity => &resource.arn,
            }));
        });
        self.task_failed(effect, Some(DATA_LIMIT.to_owned()), cause);
    }

    /// Returns the frame of a Map that waits for a task of its own.
    fn storage_task(&self, effect: &EffectId) -> Option<FrameId> {
        let id = self.frame_of(effect)?;
        matches!(self.frames.get(&id)?.phase, Phase::Reading(_) | Phase::Writing(_)).then_some(id)
    }

    pub(in crate::engine) fn task_failed(&mut self, effect: &EffectId, error: Option<String>, cause: Option<String>) {
        if let Some(id) = self.storage_task(effect) {
            self.storage_answered(id, effect, Err((error, cause)));
            return;
        }
        self.with_task(effect, |execution, id, _, resource| {
            execution.end_task(id, effect);
            let details = error_details(error.as_deref(), cause.as_deref());
            execution.record_for(id, resource.event("Failed"), resource.named(details));
            execution.fail(id, Failure::of_task(error, cause));
        });
    }

    pub(in crate::engine) fn task_heartbeat(&mut self, effect: &EffectId) {
        let Some(id) = self.frame_of(effect) else { return };
        let Some(Phase::Task { heartbeat, heartbeat_seconds, .. }) = self.frames.get(&id).map(|frame| &frame.phase)
        else {
            return;
        };
        let (old, Some(seconds)) = (*heartbeat, *heartbeat_seconds) else { return };
        self.cancel_timer(old);
        let timer = self.set_timer(Some(id), Duration::from_secs(seconds));
        if let Some(Phase::Task { heartbeat, .. }) = self.frames.get_mut(&id).map(|frame| &mut frame.phase) {
            *heartbeat = Some(timer);
        }
    }

    /// A task took too long, or was silent for too long; the service reports both as `States.Timeout`.
    pub(in crate::engine) fn task_timed_out(&mut self, id: FrameId, silent: bool) {
        let Some(Phase::Task { effect, .. }) = self.frames.get(&id).map(|frame| &frame.phase) else { return };
        let effect = effect.clone();
        self.with_task(&effect, |execution, id, _, resource| {
            let details = resource.named(error_details(Some(TIMEOUT), None));
            execution.record_for(id, resource.event("TimedOut"), details);
            let failure = Failure::timeout();
            execution.fail(id, if silent { failure.also("States.HeartbeatTimeout") } else { failure });
        });
    }

    /// Forgets a task that has ended by itself.
    fn end_task(&mut self, id: FrameId, effect: &EffectId) {
        if let Some(Phase::Task { timeout, heartbeat, .. }) = self.frames.get(&id).map(|frame| &frame.phase) {
            let (timeout, heartbeat) = (*timeout, *heartbeat);
            self.cancel_timer(timeout);
            self.cancel_timer(heartbeat);
        }
        self.close_effect(effect);
    }

    fn with_task(&mut self, effect: &EffectId, act: impl FnOnce(&mut Self, FrameId, &State, &Resource)) {
        let definition = Arc::clone(&self.definition);
        let Some(id) = self.frame_of(effect) else { return };
        let Some(frame) = self.frames.get(&id) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        if let Kind::Task(task) = &state.kind {
            act(self, id, state, &task.resource);
        }
    }
}
