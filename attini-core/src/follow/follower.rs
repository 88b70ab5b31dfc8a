use std::time::Duration;

use super::cause::{self, Evidence, FirstCause, has_log, has_stack};
use super::event::{Ending, Failure, FollowEvent, Published, Step, Waiting, What};
use super::record::{RecordView, text};
use super::steps::{Approval, Change, ChangeKind, PlanTrack};
use crate::port::{
    ExecutionDescription, ExecutionStatus, HistoryEvent, LogLine, Record, RecordKey, StackEvent, StackTarget,
};
use crate::value::{ExecutionArn, ObjectKey, Region, StackName, Timestamp};

/// How long to wait for what most likely comes: the outcome after the last step, an error after the first record.
const GRACE: Duration = Duration::from_secs(3);
/// After this long without news a person is told what is missing.
const PATIENCE: Duration = Duration::from_secs(60);
/// Steps that no author wrote (cli.md 11.5).
const HIDDEN: [&str; 2] = ["AttiniPrepareDeployment", "AttiniSamPackage?"];

/// The lines of one step's log that were not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    /// Where the log is.
    pub log: ObjectKey,
    /// Number of the first line to read, counted from 0.
    pub from: usize,
}

/// The events of one stack that were not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackRequestOf {
    /// The stack.
    pub target: StackTarget,
    /// Unique id of the stack, when known: it can be read after its deletion.
    pub stack_id: Option<String>,
    /// Id of the last event that was read.
    pub after: Option<String>,
}

/// The log of one step name in one execution.
#[derive(Debug)]
struct LogTrack {
    plan: usize,
    step: String,
    log: ObjectKey,
    read: usize,
    pending: Vec<LogLine>,
    /// Whether it was read once more after the last run of the step ended.
    done: bool,
}

/// The stack of one run of a step.
#[derive(Debug)]
struct StackTrack {
    plan: usize,
    occurrence: usize,
    target: StackTarget,
    stack_id: Option<String>,
    after: Option<String>,
    pending: Vec<StackEvent>,
    done: bool,
}

/// How far the init stack is.
#[derive(Debug, Default)]
struct InitStack {
    started: Option<Timestamp>,
    done: bool,
    after: Option<String>,
    events: Vec<StackEvent>,
    told: usize,
    last_news: Timestamp,
}

/// What is known about a deployment, and what was told about it.
///
/// Feed it with the `see_*` methods in the order in which they stand here, then call [`Self::settle`]; again and again until
/// [`Self::ending`] says how it ended.
#[derive(Debug)]
pub struct Follower {
    began: Timestamp,
    limit: Duration,
    view: Option<RecordView>,
    published: Option<Timestamp>,
    told_waiting: Option<Waiting>,
    told_no_change: bool,
    init: InitStack,
    plans: Vec<PlanTrack>,
    logs: Vec<LogTrack>,
    stacks: Vec<StackTrack>,
    all_ended: Option<Timestamp>,
    bad_outcome: Option<Timestamp>,
    first_failure: Option<(String, String, String, FirstCause)>,
    out: Vec<FollowEvent>,
    ending: Option<Ending>,
}

impl Follower {
    /// Starts following at `now`. What has not been published, or has no running plan, after `limit` counts as failed.
    #[must_use]
    pub fn new(now: Timestamp, limit: Duration) -> Self {
        Self {
            began: now,
            limit,
            view: None,
            published: None,
            told_waiting: None,
            told_no_change: false,
            init: InitStack::default(),
            plans: Vec::new(),
            logs: Vec::new(),
            stacks: Vec::new(),
            all_ended: None,
            bad_outcome: None,
            first_failure: None,
            out: Vec::new(),
            ending: None,
        }
    }

    /// Returns how the deployment ended, once it has.
    #[must_use]
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Takes the record of the deployment: the one at its own time, not the copy at time 0.
    pub fn see_record(&mut self, record: &Record) {
        let deployed = match &record.key {
            RecordKey::Deployment(_, time) => *time,
            RecordKey::Resource(..) => return,
        };
        let view = RecordView::read(deployed, &record.body);
        for arn in &view.executions {
            if !self.plans.iter().any(|plan| plan.arn == *arn) {
                self.plans.push(PlanTrack::new(arn.clone()));
            }
        }
        self.view = Some(view);
    }

