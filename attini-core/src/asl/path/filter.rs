use std::cmp::Ordering;

use serde_json::Value;

use super::{JsonPath, Selection};

/// The condition of `[?(…)]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    /// `@.a`: the value is there, whatever it is.
    Exists(Operand),
    Compare {
        left: Operand,
        comparison: Comparison,
        right: Operand,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operand {
    Literal(Value),
    Path { path: JsonPath, from_root: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    LessOrEqual,
    GreaterOrEqual,
    Less,
    Greater,
    NotIn,
    In,
    Contains,
    Size,
    Empty,
}

impl Comparison {
    /// The signs; where one is the start of another, the longer comes first.
    pub(super) const ALL: [(&'static str, Self); 11] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("<", Self::Less),
        (">", Self::Greater),
        ("nin", Self::NotIn),
        ("in", Self::In),
        ("contains", Self::Contains),
        ("size", Self::Size),
        ("empty", Self::Empty),
    ];
}

impl Filter {
    pub(super) fn holds(&self, item: &Value, root: &Value) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(item, root)),
            Self::All(parts) => parts.iter().all(|part| part.holds(item, root)),
            Self::Not(part) => !part.holds(item, root),
            Self::Exists(operand) => operand.value(item, root).is_some(),
            Self::Compare { left, comparison, right } => {
                compare(left.value(item, root).as_ref(), *comparison, right.value(item, root).as_ref())
            }
        }
    }
}

impl Operand {
    fn value(&self, item: &Value, root: &Value) -> Option<Value> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            Self::Path { path, from_root } => match path.select(if *from_root { root } else { item }) {
                Ok(Selection::Indefinite(values)) if values.is_empty() => None,
                Ok(selection) => Some(selection.into_value()),
                Err(_) => None,
            },
        }
    }
}

fn compare(left: Option<&Value>, comparison: Comparison, right: Option<&Value>) -> bool {
    let equal = || match (left, right) {
        (Some(left), Some(right)) => same(left, right),
        (None, None) => true,
        _ => false,
    };
    let ordering = || order(left?, right?);
    match comparison {
        Comparison::Equal => equal(),
        Comparison::NotEqual => !equal(),
        Comparison::Less => ordering() == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(ordering(), Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => ordering() == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(ordering(), Some(Ordering::Greater | Ordering::Equal)),
        Comparison::In => is_in(left, right),
        Comparison::NotIn => !is_in(left, right),
        Comparison::Contains => match (left, right) {
            (Some(Value::String(text)), Some(Value::String(part))) => text.contains(part),
            (Some(Value::Array(items)), Some(item)) => items.iter().any(|known| same(known, item)),
            _ => false,
        },
        Comparison::Size => match (left.and_then(size), right.and_then(|value| size(value).or(count(value)))) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
        Comparison::Empty => match (left.and_then(size), right.and_then(Value::as_bool)) {
            (Some(size), Some(empty)) => (size == 0) == empty,
            _ => false,
        },
    }
}

fn is_in(item: Option<&Value>, list: Option<&Value>) -> bool {
    match (item, list) {
        (Some(item), Some(Value::Array(items))) => items.iter().any(|known| same(known, item)),
        _ => false,
    }
}

fn size(value: &Value) -> Option<u64> {
    match value {
        Value::Array(items) => u64::try_from(items.len()).ok(),
        Value::String(text) => u64::try_from(text.chars().count()).ok(),
        _ => None,
    }
}

fn count(value: &Value) -> Option<u64> {
    value.as_u64()
}

/// Numbers by value (`1` equals `1.0`), all else by content.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}
