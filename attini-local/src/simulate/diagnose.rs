//! What Step Functions says about a definition: the diagnostics of `ValidateStateMachineDefinition`, and the refusal of
//! `CreateStateMachine` that is made of them.
//!
//! The wording is the service's where it was recorded; the service promises none.

mod check;
mod resource;
mod syntax;

use serde::Serialize;
use serde_json::Value;

pub(super) use check::Check;

/// One thing that is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// `ERROR`: the machine cannot be created.
    pub severity: &'static str,
    /// `SCHEMA_VALIDATION_FAILED`, `MISSING_TRANSITION_TARGET`, …
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, as `/States/<name>/<field>`; `None` when it is about the text as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

impl Diagnostic {
    fn new(code: &'static str, message: impl Into<String>, location: Option<String>) -> Self {
        Self { severity: "ERROR", code, message: message.into(), location }
    }
}

/// The type of a state machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineType {
    /// `STANDARD`.
    Standard,
    /// `EXPRESS`, which cannot wait for others.
    Express,
}

const SCHEMA: &str = "SCHEMA_VALIDATION_FAILED";

/// Returns what is wrong with a definition; nothing when the service would create the machine.
#[must_use]
pub fn diagnose(definition: &Value, machine_type: MachineType) -> Vec<Diagnostic> {
    if !definition.is_object() {
        return vec![Diagnostic::new(SCHEMA, "Definition must be a valid JSON object", None)];
    }
    let mut check = Check::new(machine_type, true);
    check.machine(definition, "", false);
    check.found
}

/// Like [`diagnose`], for a definition that may be no JSON.
#[must_use]
pub fn diagnose_text(text: &str, machine_type: MachineType) -> Vec<Diagnostic> {
    if text.trim().is_empty() {
        return diagnose(&Value::Null, machine_type);
    }
    match serde_json::from_str(text) {
        Ok(definition) => diagnose(&definition, machine_type),
        Err(error) => {
            let (message, place) = syntax::explain(text, &error);
            vec![Diagnostic::new("INVALID_JSON_DESCRIPTION", message, Some(place))]
        }
    }
}

/// Returns the message with which the service refuses to create a machine.
#[must_use]
pub fn refusal(found: &[Diagnostic]) -> String {
    let all: Vec<String> = found
        .iter()
        .map(|found| {
            let place = found.location.as_ref().map_or_else(String::new, |place| format!(" at {place}"));
            format!("{}: {}{place}", found.code, found.message)
        })
        .collect();
    format!("Invalid State Machine Definition: '{}'", all.join(", "))
}

#[cfg(test)]
mod tests;
