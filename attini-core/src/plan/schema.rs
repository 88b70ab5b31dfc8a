//! Init templates as a JSON Schema, for editors (deployment-plan.md 4 to 8).
//!
//! The schema knows one file by itself: keys, types, allowed words. What depends on other places of the template, or on the place
//! of a step, is told by [`expand`](super::expand) and [`check`](super::check).

#![allow(dead_code, reason = "the fields of the types are read by the derive only")]

mod parts;
mod properties;
mod steps;

#[cfg(test)]
mod tests;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{APP_DEPLOYMENT_PLAN, DEPLOYMENT_PLAN, RUNNER};
use parts::{Catcher, Retrier, Text};
use properties::{AppPlanProperties, PlanProperties, RunnerProperties};

/// Sections of a template besides `Resources`, with what they hold.
const SECTIONS: [(&str, &str); 10] = [
    ("AWSTemplateFormatVersion", "Always `2010-09-09`."),
    ("Description", "What the template is for."),
    ("Metadata", "Anything about the template."),
    ("Parameters", "Parameters; their values come from `initDeployConfig.parameters` of the `attini-config` file."),
    ("Rules", "Checks of parameters."),
    ("Mappings", "Tables of constants."),
    ("Conditions", "Conditions under which resources exist."),
    ("Globals", "What several resources have in common (SAM)."),
    ("Outputs", "What the stack tells others."),
    ("Hooks", "Hooks of CloudFormation."),
];

/// Attributes of every resource.
const ATTRIBUTES: [&str; 7] =
    ["Metadata", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy"];

/// Returns the JSON Schema (draft 7, which YAML language servers know) of an init template.
///
/// Plans, runners and their steps are described in full, other resources are not looked into. Functions of CloudFormation fit in
/// their long form; short tags (`!Sub`) need the setting `yaml.customTags` of the language server.
#[must_use]
pub fn schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut generator = settings.into_generator();
    let mut definitions = steps::definitions(&mut generator);
    let plan = plan_properties::<PlanProperties>(&mut generator);
    let app_plan = plan_properties::<AppPlanProperties>(&mut generator);
    let mut runner = of::<RunnerProperties>(&mut generator);
    not_both(&mut runner, ["Image", "TaskDefinitionArn"]);
    definitions.insert("resource".to_owned(), resource());
    definitions.insert(
        "plan".to_owned(),
        attini(DEPLOYMENT_PLAN, &plan, true, "Runs when the distribution that owns it is deployed."),
    );
    definitions.insert(
        "appPlan".to_owned(),
        attini(APP_DEPLOYMENT_PLAN, &app_plan, true, "Runs when an app distribution is deployed."),
    );
    definitions.insert(
        "runner".to_owned(),
        attini(RUNNER, &runner, false, "A container or host on which steps run commands."),
    );
    let mut sections = Map::new();
    for (name, about) in SECTIONS {
        sections.insert(name.to_owned(), json!({ "description": about }));
    }
    sections.insert(
        "Transform".to_owned(),
        json!({
            "description": "`AttiniDeploymentPlan` first, then `AWS::Serverless-2016-10-31`.",
            "type": ["string", "array", "object"],
        }),
    );
    sections.insert(
        "Resources".to_owned(),
        json!({
            "description": "The plan, its runners, and whatever else the init stack holds.",
            "type": "object",
            "patternProperties": { "^Fn::ForEach::": { "type": "array" } },
            "additionalProperties": { "$ref": "#/definitions/resource" },
        }),
    );
    share(&mut definitions, &mut generator);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Init template of an Attini distribution",
        "type": "object",
        "properties": sections,
        "patternProperties": { "^Fn::": {} },
        "required": ["Resources"],
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// Returns the schema of a type, without names and places for others.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let mut schema = generator.subschema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
    }
    schema
}

fn plan_properties<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let mut schema = of::<T>(generator);
    let plan = &mut schema["properties"]["DeploymentPlan"];
    plan["type"] = json!(["array", "object"]);
    plan["if"] = json!({ "type": "array" });
    plan["then"] = json!({ "$ref": "#/definitions/list" });
    plan["else"] = json!({ "$ref": "#/definitions/machine" });
    not_both(&mut schema, ["RoleArn", "Policies"]);
    schema
}

