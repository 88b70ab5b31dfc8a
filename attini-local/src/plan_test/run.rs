use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use attini_core::document::DocPath;
use attini_core::port::HistoryEvent;
use attini_core::problem::{Problem, Problems, SourceSpot};
use serde::Serialize;
use serde_json::Value;

use super::answers::{Bench, Call};
use super::check::{Mismatch, mismatches};
use super::coverage::is_marker;
use super::file::Case;
use super::model::{Answer, PathPart};
use super::ports::START;
use super::project::Machine;
use crate::engine::{ExecutionContext, Outcome, Seed, simulate};

/// A call that no mock answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MissingAnswer {
    /// The step.
    pub step: String,
    /// Its type, with what it calls for a `Task`.
    pub kind: String,
    /// The iterations of the Map states around it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub iteration: Vec<usize>,
    /// What an answer could be, below the name of the step.
    #[serde(skip)]
    pub lines: Vec<String>,
}

impl MissingAnswer {
    /// Returns the lines to add below `mocks:`.
    #[must_use]
    pub fn to_add(&self) -> String {
        let first = crate::simulate::mock_lines(&self.step);
        let name = first.lines().next().unwrap_or_default();
        self.lines.iter().fold(name.to_owned(), |text, line| format!("{text}\n  {line}"))
    }
}

/// An answer that serves no call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnusedMock {
    /// The step.
    pub step: String,
    /// Where the answer stands.
    pub at: Option<SourceSpot>,
}

/// What came of a case.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseResult {
    /// The file.
    pub file: String,
    /// Name of the case.
    pub name: String,
    /// Where it stands.
    pub at: Option<SourceSpot>,
    /// How the plan ended: `SUCCEEDED`, …; `None` when it did not run to its end.
    pub status: Option<String>,
    /// Error name with which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The steps in the order in which they began.
    pub path: Vec<String>,
    /// Seconds on the simulated clock.
    pub seconds: f64,
    /// What keeps the plan from running.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// What is not as expected.
    pub mismatches: Vec<Mismatch>,
    /// Calls that no mock answers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingAnswer>,
    /// Answers that serve no call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused: Vec<UnusedMock>,
    /// How long the run took here.
    #[serde(skip)]
    pub elapsed: Duration,
    /// States that were entered, for the coverage.
    #[serde(skip)]
    pub(super) seen: BTreeSet<String>,
}

impl CaseResult {
    /// Says whether everything is as expected. Answers that serve no call do not count.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.problems.is_empty() && self.mismatches.is_empty() && self.missing.is_empty()
    }

    /// A case whose plan cannot be expanded.
    pub(super) fn broken(file: &str, case: &Case, problems: &Problems) -> Self {
        Self {
            file: file.to_owned(),
            name: case.name.clone(),
            at: case.spot(),
            status: None,
            error: None,
            cause: None,
            path: Vec::new(),
            seconds: 0.0,
            problems: problems.0.clone(),
            mismatches: Vec::new(),
            missing: Vec::new(),
            unused: Vec::new(),
            elapsed: Duration::ZERO,
            seen: BTreeSet::new(),
        }
    }
}

/// What a run of the plan did.
pub(super) struct Ran {
    /// `None` when it waits for something that will never come.
    pub(super) outcome: Option<Outcome>,
    /// The author's steps in the order in which they began.
    pub(super) path: Vec<String>,
    /// The payload at the end.
    pub(super) payload: Value,
    pub(super) calls: Vec<Call>,
    pub(super) approvals: Vec<String>,
    pub(super) seconds: f64,
}

/// A run with everything around it.
pub(super) struct Played {
    pub(super) ran: Ran,
    pub(super) missing: Vec<MissingAnswer>,
    pub(super) impossible: Vec<(DocPath, String)>,
    /// The answers that served a call, by step and number.
    pub(super) used: BTreeSet<(String, usize)>,
    seen: BTreeSet<String>,
}

