use serde_json::Value;

use super::{NoMatch, Token, canonical};

/// Follows a definite path. The texts of the errors are Jayway's, as the service shows them in causes.
pub(super) fn one<'a>(tokens: &[Token], root: &'a Value) -> Result<&'a Value, NoMatch> {
    let mut current = root;
    for (position, token) in tokens.iter().enumerate() {
        let so_far = || tokens.get(..=position).map(canonical).unwrap_or_default();
        let before = || tokens.get(..position).map(canonical).unwrap_or_default();
        let is_leaf = position + 1 == tokens.len();
        let no_results = || NoMatch(format!("No results for path: {}", canonical(tokens)));
        current = match token {
            Token::Names(names) => {
                let name = names.first().map_or("", String::as_str);
                let Value::Object(fields) = current else {
                    return Err(NoMatch(format!(
                        "Expected to find an object with property ['{name}'] in path {} but found '{}'. This is not a \
                         json object according to the JsonProvider: \
                         'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
                        before(),
                        java_class(current),
                    )));
                };
                match fields.get(name) {
                    Some(value) => value,
                    None if is_leaf => return Err(no_results()),
                    None => return Err(NoMatch(format!("Missing property in path {}", so_far()))),
                }
            }
            Token::Indexes(indexes) => {
                let index = indexes.first().copied().unwrap_or_default();
                let Value::Array(items) = current else {
                    return Err(match current {
                        Value::Null => NoMatch(format!("The path {} is null", before())),
                        other => NoMatch(format!(
                            "Filter: [{index}] can only be applied to arrays. Current context is: {other}"
                        )),
                    });
                };
                resolve(index, items.len()).and_then(|index| items.get(index)).ok_or_else(no_results)?
            }
            Token::Slice { .. } | Token::Wildcard | Token::Descend | Token::Filter(_) => return Err(no_results()),
        };
    }
    Ok(current)
}

/// Collects everything an indefinite path selects; what is missing on the way is left out.
pub(super) fn all<'a>(tokens: &[Token], start: &'a Value, root: &'a Value) -> Vec<&'a Value> {
    let mut current = vec![start];
    for token in tokens {
        let mut next = Vec::new();
        for value in current {
            step(token, value, root, &mut next);
        }
        current = next;
    }
    current
}

fn step<'a>(token: &Token, value: &'a Value, root: &'a Value, found: &mut Vec<&'a Value>) {
    match (token, value) {
        (Token::Names(names), Value::Object(fields)) => found.extend(names.iter().filter_map(|name| fields.get(name))),
        (Token::Indexes(indexes), Value::Array(items)) => {
            found.extend(indexes.iter().filter_map(|index| items.get(resolve(*index, items.len())?)));
        }
        (Token::Slice { from, to, step }, Value::Array(items)) => {
            let from = from.map_or(0, |n| clamp(n, items.len()));
            let to = to.map_or(items.len(), |n| clamp(n, items.len()));
            let step = usize::try_from(*step).unwrap_or(usize::MAX).max(1);
            found.extend(items.get(from..to).unwrap_or_default().iter().step_by(step));
        }
        (Token::Wildcard, Value::Array(items)) => found.extend(items),
        (Token::Wildcard, Value::Object(fields)) => found.extend(fields.values()),
        (Token::Filter(filter), Value::Array(items)) => {
            found.extend(items.iter().filter(|item| filter.holds(item, root)));
        }
        (Token::Filter(filter), value @ Value::Object(_)) if filter.holds(value, root) => found.push(value),
        (Token::Descend, value) => descend(value, found),
        _ => {}
    }
}

/// The value and all below it, parents first; with a list instead of recursion, so depth costs no stack.
fn descend<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(fields) => open.extend(fields.values().rev()),
            _ => continue,
        }
        found.push(value);
    }
}

fn resolve(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        usize::try_from(index).ok()
    } else {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    }
}

fn clamp(bound: i64, length: usize) -> usize {
    let magnitude = usize::try_from(bound.unsigned_abs()).unwrap_or(usize::MAX);
    if bound >= 0 { magnitude.min(length) } else { length.saturating_sub(magnitude) }
}

fn java_class(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "com.fasterxml.jackson.databind.node.BooleanNode",
        Value::Number(_) => "com.fasterxml.jackson.databind.node.IntNode",
        Value::String(_) => "com.fasterxml.jackson.databind.node.TextNode",
        Value::Array(_) => "com.fasterxml.jackson.databind.node.ArrayNode",
        Value::Object(_) => "com.fasterxml.jackson.databind.node.ObjectNode",
    }
}
