//! Macro request and response, the plan resource, the trigger.

use super::*;
use crate::plan::{MacroRequest, expand};

#[test]
fn plan_case_1_other_resources_stay_and_a_description_is_added() {
    let response = respond(json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}), &settings());
    let fragment = json!({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}, "Description": "Attini init deploy stack"});
    assert_eq!(response, json!({"requestId": "r", "status": "success", "fragment": fragment}));
}

#[test]
fn plan_case_2_description_names_the_distribution_unless_there_is_one() {
    let mut request = json!({
        "requestId": "r", "region": "eu-west-1", "accountId": "1", "fragment": {"Resources": {}},
        "templateParameterValues": {"AttiniDistributionName": "net"},
    });
    let response = macro_response(&request, &settings(), "u");
    assert_eq!(response["fragment"]["Description"], "Attini init deploy stack for distribution: net");
    request["fragment"]["Description"] = json!("mine");
    assert_eq!(macro_response(&request, &settings(), "u")["fragment"]["Description"], "mine");
}

#[test]
fn plan_case_3_a_template_without_resources_fails() {
    assert!(message(json!({})).contains("Resources"));
    assert!(message(Value::Null).contains("fragment"));
}

#[test]
fn plan_case_4_a_template_holds_one_plan_of_either_kind() {
    let plan = |kind: &str| json!({"Type": kind, "Properties": {"Name": "n", "DeploymentPlan": [cfn("A")]}});
    for other in ["Attini::Deploy::DeploymentPlan", "Attini::Deploy::AppDeploymentPlan"] {
        let template = json!({"Resources": {"One": plan("Attini::Deploy::DeploymentPlan"), "Two": plan(other)}});
        let message = message(template);
        assert!(message.contains("One") && message.contains("Two"), "{message}");
    }
}

#[test]
fn plan_case_5_the_smallest_plan() {
    let step = json!({
        "Name": "Db", "Type": "AttiniCfn",
        "Properties": {"StackName": {"Fn::Sub": "${Env}-db"}, "Template": "/db.yaml"},
    });
    let mut template = template(json!([step]));
    template["Parameters"] = json!({"Env": {"Type": "String"}});
    let resources = resources(template);
    let names: Vec<&String> = resources.as_object().unwrap().keys().collect();
    assert_eq!(names, [MACHINE, TRIGGER, "AttiniPostExecutionActionsPlan"]);
    let machine = &resources[MACHINE]["Properties"];
    assert_eq!(machine["Tags"], json!({"AttiniProvider": "DeploymentPlan"}));
    insta::assert_snapshot!(serde_json::to_string_pretty(&machine["Definition"]).unwrap());
    assert_eq!(resources[MACHINE]["Metadata"]["AttiniSteps"], json!([{"name": "Db", "type": "AttiniCfn"}]));
    let trigger = &resources[TRIGGER]["Properties"];
    assert_eq!(trigger["Parameters"], json!({"Env": {"Ref": "Env"}}));
    assert_eq!(trigger["Runners"], json!([]));
}

#[test]
fn plan_case_6_the_role_of_a_plan() {
    let no_role = MacroSettings { default_role: None, ..settings() };
    let with = |more: Value| {
        let mut properties = json!({"DeploymentPlan": [cfn("A")]});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        respond(with_properties(properties), &no_role)
    };
    assert_eq!(with(json!({}))["status"], "FAILURE");
    let role = json!({"Fn::GetAtt": "R.Arn"});
    let given = with(json!({"RoleArn": role}));
    assert_eq!(given["fragment"]["Resources"][MACHINE]["Properties"]["Role"], role);
    let policies = with(json!({"Policies": "AWSLambdaRole"}));
    let machine = &policies["fragment"]["Resources"][MACHINE]["Properties"];
    assert_eq!((machine.get("Role"), machine["Policies"].as_array().unwrap().len()), (None, 2));
}

#[test]
fn plan_case_7_substitutions_and_boundary_are_handed_on() {
    let substitutions = json!({"A": {"Fn::If": ["C", "1", "2"]}});
    let properties = |substitutions: &Value| {
        json!({
            "DeploymentPlan": [cfn("A")], "DefinitionSubstitutions": substitutions, "PermissionsBoundary": "pb",
        })
    };
    let machine = resources(with_properties(properties(&substitutions)))[MACHINE]["Properties"].clone();
    assert_eq!(machine["DefinitionSubstitutions"], substitutions);
    assert_eq!(machine["PermissionsBoundary"], "pb");
    let machine = resources(with_properties(properties(&json!({}))))[MACHINE]["Properties"].clone();
    assert_eq!(machine.get("DefinitionSubstitutions"), None);
}

#[test]
fn plan_case_8_metadata_is_kept() {
    let mut template = template(json!([cfn("A")]));
    template["Resources"]["Plan"]["Metadata"] = json!({"m": 1});
    let metadata = resources(template)[MACHINE]["Metadata"].clone();
    assert_eq!(metadata, json!({"m": 1, "AttiniSteps": [{"name": "A", "type": "AttiniCfn"}]}));
}

#[test]
fn plan_case_9_secret_parameters_are_left_out_and_lists_joined() {
    let mut template = template(json!([cfn("A")]));
    template["Parameters"] =
        json!({"A": {"Type": "String"}, "B": {"Type": "String", "NoEcho": true}, "C": {"Type": "CommaDelimitedList"}});
    let parameters = resources(template)[TRIGGER]["Properties"]["Parameters"].clone();
    assert_eq!(parameters, json!({"A": {"Ref": "A"}, "C": {"Fn::Join": [",", {"Ref": "C"}]}}));
}

