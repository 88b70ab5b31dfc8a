mod numbers;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;

use attini_core::asl::intrinsic;
use attini_core::asl::path::{NoMatch, Query, Root, Selection};
use attini_core::value::TaskToken;
use serde_json::{Map, Value, json};

use super::context::{ExecutionContext, Moment};
use super::definition::{Selector, State};
use super::failure::Fault;
use super::frame::{Frame, FrameId, Item, Run};
use super::jsonata;
use super::template::{self, Expression, Located, Template, TemplateError, compute};

/// What paths, functions and expressions of one state see.
pub(super) struct StateScope<'a> {
    pub(super) execution: &'a ExecutionContext,
    pub(super) redrives: u64,
    pub(super) started: Moment,
    pub(super) now_ms: i64,
    pub(super) state: &'a State,
    pub(super) id: FrameId,
    pub(super) frame: &'a Frame,
    /// All frames, to find variables of the machines around.
    pub(super) frames: &'a BTreeMap<FrameId, Frame>,
    /// The child execution of a distributed Map that the state belongs to.
    pub(super) run: Option<&'a Run>,
    pub(super) token: Option<&'a TaskToken>,
    pub(super) item: Option<&'a Item>,
    /// `$states.result`.
    pub(super) result: Option<&'a Value>,
    /// `$states.errorOutput`.
    pub(super) error: Option<&'a Value>,
    /// How many random numbers the execution has used.
    pub(super) used: &'a Cell<u64>,
    pub(super) context: OnceCell<Value>,
    pub(super) converted: jsonata::Converted,
}

impl StateScope<'_> {
    /// The context object, made when something first asks for it.
    fn context(&self) -> &Value {
        self.context.get_or_init(|| {
            let execution = self.execution;
            let mut state = json!({"Name": self.state.name, "EnteredTime": self.frame.entered_time.0.to_string()});
            if self.state.kind.name() == "Task" {
                state["RetryCount"] = self.frame.attempt.into();
            }
            let (id, name, input, started, machine) = match self.run {
                None => (
                    &execution.execution_arn,
                    &execution.execution_name,
                    &execution.input,
                    self.started,
                    &execution.machine_arn,
                ),
                Some(run) => (&run.arn, &run.name, &run.input, run.started, &run.machine_arn),
            };
            let own = || {
                json!({
                    "Execution": {
                        "Id": id,
                        "Input": input,
                        "StartTime": started.0.to_string(),
                        "Name": name,
                        "RoleArn": execution.role_arn,
                        "RedriveCount": self.redrives
                    },
                    "StateMachine": {"Id": machine, "Name": execution.machine_name},
                    "State": state
                })
            };
            let mut context = execution.object.clone().unwrap_or_else(own);
            if let Some(item) = self.item.or(self.frame.item.as_ref()) {
                let mut of_item = json!({"Index": item.index, "Value": item.value});
                if let Some(source) = &item.source {
                    of_item["Source"] = source.as_str().into();
                }
                context["Map"] = json!({"Item": of_item});
            }
            // A token that somebody gave stays.
            if let Some(token) = self.token.filter(|_| context.get("Task").is_none()) {
                context["Task"] = json!({"Token": token.expose()});
            }
            context
        })
    }

    /// Returns the frames whose variables the state sees, its own first.
    pub(super) fn around(&self) -> impl Iterator<Item = &Frame> {
        let mut next = Some((self.id, self.frame));
        std::iter::from_fn(move || {
            let (id, frame) = next?;
            // A child execution does not see the variables of the one that started it.
            let parent = frame.parent.filter(|_| frame.run != Some(id));
            next = parent.and_then(|parent| Some((parent, self.frames.get(&parent)?)));
            Some(frame)
        })
    }

    fn variable(&self, name: &str) -> Option<&Value> {
        self.around().find_map(|frame| frame.variables.get(name))
    }

    fn select<'v>(&'v self, query: &Query, input: &'v Value) -> Result<Selection<'v>, NoMatch> {
        match &query.root {
            Root::Context => query.path.select(self.context()),
            Root::Input => query.path.select(input),
            Root::Variable(name) => match self.variable(name) {
                Some(value) => query.path.select(value),
                None => Err(NoMatch::new(self.unknown_variable(name))),
            },
        }
    }

    fn unknown_variable(&self, name: &str) -> String {
        let known: Vec<&str> = self.around().flat_map(|frame| frame.variables.keys()).map(String::as_str).collect();
        let known =
            if known.is_empty() { "none is assigned".to_owned() } else { format!("assigned: {}", known.join(", ")) };
        format!("No variable ${name} ({known}). Assign it in a state that runs before this one.")
    }

    /// `InputPath`, `OutputPath`: a missing value is the service's `Invalid path`.
    pub(super) fn selector<'v>(&'v self, selector: &Selector, input: &'v Value) -> Result<Cow<'v, Value>, Fault> {
        match selector {
            Selector::Whole => Ok(Cow::Borrowed(input)),
            Selector::Nothing => Ok(Cow::Owned(Value::Object(Map::new()))),
            Selector::Path(query) => self.path(query, input),
        }
    }

    /// `OutputPath`, on a value that is no longer needed.
    pub(super) fn output(&self, selector: &Selector, value: Cow<'_, Value>) -> Result<Value, Fault> {
        match selector {
            Selector::Whole => Ok(value.into_owned()),
            other => self.selector(other, &value).map(Cow::into_owned),
        }
    }

    pub(super) fn path<'v>(&'v self, query: &Query, input: &'v Value) -> Result<Cow<'v, Value>, Fault> {
        let selected = self.select(query, input).map(cow);
        selected.map_err(|error| Fault::runtime(format!("Invalid path '{}' : {error}", query.as_str())))
    }

    /// Like [`Self::path`], for who has something of its own to say about a missing value.
    pub(super) fn find<'v>(&'v self, query: &Query, input: &'v Value) -> Option<Cow<'v, Value>> {
        self.select(query, input).ok().map(cow)
    }

    pub(super) fn template(&self, template: Option<&Template>, input: Cow<'_, Value>) -> Result<Value, Fault> {
        match template {
            None => Ok(input.into_owned()),
            Some(template) => {
                template.evaluate(&Bound { scope: self, input: &input }).map_err(|error| self.fault(error, &input))
            }
        }
    }

    pub(super) fn expression(&self, expression: &Expression, field: &str, input: &Value) -> Result<Value, Fault> {
        compute(expression, field, &Bound { scope: self, input }).map_err(|error| self.fault(error, input))
    }

    /// Returns the value of an expression that has to be of a type, which `check` takes out of it.
    pub(super) fn typed<T>(
        &self,
        at: &Located,
        expected: &str,
        check: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, Fault> {
        let value = at
            .expression
            .evaluate(self)
            .map_err(|failure| self.fault(TemplateError::Jsonata { at, failure }, &Value::Null))?;
        check(&value).ok_or_else(|| unexpected(at, expected, &value))
    }

    fn fault(&self, error: TemplateError<'_>, input: &Value) -> Fault {
        match error {
            TemplateError::NoMatch { path, field } => Fault {
                alias: Some("States.ParameterPathFailure"),
                ..Fault::runtime(self.missing(&path, &field, input))
            },
            TemplateError::Intrinsic { call, reason } => {
                let text = format!("The function '{call}' had the following error: {reason}");
                Fault::named("States.IntrinsicFailure", text)
            }
            TemplateError::Jsonata { at, failure } => {
                let what = match failure {
                    jsonata::Failure::Undefined => "returned nothing (undefined).".to_owned(),
                    jsonata::Failure::Function => "returned an unsupported result type.".to_owned(),
                    jsonata::Failure::Threw(message) => format!("threw an error during evaluation. {message}"),
                };
                Fault::query(Some(&at.location), format!("{} {what}", specified(at)))
            }
        }
    }

    fn missing(&self, path: &str, field: &str, input: &Value) -> String {
        let start = format!("The JSONPath '{path}' specified for the field '{field}' could not be found");
        match Query::parse(path).map(|query| query.root) {
            Ok(Root::Variable(name)) if self.variable(&name).is_none() => {
                format!("{start}. {}", self.unknown_variable(&name))
            }
            Ok(Root::Variable(name)) => {
                format!("{start} in the variable '{}'", self.variable(&name).unwrap_or(&Value::Null))
            }
            _ => format!("{start} in the input '{input}'"),
        }
    }
}