    /// Returns what to read of the init stack, while it matters.
    #[must_use]
    pub fn init_stack_request(&self) -> Option<StackRequestOf> {
        let view = self.view.as_ref().filter(|view| !view.is_app && !view.init_unchanged)?;
        let target = StackTarget::own(view.stack.clone()?);
        (!self.init.done).then(|| StackRequestOf { target, stack_id: None, after: self.init.after.clone() })
    }

    /// Takes the next events of the init stack.
    pub fn see_init_stack(&mut self, events: Vec<StackEvent>, now: Timestamp) {
        let Some(view) = &self.view else { return };
        if let Some(last) = events.last() {
            self.init.after = Some(last.id.clone());
            self.init.last_news = now;
        }
        // Older events belong to earlier deployments.
        let ours = events.into_iter().filter(|event| event.time >= view.deployed);
        self.init.events.extend(ours);
    }

    /// Returns the executions to read, each with the id of the last history event that was read.
    #[must_use]
    pub fn execution_requests(&self) -> Vec<(ExecutionArn, u64)> {
        let open = self.plans.iter().filter(|plan| !plan.reported_end);
        open.map(|plan| (plan.arn.clone(), plan.last_event)).collect()
    }

    /// Takes the state of an execution, read before the history events that follow.
    ///
    /// A record can name the execution of the deployment it replaces until its own one starts; that one is left out.
    /// Returns whether it is one of ours, so that its history is wanted.
    pub fn see_execution(&mut self, description: ExecutionDescription) -> bool {
        let deployed = self.view.as_ref().map(|view| view.deployed).unwrap_or_default();
        match self.plans.iter_mut().find(|plan| plan.arn == description.arn) {
            Some(plan) if description.started >= deployed => {
                plan.description = Some(description);
                true
            }
            _ => false,
        }
    }

    /// Takes all history events of an execution that were not read yet.
    pub fn see_history(&mut self, execution: &ExecutionArn, events: &[HistoryEvent]) {
        let Some(view) = &self.view else { return };
        for (index, plan) in self.plans.iter_mut().enumerate() {
            let Some(description) = plan.description.clone().filter(|_| plan.arn == *execution) else { continue };
            plan.see(events);
            if description.status != ExecutionStatus::Running && !plan.closed {
                let failure = (description.error.unwrap_or_default(), description.cause.unwrap_or_default());
                let status = if description.status == ExecutionStatus::Failed { "Failed" } else { "Stopped" };
                let at = description.ended.unwrap_or(description.started);
                plan.close(at, status, None, failure);
            }
            for change in &plan.changes {
                let Some(occurrence) = plan.occurrences.get(change.occurrence) else { continue };
                let kind = kind_of(view, &occurrence.name, &occurrence.state);
                if !has_log(kind) || self.logs.iter().any(|log| log.plan == index && log.step == occurrence.name) {
                    continue;
                }
                let id = view.id.as_deref().unwrap_or_default();
                let step = occurrence.name.clone();
                let log = ObjectKey::of_step_log(&view.environment, &view.distribution, id, &step, execution.id());
                self.logs.push(LogTrack { plan: index, step, log, read: 0, pending: Vec::new(), done: false });
            }
        }
    }

    /// Returns the logs to read: those of running steps and of steps that have ended since the last reading.
    pub fn log_requests(&mut self) -> Vec<LogRequest> {
        let mut wanted = Vec::new();
        for track in &mut self.logs {
            let Some(plan) = self.plans.get(track.plan) else { continue };
            let runs = plan.occurrences.iter().any(|found| found.name == track.step && !found.told);
            let last = plan.has_ended() && !plan.reported_end;
            if runs || last || !track.done {
                track.done = !runs;
                wanted.push(LogRequest { log: track.log.clone(), from: track.read });
            }
        }
        wanted
    }

