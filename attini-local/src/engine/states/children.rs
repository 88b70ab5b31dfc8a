use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::action::{Action, EffectId};
use crate::engine::definition::{Catcher, Kind, Language, State};
use crate::engine::execution::Execution;
use crate::engine::failure::{Failure, Fault};
use crate::engine::frame::{Frame, FrameId, Phase};
use crate::engine::states::combine;
use crate::engine::variables;

impl Execution {
    /// A branch or iteration has reached its end.
    pub(in crate::engine) fn child_ended(&mut self, id: FrameId, output: Value) {
        let definition = Arc::clone(&self.definition);
        let Some(child) = self.forget(id) else { return };
        let Some(parent) = child.parent else { return };
        if self.is_map_run(parent) {
            self.run_ended(parent, id, &child, Ok(output));
            return;
        }
        let Some(frame) = self.frames.get_mut(&parent) else { return };
        let Some(state) = definition.state(frame.state) else { return };
        match &mut frame.phase {
            Phase::Parallel { children } => {
                children.ended(id, child.slot, output);
                if children.open.is_empty() {
                    let results = Value::Array(children.take());
                    frame.last_event = child.last_event;
                    self.record_beside(parent, "ParallelStateSucceeded", json!({}));
                    let result = self.finish(parent, state, results);
                    self.settle(parent, state, result);
                }
            }
            Phase::Map { children, .. } => {
                children.ended(id, child.slot, output);
                let details = json!({"name": state.name, "index": child.slot});
                let succeeded = self.record_in(parent, child.last_event, "MapIterationSucceeded", details);
                self.iteration_ended(parent, child.last_event, succeeded);
            }
            _ => {}
        }
    }

    /// A state has failed: it is tried again, its failure is caught, or the machine around it fails.
    pub(in crate::engine) fn fail(&mut self, id: FrameId, failure: Failure) {
        let definition = Arc::clone(&self.definition);
        if !self.is_handled(id, &failure) {
            self.keep_unfinished();
        }
        let (mut id, mut failure) = (id, failure);
        loop {
            let Some(frame) = self.frames.get(&id) else { return };
            let Some(state) = definition.state(frame.state) else { return };
            let parent = frame.parent;
            let is_outer = matches!(state.kind, Kind::Parallel { .. } | Kind::Map(_));
            let inner = is_outer && (self.has_children(id) || failure.reported);
            self.close(id);
            self.abort_children(id);
            if self.retry(id, state, &failure) {
                return;
            }
            failure.reported = false;
            if inner {
                self.record_for(id, format!("{}StateFailed", state.kind.name()), json!({}));
            }
            match self.catch(id, state, &failure) {
                Ok(true) => return,
                Ok(false) => {}
                Err(second) => failure = second,
            }
            let Some(parent) = parent else {
                self.end_failed(id, failure);
                return;
            };
            if self.is_map_run(parent) {
                if let Some(child) = self.forget(id) {
                    self.run_ended(parent, id, &child, Err(failure));
                }
                return;
            }
            failure = self.fail_child(id, state, parent, failure);
            id = parent;
        }
    }

    /// Ends what a Parallel or Map state has opened, when the state itself fails.
    fn abort_children(&mut self, id: FrameId) {
        if let Some(Phase::Parallel { children } | Phase::Map { children, .. }) =
            self.frames.get_mut(&id).map(|frame| &mut frame.phase)
        {
            for child in std::mem::take(&mut children.open) {
                self.abort_frame(child);
            }
        }
    }

    /// Whether a Parallel or Map state got as far as opening its branches.
    fn has_children(&self, id: FrameId) -> bool {
        self.frames.get(&id).is_some_and(|frame| match frame.phase {
            Phase::Parallel { .. } | Phase::Map { .. } | Phase::Reading(_) | Phase::Writing(_) => true,
            Phase::Enter | Phase::Again | Phase::Waiting { .. } | Phase::Task { .. } => false,
        })
    }

    /// Takes a frame out, with its variables.
    fn forget(&mut self, id: FrameId) -> Option<Frame> {
        let frame = self.frames.remove(&id)?;
        self.variable_bytes = self.variable_bytes.saturating_sub(variables::bytes(&frame.variables));
        Some(frame)
    }

