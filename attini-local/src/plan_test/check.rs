//! Whether a run is as its case expects.

use attini_core::document::DocPath;
use attini_core::problem::SourceSpot;
use serde::Serialize;
use serde_json::Value;

use super::answers::Call;
use super::file::Case;
use super::model::PathPart;
use super::pattern;
use super::project::Machine;
use super::run::{Ran, ended, hide};

/// One thing that is not as expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mismatch {
    /// The expectation: its path below the case.
    pub what: String,
    /// What should be there.
    pub expected: String,
    /// What is there.
    pub actual: String,
    /// Where the expectation stands.
    pub at: Option<SourceSpot>,
}

impl Mismatch {
    /// A mock that no run could lead to.
    pub(super) fn impossible(case: &Case, path: &DocPath, text: &str) -> Self {
        let expected = "an answer that can be".to_owned();
        Self { what: below(case, path), expected, actual: text.to_owned(), at: case.document.key_spot(path) }
    }
}

/// Returns the path of a value in its case: `expect.outputs.Build.url`.
fn below(case: &Case, path: &DocPath) -> String {
    let depth = case.path.segments().len();
    let rest = path.segments().iter().skip(depth);
    let path = rest.fold(DocPath::root(), |path, segment| match segment {
        attini_core::document::Segment::Key(key) => path.key(key.as_str()),
        attini_core::document::Segment::Index(index) => path.index(*index),
    });
    path.to_string()
}

/// Returns everything about a run that is not as expected, in the order of the expectations' reference.
pub(super) fn mismatches(case: &Case, ran: &Ran, machine: &Machine) -> Vec<Mismatch> {
    let mut check = Check { case, secrets: machine.secrets.clone(), found: Vec::new() };
    check.secrets.extend(ran.calls.iter().flat_map(|call| call.secrets.iter().cloned()));
    check.end(ran);
    check.path(ran);
    check.payload(ran);
    check.calls(ran);
    let at = case.expectation();
    if let Some(seconds) = case.expect.seconds
        && (seconds - ran.seconds).abs() > 0.000_5
    {
        check.note(&at.key("seconds"), seconds.to_string(), ran.seconds.to_string());
    }
    check.found
}

struct Check<'a> {
    case: &'a Case,
    secrets: Vec<String>,
    found: Vec<Mismatch>,
}

/// Most characters of a value in a message.
const SHOWN: usize = 400;

