//! One state by itself, as the service's `TestState` runs it.
//!
//! The state is run by the engine in a machine made for it. What the answer tells of the inside is found by running the
//! state cut off after each of its fields, so there is only one place that knows what the fields mean.

mod bench;
mod checks;
mod handlers;
mod inspect;

use attini_core::value::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use thiserror::Error;

pub use super::shapes::FieldValidation;
use crate::engine::TaskEnd;
use bench::{Bench, Failure};
use handlers::Handled;

/// How much of the inside is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InspectionLevel {
    /// Nothing.
    #[default]
    Info,
    /// The data after each of the state's fields.
    Debug,
    /// Also requests of HTTP tasks; without network there are none, so the same as `Debug`.
    Trace,
}

/// What stands in for the work of a state.
#[derive(Clone, PartialEq, Default)]
pub struct Mock {
    /// What it returns.
    pub result: Option<Value>,
    /// Error name and cause with which it fails.
    pub error: Option<(Option<String>, Option<String>)>,
    /// How the result is checked.
    pub validation: FieldValidation,
}

/// One call of `TestState`.
#[derive(Clone, PartialEq)]
pub struct TestStateRequest {
    /// A state, or a state machine when `state_name` is given.
    pub definition: Value,
    /// The state of the machine.
    pub state_name: Option<String>,
    /// The input of the state.
    pub input: Value,
    /// How much to tell.
    pub inspection: InspectionLevel,
    /// What stands in for its work.
    pub mock: Option<Mock>,
    /// The context object; made up where it is missing.
    pub context: Option<Value>,
    /// Variables that have a value before the state.
    pub variables: Map<String, Value>,
    /// How often the state was tried before.
    pub retries: u64,
    /// How many iterations of a Map failed.
    pub failed_iterations: Option<u64>,
    /// What the `ItemReader` of a Map reads.
    pub item_reader_data: Option<String>,
}

/// The service would not test the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// `ValidationException`, `InvalidDefinition`.
    pub code: &'static str,
    /// Why.
    pub message: String,
}

/// A state cannot be tested here.
#[derive(Debug, Error)]
pub enum TestStateError {
    /// The request cannot be read.
    #[error("this is no request: `{field}` must be {wanted}")]
    Request {
        /// The field.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// The state calls something, and nothing stands in for it.
    #[error("the state calls {0}, which is not reached from here: give the result in `mock`")]
    NoMock(String),
    /// The engine cannot run the state.
    #[error("the state cannot be run:\n{}", .0.join("\n"))]
    Unsupported(Vec<String>),
}

fn wrong(field: &'static str, wanted: &'static str) -> TestStateError {
    TestStateError::Request { field, wanted }
}

impl TestStateRequest {
    /// A request without anything but a state and its input.
    #[must_use]
    pub fn new(definition: Value, input: Value) -> Self {
        Self {
            definition,
            state_name: None,
            input,
            inspection: InspectionLevel::Info,
            mock: None,
            context: None,
            variables: Map::new(),
            retries: 0,
            failed_iterations: None,
            item_reader_data: None,
        }
    }

