//! Parameters: their declarations, the values they get, and the checks on both.

use std::collections::BTreeMap;

use attini_core::port::{DeclaredParameter, ParameterValue};
use fancy_regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::template::read_parameters;
use super::{Refusal, StoredParameter};

const MAX_VALUE_BYTES: usize = 4_096;
const BACKTRACK_LIMIT: usize = 200_000;

/// A parameter as declared.
#[derive(Debug)]
pub(super) struct ParameterDeclaration {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) default: Option<String>,
    pub(super) no_echo: bool,
    allowed_values: Option<Vec<String>>,
    allowed_pattern: Option<Regex>,
    min_length: Option<f64>,
    max_length: Option<f64>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    constraint_description: Option<String>,
}

/// Returns the parameters that a template declares, before its transforms.
///
/// # Errors
///
/// [`Refusal::Validation`] when the section is not well-formed.
pub fn declared_parameters(template: &Value) -> Result<Vec<DeclaredParameter>, Refusal> {
    let described = |parameter: ParameterDeclaration| DeclaredParameter {
        has_default: parameter.default.is_some(),
        name: parameter.name,
        kind: parameter.kind,
        no_echo: parameter.no_echo,
    };
    Ok(read_parameters(template)?.into_iter().map(described).collect())
}

impl ParameterDeclaration {
    pub(super) fn read(name: &str, value: &Value) -> Result<Self, Refusal> {
        let at = |rule: &str| Refusal::format(format_args!("[/Parameters/{name}] {rule}"));
        let entries = value.as_object().ok_or_else(|| at("Every Parameters member must be an object."))?;
        let kind = entries
            .get("Type")
            .and_then(Value::as_str)
            .ok_or_else(|| at("Every Parameters object must contain a Type member."))?;
        if !is_known_type(kind) {
            return Err(Refusal::format(format_args!("Unrecognized parameter type: {kind} (parameter {name})")));
        }
        let default = match entries.get("Default") {
            None | Some(Value::Null) => None,
            Some(value) => Some(scalar(value).ok_or_else(|| at("Every Default member must be a string."))?),
        };
        let allowed_values = match entries.get("AllowedValues") {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => Some(
                items
                    .iter()
                    .map(scalar)
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| at("Every AllowedValues value must be a string."))?,
            ),
            Some(_) => return Err(at("Every AllowedValues member must be a list.")),
        };
        let allowed_pattern = match entries.get("AllowedPattern") {
            None | Some(Value::Null) => None,
            Some(Value::String(pattern)) => Some(compile(name, pattern)?),
            Some(_) => return Err(at("Every AllowedPattern member must be a string.")),
        };
        let number = |key: &str| match entries.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match scalar(value).and_then(|text| number_of(&text)) {
                Some(number) => Ok(Some(number)),
                None => Err(at(&format!("{key} must be a number."))),
            },
        };
        Ok(Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            default,
            no_echo: flag(entries, "NoEcho"),
            allowed_values,
            allowed_pattern,
            min_length: number("MinLength")?,
            max_length: number("MaxLength")?,
            min_value: number("MinValue")?,
            max_value: number("MaxValue")?,
            constraint_description: entries.get("ConstraintDescription").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// Returns the type inside `AWS::SSM::Parameter::Value<…>`.
    fn stored_type(&self) -> Option<&str> {
        self.kind.strip_prefix("AWS::SSM::Parameter::Value<")?.strip_suffix('>')
    }

    /// Checks a value; the constraints of a parameter of the parameter store are about its name there.
    fn check(&self, text: &str) -> Result<(), Refusal> {
        let elements = if is_list(&self.kind) { split_list(text) } else { vec![text.to_owned()] };
        if text.len() > MAX_VALUE_BYTES {
            return Err(Refusal::validation(format!(
                "Parameter '{}' must contain at most {MAX_VALUE_BYTES} bytes",
                self.name
            )));
        }
        elements.iter().try_for_each(|element| self.check_element(element))
    }

    fn check_element(&self, text: &str) -> Result<(), Refusal> {
        let name = &self.name;
        if matches!(self.kind.as_str(), "Number" | "List<Number>") {
            let Some(number) = number_of(text) else {
                return Err(Refusal::validation(format!("Parameter '{name}' must be a number.")));
            };
            if let Some(min) = self.min_value.filter(|min| number < *min) {
                return self.broken(&format!("must be a number not less than {min}"));
            }
            if let Some(max) = self.max_value.filter(|max| number > *max) {
                return self.broken(&format!("must be a number not greater than {max}"));
            }
        }
        if let Some(allowed) = self.allowed_values.as_ref().filter(|allowed| !allowed.iter().any(|value| value == text))
        {
            // The service leaves out which they are; a person wants to know.
            return self.broken(&format!("must be one of AllowedValues: {}", allowed.join(", ")));
        }
        let length = text.chars().count() as f64;
        if let Some(min) = self.min_length.filter(|min| length < *min) {
            return self.broken(&format!("must contain at least {min} characters"));
        }
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            return self.broken(&format!("must contain at most {max} characters"));
        }
        if let Some(pattern) = &self.allowed_pattern {
            // A pattern that backtracks without end is treated as one that does not match.
            if !pattern.is_match(text).unwrap_or(false) {
                return self.broken("must match pattern AllowedPattern");
            }
        }
        Ok(())
    }

    fn broken(&self, rule: &str) -> Result<(), Refusal> {
        let name = &self.name;
        Err(Refusal::validation(match &self.constraint_description {
            Some(description) => format!("Parameter {name} failed to satisfy constraint: {description}"),
            None => format!("Parameter '{name}' {rule}"),
        }))
    }
}

