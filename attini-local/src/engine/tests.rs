#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod control;
mod distributed;
mod failures;
mod jsonata;
mod properties;
mod sentences;
mod states;
mod variables;

use std::sync::Arc;

use attini_core::value::Timestamp;
use serde_json::{Value, json};

use super::*;

pub(super) const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

pub(super) fn context(input: Value) -> ExecutionContext {
    ExecutionContext {
        execution_arn: "arn:aws:states:eu-west-1:000000000000:execution:m:e".to_owned(),
        execution_name: "e".to_owned(),
        role_arn: "role".to_owned(),
        machine_arn: "arn:aws:states:eu-west-1:000000000000:stateMachine:m".to_owned(),
        machine_name: "m".to_owned(),
        region: "eu-west-1".to_owned(),
        input,
        seed: Seed::new("seed"),
        object: None,
    }
}

#[track_caller]
pub(super) fn definition(value: &Value) -> Arc<Definition> {
    Arc::new(Definition::parse(value).unwrap_or_else(|problems| panic!("{}", problems.join("\n"))))
}

/// A machine of one state, called `S`, that ends.
pub(super) fn only(mut state: Value) -> Value {
    if !matches!(state["Type"].as_str(), Some("Succeed" | "Fail" | "Choice")) {
        state["End"] = json!(true);
    }
    json!({"StartAt": "S", "States": {"S": state}})
}

/// Every task returns its parameters, unless these are `{"fail": name}`.
pub(super) struct Echo;

impl Mocks for Echo {
    fn answer(&mut self, _: &EffectId, task: &TaskRequest) -> Answer {
        let end = match task.parameters.get("fail").and_then(Value::as_str) {
            Some("silent") => TaskEnd::Silent,
            Some(error) => TaskEnd::Failed { error: Some(error.to_owned()), cause: Some("asked for".to_owned()) },
            None => TaskEnd::Succeeded(task.parameters.clone()),
        };
        Answer::of(end)
    }
}

pub(super) fn run(machine: &Value, input: Value) -> SimulationResult {
    simulate(definition(machine), context(input), &mut Echo, NOW)
}

#[track_caller]
pub(super) fn succeeds(machine: &Value, input: Value, expected: &Value) {
    assert_eq!(run(machine, input).outcome, Some(Outcome::Succeeded { output: expected.clone() }));
}

#[track_caller]
pub(super) fn fails(machine: &Value, input: Value, error: &str, part_of_cause: &str) {
    match run(machine, input).outcome {
        Some(Outcome::Failed { error: Some(found), cause }) if found == error => {
            let cause = cause.unwrap_or_default();
            assert!(cause.contains(part_of_cause), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}

pub(super) const TASK: &str = "arn:aws:states:::lambda:invoke";
pub(super) const CALLBACK: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