    /// Reads the other fields from the service's names, with the JSON in them decoded.
    ///
    /// # Errors
    ///
    /// [`TestStateError::Request`] with the field that is not as it has to be.
    pub fn read(definition: &Value, input: &Value, fields: &Value) -> Result<Self, TestStateError> {
        let given = |object: &Value, name: &str| object.get(name).filter(|value| !value.is_null()).cloned();
        let text = |object: &Value, name: &'static str| match given(object, name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a text")),
        };
        let count = |object: &Value, name: &'static str| match given(object, name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong(name, "a whole number")),
        };
        let mut request = Self::new(definition.clone(), input.clone());
        request.state_name = text(fields, "stateName")?;
        request.inspection = match text(fields, "inspectionLevel")?.as_deref() {
            None | Some("INFO") => InspectionLevel::Info,
            Some("DEBUG") => InspectionLevel::Debug,
            Some("TRACE") => InspectionLevel::Trace,
            Some(_) => return Err(wrong("inspectionLevel", "INFO, DEBUG or TRACE")),
        };
        request.context = given(fields, "context");
        request.variables = match given(fields, "variables") {
            None => Map::new(),
            Some(Value::Object(variables)) => variables,
            Some(_) => return Err(wrong("variables", "an object")),
        };
        if let Some(mock) = given(fields, "mock") {
            let validation = match text(&mock, "fieldValidationMode")?.as_deref() {
                None | Some("STRICT") => FieldValidation::Strict,
                Some("PRESENT") => FieldValidation::Present,
                Some("NONE") => FieldValidation::None,
                Some(_) => return Err(wrong("fieldValidationMode", "STRICT, PRESENT or NONE")),
            };
            let error = match given(&mock, "errorOutput") {
                None => None,
                Some(error) => Some((text(&error, "error")?, text(&error, "cause")?)),
            };
            request.mock = Some(Mock { result: mock.get("result").cloned(), error, validation });
        }
        if let Some(configuration) = given(fields, "stateConfiguration") {
            request.retries = count(&configuration, "retrierRetryCount")?.unwrap_or(0);
            request.failed_iterations = count(&configuration, "mapIterationFailureCount")?;
            request.item_reader_data = text(&configuration, "mapItemReaderData")?;
        }
        Ok(request)
    }
}

/// Runs one state and returns the answer of the service: `status`, `output`, `nextState`, `error`, `cause`,
/// `inspectionData`, or `exception` when the service would refuse.
///
/// # Errors
///
/// [`TestStateError`] when the state cannot be run here.
pub fn test_state(request: &TestStateRequest, now: Timestamp) -> Result<Value, TestStateError> {
    match checks::subject(request) {
        Err(refusal) => Ok(json!({ "exception": refusal })),
        Ok(subject) => Bench::new(request, &subject, now).answer(),
    }
}

impl Bench<'_> {
    fn answer(&self) -> Result<Value, TestStateError> {
        let end = match self.work()? {
            Ok(end) => end,
            Err(failure) => TaskEnd::Failed { error: failure.error, cause: failure.cause },
        };
        let plain = self.subject.without(&["Retry", "Catch"]);
        let ran = self.run(&plain, &self.request.input, &end)?;
        let mut answer = Map::new();
        let mut assigned = ran.assigned.clone();
        let mut details = None;
        match &ran.outcome {
            Ok(left) => {
                answer.insert("status".to_owned(), json!("SUCCEEDED"));
                answer.insert("output".to_owned(), left.output.clone());
                answer.extend(left.next.as_ref().map(|next| ("nextState".to_owned(), json!(next))));
            }
            Err(failure) => {
                let Failure { error, cause } = failure;
                let (handled, retrier) = self.handle(&end)?;
                let mut found = retrier.map_or_else(Map::new, |retrier| retrier.details());
                let status = match handled {
                    Handled::Retried => "RETRIABLE",
                    Handled::Caught { index, left, variables } => {
                        answer.insert("output".to_owned(), left.output);
                        answer.extend(left.next.map(|next| ("nextState".to_owned(), json!(next))));
                        found.insert("catchIndex".to_owned(), json!(index));
                        assigned = variables;
                        "CAUGHT_ERROR"
                    }
                    Handled::Not => "FAILED",
                };
                answer.insert("status".to_owned(), json!(status));
                answer.extend(error.as_ref().map(|error| ("error".to_owned(), json!(error))));
                answer.extend(cause.as_ref().map(|cause| ("cause".to_owned(), json!(cause))));
                details = (!found.is_empty()).then_some(found);
            }
        }
        if self.request.inspection != InspectionLevel::Info {
            let mut data = self.inspect(&ran, &end)?;
            data.extend(details.map(|details| ("errorDetails".to_owned(), Value::Object(details))));
            let mut variables = self.request.variables.clone();
            variables.extend(assigned);
            if !variables.is_empty() {
                data.insert("variables".to_owned(), Value::Object(variables));
            }
            answer.insert("inspectionData".to_owned(), Value::Object(data));
        }
        Ok(Value::Object(answer))
    }
}

#[cfg(test)]
mod tests;
