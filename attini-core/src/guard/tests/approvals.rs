//! Answers of people.

use super::*;
use crate::contract;
use crate::guard::{Answer, Approval, answer_approval};
use crate::inventory::approval_key;
use crate::step::run_action;

fn wait(world: &TestFramework, step: &str) -> TaskToken {
    let token = world.tokens.open();
    let input = json!({
        "attiniActionType": "ManualApproval", "Properties": {}, "deploymentPlanExecutionMetadata": {
            "executionArn": "arn:e", "stepName": step, "sfnToken": token.expose(), "retryCounter": 0},
        "deploymentOriginData": {"distributionName": "db", "distributionId": "d1", "environment": "dev",
            "objectIdentifier": UPLOAD, "stackName": "dev-plan", "deploymentSource": {
                "deploymentSourcePrefix": "dev/db/d1/distribution-origin", "deploymentSourceBucket": "b"}},
    });
    assert_eq!(block_on(run_action(&world.framework, input)).unwrap(), Value::Null);
    token
}

fn approve(world: &TestFramework, step: Option<&str>, abort: bool, message: Option<&str>) -> Answer {
    let approval = Approval {
        environment: "dev".to_owned(),
        distribution: "db".to_owned(),
        step: step.map(str::to_owned),
        abort,
        message: message.map(str::to_owned),
        user: "ann".to_owned(),
    };
    block_on(answer_approval(&world.framework, &approval)).unwrap()
}

fn taken(step: &str) -> Answer {
    Answer::Taken { step: step.to_owned() }
}

#[test]
fn a_waiting_step_is_recorded_and_announced_without_its_token() {
    let world = world();
    let token = wait(&world, "Approve");
    let expected = json!({
        "distributionId": "d1", "distributionName": "db", "environment": "dev", "attiniObjectIdentifier": UPLOAD,
        "stepName": "Approve", "sfnToken": token.expose(), "executionArn": "arn:e",
    });
    assert_eq!(world.body(&approval_key("dev", "db", "Approve")), expected);
    assert_eq!(world.notified(), [("ApprovalRequested".to_owned(), "WAITING".to_owned())]);
    assert!(!format!("{:?}", world.notifications.published()).contains(token.expose()));
}

#[test]
fn framework_case_31_an_approval_with_and_without_a_message() {
    for (message, output) in [(None, json!({})), (Some("ok \"x\""), json!({"message": "ok \"x\""}))] {
        let world = world();
        let token = wait(&world, "Approve");
        assert_eq!(approve(&world, None, false, message), taken("Approve"));
        assert_eq!(world.tokens.answer_to(&token), Some(contract::Answer::Succeeded(output)));
        let record = world.body(&approval_key("dev", "db", "Approve"));
        assert_eq!((&record["answeredBy"], &record["answeredAt"]), (&json!("ann"), &json!(1_700_000_000_000_i64)));
        assert!(record.get("sfnToken").is_none());
    }
}

#[test]
fn framework_case_32_an_abort_with_and_without_a_message() {
    for (message, cause) in [(None, "aborted by user"), (Some("no \"way\""), "no \"way\"")] {
        let world = world();
        let token = wait(&world, "Approve");
        assert_eq!(approve(&world, Some("Approve"), true, message), taken("Approve"));
        let expected = contract::Answer::Failed { error: "ManuallyAborted".to_owned(), cause: cause.to_owned() };
        assert_eq!(world.tokens.answer_to(&token), Some(expected));
    }
}

#[test]
fn a_doubled_answer_finds_nobody_waiting() {
    let world = world();
    wait(&world, "Approve");
    assert_eq!(approve(&world, None, false, None), taken("Approve"));
    for step in [None, Some("Approve")] {
        assert_eq!(approve(&world, step, true, None), Answer::NotWaiting { waiting: vec![] });
    }
    assert_eq!(world.tokens.answers().len(), 1);
}

#[test]
fn of_two_waiting_steps_one_must_be_named() {
    let world = world();
    let (first, second) = (wait(&world, "First"), wait(&world, "Second"));
    let both = Answer::NotWaiting { waiting: vec!["First".to_owned(), "Second".to_owned()] };
    assert_eq!(approve(&world, None, false, None), both);
    assert_eq!(approve(&world, Some("Third"), false, None), both);
    assert!(world.tokens.answers().is_empty());
    assert_eq!(approve(&world, Some("Second"), false, None), taken("Second"));
    assert_eq!(approve(&world, None, false, None), taken("First"));
    assert!(world.tokens.answer_to(&first).is_some() && world.tokens.answer_to(&second).is_some());
}

#[test]
fn a_step_that_timed_out_is_no_longer_waiting() {
    let world = world();
    let token = wait(&world, "Approve");
    world.tokens.close(&token);
    assert_eq!(approve(&world, None, false, None), Answer::NoLongerWaiting { step: "Approve".to_owned() });
    let record = world.body(&approval_key("dev", "db", "Approve"));
    assert!(record.get("sfnToken").is_none() && record.get("answeredBy").is_none());
}

#[test]
fn the_next_iteration_of_a_step_waits_anew() {
    let world = world();
    wait(&world, "Approve");
    approve(&world, None, false, None);
    let token = wait(&world, "Approve");
    assert!(world.body(&approval_key("dev", "db", "Approve")).get("answeredBy").is_none());
    assert_eq!(approve(&world, None, true, None), taken("Approve"));
    assert!(matches!(world.tokens.answer_to(&token), Some(contract::Answer::Failed { .. })));
}
