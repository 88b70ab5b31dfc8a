//! Replays what the real Step Functions service did, as recorded in `conformance/asl` (its README says how to compare).
//!
//! Run with `--nocapture` to see the table. `ATTINI_CONFORMANCE` names the folder; without one, nothing is compared.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may panic and print")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attini_core::value::Timestamp;
use attini_local::engine::{
    Answer, Definition, EffectId, ExecutionContext, Mocks, Outcome, Seed, SimulationResult, TaskEnd, TaskRequest,
    objects::{self, ObjectRequest, Objects},
    simulate,
};
use serde_json::{Map, Value, json};

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
    if case["kind"] != "execution" {
        return Verdict::Skipped(format!("not an execution: {}", case["kind"].as_str().unwrap()));
    }
    let class = case["class"].as_str().unwrap();
    let reason = case["class_reason"].as_str().unwrap_or_default();
    // What these two lack (a history; a task of their own) is not needed to replay them.
    if class == "other" && !reason.starts_with("express") && !reason.starts_with("activity") {
        return Verdict::Skipped(format!("class other: {reason}"));
    }
    let definition = match Definition::parse(&case["definition"]) {
        Ok(definition) => Arc::new(definition),
        Err(problems) => return Verdict::Failed(format!("refused: {}", problems.join("; "))),
    };
    let name = |field: &str| case["context"][field].as_str().unwrap_or(field).to_owned();
    let context = ExecutionContext {
        execution_arn: name("execution_arn"),
        execution_name: name("execution_name"),
        role_arn: name("role_arn"),
        machine_arn: name("state_machine_arn"),
        machine_name: name("state_machine_name"),
        region: "us-east-1".to_owned(),
        input: case["input"].clone(),
        seed: Seed::new("test"),
        object: None,
    };
    let now = case["clock"].as_str().and_then(Timestamp::parse_rfc3339);
    let now = now.unwrap_or(Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap());
    let mut tasks = Recorded {
        tasks: case["tasks"].as_array().unwrap().iter().map(|task| (task, false)).collect(),
        objects: Stored::of(case),
    };
    let result = simulate(definition, context, &mut tasks, now);
    match difference(case, &result) {
        None => Verdict::Passed,
        Some(difference) => Verdict::Failed(difference),
    }
}

/// The recorded results of a case's tasks; each is used once.
struct Recorded<'a> {
    tasks: Vec<(&'a Value, bool)>,
    objects: Stored,
}

/// The objects that existed, by bucket and key.
struct Stored(BTreeMap<(String, String), String>);

impl Stored {
    fn of(case: &Value) -> Self {
        let objects = case.pointer("/setup/s3_objects").and_then(Value::as_array).into_iter().flatten();
        let text = |object: &Value, field: &str| object[field].as_str().unwrap().to_owned();
        Self(objects.map(|object| ((text(object, "bucket"), text(object, "key")), text(object, "body"))).collect())
    }
}

impl Objects for Stored {
    fn get(&self, bucket: &str, key: &str) -> Option<String> {
        self.0.get(&(bucket.to_owned(), key.to_owned())).cloned()
    }

    fn list(&self, bucket: &str, prefix: &str) -> Vec<(String, u64)> {
        let found = self.0.iter().filter(|((b, key), _)| b == bucket && key.starts_with(prefix));
        found.map(|((_, key), body)| (key.clone(), body.len().try_into().unwrap())).collect()
    }

    fn put(&mut self, bucket: &str, key: &str, body: String) {
        self.0.insert((bucket.to_owned(), key.to_owned()), body);
    }
}

impl Mocks for Recorded<'_> {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer {
        // Maps have effects of their own, below those of their state.
        if effect.as_str().contains("/read.") || effect.as_str().contains("/write.") {
            let end = ObjectRequest::of(task).map_or_else(
                || TaskEnd::Failed { error: None, cause: Some("no bucket or key".to_owned()) },
                |request| objects::answer(request, &mut self.objects),
            );
            return Answer::of(end);
        }
        let place = place(effect);
        let fits = |recorded: &Value| {
            let iteration = recorded.get("iteration").and_then(Value::as_array);
            recorded["state"] == task.state && iteration.is_none_or(|path| same_place(path, &place))
        };
        let Some((recorded, used)) = self.tasks.iter_mut().find(|(recorded, used)| !used && fits(recorded)) else {
            return Answer::of(TaskEnd::Silent);
        };
        *used = true;
        let text = |field: &str| recorded[field].as_str().map(str::to_owned);
        let end = match recorded["outcome"].as_str() {
            Some("succeeded") => TaskEnd::Succeeded(recorded["output"].clone()),
            Some("timed_out") => TaskEnd::Silent,
            _ => TaskEnd::Failed { error: text("error"), cause: text("cause") },
        };
        Answer { submitted: recorded.get("submitted_output").cloned(), ..Answer::of(end) }
    }
}

