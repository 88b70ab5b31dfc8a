use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::{Dialect, Scope, State};
use crate::document::DocPath;

/// The longest name that Step Functions takes, in characters.
pub const MAX_NAME_LENGTH: usize = 80;

/// One thing that is wrong with a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AslProblem {
    /// Where the author wrote it.
    pub path: DocPath,
    /// The state it is about, with the states around it: `Apps > Api`. `None` for the machine itself.
    pub state: Option<String>,
    /// What is wrong, without the state's name.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl AslProblem {
    pub(crate) fn new(path: DocPath, trail: &[&str], message: String) -> Self {
        Self { path, state: Self::join(trail), message, help: None }
    }

    /// Returns the text that names a state by the states around it.
    pub(crate) fn join(trail: &[&str]) -> Option<String> {
        (!trail.is_empty()).then(|| trail.join(" > "))
    }

    pub(crate) fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// Returns the candidate that the text was most likely meant to be.
pub(crate) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = text.to_lowercase();
    let scored = candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate));
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1.max(candidate.chars().count() / 3)).then_some(candidate)
}

/// Checks what Step Functions would refuse only when the machine is created (deployment-plan.md 6).
///
/// Types are known; `StartAt`, `Next`, `Default` and the targets in `Choices` and `Catch` name a state of the same scope;
/// names are unique in the whole machine and at most [`MAX_NAME_LENGTH`] characters long. Whether a state can be reached is
/// not checked.
#[must_use]
pub fn validate(machine: &Scope, dialect: Dialect) -> Vec<AslProblem> {
    let mut check = Check { dialect, names: HashMap::new(), problems: Vec::new() };
    check.scope(machine, &mut Vec::new());
    check.problems
}

struct Check<'a> {
    dialect: Dialect,
    /// Where each name was first seen, and the state it was generated for.
    names: HashMap<&'a str, (String, Option<&'a str>)>,
    problems: Vec<AslProblem>,
}

impl<'a> Check<'a> {
    fn scope(&mut self, scope: &'a Scope, trail: &mut Vec<&'a str>) {
        let names: HashSet<&str> = scope.states.iter().map(|state| state.name.as_str()).collect();
        // A scope without states was reported when it was read.
        if !scope.start.is_empty() && !scope.states.is_empty() {
            self.target(&names, &scope.start, "StartAt", &scope.origin, trail);
        }
        for state in &scope.states {
            trail.push(&state.name);
            self.state(&names, state, trail);
            for inner in state.scopes() {
                self.scope(inner, trail);
            }
            trail.pop();
        }
    }

    fn state(&mut self, names: &HashSet<&str>, state: &'a State, trail: &[&'a str]) {
        self.name(state, trail);
        if !state.kind.is_empty() && !self.dialect.all().any(|kind| kind == state.kind) {
            let help = nearest(&state.kind, self.dialect.all()).map(|kind| format!("did you mean {kind}?"));
            let text = format!("unknown Type {}", state.kind);
            self.problems.push(AslProblem::new(state.origin.key("Type"), trail, text).help(help));
        }
        for (field, target, at) in targets(&state.fields) {
            match target.as_str() {
                Some(target) => self.target(names, target, field, &under(&state.origin, &at), trail),
                None => {
                    let text = format!("{field} must be a string, not {}", super::model::kind_of(target));
                    self.problems.push(AslProblem::new(under(&state.origin, &at), trail, text));
                }
            }
        }
    }

    fn name(&mut self, state: &'a State, trail: &[&'a str]) {
        let length = state.name.chars().count();
        if length == 0 || length > MAX_NAME_LENGTH {
            let text = format!("a name must have 1 to {MAX_NAME_LENGTH} characters, this one has {length}");
            self.problems.push(AslProblem::new(state.origin.clone(), trail, text));
        }
        let here = trail.join(" > ");
        let maker = state.made_for.as_deref();
        let Some((first, first_maker)) = self.names.get(state.name.as_str()) else {
            self.names.insert(&state.name, (here, maker));
            return;
        };
        let text = match maker.or(*first_maker) {
            Some(maker) => format!("the name {} is taken by the state generated for {maker}", state.name),
            None if *first == here => format!("the step name {} must be unique", state.name),
            None => format!("the step name {} must be unique, it is also used at {first}", state.name),
        };
        self.problems.push(AslProblem::new(state.origin.clone(), trail, text));
    }

    fn target(&mut self, names: &HashSet<&str>, target: &str, field: &str, at: &DocPath, trail: &[&str]) {
        if names.contains(target) {
            return;
        }
        let mut sorted: Vec<&str> = names.iter().copied().collect();
        sorted.sort_unstable();
        let help = nearest(target, sorted).map(|name| format!("did you mean {name}?"));
        let text = format!("{field} names {target}, which is no state of this scope");
        self.problems.push(AslProblem::new(at.clone(), trail, text).help(help));
    }
}

