//! The schema and the reader know the same files: each is shown documents that were made from the other.

use std::collections::BTreeSet;

use fancy_regex::Regex;
use serde_json::{Map, Value, json};

use super::*;
use crate::document::Document;
use crate::problem::Problem;

/// A place in the schema: the way there, and what may stand there.
struct Place {
    way: Vec<Step>,
    schema: Value,
}

#[derive(Clone)]
enum Step {
    /// A key, and what else the map around it has to hold.
    Key(String, Map<String, Value>),
    Element,
}

/// Returns every place of a schema, depth first.
fn places(schema: &Value, way: &[Step], found: &mut Vec<Place>) {
    found.push(Place { way: way.to_vec(), schema: schema.clone() });
    let below = |step: Step| [way, &[step]].concat();
    for (key, child) in schema["properties"].as_object().into_iter().flatten() {
        let mut siblings = Map::new();
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            siblings.insert(required.to_owned(), sample(&schema["properties"][required]));
        }
        places(child, &below(Step::Key(key.clone(), siblings)), found);
    }
    if schema["additionalProperties"].is_object() {
        places(&schema["additionalProperties"], &below(Step::Key("default".to_owned(), Map::new())), found);
    }
    if schema["items"].is_object() {
        places(&schema["items"], &below(Step::Element), found);
    }
    for branch in schema["anyOf"].as_array().into_iter().flatten() {
        places(branch, way, found);
    }
}

/// Returns a value that a schema allows.
fn sample(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.clone();
    }
    if let Some(branch) = schema["anyOf"].as_array().and_then(|all| all.first()) {
        return sample(branch);
    }
    match schema["type"].as_array().map_or(&schema["type"], |all| &all[0]).as_str() {
        Some("boolean") => json!(true),
        Some("array") => json!([sample(&schema["items"])]),
        Some("object") => {
            let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
            required.map(|key| (key.to_owned(), sample(&schema["properties"][key]))).collect::<Map<_, _>>().into()
        }
        _ => json!("a1"),
    }
}

/// Returns a document that holds a value at a place.
fn document(way: &[Step], value: Value) -> Value {
    way.iter().rev().fold(value, |value, step| match step {
        Step::Key(key, siblings) => {
            let mut map = siblings.clone();
            map.insert(key.clone(), value);
            map.into()
        }
        Step::Element => json!([value]),
    })
}

fn name(way: &[Step]) -> String {
    let steps = way.iter().map(|step| match step {
        Step::Key(key, _) => format!(".{key}"),
        Step::Element => "[]".to_owned(),
    });
    steps.collect()
}

/// Says why a schema refuses a value; knows what our schema uses.
fn refusal(schema: &Value, value: &Value) -> Option<String> {
    if let Some(branches) = schema["anyOf"].as_array() {
        let refused: Vec<_> = branches.iter().map(|branch| refusal(branch, value)).collect();
        return refused.iter().all(Option::is_some).then(|| format!("{value}: no branch fits"));
    }
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema uses the type {other}"),
    };
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.into_iter().any(is) {
        return Some(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        return Some(format!("{value} is not in {}", schema["enum"]));
    }
    if let (Some(pattern), Some(text)) = (schema["pattern"].as_str(), value.as_str())
        && !Regex::new(pattern).unwrap().is_match(text).unwrap()
    {
        return Some(format!("{text} does not match {pattern}"));
    }
    let mut refused = Vec::new();
    if let Some(items) = value.as_array() {
        refused.extend(items.iter().filter_map(|item| refusal(&schema["items"], item)));
    }
    if let Some(map) = value.as_object() {
        for (key, child) in map {
            match (schema["properties"].get(key), schema.get("additionalProperties")) {
                (Some(known), _) | (None, Some(known @ Value::Object(_))) => refused.extend(refusal(known, child)),
                (None, Some(Value::Bool(false))) => refused.push(format!("unknown key {key}")),
                _ => {}
            }
        }
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        refused.extend(required.filter(|key| !map.contains_key(*key)).map(|key| format!("{key} is missing")));
    }
    (!refused.is_empty()).then(|| refused.join(", "))
}

fn read(value: &Value) -> Vec<Problem> {
    match Config::parse("f.json", &value.to_string()) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems.0,
    }
}

