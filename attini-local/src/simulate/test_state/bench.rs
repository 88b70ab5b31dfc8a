use std::sync::Arc;
use std::time::Duration;

use attini_core::value::Timestamp;
use serde_json::{Map, Value, json};

use super::{TestStateError, TestStateRequest};
use crate::engine::{
    Answer, Definition, EffectId, ExecutionContext, Mocks, Outcome, Seed, TaskEnd, TaskRequest, simulate,
};

/// What the service calls a state that is tested, whatever its own name is.
pub(super) const STATE: &str = "StateName";
/// The state before it that assigns variables.
const ASSIGN: &str = "Variables";
/// What a Map or Parallel state calls when its inside is mocked.
const MOCKED: &str = "arn:aws:states:::aws-sdk:sfn:testState";
/// The service ends a test after this time.
const LIMIT: Duration = Duration::from_secs(300);

/// The state that is tested.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    fields: Map<String, Value>,
    pub(super) is_jsonata: bool,
}

impl Subject {
    /// Takes a state that was checked; `None` when it is no object.
    pub(super) fn new(state: &Value, outer_is_jsonata: bool) -> Option<Self> {
        let fields = state.as_object()?.clone();
        let language = fields.get("QueryLanguage").and_then(Value::as_str);
        Some(Self { is_jsonata: language.map_or(outer_is_jsonata, |language| language == "JSONata"), fields })
    }

