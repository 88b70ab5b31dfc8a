//! The schema takes what runs, and refuses what cannot.

use fancy_regex::Regex;

use super::*;
use crate::document::Document;
use crate::plan::check;

const TEMPLATES: [(&str, &str); 12] = [
    ("hello-world", include_str!("../../../../examples/hello-world/deployment-plan.yaml")),
    ("network-and-app", include_str!("../../../../examples/network-and-app/deployment-plan.yaml")),
    ("release-gate", include_str!("../../../../examples/release-gate/deployment-plan.yaml")),
    ("01", include_str!("../../../../tests/fixtures/projects/01-integration-test/deployment-plan.yaml")),
    ("10", include_str!("../../../../tests/fixtures/projects/10-skeleton/deployment-plan.yaml")),
    ("12", include_str!("../../../../tests/fixtures/projects/12-website/deployment-plan.yaml")),
    ("14", include_str!("../../../../tests/fixtures/projects/14-deploy-cfn/deployment-plan.yaml")),
    ("15", include_str!("../../../../tests/fixtures/projects/15-lambda-invoke/deployment-plan.yaml")),
    ("16", include_str!("../../../../tests/fixtures/projects/16-manual-approval/deployment-plan.yaml")),
    ("17", include_str!("../../../../tests/fixtures/projects/17-parallel/deployment-plan.yaml")),
    ("18", include_str!("../../../../tests/fixtures/projects/18-runner/deployment-plan.yaml")),
    ("19", include_str!("../../../../tests/fixtures/projects/19-sam/deployment-plan.yaml")),
];

/// Says what a schema has against a value; knows what ours uses, and panics on anything else.
fn refusals(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let fits = |schema: &Value| {
        let mut found = Vec::new();
        refusals(root, schema, value, at, &mut found);
        found.is_empty()
    };
    let Some(rules) = schema.as_object() else {
        assert_eq!(schema, &json!(true), "a schema is an object");
        return;
    };
    for (rule, limit) in rules {
        let list = || limit.as_array().expect("a list");
        let mut refuse = |is_wrong: bool| {
            if is_wrong {
                found.push(format!("{at}: {value} against {rule} {limit}"));
            }
        };
        match rule.as_str() {
            "$schema" | "title" | "description" | "default" | "examples" | "x-rule" | "definitions" | "then"
            | "else" => {}
            "format" => assert!(["uint64", "double"].contains(&limit.as_str().expect("a text")), "{limit}"),
            "$ref" => {
                let name = limit.as_str().and_then(|name| name.strip_prefix("#/definitions/")).expect("a definition");
                let target = root["definitions"].get(name).unwrap_or_else(|| panic!("no definition {name}"));
                refusals(root, target, value, at, found);
            }
            "type" => {
                let is = |name: &Value| match name.as_str().expect("a name") {
                    "null" => value.is_null(),
                    "string" => value.is_string(),
                    "number" => value.is_number(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("unknown type {other}"),
                };
                refuse(!limit.as_array().map_or_else(|| is(limit), |names| names.iter().any(is)));
            }
            "const" => refuse(value != limit),
            "enum" => refuse(!list().contains(value)),
            "pattern" => {
                let pattern = Regex::new(limit.as_str().expect("a pattern")).expect("it can be read");
                refuse(value.as_str().is_some_and(|text| !pattern.is_match(text).expect("it is simple")));
            }
            "minimum" => refuse(value.as_f64() < limit.as_f64() && value.is_number()),
            "maximum" => refuse(value.as_f64() > limit.as_f64() && value.is_number()),
            "maxLength" => refuse(
                value.as_str().is_some_and(|text| text.chars().count() as u64 > limit.as_u64().expect("a number")),
            ),
            "minItems" => {
                refuse(value.as_array().is_some_and(|items| (items.len() as u64) < limit.as_u64().expect("a number")));
            }
            "minProperties" => {
                refuse(value.as_object().is_some_and(|map| (map.len() as u64) < limit.as_u64().expect("a number")));
            }
            "maxProperties" => {
                refuse(value.as_object().is_some_and(|map| map.len() as u64 > limit.as_u64().expect("a number")));
            }
            "required" => {
                for key in list().iter().filter_map(Value::as_str) {
                    refuse(value.as_object().is_some_and(|map| !map.contains_key(key)));
                }
            }
            "allOf" => list().iter().for_each(|schema| refusals(root, schema, value, at, found)),
            "anyOf" => refuse(!list().iter().any(fits)),
            "oneOf" => refuse(list().iter().filter(|schema| fits(schema)).count() != 1),
            "not" => refuse(fits(limit)),
            "if" => {
                let branch = if fits(limit) { rules.get("then") } else { rules.get("else") };
                branch.into_iter().for_each(|schema| refusals(root, schema, value, at, found));
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    refusals(root, limit, item, &format!("{at}/{index}"), found);
                }
            }
            "properties" | "patternProperties" | "additionalProperties" => {}
            other => panic!("unknown rule {other}"),
        }
    }
    for (key, child) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{key}");
        let mut is_known = false;
        if let Some(schema) = rules.get("properties").and_then(|known| known.get(key)) {
            is_known = true;
            refusals(root, schema, child, &at, found);
        }
        for (pattern, schema) in rules.get("patternProperties").and_then(Value::as_object).into_iter().flatten() {
            if Regex::new(pattern).expect("it can be read").is_match(key).expect("it is simple") {
                is_known = true;
                refusals(root, schema, child, &at, found);
            }
        }
        match rules.get("additionalProperties") {
            Some(Value::Bool(false)) if !is_known => found.push(format!("{at}: unknown")),
            Some(schema @ Value::Object(_)) if !is_known => refusals(root, schema, child, &at, found),
            _ => {}
        }
    }
}

