//! Replays macro requests and compares the answers with the required ones.
//!
//! The cases lie in the folder named by `ATTINI_CONFORMANCE`, by default `../shared/conformance` beside the checkout.
//! Without the folder the test says so and passes. `known_failures/plan.txt` lists the cases that may fail; any other
//! failure, and any listed case that passes, fails the test.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic and print"))]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use attini_core::plan::{MacroSettings, macro_response};
use serde_json::Value;

const UUID: &str = "0b5f9c1e-7f3d-4a57-9a0c-3d5b8f6f1c11";

#[test]
fn plan_translations_match_the_corpus() {
    let folder = corpus().join("plan");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no conformance folder {}", folder.display());
        return;
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut failed: BTreeMap<String, String> = BTreeMap::new();
    let total = files.len();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if let Err(reason) = replay(&file) {
            failed.insert(name, reason);
        }
    }
    println!("{} passed, {} failed, 0 skipped", total - failed.len(), failed.len());
    for (name, reason) in &failed {
        println!("failed: {name}: {reason}");
    }
    let known = known_failures();
    let failed: BTreeSet<&str> = failed.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let regressions: Vec<_> = failed.difference(&known).collect();
    assert!(regressions.is_empty(), "cases that must pass fail: {regressions:?}");
    let present: Vec<_> = known.difference(&failed).collect();
    assert!(present.is_empty(), "cases listed in known_failures/plan.txt pass, take them out: {present:?}");
}

fn corpus() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var_os("ATTINI_CONFORMANCE").map_or_else(default, PathBuf::from)
}

/// One name a line; what follows `#` says why.
fn known_failures() -> Vec<String> {
    let list = include_str!("../known_failures/plan.txt");
    let names = list.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    names.filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect()
}

fn replay(file: &Path) -> Result<(), String> {
    let case: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let settings = &case["settings"];
    let subnets = settings["defaultVpcSubnets"].as_array();
    let settings = MacroSettings {
        default_role: settings["defaultRole"].as_str().map(ToOwned::to_owned),
        default_runner_image: settings["defaultRunnerImage"].as_str().unwrap().to_owned(),
        default_vpc_subnets: subnets
            .map(|subnets| subnets.iter().map(|subnet| subnet.as_str().unwrap().to_owned()).collect()),
        queue_interval_seconds: 30,
    };
    let response = macro_response(&case["input"], &settings, UUID);
    let required = if case["expected"].is_null() { &case["original"] } else { &case["expected"] };
    if let Some(words) = required.get("error_contains") {
        let words = words.as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        return failure(&case["input"], &response, words);
    }
    if required.get("error").is_some() {
        return failure(&case["input"], &response, std::iter::empty());
    }
    let (mut ours, mut theirs) = (response, required.clone());
    if !theirs.as_object().unwrap().contains_key("status") {
        return Err("the case has no status".to_owned());
    }
    for pointer in case["ignore"].as_array().into_iter().flatten() {
        remove(&mut ours, pointer.as_str().unwrap());
        remove(&mut theirs, pointer.as_str().unwrap());
    }
    normalize(&mut ours);
    normalize(&mut theirs);
    match difference(&ours, &theirs, "") {
        Some(text) => Err(text),
        None => Ok(()),
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
                    ("RandomGUID", guid) if *guid == UUID => *guid = Value::from("<uuid>"),
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
