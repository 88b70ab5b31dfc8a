//! What happens to a deployment in lines for people, and the line that shows what is running.

use std::time::Duration;

use anstyle::Style;
use attini_core::follow::{FollowEvent, Published, Step, Waiting, What};
use attini_core::port::{ExecutionStatus, StackEvent};
use attini_core::value::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::ui::{DIM, GREEN, RED, Ui, YELLOW, cut, printable};

/// Columns of a step's name, at most.
const NAME_COLUMNS: usize = 40;
/// Columns of a step's status, on its right side.
const STATUS_COLUMNS: usize = 10;
/// Columns that the longest name is taken to have, at least; not all names are known at the start.
const USUAL_NAME: usize = 10;

/// How a step ends.
struct End {
    mark: &'static str,
    status: &'static str,
    style: Style,
}

const SUCCESS: End = End { mark: "✓", status: "SUCCESS", style: GREEN };
const FAILURE: End = End { mark: "✗", status: "FAILED", style: RED };
const STOP: End = End { mark: "■", status: "STOPPED", style: YELLOW };

/// What is running now, and what was shown.
#[derive(Debug, Default)]
pub(super) struct TextView {
    running: Vec<(Step, Timestamp)>,
    phase: Option<(&'static str, Timestamp)>,
    beat: usize,
    failure_shown: bool,
    plan_ended: bool,
    /// Characters of the longest name of a step, when known.
    longest_name: Option<usize>,
    /// The step that the last line was about.
    current: Option<Step>,
}

impl TextView {
    /// Returns the lines of an event.
    pub(super) fn lines(&mut self, event: &FollowEvent, answer_line: &dyn Fn(&str) -> String, ui: &Ui) -> Vec<String> {
        let at = event.at;
        match &event.what {
            What::StillWaiting { waiting, since } => {
                let missing = match waiting {
                    Waiting::Publication => "The upload is not published yet",
                    Waiting::Plan => "The deployment plan has not started yet",
                };
                vec![format!("{missing} ({})", time(*since))]
            }
            What::WaitingFor { id } => vec![format!("Waiting for deployment {id}, which still runs")],
            What::Published(it) => published(it, ui),
            What::Warning(text) => vec![format!("{} {text}", ui.paint(YELLOW, "Warning:"))],
            What::NoStack => vec!["No stack present in distribution".to_owned()],
            What::InitStackUnchanged => vec!["No changes to init stack".to_owned()],
            What::InitStackStarted { .. } => {
                self.phase = Some(("init stack", at));
                vec!["Deploying init stack".to_owned()]
            }
            // What the framework makes of a plan is of interest to people only when it fails.
            What::InitStackEvent(event) if event.is_about_the_stack() || is_trouble(event) => {
                vec![stack_line("", event, ui)]
            }
            What::InitStackEvent(_) => Vec::new(),
            What::InitStackDone { created, duration } => {
                self.phase = None;
                let how = if *created { "created" } else { "updated" };
                vec![format!("Init stack {how} successfully ({})", time(*duration))]
            }
            What::NoPlan => vec!["No deployment plan found".to_owned()],
            What::PlanStarted { longest_name, .. } => {
                self.longest_name = *longest_name;
                vec!["Running deployment plan".to_owned()]
            }
            What::StepStarted(step) => {
                self.running.push((step.clone(), at));
                self.current = Some(step.clone());
                if passes(step) { Vec::new() } else { vec![format!("{} {}", ui.paint(DIM, "→"), step.name)] }
            }
            What::StepOutput { step, line } => {
                let text = printable(&line.text, ui.terminal.color_out);
                vec![format!("  {}{text}", self.prefix(step, ui))]
            }
            What::StepStackEvent { event, .. } if is_echo(event) => Vec::new(),
            What::StepStackEvent { step, event } => vec![stack_line(&self.prefix(step, ui), event, ui)],
            What::ApprovalNeeded(step) => vec![
                format!("  {} {}", ui.paint(YELLOW, "MANUAL APPROVAL NEEDED:"), step.name),
                format!("  {}", answer_line(&step.name)),
                format!("  {}", ui.paint(DIM, "to reject it, add `--abort`")),
            ],
            What::StepRetried { step, attempt, error, cause } => {
                let mark = ui.paint(YELLOW, "↻");
                vec![format!("{mark} {}  attempt {attempt} failed, trying again: {}", step.name, joined(error, cause))]
            }
            What::StepSucceeded { step, duration, .. } => {
                self.end(step);
                if is_added(step) {
                    return Vec::new();
                }
                vec![self.end_line(ui, &SUCCESS, step, &time(*duration))]
            }
            What::StepFailed { step, duration, first_cause, caught, .. } => {
                self.end(step);
                self.failure_shown |= !caught;
                let after = if *caught { format!("{}, handled by the plan", time(*duration)) } else { time(*duration) };
                let mut lines = vec![self.end_line(ui, &FAILURE, step, &after)];
                if let Some(first) = first_cause {
                    lines.push(format!("    {}", printable(&first.message, false)));
                    // The lines of a job stand above.
                    let details = first.details.iter().filter(|_| first.log.is_none());
                    lines.extend(details.map(|line| format!("    | {}", printable(line, false))));
                }
                lines
            }
            What::StepStopped { step, duration } => {
                self.end(step);
                vec![self.end_line(ui, &STOP, step, &time(*duration))]
            }
            What::PlanEnded { status, duration, steps, error, .. } => {
                self.running.clear();
                self.plan_ended = true;
                let style = if *status == ExecutionStatus::Succeeded { GREEN } else { RED };
                let mut lines = Vec::new();
                if let (Some((error, cause)), false) = (error, self.failure_shown) {
                    lines.extend(Some(joined(error, cause)).filter(|text| !text.is_empty()));
                }
                let status = ui.paint(style, status.as_str());
                let plural = if *steps == 1 { "step" } else { "steps" };
                lines.push(format!(
                    "Deployment plan finished with status: {status} ({}, {steps} {plural})",
                    time(*duration)
                ));
                lines
            }
            What::Trouble { message } => vec![ui.paint(YELLOW, &format!("Following without a part of it: {message}"))],
            // Told as the error of the command.
            What::Failed(_) => Vec::new(),
        }
    }

