//! Configuration files of stacks.

use super::cfn::{deploy, finish, last};
use super::*;
use crate::port::{DeclaredParameter, ParameterValue, Precondition, TemplateLocation};
use crate::value::ObjectKey;

fn with_files(files: &[(&str, &str)]) -> TestFramework {
    let (world, _) = world();
    for (path, content) in files {
        let key = ObjectKey::new(format!("{PREFIX}{path}"));
        block_on(world.framework.artifacts.put(&key, content.as_bytes().to_vec().into(), Precondition::None)).unwrap();
    }
    world
}

fn declare(world: &TestFramework, names: &[&str]) {
    let template = TemplateLocation::Artifact(ObjectKey::new(format!("{PREFIX}/db.yaml")));
    let parameter = |name: &&str| DeclaredParameter {
        name: (*name).to_owned(),
        kind: "String".to_owned(),
        has_default: true,
        no_echo: false,
    };
    world.stacks.declare(&template, names.iter().map(parameter).collect());
}

/// Deploys with a file, and returns the parameters that were sent.
fn parameters(world: &TestFramework, more: &Value) -> Value {
    let mut properties = json!({"ConfigFile": "/c.yaml"});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let token = deploy(world, &properties);
    assert_eq!(world.tokens.answer_to(&token), None);
    let text = |value: &ParameterValue| match value {
        ParameterValue::Text(text) => text.clone(),
        ParameterValue::Previous => "(previous)".to_owned(),
    };
    let sent: serde_json::Map<String, Value> =
        last(world).parameters.iter().map(|(name, value)| (name.clone(), text(value).into())).collect();
    finish(world);
    Value::Object(sent)
}

#[track_caller]
fn refused(world: &TestFramework, properties: &Value, words: &[&str]) {
    let token = deploy(world, properties);
    let failed = failure(world, &token);
    assert_eq!(failed.error, "StackConfigError", "{failed}");
    assert!(words.iter().all(|word| failed.cause.contains(word)), "{failed}");
    assert!(world.stacks.requests().is_empty());
}

#[test]
fn actions_case_14_and_missing_and_broken_files() {
    let world = with_files(&[("/broken.yaml", "stackNme: x\n"), ("/list.yaml", "[]")]);
    refused(&world, &json!({"ConfigFile": "config.yaml"}), &["/config.yaml"]);
    refused(&world, &json!({"ConfigFile": "/none.yaml"}), &["could not find config file /none.yaml"]);
    refused(&world, &json!({"ConfigFile": "/broken.yaml"}), &["could not parse", "/broken.yaml:1:1", "stackNme"]);
    refused(&world, &json!({"ConfigFile": "/list.yaml"}), &["/list.yaml"]);
}

#[test]
fn actions_case_15_and_17_extends() {
    let world = with_files(&[
        ("/c.yaml", "extends: /p.yaml\nparameters: {Ram: 128}\nstackRoleArn: R\n"),
        ("/p.yaml", "extends: /g.yaml\nparameters: {Ram: 64, Cpu: 2}\n"),
        ("/g.yaml", "tags: {Author: x}\n"),
    ]);
    declare(&world, &["Ram", "Cpu"]);
    assert_eq!(parameters(&world, &json!({})), json!({"Ram": "128", "Cpu": "2"}));
    let request = last(&world);
    assert_eq!((request.tags["Author"].as_str(), request.service_role.as_deref()), ("x", Some("R")));
}

#[test]
fn actions_case_16_files_that_extend_each_other() {
    let world = with_files(&[
        ("/a.yaml", "extends: /a.yaml\n"),
        ("/b.yaml", "extends: /x/../c.yaml\n"),
        ("/c.yaml", "extends: /b.yaml\n"),
    ]);
    refused(&world, &json!({"ConfigFile": "/a.yaml"}), &["/a.yaml -> /a.yaml"]);
    refused(&world, &json!({"ConfigFile": "/b.yaml"}), &["/b.yaml -> /x/../c.yaml -> /b.yaml"]);
}

#[test]
fn actions_case_18_and_19_fallback() {
    let world = with_files(&[
        ("/c.yaml", "parameters: {Ram: {value: 256, fallback: true}}\n"),
        ("/d.yaml", "parameters: {Ram: 1024}\n"),
    ]);
    declare(&world, &["Ram"]);
    assert_eq!(parameters(&world, &json!({})), json!({"Ram": "256"}));
    assert_eq!(parameters(&world, &json!({"ConfigFile": "/d.yaml"})), json!({"Ram": "1024"}));
    assert_eq!(parameters(&world, &json!({"Tags": {"changed": "1"}})), json!({"Ram": "(previous)"}));
    assert_eq!(parameters(&world, &json!({"Parameters": {"Ram": 512}})), json!({"Ram": "512"}));
}

#[test]
fn actions_case_20_parameters_of_the_account() {
    let file = |default: &str| format!("parameters: {{P: {{value: '/${{p}}', type: SSM-Parameter{default}}}}}\n");
    let world = with_files(&[("/c.yaml", &file("")), ("/d.yaml", &file(", default: d"))]);
    declare(&world, &["P"]);
    refused(&world, &json!({"ConfigFile": "/c.yaml"}), &["P", "`/a`"]);
    assert_eq!(parameters(&world, &json!({"ConfigFile": "/d.yaml"})), json!({"P": "d"}));
    block_on(world.framework.parameters.put("/a", "secret", "")).unwrap();
    assert_eq!(parameters(&world, &json!({})), json!({"P": "secret"}));
}

#[test]
fn actions_case_21_and_22_variables() {
    let world = with_files(&[(
        "/b.yaml",
        "stackName: ${p}-db\nparameters: {A: '${missing:-dflt}', B: '$${p}', C: '${missing}'}\n",
    )]);
    declare(&world, &["A", "B", "C"]);
    let properties = json!({"ConfigFile": "/${p}.yaml", "Variables": {"p": "b"}, "Template": "/db.yaml"});
    let token = run(&world, "DeployCfn", "Db", &properties);
    assert_eq!(world.tokens.answer_to(&token), None);
    let request = last(&world);
    assert_eq!(request.target.name.as_str(), "b-db");
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let expected = [("A", text("dflt")), ("B", text("${p}")), ("C", text("${missing}"))];
    assert!(request.parameters == expected.map(|(name, value)| (name.to_owned(), value)).into());
}

#[test]
fn actions_case_23_undeclared_parameters_are_left_out() {
    let world = with_files(&[("/c.yaml", "parameters: {Foo: 1}\n")]);
    declare(&world, &["Ram"]);
    assert_eq!(parameters(&world, &json!({"Parameters": {"Ram": 1, "Bar": 2}})), json!({"Ram": "1"}));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let (world, _) = world();
    let properties = json!({"Region": "here", "OnFailure": "delete", "Action": "x", "Template": "http://x"});
    let token = run(&world, "DeployCfn", "Db", &properties);
    let failed = failure(&world, &token);
    for word in ["stack name", "here", "`delete`", "`x`", "http://x"] {
        assert!(failed.cause.contains(word), "{word} is not in {failed}");
    }
}