fn refused(template: &Value) -> Vec<String> {
    let (schema, mut found) = (schema(), Vec::new());
    refusals(&schema, &schema, template, "", &mut found);
    found
}

fn with_plan(plan: &Value) -> Value {
    json!({"Resources": {"Plan": {"Type": DEPLOYMENT_PLAN, "Properties": {"DeploymentPlan": plan}}}})
}

#[test]
fn the_templates_of_examples_and_of_user_projects_fit() {
    for (name, text) in TEMPLATES {
        let template = Document::parse("template.yaml", text).expect("it can be read").to_json();
        assert_eq!(refused(&template), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn every_step_type_fits_in_both_syntaxes() {
    let job = json!({"Commands": ["make"], "Environment": {"A.$": "$.environment"}, "Runner.$": "$.customData.runner"});
    let catch = json!([{"ErrorEquals": ["States.ALL"], "ResultPath": "$.output.e", "Next": "End"}]);
    let retry = json!([{"ErrorEquals": ["X"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1.5}]);
    let steps = [
        (
            "Cfn",
            json!({"Type": "AttiniCfn", "Properties": {"StackName": {"Fn::Sub": "${E}-x"}, "Template": "/t", "OutputPath": "p",
            "Parameters": {"A": 1, "B.$": "$.x", "C": {"Ref": "P"}}, "EnableTerminationProtection": "True"}, "Catch": catch, "Retry": retry}),
        ),
        (
            "Sam",
            json!({"Type": "AttiniSam", "Properties": {"StackName.$": "$.n", "Project": {"Path.$": "$.p"}}, "Comment": "c"}),
        ),
        (
            "Cdk",
            json!({"Type": "AttiniCdk", "Properties": {"Path": "x", "Diff": {"Enabled": true}, "Stacks": ["A"],
            "StackConfiguration": [{"StackName": "A", "Parameters": {"B": "c"}}]}, "HeartbeatSeconds": 60}),
        ),
        (
            "Job",
            json!({"Type": "AttiniRunnerJob", "Properties": job, "TimeoutSeconds": 60, "HeartbeatSecondsPath": "$.x"}),
        ),
        (
            "Import",
            json!({"Type": "AttiniImport", "Properties": {"SourceType": "Distribution", "Source": {"Name": "n"}, "Mapping": {"a": "$.b"}}}),
        ),
        ("Ask", json!({"Type": "AttiniManualApproval", "TimeoutSeconds": 3600})),
        (
            "Call",
            json!({"Type": "AttiniLambdaInvoke", "Parameters": {"FunctionName.$": "$.f", "Payload": {"a": 1}}, "ResultSelector": {"r.$": "$"}}),
        ),
        ("Merge", json!({"Type": "AttiniMergeOutput", "Comment": "c"})),
        (
            "Task",
            json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": {"Message": "m"}, "ResultPath": null}),
        ),
        ("Pass", json!({"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.output.Pass"})),
        ("Wait", json!({"Type": "Wait", "Seconds": 3})),
        ("End", json!({"Type": "Succeed"})),
    ];
    let mut list: Vec<Value> = Vec::new();
    let mut states = Map::new();
    for (name, step) in steps {
        let (mut named, mut linked) = (step.clone(), step.clone());
        named["Name"] = json!(name);
        if step["Type"] != "Succeed" {
            linked["Next"] = json!("End");
        }
        states.insert(name.to_owned(), linked);
        list.push(named);
    }
    let inner = json!({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}});
    states.insert("P".to_owned(), json!({"Type": "Parallel", "Branches": [inner], "End": true}));
    states.insert(
        "M".to_owned(),
        json!({"Type": "AttiniMap", "ItemsPath": "$.f", "MaxConcurrency": 2, "Iterator": inner, "End": true}),
    );
    states.insert(
        "N".to_owned(),
        json!({"Type": "Map", "ItemSelector": {"a.$": "$"}, "ItemProcessor": inner, "End": true}),
    );
    let rule = json!({"And": [{"Variable": "$.a", "IsPresent": true}, {"Not": {"Variable": "$.a", "NumericLessThanPath": "$.b"}}]});
    let mut linked = rule.clone();
    linked["Next"] = json!("End");
    states.insert("C".to_owned(), json!({"Type": "Choice", "Choices": [linked], "Default": "End"}));
    assert_eq!(
        refused(&with_plan(&json!({"StartAt": "Cfn", "States": states, "TimeoutSeconds": 60}))),
        Vec::<String>::new()
    );
    let inner = [json!({"Name": "X", "Type": "Fail", "Error": "E"})];
    list.push(json!({"Name": "P", "Type": "Parallel", "Branches": [inner]}));
    list.push(json!({"Name": "M", "Type": "Map", "Iterator": inner}));
    list.push(json!({"Name": "C", "Type": "Choice", "Condition": rule, "IsTrue": inner, "IsFalse": []}));
    assert_eq!(refused(&with_plan(&Value::Array(list))), Vec::<String>::new());
}

#[test]
fn states_of_the_language_may_use_jsonata() {
    let plan = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input %}", "Assign": {"x": "{% 1 %}"}, "Next": "B"},
        "B": {"Type": "Choice", "QueryLanguage": "JSONata", "Choices": [{"Condition": "{% $x > 1 %}", "Next": "C"}], "Default": "C"},
        "C": {"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": "{% $x %}", "End": true}}});
    assert_eq!(refused(&with_plan(&plan)), Vec::<String>::new());
    let step = json!([{"Name": "A", "Type": "AttiniManualApproval", "QueryLanguage": "JSONata"}]);
    assert!(!refused(&with_plan(&step)).is_empty());
}