    /// Takes the lines that follow those read before.
    pub fn see_log(&mut self, log: &ObjectKey, lines: Vec<LogLine>) {
        if let Some(track) = self.logs.iter_mut().find(|track| track.log == *log) {
            track.read += lines.len();
            track.pending.extend(lines);
        }
    }

    /// Says whether records of kind `CloudformationStack` are needed to know which stack a step deploys.
    #[must_use]
    pub fn needs_stack_records(&self) -> bool {
        self.plans.iter().enumerate().any(|(plan, track)| {
            track.occurrences.iter().enumerate().any(|(index, found)| self.lacks_stack(plan, index, found.told))
        })
    }

    /// Takes records of kind `CloudformationStack`; those of other executions are left out.
    pub fn see_stack_records(&mut self, records: &[Record]) {
        for record in records {
            let RecordKey::Resource(_, key) = &record.key else { continue };
            let (arn, step) = (text(&record.body, "sfnExecutionArn"), text(&record.body, "stepName"));
            let Ok(name) = StackName::parse(&text(&record.body, "stackName")) else { continue };
            let Some(plan) = self.plans.iter().position(|plan| plan.arn.as_str() == arn) else { continue };
            let Some(region) = region_of(key, &name, &self.plans[plan].arn) else { continue };
            let stack_id = Some(text(&record.body, "stackId")).filter(|id| !id.is_empty());
            for index in 0..self.plans[plan].occurrences.len() {
                let occurrence = &self.plans[plan].occurrences[index];
                if occurrence.name == step && self.lacks_stack(plan, index, occurrence.told) {
                    let target = StackTarget { name: name.clone(), region: region.clone(), role: None };
                    self.stacks.push(StackTrack {
                        plan,
                        occurrence: index,
                        target,
                        stack_id: stack_id.clone(),
                        after: None,
                        pending: Vec::new(),
                        done: false,
                    });
                }
            }
        }
    }

    /// Returns the stacks of steps whose events to read; the position in the list is what [`Self::see_step_stack`] wants.
    #[must_use]
    pub fn stack_requests(&self) -> Vec<(usize, StackRequestOf)> {
        let open = self.stacks.iter().enumerate().filter(|(_, track)| !track.done);
        open.map(|(index, track)| {
            let (target, stack_id, after) = (track.target.clone(), track.stack_id.clone(), track.after.clone());
            (index, StackRequestOf { target, stack_id, after })
        })
        .collect()
    }

    /// Takes the next events of the stack of a step.
    pub fn see_step_stack(&mut self, request: usize, events: Vec<StackEvent>) {
        let Some(track) = self.stacks.get_mut(request) else { return };
        let occurrence = self.plans.get_mut(track.plan).and_then(|plan| plan.occurrences.get_mut(track.occurrence));
        let Some(occurrence) = occurrence else { return };
        if let Some(last) = events.last() {
            track.after = Some(last.id.clone());
        }
        track.done = occurrence.ended.is_some();
        let ours = events.into_iter().filter(|event| event.time >= occurrence.entered);
        for event in ours {
            occurrence.stack_events.push(event.clone());
            track.pending.push(event);
        }
    }

    /// Notes that something could not be read; told once per text.
    pub fn see_trouble(&mut self, message: String, now: Timestamp) {
        self.emit(now, What::Trouble { message });
    }

    /// Draws the conclusions and returns what is new, in order.
    pub fn settle(&mut self, now: Timestamp) -> Vec<FollowEvent> {
        if self.ending.is_none() {
            self.advance(now);
        }
        std::mem::take(&mut self.out)
    }

    fn advance(&mut self, now: Timestamp) {
        let Some(view) = self.view.clone() else {
            return self.wait_for(Waiting::Publication, self.began, now);
        };
        if self.published.is_none() {
            self.publish(&view, now);
        }
        let published = *self.published.get_or_insert(now);
        self.tell_init_stack(&view, now);
        if !self.plans.iter().any(|plan| plan.description.is_some()) {
            return self.before_the_plan(&view, published, now);
        }
        self.finish_init_stack(&view, now);
        for plan in 0..self.plans.len() {
            self.tell_plan(plan, &view, now);
        }
        self.after_the_plan(&view, now);
    }

