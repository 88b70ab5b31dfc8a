use std::fmt;
use std::sync::Arc;

use attini_core::value::Timestamp;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::diagnose::{MachineType, diagnose, diagnose_text, refusal};
use super::recorded::Recorded;
use super::references::variable_references;
use super::report;
use super::test_state::{TestStateError, TestStateRequest, test_state};
use crate::engine::{Definition, ExecutionContext, Seed, simulate};

/// When a case without a clock runs.
const NOW: i64 = 1_767_225_600_000; // 2026-01-01T00:00:00Z

/// A case in the form of the recordings of the real service: a state machine, what to do with it, and what its tasks
/// answered.
///
/// Only what the service was given is read. What it answered (`expected`, `events`) is not, so it cannot have an effect.
#[derive(Clone)]
pub struct Case {
    kind: Kind,
    definition: Value,
    /// The definition where it is no JSON.
    definition_text: Option<String>,
    machine_type: MachineType,
    input: Value,
    tasks: Vec<Value>,
    setup: Value,
    context: Value,
    clock: Timestamp,
    request: Value,
}

/// Without input and results, which may hold secrets.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Execution,
    TestState,
    Create,
    Validate,
    VariableReferences,
}

/// A case cannot be run.
#[derive(Debug, Error)]
pub enum CaseError {
    /// The file is no case.
    #[error("this is no case: `{field}` {problem}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The engine cannot run the state machine.
    #[error("the state machine cannot be run:\n{}", .0.join("\n"))]
    Refused(Vec<String>),
    /// The execution waits for a result that the case does not have.
    #[error("the execution does not end: the case has no result left for a task of {}", .0.join(", "))]
    NoResult(Vec<String>),
    /// The test of a single state cannot be run.
    #[error(transparent)]
    TestState(#[from] TestStateError),
}

fn wrong(field: &'static str, problem: impl Into<String>) -> CaseError {
    CaseError::Field { field, problem: problem.into() }
}

impl Case {
    /// Reads a case.
    ///
    /// # Errors
    ///
    /// [`CaseError::Field`] with the field that is missing or not as it has to be.
    pub fn read(case: &Value) -> Result<Self, CaseError> {
        let field = |name: &str| case.get(name).filter(|value| !value.is_null());
        let kind = field("kind").and_then(Value::as_str);
        let api = field("api").and_then(Value::as_str);
        let kind = match (kind, api) {
            (Some("execution"), _) => Kind::Execution,
            (Some("test_state"), _) => Kind::TestState,
            (Some("variable_references"), _) => Kind::VariableReferences,
            (Some("validation"), Some("validate_state_machine_definition")) => Kind::Validate,
            (Some("validation"), Some("create_state_machine") | None) => Kind::Create,
            (Some("validation"), Some(other)) => return Err(wrong("api", format!("has an unknown value, `{other}`"))),
            (Some(other), _) => return Err(wrong("kind", format!("has an unknown value, `{other}`"))),
            (None, _) => return Err(wrong("kind", "is missing")),
        };
        let definition_text = field("definition_text").and_then(Value::as_str).map(str::to_owned);
        let definition = field("definition").cloned().unwrap_or_default();
        if definition.is_null() && definition_text.is_none() {
            return Err(wrong("definition", "is missing"));
        }
        let clock = match field("clock") {
            None => Timestamp::from_ms(NOW),
            Some(clock) => clock
                .as_str()
                .and_then(Timestamp::parse_rfc3339)
                .ok_or_else(|| wrong("clock", format!("is no time: {clock}")))?,
        };
        let tasks = match field("tasks") {
            None => Vec::new(),
            Some(Value::Array(tasks)) => tasks.clone(),
            Some(_) => return Err(wrong("tasks", "is no list")),
        };
        let machine_type = match field("machine_type").and_then(Value::as_str) {
            Some("EXPRESS") => MachineType::Express,
            _ => MachineType::Standard,
        };
        Ok(Self {
            kind,
            definition,
            definition_text,
            machine_type,
            input: case.get("input").cloned().unwrap_or_else(|| json!({})),
            tasks,
            setup: field("setup").cloned().unwrap_or_default(),
            context: field("context").cloned().unwrap_or_default(),
            clock,
            request: field("request").cloned().unwrap_or_default(),
        })
    }

    /// Returns what the service would answer, in the shape of the `expected` of a case; executions also have `events`.
    ///
    /// # Errors
    ///
    /// [`CaseError`] when the case uses something that cannot be simulated.
    pub fn answer(&self) -> Result<Value, CaseError> {
        match self.kind {
            Kind::Execution => self.execution(),
            Kind::TestState => {
                let request = TestStateRequest::read(&self.definition, &self.input, &self.request)?;
                Ok(test_state(&request, self.clock)?)
            }
            Kind::VariableReferences => Ok(json!({"variable_references": variable_references(&self.definition)})),
            Kind::Create | Kind::Validate => Ok(self.validation()),
        }
    }

    fn validation(&self) -> Value {
        let found = match &self.definition_text {
            Some(text) => diagnose_text(text, self.machine_type),
            None => diagnose(&self.definition, self.machine_type),
        };
        let accepted = found.is_empty();
        if self.kind == Kind::Validate {
            let result = if accepted { "OK" } else { "FAIL" };
            return json!({"accepted": accepted, "result": result, "diagnostics": found});
        }
        let mut answer = Map::from_iter([("accepted".to_owned(), accepted.into())]);
        if !accepted {
            let error = json!({"code": "InvalidDefinition", "message": refusal(&found)});
            answer.insert("error".to_owned(), error);
        }
        Value::Object(answer)
    }

    fn execution(&self) -> Result<Value, CaseError> {
        let definition = Arc::new(Definition::parse(&self.definition).map_err(CaseError::Refused)?);
        let mut tasks = Recorded::new(&self.tasks, &self.setup);
        let result = simulate(definition, self.execution_context(), &mut tasks, self.clock);
        let Some(outcome) = &result.outcome else { return Err(CaseError::NoResult(tasks.unanswered)) };
        let mut answer = report::ended(outcome);
        answer.insert("events".to_owned(), report::events(&result.events).into());
        Ok(Value::Object(answer))
    }

    fn execution_context(&self) -> ExecutionContext {
        let name = |field: &str| self.context.get(field).and_then(Value::as_str).unwrap_or(field).to_owned();
        let execution_arn = name("execution_arn");
        let region = execution_arn.split(':').nth(3).unwrap_or("us-east-1").to_owned();
        ExecutionContext {
            execution_arn,
            execution_name: name("execution_name"),
            role_arn: name("role_arn"),
            machine_arn: name("state_machine_arn"),
            machine_name: name("state_machine_name"),
            region,
            input: self.input.clone(),
            seed: Seed::new("test"),
            object: None,
        }
    }
}
