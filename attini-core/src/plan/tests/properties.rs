//! What holds for every input.

use proptest::prelude::*;
use serde_json::Map;

use super::*;
use crate::plan::{decode_defaults, encode_defaults, steps, translate_template, used_runners};

/// Words that the code looks for, so that random values get past the first checks.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "Type",
        "Name",
        "Next",
        "End",
        "StartAt",
        "States",
        "Branches",
        "Iterator",
        "ItemProcessor",
        "Choices",
        "Default",
        "Condition",
        "IsTrue",
        "IsFalse",
        "Properties",
        "Parameters",
        "Retry",
        "Catch",
        "ErrorEquals",
        "Diff",
        "Enabled",
        "Path",
        "Project",
        "Runner",
        "Commands",
        "Ref",
        "Fn::If",
        "StackName",
        "Region.$",
        "AttiniCfn",
        "AttiniSam",
        "AttiniCdk",
        "AttiniRunnerJob",
        "AttiniImport",
        "AttiniMap",
        "AttiniMergeOutput",
        "AttiniLambdaInvoke",
        "AttiniManualApproval",
        "Parallel",
        "Map",
        "Choice",
        "Pass",
        "Succeed",
        "A",
        "a b",
        "$.output.a b.c",
        "States.Format('{}', $.output.a b)",
        "attini:json:1",
        "ü'\\",
        "",
    ];
    prop::sample::select(words.to_vec()).prop_map(ToOwned::to_owned)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        word().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let object = prop::collection::vec((word(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Steps that look right from afar.
fn step() -> impl Strategy<Value = Value> {
    (word(), word(), json_value()).prop_map(|(name, kind, properties)| {
        let mut step = json!({"Name": name, "Type": kind, "Properties": properties});
        if let Some(fields) = properties.as_object() {
            step.as_object_mut().unwrap().extend(fields.clone());
        }
        step
    })
}

proptest! {
    #[test]
    fn any_plan_expands_or_says_why_not(plan in prop_oneof![
        json_value(),
        prop::collection::vec(step(), 0..6).prop_map(Value::from),
        prop::collection::vec((word(), step()), 0..6).prop_map(|states| {
            json!({"StartAt": "A", "States": states.into_iter().collect::<Map<_, _>>()})
        }),
    ]) {
        let template = template(plan.clone());
        let response = respond(template.clone(), &settings());
        if response["status"] != "success" {
            let message = response["errorMessage"].as_str().unwrap();
            prop_assert!(!message.trim().is_empty() && message.chars().count() <= 1024);
            prop_assert!(message.contains("Plan"));
        }
        for problem in check(&template) {
            prop_assert!(problem.message.lines().count() >= 1);
        }
        let _ = translate_template(&template);
        let _ = (steps(&plan, &crate::document::DocPath::root()), used_runners(&template));
    }

    #[test]
    fn any_resources_expand_or_say_why_not(resources in json_value(), properties in json_value(), runner in json_value()) {
        let mut template = json!({"Resources": {
            "Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": properties, "DependsOn": runner},
            "R": {"Type": "Attini::Deploy::Runner", "Properties": runner},
        }, "Parameters": resources.clone(), "Outputs": resources.clone()});
        if let Some(fields) = resources.as_object() {
            template["Resources"].as_object_mut().unwrap().extend(fields.clone());
        }
        for fragment in [template, json!({"Resources": resources})] {
            let response = respond(fragment, &settings());
            prop_assert!(response["status"] == "success" || !response["errorMessage"].as_str().unwrap().is_empty());
        }
    }

    #[test]
    fn any_request_is_answered(
        request in json_value(),
        fragment in json_value(),
        region in word(),
        role in any::<bool>(),
        subnets in prop::option::of(prop::collection::vec(word(), 0..3)),
    ) {
        let settings = MacroSettings {
            default_role: role.then(|| "r".to_owned()), default_vpc_subnets: subnets, ..settings()
        };
        let mut whole = request.clone();
        if let Some(fields) = whole.as_object_mut() {
            fields.insert("fragment".to_owned(), fragment);
            fields.insert("region".to_owned(), json!(region));
        }
        for request in [request, whole] {
            let response = macro_response(&request, &settings, "u");
            let id = request.get("requestId").cloned().unwrap_or_default();
            prop_assert_eq!(&response["requestId"], &id);
            match response["status"].as_str() {
                Some("success") => prop_assert!(response["fragment"].is_object()),
                _ => {
                    let message = response["errorMessage"].as_str().unwrap();
                    prop_assert!(message.lines().all(|line| !line.trim().is_empty()) && !message.is_empty());
                }
            }
        }
    }

    #[test]
    fn defaults_survive_the_way_through_a_custom_resource(value in json_value()) {
        // CloudFormation resolves intrinsic functions on the way, so they never arrive.
        let text = value.to_string();
        prop_assume!(!text.contains("Ref") && !text.contains("Fn::If"));
        let encoded = encode_defaults(&value);
        prop_assert_eq!(decode_defaults(&encoded), value);
    }
}

#[test]
fn defaults_of_text_only_travel_as_they_are() {
    let text = json!({"output": {"A": {"Url": "http://x", "Arn": {"Fn::GetAtt": ["T", "Arn"]}}}});
    assert_eq!(encode_defaults(&text), text);
    let typed = json!({"n": 5, "f": false, "l": [1.5, null], "i": {"Fn::If": ["C", 1, "x"]}, "s": {"Fn::Select": [0, {"Ref": "L"}]}});
    let sent = json!({
        "n": "attini:json:5", "f": "attini:json:false", "l": ["attini:json:1.5", "attini:json:null"],
        "i": {"Fn::If": ["C", "attini:json:1", "x"]}, "s": {"Fn::Select": [0, {"Ref": "L"}]},
    });
    assert_eq!(encode_defaults(&typed), sent);
    assert_eq!(decode_defaults(&sent), typed);
}

#[test]
fn a_hundred_levels_of_parallels_expand_and_more_are_refused() {
    let nested = |levels: usize| {
        let mut step = json!({"Name": "inner", "Type": "Pass"});
        for level in 0..levels {
            step = json!({"Name": format!("P{level}"), "Type": "Parallel", "Branches": [[step]]});
        }
        json!([step])
    };
    states(nested(99));
    refused(nested(150), &["levels deep"]);
    let choices = |levels: usize| {
        let mut step = json!({"Name": "inner", "Type": "Pass"});
        for level in 0..levels {
            let condition = json!({"Variable": "$.a", "IsPresent": true});
            step = json!({"Name": format!("C{level}"), "Type": "Choice", "Condition": condition, "IsTrue": [step]});
        }
        json!([step])
    };
    states(choices(90));
    refused(choices(300), &["levels deep"]);
}

#[test]
fn values_deeper_than_any_template_are_refused() {
    let mut value = json!(1);
    for _ in 0..1500 {
        value = json!([value]);
    }
    assert!(message(json!({"Resources": {"A": value}})).contains("levels deep"));
}