/// Gives every declared parameter its value.
pub(super) fn resolve(
    declarations: &[ParameterDeclaration],
    given: &BTreeMap<String, ParameterValue>,
    previous: Option<&BTreeMap<String, StoredParameter>>,
    ssm: &dyn Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, StoredParameter>, Refusal> {
    if declarations.is_empty() && !given.is_empty() {
        return Err(Refusal::validation("Parameter values specified for a template which does not require them."));
    }
    let declared = |name: &str| declarations.iter().any(|declaration| declaration.name == name);
    let unknown: Vec<&str> = given.keys().map(String::as_str).filter(|name| !declared(name)).collect();
    if !unknown.is_empty() {
        return Err(Refusal::validation(format!("Parameters: [{}] do not exist in the template", unknown.join(", "))));
    }
    let mut texts = Vec::new();
    let mut missing = Vec::new();
    for declaration in declarations {
        let name = &declaration.name;
        let text = match given.get(name) {
            Some(ParameterValue::Text(text)) => Some(text.clone()),
            Some(ParameterValue::Previous) => {
                let kept = previous.and_then(|previous| previous.get(name)).map(|stored| stored.text.clone());
                Some(kept.ok_or_else(|| {
                    Refusal::validation(format!(
                        "Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
                    ))
                })?)
            }
            None => declaration.default.clone(),
        };
        match text {
            Some(text) => texts.push((declaration, text)),
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(Refusal::validation(format!("Parameters: [{}] must have values", missing.join(", "))));
    }
    let mut resolved = BTreeMap::new();
    let mut not_stored = Vec::new();
    for (declaration, text) in texts {
        declaration.check(&text)?;
        let value = match declaration.stored_type() {
            None => value_of(&declaration.kind, &text),
            Some(kind) => match ssm(&text) {
                Some(stored) => value_of(kind, &stored),
                None => {
                    not_stored.push(format!("{text} (parameter {})", declaration.name));
                    continue;
                }
            },
        };
        let stored = StoredParameter { text, value, no_echo: declaration.no_echo };
        resolved.insert(declaration.name.clone(), stored);
    }
    if !not_stored.is_empty() {
        return Err(Refusal::validation(format!(
            "Unable to fetch parameters [{}] from parameter store for this account.",
            not_stored.join(", ")
        )));
    }
    Ok(resolved)
}

fn value_of(kind: &str, text: &str) -> Value {
    if is_list(kind) {
        split_list(text).into_iter().map(Value::String).collect()
    } else {
        Value::String(text.to_owned())
    }
}

fn is_list(kind: &str) -> bool {
    kind == "CommaDelimitedList" || kind.starts_with("List<")
}

/// Splits at commas and trims blanks; an empty text is a list of one empty text, as in the service.
fn split_list(text: &str) -> Vec<String> {
    text.split(',').map(|element| element.trim().to_owned()).collect()
}

fn is_known_type(kind: &str) -> bool {
    let specific = |kind: &str| {
        let parts: Vec<&str> = kind.split("::").collect();
        parts.len() >= 3
            && parts[0] == "AWS"
            && parts.iter().all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    let inner = |kind: &str| match kind.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')) {
        Some(element) => element == "Number" || element == "String" || specific(element),
        None => matches!(kind, "String" | "Number" | "CommaDelimitedList") || specific(kind),
    };
    match kind.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>')) {
        Some(stored) => stored != "Number" && inner(stored),
        None => kind != "List<String>" && inner(kind),
    }
}

/// The whole value must match, as in Java's `matches`.
fn compile(name: &str, pattern: &str) -> Result<Regex, Refusal> {
    // What is no pattern here may be one in Java.
    let built = RegexBuilder::new(&format!(r"^(?:{pattern})\z")).backtrack_limit(BACKTRACK_LIMIT).build();
    built.map_err(|error| Refusal::unsupported(format!("AllowedPattern `{pattern}` of parameter {name} ({error})")))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn number_of(text: &str) -> Option<f64> {
    let plain = text.trim();
    let numeric = plain.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    plain.parse::<f64>().ok().filter(|number| numeric && number.is_finite())
}

fn flag(entries: &Map<String, Value>, key: &str) -> bool {
    match entries.get(key) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}
