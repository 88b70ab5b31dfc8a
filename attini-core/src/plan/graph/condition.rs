//! The conditions of a `Choice` as a person would say them: `$.environment == "prod"`.

use serde_json::{Map, Value};

/// Returns a choice rule as text; its `Next`, `Assign` and `Comment` do not count.
pub(super) fn condition_text(rule: &Map<String, Value>) -> String {
    if let Some(Value::String(expression)) = rule.get("Condition") {
        let inner = expression.trim().trim_start_matches("{%").trim_end_matches("%}");
        return inner.trim().to_owned();
    }
    for (key, word) in [("And", " and "), ("Or", " or ")] {
        if let Some(Value::Array(parts)) = rule.get(key) {
            return parts.iter().map(part).collect::<Vec<_>>().join(word);
        }
    }
    match rule.get("Not") {
        Some(Value::Object(inner)) => negated(inner),
        Some(other) => format!("not {other}"),
        None => comparison(rule, false),
    }
}

fn part(value: &Value) -> String {
    match value {
        Value::Object(rule) if rule.contains_key("And") || rule.contains_key("Or") => {
            format!("({})", condition_text(rule))
        }
        Value::Object(rule) => condition_text(rule),
        other => other.to_string(),
    }
}

fn negated(rule: &Map<String, Value>) -> String {
    if ["And", "Or", "Not"].iter().any(|key| rule.contains_key(*key)) {
        format!("not ({})", condition_text(rule))
    } else {
        comparison(rule, true)
    }
}

fn comparison(rule: &Map<String, Value>, is_negated: bool) -> String {
    let variable = rule.get("Variable").map_or_else(|| "?".to_owned(), text);
    let operator =
        rule.iter().find(|(key, _)| !matches!(key.as_str(), "Variable" | "Next" | "Assign" | "Comment" | "Output"));
    let Some((name, value)) = operator else { return variable };
    if let Some(what) = name.strip_prefix("Is") {
        let is_true = value.as_bool().unwrap_or(true) != is_negated;
        let what = match what {
            "Present" => "present",
            "Null" => "null",
            "Numeric" => "a number",
            "String" => "a text",
            "Boolean" => "true or false",
            "Timestamp" => "a time",
            other => other,
        };
        return format!("{variable} is {}{what}", if is_true { "" } else { "not " });
    }
    let (base, is_path) = name.strip_suffix("Path").map_or((name.as_str(), false), |base| (base, true));
    let base = ["String", "Numeric", "Boolean", "Timestamp"].iter().find_map(|kind| base.strip_prefix(kind));
    let sign = match (base, is_negated) {
        (Some("Equals"), false) => "==",
        (Some("Equals"), true) => "!=",
        (Some("LessThan"), false) | (Some("GreaterThanEquals"), true) => "<",
        (Some("LessThanEquals"), false) | (Some("GreaterThan"), true) => "<=",
        (Some("GreaterThan"), false) | (Some("LessThanEquals"), true) => ">",
        (Some("GreaterThanEquals"), false) | (Some("LessThan"), true) => ">=",
        (Some("Matches"), false) => "matches",
        (Some("Matches"), true) => "does not match",
        (_, false) => name,
        (_, true) => return format!("not {variable} {name} {value}"),
    };
    let value = if is_path || name.starts_with("Timestamp") { text(value) } else { value.to_string() };
    format!("{variable} {sign} {value}")
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(rule: &Value, text: &str) {
        assert_eq!(condition_text(rule.as_object().expect("a rule")), text);
    }

    #[test]
    fn conditions_read_like_sentences() {
        check(&json!({"Variable": "$.env", "StringEquals": "prod", "Next": "X"}), r#"$.env == "prod""#);
        check(&json!({"Variable": "$.n", "NumericGreaterThanEquals": 3}), "$.n >= 3");
        check(&json!({"Variable": "$.n", "NumericLessThanPath": "$.max"}), "$.n < $.max");
        check(&json!({"Variable": "$.b", "BooleanEquals": true}), "$.b == true");
        check(&json!({"Variable": "$.x", "IsPresent": false}), "$.x is not present");
        check(&json!({"Variable": "$.s", "StringMatches": "a*"}), r#"$.s matches "a*""#);
        check(&json!({"Variable": "$.t", "TimestampLessThan": "2026-01-01T00:00:00Z"}), "$.t < 2026-01-01T00:00:00Z");
        check(&json!({"Condition": "{% $states.input.a > 2 %}"}), "$states.input.a > 2");
    }

    #[test]
    fn conditions_of_conditions_have_brackets_where_they_need_them() {
        let a = json!({"Variable": "$.a", "StringEquals": "1"});
        let b = json!({"Variable": "$.b", "IsPresent": true});
        check(&json!({"And": [a, b]}), r#"$.a == "1" and $.b is present"#);
        check(&json!({"And": [a, {"Or": [a, b]}]}), r#"$.a == "1" and ($.a == "1" or $.b is present)"#);
        check(&json!({"Not": a}), r#"$.a != "1""#);
        check(&json!({"Not": b}), "$.b is not present");
        check(&json!({"Not": {"And": [a, b]}}), r#"not ($.a == "1" and $.b is present)"#);
        for (operator, sign) in
            [("LessThan", ">="), ("LessThanEquals", ">"), ("GreaterThan", "<="), ("GreaterThanEquals", "<")]
        {
            check(&json!({"Not": {"Variable": "$.n", format!("Numeric{operator}"): 1}}), &format!("$.n {sign} 1"));
        }
    }

    #[test]
    fn what_is_no_condition_is_shown_as_it_is() {
        check(&json!({}), "?");
        check(&json!({"Variable": "$.a"}), "$.a");
        check(&json!({"Variable": "$.a", "Sounds": "like"}), r#"$.a Sounds "like""#);
        check(&json!({"Not": 3}), "not 3");
        check(&json!({"And": [3]}), "3");
    }
}
