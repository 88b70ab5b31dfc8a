//! The list syntax of plans: steps run in list order, links are made here (deployment-plan.md 7).

use serde_json::{Map, Value};

use super::kinds::DIALECT;
use crate::asl::{AslProblem, IteratorKey, Nested, Scope, State, kind_of, name_part, scalar_text};
use crate::document::DocPath;

/// How deep lists may lie in each other.
const MAX_DEPTH: usize = 100;

const CHOICE_KEYS: [&str; 6] = ["Name", "Type", "Condition", "IsTrue", "IsFalse", "Comment"];

/// Reads a list of steps as a scope; `what` names the list in messages: `the plan`, `a branch`.
pub(super) fn read_list(
    steps: &[Value],
    what: &str,
    origin: &DocPath,
    trail: &[&str],
    problems: &mut Vec<AslProblem>,
) -> Scope {
    let mut reader = Reader { problems, states: Vec::new() };
    let start = reader.list(steps, what, origin, &Follow::Nothing, trail, 0).unwrap_or_default();
    Scope { start, states: reader.states, fields: Map::new(), origin: origin.clone() }
}

/// What comes after the last step of a list.
#[derive(Debug, Clone, PartialEq)]
enum Follow {
    /// The scope ends.
    Nothing,
    /// The step of that name.
    Step(String),
}

impl Follow {
    /// Writes the link into a state.
    fn link(&self, fields: &mut Map<String, Value>) {
        match self {
            Self::Nothing => fields.insert("End".to_owned(), Value::Bool(true)),
            Self::Step(name) => fields.insert("Next".to_owned(), Value::String(name.clone())),
        };
    }
}

struct Reader<'p> {
    problems: &'p mut Vec<AslProblem>,
    states: Vec<State>,
}

/// A step whose name is known.
struct Step<'a> {
    name: String,
    fields: &'a Map<String, Value>,
    origin: DocPath,
}

