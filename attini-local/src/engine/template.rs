use attini_core::asl::intrinsic::{self, Call, EvaluationError};
use attini_core::asl::path::Query;
use serde_json::{Map, Value};

use super::jsonata;

/// What stands where a path or an intrinsic function is allowed.
#[derive(Debug)]
pub(super) enum Expression {
    Query(Query),
    Call { text: String, call: Call },
}

impl Expression {
    /// Reads a path or a call.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            Query::parse(text).map(Self::Query).map_err(|error| error.to_string())
        } else if text.starts_with("States.") {
            let call = Call::parse(text).map_err(|error| error.to_string())?;
            Ok(Self::Call { text: text.to_owned(), call })
        } else {
            Err(format!("`{text}` is neither a path, which starts with `$`, nor a call such as `States.Format(…)`"))
        }
    }
}

/// A JSONata expression with the place it stands in: `Output/list[0]`.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) location: String,
    pub(super) expression: jsonata::Expression,
}

/// A payload template: JSON in which fields that end in `.$`, or texts between `{%` and `%}`, are computed.
#[derive(Debug)]
pub(super) enum Template {
    Literal(Value),
    Object(Vec<(String, Template)>),
    Array(Vec<Template>),
    Computed { field: String, expression: Expression },
    Jsonata(Box<Located>),
}

/// Why a template has no value, before it is known in which state.
#[derive(Debug)]
pub(super) enum TemplateError<'t> {
    /// A path of a field names nothing.
    NoMatch { path: String, field: String },
    /// An intrinsic function failed.
    Intrinsic { call: String, reason: String },
    /// A JSONata expression failed.
    Jsonata { at: &'t Located, failure: jsonata::Failure },
}

/// What a template sees.
pub(super) trait Scope: intrinsic::Scope {
    /// Returns the value of a JSONata expression.
    fn jsonata(&self, expression: &jsonata::Expression) -> Result<Value, jsonata::Failure>;
}

impl Template {
    /// Reads a template of a JSONPath state; JSON is nested 128 levels at most, so recursion is safe.
    pub(super) fn parse(value: &Value, problems: &mut Vec<String>) -> Self {
        match value {
            Value::Object(fields) => {
                let mut parts = Vec::with_capacity(fields.len());
                for (name, value) in fields {
                    let Some(plain) = name.strip_suffix(".$") else {
                        parts.push((name.clone(), Self::parse(value, problems)));
                        continue;
                    };
                    let expression = match value {
                        Value::String(text) => Expression::parse(text),
                        _ => Err("its value must be a text with a path or an intrinsic function".to_owned()),
                    };
                    match expression {
                        Ok(expression) => {
                            parts.push((plain.to_owned(), Self::Computed { field: name.clone(), expression }));
                        }
                        Err(reason) => problems.push(format!("field `{name}`: {reason}")),
                    }
                }
                Self::object(parts, value)
            }
            Value::Array(items) => Self::array(items.iter().map(|item| Self::parse(item, problems)).collect(), value),
            other => Self::Literal(other.clone()),
        }
    }

    /// Reads a template of a JSONata state that stands at `location`.
    pub(super) fn parse_jsonata(value: &Value, location: &str, problems: &mut Vec<String>) -> Self {
        match value {
            Value::Object(fields) => {
                let parts = fields.iter().map(|(name, value)| {
                    (name.clone(), Self::parse_jsonata(value, &format!("{location}/{name}"), problems))
                });
                Self::object(parts.collect(), value)
            }
            Value::Array(items) => {
                let parts = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| Self::parse_jsonata(item, &format!("{location}[{index}]"), problems));
                Self::array(parts.collect(), value)
            }
            Value::String(text) => match jsonata::delimited(text).map(jsonata::Expression::parse) {
                None => Self::Literal(value.clone()),
                Some(Ok(expression)) => Self::Jsonata(Box::new(Located { location: location.to_owned(), expression })),
                Some(Err(reason)) => {
                    problems.push(if location.contains(['/', '[']) {
                        format!("at `{location}`: {reason}")
                    } else {
                        reason
                    });
                    Self::Literal(Value::Null)
                }
            },
            other => Self::Literal(other.clone()),
        }
    }

    /// What needs no computing is kept as it was written.
    fn object(parts: Vec<(String, Self)>, written: &Value) -> Self {
        let is_literal = parts.iter().all(|(_, part)| matches!(part, Self::Literal(_)));
        if is_literal { Self::Literal(written.clone()) } else { Self::Object(parts) }
    }

    fn array(parts: Vec<Self>, written: &Value) -> Self {
        let is_literal = parts.iter().all(|part| matches!(part, Self::Literal(_)));
        if is_literal { Self::Literal(written.clone()) } else { Self::Array(parts) }
    }

    /// Returns the value of the template.
    pub(super) fn evaluate(&self, scope: &dyn Scope) -> Result<Value, TemplateError<'_>> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Object(parts) => {
                let mut fields = Map::with_capacity(parts.len());
                for (name, part) in parts {
                    fields.insert(name.clone(), part.evaluate(scope)?);
                }
                Ok(Value::Object(fields))
            }
            Self::Array(parts) => {
                parts.iter().map(|part| part.evaluate(scope)).collect::<Result<_, _>>().map(Value::Array)
            }
            Self::Computed { field, expression } => compute(expression, field, scope),
            Self::Jsonata(at) => {
                scope.jsonata(&at.expression).map_err(|failure| TemplateError::Jsonata { at, failure })
            }
        }
    }
}

/// Returns the value of a path or call that stands in a field.
pub(super) fn compute<'t>(expression: &Expression, field: &str, scope: &dyn Scope) -> Result<Value, TemplateError<'t>> {
    match expression {
        Expression::Query(query) => scope
            .query(query)
            .map_err(|_| TemplateError::NoMatch { path: query.as_str().to_owned(), field: field.to_owned() }),
        Expression::Call { text, call } => call.evaluate(scope).map_err(|error| match error {
            EvaluationError::NoMatch { path, .. } => TemplateError::NoMatch { path, field: field.to_owned() },
            EvaluationError::BadArgument { reason, .. } => TemplateError::Intrinsic { call: text.clone(), reason },
        }),
    }
}
