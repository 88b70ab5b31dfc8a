//! JSONata as the States Language has it: texts between `{%` and `%}`, with `$states`, the variables of the execution and
//! the functions that Step Functions adds.
//!
//! An expression is read once, with its definition. Evaluating one is bounded in time, depth and length, sees no clock and
//! no chance but the execution's own, and has no `$eval`.

mod functions;
mod messages;
mod review;
#[cfg(test)]
mod tests;

use std::cell::OnceCell;

use jsonata_core::ast::{AstNode, BinaryOp};
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorOptions};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use serde::Deserialize as _;
use serde_json::{Map, Value};

pub(crate) use review::{Available, Objection, review};

/// How long one evaluation may take. It also bounds how deep functions can nest a value, which [`STACK_BYTES`] must hold.
const MAX_MILLISECONDS: u64 = 1_000;
/// How deep an evaluation may be nested; a recursive call takes about three levels.
const MAX_DEPTH: usize = 3_000;
/// The most items that an evaluation may make at once; no payload has room for more.
const MAX_ITEMS: usize = 262_144;
/// How deep a result may be nested, as for every payload.
const MAX_RESULT_DEPTH: usize = 512;
/// Room for taking apart what an expression with functions of its own has nested. It is mapped, not filled.
const STACK_BYTES: usize = 512 << 20;

/// A field of `$states`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Input,
    Result,
    ErrorOutput,
    Context,
}

impl Field {
    const ALL: [(&'static str, Self); 4] = [
        ("input", Self::Input),
        ("result", Self::Result),
        ("errorOutput", Self::ErrorOutput),
        ("context", Self::Context),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, field)| field)
    }
}

/// What an expression sees.
pub(super) trait Names {
    /// Returns a variable of the execution.
    fn variable(&self, name: &str) -> Option<&Value>;
    /// Returns a field of `$states`; `None` where there is none, such as a result before a task has ended.
    fn states(&self, field: Field) -> Option<&Value>;
    /// Keeps what was converted for one expression for the next.
    fn converted(&self) -> &Converted;
    /// Returns the time in epoch milliseconds.
    fn now_ms(&self) -> i64;
    /// Returns 64 random bits.
    fn random(&self) -> u64;
}

/// The fields of `$states` as the evaluator wants them.
#[derive(Debug, Default)]
pub(super) struct Converted([OnceCell<Option<JValue>>; 4]);

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It returned nothing.
    Undefined,
    /// It returned a function.
    Function,
    /// It threw this.
    Threw(String),
}

/// An expression that was read.
#[derive(Debug)]
pub(super) struct Expression {
    /// Without the delimiters and the blanks inside them, as the service's messages have it.
    text: String,
    ast: AstNode,
    /// `$states.input.a`, `$name`: needs no evaluator unless an array comes in between.
    direct: Option<(Root, Vec<String>)>,
    /// What stands behind dollar signs; some of it may be local to the expression.
    names: Vec<String>,
    fields: Vec<Field>,
    /// Whether it has functions of its own, which may nest without end.
    has_functions: bool,
}

#[derive(Debug)]
enum Root {
    States(Field),
    Variable(String),
}

/// Returns what stands between `{%` and `%}`. Blanks outside of these make a plain text.
pub(super) fn delimited(text: &str) -> Option<&str> {
    text.strip_prefix("{%")?.strip_suffix("%}")
}