impl Reader<'_> {
    fn report(&mut self, path: DocPath, trail: &[&str], text: impl Into<String>) {
        self.problems.push(AslProblem::new(path, trail, text.into()));
    }

    /// Adds the states of a list and returns the name of its first step.
    fn list(
        &mut self,
        steps: &[Value],
        what: &str,
        origin: &DocPath,
        follow: &Follow,
        trail: &[&str],
        depth: usize,
    ) -> Option<String> {
        if depth + trail.len() > MAX_DEPTH {
            self.report(origin.clone(), trail, format!("steps are nested more than {MAX_DEPTH} levels deep"));
            return None;
        }
        if steps.is_empty() {
            self.report(origin.clone(), trail, format!("{what} must not be empty"));
            return None;
        }
        let steps = self.names(steps, what, origin, trail);
        for (index, step) in steps.iter().enumerate() {
            let Some(step) = step else { continue };
            let next = steps.get(index + 1);
            let after = match next {
                Some(Some(next)) => Follow::Step(next.name.clone()),
                // A following step without a name is reported already; the link does not matter then.
                Some(None) => Follow::Nothing,
                None => follow.clone(),
            };
            let merged_by_user = matches!(next, Some(Some(next)) if next.fields.get("Type").is_some_and(|kind| kind == "AttiniMergeOutput"));
            self.step(step, &after, merged_by_user, trail, depth);
            if let (true, Some(Some(lost))) = (is_terminal(step.fields), next) {
                let text = format!("can never run, {} ends the plan", step.name);
                self.report(lost.origin.clone(), &[trail, &[lost.name.as_str()]].concat(), text);
            }
        }
        steps.into_iter().next().flatten().map(|first| first.name)
    }

    /// Finds out the names of a list's steps; `None` for those without a usable one.
    fn names<'a>(&mut self, steps: &'a [Value], what: &str, origin: &DocPath, trail: &[&str]) -> Vec<Option<Step<'a>>> {
        let mut named = Vec::with_capacity(steps.len());
        let mut before: Option<String> = None;
        for (index, step) in steps.iter().enumerate() {
            let origin = origin.index(index);
            let place = match (&before, index) {
                (_, 0) => format!("the first step of {what}"),
                (Some(name), _) => format!("the step after {name}"),
                (None, _) => format!("step {} of {what}", index + 1),
            };
            let step = match (step.as_object(), step.get("Name")) {
                (None, _) => {
                    Err((origin.clone(), format!("{place} must be an object with a Name, not {}", kind_of(step))))
                }
                (Some(_), None | Some(Value::Null)) => Err((origin.clone(), format!("Name is missing in {place}"))),
                (Some(fields), Some(name)) => {
                    let text = if index == 0 { scalar_text(name) } else { name.as_str().map(ToOwned::to_owned) };
                    match text {
                        Some(name) => Ok(Step { name, fields, origin }),
                        None => Err((
                            origin.key("Name"),
                            format!("Name in {place} must be a string, not {}", kind_of(name)),
                        )),
                    }
                }
            };
            before = step.as_ref().ok().map(|step| step.name.clone());
            named.push(step.map_err(|(path, text)| self.report(path, trail, text)).ok());
        }
        named
    }

    fn step(&mut self, step: &Step<'_>, after: &Follow, merged_by_user: bool, trail: &[&str], depth: usize) {
        let trail = [trail, &[step.name.as_str()]].concat();
        // The rest of a Choice, and nested lists, are read from the source: copying them at every level would add up.
        let nested = match step.fields.get("Type") {
            Some(kind) if kind == "Choice" => &["Condition", "IsTrue", "IsFalse"],
            _ => Nested::keys(step.fields, DIALECT),
        };
        let own = step.fields.iter().filter(|(key, _)| *key != "Name" && !nested.contains(&key.as_str()));
        let mut fields: Map<String, Value> = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        for key in ["Next", "End"] {
            if fields.shift_remove(key).is_some() {
                let text = format!("{key} is not allowed in a list of steps, which run in list order");
                self.report(step.origin.key(key), &trail, text);
            }
        }
        let mut state = State {
            name: step.name.clone(),
            kind: String::new(),
            fields,
            nested: Nested::None,
            origin: step.origin.clone(),
            made_for: None,
        };
        state.take_kind(&trail, self.problems);
        match state.kind.as_str() {
            "Choice" => self.choice(state, step.fields, after, &trail, depth),
            "Parallel" => self.parallel(state, step.fields, after, merged_by_user, &trail),
            "Succeed" | "Fail" => self.states.push(state),
            kind => {
                if DIALECT.is_map(kind) {
                    self.iterator(&mut state, step.fields, &trail);
                }
                after.link(&mut state.fields);
                self.states.push(state);
            }
        }
    }

    fn parallel(
        &mut self,
        mut state: State,
        source: &Map<String, Value>,
        after: &Follow,
        merged_by_user: bool,
        trail: &[&str],
    ) {
        let origin = state.origin.key("Branches");
        match source.get("Branches") {
            None | Some(Value::Null) => self.report(state.origin.clone(), trail, "Branches is missing"),
            Some(Value::Array(branches)) if branches.is_empty() => {
                self.report(origin, trail, "Branches must not be empty");
            }
            Some(Value::Array(branches)) => {
                let mut scopes = Vec::with_capacity(branches.len());
                for (index, branch) in branches.iter().enumerate() {
                    let origin = origin.index(index);
                    let what = format!("branch {}", index + 1);
                    match branch.as_array() {
                        Some(steps) => scopes.push(read_list(steps, &what, &origin, trail, self.problems)),
                        None => {
                            let text = format!("{what} of Branches must be a list of steps, not {}", kind_of(branch));
                            self.report(origin, trail, text);
                        }
                    }
                }
                state.nested = Nested::Branches(scopes);
            }
            Some(other) => {
                let text = format!("Branches must be a list of lists of steps, not {}", kind_of(other));
                self.report(origin, trail, text);
            }
        }
        if merged_by_user {
            after.link(&mut state.fields);
            self.states.push(state);
            return;
        }
        let mut merge = State {
            name: super::merge_state_name(&state.name),
            kind: "AttiniMergeOutput".to_owned(),
            fields: Map::new(),
            nested: Nested::None,
            origin: state.origin.clone(),
            made_for: Some(state.name.clone()),
        };
        Follow::Step(merge.name.clone()).link(&mut state.fields);
        after.link(&mut merge.fields);
        self.states.extend([state, merge]);
    }

    fn choice(&mut self, mut state: State, source: &Map<String, Value>, after: &Follow, trail: &[&str], depth: usize) {
        let mut further = std::mem::take(&mut state.fields);
        let comment = further.shift_remove("Comment");
        if source.contains_key("Choices") || source.contains_key("Default") {
            let text = "in a list of steps a Choice has Condition, IsTrue and IsFalse instead of Choices and Default";
            self.report(state.origin.clone(), trail, text);
            self.states.push(state);
            return;
        }
        for key in further.keys() {
            let text = format!("key {key} is not allowed in a Choice, only {}", CHOICE_KEYS.join(", "));
            self.report(state.origin.key(key), trail, text);
        }
        let condition = self.condition(source, &state.origin, trail);
        let position = self.states.len();
        let mut end = None;
        let fallback = match after {
            Follow::Step(name) => name.clone(),
            Follow::Nothing => format!("{}-End", state.name),
        };
        let mut needs_end = false;
        let is_true = self.branch(source, "IsTrue", &state.origin, after, trail, depth);
        let is_false = self.branch(source, "IsFalse", &state.origin, after, trail, depth);
        let mut target = |name: Option<String>| {
            name.unwrap_or_else(|| {
                needs_end = true;
                fallback.clone()
            })
        };
        let (on_true, on_false) = (target(is_true), target(is_false));
        if needs_end && *after == Follow::Nothing {
            let mut fields = Map::new();
            fields.insert("End".to_owned(), Value::Bool(true));
            end = Some(State {
                name: fallback,
                kind: "Pass".to_owned(),
                fields,
                nested: Nested::None,
                origin: state.origin.clone(),
                made_for: Some(state.name.clone()),
            });
        }
        let mut rule = condition.unwrap_or_default();
        rule.insert("Next".to_owned(), Value::String(on_true));
        state.fields.insert("Choices".to_owned(), Value::Array(vec![Value::Object(rule)]));
        state.fields.insert("Default".to_owned(), Value::String(on_false));
        if let Some(comment) = comment {
            state.fields.insert("Comment".to_owned(), comment);
        }
        self.states.insert(position, state);
        self.states.extend(end);
    }

    fn condition(
        &mut self,
        source: &Map<String, Value>,
        origin: &DocPath,
        trail: &[&str],
    ) -> Option<Map<String, Value>> {
        match source.get("Condition") {
            None | Some(Value::Null) => self.report(origin.clone(), trail, "Condition is missing"),
            Some(Value::Object(rule)) if rule.is_empty() => {
                self.report(origin.key("Condition"), trail, "Condition must hold a comparison, it is empty");
            }
            Some(Value::Object(rule)) => return Some(rule.clone()),
            Some(other) => {
                let text = format!("Condition must be an object with one comparison, not {}", kind_of(other));
                self.report(origin.key("Condition"), trail, text);
            }
        }
        None
    }

    /// Adds the steps of one side of a Choice; returns the first one's name, `None` when the side goes straight on.
    fn branch(
        &mut self,
        source: &Map<String, Value>,
        key: &str,
        origin: &DocPath,
        after: &Follow,
        trail: &[&str],
        depth: usize,
    ) -> Option<String> {
        // The steps are states of the scope that the Choice is in, so the Choice is no part of their trail.
        let (own, around) = trail.split_last()?;
        match source.get(key) {
            None | Some(Value::Null) if key == "IsTrue" => {
                self.report(origin.clone(), trail, "IsTrue is missing");
                None
            }
            None | Some(Value::Null) => None,
            Some(Value::Array(steps)) if steps.is_empty() => None,
            Some(Value::Array(steps)) => {
                let what = format!("{key} of {own}");
                self.list(steps, &what, &origin.key(key), after, around, depth + 1)
            }
            Some(other) => {
                let text = format!("{key} must be a list of steps, not {}", kind_of(other));
                self.report(origin.key(key), trail, text);
                None
            }
        }
    }

    /// Takes the iterator of a map out of its fields: a list of steps, or an object in States Language.
    fn iterator(&mut self, state: &mut State, source: &Map<String, Value>, trail: &[&str]) {
        let key = match IteratorKey::of(source) {
            Ok(key) => key,
            Err(text) => return self.report(state.origin.clone(), trail, text),
        };
        let origin = state.origin.key(key.as_str());
        let Some(value) = source.get(key.as_str()) else { return };
        let scope = match value {
            Value::Array(steps) => read_list(steps, key.as_str(), &origin, trail, self.problems),
            other => {
                let before = self.problems.len();
                let scope = Scope::read(other, &origin, DIALECT, trail, self.problems);
                name_part(&mut self.problems[before..], trail, key.as_str());
                scope
            }
        };
        state.nested = Nested::Iterator(key, Box::new(scope));
    }
}

fn is_terminal(fields: &Map<String, Value>) -> bool {
    fields.get("Type").is_some_and(|kind| kind == "Succeed" || kind == "Fail")
}