    pub(super) fn kind(&self) -> &str {
        self.field("Type").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether it is a task with a token.
    pub(super) fn waits(&self) -> bool {
        let resource = self.field("Resource").and_then(Value::as_str).unwrap_or_default();
        [".sync", ".sync:2", ".waitForTaskToken"].iter().any(|end| resource.ends_with(end))
    }

    /// Whether it is a task for an activity worker.
    pub(super) fn is_activity(&self) -> bool {
        self.field("Resource").and_then(Value::as_str).is_some_and(|resource| resource.contains(":activity:"))
    }

    /// Returns the state without some fields. The inside of a Map or Parallel state is replaced by a task.
    pub(super) fn without(&self, fields: &[&str]) -> Map<String, Value> {
        const INSIDE: [&str; 15] = [
            "Branches",
            "ItemProcessor",
            "Iterator",
            "Items",
            "ItemsPath",
            "ItemSelector",
            "ItemReader",
            "ItemBatcher",
            "ResultWriter",
            "MaxConcurrency",
            "MaxConcurrencyPath",
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
        ];
        let (is_map, is_mocked) = (self.kind() == "Map", matches!(self.kind(), "Map" | "Parallel"));
        let keeps = |name: &str| {
            let is_inside = INSIDE.contains(&name) || name == "Label" || (is_map && name == "Parameters");
            let is_replaced = is_mocked && is_inside;
            !is_replaced && !fields.contains(&name)
        };
        let mut state: Map<String, Value> = self
            .fields
            .iter()
            .filter(|(name, _)| keeps(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if is_mocked {
            state.insert("Type".to_owned(), json!("Task"));
            state.insert("Resource".to_owned(), json!(MOCKED));
        }
        state
    }

    /// Returns a state of another type with some of its fields.
    pub(super) fn part(&self, kind: &str, fields: &[&str]) -> Map<String, Value> {
        let mut state = Map::from_iter([("Type".to_owned(), json!(kind))]);
        state.extend(fields.iter().filter_map(|name| Some(((*name).to_owned(), self.field(name)?.clone()))));
        state
    }
}

/// Runs the state that is tested, and parts of it.
pub(super) struct Bench<'a> {
    pub(super) request: &'a TestStateRequest,
    pub(super) subject: &'a Subject,
    context: Value,
    now: Timestamp,
}

/// What a run did.
pub(super) struct Ran {
    pub(super) outcome: Result<Left, Failure>,
    /// What the task was called with, if it was.
    pub(super) parameters: Option<Value>,
    /// The variables that the state assigned.
    pub(super) assigned: Map<String, Value>,
    /// How long it took.
    pub(super) took: Duration,
}

/// The end of a state that went well.
pub(super) struct Left {
    pub(super) output: Value,
    pub(super) next: Option<String>,
}

/// The end of a state that failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: Option<String>,
    pub(super) cause: Option<String>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(request: &'a TestStateRequest, subject: &'a Subject, now: Timestamp) -> Self {
        let context = request.context.clone().unwrap_or_else(|| made_up(request, subject, now));
        Self { request, subject, context, now }
    }

    /// Returns the same bench for a request that differs.
    pub(super) fn with_request<'b>(&'b self, request: &'b TestStateRequest) -> Bench<'b> {
        Bench { request, subject: self.subject, context: self.context.clone(), now: self.now }
    }

    /// Runs a state to its end; every task in it ends as `end` says.
    pub(super) fn run(&self, state: &Map<String, Value>, input: &Value, end: &TaskEnd) -> Result<Ran, TestStateError> {
        let mut state = state.clone();
        let targets = retarget(&mut state);
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let is_last = matches!(kind.as_str(), "Choice" | "Succeed" | "Fail");
        if !is_last && !state.contains_key("Next") {
            state.insert("End".to_owned(), json!(true));
        }
        let language = if self.subject.is_jsonata { "JSONata" } else { "JSONPath" };
        state.insert("QueryLanguage".to_owned(), json!(language));
        let mut states = Map::from_iter([(STATE.to_owned(), Value::Object(state))]);
        states.extend((0..targets.len()).map(|index| (target(index), json!({"Type": "Succeed"}))));
        let has_variables = !self.request.variables.is_empty();
        let mut start = STATE;
        let mut whole_input = input.clone();
        if has_variables {
            let path = |name: &String| (format!("{name}.$"), json!(format!("$.variables['{name}']")));
            let assign: Map<String, Value> = self.request.variables.keys().map(path).collect();
            states.insert(
                ASSIGN.to_owned(),
                json!({"Type": "Pass", "Assign": assign, "OutputPath": "$.input", "Next": STATE}),
            );
            whole_input = json!({"variables": self.request.variables, "input": input});
            start = ASSIGN;
        }
        let machine = json!({"StartAt": start, "States": states});
        let definition = Definition::parse(&machine).map_err(TestStateError::Unsupported)?;
        let context = ExecutionContext {
            execution_arn: String::new(),
            execution_name: String::new(),
            role_arn: String::new(),
            machine_arn: String::new(),
            machine_name: String::new(),
            region: "us-east-1".to_owned(),
            input: whole_input,
            seed: Seed::new("test"),
            object: Some(self.context.clone()),
        };
        let result = simulate(Arc::new(definition), context, &mut Always(end), self.now);
        let took = result.ended.since(self.now);
        let mut ran = Ran {
            outcome: Err(Failure { error: Some("States.Timeout".to_owned()), cause: None }),
            parameters: None,
            assigned: Map::new(),
            took,
        };
        let mut output = None;
        let mut next = None;
        for event in &result.events {
            let text = |field: &str| event.details.get(field).and_then(Value::as_str);
            let json = |field: &str| text(field).and_then(|text| serde_json::from_str::<Value>(text).ok());
            match (event.kind.as_str(), text("name")) {
                ("TaskScheduled", _) => ran.parameters = json("parameters"),
                ("LambdaFunctionScheduled" | "ActivityScheduled", _) => ran.parameters = json("input"),
                (kind, Some(STATE)) if kind.ends_with("StateExited") => {
                    output = json("output");
                    if let Some(Value::Object(assigned)) = event.details.get("assignedVariables") {
                        let value = |text: &Value| text.as_str().and_then(|text| serde_json::from_str(text).ok());
                        ran.assigned = assigned
                            .iter()
                            .map(|(name, text)| (name.clone(), value(text).unwrap_or_else(|| text.clone())))
                            .collect();
                    }
                }
                (kind, Some(name)) if kind.ends_with("StateEntered") => {
                    let index = (0..targets.len()).find(|index| target(*index) == name);
                    next = next.or(index.and_then(|index| targets.get(index).cloned()));
                }
                _ => {}
            }
        }
        let is_late = kind == "Wait" && took > LIMIT;
        match result.outcome {
            Some(Outcome::Succeeded { .. }) if !is_late => {
                ran.outcome = Ok(Left { output: output.unwrap_or_default(), next });
            }
            Some(Outcome::Failed { error, cause }) => {
                // Without the state that assigns, the tested one is the first to be entered.
                let cause =
                    cause.map(|text| if has_variables { text.replace("event id #4)", "event id #2)") } else { text });
                ran.outcome = Err(Failure { error, cause });
            }
            _ => {}
        }
        Ok(ran)
    }

    /// Returns what a state made of parts returns, if it does.
    pub(super) fn output(&self, state: &Map<String, Value>, input: &Value) -> Result<Option<Value>, TestStateError> {
        let ran = self.run(state, input, &TaskEnd::Silent)?;
        Ok(ran.outcome.ok().map(|left| left.output))
    }
}

/// The context object of a state that nobody gave one.
fn made_up(request: &TestStateRequest, subject: &Subject, now: Timestamp) -> Value {
    const NAME: &str = "TestState";
    let mut state = json!({"Name": STATE, "EnteredTime": now.to_string()});
    if matches!(subject.kind(), "Task" | "Map" | "Parallel") {
        state["RetryCount"] = request.retries.into();
    }
    json!({
        "Execution": {
            "Id": format!("arn:aws:states:us-east-1:111111111111:express:{NAME}:{NAME}"),
            "Input": request.input,
            "Name": NAME,
            "RoleArn": null,
            "StartTime": now.to_string(),
        },
        "StateMachine": {"Id": format!("arn:aws:states:us-east-1:111111111111:stateMachine:{NAME}"), "Name": NAME},
        "State": state,
    })
}

fn target(index: usize) -> String {
    format!("Target {index}")
}

/// Replaces the names of other states by [`target`]s and returns them.
fn retarget(state: &mut Map<String, Value>) -> Vec<String> {
    fn one(value: &mut Value, targets: &mut Vec<String>) {
        if let Value::String(name) = value {
            targets.push(std::mem::replace(name, target(targets.len())));
        }
    }
    let mut targets = Vec::new();
    for field in ["Next", "Default"] {
        if let Some(value) = state.get_mut(field) {
            one(value, &mut targets);
        }
    }
    for list in ["Choices", "Catch"] {
        for entry in state.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(value) = entry.get_mut("Next") {
                one(value, &mut targets);
            }
        }
    }
    targets
}

/// Ends every task in the same way.
struct Always<'a>(&'a TaskEnd);

impl Mocks for Always<'_> {
    fn answer(&mut self, _: &EffectId, _: &TaskRequest) -> Answer {
        Answer::of(self.0.clone())
    }
}
