use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;

use super::lock;
use crate::port::{FunctionError, Functions};

/// A value, or error name and cause.
type SetAnswer = Result<Value, (String, String)>;

/// Functions with set answers.
#[derive(Debug, Default)]
pub struct MemFunctions {
    answers: Mutex<BTreeMap<String, SetAnswer>>,
    echoes: Mutex<Vec<String>>,
    calls: Mutex<Vec<(String, Value)>>,
}

impl MemFunctions {
    /// Makes a function that always returns this value.
    pub fn returns(&self, function: &str, value: Value) {
        lock(&self.answers).insert(function.to_owned(), Ok(value));
    }

    /// Makes a function that always fails.
    pub fn fails(&self, function: &str, error: &str, cause: &str) {
        lock(&self.answers).insert(function.to_owned(), Err((error.to_owned(), cause.to_owned())));
    }

    /// Makes a function that returns its payload.
    pub fn echoes(&self, function: &str) {
        lock(&self.echoes).push(function.to_owned());
    }

    /// Returns the calls so far with their payloads, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<(String, Value)> {
        lock(&self.calls).clone()
    }
}

#[async_trait]
impl Functions for MemFunctions {
    async fn invoke(&self, function: &str, state: &str, payload: Value) -> Result<Value, FunctionError> {
        lock(&self.calls).push((function.to_owned(), payload.clone()));
        if lock(&self.echoes).iter().any(|name| name == function) {
            return Ok(payload);
        }
        match lock(&self.answers).get(function).cloned() {
            Some(Ok(value)) => Ok(value),
            Some(Err((error, cause))) => Err(FunctionError::Failed { error, cause }),
            None => {
                Err(FunctionError::Unknown(format!("state {state} calls function {function}, which does not exist")))
            }
        }
    }
}
