use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

use super::{JsonPath, PathError, Token};

/// A path that names one place, so that a value can be put there: `$`, `$.a.b`, `$.a[0]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ReferencePath(JsonPath);

/// A value cannot be put where the path points.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unable to apply ReferencePath {path} to input {input}")]
pub struct NotAssignable {
    /// The path.
    pub path: String,
    /// The value that was to receive it, as JSON.
    pub input: String,
}

/// A gap of more than this many items before a new array index is a mistake, not a list.
const MAX_GAP: usize = 1024;

impl ReferencePath {
    /// Reads a reference path.
    ///
    /// # Errors
    ///
    /// [`PathError`] when the text is no path or names more than one place.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let path = JsonPath::parse(text)?;
        let negative = path.tokens.iter().any(|token| matches!(token, Token::Indexes(i) if i.iter().any(|n| *n < 0)));
        let reason = if path.function.is_some() || !super::definite(&path.tokens) {
            "it must name exactly one place, so no `*`, `..`, slices, filters or functions"
        } else if negative {
            "an index must not be negative here"
        } else {
            return Ok(Self(path));
        };
        Err(PathError { text: text.to_owned(), reason: reason.to_owned(), position: 1 })
    }

    /// Returns the text as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether this is `$`, the whole value.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0.tokens.is_empty()
    }

    /// Returns the value at the place, if there is one.
    #[must_use]
    pub fn get<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        super::select::one(&self.0.tokens, root).ok()
    }

    /// Puts a value at the place. Objects that are missing on the way are made, an existing value is replaced.
    ///
    /// # Errors
    ///
    /// [`NotAssignable`] when something on the way is neither an object nor a list that takes the index; `root` stays
    /// as it was.
    pub fn set(&self, root: &mut Value, value: Value) -> Result<(), NotAssignable> {
        if !self.fits(root) {
            return Err(NotAssignable { path: self.as_str().to_owned(), input: root.to_string() });
        }
        let mut current = root;
        for token in &self.0.tokens {
            current = match token {
                Token::Names(names) => {
                    if current.is_null() {
                        *current = Value::Object(Map::new());
                    }
                    let name = names.first().cloned().unwrap_or_default();
                    match current {
                        Value::Object(fields) => fields.entry(name).or_insert(Value::Null),
                        other => other,
                    }
                }
                Token::Indexes(indexes) => {
                    if current.is_null() {
                        *current = Value::Array(Vec::new());
                    }
                    let index = position(indexes);
                    match current {
                        Value::Array(items) => {
                            if items.len() <= index {
                                items.resize(index + 1, Value::Null);
                            }
                            items.get_mut(index).expect("the list was made long enough")
                        }
                        other => other,
                    }
                }
                _ => current,
            };
        }
        *current = value;
        Ok(())
    }

    fn fits(&self, root: &Value) -> bool {
        let mut current = Some(root);
        for (depth, token) in self.0.tokens.iter().enumerate() {
            current = match (token, current) {
                // A `null` on the way gives room; as the whole value it does not.
                (_, None) => None,
                (_, Some(Value::Null)) if depth > 0 => None,
                (Token::Names(names), Some(Value::Object(fields))) => names.first().and_then(|name| fields.get(name)),
                (Token::Indexes(indexes), Some(Value::Array(items))) => {
                    let index = position(indexes);
                    if index > items.len() + MAX_GAP {
                        return false;
                    }
                    items.get(index)
                }
                _ => return false,
            };
            if let (Token::Indexes(indexes), None) = (token, current)
                && position(indexes) > MAX_GAP
            {
                return false;
            }
        }
        true
    }
}

fn position(indexes: &[i64]) -> usize {
    indexes.first().and_then(|index| usize::try_from(*index).ok()).unwrap_or(0)
}

impl fmt::Display for ReferencePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
