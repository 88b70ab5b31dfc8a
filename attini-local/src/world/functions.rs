use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use attini_core::port::{FunctionError, Functions};
use serde_json::Value;

use super::replay::Calls;
use super::values::{Answer, Answers, Values};
use crate::store::{EnvironmentValues, Home};

/// Lambda functions, and other services' tasks, answered from an environment's values.
#[derive(Debug)]
pub(super) struct ValueFunctions {
    home: Home,
    environment: String,
    calls: Mutex<HashMap<String, usize>>,
}

impl ValueFunctions {
    pub(super) fn new(home: Home, environment: &str) -> Self {
        Self { home, environment: environment.to_owned(), calls: Mutex::default() }
    }

    /// Returns what a task of another service returns: an answer for the state, else an error with the lines to add.
    pub(super) fn task(&self, resource: &str, state: &str) -> Result<Value, FunctionError> {
        let values = self.values()?;
        match find(&values, state, None) {
            Some((key, answers)) => self.give(&key, answers),
            None => Err(self.missing(&format!("State `{state}` calls {resource}"), "steps", state)),
        }
    }

    /// Says that these calls had their answers before, so that the next ones get those that follow.
    pub(super) fn skip(&self, answered: &[Calls]) -> Result<(), FunctionError> {
        let values = self.values()?;
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        for Calls { state, function, count } in answered {
            let function = Some(function.as_str()).filter(|function| !function.is_empty());
            if let Some((key, _)) = find(&values, state, function) {
                *calls.entry(key).or_default() += count;
            }
        }
        Ok(())
    }

    fn values(&self) -> Result<Values, FunctionError> {
        let failed = |cause: String| FunctionError::Failed { error: "InternalError".to_owned(), cause };
        let stored = EnvironmentValues::new(self.home.clone())
            .values(&self.environment)
            .map_err(|error| failed(attini_core::framework::explain(&error)))?;
        Values::from_json(stored).map_err(failed)
    }

    fn give(&self, key: &str, answers: &Answers) -> Result<Value, FunctionError> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let call = calls.entry(key.to_owned()).or_default();
        let answer = answers.for_call(*call);
        *call += 1;
        match answer {
            Some(Answer::Success(success)) => Ok(success.result.clone()),
            Some(Answer::Failure(failure)) => {
                Err(FunctionError::Failed { error: failure.error.clone(), cause: failure.cause.clone() })
            }
            None => Err(FunctionError::Unknown(format!("the list of answers for {key} is empty"))),
        }
    }

    fn missing(&self, what: &str, section: &str, key: &str) -> FunctionError {
        let environment = &self.environment;
        FunctionError::Unknown(format!(
            "{what}, which is not on this machine, and environment {environment} has no answer for it\n\
             add these lines to your values file and load it with `attini local set -e {environment} FILE`:\n{section}:\n  {key}:\n    result: {{}}"
        ))
    }
}

#[async_trait]
impl Functions for ValueFunctions {
    async fn invoke(&self, function: &str, state: &str, _payload: Value) -> Result<Value, FunctionError> {
        let values = self.values()?;
        match find(&values, state, Some(function)) {
            Some((key, answers)) => self.give(&key, answers),
            None => {
                let name = plain_name(function);
                Err(self.missing(&format!("State `{state}` calls Lambda function `{name}`"), "functions", name))
            }
        }
    }
}

/// Returns the answers for a state, or for the function that it calls, and the name under which calls are counted.
fn find<'a>(values: &'a Values, state: &str, function: Option<&str>) -> Option<(String, &'a Answers)> {
    if let Some(answers) = values.steps.get(state) {
        return Some((format!("step {state}"), answers));
    }
    let name = plain_name(function?);
    Some((format!("function {name}"), values.functions.get(name)?))
}

/// Returns the name of `arn:…:function:name:qualifier`, or of just the name.
fn plain_name(function: &str) -> &str {
    match function.split_once(":function:") {
        Some((_, name)) => name.split(':').next().unwrap_or(name),
        None => function,
    }
}