    fn publish(&mut self, view: &RecordView, now: Timestamp) {
        // An error before anything is known of the distribution has its own message; empty names help nobody.
        if view.distribution.is_empty() {
            return;
        }
        self.emit(
            now,
            What::Published(Published {
                environment: view.environment.clone(),
                distribution: view.distribution.clone(),
                id: view.id.clone(),
                version: view.version.clone(),
                tags: view.tags.clone(),
            }),
        );
    }

    fn tell_init_stack(&mut self, view: &RecordView, now: Timestamp) {
        let Some(stack) = view.stack.clone().filter(|_| !view.is_app) else { return };
        if view.init_unchanged {
            if !self.told_no_change && view.error.is_none() {
                self.told_no_change = true;
                self.emit(now, What::InitStackUnchanged);
            }
            return;
        }
        if self.init.started.is_none() && (view.error.is_none() || !self.init.events.is_empty()) {
            self.init.started = Some(now);
            self.init.last_news = now;
            self.emit(now, What::InitStackStarted { stack });
        }
        if self.init.started.is_none() {
            return;
        }
        let news: Vec<StackEvent> = self.init.events.get(self.init.told..).unwrap_or_default().to_vec();
        self.init.told = self.init.events.len();
        for event in news {
            self.emit(event.time, What::InitStackEvent(event));
        }
        let status = self.init_status().map(|event| (event.status.is_success(), event.time));
        if let Some((true, at)) = status {
            self.init_done(at);
        }
    }

    /// Returns the newest event about the init stack itself.
    fn init_status(&self) -> Option<&StackEvent> {
        self.init.events.iter().rev().find(|event| event.is_about_the_stack())
    }

    /// The plan runs, so the init stack is done, whether or not its events could be read.
    fn finish_init_stack(&mut self, view: &RecordView, now: Timestamp) {
        if view.stack.is_some() && !view.is_app && !view.init_unchanged && self.init.started.is_some() {
            self.init_done(now);
        }
    }

    fn init_done(&mut self, at: Timestamp) {
        if !std::mem::replace(&mut self.init.done, true) {
            let created = self.init_status().is_some_and(|event| event.status.0.starts_with("CREATE"));
            let began = self.init.events.first().map_or(self.init.started.unwrap_or(at), |event| event.time);
            self.emit(at, What::InitStackDone { created, duration: at.since(began) });
        }
    }

    fn before_the_plan(&mut self, view: &RecordView, published: Timestamp, now: Timestamp) {
        if let Some((code, message)) = &view.error {
            // A stack that still rolls back tells the real reason first, and nothing else could be deployed meanwhile.
            let rolls_back = self.init_status().is_some_and(|event| event.status.is_in_progress());
            if !(rolls_back && now.since(self.init.last_news) < PATIENCE) {
                let cause = self.init_cause(view);
                return self.fail(now, code.clone(), explained(code, message), None, cause);
            }
            return;
        }
        if let Some((outcome, message)) = view.bad_outcome() {
            let cause = self.init_cause(view);
            return self.fail(now, outcome.to_owned(), message.to_owned(), None, cause);
        }
        if view.stack.is_none() {
            if view.outcome.is_some() || now.since(published) >= GRACE {
                self.emit(now, What::NoStack);
                self.ending = Some(Ending::Succeeded);
            }
            return;
        }
        if view.plan_count.is_some_and(|count| count <= 0) {
            self.finish_init_stack(view, now);
            self.emit(now, What::NoPlan);
            self.ending = Some(Ending::Succeeded);
            return;
        }
        let failed =
            self.init_status().is_some_and(|event| !event.status.is_in_progress() && !event.status.is_success());
        if failed && now.since(self.init.last_news) >= GRACE {
            let cause = self.init_cause(view);
            let status = self.init_status().map(|event| format!("stack `{}` ended as {}", event.stack, event.status));
            return self.fail(now, "CloudformationError".to_owned(), status.unwrap_or_default(), None, cause);
        }
        let stack_is_busy = self.init_status().is_some_and(|event| event.status.is_in_progress());
        if !stack_is_busy {
            let since = if self.init.last_news > published { self.init.last_news } else { published };
            self.wait_for(Waiting::Plan, since, now);
        }
    }