    fn retry(&mut self, id: FrameId, state: &State, failure: &Failure) -> bool {
        let matching = state.retry.iter().position(|retrier| failure.is_one_of(&retrier.errors));
        let Some((index, retrier)) = matching.and_then(|index| Some((index, state.retry.get(index)?))) else {
            return false;
        };
        let Some(frame) = self.frames.get_mut(&id) else { return false };
        frame.retries.resize(state.retry.len(), 0);
        let Some(used) = frame.retries.get_mut(index).filter(|used| **used < retrier.max_attempts) else {
            return false;
        };
        let n = *used;
        *used += 1;
        frame.attempt += 1;
        let wait = retrier.wait(n, || self.random());
        let timer = self.set_timer(Some(id), wait);
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Waiting { timer };
        }
        true
    }

    /// Hands the failure to a catcher. An error is the failure of the catcher itself.
    fn catch(&mut self, id: FrameId, state: &State, failure: &Failure) -> Result<bool, Failure> {
        let Some(catcher) = state.catch.iter().find(|catcher| failure.is_one_of(&catcher.errors)) else {
            return Ok(false);
        };
        self.hand_to(catcher, id, state, failure).map(|()| true).map_err(|fault| self.report(id, state, fault))
    }

    fn hand_to(&mut self, catcher: &Catcher, id: FrameId, state: &State, failure: &Failure) -> Result<(), Fault> {
        let error = failure.output();
        let Some(mut scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let (assigned, output) = match state.language {
            Language::JsonPath => {
                let assigned = scope.assigned(catcher.assign.as_ref(), &error)?;
                (assigned, combine(&catcher.result_path, &scope.frame.input, error)?)
            }
            Language::Jsonata => {
                scope.error = Some(&error);
                let assigned = scope.assigned(catcher.assign.as_ref(), &Value::Null)?;
                let output = match &catcher.output {
                    Some(template) => scope.template(Some(template), Cow::Owned(Value::Null))?,
                    None => error.clone(),
                };
                (assigned, output)
            }
        };
        self.leave(id, state, output, assigned, Some(catcher.next))
    }

    /// Ends a failed branch or iteration with all others of its parent, and returns the parent's failure.
    fn fail_child(&mut self, id: FrameId, state: &State, parent: FrameId, failure: Failure) -> Failure {
        let Some(child) = self.forget(id) else { return failure };
        let definition = Arc::clone(&self.definition);
        let Some(frame) = self.frames.get_mut(&parent) else { return failure };
        frame.last_event = child.last_event;
        let name = definition.state(frame.state).map_or("", |state| state.name.as_str());
        let mut siblings = BTreeSet::new();
        let mut in_parallel = false;
        match &mut frame.phase {
            Phase::Parallel { children } => {
                siblings = std::mem::take(&mut children.open);
                in_parallel = true;
            }
            Phase::Map { children, .. } => siblings = std::mem::take(&mut children.open),
            _ => {}
        }
        if in_parallel {
            if matches!(state.kind, Kind::Task(_)) {
                self.record_in(parent, child.last_event, "TaskStateAborted", json!({}));
            }
        } else {
            let details = json!({"name": name, "index": child.slot});
            self.record_in(parent, child.last_event, "MapIterationFailed", details);
        }
        for sibling in siblings.into_iter().filter(|sibling| *sibling != id) {
            self.abort_frame(sibling);
        }
        if in_parallel { failure.also("States.BranchFailed") } else { failure }
    }

    /// Ends a frame and all below it, whatever they do.
    pub(in crate::engine) fn abort_frame(&mut self, id: FrameId) {
        let definition = Arc::clone(&self.definition);
        // Parents come before children here, and are recorded after them.
        let mut order = vec![id];
        let mut next = 0;
        while let Some(id) = order.get(next).copied() {
            if let Some(Phase::Parallel { children } | Phase::Map { children, .. }) =
                self.frames.get(&id).map(|frame| &frame.phase)
            {
                order.extend(&children.open);
            }
            next += 1;
        }
        for id in order.into_iter().rev() {
            self.close(id);
            let Some(frame) = self.forget(id) else { continue };
            if frame.entered_event > 0
                && !matches!(frame.phase, Phase::Enter)
                && let Some(state) = definition.state(frame.state)
            {
                self.record(frame.run, frame.last_event, format!("{}StateAborted", state.kind.name()), json!({}));
            }
            let around = frame.parent.and_then(|parent| Some((parent, self.frames.get(&parent)?)));
            if let Some((parent, around)) = around
                && matches!(around.phase, Phase::Map { run: None, .. })
            {
                let name = definition.state(around.state).map_or("", |state| state.name.as_str());
                let details = json!({"name": name, "index": frame.slot});
                self.record_in(parent, frame.last_event, "MapIterationAborted", details);
            }
            self.runs.remove(&id);
        }
    }

    /// Cancels the task and the timers of a frame.
    pub(in crate::engine) fn close(&mut self, id: FrameId) {
        let Some(frame) = self.frames.get(&id) else { return };
        match &frame.phase {
            Phase::Waiting { timer } => {
                let timer = *timer;
                self.cancel_timer(Some(timer));
            }
            Phase::Task { effect, timeout, heartbeat, .. } => {
                let (effect, timeout, heartbeat) = (effect.clone(), *timeout, *heartbeat);
                self.cancel_timer(timeout);
                self.cancel_timer(heartbeat);
                self.cancel_effect(effect);
            }
            Phase::Reading(reading) => {
                let effect = reading.effect.clone();
                self.cancel_effect(effect);
            }
            Phase::Writing(writing) => {
                let effect = writing.effect.clone();
                self.cancel_effect(effect);
            }
            Phase::Enter | Phase::Again | Phase::Parallel { .. } | Phase::Map { .. } => {}
        }
    }

    /// A task that has ended by itself was forgotten before.
    fn cancel_effect(&mut self, effect: EffectId) {
        if self.frame_of(&effect).is_some() {
            self.close_effect(&effect);
            self.actions.push(Action::CancelTask { effect });
        }
    }
}
