//! JSONPath in the dialect of Step Functions, which is Jayway's.
//!
//! Beyond the common core (`$.a.b`, `$['a']`, `[0]`, `[-1]`, slices, wildcards, `..`, filters) it takes what users of the
//! service write: hyphens and blanks in dot notation (`$.output.Deploy Stack`) and functions at the end (`.length()`).
//!
//! A *definite* path names one value; it is an error when the value is missing. Any other path returns a list, which may
//! be empty and never is an error.

mod filter;
mod parse;
mod reference;
mod select;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use thiserror::Error;

pub(crate) use parse::query_prefix;
pub use reference::{NotAssignable, ReferencePath};

use filter::Filter;

/// A text is no path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a JSONPath: {reason} (character {position})")]
pub struct PathError {
    /// The text as given.
    pub text: String,
    /// What is wrong, as the end of a sentence.
    pub reason: String,
    /// Where, counted from 1.
    pub position: usize,
}

/// A definite path names nothing in the value; the text is the service's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct NoMatch(pub(crate) String);

impl NoMatch {
    /// Says in one's own words what is missing, for who looks up what a path starts from.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// What a path selects.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection<'a> {
    /// The one value of a definite path; owned when a function such as `length()` made it.
    Definite(Cow<'a, Value>),
    /// All values of any other path, in document order.
    Indefinite(Vec<&'a Value>),
}

impl Selection<'_> {
    /// Returns the value, or the values as an array, as the States Language wants it.
    #[must_use]
    pub fn into_value(self) -> Value {
        match self {
            Self::Definite(value) => value.into_owned(),
            Self::Indefinite(values) => Value::Array(values.into_iter().cloned().collect()),
        }
    }
}

/// A path into a JSON value.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath {
    text: String,
    tokens: Vec<Token>,
    function: Option<Function>,
}

impl JsonPath {
    /// Reads a path that starts with `$`.
    ///
    /// # Errors
    ///
    /// [`PathError`] with the character at which the text stops being a path.
    ///
    /// # Examples
    ///
    /// ```
    /// use attini_core::asl::path::JsonPath;
    /// let path = JsonPath::parse("$.output.Deploy Stack")?;
    /// assert!(path.is_definite());
    /// # Ok::<(), attini_core::asl::path::PathError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::path(text)
    }

    /// Returns the text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the path names at most one value.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        let before = match self.tokens.split_last() {
            Some((Token::Names(_), before)) => before,
            _ => &self.tokens,
        };
        self.function.is_some() || definite(before)
    }

    /// Returns what the path selects in a value.
    ///
    /// # Errors
    ///
    /// [`NoMatch`] when the path is definite and its value is missing.
    pub fn select<'a>(&self, root: &'a Value) -> Result<Selection<'a>, NoMatch> {
        let selection = self.select_tokens(root)?;
        match self.function {
            None => Ok(selection),
            Some(function) => function
                .apply(&selection)
                .map(|value| Selection::Definite(Cow::Owned(value)))
                .ok_or_else(|| NoMatch(format!("{function}() cannot be applied to the value of {}", self.canonical()))),
        }
    }

    fn select_tokens<'a>(&self, root: &'a Value) -> Result<Selection<'a>, NoMatch> {
        if let Some((Token::Names(names), before)) = self.tokens.split_last()
            && names.len() > 1
            && definite(before)
        {
            let chosen = select::one(before, root)?;
            let fields = names.iter().filter_map(|name| Some((name.clone(), chosen.get(name)?.clone())));
            Ok(Selection::Definite(Cow::Owned(Value::Object(fields.collect()))))
        } else if definite(&self.tokens) {
            select::one(&self.tokens, root).map(|value| Selection::Definite(Cow::Borrowed(value)))
        } else {
            Ok(Selection::Indefinite(select::all(&self.tokens, root, root)))
        }
    }

    /// Returns the bracket form: `$['a']['b'][0]`.
    #[must_use]
    pub fn canonical(&self) -> String {
        canonical(&self.tokens)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a path starts from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// `$`: the input of the place where the path stands.
    Input,
    /// `$$`: the context object.
    Context,
    /// `$name`: a variable.
    Variable(String),
}

