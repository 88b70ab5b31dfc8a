//! Which steps and ways of a plan the cases go.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::iteration::scopes;

/// How much of a plan the cases go through.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// The steps in the order of the plan.
    pub steps: Vec<Covered>,
    /// The ways out of the steps, in the same order: rules of a Choice, catchers, branches of a Parallel, items of a Map.
    pub branches: Vec<Covered>,
}

/// A step or a way, and how many cases go there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Covered {
    /// The step.
    pub step: String,
    /// The way; `None` for the step itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// How many cases go there.
    pub cases: usize,
}

impl Coverage {
    /// Returns steps and branches that a case goes through, and all of them.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let all = self.steps.iter().chain(&self.branches);
        let covered = all.clone().filter(|covered| covered.cases > 0).count();
        (covered, all.count())
    }

    /// Returns the part of steps and branches that a case goes through, in percent, rounded down; 100 when there are none.
    #[must_use]
    pub fn percent(&self) -> usize {
        let (covered, all) = self.counts();
        (covered * 100).checked_div(all).unwrap_or(100)
    }

    /// Adds what one case went through.
    pub(super) fn add(&mut self, marked: &Marked, seen: &BTreeSet<String>) {
        for step in &marked.steps {
            note(&mut self.steps, step, None, seen.contains(step));
        }
        for branch in &marked.branches {
            note(&mut self.branches, &branch.step, Some(&branch.label), seen.contains(&branch.entry));
        }
    }
}

fn note(all: &mut Vec<Covered>, step: &str, branch: Option<&str>, is_covered: bool) {
    let found = all.iter().position(|covered| covered.step == step && covered.branch.as_deref() == branch);
    let index = found.unwrap_or_else(|| {
        all.push(Covered { step: step.to_owned(), branch: branch.map(str::to_owned), cases: 0 });
        all.len() - 1
    });
    all[index].cases += usize::from(is_covered);
}

/// What can be covered in a plan.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Marked {
    /// The author's steps, in order.
    pub(super) steps: Vec<String>,
    pub(super) branches: Vec<Branch>,
}

/// A way out of a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Branch {
    pub(super) step: String,
    pub(super) label: String,
    /// The state in which whoever goes this way comes first, and nobody else.
    pub(super) entry: String,
}

/// Start of the names of the states that mark a way.
const MARKER: &str = "attini-test-way-";

/// Says whether a state only marks a way.
pub(super) fn is_marker(state: &str) -> bool {
    state.starts_with(MARKER)
}

/// Puts a state of its own into every way that leaves no other trace: two rules of a Choice may have the same `Next`.
pub(super) fn mark(mut definition: Value, steps: &[String], is_list: bool) -> (Value, Marked) {
    let mut work = Work { steps: steps.iter().map(String::as_str).collect(), is_list, found: Vec::new() };
    work.scope(&mut definition);
    let order: BTreeMap<&str, usize> = steps.iter().enumerate().map(|(index, step)| (step.as_str(), index)).collect();
    let mut branches = work.found;
    branches.sort_by_key(|branch| order.get(branch.step.as_str()).copied());
    (definition, Marked { steps: steps.to_vec(), branches })
}

struct Work<'a> {
    steps: BTreeSet<&'a str>,
    is_list: bool,
    found: Vec<Branch>,
}

impl Work<'_> {
    fn scope(&mut self, scope: &mut Value) {
        let Some(states) = scope.get_mut("States").and_then(Value::as_object_mut) else { return };
        let mut markers = Map::new();
        for (name, state) in states.iter_mut() {
            if self.steps.contains(name.as_str()) {
                self.ways(name, state, &mut markers);
            }
            for key in ["Iterator", "ItemProcessor"] {
                if let Some(inner) = state.get_mut(key) {
                    self.scope(inner);
                }
            }
            for inner in state.get_mut("Branches").and_then(Value::as_array_mut).into_iter().flatten() {
                self.scope(inner);
            }
        }
        states.extend(markers);
    }

    fn ways(&mut self, name: &str, state: &mut Value, markers: &mut Map<String, Value>) {
        let kind = state.get("Type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let starts: Vec<String> =
            scopes(state).filter_map(|inner| inner.get("StartAt")?.as_str().map(str::to_owned)).collect();
        for (index, entry) in starts.into_iter().enumerate() {
            let label = if kind == "Map" { "items".to_owned() } else { format!("branch {}", index + 1) };
            self.found.push(Branch { step: name.to_owned(), label, entry });
        }
        let is_list = self.is_list;
        for (index, rule) in state.get_mut("Choices").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            let label = if is_list { "IsTrue".to_owned() } else { format!("rule {}", index + 1) };
            self.through(name, label, rule, "Next", markers);
        }
        if kind == "Choice" {
            let label = if is_list { "IsFalse" } else { "Default" };
            self.through(name, label.to_owned(), state, "Default", markers);
        }
        for (index, catcher) in state.get_mut("Catch").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            let errors = catcher.get("ErrorEquals").and_then(Value::as_array).into_iter().flatten();
            let errors: Vec<&str> = errors.filter_map(Value::as_str).collect();
            let label = format!("Catch {} ({})", index + 1, errors.join(", "));
            self.through(name, label, catcher, "Next", markers);
        }
    }

    fn through(&mut self, step: &str, label: String, holder: &mut Value, key: &str, markers: &mut Map<String, Value>) {
        let Some(next) = holder.get_mut(key).filter(|next| next.is_string()) else { return };
        let entry = format!("{MARKER}{}", self.found.len());
        markers.insert(entry.clone(), json!({"Type": "Pass", "Next": next.take()}));
        *next = Value::from(entry.as_str());
        self.found.push(Branch { step: step.to_owned(), label, entry });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_is_marked_once() {
        let inner = json!({"StartAt": "I", "States": {"I": {"Type": "Pass", "End": true}}});
        let definition = json!({"StartAt": "C", "States": {
            "C": {"Type": "Choice", "Choices": [{"Next": "P"}, {"Next": "P"}], "Default": "M"},
            "P": {"Type": "Parallel", "Branches": [inner.clone()], "Next": "M",
                "Catch": [{"ErrorEquals": ["A", "B"], "Next": "M"}]},
            "M": {"Type": "Map", "ItemProcessor": inner, "End": true},
            "made": {"Type": "Choice", "Choices": [{"Next": "P"}], "Default": "M"}}});
        let steps: Vec<String> = ["C", "P", "I", "M"].map(str::to_owned).into();
        let (definition, marked) = mark(definition, &steps, false);
        let ways: Vec<String> =
            marked.branches.iter().map(|branch| format!("{}: {}", branch.step, branch.label)).collect();
        assert_eq!(
            ways,
            ["C: rule 1", "C: rule 2", "C: Default", "P: branch 1", "P: Catch 1 (A, B)", "M: items"].map(str::to_owned)
        );
        assert_eq!(definition["States"]["made"]["Default"], "M");
        let marker = definition["States"]["C"]["Choices"][1]["Next"].as_str().unwrap();
        assert!(is_marker(marker) && definition["States"][marker]["Next"] == "P");
        let mut coverage = Coverage::default();
        coverage.add(&marked, &BTreeSet::from(["C".to_owned(), marker.to_owned()]));
        assert_eq!((coverage.counts(), coverage.percent()), ((2, 10), 20));
    }
}