impl Expression {
    /// Reads what stands between the delimiters.
    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let text = source.trim().to_owned();
        let ast = parser::parse(&text).map_err(|error| {
            format!("`{text}` is not a JSONata expression: {}", messages::plain(&error.to_string()))
        })?;
        let names = names(&text);
        Ok(Self {
            direct: direct(&ast),
            fields: fields(&text),
            has_functions: text.contains("function") || text.contains('λ') || text.contains("~>"),
            names,
            text,
            ast,
        })
    }

    /// Returns the text as the service's messages have it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the value of the expression.
    pub(super) fn evaluate(&self, names: &dyn Names) -> Result<Value, Failure> {
        if let Some((root, path)) = &self.direct {
            let start = match root {
                Root::States(field) => names.states(*field),
                Root::Variable(name) => names.variable(name),
            };
            match walk(start, path) {
                Walk::Found(value) => return Ok(value.clone()),
                // A name that is no variable may be that of a function.
                Walk::Nothing if start.is_some() || matches!(root, Root::States(_)) => return Err(Failure::Undefined),
                Walk::Nothing | Walk::Array => {}
            }
        }
        if self.has_functions {
            // The result and all that led to it are dropped in here too.
            stacker::grow(STACK_BYTES, || self.run(names))
        } else {
            self.run(names)
        }
    }

    fn run(&self, names: &dyn Names) -> Result<Value, Failure> {
        let mut context = Context::new();
        if self.names.iter().any(|name| name == "states") {
            context.bind("states".to_owned(), self.states(names)?);
        }
        for name in &self.names {
            if let Some(value) = names.variable(name) {
                context.bind(name.clone(), convert(value)?);
            }
        }
        let options = EvaluatorOptions {
            timeout_ms: Some(MAX_MILLISECONDS),
            max_stack_depth: Some(MAX_DEPTH),
            max_sequence_length: Some(MAX_ITEMS),
            ..EvaluatorOptions::default()
        };
        let mut evaluator = Evaluator::with_options(context, options);
        functions::register(&mut evaluator, &self.names, names).map_err(|error| threw(&error, &self.text))?;
        // There is no context value, so `$` and `$$` are undefined.
        let result = match evaluator.evaluate(&self.ast, &JValue::Undefined) {
            Ok(result) => result,
            Err(error) => {
                let words =
                    if error.message().contains("T2009: ") { mismatch(&self.ast, &mut evaluator) } else { None };
                return Err(words.map_or_else(|| threw(&error, &self.text), Failure::Threw));
            }
        };
        match value(&result, 0)? {
            Some(value) => Ok(value),
            None if result.is_undefined() => Err(Failure::Undefined),
            None => Err(Failure::Function),
        }
    }

    fn states(&self, names: &dyn Names) -> Result<JValue, Failure> {
        let mut states = JValue::from(Value::Object(Map::new()));
        for (name, field) in Field::ALL {
            if !self.fields.contains(&field) {
                continue;
            }
            let cell = names.converted().0.get(field as usize);
            let known = cell.and_then(OnceCell::get).cloned();
            let converted = match known {
                Some(converted) => converted,
                None => {
                    let converted = names.states(field).map(convert).transpose()?;
                    if let Some(cell) = cell {
                        cell.get_or_init(|| converted.clone());
                    }
                    converted
                }
            };
            if let (Some(object), Some(value)) = (states.as_object_mut(), converted) {
                object.insert(name.to_owned(), value);
            }
        }
        Ok(states)
    }
}

/// Returns the words of the reference about a comparison of values of two types. They show both values, which the
/// library's words do not, so both sides are evaluated again. Looks at comparisons that `and` and `or` join.
fn mismatch(node: &AstNode, evaluator: &mut Evaluator) -> Option<String> {
    let AstNode::Binary { op, lhs, rhs } = node else { return None };
    let symbol = match op {
        BinaryOp::LessThan => "<",
        BinaryOp::LessThanOrEqual => "<=",
        BinaryOp::GreaterThan => ">",
        BinaryOp::GreaterThanOrEqual => ">=",
        BinaryOp::And | BinaryOp::Or => return mismatch(lhs, evaluator).or_else(|| mismatch(rhs, evaluator)),
        _ => return None,
    };
    let mut side = |node: &AstNode| value(&evaluator.evaluate(node, &JValue::Undefined).ok()?, 0).ok().flatten();
    let (left, right) = (side(lhs)?, side(rhs)?);
    let is_mismatch = (left.is_number() && right.is_string()) || (left.is_string() && right.is_number());
    is_mismatch.then(|| {
        format!(
            "T2009: The values {left} and {right} either side of operator \"{symbol}\" must be of the same data type"
        )
    })
}

