//! Replays what the real Step Functions service did, as recorded in `conformance/asl` (its README says how to compare).
//!
//! Run with `--nocapture` to see the table. `ATTINI_CONFORMANCE` names the folder; without one, nothing is compared.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and print")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use attini_local::simulate::{Case, MachineType, diagnose};
use serde_json::{Value, json};

#[test]
fn recorded_executions() {
    let Some(folder) = folder() else {
        println!("no recorded cases: set ATTINI_CONFORMANCE to the folder that holds `asl/cases`");
        return;
    };
    let known = known_failures();
    let mut table = Table::default();
    let mut regressions = Vec::new();
    let mut recovered = Vec::new();
    for path in cases(&folder) {
        let case: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let name = case["name"].as_str().unwrap().to_owned();
        let verdict = run(&case);
        if let Verdict::Failed(difference) = &verdict
            && !known.contains(&name)
        {
            regressions.push(format!("{name}: {difference}"));
        }
        if let Verdict::Failed(difference) = &verdict {
            println!("{name}: {difference}");
        }
        if matches!(verdict, Verdict::Passed) && known.contains(&name) {
            recovered.push(name);
        }
        table.add(&case, verdict);
    }
    println!("{}", table.render());
    assert!(recovered.is_empty(), "these pass now; take them off known_failures/asl.txt:\n{}", recovered.join("\n"));
    assert!(regressions.is_empty(), "{} cases differ from the record:\n{}", regressions.len(), regressions.join("\n"));
}

/// A definition of which the service made an execution is one that the diagnosis lets pass.
#[test]
fn definitions_that_were_run_are_accepted() {
    let Some(folder) = folder() else { return };
    let mut refused = Vec::new();
    for path in cases(&folder) {
        let case: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let found = diagnose(&case["definition"], MachineType::Standard);
        if case["kind"] == "execution" && !found.is_empty() {
            refused.push(format!("{}: {found:?}", case["name"]));
        }
    }
    assert!(refused.is_empty(), "{} definitions:\n{}", refused.len(), refused.join("\n"));
}

/// What the service answered is no input: without it the answer is the same.
#[test]
fn the_recorded_answer_has_no_effect() {
    let Some(folder) = folder() else { return };
    for path in cases(&folder) {
        let mut case: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let answer = |case: &Value| Case::read(case).and_then(|case| case.answer()).map_err(|error| error.to_string());
        let with = answer(&case);
        for field in ["expected", "events", "events_order", "ignore_paths", "context_paths", "notes", "provenance"] {
            case.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(answer(&case), with, "{}", case["name"]);
        case["expected"] = json!({"status": "TIMED_OUT", "output": "wrong"});
        case["events"] = json!([{"type": "wrong"}]);
        assert_eq!(answer(&case), with, "{}", case["name"]);
    }
}

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("ATTINI_CONFORMANCE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"), PathBuf::from);
    let cases = folder.join("asl/cases");
    cases.is_dir().then_some(cases)
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Lines are `<case name> <reason>`.
fn known_failures() -> BTreeSet<String> {
    include_str!("../known_failures/asl.txt")
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once(" | ").map_or(line, |(name, _)| name).trim().to_owned())
        .collect()
}

fn run(case: &Value) -> Verdict {
    let class = case["class"].as_str().unwrap();
    let reason = case["class_reason"].as_str().unwrap_or_default();
    let is_execution = case["kind"] == "execution";
    // What these two lack (a history; a task of their own) is not needed to replay them.
    if is_execution && class == "other" && !reason.starts_with("express") && !reason.starts_with("activity") {
        return Verdict::Skipped(format!("class other: {reason}"));
    }
    let answer = match Case::read(case).and_then(|case| case.answer()) {
        Ok(answer) => answer,
        Err(error) => return Verdict::Failed(error.to_string()),
    };
    let found = if is_execution { difference(case, &answer) } else { answer_difference(case, &answer) };
    found.map_or(Verdict::Passed, Verdict::Failed)
}