/// A path with what it starts from: `$.a`, `$$.Execution.Id`, `$name.a`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: String,
    /// What the path starts from.
    pub root: Root,
    /// The path inside.
    pub path: JsonPath,
}

impl Query {
    /// Reads a path with its root.
    ///
    /// # Errors
    ///
    /// [`PathError`] with the character at which the text stops being a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        parse::query(text)
    }

    /// Returns the text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// `.name`, `['name']`; several names, `['a','b']`, choose fields: at the end of a path they make a smaller object.
    Names(Vec<String>),
    /// `[0]`, `[-1]`; several: `[0,2]`.
    Indexes(Vec<i64>),
    /// `[from:to:step]`.
    Slice { from: Option<i64>, to: Option<i64>, step: i64 },
    /// `.*`, `[*]`.
    Wildcard,
    /// `..`: the value and everything below it; what follows applies to each.
    Descend,
    /// `[?(…)]`.
    Filter(Filter),
}

fn definite(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| match token {
        Token::Names(names) => names.len() == 1,
        Token::Indexes(indexes) => indexes.len() == 1,
        Token::Slice { .. } | Token::Wildcard | Token::Descend | Token::Filter(_) => false,
    })
}

fn canonical(tokens: &[Token]) -> String {
    let mut text = String::from("$");
    for token in tokens {
        match token {
            Token::Names(names) => {
                let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
                text.push_str(&format!("[{}]", names.join(",")));
            }
            Token::Indexes(indexes) => {
                let indexes: Vec<String> = indexes.iter().map(i64::to_string).collect();
                text.push_str(&format!("[{}]", indexes.join(",")));
            }
            Token::Slice { from, to, .. } => {
                let bound = |bound: &Option<i64>| bound.map(|n| n.to_string()).unwrap_or_default();
                text.push_str(&format!("[{}:{}]", bound(from), bound(to)));
            }
            Token::Wildcard => text.push_str("[*]"),
            Token::Descend => text.push_str(".."),
            Token::Filter(_) => text.push_str("[?]"),
        }
    }
    text
}

/// A function at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Length,
    Keys,
    Min,
    Max,
    Sum,
    Avg,
}

impl Function {
    const ALL: [(&'static str, Self); 6] = [
        ("length", Self::Length),
        ("keys", Self::Keys),
        ("min", Self::Min),
        ("max", Self::Max),
        ("sum", Self::Sum),
        ("avg", Self::Avg),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, function)| function)
    }

    fn apply(self, selection: &Selection<'_>) -> Option<Value> {
        let values: Vec<&Value> = match (selection, self) {
            // Jayway measures the list that an indefinite path returned.
            (Selection::Indefinite(values), _) => values.clone(),
            (Selection::Definite(value), Self::Keys) => {
                let names = value.as_object()?.keys().cloned().map(Value::String);
                return Some(Value::Array(names.collect()));
            }
            (Selection::Definite(value), Self::Length) => {
                let length = match value.as_ref() {
                    Value::Array(items) => items.len(),
                    Value::Object(fields) => fields.len(),
                    Value::String(text) => text.chars().count(),
                    _ => return None,
                };
                return Some(Value::from(length));
            }
            (Selection::Definite(value), _) => value.as_array()?.iter().collect(),
        };
        let numbers = || values.iter().filter_map(|value| value.as_f64());
        match self {
            Self::Length => Some(Value::from(values.len())),
            Self::Keys => None,
            Self::Min => numbers().reduce(f64::min).map(number),
            Self::Max => numbers().reduce(f64::max).map(number),
            Self::Sum => numbers().reduce(|a, b| a + b).map(number),
            Self::Avg => {
                let (count, sum) = numbers().fold((0.0, 0.0), |(count, sum), n| (count + 1.0, sum + n));
                (count > 0.0).then(|| number(sum / count))
            }
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.into_iter().find(|(_, function)| function == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

fn number(n: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if n.fract() == 0.0 && n.abs() < 9_007_199_254_740_992.0 { Value::from(n as i64) } else { Value::from(n) }
}
