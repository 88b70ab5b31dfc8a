use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use attini_core::port::{FunctionError, Functions};
use serde_json::Value;

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
        match values.steps.get(state) {
            Some(answers) => self.give(&format!("step {state}"), answers),
            None => Err(self.missing(&format!("State `{state}` calls {resource}"), "steps", state)),
        }
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
        // `arn:…:function:name:qualifier`, or just the name.
        let name = match function.split_once(":function:") {
            Some((_, name)) => name.split(':').next().unwrap_or(name),
            None => function,
        };
        if let Some(answers) = values.steps.get(state) {
            return self.give(&format!("step {state}"), answers);
        }
        match values.functions.get(name) {
            Some(answers) => self.give(&format!("function {name}"), answers),
            None => Err(self.missing(&format!("State `{state}` calls Lambda function `{name}`"), "functions", name)),
        }
    }
}
