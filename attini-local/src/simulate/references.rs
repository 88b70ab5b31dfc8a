use std::collections::{BTreeMap, BTreeSet};

use attini_core::asl::intrinsic::Call;
use attini_core::asl::path::{Query, Root};
use serde_json::Value;

/// The fields that hold the machines inside of a state.
const MACHINES: [&str; 3] = ["ItemProcessor", "Iterator", "Branches"];
/// Fields whose value is data, whatever it looks like.
const DATA: [&str; 2] = ["Comment", "Result"];

/// Returns the variables that each state reads, as `DescribeStateMachine` answers: states that read none are left out, the
/// states of branches and of item processors stand beside the others.
#[must_use]
pub fn variable_references(definition: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    let is_jsonata = is_jsonata(definition).unwrap_or(false);
    machine(definition, is_jsonata, &mut found);
    found
}

fn is_jsonata(object: &Value) -> Option<bool> {
    object.get("QueryLanguage").and_then(Value::as_str).map(|language| language == "JSONata")
}

/// JSON is nested 128 levels at most, so recursion is safe here and below.
fn machine(machine: &Value, outer_is_jsonata: bool, found: &mut BTreeMap<String, BTreeSet<String>>) {
    for (name, state) in machine.get("States").and_then(Value::as_object).into_iter().flatten() {
        let Value::Object(fields) = state else { continue };
        let is_jsonata = is_jsonata(state).unwrap_or(outer_is_jsonata);
        let mut names = BTreeSet::new();
        for (field, value) in fields.iter().filter(|(field, _)| !DATA.contains(&field.as_str())) {
            if MACHINES.contains(&field.as_str()) {
                let machines = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                machines.iter().for_each(|inner| self::machine(inner, outer_is_jsonata, found));
            } else if is_jsonata {
                expressions(value, &mut names);
            } else {
                paths(field, value, &mut names);
            }
        }
        if !names.is_empty() {
            found.entry(name.clone()).or_default().extend(names);
        }
    }
}

/// Whether a field of a JSONPath state holds a path: `InputPath`, `Variable`, and whatever ends in `.$`.
fn is_path(field: &str) -> bool {
    field.ends_with(".$") || field.ends_with("Path") || field == "Variable"
}

fn paths(field: &str, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_path(field) => path(text, names),
        Value::Array(items) => items.iter().for_each(|item| paths("", item, names)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| paths(name, value, names)),
        _ => {}
    }
}

fn path(text: &str, names: &mut BTreeSet<String>) {
    let mut add = |query: &Query| {
        if let Root::Variable(name) = &query.root {
            names.insert(name.clone());
        }
    };
    if let Ok(query) = Query::parse(text) {
        add(&query);
    } else if let Ok(call) = Call::parse(text) {
        call.queries(&mut add);
    }
}

fn expressions(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Some(expression) = text.strip_prefix("{%").and_then(|text| text.strip_suffix("%}")) {
                expression_names(expression, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, names)),
        Value::Object(fields) => fields.values().for_each(|value| expressions(value, names)),
        _ => {}
    }
}

/// Adds the variables of a JSONata expression: every `$name` that is no function and that the expression does not define.
fn expression_names(expression: &str, names: &mut BTreeSet<String>) {
    let (mut used, mut own) = (BTreeSet::new(), BTreeSet::from(["states".to_owned()]));
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or("");
        rest = match c {
            '\'' | '"' | '`' => after_quoted(after, c),
            '/' if after.starts_with('*') => after.split_once("*/").map_or("", |(_, rest)| rest),
            '$' => {
                let length = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
                let (name, rest) = after.split_at(length);
                let next = rest.trim_start();
                if next.starts_with(":=") {
                    own.insert(name.to_owned());
                } else if !name.is_empty() && !next.starts_with('(') {
                    used.insert(name.to_owned());
                }
                rest
            }
            c if c.is_alphabetic() => {
                let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (word, rest) = rest.split_at(length);
                let parameters = rest.trim_start().strip_prefix('(').and_then(|rest| rest.split_once(')'));
                if let ("function" | "λ", Some((parameters, rest))) = (word, parameters) {
                    let names = parameters.split(',').filter_map(|name| name.trim().strip_prefix('$'));
                    own.extend(names.map(str::to_owned));
                    rest
                } else {
                    rest
                }
            }
            _ => after,
        };
    }
    names.extend(used.difference(&own).cloned());
}

fn after_quoted(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return text.get(at + c.len_utf8()..).unwrap_or(""),
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(state: &Value, language: &str) -> Vec<String> {
        let definition = json!({"QueryLanguage": language, "StartAt": "A", "States": {"A": state}});
        variable_references(&definition).remove("A").unwrap_or_default().into_iter().collect()
    }

    #[test]
    fn paths_and_calls_read_variables() {
        let state = json!({"Type": "Choice", "InputPath": "$a.b", "Result": {"x.$": "$no"}, "Comment": "$no",
            "Parameters": {"x.$": "States.Format('$no {}', $b[0])", "y.$": "$.no", "z": "$no", "c.$": "$$.no"},
            "Choices": [{"And": [{"Variable": "$c", "StringEqualsPath": "$d"}], "Next": "$no"}]});
        assert_eq!(of(&state, "JSONPath"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn expressions_read_variables_that_they_do_not_define() {
        let state = json!({"Type": "Pass", "Output": [
            "{% ($x := $a; $map($b, function($v, $i) { $v + $i + $x + $states.input.n & '$no' /* $no */ & $.c }) ) %}",
            "$no",
        ]});
        assert_eq!(of(&state, "JSONata"), ["a", "b"]);
    }

    #[test]
    fn states_of_item_processors_stand_beside_the_others() {
        let inner = json!({"StartAt": "B", "States": {"B": {"Type": "Pass", "InputPath": "$y", "End": true}}});
        let definition = json!({"StartAt": "A", "States": {
            "A": {"Type": "Map", "ItemsPath": "$x", "ItemProcessor": inner, "End": true},
        }});
        let found = serde_json::to_value(variable_references(&definition)).unwrap();
        assert_eq!(found, json!({"A": ["x"], "B": ["y"]}));
    }
}
