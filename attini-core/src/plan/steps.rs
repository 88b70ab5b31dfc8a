//! One file per step type: what it checks, and the states it becomes.

pub(super) mod approval;
pub(super) mod cdk;
pub(super) mod cfn;
pub(super) mod import;
pub(super) mod lambda_invoke;
pub(super) mod map;
pub(super) mod merge;
pub(super) mod runner_job;
pub(super) mod sam;

use serde_json::{Map, Value};

use super::expander::{Expander, Step};
use crate::asl::kind_of;

/// The outcome of a check that has reported what is wrong.
type Checked<T> = Result<T, Reported>;

/// A problem was found and reported; there is nothing to build.
struct Reported;

/// Returns the step's `Properties`; `null` counts as absent.
fn properties(step: &Step<'_>, to: &mut Expander<'_>) -> Checked<Option<Map<String, Value>>> {
    match step.fields.get("Properties") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(properties)) => Ok(Some(properties.clone())),
        Some(other) => {
            to.report(step, &["Properties"], format!("Properties must be an object, not {}", kind_of(other)), None);
            Err(Reported)
        }
    }
}

/// Returns the step's `Properties`, which it must have.
fn required_properties(step: &Step<'_>, to: &mut Expander<'_>) -> Checked<Map<String, Value>> {
    properties(step, to)?.ok_or_else(|| {
        to.report(step, &[], "Properties is missing", None);
        Reported
    })
}

/// Says whether a property is given, as it is or as a path (`Name.$`).
fn has(properties: &Map<String, Value>, key: &str) -> bool {
    let given = |key: &str| properties.get(key).is_some_and(|value| !value.is_null());
    given(key) || given(&format!("{key}.$"))
}

/// Warns of properties that the step type does not have; `way` leads to the object they stand in.
///
/// They go to the action as they are, which takes no notice of them: so plans that have some always worked.
fn check_keys(step: &Step<'_>, to: &mut Expander<'_>, properties: &Map<String, Value>, way: &[&str], known: &[&str]) {
    for key in properties.keys() {
        let plain = key.strip_suffix(".$").unwrap_or(key);
        if !known.contains(&plain) {
            let text = format!("unknown property {}", [&way[1..], &[key.as_str()]].concat().join("."));
            to.warn_of_word(step, &[way, &[key.as_str()]].concat(), text, plain, known);
        }
    }
}

/// Completes and checks the `Runner` property: the plan's default when the step names none.
fn take_runner(step: &Step<'_>, to: &mut Expander<'_>, properties: &mut Map<String, Value>) {
    const WAY: [&str; 2] = ["Properties", "Runner"];
    if properties.get("Runner").is_some_and(Value::is_null) {
        properties.shift_remove("Runner");
    }
    let text = match properties.get("Runner") {
        None if properties.contains_key("Runner.$") => return,
        None => {
            let runner = to.plan.default_runner.clone();
            properties.insert("Runner".to_owned(), Value::String(runner.clone()));
            to.used_runners.insert(runner);
            return;
        }
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            let help = "use the plain runner name".to_owned();
            let text = match other.get("Ref").and_then(Value::as_str) {
                Some(name) => format!("Runner must be a name, not a Ref to {name}"),
                None => format!("Runner must be a name, not {}", kind_of(other)),
            };
            return to.report(step, &WAY, text, Some(help));
        }
    };
    let known = to.plan.runners.contains(&text) || text == super::DEFAULT_RUNNER;
    // `${Key}` stands for a definition substitution, whose value is not known here.
    if known {
        to.used_runners.insert(text);
    } else if !text.contains("${") {
        let runners = to.plan.runners.clone();
        let names: Vec<&str> = runners.iter().map(String::as_str).collect();
        to.report_word(step, &WAY, format!("Runner {text} is no runner of this template"), &text, &names);
    }
}
