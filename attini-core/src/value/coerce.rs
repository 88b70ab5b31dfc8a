//! Lenient readers of plan and step properties (init-deploy.md 17, actions.md 1.5).
//!
//! People write `5` and `true` where text is meant, so scalars become text. Everything else is an error that names the
//! field, the expected kind, the actual kind and the value.

use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

/// What a property should be, in the words of the error text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any scalar.
    String,
    /// `true` or `false`, also as text in any letter case.
    Boolean,
    /// A list of scalars.
    List,
    /// A map of scalars.
    Object,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "String",
            Self::Boolean => "Boolean",
            Self::List => "List/Array",
            Self::Object => "Object",
        })
    }
}

/// A property is not of the kind it should be.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Field named {field} should be a {expected}. Current type is: {actual}, current value is: {value}")]
pub struct WrongKind {
    /// The property: `Commands`, `Commands[1]`, `Environment.KEY`.
    pub field: String,
    /// What it should be.
    pub expected: Kind,
    /// What it is: `Object`, `Array`, `String`, `Number`, `Boolean` or `Null`.
    pub actual: &'static str,
    /// The value as JSON, text without quotes; cut after 200 characters.
    pub value: String,
}

impl WrongKind {
    fn new(field: impl Into<String>, expected: Kind, value: &Value) -> Self {
        let text = as_text(value).unwrap_or_else(|| value.to_string());
        let mut shown: String = text.chars().take(200).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        Self { field: field.into(), expected, actual: kind_name(value), value: shown }
    }
}

/// The properties of a step cannot be read. All problems of the step are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IllegalFormat {
    /// The step.
    pub step: String,
    /// What is wrong; at least one entry.
    pub problems: Vec<WrongKind>,
}

impl IllegalFormat {
    /// Error name that goes to the step (actions.md 1.6).
    pub const ERROR_NAME: &'static str = "IllegalFormatException";
}

impl fmt::Display for IllegalFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Could not convert input for step {}", self.step)?;
        for problem in &self.problems {
            write!(f, ", {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for IllegalFormat {}

/// Returns the name of a value's kind as error texts spell it.
#[must_use]
pub fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(_) => "Number",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// Reads a text: any scalar; null or missing is absent.
///
/// # Errors
///
/// [`WrongKind`] for a list or a map.
pub fn string(field: &str, value: Option<&Value>) -> Result<Option<String>, WrongKind> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => as_text(value).map(Some).ok_or_else(|| WrongKind::new(field, Kind::String, value)),
    }
}

/// Reads a truth value: a boolean, or the texts `true` and `false` in any letter case; null or missing is absent.
///
/// # Errors
///
/// [`WrongKind`] for anything else, `1` and `yes` included.
pub fn boolean(field: &str, value: Option<&Value>) -> Result<Option<bool>, WrongKind> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(value) => Err(WrongKind::new(field, Kind::Boolean, value)),
    }
}

/// As [`boolean`], but returns the text as written: where it goes on to a service or a file.
///
/// # Errors
///
/// As [`boolean`].
pub fn boolean_text(field: &str, value: Option<&Value>) -> Result<Option<String>, WrongKind> {
    Ok(boolean(field, value)?.and(value.and_then(as_text)))
}

/// Reads a list of texts; null or missing is absent, a null element is the text `null`.
///
/// # Errors
///
/// [`WrongKind`] for a scalar or a map, and for a nested list or map, named by its position.
pub fn string_list(field: &str, value: Option<&Value>) -> Result<Option<Vec<String>>, WrongKind> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => {
            let element = |(index, item): (usize, &Value)| {
                as_text(item).ok_or_else(|| WrongKind::new(format!("{field}[{index}]"), Kind::String, item))
            };
            items.iter().enumerate().map(element).collect::<Result<_, _>>().map(Some)
        }
        Some(value) => Err(WrongKind::new(field, Kind::List, value)),
    }
}

/// Reads a map of texts in the order of its author; null or missing is absent, a null value is the text `null`.
///
/// # Errors
///
/// [`WrongKind`] for a scalar or a list, and for a nested list or map, named by its key.
pub fn string_map(field: &str, value: Option<&Value>) -> Result<Option<Vec<(String, String)>>, WrongKind> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(entries)) => {
            let entry = |(key, item): (&String, &Value)| match as_text(item) {
                Some(text) => Ok((key.clone(), text)),
                None => Err(WrongKind::new(format!("{field}.{key}"), Kind::String, item)),
            };
            entries.iter().map(entry).collect::<Result<_, _>>().map(Some)
        }
        Some(value) => Err(WrongKind::new(field, Kind::Object, value)),
    }
}

