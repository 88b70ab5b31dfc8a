//! What changed from one distribution to another, as a reviewer wants to read it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value};

use super::digest::FileRecord;
use super::inspect::{Inspection, PlanOutline};
use crate::plan::StepOutline;

/// All differences between two distributions; empty lists when there are none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Whether both deploy the same: their content digests are equal.
    pub equal: bool,
    /// Content digest of the first.
    pub old: String,
    /// Content digest of the second.
    pub new: String,
    /// Values of the configuration.
    pub config: Vec<ValueChange>,
    /// Plans and their steps.
    pub plans: Vec<PlanChange>,
    /// Files, the configuration among them.
    pub files: Vec<FileChange>,
}

/// A value that is not the same; at least one of the two is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Keys from the root, joined by `.`; places in lists in brackets, counted from 0.
    pub path: String,
    /// The value in the first distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    /// The value in the second one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
}

/// A plan, or a step of one, that is not the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanChange {
    /// Name of the plan's resource.
    pub plan: String,
    /// Name of the step; none when it is about the plan itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Type of the step, that of the second distribution when it changed.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What happened to it.
    pub change: Change,
    /// Which properties changed; empty for what was added or removed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<ValueChange>,
}

/// A file that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub change: Change,
    /// The file in the first distribution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<FileFacts>,
    /// The file in the second one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<FileFacts>,
}

/// Size, mode and content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    /// `0644` or `0755`.
    pub mode: &'static str,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the second distribution has it.
    Added,
    /// Only the first one has it.
    Removed,
    /// Both have it, and it is another.
    Changed,
    /// Its steps run in another order.
    Reordered,
}

/// Compares two distributions.
#[must_use]
pub fn diff(old: &Inspection, new: &Inspection) -> Difference {
    let (old_config, new_config) = (old.config.document().to_json(), new.config.document().to_json());
    let mut config = Vec::new();
    compare(String::new(), Some(&old_config), Some(&new_config), &mut config);
    Difference {
        equal: old.content.digest == new.content.digest,
        old: old.content.digest.clone(),
        new: new.content.digest.clone(),
        config,
        plans: plans(old, new),
        files: files(&old.content.files, &new.content.files),
    }
}

/// Pairs what both sides have under a key, in the order of the keys.
fn pairs<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> Vec<(&'a str, Option<&'a T>, Option<&'a T>)> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))).collect();
    keys.sort();
    keys.into_iter().map(|key| (key.as_str(), old.get(key), new.get(key))).collect()
}

fn files(old: &[FileRecord], new: &[FileRecord]) -> Vec<FileChange> {
    let facts = |files: &[FileRecord]| -> BTreeMap<String, FileFacts> {
        let facts = files.iter().map(|file| {
            let facts = FileFacts { size: file.size, mode: file.mode(), sha256: hex::encode(file.sha256) };
            (file.path.clone(), facts)
        });
        facts.collect()
    };
    let (old, new) = (facts(old), facts(new));
    let changes = pairs(&old, &new).into_iter().filter(|(_, old, new)| old != new).map(|(path, old, new)| FileChange {
        path: path.to_owned(),
        change: Change::of(old.is_some(), new.is_some()),
        old: old.cloned(),
        new: new.cloned(),
    });
    changes.collect()
}

impl Change {
    fn of(was: bool, is: bool) -> Self {
        match (was, is) {
            (false, _) => Self::Added,
            (true, false) => Self::Removed,
            (true, true) => Self::Changed,
        }
    }

    fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed | Self::Reordered => '~',
        }
    }
}

/// Writes down where two JSON values differ, as deep as they have the same form.
fn compare(path: String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<ValueChange>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(path, old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => compare_lists(&path, old, new, found),
        _ => found.push(ValueChange { path, old: old.cloned(), new: new.cloned() }),
    }
}

/// Leaves out what both lists begin and end with, so that an insertion does not change everything behind it.
fn compare_lists(path: &str, old: &[Value], new: &[Value], found: &mut Vec<ValueChange>) {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let rest = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = rest.take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[start..old.len() - end], &new[start..new.len() - end]);
    for index in 0..old.len().max(new.len()) {
        compare(format!("{path}[{}]", start + index), old.get(index), new.get(index), found);
    }
}

/// A step with the place it stands in.
struct Placed<'a> {
    step: &'a StepOutline,
    facts: Value,
}

