use serde_json::Value;

use super::fields::{Fields, kind};
use super::parse::{MAX_SECONDS, Names, target};
use super::{Language, ResultPath, StateId, assign};
use crate::engine::template::Template;

/// The longest `MaxDelaySeconds`: one leap year.
const MAX_DELAY_SECONDS: u64 = 31_622_400;

#[derive(Debug)]
pub(in crate::engine) struct Retrier {
    pub(in crate::engine) errors: Vec<String>,
    pub(in crate::engine) interval_seconds: u64,
    pub(in crate::engine) max_attempts: u64,
    pub(in crate::engine) backoff_rate: f64,
    pub(in crate::engine) max_delay_seconds: Option<u64>,
    pub(in crate::engine) full_jitter: bool,
}

#[derive(Debug)]
pub(in crate::engine) struct Catcher {
    pub(in crate::engine) errors: Vec<String>,
    pub(in crate::engine) result_path: ResultPath,
    pub(in crate::engine) assign: Option<Template>,
    pub(in crate::engine) output: Option<Template>,
    pub(in crate::engine) next: StateId,
}

pub(super) fn retriers(fields: &mut Fields<'_, '_>) -> Vec<Retrier> {
    let mut retriers = Vec::new();
    let list = fields.list("Retry");
    for (index, value) in list.iter().enumerate() {
        let name = format!("retrier {index}");
        let Some(mut retrier) = entry(fields, value, &name, &format!("Retry[{index}]")) else { continue };
        let backoff_rate = match retrier.get("BackoffRate") {
            None => 2.0,
            Some(value) => value.as_f64().filter(|rate| *rate >= 1.0).unwrap_or_else(|| {
                retrier.problem("BackoffRate", format!("write a number of at least 1, not `{value}`"));
                2.0
            }),
        };
        let full_jitter = match retrier.text("JitterStrategy") {
            None | Some("NONE") => false,
            Some("FULL") => true,
            Some(other) => {
                retrier.problem("JitterStrategy", format!("`{other}` is none of FULL, NONE"));
                false
            }
        };
        retriers.push(Retrier {
            errors: error_names(&mut retrier, index + 1 == list.len()),
            interval_seconds: retrier.whole("IntervalSeconds", 1, MAX_SECONDS).unwrap_or(1),
            max_attempts: retrier.whole("MaxAttempts", 0, MAX_SECONDS).unwrap_or(3),
            backoff_rate,
            max_delay_seconds: retrier.whole("MaxDelaySeconds", 1, MAX_DELAY_SECONDS),
            full_jitter,
        });
    }
    retriers
}

pub(super) fn catchers(fields: &mut Fields<'_, '_>, names: &Names<'_>) -> Vec<Catcher> {
    let mut catchers = Vec::new();
    let list = fields.list("Catch");
    for (index, value) in list.iter().enumerate() {
        let name = format!("catcher {index}");
        let Some(mut catcher) = entry(fields, value, &name, &format!("Catch[{index}]")) else { continue };
        if catcher.get("Next").is_none() {
            catcher.problem("Next", "name the next state");
        }
        match catcher.language {
            Language::JsonPath => catcher.refuse(&["Output"], "only JSONata states have it; use `ResultPath`"),
            Language::Jsonata => catcher.refuse(&["ResultPath"], "a JSONata state has no such field; use `Output`"),
        }
        let errors = error_names(&mut catcher, index + 1 == list.len());
        let result_path = catcher.result_path();
        let assign = assign::template(&mut catcher);
        let output = catcher.template("Output");
        let next = target(&mut catcher, "Next", names);
        catchers.extend(next.map(|next| Catcher { errors, result_path, assign, output, next }));
    }
    catchers
}

fn entry<'a, 'q>(
    fields: &'q mut Fields<'a, '_>,
    value: &'a Value,
    name: &str,
    location: &str,
) -> Option<Fields<'a, 'q>> {
    match value {
        Value::Object(object) => Some(fields.within(object, name, location)),
        other => {
            fields.problems.push(format!("{}, {name}: write an object, not {}", fields.place, kind(other)));
            None
        }
    }
}

/// `States.ALL` must stand alone, in the last entry.
fn error_names(fields: &mut Fields<'_, '_>, is_last: bool) -> Vec<String> {
    const FIELD: &str = "ErrorEquals";
    let list = fields.list(FIELD);
    let names: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if names.is_empty() || names.len() < list.len() {
        fields.problem(FIELD, "write a list of at least one error name");
    }
    if names.iter().any(|name| name == "States.ALL") && (names.len() > 1 || !is_last) {
        fields.problem(FIELD, "`States.ALL` must stand alone, in the last entry");
    }
    names
}
