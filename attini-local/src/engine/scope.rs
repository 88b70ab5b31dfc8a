use std::borrow::Cow;
use std::cell::{Cell, OnceCell};

use attini_core::asl::intrinsic;
use attini_core::asl::path::{NoMatch, Query, Root, Selection};
use attini_core::value::TaskToken;
use serde_json::{Map, Value, json};

use super::context::{ExecutionContext, Moment};
use super::definition::{Percentage, Seconds, Selector, State};
use super::failure::Fault;
use super::frame::{Frame, Item};
use super::template::{Expression, Template, TemplateError, compute};

/// What paths and functions of one state see.
pub(super) struct StateScope<'a> {
    pub(super) execution: &'a ExecutionContext,
    pub(super) started: Moment,
    pub(super) state: &'a State,
    pub(super) frame: &'a Frame,
    pub(super) token: Option<&'a TaskToken>,
    pub(super) item: Option<&'a Item>,
    /// How many random numbers the execution has used.
    pub(super) used: &'a Cell<u64>,
    pub(super) context: OnceCell<Value>,
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
            let own = || {
                json!({
                    "Execution": {
                        "Id": execution.execution_arn,
                        "Input": execution.input,
                        "StartTime": self.started.0.to_string(),
                        "Name": execution.execution_name,
                        "RoleArn": execution.role_arn,
                        "RedriveCount": 0
                    },
                    "StateMachine": {"Id": execution.machine_arn, "Name": execution.machine_name},
                    "State": state
                })
            };
            let mut context = execution.object.clone().unwrap_or_else(own);
            if let Some(item) = self.item.or(self.frame.item.as_ref()) {
                context["Map"] = json!({"Item": {"Index": item.index, "Value": item.value}});
            }
            // A token that somebody gave stays.
            if let Some(token) = self.token.filter(|_| context.get("Task").is_none()) {
                context["Task"] = json!({"Token": token.expose()});
            }
            context
        })
    }

    fn select<'v>(&'v self, query: &Query, input: &'v Value) -> Result<Selection<'v>, NoMatch> {
        match query.root {
            Root::Context => query.path.select(self.context()),
            // Variables are refused when the definition is read.
            Root::Input | Root::Variable(_) => query.path.select(input),
        }
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
                template.evaluate(&Bound { scope: self, input: &input }).map_err(|error| fault(error, &input))
            }
        }
    }

    pub(super) fn expression(&self, expression: &Expression, field: &str, input: &Value) -> Result<Value, Fault> {
        compute(expression, field, &Bound { scope: self, input }).map_err(|error| fault(error, input))
    }

    /// A whole number that may come from the input.
    pub(super) fn whole(&self, number: Option<&Seconds>, field: &str, input: &Value) -> Result<Option<u64>, Fault> {
        match number {
            None => Ok(None),
            Some(Seconds::Fixed(number)) => Ok(Some(*number)),
            Some(Seconds::Path(query)) => {
                let value = self.path(query, input)?;
                match value.as_i64() {
                    Some(number) => u64::try_from(number)
                        .map(Some)
                        .map_err(|_| Fault::runtime(format!("{field} cannot be negative."))),
                    None => Err(Fault::runtime(format!(
                        "The {field}Path field refers to value \"{}\" which is not a valid integer: {}",
                        plain(&value),
                        query.as_str()
                    ))),
                }
            }
        }
    }

    pub(super) fn percentage(
        &self,
        percentage: Option<&Percentage>,
        field: &str,
        input: &Value,
    ) -> Result<Option<f64>, Fault> {
        match percentage {
            None => Ok(None),
            Some(Percentage::Fixed(number)) => Ok(Some(*number)),
            Some(Percentage::Path(query)) => {
                let value = self.path(query, input)?;
                match value.as_f64() {
                    Some(number) if (0.0..=100.0).contains(&number) => Ok(Some(number)),
                    Some(_) => Err(Fault::runtime(format!("{field} must be between 0 and 100."))),
                    None => Err(Fault::runtime(format!(
                        "The {field}Path field refers to value \"{}\" which is not a valid float: {}",
                        plain(&value),
                        query.as_str()
                    ))),
                }
            }
        }
    }
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

fn fault(error: TemplateError, input: &Value) -> Fault {
    match error {
        TemplateError::NoMatch { path, field } => Fault {
            alias: Some("States.ParameterPathFailure"),
            ..Fault::runtime(format!(
                "The JSONPath '{path}' specified for the field '{field}' could not be found in the input '{input}'"
            ))
        },
        TemplateError::Intrinsic { call, reason } => {
            Fault::named("States.IntrinsicFailure", format!("The function '{call}' had the following error: {reason}"))
        }
    }
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
        let n = self.scope.used.get();
        self.scope.used.set(n + 1);
        self.scope.execution.seed.random(n)
    }
}
