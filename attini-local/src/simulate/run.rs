use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use attini_core::document::{DocPath, Document, Reader};
use attini_core::problem::{Problem, Problems, Severity};
use attini_core::value::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::test_state::Mock;
use crate::engine::{
    Answer, Definition, EffectId, ExecutionContext, Mocks, Seed, SimulationResult, TaskEnd, TaskRequest, simulate,
};

/// The name of a simulated execution.
const NAME: &str = "simulation";
const KEYS: [&str; 6] = ["result", "output", "error", "cause", "attempts", "delay"];

/// What the tasks of a state machine answer, by the name of their state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MockFile {
    states: BTreeMap<String, Vec<MockAnswer>>,
}

/// One answer, which serves `attempts` calls.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct MockAnswer {
    #[serde(default, deserialize_with = "present")]
    result: Option<Value>,
    /// Of `.sync` and `.waitForTaskToken` calls; `result` is then what the call itself answers.
    #[serde(default, deserialize_with = "present")]
    output: Option<Value>,
    error: Option<String>,
    cause: Option<String>,
    #[serde(default = "one")]
    attempts: usize,
    #[serde(default)]
    delay: f64,
}

fn one() -> usize {
    1
}

/// `null` is a result too.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A task that nothing answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingMock {
    /// The execution and the states around the task, with the numbers of iterations and branches.
    pub execution: String,
    /// The state.
    pub state: String,
    /// What it calls.
    pub resource: String,
}

impl MissingMock {
    /// Returns the lines to add to the file of mocks.
    #[must_use]
    pub fn lines(&self) -> String {
        // JSON is YAML: a name with special characters stays one key.
        let is_plain = self.state.chars().all(|c| c.is_alphanumeric() || " _-".contains(c))
            && self.state.starts_with(char::is_alphabetic)
            && !self.state.ends_with(' ');
        let name = if is_plain { self.state.clone() } else { Value::from(self.state.as_str()).to_string() };
        format!("{name}:\n  result: {{}}")
    }
}

/// A state machine cannot be simulated.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// It cannot be run; one text per problem.
    #[error("the state machine cannot be run:\n{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// Tasks that nothing answers.
    #[error("{}", missing(.0))]
    Missing(Vec<MissingMock>),
    /// It waits for something that will never come.
    #[error("the execution never ends: nothing it waits for will come")]
    Endless,
}

fn missing(all: &[MissingMock]) -> String {
    let texts: Vec<String> = all
        .iter()
        .map(|MissingMock { execution, state, resource }| {
            format!(
                "execution `{execution}`: the state `{state}` calls {resource}, and the mocks have no answer for it"
            )
        })
        .collect();
    texts.join("\n")
}

/// Runs a state machine to its end; the clock starts at `now` and jumps.
///
/// # Errors
///
/// [`SimulationError`] when it cannot be run or the mocks do not have all answers.
pub fn run_with_mocks(
    definition: &Value,
    input: &Value,
    mocks: &MockFile,
    now: Timestamp,
) -> Result<SimulationResult, SimulationError> {
    let definition = Arc::new(Definition::parse(definition).map_err(SimulationError::Refused)?);
    let arn = |kind: &str, rest: &str| format!("arn:aws:states:eu-west-1:000000000000:{kind}:{rest}");
    let context = ExecutionContext {
        execution_arn: arn("execution", &format!("{NAME}:{NAME}")),
        execution_name: NAME.to_owned(),
        role_arn: format!("arn:aws:iam::000000000000:role/{NAME}"),
        machine_arn: arn("stateMachine", NAME),
        machine_name: NAME.to_owned(),
        region: "eu-west-1".to_owned(),
        input: input.clone(),
        seed: Seed::new(NAME),
        object: None,
    };
    let mut counted = Counted { file: mocks, calls: BTreeMap::new(), missing: Vec::new() };
    let result = simulate(definition, context, &mut counted, now);
    if !counted.missing.is_empty() {
        return Err(SimulationError::Missing(counted.missing));
    }
    if result.outcome.is_none() {
        return Err(SimulationError::Endless);
    }
    Ok(result)
}