    fn init_cause(&self, view: &RecordView) -> Option<FirstCause> {
        let recorded: Vec<_> = view.init_errors.iter().collect();
        let found = cause::of_stack(&self.init.events).or_else(|| cause::of_recorded(&recorded))?;
        let hint = Some("correct the resource in the init template and deploy again".to_owned());
        Some(FirstCause { hint, ..found })
    }

    fn tell_plan(&mut self, index: usize, view: &RecordView, now: Timestamp) {
        let Some(plan) = self.plans.get_mut(index).filter(|plan| !plan.reported_end) else { return };
        let Some(description) = plan.description.clone() else { return };
        if !std::mem::replace(&mut plan.reported_start, true) {
            self.emit(description.started, What::PlanStarted { execution: description.arn.clone() });
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

    fn tell_change(&mut self, index: usize, change: Change, view: &RecordView) {
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
        let recorded: Vec<_> = view.errors.iter().filter(|error| error.step == step.name).collect();
        Some(cause::of_step(&Evidence {
            step: &step.name,
            kind: &step.kind,
            error,
            cause,
            output: &output,
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

    fn after_the_plan(&mut self, view: &RecordView, now: Timestamp) {
        let ours = || self.plans.iter().filter(|plan| plan.description.is_some());
        let ended = ours().filter(|plan| plan.reported_end).count();
        let expected = usize::try_from(view.plan_count.unwrap_or(1)).unwrap_or(1).max(ours().count());
        let bad = ours().filter(|plan| plan.reported_end).find_map(|plan| {
            let description = plan.description.as_ref()?;
            (description.status != ExecutionStatus::Succeeded).then(|| description.clone())
        });
        let all_known_ended = ended == ours().count();
        if let Some((outcome, message)) = view.bad_outcome()
            && !all_known_ended
        {
            // Whoever wrote the outcome also ends the executions; only one who is gone does not.
            let since = *self.bad_outcome.get_or_insert(now);
            if outcome == "INTERRUPTED" || now.since(since) >= GRACE {
                for plan in 0..self.plans.len() {
                    self.plans[plan].close(now, "Stopped", None, Default::default());
                    for change in std::mem::take(&mut self.plans[plan].changes) {
                        self.tell_change(plan, change, view);
                    }
                }
                let (code, message) = (outcome.to_owned(), message.to_owned());
                self.fail_as_told(now, code, message);
            }
            return;
        }
        if !all_known_ended {
            return;
        }
        let since = ours().filter_map(|plan| plan.description.as_ref()?.ended).max().unwrap_or(now);
        let over = now.since(*self.all_ended.get_or_insert(since)) >= GRACE;
        if (ended < expected || view.outcome.is_none()) && !over {
            return;
        }
        if let Some(description) = bad {
            let (error, cause) = (description.error.unwrap_or_default(), description.cause.unwrap_or_default());
            let told = view.bad_outcome().map(|(_, message)| message).filter(|message| !message.is_empty());
            let code = if error.is_empty() { description.status.as_str().to_owned() } else { error };
            // An outcome names who stopped or replaced the deployment; a failed step has told its own reason.
            let message = match (told, cause.is_empty()) {
                (Some(told), _) if description.status != ExecutionStatus::Failed => told.to_owned(),
                (_, false) => cause,
                (Some(told), true) => told.to_owned(),
                (None, true) => format!("the plan ended as {}", description.status),
            };
            self.fail_as_told(now, code, message);
        } else if let Some((outcome, message)) = view.bad_outcome() {
            let (code, message) = (outcome.to_owned(), message.to_owned());
            self.fail_as_told(now, code, message);
        } else if let (Some((code, message)), None) = (&view.error, &view.outcome) {
            self.fail_as_told(now, code.clone(), message.clone());
        } else {
            self.ending = Some(Ending::Succeeded);
        }
    }

    fn fail_as_told(&mut self, now: Timestamp, code: String, message: String) {
        match self.first_failure.take() {
            Some((step, error, cause, first)) => {
                let same = code == error || code == "FAILED";
                let (code, message) = if same { (error, cause) } else { (code, message) };
                self.fail(now, code, message, Some(step), Some(first));
            }
            None => self.fail(now, code, message, None, None),
        }
    }

    fn fail(&mut self, now: Timestamp, code: String, message: String, step: Option<String>, cause: Option<FirstCause>) {
        let message = if message.is_empty() { code.clone() } else { message };
        let failure = Failure { code, message, step, first_cause: cause };
        self.emit(now, What::Failed(failure.clone()));
        self.ending = Some(Ending::Failed(failure));
    }

    fn wait_for(&mut self, waiting: Waiting, began: Timestamp, now: Timestamp) {
        let since = now.since(began);
        if since >= self.limit {
            let (code, message) = match waiting {
                Waiting::Publication => ("NotPublished", "the upload was not published"),
                Waiting::Plan => ("PlanNotStarted", "the deployment plan did not start"),
            };
            let message = format!("{message} within {} s; whatever does it may be gone", self.limit.as_secs());
            self.fail(now, code.to_owned(), message, None, None);
        } else if since >= PATIENCE && self.told_waiting != Some(waiting) {
            self.told_waiting = Some(waiting);
            self.emit(now, What::StillWaiting { waiting, since });
        }
    }

    fn lacks_stack(&self, plan: usize, occurrence: usize, told: bool) -> bool {
        let Some(found) = self.plans.get(plan).and_then(|plan| plan.occurrences.get(occurrence)) else { return false };
        let kind = self.view.as_ref().map_or("", |view| kind_of(view, &found.name, &found.state));
        has_stack(kind)
            && !told
            && !self.stacks.iter().any(|stack| stack.plan == plan && stack.occurrence == occurrence)
    }

    fn step(&self, plan: usize, occurrence: usize, view: &RecordView) -> Option<Step> {
        let found = self.plans.get(plan)?.occurrences.get(occurrence)?;
        let kind = kind_of(view, &found.name, &found.state).to_owned();
        Some(Step { plan, id: found.id, name: found.name.clone(), kind })
    }

    fn emit(&mut self, at: Timestamp, what: What) {
        self.out.push(FollowEvent { at, what });
    }
}

fn kind_of<'a>(view: &'a RecordView, name: &str, state: &'a str) -> &'a str {
    view.step_types.iter().find(|(step, _)| step == name).map_or(state, |(_, kind)| kind)
}

fn is_hidden(name: &str) -> bool {
    HIDDEN.contains(&name)
}

/// Reads region and account from `<stack>-<region>-<account>`; `None` for a stack of another account.
fn region_of(key: &str, stack: &StackName, execution: &ExecutionArn) -> Option<Option<Region>> {
    let (region, account) = key.strip_prefix(stack.as_str())?.strip_prefix('-')?.rsplit_once('-')?;
    let mut own = execution.as_str().split(':').skip(3);
    let (own_region, own_account) = (own.next()?, own.next()?);
    if account != own_account {
        return None;
    }
    if region == own_region { Some(None) } else { Region::parse(region).ok().map(Some) }
}

/// Adds what a refused update of an init stack most often means (cli.md 11.2).
fn explained(code: &str, message: &str) -> String {
    if code == "AccessDenied" && message.contains("cloudformation:UpdateStack") {
        format!(
            "the init stack most likely lacks the tag `AttiniResourceType=init-deploy`, or the role of the init deploy \
             lacks rights: {message}"
        )
    } else {
        message.to_owned()
    }
}