fn threw(error: &jsonata_core::evaluator::EvaluatorError, source: &str) -> Failure {
    Failure::Threw(messages::of(error.message(), source))
}

fn convert(value: &Value) -> Result<JValue, Failure> {
    JValue::deserialize(value).map_err(|error| Failure::Threw(format!("a value cannot be read: {error}")))
}

/// Returns the JSON of a result; `None` for what JSON cannot say: undefined, and functions.
fn value(result: &JValue, depth: usize) -> Result<Option<Value>, Failure> {
    if depth > MAX_RESULT_DEPTH {
        return Err(Failure::Threw(format!("the result is nested deeper than {MAX_RESULT_DEPTH} levels")));
    }
    Ok(Some(match result {
        JValue::Null => Value::Null,
        JValue::Bool(value) => Value::Bool(*value),
        JValue::Number(number) => number_value(*number),
        JValue::String(text) => Value::String(text.to_string()),
        JValue::Array(items) => {
            let mut values = Vec::with_capacity(items.len());
            for item in items.iter() {
                // As JSON.stringify has it.
                values.push(value(item, depth + 1)?.unwrap_or(Value::Null));
            }
            Value::Array(values)
        }
        JValue::Object(fields) => {
            let mut values = Map::with_capacity(fields.len());
            for (name, field) in fields.iter() {
                if let Some(field) = value(field, depth + 1)? {
                    values.insert(name.clone(), field);
                }
            }
            Value::Object(values)
        }
        _ => return Ok(None),
    }))
}

/// Whole numbers stay whole, which they are not inside JSONata.
fn number_value(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

enum Walk<'v> {
    Found(&'v Value),
    Nothing,
    /// From here on a path means every item.
    Array,
}

fn walk<'v>(start: Option<&'v Value>, path: &[String]) -> Walk<'v> {
    let Some(mut value) = start else { return Walk::Nothing };
    for name in path {
        value = match value {
            Value::Object(fields) => match fields.get(name) {
                Some(value) => value,
                None => return Walk::Nothing,
            },
            Value::Array(_) => return Walk::Array,
            _ => return Walk::Nothing,
        };
    }
    Walk::Found(value)
}

/// Recognizes a path of plain names that starts with a variable.
fn direct(ast: &AstNode) -> Option<(Root, Vec<String>)> {
    let (name, path) = match ast {
        AstNode::Variable(name) => (name, Vec::new()),
        AstNode::Path { steps } => {
            let plain = steps.iter().all(|step| {
                step.stages.is_empty()
                    && step.focus.is_none()
                    && step.index_var.is_none()
                    && step.ancestor_label.is_none()
                    && !step.is_tuple
                    && !step.inner_tuple
            });
            let (first, rest) = steps.split_first().filter(|_| plain)?;
            let AstNode::Variable(name) = &first.node else { return None };
            let names = rest.iter().map(|step| match &step.node {
                AstNode::Name(name) => Some(name.clone()),
                _ => None,
            });
            (name, names.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    };
    match name.as_str() {
        "" => None,
        "states" => {
            let (field, path) = path.split_first()?;
            Some((Root::States(Field::parse(field)?), path.to_vec()))
        }
        _ => Some((Root::Variable(name.clone()), path)),
    }
}

/// Returns every name behind a dollar sign, once.
fn names(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split('$').skip(1) {
        let name = part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Returns the fields of `$states` that the text may read: those it names, or all when it uses `$states` as a whole.
fn fields(text: &str) -> Vec<Field> {
    let named: Option<Vec<Field>> = explicit_fields(text).into_iter().map(Field::parse).collect();
    named.unwrap_or_else(|| Field::ALL.map(|(_, field)| field).to_vec())
}

/// Returns the names behind each `$states`, empty where there is none.
fn explicit_fields(text: &str) -> Vec<&str> {
    text.split("$states")
        .skip(1)
        .map(|part| {
            let rest = part.trim_start().strip_prefix('.').map_or("", str::trim_start);
            rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
        })
        .collect()
}
