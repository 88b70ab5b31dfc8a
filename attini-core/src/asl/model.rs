use serde_json::{Map, Value};

use super::AslProblem;
use crate::document::DocPath;

/// How deep scopes may lie in each other. Deeper ones are reported, so that recursion stays bounded.
const MAX_DEPTH: usize = 100;

/// Which state types a reader accepts besides those of the language itself.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// All further types.
    pub types: &'static [&'static str],
    /// Those of them that iterate like `Map`.
    pub maps: &'static [&'static str],
}

impl Dialect {
    /// The language without additions.
    pub const PLAIN: Self = Self { types: &[], maps: &[] };

    /// The types of the language.
    pub const STANDARD: &'static [&'static str] =
        &["Task", "Pass", "Wait", "Succeed", "Fail", "Choice", "Parallel", "Map"];

    /// Says whether a state of the type iterates over a nested scope.
    #[must_use]
    pub fn is_map(&self, kind: &str) -> bool {
        kind == "Map" || self.maps.contains(&kind)
    }

    /// Returns all types, those of the language first.
    pub fn all(&self) -> impl Iterator<Item = &'static str> + use<> {
        Self::STANDARD.iter().chain(self.types).copied()
    }
}

/// States that can name each other: a machine, a branch of a `Parallel`, or the iterator of a `Map`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scope {
    /// Name of the first state; empty when it could not be read.
    pub start: String,
    /// The states in the author's order.
    pub states: Vec<State>,
    /// All other fields: `Comment`, `ProcessorConfig`, ….
    pub fields: Map<String, Value>,
    /// Where the author wrote the scope.
    pub origin: DocPath,
}

/// One state.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// The name, unique in the whole machine.
    pub name: String,
    /// The type; empty when it could not be read, which is reported by the reader.
    pub kind: String,
    /// All fields but `Type` and the nested scopes.
    pub fields: Map<String, Value>,
    /// Nested scopes.
    pub nested: Nested,
    /// Where the author wrote the state, or the one it was generated for.
    pub origin: DocPath,
    /// Name of the state that this one was generated for.
    pub made_for: Option<String>,
}

/// The scopes inside a state.
#[derive(Debug, Clone, PartialEq)]
pub enum Nested {
    /// No scope.
    None,
    /// The branches of a `Parallel`.
    Branches(Vec<Scope>),
    /// What a `Map` does for each item.
    Iterator(IteratorKey, Box<Scope>),
}

impl Nested {
    /// Returns the fields that hold a state's nested scopes. They are left out where fields are copied: copying them at every
    /// level would cost as much as all levels below.
    pub(crate) fn keys(state: &Map<String, Value>, dialect: Dialect) -> &'static [&'static str] {
        match state.get("Type").and_then(Value::as_str) {
            Some("Parallel") => &["Branches"],
            Some(kind) if dialect.is_map(kind) => &["Iterator", "ItemProcessor"],
            _ => &[],
        }
    }
}

/// The two spellings of the field that holds the scope of a `Map`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IteratorKey {
    /// `Iterator`, the older one.
    Iterator,
    /// `ItemProcessor`.
    ItemProcessor,
}

impl IteratorKey {
    /// Returns the field name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iterator => "Iterator",
            Self::ItemProcessor => "ItemProcessor",
        }
    }

    /// Finds out which of the two a state uses.
    ///
    /// # Errors
    ///
    /// What is wrong, when it uses none or both.
    pub fn of(fields: &Map<String, Value>) -> Result<Self, &'static str> {
        match (present(fields, "Iterator"), present(fields, "ItemProcessor")) {
            (true, false) => Ok(Self::Iterator),
            (false, true) => Ok(Self::ItemProcessor),
            (false, false) => Err("Iterator (or ItemProcessor) is missing"),
            (true, true) => Err("Iterator and ItemProcessor are two names of one field, give one of them"),
        }
    }
}

