//! The cases of `conformance/plan`: macro requests, and what the answer must be.
//!
//! The format and the comparison are those of the README in that folder.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// One case.
#[derive(Debug)]
pub struct PlanCase {
    /// Its file name without `.json`.
    pub name: String,
    document: Value,
}

/// Returns the folder of all cases: `ATTINI_CONFORMANCE`, by default `../shared/conformance` beside the checkout.
#[must_use]
pub fn conformance_folder() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var_os("ATTINI_CONFORMANCE").map_or_else(default, PathBuf::from)
}

/// Reads all cases, sorted by name; `None` when the folder is not there.
///
/// # Panics
///
/// When a file cannot be read.
#[must_use]
pub fn plan_cases() -> Option<Vec<PlanCase>> {
    let entries = std::fs::read_dir(conformance_folder().join("plan")).ok()?;
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a readable file");
        let document = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        PlanCase { name: file.file_stem().unwrap_or_default().to_string_lossy().into_owned(), document }
    };
    Some(files.into_iter().map(read).collect())
}

impl PlanCase {
    /// The macro request.
    #[must_use]
    pub fn input(&self) -> &Value {
        &self.document["input"]
    }

    /// What the macro finds around it: `defaultRole`, `defaultRunnerImage`, `defaultVpcSubnets`.
    #[must_use]
    pub fn settings(&self) -> &Value {
        &self.document["settings"]
    }

    /// The answer that the case asks for.
    #[must_use]
    pub fn required(&self) -> &Value {
        let case = &self.document;
        if case["expected"].is_null() { &case["original"] } else { &case["expected"] }
    }

    /// Says whether the request must be refused.
    #[must_use]
    pub fn must_fail(&self) -> bool {
        self.required().get("error_contains").is_some() || self.required().get("error").is_some()
    }

    /// Compares an answer with the required one.
    ///
    /// # Errors
    ///
    /// The first difference in words.
    pub fn compare(&self, response: &Value) -> Result<(), String> {
        if self.must_fail() {
            let words = self.required()["error_contains"].as_array().into_iter().flatten();
            return failure(self.input(), response, words.filter_map(Value::as_str));
        }
        let (mut ours, mut theirs) = (response.clone(), self.required().clone());
        if theirs.get("status").is_none() {
            return Err("the case has no status".to_owned());
        }
        for pointer in self.document["ignore"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            remove(&mut ours, pointer);
            remove(&mut theirs, pointer);
        }
        normalize(&mut ours);
        normalize(&mut theirs);
        difference(&ours, &theirs, "").map_or(Ok(()), Err)
    }
}

fn failure<'w>(input: &Value, response: &Value, words: impl Iterator<Item = &'w str>) -> Result<(), String> {
    let message = response["errorMessage"].as_str().unwrap_or_default();
    if response["status"] != "FAILURE" || response["requestId"] != input["requestId"] || message.is_empty() {
        return Err(format!("no proper failure: {}", short(response)));
    }
    if message.chars().count() > 1024 {
        return Err("the message is too long".to_owned());
    }
    let lower = message.to_lowercase();
    let missing: Vec<&str> = words.filter(|word| !lower.contains(&word.to_lowercase())).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} missing in: {message}")) }
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    let key = last.replace("~1", "/").replace("~0", "~");
    match value.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.shift_remove(&key);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Brings what may vary to one form: sets are sorted, event patterns parsed, ids and numbers written alike.
fn normalize(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                normalize(value);
                match (key.as_str(), value) {
                    ("AttiniSteps" | "ErrorEquals", Value::Array(items)) => {
                        items.sort_by_key(Value::to_string);
                    }
                    ("Runners", Value::Array(items)) => {
                        items.sort_by_key(|item| {
                            let record = item.pointer("/Fn::If/1").unwrap_or(item);
                            record["name"].as_str().unwrap_or_default().to_owned()
                        });
                    }
                    ("EventPattern", Value::Object(pattern)) => {
                        let text = pattern.get("Fn::Sub").and_then(Value::as_str);
                        if let Some(parsed) = text.and_then(|text| serde_json::from_str(text).ok()) {
                            pattern.insert("Fn::Sub".to_owned(), parsed);
                        }
                    }
                    ("RandomGUID", guid) if guid.as_str().is_some_and(is_uuid) => *guid = Value::from("<uuid>"),
                    _ => {}
                }
            }
            object.sort_keys();
        }
        Value::Array(items) => items.iter_mut().for_each(normalize),
        Value::Number(number) => {
            if let Some(float) = number.as_f64() {
                *value = Value::from(float);
            }
        }
        _ => {}
    }
}

/// Returns the first difference, with the way to it.
fn difference(ours: &Value, theirs: &Value, at: &str) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let at = format!("{at}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(ours), Some(theirs)) => difference(ours, theirs, &at),
                    (Some(ours), None) => Some(format!("{at} is too much: {}", short(ours))),
                    (None, Some(theirs)) => Some(format!("{at} is missing: {}", short(theirs))),
                    (None, None) => None,
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (a, b))| difference(a, b, &format!("{at}/{index}")))
        }
        _ if ours == theirs => None,
        _ => Some(format!("{at} is {}, required is {}", short(ours), short(theirs))),
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(300).collect()
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