/// Runs the plan with the mocks of a case.
pub(super) fn play(case: &Case, machine: &Machine) -> Played {
    let mut bench = Bench::new(case, machine);
    let context = ExecutionContext {
        execution_arn: machine.arn.execution("test").as_str().to_owned(),
        execution_name: "test".to_owned(),
        role_arn: format!("arn:aws:iam::{}:role/test", machine.place.account),
        machine_arn: machine.arn.as_str().to_owned(),
        machine_name: machine.arn.name().to_owned(),
        region: machine.place.region.as_str().to_owned(),
        input: case.input.clone(),
        seed: Seed::new("test"),
        object: None,
    };
    let result = simulate(Arc::clone(&machine.definition), context, &mut bench, START);
    let entered: Vec<&str> = entered(&result.events).collect();
    let path = entered.iter().filter(|state| machine.steps.contains_key(**state)).map(|state| (*state).to_owned());
    let called = bench.calls.iter().map(|call| call.step.clone());
    let seen = entered.iter().map(|state| (*state).to_owned()).chain(called).collect();
    let ran = Ran {
        path: path.collect(),
        payload: last_payload(result.outcome.as_ref(), &result.events, machine),
        outcome: result.outcome,
        calls: bench.calls,
        approvals: bench.approvals,
        seconds: result.ended.since(START).as_secs_f64(),
    };
    Played { ran, missing: bench.missing, impossible: bench.impossible, used: bench.used, seen }
}

/// Runs a case to its end.
pub(super) fn run_case(file: &str, case: &Case, machine: &Machine) -> CaseResult {
    let begun = Instant::now();
    let Played { ran, missing, impossible, used, seen } = play(case, machine);
    let mut mismatches = if missing.is_empty() { mismatches(case, &ran, machine) } else { Vec::new() };
    mismatches.extend(impossible.iter().map(|(path, text)| Mismatch::impossible(case, path, text)));
    let (status, error, cause) = ended(ran.outcome.as_ref());
    CaseResult {
        file: file.to_owned(),
        name: case.name.clone(),
        at: case.spot(),
        status,
        error,
        cause: cause.map(|cause| hide(&cause, &machine.secrets)),
        path: ran.path,
        seconds: ran.seconds,
        problems: Vec::new(),
        mismatches,
        unused: unused(case, &used),
        missing,
        elapsed: begun.elapsed(),
        seen,
    }
}

/// Replaces secrets in a text.
pub(super) fn hide(text: &str, secrets: &[String]) -> String {
    secrets
        .iter()
        .filter(|secret| !secret.is_empty())
        .fold(text.to_owned(), |text, secret| text.replace(secret, "****"))
}

pub(super) fn ended(outcome: Option<&Outcome>) -> (Option<String>, Option<String>, Option<String>) {
    let (status, error, cause) = match outcome {
        None => return (None, None, None),
        Some(Outcome::Succeeded { .. }) => ("SUCCEEDED", None, None),
        Some(Outcome::TimedOut) => ("TIMED_OUT", None, None),
        Some(Outcome::Failed { error, cause }) => ("FAILED", error.clone(), cause.clone()),
        Some(Outcome::Aborted { error, cause }) => ("ABORTED", error.clone(), cause.clone()),
    };
    (Some(status.to_owned()), error, cause)
}

/// Returns the states that were entered, in order.
pub(super) fn entered(events: &[HistoryEvent]) -> impl Iterator<Item = &str> {
    let entered = events.iter().filter(|event| event.kind.ends_with("StateEntered"));
    entered.filter_map(|event| event.details.get("name")?.as_str())
}

/// Returns the payload at the end: the output, or what the last state of the plan itself got.
fn last_payload(outcome: Option<&Outcome>, events: &[HistoryEvent], machine: &Machine) -> Value {
    if let Some(Outcome::Succeeded { output }) = outcome {
        return output.clone();
    }
    let is_top = |event: &&HistoryEvent| {
        let name = event.details.get("name").and_then(Value::as_str).unwrap_or_default();
        event.kind.ends_with("StateEntered") && (machine.top_level.contains(name) || is_marker(name))
    };
    let last = events.iter().rev().find(is_top).and_then(|event| event.details.get("input")?.as_str());
    last.and_then(|input| serde_json::from_str(input).ok()).unwrap_or_default()
}