/// Reads several properties of one step and keeps every problem, so that its author gets all of them at once.
#[derive(Debug)]
pub struct PropertyReader<'a> {
    properties: &'a Map<String, Value>,
    problems: Vec<WrongKind>,
}

impl<'a> PropertyReader<'a> {
    /// Reads from the properties of a step.
    #[must_use]
    pub fn new(properties: &'a Map<String, Value>) -> Self {
        Self { properties, problems: Vec::new() }
    }

    /// As [`string`]; absent when it cannot be read.
    pub fn string(&mut self, field: &str) -> Option<String> {
        self.read(field, string)
    }

    /// As [`boolean`]; absent when it cannot be read.
    pub fn boolean(&mut self, field: &str) -> Option<bool> {
        self.read(field, boolean)
    }

    /// As [`boolean_text`]; absent when it cannot be read.
    pub fn boolean_text(&mut self, field: &str) -> Option<String> {
        self.read(field, boolean_text)
    }

    /// As [`string_list`]; absent when it cannot be read.
    pub fn string_list(&mut self, field: &str) -> Option<Vec<String>> {
        self.read(field, string_list)
    }

    /// As [`string_map`]; absent when it cannot be read.
    pub fn string_map(&mut self, field: &str) -> Option<Vec<(String, String)>> {
        self.read(field, string_map)
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// [`IllegalFormat`] with everything that could not be read.
    pub fn finish(self, step: &str) -> Result<(), IllegalFormat> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(IllegalFormat { step: step.to_owned(), problems: self.problems })
        }
    }

    fn read<T>(
        &mut self,
        field: &str,
        reader: impl Fn(&str, Option<&Value>) -> Result<Option<T>, WrongKind>,
    ) -> Option<T> {
        reader(field, self.properties.get(field)).unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        })
    }
}

/// Returns the text of a scalar; `None` for a list or a map.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn runner_case_4_scalars_become_text() {
        let texts = string_list("Commands", Some(&json!(["echo", 5, true, null]))).expect("scalars");
        assert_eq!(texts, Some(vec!["echo".into(), "5".into(), "true".into(), "null".into()]));
        assert_eq!(string("Runner", Some(&json!(1.5))), Ok(Some("1.5".into())));
        assert_eq!(string("Runner", Some(&Value::Null)), Ok(None));
        let map = string_map("Environment", Some(&json!({"b": 1, "a": false}))).expect("scalars");
        assert_eq!(map, Some(vec![("b".into(), "1".into()), ("a".into(), "false".into())]));
    }

    #[test]
    fn runner_case_3_text_in_place_of_a_list() {
        let error = string_list("Commands", Some(&json!("echo"))).expect_err("no list");
        let expected = "Field named Commands should be a List/Array. Current type is: String, current value is: echo";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn truth_is_only_true_or_false() {
        assert_eq!(boolean("Force", Some(&json!("TRUE"))), Ok(Some(true)));
        assert_eq!(boolean_text("Force", Some(&json!("TRUE"))), Ok(Some("TRUE".into())));
        assert_eq!(boolean_text("Force", Some(&json!(false))), Ok(Some("false".into())));
        for other in [json!("yes"), json!(1), json!([]), json!({})] {
            assert!(boolean("Force", Some(&other)).is_err(), "{other}");
        }
    }

    #[test]
    fn nested_values_are_named_and_all_problems_are_listed() {
        let properties = json!({"Commands": ["a", ["b"]], "Environment": {"K": {}}, "Runner": "r"});
        let mut reader = PropertyReader::new(properties.as_object().expect("object"));
        assert_eq!(reader.string("Runner"), Some("r".into()));
        assert_eq!(reader.string_list("Commands"), None);
        assert_eq!(reader.string_map("Environment"), None);
        let error = reader.finish("Build").expect_err("two problems");
        let expected = "Could not convert input for step Build, \
             Field named Commands[1] should be a String. Current type is: Array, current value is: [\"b\"], \
             Field named Environment.K should be a String. Current type is: Object, current value is: {}";
        assert_eq!(error.to_string(), expected);
    }
}