    /// Says whether a plan has ended, so that there is something that it returned.
    pub(super) fn has_output(&self) -> bool {
        self.plan_ended
    }

    /// Returns what is running, with times; empty when nothing is.
    pub(super) fn live_line(&mut self, now_ms: i64) -> String {
        const BEATS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        self.beat += 1;
        let beat = BEATS[self.beat % BEATS.len()];
        let since = |at: Timestamp| time(Timestamp::from_ms(now_ms).since(at));
        let inner = self.running.iter().filter(|(step, _)| !contains_steps(step));
        let mut parts: Vec<String> = inner.map(|(step, at)| format!("{} {}", step.name, whole(&since(*at)))).collect();
        if let Some((phase, at)) = self.phase {
            parts.push(format!("{phase} {}", whole(&since(at))));
        }
        if parts.is_empty() { String::new() } else { format!("{beat} {}", parts.join(" · ")) }
    }

    /// Returns the step's name when the line would otherwise seem to belong to another step.
    fn prefix(&mut self, step: &Step, ui: &Ui) -> String {
        let others = self.running.iter().any(|(other, _)| other != step && !contains_steps(other));
        let elsewhere = self.current.replace(step.clone()).is_some_and(|current| current != *step);
        if others || elsewhere { format!("{} ", ui.paint(DIM, &format!("[{}]", step.name))) } else { String::new() }
    }

    /// Returns the row that a step ends with: its name and its status in columns of fixed width (cli.md 11.5).
    fn end_line(&self, ui: &Ui, end: &End, step: &Step, after: &str) -> String {
        // What was not known when the plan started may be longer.
        let longest = self.longest_name.unwrap_or_default().max(USUAL_NAME).max(step.name.width());
        let columns = (longest + 2).min(NAME_COLUMNS);
        let name = if step.name.width() > columns {
            format!("{}...", cut(&step.name, columns - 3))
        } else {
            step.name.clone()
        };
        let gap = " ".repeat(columns.saturating_sub(name.width()));
        let status = format!("{:>STATUS_COLUMNS$}", end.status);
        format!(
            "{} {name}{gap}{}    {}",
            ui.paint(end.style, end.mark),
            ui.paint(end.style, &status),
            ui.paint(DIM, after)
        )
    }

