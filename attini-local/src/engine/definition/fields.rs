use attini_core::asl::path::{Query, ReferencePath};
use serde_json::{Map, Value};

use super::{Language, Percentage, ResultPath, Seconds, Selector, Text};
use crate::engine::jsonata;
use crate::engine::template::{Expression, Located, Template};

/// The fields of one object of a definition, read one by one; every problem names the place and the field.
pub(super) struct Fields<'a, 'p> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) place: String,
    pub(super) language: Language,
    /// What stands before the field in the service's words about a place in a state: `Catch[0]/`.
    pub(super) location: String,
    pub(super) problems: &'p mut Vec<String>,
}

impl<'a, 'p> Fields<'a, 'p> {
    pub(super) fn new(
        object: &'a Map<String, Value>,
        place: String,
        language: Language,
        problems: &'p mut Vec<String>,
    ) -> Self {
        Self { object, place, language, location: String::new(), problems }
    }

    /// Returns the fields of an object in here, which is called `name` in problems and stands at `location`.
    pub(super) fn within<'q>(
        &'q mut self,
        object: &'a Map<String, Value>,
        name: &str,
        location: &str,
    ) -> Fields<'a, 'q> {
        Fields {
            object,
            place: format!("{}, {name}", self.place),
            language: self.language,
            location: format!("{}{location}/", self.location),
            problems: self.problems,
        }
    }

    /// Returns the fields of an object that stands in a field.
    pub(super) fn object<'q>(&'q mut self, field: &str) -> Option<Fields<'a, 'q>> {
        match self.get(field)? {
            Value::Object(object) => Some(self.within(object, field, field)),
            other => {
                self.problem(field, format!("write an object, not {}", kind(other)));
                None
            }
        }
    }

    /// Refuses fields that the query language of the state does not have.
    pub(super) fn refuse(&mut self, fields: &[&str], instead: &str) {
        for field in fields.iter().filter(|field| self.object.contains_key(**field)) {
            self.problem(field, instead);
        }
    }
}