impl MockFile {
    /// Reads a file of mocks, YAML or JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file_name, text)?;
        let mut reader = Reader::new(&document);
        let mut paths = Vec::new();
        for (name, path, node) in reader.entries(&DocPath::root()).unwrap_or_default() {
            let answers = match node.as_list() {
                Some([]) => {
                    reader.error(&path, "write at least one answer");
                    Vec::new()
                }
                Some(answers) => (0..answers.len()).map(|index| path.index(index)).collect(),
                None => vec![path],
            };
            paths.push((name, answers));
        }
        document.duplicate_keys().into_iter().for_each(|problem| reader.note(problem));
        let mut states = BTreeMap::new();
        for (name, paths) in paths {
            let answers = paths.iter().filter_map(|path| answer(&mut reader, path));
            states.insert(name.to_owned(), answers.collect());
        }
        let (file, warnings) = reader.finish(Self { states })?;
        // A key without effect is a mistake here: the file serves nothing else.
        let errors: Vec<Problem> =
            warnings.into_iter().map(|problem| Problem { severity: Severity::Error, ..problem }).collect();
        if errors.is_empty() { Ok(file) } else { Err(Problems(errors)) }
    }

    /// Returns the answer to call number `call` of a state, counted from 0; the last answer serves all later calls.
    fn for_call(&self, state: &str, call: usize) -> Option<&MockAnswer> {
        let answers = self.states.get(state)?;
        let mut served = 0;
        let found = answers.iter().find(|answer| {
            served += answer.attempts;
            call < served
        });
        found.or(answers.last())
    }

    /// Returns what stands in for the work of one state by itself.
    #[must_use]
    pub fn for_state(&self, state: &str) -> Option<Mock> {
        let answer = self.for_call(state, 0)?;
        let error = answer.error.clone().map(|error| (Some(error), answer.cause.clone()));
        let result = answer.output.clone().or_else(|| answer.result.clone()).filter(|_| error.is_none());
        Some(Mock { result, error, ..Mock::default() })
    }
}

fn answer(reader: &mut Reader<'_>, path: &DocPath) -> Option<MockAnswer> {
    reader.known_keys(path, &KEYS);
    let entries = reader.entries(path)?;
    let has = |key: &str| entries.iter().any(|(name, ..)| *name == key);
    if has("error") == (has("result") || has("output")) {
        reader.error(path, "an answer is either `result: …` (or `output: …`), or `error: NAME` with `cause: …`");
    }
    let node = reader.value(path)?;
    match MockAnswer::deserialize(node.to_json()) {
        Ok(answer) if answer.attempts == 0 => reader.error(&path.key("attempts"), "must be at least 1"),
        Ok(answer) if !(0.0..=31_536_000.0).contains(&answer.delay) => {
            reader.error(&path.key("delay"), "must be a number of seconds from 0 to 31536000");
        }
        Ok(answer) => return Some(answer),
        Err(error) => {
            // What is unknown has been said.
            let text = error.to_string();
            if !text.starts_with("unknown field") {
                reader.error(path, text);
            }
        }
    }
    None
}

/// Counts the calls of each state.
struct Counted<'a> {
    file: &'a MockFile,
    calls: BTreeMap<String, usize>,
    missing: Vec<MissingMock>,
}

impl Mocks for Counted<'_> {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer {
        let calls = self.calls.entry(task.state.clone()).or_default();
        let call = *calls;
        *calls += 1;
        let Some(answer) = self.file.for_call(&task.state, call) else {
            if !self.missing.iter().any(|missing| missing.state == task.state) {
                let (state, resource) = (task.state.clone(), task.resource.clone());
                self.missing.push(MissingMock { execution: execution(effect), state, resource });
            }
            return Answer::of(TaskEnd::Silent);
        };
        let end = match (&answer.error, &answer.output, &answer.result) {
            (Some(error), ..) => TaskEnd::Failed { error: Some(error.clone()), cause: answer.cause.clone() },
            (None, Some(value), _) | (None, None, Some(value)) => TaskEnd::Succeeded(value.clone()),
            (None, None, None) => TaskEnd::Silent,
        };
        let submitted = answer.output.as_ref().and(answer.result.clone());
        Answer { submitted, end, delay: Duration::from_secs_f64(answer.delay) }
    }
}

