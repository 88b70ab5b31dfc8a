//! A deployment that has ended becomes a case: its history says what the steps answered.

mod history;

use std::collections::{BTreeMap, BTreeSet};

use attini_core::port::HistoryEvent;
use attini_core::problem::Problems;
use attini_core::runner::interpret_output;
use serde_json::{Map, Value, json};
use thiserror::Error;

use self::history::{Call, End, History};
use super::file::CaseFile;
use super::iteration::Kinds;
use super::project::{Machine, Project, Setting};
use super::run::{Played, ended, hide, play};

/// An execution that has ended.
pub struct Recording {
    /// Name of the environment.
    pub environment: String,
    /// Name of the case.
    pub name: String,
    /// What the execution was started with.
    pub input: Value,
    /// Its history, whole and in order.
    pub events: Vec<HistoryEvent>,
    /// Names of the account's parameters; their values are not recorded.
    pub parameter_names: Vec<String>,
}

/// Without payloads, which may hold secrets.
impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording")
            .field("name", &self.name)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// A file of one case.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The file, as JSON.
    pub file: Value,
    /// Names of the steps whose values were left out or replaced, because they hold a secret.
    pub hidden: Vec<String>,
}

/// A deployment cannot be recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It has not ended.
    #[error("the execution has not ended; wait for its end")]
    Running,
    /// It failed and was resumed: what its steps answered before and after that is no single run.
    #[error("the execution was resumed after a failure, and a case is one run; deploy again and record that")]
    Resumed,
    /// The plan cannot be expanded any more.
    #[error("the plan of the project cannot be expanded: {0}")]
    Plan(Problems),
    /// With the recorded answers the plan does something else.
    #[error("with the recorded answers the plan of the project does not do what the deployment did: {0}")]
    Differs(String),
}

/// Makes a case of an execution. The case passes: it was run.
///
/// Task tokens, and the values of parameters with `NoEcho`, are not in it, wherever they stood.
///
/// # Errors
///
/// [`RecordError`] when the execution runs, or the plan has changed since.
pub fn record(project: &Project, recording: &Recording) -> Result<Recorded, RecordError> {
    let history = History::read(&recording.events)?;
    let mut parameters = BTreeMap::new();
    for name in project.imported(&recording.environment) {
        let value = history.stack_parameters.get(&name).and_then(Value::as_str).unwrap_or("****");
        parameters.insert(name, value.to_owned());
    }
    let store: BTreeMap<String, String> =
        recording.parameter_names.iter().map(|name| (name.clone(), format!("value of {name}"))).collect();
    let setting = Setting { environment: recording.environment.clone(), parameters, parameter_store: store };
    let machine = project.machine(&setting).map_err(RecordError::Plan)?;
    let mut work =
        Work { machine: &machine, history: &history, secrets: history.tokens.clone(), hidden: BTreeSet::new() };
    work.secrets.extend(machine.secrets.iter().cloned());
    let mut case = Map::new();
    case.insert("name".to_owned(), recording.name.as_str().into());
    case.insert("environment".to_owned(), recording.environment.as_str().into());
    for (key, values) in [("parameters", &setting.parameters), ("parameterStore", &setting.parameter_store)] {
        if !values.is_empty() {
            case.insert(key.to_owned(), json!(values));
        }
    }
    if recording.input.as_object().is_none_or(|input| !input.is_empty()) {
        case.insert("input".to_owned(), work.hide(&recording.input));
    }
    if let Some(dependencies) =
        history.prepared.get("dependencies").filter(|it| it.as_object().is_some_and(|it| !it.is_empty()))
    {
        case.insert("payload".to_owned(), json!({"dependencies": work.hide(dependencies)}));
    }
    // The first run finds the secrets of the stacks and the answers that nobody asks for.
    let mocks = work.mocks();
    case.insert("mocks".to_owned(), Value::Object(mocks));
    let played = trial(&case, &machine)?;
    work.secrets.extend(played.ran.calls.iter().flat_map(|call| call.secrets.iter().cloned()));
    let mut mocks = work.mocks();
    mocks.retain(|step, answers| {
        if let Value::Array(all) = answers {
            let mut number = 0;
            all.retain(|_| {
                number += 1;
                played.used.contains(&(step.clone(), number - 1))
            });
            !all.is_empty()
        } else {
            played.used.contains(&(step.clone(), 0))
        }
    });
    for (step, answers) in &mut mocks {
        let hidden = work.hide(answers);
        if hidden != *answers {
            work.hidden.insert(step.clone());
        }
        *answers = match hidden {
            Value::Array(mut all) if all.len() == 1 => all.pop().unwrap_or_default(),
            other => other,
        };
    }
    case.insert("mocks".to_owned(), Value::Object(mocks));
    let played = trial(&case, &machine)?;
    work.compare(&played)?;
    let expect = work.expectations(&played);
    case.insert("expect".to_owned(), expect);
    Ok(Recorded { file: json!({"cases": [case]}), hidden: work.hidden.into_iter().collect() })
}