/// Returns all fields of a state that name another one, with the steps that lead to them.
fn targets(fields: &Map<String, Value>) -> Vec<(&'static str, &Value, DocPath)> {
    let root = DocPath::root();
    let mut found = Vec::new();
    for field in ["Next", "Default"] {
        if let Some(value) = fields.get(field) {
            found.push((field, value, root.key(field)));
        }
    }
    let entries = |list: &str| fields.get(list).and_then(Value::as_array).into_iter().flatten().enumerate();
    for (index, entry) in entries("Catch") {
        if let Some(value) = entry.get("Next") {
            found.push(("Catch.Next", value, root.key("Catch").index(index).key("Next")));
        }
    }
    for (index, rule) in entries("Choices") {
        rule_targets(rule, &root.key("Choices").index(index), &mut found);
    }
    found
}

/// Rules may hold further rules in `And`, `Or` and `Not`.
fn rule_targets<'v>(rule: &'v Value, at: &DocPath, found: &mut Vec<(&'static str, &'v Value, DocPath)>) {
    if let Some(value) = rule.get("Next") {
        found.push(("Choices.Next", value, at.key("Next")));
    }
    for key in ["And", "Or"] {
        let rules = rule.get(key).and_then(Value::as_array).into_iter().flatten();
        for (index, rule) in rules.enumerate() {
            rule_targets(rule, &at.key(key).index(index), found);
        }
    }
    if let Some(rule) = rule.get("Not") {
        rule_targets(rule, &at.key("Not"), found);
    }
}

fn under(base: &DocPath, rest: &DocPath) -> DocPath {
    use crate::document::Segment;
    rest.segments().iter().fold(base.clone(), |path, segment| match segment {
        Segment::Key(key) => path.key(key),
        Segment::Index(index) => path.index(*index),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn found(machine: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        let scope = Scope::read(machine, &DocPath::root(), Dialect::PLAIN, &[], &mut problems);
        problems.extend(validate(&scope, Dialect::PLAIN));
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect()
    }

    #[test]
    fn a_machine_that_is_right() {
        let inner = json!({"StartAt": "C", "States": {"C": {"Type": "Pass", "End": true}}});
        let machine = json!({"StartAt": "A", "Comment": "c", "States": {
            "A": {"Type": "Parallel", "Branches": [inner], "Next": "B"},
            "B": {"Type": "Choice", "Default": "D", "Choices": [
                {"Not": {"Variable": "$.x", "IsPresent": true}, "Next": "D"},
            ]},
            "D": {"Type": "Succeed"},
        }});
        assert_eq!(found(&machine), Vec::<String>::new());
        let scope = Scope::read(&machine, &DocPath::root(), Dialect::PLAIN, &[], &mut Vec::new());
        assert_eq!(scope.to_value(), machine);
    }

    #[test]
    fn names_have_a_length() {
        let name = |length: usize| "x".repeat(length);
        let machine = |name: &str| json!({"StartAt": name, "States": {(name): {"Type": "Pass", "End": true}}});
        assert_eq!(found(&machine(&name(80))).len(), 0);
        assert_eq!(found(&machine(&name(81))).len(), 1);
    }

    #[test]
    fn types_of_other_dialects_are_unknown() {
        let machine = json!({"StartAt": "A", "States": {"A": {"Type": "AttiniCfn"}}});
        assert_eq!(found(&machine), ["States.A.Type: unknown Type AttiniCfn"]);
    }

    #[test]
    fn a_scope_that_cannot_be_read_is_reported_once() {
        assert_eq!(found(&json!({"StartAt": "A"})), [": States is missing"]);
        assert_eq!(found(&json!({"StartAt": "A", "States": {}})), ["States: States must not be empty"]);
        assert_eq!(found(&json!(5)), [": must be an object with StartAt and States, not a number"]);
    }

    #[test]
    fn links_inside_of_rules_are_checked_too() {
        let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [
            {"And": [{"Variable": "$.x", "IsPresent": true, "Next": "B"}], "Next": "A"},
        ]}}});
        assert_eq!(
            found(&machine),
            ["States.A.Choices[0].And[0].Next: Choices.Next names B, which is no state of this scope"]
        );
    }
}