fn plans(old: &Inspection, new: &Inspection) -> Vec<PlanChange> {
    let (old, new) = (named_plans(old), named_plans(new));
    let mut changes = Vec::new();
    for (name, old, new) in pairs(&old, &new) {
        let about =
            |change, properties| PlanChange { plan: name.to_owned(), step: None, kind: None, change, properties };
        let (Some(old_plan), Some(new_plan)) = (old, new) else {
            changes.push(about(Change::of(old.is_some(), new.is_some()), Vec::new()));
            let old = old.map_or_else(Vec::new, |plan| placed(plan));
            let new = new.map_or_else(Vec::new, |plan| placed(plan));
            step_changes(name, &old, &new, &mut changes);
            continue;
        };
        let mut properties = Vec::new();
        let value = |map: &Map<String, Value>| Value::Object(map.clone());
        compare(String::new(), Some(&value(&old_plan.properties)), Some(&value(&new_plan.properties)), &mut properties);
        if !properties.is_empty() {
            changes.push(about(Change::Changed, properties));
        }
        let (old_steps, new_steps) = (placed(old_plan), placed(new_plan));
        step_changes(name, &old_steps, &new_steps, &mut changes);
        let order = |steps: &[Placed<'_>], others: &[Placed<'_>]| -> String {
            let common = steps.iter().filter(|one| others.iter().any(|other| other.step.name == one.step.name));
            common.map(|placed| placed.step.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let (before, after) = (order(&old_steps, &new_steps), order(&new_steps, &old_steps));
        if before != after {
            let change = ValueChange { path: "order".to_owned(), old: Some(before.into()), new: Some(after.into()) };
            changes.push(about(Change::Reordered, vec![change]));
        }
    }
    changes
}

/// Returns the plans by name; with their template when several have the same one.
fn named_plans(inspection: &Inspection) -> BTreeMap<String, &PlanOutline> {
    let mut plans = BTreeMap::new();
    for template in &inspection.templates {
        for plan in template.plans.iter().flatten() {
            let name = match plans.contains_key(&plan.name) {
                true => format!("{} of {}", plan.name, template.path),
                false => plan.name.clone(),
            };
            plans.insert(name, plan);
        }
    }
    plans
}

/// Returns all steps of a plan, each before what is in it.
fn placed(plan: &PlanOutline) -> Vec<Placed<'_>> {
    fn collect<'a>(steps: &'a [StepOutline], inside: Option<&str>, found: &mut Vec<Placed<'a>>) {
        for step in steps {
            let mut facts = Map::from_iter([("Type".to_owned(), Value::from(step.kind.as_str()))]);
            facts.extend(step.fields.clone());
            // A key that no field of the language has.
            facts.extend(inside.map(|place| ("(inside)".to_owned(), Value::from(place))));
            found.push(Placed { step, facts: Value::Object(facts) });
            for (index, branch) in step.branches.iter().enumerate() {
                let place = match step.branches.len() {
                    1 => step.name.clone(),
                    _ => format!("{}, branch {}", step.name, index + 1),
                };
                collect(branch, Some(&place), found);
            }
        }
    }
    let mut found = Vec::new();
    collect(&plan.steps, None, &mut found);
    found
}

fn step_changes(plan: &str, old: &[Placed<'_>], new: &[Placed<'_>], changes: &mut Vec<PlanChange>) {
    let by_name = |steps: &'_ [Placed<'_>]| -> BTreeMap<String, usize> {
        steps.iter().enumerate().map(|(index, placed)| (placed.step.name.clone(), index)).collect()
    };
    let (old_names, new_names) = (by_name(old), by_name(new));
    let about = |step: &StepOutline, change, properties| PlanChange {
        plan: plan.to_owned(),
        step: Some(step.name.clone()),
        kind: Some(step.kind.clone()),
        change,
        properties,
    };
    for removed in old.iter().filter(|placed| !new_names.contains_key(&placed.step.name)) {
        changes.push(about(removed.step, Change::Removed, Vec::new()));
    }
    for placed in new {
        let Some(before) = old_names.get(&placed.step.name).and_then(|index| old.get(*index)) else {
            changes.push(about(placed.step, Change::Added, Vec::new()));
            continue;
        };
        let mut properties = Vec::new();
        compare(String::new(), Some(&before.facts), Some(&placed.facts), &mut properties);
        if !properties.is_empty() {
            changes.push(about(placed.step, Change::Changed, properties));
        }
    }
}

/// The differences as lines for people; `equal` when there are none.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.equal {
            return write!(f, "The distributions are equal: content {}", self.new);
        }
        write!(f, "Content: {} -> {}", self.old, self.new)?;
        if !self.config.is_empty() {
            f.write_str("\nConfiguration:")?;
            for change in &self.config {
                write!(f, "\n  {change}")?;
            }
        }
        if !self.plans.is_empty() {
            f.write_str("\nPlans:")?;
            for change in &self.plans {
                write!(f, "\n  {} {}", change.change.sign(), plain(&change.plan))?;
                if let Some(step) = &change.step {
                    write!(f, ": {}", plain(step))?;
                }
                if let Some(kind) = &change.kind {
                    write!(f, " ({})", plain(kind))?;
                }
                for property in &change.properties {
                    write!(f, "\n      {property}")?;
                }
            }
        }
        if !self.files.is_empty() {
            f.write_str("\nFiles:")?;
            for change in &self.files {
                write!(f, "\n  {change}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ValueChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = plain(&self.path);
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "~ {path}: {} -> {}", shown(old), shown(new)),
            (Some(old), None) => write!(f, "- {path}: {}", shown(old)),
            (None, Some(new)) => write!(f, "+ {path}: {}", shown(new)),
            (None, None) => write!(f, "{path}"),
        }
    }
}

impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (", self.change.sign(), plain(&self.path))?;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => {
                let mut facts = Vec::new();
                if old.size != new.size {
                    facts.push(format!("{} -> {} bytes", old.size, new.size));
                } else if old.sha256 != new.sha256 {
                    facts.push(format!("other content, {} bytes", new.size));
                }
                if old.mode != new.mode {
                    facts.push(format!("mode {} -> {}", old.mode, new.mode));
                }
                f.write_str(&facts.join(", "))?;
            }
            (Some(only), None) | (None, Some(only)) => write!(f, "{} bytes, mode {}", only.size, only.mode)?,
            (None, None) => {}
        }
        f.write_char(')')
    }
}

/// Keeps control characters of foreign texts from a terminal.
fn plain(text: &str) -> String {
    match text.chars().any(char::is_control) {
        true => Value::from(text).to_string(),
        false => text.to_owned(),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => plain(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