/// Runs a case that has no expectations yet.
fn trial(case: &Map<String, Value>, machine: &Machine) -> Result<Played, RecordError> {
    let text = json!({"cases": [case]}).to_string();
    let differs = |error: &dyn std::fmt::Display| RecordError::Differs(error.to_string());
    let file = CaseFile::parse("recorded.json", &text).map_err(|problems| differs(&problems))?;
    let case = file.cases.first().ok_or_else(|| differs(&"there is no case"))?;
    let played = play(case, machine);
    match played.missing.first() {
        Some(missing) => Err(differs(&format!("step `{}` is called, and was not", missing.step))),
        None => Ok(played),
    }
}

struct Work<'a> {
    machine: &'a Machine,
    history: &'a History,
    secrets: Vec<String>,
    /// Steps of which something was left out.
    hidden: BTreeSet<String>,
}

impl Work<'_> {
    /// Returns the answers of all steps.
    fn mocks(&self) -> Map<String, Value> {
        let mut all: BTreeMap<&str, BTreeMap<&[usize], Answers>> = BTreeMap::new();
        for call in &self.history.calls {
            let kind = self.machine.steps.get(&call.state).map_or("", String::as_str);
            if let Some(answer) = answer(call, kind, &self.machine.kinds) {
                all.entry(&call.state).or_default().entry(&call.iterations).or_default().push(answer);
            }
        }
        let mut mocks = Map::new();
        for (state, by_iteration) in all {
            let mut list = Vec::new();
            for (iterations, answers) in by_iteration {
                for (mut answer, count) in runs(answers) {
                    if count > 1 {
                        answer.insert("attempts".to_owned(), count.into());
                    }
                    if !iterations.is_empty() {
                        answer.insert("iteration".to_owned(), json!(iterations));
                    }
                    list.push(Value::Object(answer));
                }
            }
            mocks.insert(state.to_owned(), Value::Array(list));
        }
        mocks
    }

    /// Returns a value without secrets in its texts.
    fn hide(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(hide(text, &self.secrets)),
            Value::Array(items) => items.iter().map(|item| self.hide(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (hide(name, &self.secrets), self.hide(value))).collect()
            }
            // A secret of digits may have become a number.
            Value::Number(number) if self.secrets.contains(&number.to_string()) => "****".into(),
            other => other.clone(),
        }
    }

    fn is_secret(&self, value: &Value) -> bool {
        self.hide(value) != *value
    }

    /// Checks that the run did what the deployment did.
    fn compare(&self, played: &Played) -> Result<(), RecordError> {
        let (status, error, _) = ended(played.ran.outcome.as_ref());
        let differs =
            |what: &str, was: &str, is: &str| Err(RecordError::Differs(format!("the {what} was {was} and is {is}")));
        let status = status.unwrap_or_default();
        if status != self.history.status {
            return differs("status", self.history.status, &status);
        }
        if error != self.history.error {
            let text = |error: &Option<String>| error.clone().unwrap_or_else(|| "none".to_owned());
            return differs("error", &text(&self.history.error), &text(&error));
        }
        // Branches run side by side: in which order their steps began is chance.
        let sorted = |steps: &[String]| {
            let mut steps: Vec<String> =
                steps.iter().filter(|step| self.machine.steps.contains_key(*step)).cloned().collect();
            steps.sort();
            steps
        };
        let (was, is) = (sorted(&self.history.entered), sorted(&played.ran.path));
        if was != is {
            return differs("path", &was.join(", "), &is.join(", "));
        }
        Ok(())
    }

    fn expectations(&mut self, played: &Played) -> Value {
        let ran = &played.ran;
        let (status, error, cause) = ended(ran.outcome.as_ref());
        let mut expect = Map::new();
        let mut put = |key: &str, value: Value| expect.insert(key.to_owned(), value);
        put("status", json!(status));
        if let Some(error) = error {
            put("error", error.into());
        }
        if let Some(cause) = cause.filter(|cause| hide(cause, &self.secrets) == *cause) {
            put("cause", cause.into());
        }
        put("path", json!(ran.path));
        if !ran.approvals.is_empty() {
            put("approvals", json!(ran.approvals));
        }
        let mut outputs = Map::new();
        for (step, output) in ran.payload["output"].as_object().into_iter().flatten() {
            if self.is_secret(output) {
                self.hidden.insert(step.clone());
            } else if self.machine.steps.contains_key(step) {
                outputs.insert(step.clone(), output.clone());
            }
        }
        if !outputs.is_empty() {
            put("outputs", Value::Object(outputs));
        }
        let mut stacks: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for call in ran.calls.iter() {
            let Some(wanted) = &call.wanted else { continue };
            if self.machine.steps.get(&call.step).is_none_or(|kind| kind != "AttiniCfn") {
                continue;
            }
            let mut stack = Map::from_iter([("name".to_owned(), self.hide(&wanted["name"]))]);
            stack.insert("action".to_owned(), wanted["action"].clone());
            let mut parameters = Map::new();
            for (name, value) in wanted["parameters"].as_object().into_iter().flatten() {
                let is_made_up = ["AttiniRandomString", "AttiniDistributionId"].contains(&name.as_str());
                let is_secret = call.secrets.iter().any(|secret| value == secret.as_str()) || self.is_secret(value);
                if is_secret {
                    self.hidden.insert(call.step.clone());
                } else if !is_made_up {
                    parameters.insert(name.clone(), value.clone());
                }
            }
            if !parameters.is_empty() {
                stack.insert("parameters".to_owned(), Value::Object(parameters));
            }
            stacks.entry(&call.step).or_default().push(Value::Object(stack));
        }
        if !stacks.is_empty() {
            let stacks = stacks.into_iter().map(|(step, mut calls)| {
                let one = if calls.len() == 1 { calls.pop() } else { None };
                (step.to_owned(), one.unwrap_or(Value::Array(calls)))
            });
            put("stacks", stacks.collect());
        }
        Value::Object(expect)
    }
}