fn present(fields: &Map<String, Value>, key: &str) -> bool {
    fields.get(key).is_some_and(|value| !value.is_null())
}

/// Returns the JSON type of a value with its article, as messages say it.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Returns a scalar as text; `None` for null, lists and objects.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl Scope {
    /// Reads `{StartAt, States}` and everything below. What cannot be read is reported and left out.
    ///
    /// `trail` names the states around the scope, outermost first.
    #[must_use]
    pub fn read(
        value: &Value,
        origin: &DocPath,
        dialect: Dialect,
        trail: &[&str],
        problems: &mut Vec<AslProblem>,
    ) -> Self {
        let mut scope = Self { start: String::new(), states: Vec::new(), fields: Map::new(), origin: origin.clone() };
        let mut report = |path: DocPath, text: String| problems.push(AslProblem::new(path, trail, text));
        let Some(object) = value.as_object() else {
            report(origin.clone(), format!("must be an object with StartAt and States, not {}", kind_of(value)));
            return scope;
        };
        if trail.len() > MAX_DEPTH {
            report(origin.clone(), format!("states are nested more than {MAX_DEPTH} levels deep"));
            return scope;
        }
        match object.get("StartAt") {
            None | Some(Value::Null) => report(origin.clone(), "StartAt is missing".to_owned()),
            Some(start) => match scalar_text(start) {
                Some(text) => scope.start = text,
                None => report(
                    origin.key("StartAt"),
                    format!("StartAt must be a string, not {}: {}", kind_of(start), excerpt(start)),
                ),
            },
        }
        let states = match object.get("States") {
            None | Some(Value::Null) => {
                report(origin.clone(), "States is missing".to_owned());
                None
            }
            Some(Value::Object(states)) => {
                if states.is_empty() {
                    report(origin.key("States"), "States must not be empty".to_owned());
                }
                Some(states)
            }
            Some(other) => {
                report(
                    origin.key("States"),
                    format!("States must be an object, not {}: {}", kind_of(other), excerpt(other)),
                );
                None
            }
        };
        let below = origin.key("States");
        for (name, state) in states.into_iter().flatten() {
            scope.states.push(State::read(name, state, below.key(name), dialect, trail, problems));
        }
        let rest = object.iter().filter(|(key, _)| !matches!(key.as_str(), "StartAt" | "States"));
        scope.fields = rest.map(|(key, value)| (key.clone(), value.clone())).collect();
        scope
    }

    /// Returns the scope as JSON: `StartAt`, `States`, then the other fields.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let states = self.states.iter().map(|state| (state.name.clone(), state.to_value())).collect();
        let mut object = Map::new();
        object.insert("StartAt".to_owned(), Value::String(self.start.clone()));
        object.insert("States".to_owned(), Value::Object(states));
        object.extend(self.fields.clone());
        Value::Object(object)
    }

    /// Returns the state of that name in this very scope.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| state.name == name)
    }
}

impl State {
    fn read(
        name: &str,
        value: &Value,
        origin: DocPath,
        dialect: Dialect,
        trail: &[&str],
        problems: &mut Vec<AslProblem>,
    ) -> Self {
        let mut state = Self {
            name: name.to_owned(),
            kind: String::new(),
            fields: Map::new(),
            nested: Nested::None,
            origin,
            made_for: None,
        };
        let inner = [trail, &[name]].concat();
        let Some(object) = value.as_object() else {
            let text = format!("must be an object, not {}", kind_of(value));
            problems.push(AslProblem::new(state.origin.clone(), &inner, text));
            return state;
        };
        let nested = Nested::keys(object, dialect);
        let own = object.iter().filter(|(key, _)| !nested.contains(&key.as_str()));
        state.fields = own.map(|(key, value)| (key.clone(), value.clone())).collect();
        state.take_kind(&inner, problems);
        if state.kind == "Parallel" {
            state.read_branches(object, dialect, &inner, problems);
        } else if dialect.is_map(&state.kind) {
            state.read_iterator(object, dialect, &inner, problems);
        }
        state
    }

