//! Requests of CloudFormation to the custom resource of plans.

use serde_json::json;

use super::registration::{item, machine, with_stack};
use super::*;
use crate::deploy::{CustomResourceRequest, handle_custom_resource};
use crate::inventory::plan_key;

fn event(request: &str, kind: &str) -> Value {
    json!({
        "RequestType": request, "ResourceType": kind, "ResponseURL": "https://example.com/answer",
        "StackId": "stack-id", "RequestId": "request-id", "LogicalResourceId": "PlanTrigger",
        "ResourceProperties": {
            "StackName": "dev-net", "SfnArn": machine("A").as_str(), "Parameters": {"Env": "dev"},
        },
    })
}

fn answer(world: &TestFramework, event: &Value) -> Value {
    let request = CustomResourceRequest::read(event).unwrap();
    let outcome = block_on(handle_custom_resource(world.inventory.as_ref(), &request, json!([]), "1.0.0"));
    request.answer(&outcome)
}

#[test]
fn plan_case_41_the_answer_to_a_creation() {
    let world = with_stack();
    assert_eq!(
        answer(&world, &event("Create", crate::plan::PLAN_TRIGGER)),
        json!({
            "Status": "SUCCESS", "Reason": "All is good", "PhysicalResourceId": "DeploymentPlan",
            "StackId": "stack-id", "RequestId": "request-id", "LogicalResourceId": "PlanTrigger",
        })
    );
    assert_eq!(item(&world)["stackParameters"], json!({"Env": "dev"}));
    assert_eq!(item(&world)["sfnArns"], json!([machine("A").as_str()]));
    assert_eq!(world.body(&plan_key(&machine("A")))["payloadDefaults"], "{}");
}

#[test]
fn plan_case_44_unknown_types_can_be_deleted_and_nothing_else() {
    let world = with_stack();
    assert_eq!(answer(&world, &event("Delete", "Custom::Whatever"))["Status"], "SUCCESS");
    let refused = answer(&world, &event("Update", "Custom::Whatever"));
    assert_eq!(refused["Status"], "FAILED");
    assert!(refused["Reason"].as_str().unwrap().contains("Custom::Whatever"), "{refused}");
}

#[test]
fn a_deletion_removes_the_registration_and_can_come_twice() {
    let world = with_stack();
    answer(&world, &event("Create", crate::plan::PLAN_TRIGGER));
    for _ in 0..2 {
        assert_eq!(answer(&world, &event("Delete", crate::plan::PLAN_TRIGGER))["Status"], "SUCCESS");
        assert_eq!(item(&world)["sfnArns"], json!([]));
    }
}

#[test]
fn a_failure_is_answered_with_its_reason_cut_to_what_cloudformation_takes() {
    let world = TestFramework::new();
    let mut request = event("Create", crate::plan::PLAN_TRIGGER);
    let refused = answer(&world, &request);
    assert_eq!(refused["Reason"], "stack dev-net was not created by an Attini init deploy");
    request["ResourceProperties"]["StackName"] = json!("å".repeat(2000));
    let reason = answer(&world, &request)["Reason"].as_str().unwrap().to_owned();
    assert!(reason.len() <= 1024 && reason.len() > 1000 && reason.ends_with('…'), "{}", reason.len());
}

#[test]
fn a_request_of_no_known_type_is_an_error() {
    for (event, word) in [(json!({}), "no RequestType"), (json!({"RequestType": "Move"}), "Move")] {
        let failure = CustomResourceRequest::read(&event).err().unwrap();
        assert!(failure.cause.contains(word), "{}", failure.cause);
    }
}