/// Answers as a file of cases has them.
type Answers = Vec<Map<String, Value>>;

/// Counts equal answers in a row.
fn runs(answers: Answers) -> Vec<(Map<String, Value>, usize)> {
    let mut runs: Vec<(Map<String, Value>, usize)> = Vec::new();
    for answer in answers {
        match runs.last_mut().filter(|(last, _)| *last == answer) {
            Some((_, count)) => *count += 1,
            None => runs.push((answer, 1)),
        }
    }
    runs
}

/// Returns the mock that answers as a call was answered; `None` for states that need none.
fn answer(call: &Call, kind: &str, kinds: &Kinds) -> Option<Map<String, Value>> {
    let action = call.parameters.pointer("/Payload/attiniActionType").and_then(Value::as_str).unwrap_or_default();
    let is_own = action == "AttiniMergeOutput" || call.parameters["attiniActionType"] == "GetDeployOriginData";
    let mut answer = Map::new();
    let mut put = |key: &str, value: Value| answer.insert(key.to_owned(), value);
    match &call.end {
        End::Open if is_own => return None,
        // Its branch was given up before it ended.
        End::Open => {
            match action {
                "DeployCfn" => put("outputs", json!({})),
                "ManualApproval" => put("approve", true.into()),
                "ExecuteRunner" => put("output", "".into()),
                _ => put("result", Value::Null),
            };
            put("delay", NEVER.into());
        }
        End::Failed { error, cause } => {
            let message = cause.as_deref().unwrap_or_default();
            if action == "ManualApproval" && error.as_deref() == Some("ManuallyAborted") {
                put("reject", if message == "aborted by user" { true.into() } else { message.into() });
            } else {
                put("error", error.as_deref().unwrap_or("States.TaskFailed").into());
                if !message.is_empty() {
                    put("cause", message.into());
                }
            }
        }
        End::Succeeded(_) if is_own => return None,
        End::Succeeded(output) => match action {
            "DeployCfn" => {
                let below = call.parameters.pointer("/Payload/Properties/OutputPath").and_then(Value::as_str);
                let outputs = below.and_then(|path| output.get(path)).unwrap_or(output);
                put("outputs", outputs.clone());
            }
            "ManualApproval" => {
                put("approve", output.get("message").cloned().unwrap_or_else(|| true.into()));
            }
            "ExecuteRunner" => {
                put("output", written(output));
            }
            _ if kind == "AttiniLambdaInvoke" => {
                put("result", output.get("Payload").cloned().unwrap_or_default());
            }
            _ if kinds.get(&call.state).is_some_and(|kind| kind == "Task") => match &call.submitted {
                Some(submitted) => {
                    put("result", submitted.clone());
                    put("output", output.clone());
                }
                None => {
                    put("result", output.clone());
                }
            },
            _ => return None,
        },
    }
    Some(answer)
}

/// Seconds after which nobody waits for an answer any more: the longest delay.
const NEVER: u32 = 31_536_000;

/// Returns what a job wrote, from what the runner made of it.
fn written(output: &Value) -> Value {
    if output.as_object().is_some_and(Map::is_empty) {
        return "".into();
    }
    let is_same = |content: &str| interpret_output(content.as_bytes()).is_ok_and(|found| found == *output);
    let text = output.get("result").and_then(Value::as_str);
    match text.filter(|text| is_same(text)) {
        Some(text) => text.into(),
        // A text is taken as it is, so a JSON text needs its quotes.
        None if output.is_string() || output.is_null() => output.to_string().into(),
        None => output.clone(),
    }
}