/// The (state, index) pairs of `Map.1#0[2]/Parallel.1#0[0]/Task.1#0`.
fn place(effect: &EffectId) -> Vec<(String, usize)> {
    let mut parts: Vec<&str> = effect.as_str().split("]/").collect();
    parts.pop();
    parts
        .into_iter()
        .filter_map(|part| {
            let (name, index) = part.rsplit_once('[')?;
            Some((name.rsplit_once('.')?.0.to_owned(), index.parse().ok()?))
        })
        .collect()
}

fn same_place(recorded: &[Value], place: &[(String, usize)]) -> bool {
    // The record follows the chain of events, so it names the iterations that ran before this one too.
    let recorded: Vec<&Value> = recorded
        .iter()
        .enumerate()
        .filter(|(at, entry)| {
            entry["map"].is_null() || recorded.get(at + 1).is_none_or(|next| next["map"] != entry["map"])
        })
        .map(|(_, entry)| entry)
        .collect();
    recorded.len() == place.len()
        && recorded.into_iter().zip(place).all(|(recorded, (name, index))| {
            recorded["parallel"] == name.as_str()
                || (recorded["map"] == name.as_str() && recorded["index"].as_u64() == u64::try_from(*index).ok())
        })
}

/// Names the first difference between the record and the result, most important first.
fn difference(case: &Value, result: &SimulationResult) -> Option<String> {
    let ignored: BTreeSet<&str> =
        case["ignore_paths"].as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
    let expected = &case["expected"];
    let actual = match &result.outcome {
        None => return Some("the execution does not end".to_owned()),
        Some(Outcome::Succeeded { output }) => json!({"status": "SUCCEEDED", "output": output}),
        Some(Outcome::Failed { error, cause }) => ended("FAILED", error.as_ref(), cause.as_ref()),
        Some(Outcome::Aborted { error, cause }) => ended("ABORTED", error.as_ref(), cause.as_ref()),
        Some(Outcome::TimedOut) => json!({"status": "TIMED_OUT"}),
    };
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
    events_difference(case, result, &ignored)
}

fn ended(status: &str, error: Option<&String>, cause: Option<&String>) -> Value {
    let mut ended = json!({"status": status});
    for (field, value) in [("error", error), ("cause", cause)] {
        if let Some(value) = value {
            ended[field] = value.as_str().into();
        }
    }
    ended
}

fn events_difference(case: &Value, result: &SimulationResult, ignored: &BTreeSet<&str>) -> Option<String> {
    let expected = case["events"].as_array().unwrap();
    let order = case["events_order"].as_str().unwrap();
    if expected.is_empty() || order == "none" {
        return None;
    }
    let mut actual: Vec<Value> = result
        .events
        .iter()
        .map(|event| {
            let mut fields = Map::from_iter([
                ("id".to_owned(), event.id.into()),
                ("previousEventId".to_owned(), event.previous_id.into()),
                ("type".to_owned(), event.kind.as_str().into()),
            ]);
            if event.details.as_object().is_some_and(|details| !details.is_empty()) {
                let mut details = event.details.clone();
                for field in ["input", "output", "parameters"] {
                    if let Some(text) = details.get_mut(field) {
                        *text = serde_json::from_str(text.as_str().unwrap()).unwrap();
                    }
                }
                let variables = details.get_mut("assignedVariables").and_then(Value::as_object_mut);
                for text in variables.into_iter().flat_map(Map::values_mut) {
                    *text = serde_json::from_str(text.as_str().unwrap()).unwrap();
                }
                fields.insert(details_field(&event.kind), details);
            }
            Value::Object(fields)
        })
        .collect();
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

fn details_field(kind: &str) -> String {
    let kind = if kind.ends_with("StateEntered") {
        "StateEntered"
    } else if kind.ends_with("StateExited") {
        "StateExited"
    } else {
        kind
    };
    let (first, rest) = kind.split_at(1);
    format!("{}{rest}EventDetails", first.to_lowercase())
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
