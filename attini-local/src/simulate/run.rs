use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use attini_core::value::Timestamp;
use serde_json::{Value, json};
use thiserror::Error;

use super::mocks::MockFile;
use super::recorded::is_of_map;
use crate::engine::objects::{self, ObjectRequest};
use crate::engine::{
    Answer, Definition, EffectId, ExecutionContext, Mocks, Seed, SimulationResult, TaskEnd, TaskRequest, simulate,
};

/// The name of a simulated execution.
const NAME: &str = "simulation";

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
        let request = ObjectRequest::of(task).filter(|_| is_of_map(effect));
        let Some(answer) = self.file.for_call(&task.state, call) else {
            // What a Map writes is of no interest to what comes after it.
            if matches!(request, Some(ObjectRequest::Put { .. })) {
                return Answer::of(TaskEnd::Succeeded(json!({})));
            }
            if !self.missing.iter().any(|missing| missing.state == task.state) {
                let (state, resource) = (task.state.clone(), task.resource.clone());
                self.missing.push(MissingMock { execution: execution(effect), state, resource });
            }
            return Answer::of(TaskEnd::Silent);
        };
        let end = match (&answer.error, &answer.output, &answer.result) {
            (Some(error), ..) => TaskEnd::Failed { error: Some(error.clone()), cause: answer.cause.clone() },
            (None, Some(value), _) | (None, None, Some(value)) => {
                TaskEnd::Succeeded(request.map_or_else(|| value.clone(), |request| read(&request, value)))
            }
            (None, None, None) => TaskEnd::Silent,
        };
        let submitted = answer.output.as_ref().and(answer.result.clone());
        Answer { submitted, end, delay: Duration::from_secs_f64(answer.delay) }
    }
}

/// Returns what S3 answers to the `ItemReader` of a Map, from the items, the text or the whole answer that somebody wrote.
fn read(request: &ObjectRequest, result: &Value) -> Value {
    match (request, result) {
        (ObjectRequest::Get { .. }, Value::String(text)) => objects::body_answer(text),
        (ObjectRequest::Get { .. }, Value::Array(_)) => objects::body_answer(&result.to_string()),
        (ObjectRequest::List { .. }, Value::Array(items)) => {
            json!({"Contents": items, "IsTruncated": false, "KeyCount": items.len()})
        }
        _ => result.clone(),
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
    use super::*;
    use crate::engine::Outcome;
    use crate::simulate::mock_lines;

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
    fn the_items_of_a_distributed_map_are_the_answer_of_the_map() {
        let machine = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
            "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
                "Parameters": {"Bucket": "b", "Key": "k"}},
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}}}});
        let run = |mocks: &str| {
            let mocks = MockFile::parse("m.yaml", mocks).unwrap();
            run_with_mocks(&machine, &json!({}), &mocks, Timestamp::from_ms(0))
        };
        let result = run("M: {result: [1, {a: 2}]}").unwrap();
        assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!([1, {"a": 2}]) }));
        assert!(run("").unwrap_err().to_string().contains("`M` calls arn:aws:states:::s3:getObject"));
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
        assert_eq!(mock_lines(&missing[0].state), "\"Item, one\":\n  result: {}");
    }
}