/// What is wrong with keys and types, without what only the reader can know.
fn of_form(problems: &[Problem]) -> Vec<&str> {
    let messages = problems.iter().map(|problem| problem.message.as_str());
    messages
        .filter(|text| text.starts_with("unknown key") || text.contains(" must be ") || text.contains(" has no "))
        .filter(|text| !text.contains("has no effect without"))
        .collect()
}

fn all_places() -> Vec<Place> {
    let mut found = Vec::new();
    places(&schema(), &[], &mut found);
    found
}

#[test]
fn the_reader_takes_every_file_that_the_schema_allows() {
    let places = all_places();
    assert!(places.len() > 40, "{}", places.len());
    for place in places {
        let file = document(&place.way, sample(&place.schema));
        assert_eq!(refusal(&schema(), &file), None, "{file}");
        assert_eq!(of_form(&read(&file)), Vec::<&str>::new(), "{file}");
        if place.schema["type"].as_array().is_some_and(|types| types.contains(&json!("null"))) {
            let file = document(&place.way, Value::Null);
            assert_eq!(of_form(&read(&file)), Vec::<&str>::new(), "{file}");
        }
    }
}

#[test]
fn the_reader_refuses_the_types_that_the_schema_refuses() {
    for place in all_places().iter().filter(|place| !place.way.is_empty()) {
        for value in [json!([[1]]), json!({"a": {"b": [{}]}}), json!([{"c": []}]), json!("text"), json!(7), json!(null)]
        {
            let file = document(&place.way, value);
            let problems = read(&file);
            let said = of_form(&problems);
            assert_eq!(refusal(&schema(), &file).is_some(), !said.is_empty(), "{}: {file}: {said:?}", name(&place.way));
        }
    }
}

#[test]
fn the_schema_has_every_key_that_the_reader_knows() {
    let mut seen = 0;
    for place in all_places().iter().filter(|place| place.schema["additionalProperties"] == json!(false)) {
        // The reader lists the keys it knows when it is shown one that it does not know.
        let mut map = sample(&place.schema);
        map["zzzzzzzzzzzz"] = json!("x");
        let problems = read(&document(&place.way, map));
        let problem = problems.iter().find(|problem| problem.message.contains("zzzzzzzzzzzz"));
        let help = problem.and_then(|problem| problem.help.clone()).unwrap_or_default();
        let listed: BTreeSet<&str> = help.split('`').skip(1).step_by(2).collect();
        let described: BTreeSet<&str> =
            place.schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(listed, described, "{}", name(&place.way));
        seen += described.len();
    }
    assert_eq!(seen, 30, "keys");
}

#[test]
fn every_key_is_described_with_its_rule() {
    for place in all_places() {
        for (key, child) in place.schema["properties"].as_object().into_iter().flatten() {
            assert!(child["description"].is_string() && child["x-rule"].is_string(), "{}.{key}", name(&place.way));
        }
    }
}

#[test]
fn patterns_are_the_rules_of_names_and_ids() {
    let schema = schema();
    let texts = [
        "a", "-a", "a b", "1.x_y-z", "a/b", "a:b", "é", "a\u{7f}", "a\tb", "a\"b", "a'b", "a*b", "a@b", "(a)", "$",
        "]", "[",
    ];
    let long = ["x".repeat(128), "x".repeat(129)];
    for text in texts.into_iter().chain(long.iter().map(String::as_str)) {
        for (key, is_valid) in [
            ("distributionName", DistributionName::parse(text).is_ok()),
            ("distributionId", DistributionId::parse(text).is_ok()),
        ] {
            assert_eq!(refusal(&schema["properties"][key], &json!(text)).is_none(), is_valid, "{key} {text:?}");
        }
    }
}

#[test]
fn the_specified_example_fits() {
    let text = "distributionName: shop\nversion: 1.4\ndistributionTags: {branch: main, n: 1}\ninitDeployConfig:\n  \
                template: /p.yaml\n  tags: {a: 1, dev: {b: 2}}\n  parameters: {default: {A: [1, x], B: , C: true}, prod: }\n";
    assert_eq!(refusal(&schema(), &Document::parse("f.yaml", text).unwrap().to_json()), None);
}