impl<'a> Fields<'a, '_> {
    pub(super) fn problem(&mut self, field: &str, text: impl std::fmt::Display) {
        self.problems.push(format!("{}, field `{field}`: {text}", self.place));
    }

    pub(super) fn get(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field)
    }

    pub(super) fn text(&mut self, field: &str) -> Option<&'a str> {
        match self.get(field)? {
            Value::String(text) => Some(text),
            other => {
                self.problem(field, format!("write a text, not {}", kind(other)));
                None
            }
        }
    }

    pub(super) fn list(&mut self, field: &str) -> &'a [Value] {
        match self.get(field) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.problem(field, format!("write a list, not {}", kind(other)));
                &[]
            }
        }
    }

    /// A whole number in a range.
    pub(super) fn whole(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.get(field)?;
        // `5.0` is a whole number too.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
        let number = value
            .as_u64()
            .or_else(|| value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9e15).contains(n)).map(|n| n as u64));
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.problem(field, format!("write a whole number from {least} to {most}, not `{value}`"));
                None
            }
        }
    }

    pub(super) fn query(&mut self, field: &str) -> Option<Query> {
        match Query::parse(self.text(field)?) {
            Ok(query) => Some(query),
            Err(error) => {
                self.problem(field, error);
                None
            }
        }
    }

    /// Whether a field holds a JSONata expression.
    pub(super) fn is_expression(&self, field: &str) -> bool {
        self.language == Language::Jsonata
            && self.get(field).and_then(Value::as_str).and_then(jsonata::delimited).is_some()
    }

    /// A JSONata expression.
    pub(super) fn located(&mut self, field: &str) -> Option<Box<Located>> {
        let text = self.text(field)?;
        let Some(source) = jsonata::delimited(text) else {
            self.problem(field, format!("write an expression between `{{%` and `%}}`, not `{text}`"));
            return None;
        };
        match jsonata::Expression::parse(source) {
            Ok(expression) => Some(Box::new(Located { location: format!("{}{field}", self.location), expression })),
            Err(error) => {
                self.problem(field, error);
                None
            }
        }
    }

    pub(super) fn selector(&mut self, field: &str) -> Selector {
        match self.get(field) {
            None => Selector::Whole,
            Some(Value::Null) => Selector::Nothing,
            Some(Value::String(text)) if text == "$" => Selector::Whole,
            Some(_) => self.query(field).map_or(Selector::Whole, Selector::Path),
        }
    }

    pub(super) fn result_path(&mut self) -> ResultPath {
        const FIELD: &str = "ResultPath";
        match self.get(FIELD) {
            None => ResultPath::Whole,
            Some(Value::Null) => ResultPath::Discard,
            Some(_) => {
                let Some(text) = self.text(FIELD) else { return ResultPath::Whole };
                match ReferencePath::parse(text) {
                    Ok(path) if path.is_root() => ResultPath::Whole,
                    Ok(path) => ResultPath::Path(path),
                    Err(error) => {
                        self.problem(FIELD, error);
                        ResultPath::Whole
                    }
                }
            }
        }
    }

    pub(super) fn template(&mut self, field: &str) -> Option<Template> {
        let value = self.get(field)?;
        let mut problems = Vec::new();
        let template = match self.language {
            Language::JsonPath => Template::parse(value, &mut problems),
            Language::Jsonata => Template::parse_jsonata(value, &format!("{}{field}", self.location), &mut problems),
        };
        for problem in problems {
            self.problem(field, problem);
        }
        Some(template)
    }

    /// `X` or `XPath`, not both; in a JSONata state only `X`, which may be an expression.
    pub(super) fn number_or_path(&mut self, field: &str, least: u64, most: u64) -> Option<Seconds> {
        let path = format!("{field}Path");
        self.only_jsonpath(&path, field);
        if self.is_expression(field) {
            return self.located(field).map(Seconds::Jsonata);
        }
        if self.get(field).is_some() && self.get(&path).is_some() {
            self.problem(field, format!("use either it or `{path}`"));
        }
        if self.get(&path).is_some() {
            self.query(&path).map(Seconds::Path)
        } else {
            self.whole(field, least, most).map(Seconds::Fixed)
        }
    }

    pub(super) fn percentage_or_path(&mut self, field: &str) -> Option<Percentage> {
        let path = format!("{field}Path");
        self.only_jsonpath(&path, field);
        if self.is_expression(field) {
            return self.located(field).map(Percentage::Jsonata);
        }
        if self.get(&path).is_some() {
            return self.query(&path).map(Percentage::Path);
        }
        let value = self.get(field)?;
        match value.as_f64().filter(|n| (0.0..=100.0).contains(n)) {
            Some(number) => Some(Percentage::Fixed(number)),
            None => {
                self.problem(field, format!("write a number from 0 to 100, not `{value}`"));
                None
            }
        }
    }

    fn only_jsonpath(&mut self, path: &str, field: &str) {
        if self.language == Language::Jsonata {
            self.refuse(&[path], &format!("a JSONata state has no such field; write an expression in `{field}`"));
        }
    }

    /// `Error`/`ErrorPath`, `Cause`/`CausePath`.
    pub(super) fn text_or_path(&mut self, field: &str) -> Option<Text> {
        let path = format!("{field}Path");
        self.only_jsonpath(&path, field);
        if self.is_expression(field) {
            return self.located(field).map(Text::Jsonata);
        }
        if self.get(field).is_some() && self.get(&path).is_some() {
            self.problem(field, format!("use either it or `{path}`"));
        }
        if self.get(&path).is_none() {
            return self.text(field).map(|text| Text::Fixed(text.to_owned()));
        }
        match Expression::parse(self.text(&path)?) {
            Ok(expression) => Some(Text::Computed(expression)),
            Err(error) => {
                self.problem(&path, error);
                None
            }
        }
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