impl Check<'_> {
    fn note(&mut self, path: &DocPath, expected: impl Into<String>, actual: impl Into<String>) {
        let actual = hide(&actual.into(), &self.secrets);
        let at = self.case.document.spot(path);
        self.found.push(Mismatch { what: below(self.case, path), expected: expected.into(), actual, at });
    }

    fn end(&mut self, ran: &Ran) {
        let at = self.case.expectation();
        let (status, error, cause) = ended(ran.outcome.as_ref());
        let Some(status) = status else {
            let text = "it never ends: nothing it waits for will come; give the last step a mock without a timeout, or set \
                        `TimeoutSeconds`";
            self.note(&at.key("status"), self.case.status().map_or("an end", super::model::Status::as_str), text);
            return;
        };
        let why = match (&error, &cause) {
            (Some(error), Some(cause)) => format!("{status} ({error}: {cause})"),
            (Some(error), None) => format!("{status} ({error})"),
            _ => status.clone(),
        };
        let wanted = self.case.status().map(super::model::Status::as_str);
        if let Some(wanted) = wanted.filter(|wanted| *wanted != status) {
            self.note(&at.key("status"), wanted, why.clone());
        }
        let texts =
            [("error", self.case.expect.error.clone(), error), ("cause", self.case.expect.cause.clone(), cause)];
        for (key, wanted, found) in texts {
            let Some(wanted) = wanted else { continue };
            if found.as_deref().is_none_or(|found| !pattern::fits(&wanted, found)) {
                let found = found.unwrap_or_else(|| format!("none, the plan ended as {why}"));
                self.note(&at.key(key), pattern::words(&wanted), found);
            }
        }
    }

    fn path(&mut self, ran: &Ran) {
        let at = self.case.expectation();
        let expect = &self.case.expect;
        let was = || if ran.path.is_empty() { "no step".to_owned() } else { ran.path.join(" → ") };
        if let Some(wanted) = &expect.path
            && !is_path(wanted, &ran.path)
        {
            let words = wanted.iter().map(|part| match part {
                PathPart::Step(name) => name.clone(),
                PathPart::AnyOrder(names) => format!("[{}]", names.join(", ")),
            });
            let words = words.collect::<Vec<_>>().join(" → ");
            self.note(&at.key("path"), words, was());
        }
        for (index, step) in expect.visited.iter().flatten().enumerate() {
            if !ran.path.contains(step) {
                self.note(
                    &at.key("visited").index(index),
                    format!("step {step} runs"),
                    format!("it does not: {}", was()),
                );
            }
        }
        for (index, step) in expect.not_visited.iter().flatten().enumerate() {
            if ran.path.contains(step) {
                let actual = format!("it does: {}", was());
                self.note(&at.key("notVisited").index(index), format!("step {step} does not run"), actual);
            }
        }
        if let Some(wanted) = expect.approvals.as_ref().filter(|wanted| **wanted != ran.approvals) {
            let list = |steps: &[String]| if steps.is_empty() { "none".to_owned() } else { steps.join(", ") };
            self.note(&at.key("approvals"), list(wanted), list(&ran.approvals));
        }
        for (step, wanted) in expect.attempts.iter().flatten() {
            let actual = ran.calls.iter().filter(|call| call.step == *step).count();
            if actual != *wanted {
                self.note(&at.key("attempts").key(step.as_str()), wanted.to_string(), actual.to_string());
            }
        }
    }

    fn payload(&mut self, ran: &Ran) {
        let at = self.case.expectation();
        let expect = &self.case.expect;
        for (step, wanted) in expect.outputs.iter().flatten() {
            let place = at.key("outputs").key(step.as_str());
            match ran.payload.get("output").and_then(|output| output.get(step)) {
                Some(actual) => self.compare(&place, wanted, actual, Texts::AsTheyAre),
                None => self.note(&place, shown(wanted), "the step left no output"),
            }
        }
        if let Some(wanted) = &expect.payload {
            self.compare(&at.key("payload"), wanted, &ran.payload, Texts::AsTheyAre);
        }
        if let Some(wanted) = &expect.exact_payload
            && *wanted != ran.payload
        {
            let before = self.found.len();
            self.compare(&at.key("exactPayload"), wanted, &ran.payload, Texts::AsTheyAre);
            self.surplus(&at.key("exactPayload"), wanted, &ran.payload);
            if self.found.len() == before {
                self.note(&at.key("exactPayload"), shown(wanted), shown(&ran.payload));
            }
        }
    }

    fn calls(&mut self, ran: &Ran) {
        let at = self.case.expectation();
        for key in ["stacks", "jobs", "calls"] {
            let texts = if key == "calls" { Texts::AsTheyAre } else { Texts::Spelled };
            let wanted = self.case.document.get(&at.key(key)).map(attini_core::document::Node::to_json);
            for (step, wanted) in wanted.as_ref().and_then(Value::as_object).into_iter().flatten() {
                let place = at.key(key).key(step.as_str());
                let calls: Vec<&Call> = ran.calls.iter().filter(|call| call.step == *step).collect();
                self.calls_of(&place, wanted, &calls, texts);
            }
        }
    }

    fn calls_of(&mut self, place: &DocPath, wanted: &Value, calls: &[&Call], texts: Texts) {
        let nothing = "the step asked for nothing: it was not called, or it failed before";
        match (wanted, calls) {
            (Value::Array(all), calls) => {
                if all.len() != calls.len() {
                    self.note(place, format!("{} calls", all.len()), format!("{} calls", calls.len()));
                }
                for (index, (wanted, call)) in all.iter().zip(calls).enumerate() {
                    let place = place.index(index);
                    match &call.wanted {
                        Some(actual) => self.compare(&place, wanted, actual, texts),
                        None => self.note(&place, shown(wanted), nothing),
                    }
                }
            }
            (one, calls) => match calls.iter().rev().find_map(|call| call.wanted.as_ref()) {
                Some(actual) => self.compare(place, one, actual, texts),
                None => self.note(place, shown(one), nothing),
            },
        }
    }

    /// Notes where a value has not what is wanted: maps may have more, anything else has to be equal.
    fn compare(&mut self, place: &DocPath, wanted: &Value, actual: &Value, texts: Texts) {
        match (wanted, actual) {
            (Value::Object(wanted), Value::Object(actual)) => {
                for (key, wanted) in wanted {
                    let place = place.key(key.as_str());
                    match actual.get(key) {
                        Some(actual) => self.compare(&place, wanted, actual, texts),
                        None => {
                            let keys: Vec<&str> = actual.keys().map(String::as_str).collect();
                            let known = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
                            self.note(&place, shown(wanted), format!("nothing; there is {known}"));
                        }
                    }
                }
            }
            (Value::Array(wanted), Value::Array(actual)) if wanted.len() == actual.len() => {
                for (index, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                    self.compare(&place.index(index), wanted, actual, texts);
                }
            }
            _ if texts.are_equal(self.case, place, wanted, actual) => {}
            _ => self.note(place, shown(wanted), shown(actual)),
        }
    }

    /// Notes what a value has besides what is wanted.
    fn surplus(&mut self, place: &DocPath, wanted: &Value, actual: &Value) {
        match (wanted, actual) {
            (Value::Object(wanted), Value::Object(actual)) => {
                for (key, actual) in actual {
                    match wanted.get(key) {
                        Some(wanted) => self.surplus(&place.key(key.as_str()), wanted, actual),
                        None => self.note(&place.key(key.as_str()), "nothing", shown(actual)),
                    }
                }
            }
            (Value::Array(wanted), Value::Array(actual)) if wanted.len() == actual.len() => {
                for (index, (wanted, actual)) in wanted.iter().zip(actual).enumerate() {
                    self.surplus(&place.index(index), wanted, actual);
                }
            }
            _ => {}
        }
    }
}

