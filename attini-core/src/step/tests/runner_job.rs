//! Jobs for runners.

use super::*;
use crate::port::RecordKey;

fn runner_key() -> RecordKey {
    crate::deploy::runner_key("dev-network", "R")
}

/// A world with runner `R`, changed as given.
fn with_runner(more: Value) -> TestFramework {
    let (world, _) = world();
    let mut runner = json!({
        "runnerName": "R", "stackName": "dev-network", "sqsQueueUrl": "q", "environment": "dev",
        "distributionName": "network", "distributionId": "42", "attiniObjectIdentifier": UPLOAD,
        "taskDefinitionArn": "td", "subnets": ["s"], "assignPublicIp": "ENABLED",
    });
    runner.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    block_on(world.put(&runner_key(), runner));
    world
}

fn job(world: &TestFramework, properties: &Value) -> TaskToken {
    run(world, "ExecuteRunner", "S", properties)
}

#[test]
fn runner_case_1_an_unknown_runner() {
    let (world, _) = world();
    for properties in [json!({"Commands": ["x"], "Runner": "X"}), json!({"Commands": ["x"]})] {
        let token = job(&world, &properties);
        let failed = failure(&world, &token);
        assert_eq!(failed.error, "RunnerConfigError");
        if properties.get("Runner").is_some() {
            assert!(failed.cause.contains('X') && failed.cause.contains("dev-network"), "{failed}");
        }
    }
    assert!(world.jobs.messages("q").is_empty() && world.fleet.ensured().is_empty());
}

#[test]
fn runner_case_2_and_actions_case_43_limits() {
    for (more, words) in [
        (json!({"jobTimeout": 4}), ["JobTimeout", "5"]),
        (json!({"jobTimeout": 172_801}), ["JobTimeout", "172800"]),
        (json!({"maxConcurrentJobs": 50}), ["MaxConcurrentJobs", "20"]),
    ] {
        let world = with_runner(more);
        let token = job(&world, &json!({"Commands": ["x"], "Runner": "R"}));
        let failed = failure(&world, &token);
        assert_eq!(failed.error, "RunnerConfigError");
        assert!(words.iter().all(|word| failed.cause.replace(',', "").contains(word)), "{failed}");
        assert!(world.jobs.messages("q").is_empty());
    }
}

#[test]
fn runner_case_3_commands_must_be_a_list() {
    let world = with_runner(json!({}));
    let token = job(&world, &json!({"Commands": "echo", "Runner": "R"}));
    let failed = failure(&world, &token);
    assert_eq!(failed.error, "IllegalFormatException");
    assert!(["Commands", "List/Array", "String"].iter().all(|word| failed.cause.contains(word)), "{failed}");
}

#[test]
fn runner_case_4_the_message_and_what_follows() {
    let world = with_runner(json!({}));
    let token = job(&world, &json!({"Commands": ["echo", 5, true], "Runner": "R"}));
    let messages = world.jobs.messages("q");
    assert_eq!(messages.len(), 1);
    let message: Value = serde_json::from_str(&messages[0]).unwrap();
    assert_eq!(message["Properties"]["Commands"], json!(["echo", "5", "true"]));
    assert_eq!(message["deploymentPlanExecutionMetadata"]["sfnToken"], token.expose());
    assert!(message.get("attiniActionType").is_none());
    assert_eq!(world.fleet.ensured().len(), 1);
    assert_eq!(world.tokens.answer_to(&token), None, "the runner answers");
}

#[test]
fn runner_case_9_the_same_step_twice_is_two_jobs_and_the_same_token_one() {
    let world = with_runner(json!({}));
    let properties = json!({"Commands": ["x"], "Runner": "R"});
    let token = job(&world, &properties);
    job(&world, &properties);
    assert_eq!(world.jobs.messages("q").len(), 2);
    block_on(run_action(&world.framework, input("ExecuteRunner", "S", &token, &properties))).unwrap();
    assert_eq!(world.jobs.messages("q").len(), 2);
}

#[test]
fn a_job_that_is_too_large_fails_by_name_and_starts_no_runner() {
    let world = with_runner(json!({}));
    let token = job(&world, &json!({"Commands": ["x".repeat(270_000)], "Runner": "R"}));
    assert_eq!(failure(&world, &token).error, "PayloadTooLarge");
    assert!(world.jobs.messages("q").is_empty() && world.fleet.ensured().is_empty());
}

#[test]
fn a_runner_that_cannot_be_started_fails_the_step_by_name() {
    let world = with_runner(json!({}));
    world.fleet.fail_next("TaskFailedToStart", "no capacity");
    let token = job(&world, &json!({"Commands": ["x"], "Runner": "R"}));
    assert_eq!(failure(&world, &token), Failure::new("TaskFailedToStart", "no capacity"));
}
