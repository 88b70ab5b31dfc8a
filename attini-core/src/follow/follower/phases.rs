//! The phases around the plan: publication, init stack, and the end (cli.md 11.2, 11.3).

use std::time::Duration;

use super::Follower;
use crate::follow::cause::{self, FirstCause};
use crate::follow::event::{Ending, Failure, FollowEvent, Published, Waiting, What};
use crate::follow::record::RecordView;
use crate::port::{ExecutionStatus, StackEvent};
use crate::value::Timestamp;

/// How long to wait for what most likely comes: the outcome after the last step, an error after the first record.
const GRACE: Duration = Duration::from_secs(3);
/// After this long without news a person is told what is missing.
const PATIENCE: Duration = Duration::from_secs(60);

impl Follower {
    pub(super) fn advance(&mut self, now: Timestamp) {
        let Some(view) = self.view.clone() else {
            return self.wait_for(Waiting::Publication, self.began, now);
        };
        if self.published.is_none() {
            self.publish(&view, now);
        }
        let published = *self.published.get_or_insert(now);
        for warning in view.warnings.get(self.told_warnings..).unwrap_or_default() {
            self.emit(now, What::Warning(warning.clone()));
        }
        self.told_warnings = view.warnings.len();
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
            // With an error and no execution, the error came before the stack was looked at.
            if !self.told_no_change && (view.error.is_none() || !view.executions.is_empty()) {
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
            if self.older.is_some() && self.told_older != self.older {
                self.told_older.clone_from(&self.older);
                self.out.extend(self.older.clone().map(|id| FollowEvent { at: now, what: What::WaitingFor { id } }));
            }
            // The limit is for what should come by itself.
            let since = self.init.last_news.max(published).max(self.older_seen);
            self.wait_for(Waiting::Plan, since, now);
        }
    }

    fn init_cause(&self, view: &RecordView) -> Option<FirstCause> {
        let recorded: Vec<_> = view.init_errors.iter().collect();
        let found = cause::of_stack(&self.init.events).or_else(|| cause::of_recorded(&recorded))?;
        let hint = Some("correct the resource in the init template and deploy again".to_owned());
        Some(FirstCause { hint, ..found })
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