/// The service's words about a result of another type than a field needs.
pub(super) fn unexpected(at: &Located, expected: &str, value: &Value) -> Fault {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let what =
        format!("returned an unexpected result type. Expected '{expected}', but was '{found}' for value: {value}");
    Fault::query(Some(&at.location), format!("{} {what}", specified(at)))
}

fn specified(at: &Located) -> String {
    format!("The JSONata expression '{}' specified for the field '{}'", at.expression.text(), at.location)
}

fn cow(selection: Selection<'_>) -> Cow<'_, Value> {
    match selection {
        Selection::Definite(value) => value,
        other @ Selection::Indefinite(_) => Cow::Owned(other.into_value()),
    }
}

/// A text as it is, everything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A scope with the value that `$` stands for.
struct Bound<'a> {
    scope: &'a StateScope<'a>,
    input: &'a Value,
}

impl intrinsic::Scope for Bound<'_> {
    fn query(&self, query: &Query) -> Result<Value, NoMatch> {
        self.scope.select(query, self.input).map(Selection::into_value)
    }

    fn random(&self) -> u64 {
        jsonata::Names::random(self.scope)
    }
}

impl template::Scope for Bound<'_> {
    fn jsonata(&self, expression: &jsonata::Expression) -> Result<Value, jsonata::Failure> {
        expression.evaluate(self.scope)
    }
}

impl jsonata::Names for StateScope<'_> {
    fn variable(&self, name: &str) -> Option<&Value> {
        Self::variable(self, name)
    }

    fn states(&self, field: jsonata::Field) -> Option<&Value> {
        match field {
            jsonata::Field::Input => Some(&self.frame.input),
            jsonata::Field::Result => self.result,
            jsonata::Field::ErrorOutput => self.error,
            jsonata::Field::Context => Some(self.context()),
        }
    }

    fn converted(&self) -> &jsonata::Converted {
        &self.converted
    }

    fn now_ms(&self) -> i64 {
        self.now_ms
    }

    fn random(&self) -> u64 {
        let n = self.used.get();
        self.used.set(n + 1);
        self.execution.seed.random(n)
    }
}