#[test]
fn plans_and_runners_take_all_their_properties() {
    let template = json!({"Transform": ["AttiniDeploymentPlan"], "Parameters": {"E": {"Type": "String"}}, "Resources": {
        "Plan": {"Type": APP_DEPLOYMENT_PLAN, "DependsOn": "T", "Metadata": {"a": 1}, "Properties": {"Name": "n", "DefaultRunner": "R", "Concurrency": "queue",
            "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, "Tags": [{"Key": "a", "Value": "b"}], "PayloadDefaults": {"output": {}},
            "DefinitionSubstitutions": {"A": {"Fn::If": ["C", 1, 2]}}, "DeploymentPlan": [{"Name": "A", "Type": "Pass"}]}},
        "R": {"Type": RUNNER, "Properties": {"Image": "i", "Memory": 512, "Cpu": "256", "RunnerConfiguration": {"MaxConcurrentJobs": {"Ref": "N"}},
            "Startup": {"Commands": ["x"], "CommandsTimeout": 5}, "AwsVpcConfiguration": {"Subnets": ["a", {"Ref": "S"}], "AssignPublicIp": false},
            "Ec2Configuration": {"InstanceType": "m5.large", "Ami": "AmazonLinux2023"}}},
        "Bare": {"Type": RUNNER},
        "T": {"Type": "AWS::SNS::Topic", "Properties": {"Anything": [1]}},
        "Fn::ForEach::Topics": ["N", ["a"], {}],
    }});
    assert_eq!(refused(&template), Vec::<String>::new());
}