fn unused(case: &Case, used: &BTreeSet<(String, usize)>) -> Vec<UnusedMock> {
    let mut found = Vec::new();
    for (step, mocked) in case.mocks.iter().filter(|(_, mocked)| !mocked.is_default) {
        for (number, (path, _)) in mocked.answers.iter().enumerate() {
            if !used.contains(&(step.clone(), number)) {
                found.push(UnusedMock { step: step.clone(), at: case.document.key_spot(path) });
            }
        }
    }
    found
}

/// Returns what a case says that cannot be in this plan: names of steps that there are not, answers that do not fit them.
pub(super) fn check_names(case: &Case, machine: &Machine) -> Vec<Problem> {
    let mut problems = Vec::new();
    let known: Vec<&str> = machine.steps.keys().map(String::as_str).collect();
    let mut named = |path: &DocPath, name: &str, is_mock: bool| {
        if machine.steps.contains_key(name) || is_mock && machine.kinds.contains_key(name) {
            return;
        }
        let mut problem = Problem::error(format!("the plan has no step `{name}`"));
        problem = match near(name, &known) {
            Some(meant) => problem.with_help(format!("did you mean `{meant}`?")),
            None => problem.with_help(format!("its steps are {}", known.join(", "))),
        };
        problems.push(problem.at(case.document.key_spot(path)));
    };
    for (name, mocked) in &case.mocks {
        named(&mocked.path, name, true);
    }
    let at = case.expectation();
    let expect = &case.expect;
    let lists = [("visited", &expect.visited), ("notVisited", &expect.not_visited), ("approvals", &expect.approvals)];
    for (key, names) in lists {
        for (index, name) in names.iter().flatten().enumerate() {
            named(&at.key(key).index(index), name, false);
        }
    }
    for (index, part) in expect.path.iter().flatten().enumerate() {
        let place = at.key("path").index(index);
        match part {
            PathPart::Step(name) if name == "..." => {}
            PathPart::Step(name) => named(&place, name, false),
            PathPart::AnyOrder(names) => {
                names.iter().enumerate().for_each(|(index, name)| named(&place.index(index), name, false));
            }
        }
    }
    let keys = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    let maps = [
        ("attempts", expect.attempts.as_ref().map(|map| keys(map.keys().collect()))),
        ("stacks", expect.stacks.as_ref().map(|map| keys(map.keys().collect()))),
        ("jobs", expect.jobs.as_ref().map(|map| keys(map.keys().collect()))),
        ("calls", expect.calls.as_ref().map(|map| keys(map.keys().collect()))),
    ];
    for (key, names) in maps {
        names.iter().flatten().for_each(|name| named(&at.key(key).key(name), name, false));
    }
    for (name, mocked) in &case.mocks {
        let Some(kind) = machine.steps.get(name) else { continue };
        for (path, answer) in &mocked.answers {
            if let Some(text) = misfit(answer, kind) {
                problems
                    .push(Problem::error(format!("step `{name}` is an {kind}: {text}")).at(case.document.spot(path)));
            }
        }
    }
    problems
}

fn misfit(answer: &Answer, kind: &str) -> Option<&'static str> {
    let Answer { outputs, output, result, exit_code, approve, reject, error, .. } = answer;
    if error.is_some() {
        return None;
    }
    match kind {
        "AttiniCfn" => outputs.is_none().then_some("it is answered with `outputs` or `error`"),
        "AttiniRunnerJob" => {
            let fits = output.is_some() || exit_code.is_some();
            (!fits).then_some("it is answered with `output`, `exitCode` or `error`")
        }
        "AttiniManualApproval" => {
            let fits = approve.is_some() || reject.is_some();
            (!fits).then_some("it is answered with `approve`, `reject` or `error`")
        }
        "AttiniLambdaInvoke" => result.is_none().then_some("it is answered with `result` or `error`"),
        "AttiniMergeOutput" => Some("it does its own work; the only mock for it is `error`"),
        "Choice" | "Pass" | "Wait" | "Succeed" | "Fail" | "Parallel" => Some("it calls nothing, so it takes no mock"),
        _ => None,
    }
}

/// Returns the name that was most likely meant.
fn near<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let found = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min();
    found.filter(|(distance, _)| *distance <= 2).map(|(_, candidate)| candidate)
}

/// The number of letters to insert, remove or replace, letter case aside.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.to_lowercase().chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, found) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(*found != letter);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