#[test]
fn plan_case_10_two_runs_differ_in_the_uuid_only() {
    let request =
        MacroRequest::read(&json!({"region": "eu-west-1", "accountId": "1", "fragment": template(json!([cfn("A")]))}));
    let mut first = expand(&request, &settings(), "u1").unwrap().fragment;
    let second = expand(&request, &settings(), "u2").unwrap().fragment;
    assert_ne!(first, second);
    first["Resources"][TRIGGER]["Properties"]["RandomGUID"] = json!("u2");
    assert_eq!(first, second);
}

#[test]
fn concurrency_is_registered_and_queues_at_the_first_state() {
    let plan = |mode: &str| with_properties(json!({"DeploymentPlan": [cfn("A")], "Concurrency": mode}));
    let queued = resources(plan("queue"));
    assert_eq!(queued[TRIGGER]["Properties"]["Concurrency"], "queue");
    let retry = &queued[MACHINE]["Properties"]["Definition"]["States"]["AttiniPrepareDeployment"]["Retry"];
    let wait =
        json!({"ErrorEquals": ["DeploymentQueued"], "IntervalSeconds": 30, "BackoffRate": 1, "MaxAttempts": 5000});
    assert_eq!(retry[1], wait);
    let rejecting = resources(plan("reject"));
    let retry = &rejecting[MACHINE]["Properties"]["Definition"]["States"]["AttiniPrepareDeployment"]["Retry"];
    assert_eq!(retry.as_array().unwrap().len(), 1);
    assert!(message(plan("later")).contains("Concurrency"));
}

#[test]
fn references_to_the_plan_lead_to_the_state_machine() {
    let mut template = template(json!([cfn("A")]));
    template["Resources"]["Alarm"] = json!({
        "Type": "AWS::X", "DependsOn": "Plan",
        "Properties": {"A": {"Ref": "Plan"}, "B": {"Fn::GetAtt": ["Plan", "Name"]}, "C": {"Fn::Sub": "${Plan}/${Planet}"}},
    });
    template["Outputs"] = json!({"Arn": {"Value": {"Ref": "Plan"}}});
    let response = respond(template, &settings());
    let alarm = &response["fragment"]["Resources"]["Alarm"];
    assert_eq!(alarm["DependsOn"], MACHINE);
    assert_eq!(alarm["Properties"]["A"], json!({"Ref": MACHINE}));
    assert_eq!(alarm["Properties"]["B"], json!({"Fn::GetAtt": [MACHINE, "Name"]}));
    assert_eq!(alarm["Properties"]["C"], json!({"Fn::Sub": format!("${{{MACHINE}}}/${{Planet}}")}));
    assert_eq!(response["fragment"]["Outputs"]["Arn"]["Value"], json!({"Ref": MACHINE}));
}

#[test]
fn a_plan_may_depend_on_a_runner_that_is_no_resource_any_more() {
    let mut template = template(json!([cfn("A")]));
    template["Resources"]["Linux"] = json!({"Type": "Attini::Deploy::Runner"});
    template["Resources"]["Plan"]["DependsOn"] = json!(["Linux", "Topic"]);
    assert_eq!(resources(template)[MACHINE]["DependsOn"], json!(["Topic"]));
}

#[test]
fn a_reference_to_a_runner_elsewhere_is_refused() {
    let runner = json!({"Type": "Attini::Deploy::Runner"});
    let other = json!({"Type": "AWS::X", "Properties": {"Q": {"Ref": "Linux"}}});
    let message = message(json!({"Resources": {"Linux": runner, "Other": other}}));
    assert!(message.contains("Other") && message.contains("Linux"), "{message}");
}

#[test]
fn many_problems_fit_into_the_message_that_cloudformation_shows() {
    let steps: Vec<Value> = (0..200).map(|n| json!({"Name": format!("Step{n}"), "Type": "AttiniImport"})).collect();
    let message = message(template(Value::Array(steps)));
    assert!(message.chars().count() <= 1024);
    assert!(message.starts_with("Plan, step Step0: Properties is missing\n"), "{message}");
    let shown = message.lines().count() - 1;
    assert!(message.ends_with(&format!("and {} more", 200 - shown)), "{message}");
}

#[test]
fn one_problem_longer_than_the_message_is_cut() {
    let long = "x".repeat(3000);
    let message = message(json!({"Resources": {"Plan": {
        "Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": [cfn("A")], (long): 1},
    }}}));
    assert!(message.chars().count() <= 1024 && message.starts_with("Plan: unknown property xxx"), "{message}");
}

#[test]
fn user_case_26_the_order_of_keys_means_nothing() {
    fn reversed(value: &Value) -> Value {
        match value {
            Value::Object(map) => map.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
            Value::Array(items) => items.iter().map(reversed).collect(),
            other => other.clone(),
        }
    }
    let job = |next: &str| json!({"Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}, "Next": next});
    let mut template = template(json!({"StartAt": "B", "States": {
        "B": job("A"), "A": job("S"), "S": sam(),
    }}));
    for runner in ["Second", "First"] {
        template["Resources"][runner] = json!({"Type": "Attini::Deploy::Runner"});
    }
    assert_eq!(resources(reversed(&template)), resources(template));
}