    fn end(&mut self, step: &Step) {
        self.running.retain(|(other, _)| other != step);
        self.current = Some(step.clone());
    }
}

/// Says whether a step only decides or reshapes, so that its start is not worth a line.
fn passes(step: &Step) -> bool {
    matches!(step.kind.as_str(), "Pass" | "Choice" | "Succeed" | "Fail" | "AttiniMergeOutput")
}

/// Says whether the list syntax has put the step behind a `Parallel`: nobody wrote it, so nobody misses it.
fn is_added(step: &Step) -> bool {
    step.kind == "AttiniMergeOutput" && step.name.ends_with("-Merge")
}

fn contains_steps(step: &Step) -> bool {
    matches!(step.kind.as_str(), "Parallel" | "Map")
}

fn published(it: &Published, ui: &Ui) -> Vec<String> {
    let mut fields = vec![
        ("Environment", it.environment.as_str()),
        ("DistributionName", it.distribution.as_str()),
        ("DistributionId", it.id.as_deref().unwrap_or("not_defined")),
    ];
    fields.extend(it.version.as_deref().map(|version| ("Version", version)));
    let mut lines = vec!["Published distribution".to_owned()];
    lines.extend(fields.into_iter().map(|(key, value)| format!("{key}: {}", ui.paint(GREEN, value))));
    lines
}

/// CloudFormation says twice that it works on a resource; the second time adds nothing for people.
fn is_echo(event: &StackEvent) -> bool {
    event.status.is_in_progress()
        && event.reason.as_deref().is_some_and(|reason| reason.ends_with(" Initiated"))
        && !event.is_about_the_stack()
}

fn is_trouble(event: &StackEvent) -> bool {
    event.status.0.ends_with("_FAILED") || event.status.0.contains("ROLLBACK")
}

fn stack_line(prefix: &str, event: &StackEvent, ui: &Ui) -> String {
    let status = event.status.0.as_str();
    let style = match status {
        _ if status.ends_with("_FAILED") || status.contains("ROLLBACK") => RED,
        _ if status.ends_with("_COMPLETE") => GREEN,
        _ => YELLOW,
    };
    let reason = event.reason.as_ref().map(|reason| format!(": {}", printable(reason, false))).unwrap_or_default();
    let kind = if event.is_about_the_stack() { "stack" } else { event.resource_type.as_str() };
    format!(
        "  {prefix}{} {} {}{reason}",
        ui.paint(style, status),
        event.logical_id,
        ui.paint(DIM, &format!("({kind})"))
    )
}

fn joined(error: &str, cause: &str) -> String {
    let cause = cause.lines().next().unwrap_or_default();
    match (error, cause) {
        (error, "") => error.to_owned(),
        ("", cause) => cause.to_owned(),
        (error, cause) => format!("{error}: {cause}"),
    }
}

/// `20ms`, `12.3s`, `4m 05s`, `2h 03m`.
fn time(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.subsec_millis()),
        1..60 => format!("{}.{}s", seconds, duration.subsec_millis() / 100),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Cuts the parts of a second off, which would flicker.
fn whole(time: &str) -> String {
    if time.ends_with("ms") {
        return "0s".to_owned();
    }
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started(name: &str, id: u64, at: i64) -> FollowEvent {
        let step = Step { plan: 0, id, name: name.to_owned(), kind: "AttiniRunnerJob".to_owned() };
        FollowEvent { at: Timestamp::from_ms(at), what: What::StepStarted(step) }
    }

    #[test]
    fn the_live_line_shows_what_runs_and_for_how_long() {
        let ui = plain();
        let mut view = TextView::default();
        assert_eq!(view.live_line(0), "");
        for event in [started("Build", 1, 0), started("Test", 2, 58_500)] {
            view.lines(&event, &|_| String::new(), &ui);
        }
        assert!(view.live_line(61_000).ends_with(" Build 1m 01s · Test 2s"), "{}", view.live_line(61_000));
    }

    fn plain() -> Ui {
        let empty = || Box::new(std::io::sink());
        Ui::new(empty(), empty(), Box::new(std::io::empty()), crate::ui::Terminal::default(), || 40, || 0)
    }

    #[test]
    fn cli_case_41_names_and_statuses_have_columns_of_their_own() {
        let row = |longest_name, name: &str| {
            let mut view = TextView::default();
            let execution = attini_core::value::ExecutionArn::from_record("arn");
            let plan = What::PlanStarted { execution, longest_name };
            let step = Step { plan: 0, id: 1, name: name.to_owned(), kind: "AttiniRunnerJob".to_owned() };
            let end = What::StepSucceeded { step, duration: Duration::from_millis(3_200), output: None };
            let events = [plan, end].map(|what| FollowEvent { at: Timestamp::from_ms(0), what });
            let mut lines = Vec::new();
            events.iter().for_each(|event| lines.extend(view.lines(event, &|_| String::new(), &plain())));
            lines.pop().expect("a row")
        };
        let long = "a".repeat(50);
        assert_eq!(row(Some(50), &long), format!("✓ {}...{:>10}    3.2s", "a".repeat(37), "SUCCESS"));
        assert_eq!(row(Some(50), "Build"), format!("✓ Build{}{:>10}    3.2s", " ".repeat(35), "SUCCESS"));
        assert_eq!(row(Some(38), &"a".repeat(38)), format!("✓ {}  {:>10}    3.2s", "a".repeat(38), "SUCCESS"));
        assert_eq!(row(Some(12), "Build"), format!("✓ Build         {:>10}    3.2s", "SUCCESS"));
        // Nothing is known, or not everything.
        assert_eq!(row(None, "Build"), format!("✓ Build       {:>10}    3.2s", "SUCCESS"));
        assert_eq!(row(Some(5), "DeployWebsite"), format!("✓ DeployWebsite  {:>10}    3.2s", "SUCCESS"));
        // Wide characters count twice.
        assert_eq!(row(Some(8), "日本語"), format!("✓ 日本語      {:>10}    3.2s", "SUCCESS"));
    }

    #[test]
    fn times_are_short() {
        let text = |ms| time(Duration::from_millis(ms));
        assert_eq!([text(25), text(12_340), text(61_000), text(7_380_000)], ["25ms", "12.3s", "1m 01s", "2h 03m"]);
        assert_eq!([text(250), text(1_900)].map(|text| whole(&text)), ["0s", "1s"]);
    }
}