/// `Map.1#0[2]/Task.1#0` -> `simulation/Map[2]`.
fn execution(effect: &EffectId) -> String {
    let mut parts: Vec<&str> = effect.as_str().split("]/").collect();
    parts.pop();
    parts.into_iter().fold(NAME.to_owned(), |path, part| {
        let (name, index) = part.rsplit_once('[').unwrap_or((part, ""));
        let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
        format!("{path}/{name}[{index}]")
    })
}

#[cfg(test)]
mod tests {
    use attini_core::value::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::engine::Outcome;

    const MACHINE: &str = r#"{"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 60, "Next": "B",
              "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 10, "BackoffRate": 2}]},
        "B": {"Type": "Map", "ItemsPath": "$.items", "End": true, "ItemProcessor": {"StartAt": "Item, one", "States": {
            "Item, one": {"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync", "End": true}}}}}}"#;

    fn run(mocks: &str) -> Result<SimulationResult, SimulationError> {
        let machine = serde_json::from_str(MACHINE).unwrap();
        run_with_mocks(&machine, &json!({}), &MockFile::parse("m.yaml", mocks).unwrap(), Timestamp::from_ms(0))
    }

    #[test]
    fn answers_are_taken_in_order_and_cost_no_time() {
        let mocks = "A:\n  - {error: Busy, attempts: 2, delay: 5}\n  - {result: {items: [1, 2, 3]}, delay: 60}\n\
                     Item, one:\n  - {result: {Tasks: []}, output: first}\n  - {output: later}\n";
        let result = run(mocks).unwrap();
        assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!(["first", "later", "later"]) }));
        assert_eq!(result.ended.as_ms(), (5 + 10 + 5 + 20 + 60) * 1000);
        assert_eq!(result.events.iter().filter(|event| event.kind == "TaskSubmitted").count(), 1);
    }

    #[test]
    fn a_delay_beyond_the_timeout_is_a_timeout() {
        let result = run("A: {result: {items: []}, delay: 60.001}").unwrap();
        assert!(
            matches!(result.outcome, Some(Outcome::Failed { error: Some(error), .. }) if error == "States.Timeout")
        );
    }

    #[test]
    fn what_is_missing_is_named_with_the_lines_to_add() {
        let error = run("A: {result: {items: [1, 2]}}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "execution `simulation/B[0]`: the state `Item, one` calls arn:aws:states:::ecs:runTask.sync, and the mocks \
             have no answer for it"
        );
        let SimulationError::Missing(missing) = error else { panic!("{error}") };
        assert_eq!(missing[0].lines(), "\"Item, one\":\n  result: {}");
    }

    #[test]
    fn mistakes_in_the_file_are_told_with_their_place() {
        let mocks =
            "A: {reslt: 1}\nB: []\nC: {result: 1, error: E}\nD: {result: 1, attempts: 0}\nE: {result: 1, delay: x}\n";
        let problems = MockFile::parse("m.yaml", mocks).unwrap_err().to_string();
        for part in ["m.yaml:1:5: unknown key `reslt`", "m.yaml:2:4: ", "m.yaml:3:4: ", "m.yaml:4:", "m.yaml:5:4: "] {
            assert!(problems.contains(part), "{problems}");
        }
        assert_eq!(MockFile::parse("m.yaml", "").unwrap(), MockFile::default());
        assert!(MockFile::parse("m.yaml", "A: {result: null}").unwrap().for_state("A").unwrap().result.is_some());
    }
}