/// How texts are compared with other scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// `1` and `"1"` differ.
    AsTheyAre,
    /// Everything is a text in the end, in the spelling of the file: parameters, tags, environment variables.
    Spelled,
}

impl Texts {
    fn are_equal(self, case: &Case, place: &DocPath, wanted: &Value, actual: &Value) -> bool {
        if wanted == actual {
            return true;
        }
        match (self, wanted.as_f64().zip(actual.as_f64())) {
            (Self::AsTheyAre, Some((wanted, actual))) => wanted.to_bits() == actual.to_bits(),
            (Self::AsTheyAre, None) => false,
            (Self::Spelled, _) => {
                let spelled = case.document.get(place).and_then(|node| match &node.kind {
                    attini_core::document::NodeKind::Scalar(scalar) => Some(scalar.text.as_str()),
                    _ => None,
                });
                spelled.is_some() && spelled == actual.as_str()
            }
        }
    }
}

/// Returns a value on one line, cut when it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    let cut: String = text.chars().take(SHOWN).collect();
    format!("{cut}… ({} bytes)", text.len())
}

/// Says whether steps are those of a description, from the first to the last.
fn is_path(wanted: &[PathPart], steps: &[String]) -> bool {
    // The positions up to which the parts so far may reach.
    let mut reached = vec![false; steps.len() + 1];
    reached[0] = true;
    for part in wanted {
        let mut next = vec![false; steps.len() + 1];
        for start in (0..=steps.len()).filter(|position| reached[*position]) {
            match part {
                PathPart::Step(name) if name == "..." => next[start..].fill(true),
                PathPart::Step(name) if steps.get(start) == Some(name) => next[start + 1] = true,
                PathPart::AnyOrder(names) => {
                    let end = start + names.len();
                    if let Some(found) = steps.get(start..end)
                        && is_permutation(names, found)
                    {
                        next[end] = true;
                    }
                }
                PathPart::Step(_) => {}
            }
        }
        reached = next;
    }
    reached[steps.len()]
}

fn is_permutation(one: &[String], other: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(wanted: &str, steps: &[&str]) -> bool {
        let wanted: Vec<PathPart> = serde_json::from_str(wanted).unwrap();
        let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
        is_path(&wanted, &steps)
    }

    #[test]
    fn paths_may_have_gaps_and_steps_in_any_order() {
        assert!(fits(r#"["A", "B"]"#, &["A", "B"]) && fits("[]", &[]));
        assert!(!fits(r#"["A"]"#, &["A", "B"]) && !fits(r#"["A", "B"]"#, &["A"]) && !fits("[]", &["A"]));
        assert!(fits(r#"["...", "B", "..."]"#, &["A", "B", "C", "B"]) && fits(r#"["..."]"#, &[]));
        assert!(fits(r#"["A", "...", "B"]"#, &["A", "B"]) && !fits(r#"["A", "...", "C"]"#, &["A", "B"]));
        assert!(fits(r#"["A", ["B", "C"], "D"]"#, &["A", "C", "B", "D"]));
        assert!(!fits(r#"[["B", "C"]]"#, &["B", "B"]) && !fits(r#"[["B", "C"]]"#, &["B"]));
        // The first place is not always the right one.
        assert!(fits(r#"["...", "A", "B"]"#, &["A", "A", "B"]));
    }
}
