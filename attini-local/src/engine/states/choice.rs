use std::borrow::Cow;
use std::cmp::Ordering;

use attini_core::asl::path::Query;
use attini_core::value::Timestamp;
use serde_json::Value;

use crate::engine::context;
use crate::engine::definition::{
    Choice, Comparison, Condition, Domain, Operand, OperandValue, Rule, Selector, State, StateId, Test,
};
use crate::engine::execution::Execution;
use crate::engine::failure::Fault;
use crate::engine::frame::FrameId;
use crate::engine::scope::StateScope;

impl Execution {
    pub(super) fn choose(
        &mut self,
        id: FrameId,
        state: &State,
        rules: &[Choice],
        default: Option<StateId>,
    ) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let mut chosen = None;
        for choice in rules {
            if holds(&choice.rule, &scope, &input)? {
                chosen = Some(choice);
                break;
            }
        }
        // What the state itself assigns and returns belongs to its default.
        let (next, assign, output) = match (chosen, default) {
            (Some(choice), _) => (choice.next, choice.assign.as_ref(), choice.output.as_ref()),
            (None, Some(next)) => (next, state.assign.as_ref(), state.output.as_ref()),
            (None, None) => {
                return Err(Fault::named(
                    "States.NoChoiceMatched",
                    "Failed to transition out of the state. The state does not point to a next state.",
                ));
            }
        };
        if assign.is_none()
            && output.is_none()
            && matches!((&state.input_path, &state.output_path), (Selector::Whole, Selector::Whole))
        {
            self.leave_as_it_came(id, state, Some(next));
            return Ok(());
        }
        let assigned = scope.assigned(assign, &input)?;
        let output = match output {
            Some(template) => scope.template(Some(template), Cow::Owned(Value::Null))?,
            None => scope.output(&state.output_path, input)?,
        };
        self.leave(id, state, output, assigned, Some(next))
    }
}

/// Rules are nested as deep as JSON at most, so recursion is safe.
fn holds(rule: &Rule, scope: &StateScope<'_>, input: &Value) -> Result<bool, Fault> {
    match rule {
        Rule::All(rules) => {
            for rule in rules {
                if !holds(rule, scope, input)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Rule::Any(rules) => {
            for rule in rules {
                if holds(rule, scope, input)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Rule::Not(rule) => holds(rule, scope, input).map(|holds| !holds),
        Rule::Condition(Condition::Fixed(holds)) => Ok(*holds),
        Rule::Condition(Condition::Jsonata(at)) => scope.typed(at, "boolean", Value::as_bool),
        Rule::Test { variable, test: Test::IsPresent(wanted) } => Ok(scope.find(variable, input).is_some() == *wanted),
        Rule::Test { variable, test } => {
            let value = existing(variable, scope, input)?;
            match test {
                Test::IsPresent(wanted) => Ok(*wanted),
                Test::IsNull(wanted) => Ok(value.is_null() == *wanted),
                Test::IsBoolean(wanted) => Ok(value.is_boolean() == *wanted),
                Test::IsNumeric(wanted) => Ok(value.is_number() == *wanted),
                Test::IsString(wanted) => Ok(value.is_string() == *wanted),
                Test::IsTimestamp(wanted) => Ok(time(&value).is_some() == *wanted),
                Test::Matches(pattern) => Ok(value.as_str().is_some_and(|text| matches(pattern, text))),
                Test::Equals(operand) => {
                    let other = operand_value(operand, scope, input)?;
                    Ok(compare(operand.domain, &value, &other) == Some(Ordering::Equal))
                }
                Test::Compare(comparison, operand) => {
                    let other = operand_value(operand, scope, input)?;
                    let ordering = compare(operand.domain, &value, &other);
                    Ok(ordering.is_some_and(|ordering| match comparison {
                        Comparison::LessThan => ordering.is_lt(),
                        Comparison::LessThanEquals => ordering.is_le(),
                        Comparison::GreaterThan => ordering.is_gt(),
                        Comparison::GreaterThanEquals => ordering.is_ge(),
                    }))
                }
            }
        }
    }
}

fn existing<'v>(query: &Query, scope: &'v StateScope<'_>, input: &'v Value) -> Result<Cow<'v, Value>, Fault> {
    scope.find(query, input).ok_or_else(|| {
        Fault::runtime(format!(
            "Invalid path '{}': The choice state's condition path references an invalid value.",
            query.as_str()
        ))
    })
}

fn operand_value<'v>(
    operand: &'v Operand,
    scope: &'v StateScope<'_>,
    input: &'v Value,
) -> Result<Cow<'v, Value>, Fault> {
    match &operand.value {
        OperandValue::Fixed(value) => Ok(Cow::Borrowed(value)),
        OperandValue::Path(query) => existing(query, scope, input),
    }
}

/// Returns the order of two values of a type; `None` when one of them has another type.
fn compare(domain: Domain, left: &Value, right: &Value) -> Option<Ordering> {
    match domain {
        Domain::Boolean => Some(left.as_bool()?.cmp(&right.as_bool()?)),
        Domain::Numeric => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        Domain::String => Some(left.as_str()?.cmp(right.as_str()?)),
        Domain::Timestamp => Some(time(left)?.cmp(&time(right)?)),
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().and_then(context::time)
}

/// `StringMatches`: `*` stands for any text, `\*` for a star.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = vec![String::new()];
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => parts.push(String::new()),
            c => {
                let c = if c == '\\' { chars.next().unwrap_or('\\') } else { c };
                parts.last_mut().expect("there is always a part").push(c);
            }
        }
    }
    let Some((first, rest)) = parts.split_first() else { return text.is_empty() };
    let Some((last, middle)) = rest.split_last() else { return text == first };
    let Some(mut open) = text.strip_prefix(first.as_str()) else { return false };
    for part in middle {
        match open.find(part.as_str()) {
            Some(at) => open = open.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    open.ends_with(last.as_str())
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_match_any_text() {
        for (pattern, text, expected) in [
            ("*.log", "a.log", true),
            ("*.log", "a.logs", false),
            ("foo*bar*", "foo1bar2", true),
            ("foo*bar", "foobar", true),
            ("a*a", "a", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("\\\\*", "\\x", true),
            ("", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