/// Moves what stands in many places to definitions of its own, so that people can read the schema.
fn share(definitions: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let mut shared = Vec::new();
    for kind in ["AttiniCfn", "AttiniSam", "AttiniCdk", "AttiniRunnerJob", "AttiniImport"] {
        let step = definitions.get(&format!("machine.{kind}"));
        if let Some(properties) = step.and_then(|step| step["properties"].get("Properties")) {
            shared.push((format!("{kind}.properties"), properties.clone()));
        }
    }
    let values = [
        ("value.text", of::<Option<Text>>(generator)),
        ("value.requiredText", of::<Text>(generator)),
        ("value.retrier", of::<Retrier>(generator)),
        ("value.catcher", of::<Catcher>(generator)),
    ];
    shared.extend(values.map(|(name, schema)| (name.to_owned(), schema)));
    let known: Vec<(String, Value)> =
        shared.iter().map(|(name, schema)| (name.clone(), without_annotations(schema))).collect();
    definitions.values_mut().for_each(|schema| refer(schema, &known));
    for (name, mut schema) in shared {
        // What is shared is made of what is shared itself.
        schema.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(|part| refer(part, &known));
        definitions.insert(name, schema);
    }
}

/// Replaces what is equal to a shared schema but for its annotations by a reference.
fn refer(schema: &mut Value, shared: &[(String, Value)]) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, shared)),
        Value::Object(object) => {
            let plain = without_annotations(&Value::Object(object.clone()));
            match shared.iter().find(|(_, known)| *known == plain) {
                Some((name, _)) => {
                    object.retain(|key, _| ANNOTATIONS.contains(&key.as_str()));
                    // Beside a reference nothing else counts in this draft.
                    object.insert("allOf".to_owned(), json!([{ "$ref": format!("#/definitions/{name}") }]));
                }
                None => object.values_mut().for_each(|value| refer(value, shared)),
            }
        }
        _ => {}
    }
}

/// What differs between places that hold the same kind of value; limits of numbers stand beside the reference.
const ANNOTATIONS: [&str; 5] = ["description", "default", "examples", "minimum", "maximum"];

fn without_annotations(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(object) = schema.as_object_mut() {
        object.retain(|key, _| !ANNOTATIONS.contains(&key.as_str()));
    }
    schema
}

/// Any resource: ours are checked, of others only that they have a type.
fn resource() -> Value {
    let ours = [(DEPLOYMENT_PLAN, "plan"), (APP_DEPLOYMENT_PLAN, "appPlan"), (RUNNER, "runner")];
    let mut branches: Vec<Value> =
        ours.iter().map(|(kind, name)| when("Type", kind, &format!("#/definitions/{name}"))).collect();
    branches.push(json!({
        "if": { "properties": { "Type": { "pattern": "^Attini::" } }, "required": ["Type"] },
        "then": { "properties": { "Type": { "enum": ours.map(|(kind, _)| kind) } } },
    }));
    json!({
        "type": "object",
        "properties": { "Type": { "description": "Type of the resource.", "type": "string" } },
        "required": ["Type"],
        "allOf": branches,
    })
}

fn not_both(schema: &mut Value, keys: [&str; 2]) {
    let given = keys.map(|key| (key.to_owned(), json!({ "not": { "type": "null" } })));
    schema["not"] = json!({ "required": keys, "properties": Map::from_iter(given) });
}

/// Applies a definition to objects in which a key has a value.
fn when(key: &str, value: &str, definition: &str) -> Value {
    let mut properties = Map::new();
    properties.insert(key.to_owned(), json!({ "const": value }));
    json!({ "if": { "properties": properties, "required": [key] }, "then": { "$ref": definition } })
}

/// A resource of ours.
fn attini(kind: &str, own: &Value, needs_properties: bool, about: &str) -> Value {
    let mut properties = Map::new();
    properties.insert("Type".to_owned(), json!({ "const": kind, "description": about }));
    properties.insert("Properties".to_owned(), own.clone());
    for attribute in ATTRIBUTES {
        properties.insert(attribute.to_owned(), json!({ "description": "As on every resource of CloudFormation." }));
    }
    let required = if needs_properties { json!(["Type", "Properties"]) } else { json!(["Type"]) };
    json!({
        "description": about,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
