//! The steps of a plan, with what their jobs and stacks tell (cli.md 11.4, 11.5).

use std::time::Duration;

use super::Follower;
use crate::follow::cause::{self, Evidence, FirstCause};
use crate::follow::event::{Step, What};
use crate::follow::record::RecordView;
use crate::follow::steps::{Approval, Change, ChangeKind};
use crate::port::ExecutionStatus;
use crate::value::Timestamp;

/// Steps that no author wrote (cli.md 11.5).
const HIDDEN: [&str; 2] = ["AttiniPrepareDeployment", "AttiniSamPackage?"];

impl Follower {
    pub(super) fn tell_plan(&mut self, index: usize, view: &RecordView, now: Timestamp) {
        let Some(plan) = self.plans.get_mut(index).filter(|plan| !plan.reported_end) else { return };
        let Some(description) = plan.description.clone() else { return };
        if !std::mem::replace(&mut plan.reported_start, true) {
            let names = view.step_types.iter().map(|(name, _)| name).filter(|name| !is_hidden(name));
            let longest_name = names.map(|name| name.chars().count()).max();
            self.emit(description.started, What::PlanStarted { execution: description.arn.clone(), longest_name });
        }
        let Some(plan) = self.plans.get_mut(index) else { return };
        if !plan.has_ended() {
            plan.tell_waiting_retries(now);
        }
        for change in std::mem::take(&mut plan.changes) {
            self.tell_change(index, change, view);
        }
        for occurrence in 0..self.plans.get(index).map_or(0, |plan| plan.occurrences.len()) {
            self.ask_approval(index, occurrence, view, now);
        }
        self.flush(index, None, view);
        let Some(plan) = self.plans.get_mut(index).filter(|plan| plan.has_ended() && plan.closed) else { return };
        plan.reported_end = true;
        let steps = plan.occurrences.iter().filter(|found| !is_hidden(&found.name)).count();
        let ended = description.ended.unwrap_or(now);
        let error = (description.status != ExecutionStatus::Succeeded)
            .then(|| (description.error.unwrap_or_default(), description.cause.unwrap_or_default()));
        let duration = ended.since(description.started);
        let (execution, status) = (description.arn, description.status);
        self.emit(ended, What::PlanEnded { execution, status, duration, steps, error });
    }

    pub(super) fn tell_change(&mut self, index: usize, change: Change, view: &RecordView) {
        let Change { at, occurrence, kind } = change;
        let Some(step) = self.step(index, occurrence, view) else { return };
        if !matches!(kind, ChangeKind::Started) {
            self.flush(index, Some(occurrence), view);
        }
        let Some(found) = self.plans.get_mut(index).and_then(|plan| plan.occurrences.get_mut(occurrence)) else {
            return;
        };
        if matches!(kind, ChangeKind::Retried { .. }) {
            // The next attempt fails for its own reasons.
            found.tail.clear();
            found.stack_events.clear();
        }
        let duration = at.since(found.entered);
        let ends = !matches!(kind, ChangeKind::Started | ChangeKind::Retried { .. });
        found.told = found.told || ends;
        let hidden = is_hidden(&step.name);
        let what = match kind {
            ChangeKind::Started => What::StepStarted(step),
            ChangeKind::Retried { attempt, error, cause } => What::StepRetried { step, attempt, error, cause },
            ChangeKind::Succeeded { output } => What::StepSucceeded { step, duration, output },
            ChangeKind::Stopped => What::StepStopped { step, duration },
            ChangeKind::Failed { error, cause, caught } => {
                let first_cause = self.blame(index, occurrence, &step, (&error, &cause), view);
                if let (Some(first), false, None) = (&first_cause, caught, &self.first_failure) {
                    self.first_failure = Some((step.name.clone(), error.clone(), cause.clone(), first.clone()));
                }
                What::StepFailed { step, duration, error, cause, first_cause, caught }
            }
        };
        // A generated step is nobody's business until it fails.
        if !hidden || matches!(what, What::StepFailed { caught: false, .. }) {
            self.emit(at, what);
        }
    }

    /// Returns the first cause of a failed step, unless a step inside it has told its own.
    fn blame(
        &mut self,
        index: usize,
        occurrence: usize,
        step: &Step,
        (error, cause): (&str, &str),
        view: &RecordView,
    ) -> Option<FirstCause> {
        let plan = self.plans.get_mut(index)?;
        if let Some(parent) = plan.parent(occurrence).and_then(|parent| plan.occurrences.get_mut(parent)) {
            parent.blamed = true;
        }
        let found = plan.occurrences.get(occurrence)?;
        if found.blamed {
            return None;
        }
        let output: Vec<String> = found.tail.iter().cloned().collect();
        let log = self.logs.iter().find(|log| log.plan == index && log.step == step.name).map(|track| &track.log);
        let recorded: Vec<_> = view.errors.iter().filter(|error| error.step == step.name).collect();
        Some(cause::of_step(&Evidence {
            step: &step.name,
            kind: &step.kind,
            error,
            cause,
            output: &output,
            log,
            stack: &found.stack_events,
            recorded: &recorded,
        }))
    }

    fn ask_approval(&mut self, index: usize, occurrence: usize, view: &RecordView, now: Timestamp) {
        let Some(step) = self.step(index, occurrence, view).filter(|step| step.kind == "AttiniManualApproval") else {
            return;
        };
        let Some(found) = self.plans.get_mut(index).and_then(|plan| plan.occurrences.get_mut(occurrence)) else {
            return;
        };
        // The token is recorded a moment after the step was entered; an answer before that would be refused.
        let ready = found.approval == Approval::Ready || now.since(found.entered) >= Duration::from_millis(500);
        if found.ended.is_none() && ready && found.approval != Approval::Told {
            found.approval = Approval::Told;
            self.emit(now, What::ApprovalNeeded(step));
        }
    }

    /// Emits what was read of logs and stacks: of one run before its end is told, or of all.
    fn flush(&mut self, index: usize, only: Option<usize>, view: &RecordView) {
        let name = only.and_then(|only| self.plans.get(index)?.occurrences.get(only)).map(|found| found.name.clone());
        for position in 0..self.logs.len() {
            let track = &mut self.logs[position];
            if track.plan != index || name.as_ref().is_some_and(|name| *name != track.step) {
                continue;
            }
            let lines = std::mem::take(&mut track.pending);
            let step_name = track.step.clone();
            let Some(plan) = self.plans.get_mut(index) else { continue };
            let open = plan.occurrences.iter().rposition(|found| found.name == step_name && !found.told);
            let run = only.or(open).or_else(|| plan.occurrences.iter().rposition(|found| found.name == step_name));
            let Some(run) = run else { continue };
            let Some(found) = plan.occurrences.get_mut(run) else { continue };
            for line in &lines {
                if found.tail.len() == cause::TAIL {
                    found.tail.pop_front();
                }
                found.tail.push_back(line.text.clone());
            }
            let Some(step) = self.step(index, run, view) else { continue };
            for line in lines {
                self.emit(line.time, What::StepOutput { step: step.clone(), line });
            }
        }
        for position in 0..self.stacks.len() {
            let track = &mut self.stacks[position];
            if track.plan != index || only.is_some_and(|only| only != track.occurrence) {
                continue;
            }
            let (events, occurrence) = (std::mem::take(&mut track.pending), track.occurrence);
            let Some(step) = self.step(index, occurrence, view) else { continue };
            for event in events {
                self.emit(event.time, What::StepStackEvent { step: step.clone(), event });
            }
        }
    }
}

fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name)
}