/// What an author may get wrong, and what the check of plans says too.
#[test]
fn mistakes_are_refused_by_the_schema_as_by_the_check() {
    let mistakes = [
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackNme": "x", "StackName": "a"}}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackNme.$": "$.x", "StackName": "a"}}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": "x"}]),
        json!([{"Name": "A", "Properties": {}}]),
        json!([{"Type": "Pass"}]),
        json!([{"Name": "A", "Type": "AttiniRunerJob", "Properties": {"Commands": ["x"]}}]),
        json!([{"Name": "A", "Type": "AttiniRunnerJob", "Commands": ["x"]}]),
        json!([{"Name": "A", "Type": "AttiniRunnerJob", "Properties": {}}]),
        json!([{"Name": "A", "Type": "AttiniRunnerJob", "Properties": {"Commands": "x"}}]),
        json!([{"Name": "A", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["x"], "Runner": {"Ref": "R"}}}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackName": "a"}, "HeartbeatSeconds": 3}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackName": "a"}, "Parameters": {}}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackName": "a"}, "Next": "B"}]),
        json!([{"Name": "A", "Type": "AttiniCfn", "Properties": {"StackName": "a"}, "Retry": "no"}]),
        json!([{"Name": "A", "Type": "AttiniSam", "Properties": {"StackName": "a", "Template": "t", "Project": {"Path": "p"}}}]),
        json!([{"Name": "A", "Type": "AttiniSam", "Properties": {"StackName": "a", "Project": {}}}]),
        json!([{"Name": "A", "Type": "AttiniCdk", "Properties": {"Diff": true}}]),
        json!([{"Name": "A", "Type": "AttiniCdk", "Properties": {"Diff": {"Enabled": "perhaps"}}}]),
        json!([{"Name": "A", "Type": "AttiniImport", "Properties": {"SourceType": "S3", "Source": {"Bukket": "b"}, "Mapping": {"a": "b"}}}]),
        json!([{"Name": "A", "Type": "AttiniLambdaInvoke", "Parameters": {"Payload": {}}}]),
        json!([{"Name": "A", "Type": "Parallel", "Branches": []}]),
        json!([{"Name": "A", "Type": "Map"}]),
        json!([{"Name": "A", "Type": "Choice", "Condition": {"Variable": "$.a", "IsPresent": true}, "IsTrue": [], "Foo": 1}]),
        json!([{"Name": "A", "Type": "Choice", "IsTrue": []}]),
        json!([]),
        json!("text"),
        json!({"StartAt": "A"}),
        json!({"StartAt": "A", "States": {}}),
        json!({"StartAt": "A", "States": {"A": {"Next": "A"}}}),
        json!({"StartAt": "A", "States": {"A": []}}),
    ];
    for plan in mistakes {
        let template = with_plan(&plan);
        assert!(!refused(&template).is_empty(), "the schema takes {plan}");
        let document = Document::parse("t.json", &template.to_string()).expect("it can be read");
        let said = check(&document.to_json());
        assert!(!said.is_empty(), "the check takes {plan}");
    }
}

#[test]
fn mistakes_around_the_plan_are_refused() {
    let plan = json!([{"Name": "A", "Type": "Pass"}]);
    let resource = |resource: Value| json!({"Resources": {"X": resource}});
    for template in [
        json!({}),
        json!({"Resources": {}, "Resource": {}}),
        resource(json!({"Properties": {}})),
        resource(json!({"Type": "Attini::Deploy::DeploymentPlann", "Properties": {"DeploymentPlan": plan}})),
        resource(json!({"Type": DEPLOYMENT_PLAN})),
        resource(json!({"Type": DEPLOYMENT_PLAN, "Properties": {"DeploymentPlan": plan, "Polices": []}})),
        resource(json!({"Type": DEPLOYMENT_PLAN, "Properties": {"DeploymentPlan": plan, "Concurrency": "wait"}})),
        resource(
            json!({"Type": DEPLOYMENT_PLAN, "Properties": {"DeploymentPlan": plan, "RoleArn": "a", "Policies": []}}),
        ),
        resource(json!({"Type": APP_DEPLOYMENT_PLAN, "Properties": {"DeploymentPlan": plan}})),
        resource(json!({"Type": RUNNER, "Properties": {"Memory": 1}})),
        resource(json!({"Type": RUNNER, "Properties": {"RunnerConfiguration": {"JobTimeOut": 5}}})),
        resource(json!({"Type": RUNNER, "Properties": {"Image": "a", "TaskDefinitionArn": "b"}})),
        resource(json!({"Type": RUNNER, "Properties": {"Startup": {"Commands": "x"}}})),
    ] {
        assert!(!refused(&template).is_empty(), "{template}");
    }
}

/// Collects the keys of a schema that have no words of their own.
fn silent(schema: &Value, at: &str, found: &mut Vec<String>) {
    for (key, child) in schema["properties"].as_object().into_iter().flatten() {
        // The operators of conditions are those of the States Language.
        if child.get("description").is_none()
            && at != "condition"
            && !key.ends_with(".$")
            && child.get("const").is_none()
        {
            found.push(format!("{at}.{key}"));
        }
        silent(child, &format!("{at}.{key}"), found);
    }
    // What is referred to is looked at by itself.
    for key in ["items", "then", "else", "additionalProperties"] {
        if schema[key].is_object() {
            silent(&schema[key], at, found);
        }
    }
    for branch in ["anyOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten() {
        silent(branch, at, found);
    }
}

#[test]
fn every_key_is_described() {
    let schema = schema();
    let mut found = Vec::new();
    silent(&schema, "", &mut found);
    for (name, definition) in schema["definitions"].as_object().expect("there are some") {
        silent(definition, name, &mut found);
    }
    found.retain(|name| !name.starts_with("resource.") && !name.ends_with("ProcessorConfig.Mode"));
    assert_eq!(found, Vec::<String>::new());
}