    /// Moves `Type` from the fields to its place.
    pub(crate) fn take_kind(&mut self, trail: &[&str], problems: &mut Vec<AslProblem>) {
        match self.fields.shift_remove("Type") {
            Some(Value::String(kind)) => self.kind = kind,
            None | Some(Value::Null) => {
                problems.push(AslProblem::new(self.origin.clone(), trail, "Type is missing".to_owned()));
            }
            Some(other) => {
                let text = format!("Type must be a string, not {}", kind_of(&other));
                problems.push(AslProblem::new(self.origin.key("Type"), trail, text));
            }
        }
    }

    fn read_branches(
        &mut self,
        source: &Map<String, Value>,
        dialect: Dialect,
        trail: &[&str],
        problems: &mut Vec<AslProblem>,
    ) {
        let origin = self.origin.key("Branches");
        let mut report = |path: DocPath, text: &str| problems.push(AslProblem::new(path, trail, text.to_owned()));
        match source.get("Branches") {
            None | Some(Value::Null) => report(self.origin.clone(), "Branches is missing"),
            Some(Value::Array(branches)) if branches.is_empty() => report(origin, "Branches must not be empty"),
            Some(Value::Array(branches)) => {
                let mut scopes = Vec::with_capacity(branches.len());
                for (index, branch) in branches.iter().enumerate() {
                    let before = problems.len();
                    scopes.push(Scope::read(branch, &origin.index(index), dialect, trail, problems));
                    name_part(&mut problems[before..], trail, &format!("branch {}", index + 1));
                }
                self.nested = Nested::Branches(scopes);
            }
            Some(other) => report(origin, &format!("Branches must be a list, not {}", kind_of(other))),
        }
    }

    fn read_iterator(
        &mut self,
        source: &Map<String, Value>,
        dialect: Dialect,
        trail: &[&str],
        problems: &mut Vec<AslProblem>,
    ) {
        let key = match IteratorKey::of(source) {
            Ok(key) => key,
            Err(text) => {
                problems.push(AslProblem::new(self.origin.clone(), trail, text.to_owned()));
                return;
            }
        };
        let Some(value) = source.get(key.as_str()) else { return };
        let before = problems.len();
        let scope = Scope::read(value, &self.origin.key(key.as_str()), dialect, trail, problems);
        name_part(&mut problems[before..], trail, key.as_str());
        self.nested = Nested::Iterator(key, Box::new(scope));
    }

    /// Returns the scopes inside the state.
    pub fn scopes(&self) -> &[Scope] {
        match &self.nested {
            Nested::None => &[],
            Nested::Branches(scopes) => scopes,
            Nested::Iterator(_, scope) => std::slice::from_ref(scope),
        }
    }

    /// Returns the state as JSON: `Type` first, nested scopes last.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut object = Map::new();
        object.insert("Type".to_owned(), Value::String(self.kind.clone()));
        object.extend(self.fields.clone());
        match &self.nested {
            Nested::None => {}
            Nested::Branches(scopes) => {
                let scopes = scopes.iter().map(Scope::to_value).collect();
                object.insert("Branches".to_owned(), Value::Array(scopes));
            }
            Nested::Iterator(key, scope) => {
                object.insert(key.as_str().to_owned(), scope.to_value());
            }
        }
        Value::Object(object)
    }
}

/// Says in the problems of a nested scope itself which part of the state it is; those of its states name themselves.
pub(crate) fn name_part(problems: &mut [AslProblem], trail: &[&str], part: &str) {
    let own = AslProblem::join(trail);
    for problem in problems {
        if problem.state == own {
            problem.message.insert_str(0, &format!("{part}: "));
        }
    }
}

/// Returns the beginning of a value as JSON, short enough for a message.
fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
