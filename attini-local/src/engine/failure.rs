use serde_json::{Value, json};

use super::definition::Language;

pub(super) const ALL: &str = "States.ALL";
pub(super) const RUNTIME: &str = "States.Runtime";
pub(super) const TIMEOUT: &str = "States.Timeout";
const TASK_FAILED: &str = "States.TaskFailed";
pub(super) const DATA_LIMIT: &str = "States.DataLimitExceeded";
pub(super) const QUERY: &str = "States.QueryEvaluationError";

/// Why a state failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// The name that is reported; `None` when whoever failed the task gave none.
    pub(super) error: Option<String>,
    pub(super) cause: Option<String>,
    /// Further names under which `Retry` and `Catch` know it.
    pub(super) aliases: Vec<&'static str>,
    /// Whether the state itself reported it in an event of its own, as it does with expressions that fail.
    pub(super) reported: bool,
}

impl Failure {
    pub(super) fn new(error: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { error: Some(error.into()), cause: Some(cause.into()), aliases: Vec::new(), reported: false }
    }

    /// What went wrong inside a state, with the service's words about the place.
    pub(super) fn of_fault(state: &str, entered_event: u64, fault: Fault) -> Self {
        let Fault { error, text, alias, .. } = fault;
        let place = format!(
            "An error occurred while executing the state '{state}' (entered at the event id #{entered_event}). "
        );
        // This one names its place itself.
        let cause = if error == DATA_LIMIT { text } else { place + &text };
        Self { aliases: alias.into_iter().collect(), ..Self::new(error, cause) }
    }

    /// What a task reported.
    pub(super) fn of_task(error: Option<String>, cause: Option<String>) -> Self {
        let aliases = if error.as_deref() == Some(TIMEOUT) { Vec::new() } else { vec![TASK_FAILED] };
        Self { error, cause, aliases, reported: false }
    }

    pub(super) fn timeout() -> Self {
        Self { error: Some(TIMEOUT.to_owned()), cause: None, aliases: Vec::new(), reported: false }
    }

    pub(super) fn also(mut self, alias: &'static str) -> Self {
        if !self.aliases.contains(&alias) {
            self.aliases.push(alias);
        }
        self
    }

    /// Whether a list of `ErrorEquals` names this failure.
    ///
    /// As in the service, `States.Runtime` is never handled, while `States.ALL` handles `States.DataLimitExceeded`,
    /// whatever the documentation says. What the specification calls by a name of its own and the service reports as `States.Runtime` (such as
    /// `States.ParameterPathFailure`) can be handled by that name.
    pub(super) fn is_one_of(&self, names: &[String]) -> bool {
        let error = self.error.as_deref();
        names.iter().any(|name| {
            let name = name.as_str();
            if self.aliases.contains(&name) {
                return true;
            }
            match error {
                Some(RUNTIME) => false,
                error => name == ALL || Some(name) == error,
            }
        })
    }

    /// What a `Catch` hands to its state.
    pub(super) fn output(&self) -> Value {
        let cause = match (&self.cause, self.error.as_deref()) {
            (Some(cause), _) => Value::from(cause.as_str()),
            // As recorded from the service.
            (None, Some(TIMEOUT)) => Value::from(""),
            (None, _) => Value::Null,
        };
        json!({"Error": self.error, "Cause": cause})
    }
}

/// A failure of the state itself, before the service's words about the place are put in front.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) error: &'static str,
    pub(super) text: String,
    pub(super) alias: Option<&'static str>,
    /// The field whose expression failed.
    pub(super) location: Option<String>,
}

impl Fault {
    pub(super) fn runtime(text: impl Into<String>) -> Self {
        Self::named(RUNTIME, text)
    }

    pub(super) fn named(error: &'static str, text: impl Into<String>) -> Self {
        Self { error, text: text.into(), alias: None, location: None }
    }

    /// What a JSONata state could not compute.
    pub(super) fn query(location: Option<&str>, text: impl Into<String>) -> Self {
        Self { location: location.map(str::to_owned), ..Self::named(QUERY, text) }
    }

    /// What fails a state for its data: another error in each query language.
    pub(super) fn of(language: Language, location: Option<&str>, text: impl Into<String>) -> Self {
        match language {
            Language::JsonPath => Self::runtime(text),
            Language::Jsonata => Self::query(location, text),
        }
    }

    pub(super) fn data_limit(state: &str) -> Self {
        Self::named(DATA_LIMIT, too_large(state))
    }
}

/// The service's words about a result that is larger than a payload may be.
pub(super) fn too_large(what: &str) -> String {
    format!(
        "The state/task '{what}' returned a result with a size exceeding the maximum number of bytes service limit."
    )
}