fn ignored(case: &Value) -> BTreeSet<&str> {
    case["ignore_paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect()
}

/// Names the first difference between the recorded answer of a single call and ours.
fn answer_difference(case: &Value, answer: &Value) -> Option<String> {
    let at = differ(&case["expected"], answer, "/expected", &ignored(case))?;
    let pointer = at.strip_prefix("/expected").unwrap();
    let (want, got) = (case["expected"].pointer(pointer), answer.pointer(pointer));
    Some(format!("{at}: expected {}, got {} in {}", short(want), short(got), short(Some(answer))))
}

/// Names the first difference between the record and the result, most important first.
fn difference(case: &Value, actual: &Value) -> Option<String> {
    let ignored = ignored(case);
    let expected = &case["expected"];
    for field in ["status", "error", "output", "cause"] {
        let path = format!("/expected/{field}");
        if ignored.contains(path.as_str()) {
            continue;
        }
        let (want, mut got) = (expected.get(field).cloned(), actual.get(field).cloned());
        if field == "cause" && want.as_ref().is_some_and(Value::is_object) {
            got = got.map(|got| decoded(&got));
        }
        if let Some(at) = differ_optional(want.as_ref(), got.as_ref(), &path, &ignored) {
            return Some(format!("{at}: expected {}, got {}", short(want.as_ref()), short(got.as_ref())));
        }
    }
    events_difference(case, actual["events"].as_array().unwrap().clone(), &ignored)
}

fn events_difference(case: &Value, mut actual: Vec<Value>, ignored: &BTreeSet<&str>) -> Option<String> {
    let expected = case["events"].as_array().unwrap();
    let order = case["events_order"].as_str().unwrap();
    if expected.is_empty() || order == "none" {
        return None;
    }
    let in_order = || -> Option<String> {
        for (index, want) in expected.iter().enumerate() {
            let path = format!("/events/{index}");
            let Some(got) = actual.get(index) else { return Some(format!("{path}: missing {}", short(Some(want)))) };
            if let Some(at) = differ(want, got, &path, ignored) {
                return Some(format!("{at}: expected {}, got {}", short(Some(want)), short(Some(got))));
            }
        }
        let extra = actual.get(expected.len());
        extra.map(|extra| format!("/events/{}: one too many: {}", expected.len(), short(Some(extra))))
    };
    let first = in_order()?;
    if order == "total" {
        return Some(first);
    }
    // Branches run side by side: compare as a set, without ids.
    for (index, want) in expected.iter().enumerate() {
        let path = format!("/events/{index}");
        let mut unnumbered: BTreeSet<&str> = ignored.clone();
        let numbers = [format!("{path}/id"), format!("{path}/previousEventId")];
        unnumbered.extend(numbers.iter().map(String::as_str));
        match actual.iter().position(|got| differ(want, got, &path, &unnumbered).is_none()) {
            Some(position) => {
                actual.remove(position);
            }
            None => return Some(format!("no event like {} ({first})", short(Some(want)))),
        }
    }
    // Sorted records leave out some events of Parallel states.
    if order == "sorted" {
        actual.retain(|event| !event["type"].as_str().unwrap().starts_with("Parallel"));
    }
    actual.first().map(|extra| format!("one event too many: {} ({first})", short(Some(extra))))
}

fn decoded(value: &Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| value.clone())
}

fn differ_optional(want: Option<&Value>, got: Option<&Value>, path: &str, ignored: &BTreeSet<&str>) -> Option<String> {
    match (want, got) {
        (None, None) => None,
        (Some(want), Some(got)) => differ(want, got, path, ignored),
        _ => Some(path.to_owned()),
    }
}

fn differ(want: &Value, got: &Value, path: &str, ignored: &BTreeSet<&str>) -> Option<String> {
    if ignored.contains(path) {
        return None;
    }
    match (want, got) {
        (Value::Object(wanted), Value::Object(found)) => {
            let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
            names.into_iter().find_map(|name| {
                let path = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                if ignored.contains(path.as_str()) {
                    return None;
                }
                match (wanted.get(name), found.get(name)) {
                    (Some(want), Some(got)) => differ(want, got, &path, ignored),
                    // Details without fields are as good as none.
                    (Some(Value::Object(want)), None) if want.is_empty() && name.ends_with("EventDetails") => None,
                    _ => Some(path),
                }
            })
        }
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .find_map(|(i, (want, got))| differ(want, got, &format!("{path}/{i}"), ignored)),
        // A cause that is JSON was decoded in the record.
        (Value::Object(_), Value::String(_)) if path.ends_with("/cause") => match decoded(got) {
            Value::String(_) => Some(path.to_owned()),
            got => differ(want, &got, path, ignored),
        },
        (Value::Number(want), Value::Number(got)) => (want.as_f64() != got.as_f64()).then(|| path.to_owned()),
        // Placeholders stand for what the service made up.
        (Value::String(want), Value::String(got)) => (!like(want, got)).then(|| path.to_owned()),
        _ => (want != got).then(|| path.to_owned()),
    }
}

/// Equal but for the numbers of events, which depend on how branches interleave.
fn like(want: &str, got: &str) -> bool {
    want == got
        || (want.contains("<json-input:1>") && {
            let (before, after) = want.split_once("<json-input:1>").unwrap();
            got.starts_with(before) && got.ends_with(after)
        })
}

fn short(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    if text.chars().count() > 400 { format!("{}…", text.chars().take(400).collect::<String>()) } else { text }
}

#[derive(Default)]
struct Table {
    features: BTreeMap<String, [usize; 3]>,
    total: [usize; 3],
    skipped: BTreeMap<String, usize>,
    outcome_passed: usize,
}

impl Table {
    fn add(&mut self, case: &Value, verdict: Verdict) {
        let column = match &verdict {
            Verdict::Passed => 0,
            Verdict::Failed(_) => 1,
            Verdict::Skipped(_) => 2,
        };
        self.total[column] += 1;
        match verdict {
            Verdict::Passed => self.outcome_passed += 1,
            Verdict::Failed(difference) if difference.contains("event") => self.outcome_passed += 1,
            Verdict::Failed(_) => {}
            Verdict::Skipped(reason) => *self.skipped.entry(reason).or_default() += 1,
        }
        for feature in case["features"].as_array().into_iter().flatten() {
            self.features.entry(feature.as_str().unwrap().to_owned()).or_default()[column] += 1;
        }
    }

    fn render(&self) -> String {
        let mut lines = vec![format!("{:<36}{:>8}{:>8}{:>8}", "feature", "passed", "failed", "skipped")];
        let row = |name: &str, [passed, failed, skipped]: &[usize; 3]| {
            format!("{name:<36}{passed:>8}{failed:>8}{skipped:>8}")
        };
        lines.extend(self.features.iter().map(|(name, counts)| row(name, counts)));
        lines.push(row("all", &self.total));
        let run = self.total[0] + self.total[1];
        lines.push(format!("status, error, output and cause right: {} of {run}", self.outcome_passed));
        lines.extend(self.skipped.iter().map(|(reason, count)| format!("skipped {count}: {reason}")));
        lines.join("\n")
    }
}
