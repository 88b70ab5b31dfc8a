use attini_core::asl::intrinsic::{Call, EvaluationError, Scope};
use attini_core::asl::path::{Query, Root};
use serde_json::{Map, Value};

/// What stands where a path or an intrinsic function is allowed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    Query(Query),
    Call { text: String, call: Call },
}

impl Expression {
    /// Reads a path or a call.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('$') {
            let query = Query::parse(text).map_err(|error| error.to_string())?;
            without_variables(&query)?;
            Ok(Self::Query(query))
        } else if text.starts_with("States.") {
            let call = Call::parse(text).map_err(|error| error.to_string())?;
            Ok(Self::Call { text: text.to_owned(), call })
        } else {
            Err(format!("`{text}` is neither a path, which starts with `$`, nor a call such as `States.Format(…)`"))
        }
    }
}

/// Refuses `$name`: variables need `Assign`, which the engine does not have yet.
pub(super) fn without_variables(query: &Query) -> Result<(), String> {
    match &query.root {
        Root::Variable(name) => Err(format!(
            "`{}`: the variable `${name}` is not supported; use a path that starts with `$.`",
            query.as_str()
        )),
        Root::Input | Root::Context => Ok(()),
    }
}

/// A payload template: JSON in which fields that end in `.$` are computed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Template {
    Literal(Value),
    Object(Vec<(String, Template)>),
    Array(Vec<Template>),
    Computed { field: String, expression: Expression },
}

/// Why a template has no value, before it is known in which state.
#[derive(Debug)]
pub(super) enum TemplateError {
    /// A path of a field names nothing.
    NoMatch { path: String, field: String },
    /// An intrinsic function failed.
    Intrinsic { call: String, reason: String },
}

impl Template {
    /// Reads a template; JSON is nested 128 levels at most, so recursion is safe.
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
                if parts.iter().all(|(_, part)| matches!(part, Self::Literal(_))) {
                    Self::Literal(value.clone())
                } else {
                    Self::Object(parts)
                }
            }
            Value::Array(items) => {
                let parts: Vec<Self> = items.iter().map(|item| Self::parse(item, problems)).collect();
                if parts.iter().all(|part| matches!(part, Self::Literal(_))) {
                    Self::Literal(value.clone())
                } else {
                    Self::Array(parts)
                }
            }
            other => Self::Literal(other.clone()),
        }
    }

    /// Returns the value of the template.
    pub(super) fn evaluate(&self, scope: &dyn Scope) -> Result<Value, TemplateError> {
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
        }
    }
}

/// Returns the value of a path or call that stands in a field.
pub(super) fn compute(expression: &Expression, field: &str, scope: &dyn Scope) -> Result<Value, TemplateError> {
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
