//! Requests of CloudFormation to the custom resource of plans.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::registration::{item, machine, with_stack};
use super::*;
use crate::contract::SettableClock;
use crate::deploy::{AnswerChannel, CustomResourceRequest, deliver_answer, handle_custom_resource};
use crate::inventory::plan_key;
use crate::port::BoxError;
use crate::value::Timestamp;

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
fn a_request_that_cannot_be_answered_or_understood_is_an_error() {
    let url = "https://example.com";
    for (event, word) in [
        (json!({"ResponseURL": url}), "no RequestType"),
        (json!({"RequestType": "Move", "ResponseURL": url}), "Move"),
        (json!({"RequestType": "Create", "ResponseURL": "nowhere"}), "ResponseURL"),
    ] {
        let failure = CustomResourceRequest::read(&event).err().unwrap();
        assert!(failure.cause.contains(word), "{}", failure.cause);
    }
}

/// Answers with these statuses in turn, and with 500 from then on.
struct Statuses(Mutex<Vec<u16>>, Mutex<u32>);

#[async_trait]
impl AnswerChannel for Statuses {
    async fn put(&self, _: &str, _: &Value) -> Result<u16, BoxError> {
        *self.1.lock().unwrap() += 1;
        let mut left = self.0.lock().unwrap();
        Ok(if left.is_empty() { 500 } else { left.remove(0) })
    }
}

fn delivered(statuses: &[u16], until_ms: i64) -> (Result<(), Failure>, u32, Vec<Duration>) {
    let channel = Statuses(Mutex::new(statuses.to_vec()), Mutex::new(0));
    let clock = SettableClock::at(0);
    let until = Timestamp::from_ms(until_ms);
    let outcome = block_on(deliver_answer(&channel, &clock, "https://example.com", &json!({}), until));
    let count = *channel.1.lock().unwrap();
    (outcome, count, clock.slept())
}

#[test]
fn plan_case_46_an_answer_is_sent_until_it_is_taken() {
    let (outcome, count, slept) = delivered(&[500, 500, 200], 600_000);
    assert!(outcome.is_ok());
    assert_eq!((count, slept), (3, vec![Duration::from_secs(2); 2]));
}

#[test]
fn sending_an_answer_ends_after_60_attempts_or_when_there_is_no_more_time() {
    let (outcome, count, _) = delivered(&[], 600_000);
    assert!(outcome.unwrap_err().cause.contains("status 500"));
    assert_eq!(count, 60);
    assert_eq!(delivered(&[], 5_000).1, 3);
}
