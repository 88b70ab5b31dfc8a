mod phases;
mod plan;

use std::time::Duration;

use super::cause::{FirstCause, has_log, has_stack};
use super::event::{Ending, FollowEvent, Step, Waiting, What};
use super::record::{RecordView, text};
use super::steps::PlanTrack;
use crate::port::{
    ExecutionDescription, ExecutionStatus, HistoryEvent, LogLine, Record, RecordKey, StackEvent, StackTarget,
};
use crate::value::{ExecutionArn, ObjectKey, Region, StackName, TaskToken, Timestamp};

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
    /// Whether the operation of this deployment has ended: what follows belongs to later ones.
    over: bool,
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
    /// The older deployment that runs.
    older: Option<String>,
    /// When there was one last.
    older_seen: Timestamp,
    told_older: Option<String>,
    told_no_change: bool,
    told_warnings: usize,
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
            older: None,
            older_seen: now,
            told_older: None,
            told_no_change: false,
            told_warnings: 0,
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

    /// Says whether everything before the plan is done and no execution of it has begun.
    #[must_use]
    pub fn waits_for_plan(&self) -> bool {
        let wanted = |view: &RecordView| {
            view.plan_count.is_some_and(|count| count > 0) && view.outcome.is_none() && view.error.is_none()
        };
        self.view.as_ref().is_some_and(wanted) && !self.plans.iter().any(|plan| plan.description.is_some())
    }

    /// Returns the deployment's time, once its record was seen.
    #[must_use]
    pub fn deployed(&self) -> Option<Timestamp> {
        self.view.as_ref().map(|view| view.deployed)
    }

    /// Takes the id of an older deployment of the same name that runs, or that there is none.
    pub fn see_older(&mut self, id: Option<String>, now: Timestamp) {
        if id.is_some() {
            self.older_seen = now;
        }
        self.older = id;
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
        for event in events.into_iter().filter(|event| event.time >= view.deployed) {
            if self.init.over {
                return;
            }
            // A stack that could not be created is deleted first.
            let is_end = !event.status.is_in_progress() && !event.status.0.starts_with("DELETE");
            self.init.over = event.is_about_the_stack() && is_end;
            self.init.events.push(event);
        }
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

    /// Says whether the end of a step will be told next whose stack is not known yet: its events come now or never.
    #[must_use]
    pub fn stack_records_cannot_wait(&self) -> bool {
        self.plans.iter().enumerate().any(|(plan, track)| {
            let steps = track.occurrences.iter().enumerate();
            steps
                .filter(|(_, found)| found.ended.is_some())
                .any(|(index, found)| self.lacks_stack(plan, index, found.told))
        })
    }

    /// Takes records of kind `CloudformationStack`.
    ///
    /// A record names the last execution that deployed its stack. For a plan that has ended, that may be a later one of the
    /// same plan; those of other plans are left out.
    pub fn see_stack_records(&mut self, records: &[Record]) {
        for plan in 0..self.plans.len() {
            let track = &self.plans[plan];
            let recorded: Vec<_> = records.iter().filter_map(|record| StackOfRecord::read(record, track)).collect();
            for index in 0..self.plans[plan].occurrences.len() {
                let told = self.plans[plan].occurrences[index].told;
                if !self.lacks_stack(plan, index, told) {
                    continue;
                }
                let Some((target, stack_id)) = self.stack_of(plan, index, &recorded) else { continue };
                let (after, pending, done) = (None, Vec::new(), false);
                self.stacks.push(StackTrack { plan, occurrence: index, target, stack_id, after, pending, done });
            }
        }
    }

    /// Returns the stack of one run of a step: the runs of a loop or of the iterations of a `Map` have the name of the step
    /// in common, and can each have a stack of their own.
    fn stack_of(
        &self,
        plan: usize,
        occurrence: usize,
        recorded: &[StackOfRecord],
    ) -> Option<(StackTarget, Option<String>)> {
        let found = self.plans.get(plan)?.occurrences.get(occurrence)?;
        let own = || recorded.iter().filter(|record| record.step == found.name);
        let known = |record: &StackOfRecord| Some((record.target.clone(), record.stack_id.clone()));
        if let Some(name) = &found.request.name {
            let named = own().find(|record| record.target.name == *name);
            return match named {
                Some(record) => known(record),
                // The record goes with the stack, and to the deployment that takes the stack over.
                None if found.ended.is_some() => {
                    let (name, region) = (name.clone(), found.request.region.clone());
                    Some((StackTarget { name, region, role: None }, None))
                }
                None => None,
            };
        }
        if let Some(token) = &found.request.token {
            if let Some(record) =
                own().find(|record| record.token.as_ref().is_some_and(|of| of.expose() == token.expose()))
            {
                return known(record);
            }
            // The record loses the token when the step is answered.
            found.ended?;
        }
        let taken = |record: &&StackOfRecord| {
            self.stacks.iter().any(|stack| stack.plan == plan && stack.target == record.target)
        };
        let mut free: Vec<_> = own().filter(|record| !taken(record)).collect();
        free.sort_by(|a, b| a.operation.cmp(&b.operation));
        let only = || own().next().filter(|_| own().count() == 1);
        free.first().copied().or_else(only).and_then(known)
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
        // What came before or after belongs to other runs and deployments.
        let last = occurrence.ended;
        let ours = events.into_iter().filter(|event| event.time >= occurrence.entered);
        let ours = ours.filter(|event| last.is_none_or(|last| event.time <= last));
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

/// What a record of kind `CloudformationStack` tells about the stack of a step.
#[derive(Debug)]
struct StackOfRecord {
    step: String,
    target: StackTarget,
    stack_id: Option<String>,
    /// What answers the step, until it is answered.
    token: Option<TaskToken>,
    /// Token of the operation; within an execution the earlier one sorts first (actions.md 5.11).
    operation: String,
}

impl StackOfRecord {
    /// Reads a record; `None` for one that belongs to another execution.
    ///
    /// A record names the last execution that deployed its stack. For a plan that has ended, that may be a later one.
    fn read(record: &Record, plan: &PlanTrack) -> Option<Self> {
        let RecordKey::Resource(_, key) = &record.key else { return None };
        let execution = &plan.arn;
        let last = ExecutionArn::from_record(text(&record.body, "sfnExecutionArn"));
        let taken_over = plan.has_ended() && last.machine() == execution.machine();
        if last != *execution && !taken_over {
            return None;
        }
        let name = StackName::parse(&text(&record.body, "stackName")).ok()?;
        let region = region_of(key, &name, execution)?;
        let filled = |field: &str| Some(text(&record.body, field)).filter(|text| !text.is_empty());
        Some(Self {
            step: text(&record.body, "stepName"),
            target: StackTarget { name, region, role: None },
            stack_id: filled("stackId"),
            token: filled("sfnToken").map(TaskToken::new),
            operation: text(&record.body, "clientRequestToken"),
        })
    }
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
