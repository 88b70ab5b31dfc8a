//! The first state of a plan.

use std::time::Duration;

use super::*;
use crate::port::ExecutionStatus;

fn set(world: &TestFramework, machine: &MachineArn, field: &str, value: Value) {
    let mut body = world.body(&plan_key(machine));
    body[field] = value;
    block_on(world.put(&plan_key(machine), body));
}

fn status(world: &TestFramework, execution: &ExecutionArn) -> ExecutionStatus {
    block_on(world.framework.workflows.describe(execution)).unwrap().status
}

/// Two executions, started by hand one after the other.
fn older_and_newer(world: &TestFramework, machine: &MachineArn) -> [ExecutionArn; 2] {
    ["older", "newer"].map(|name| {
        world.clock.advance(Duration::from_millis(1));
        block_on(world.framework.workflows.start(machine, name, &json!({}))).unwrap()
    })
}

#[test]
fn actions_case_8_the_payload_and_what_is_recorded() {
    let (world, machine) = world();
    set(&world, &machine, "payloadDefaults", json!(r#"{"output":{"A":{"k":"v"}}}"#));
    let execution = start(&world, &machine, &object(), NOW);
    assert_eq!(
        prepare(&world, &execution).unwrap(),
        json!({
            "deploymentOriginData": {
                "distributionName": "network", "deploymentTime": NOW, "environment": "dev", "distributionId": "42",
                "deploymentSource": {"deploymentSourcePrefix": PREFIX,
                    "deploymentSourceBucket": "attini-artifact-store-eu-west-1-111122223333"},
                "deploymentName": "dev-network", "objectIdentifier": UPLOAD, "stackName": "dev-network",
                "distributionTags": {}, "version": null, "samPackaged": false},
            "output": {"A": {"k": "v"}}, "dependencies": {}, "environment": "dev", "stackParameters": {"Env": "dev"},
            "customData": {"x": 1},
        })
    );
    let arns = json!({"network-Plan": execution.as_str()});
    assert_eq!(world.deployment("dev", "network", &object())["executionArns"], arns);
    assert_eq!(world.latest("dev", "network")["executionArns"], arns);
    assert_eq!(world.notified(), [("DeploymentPlanStart".to_owned(), "SUCCEEDED".to_owned())]);
}

#[test]
fn actions_case_6_a_newer_execution_replaces_older_ones() {
    let (world, machine) = world();
    let [older, newer] = older_and_newer(&world, &machine);
    let more: Vec<_> =
        (0..5).map(|number| world.framework.place.machine_arn("other").execution(&number.to_string())).collect();
    assert_eq!(more.len(), 5);
    let payload = prepare(&world, &newer).unwrap();
    assert!(payload.get("attiniActionType").is_none());
    let stopped = block_on(world.framework.workflows.describe(&older)).unwrap();
    assert_eq!(stopped.status, ExecutionStatus::Aborted);
    let cause = stopped.cause.unwrap();
    assert!(cause.starts_with("Stopped due to new execution started") && cause.contains("network 42"), "{cause}");
    let running = |found: &crate::port::ExecutionDescription| found.status == ExecutionStatus::Running;
    let left: Vec<_> = world.workflows.executions().into_iter().filter(running).map(|found| found.arn).collect();
    assert_eq!(left, [newer]);
}

#[test]
fn an_older_execution_that_begins_late_leaves_the_newer_one_alone() {
    for concurrency in ["replace", "queue", "reject"] {
        let (world, machine) = world();
        set(&world, &machine, "concurrency", json!(concurrency));
        let [older, newer] = older_and_newer(&world, &machine);
        prepare(&world, &older).unwrap();
        assert_eq!(status(&world, &newer), ExecutionStatus::Running, "{concurrency}");
    }
}

#[test]
fn queue_waits_and_reject_refuses_and_neither_records_anything() {
    for (concurrency, error) in [("queue", "DeploymentQueued"), ("reject", "DeploymentRejected")] {
        let (world, machine) = world();
        set(&world, &machine, "concurrency", json!(concurrency));
        let [older, newer] = older_and_newer(&world, &machine);
        let before = world.bodies();
        let failed = prepare(&world, &newer).unwrap_err();
        assert!(failed.error == error && failed.cause.contains("older"), "{failed}");
        assert_eq!((status(&world, &older), world.bodies()), (ExecutionStatus::Running, before));
        world.workflows.succeed(&older, &json!({}));
        prepare(&world, &newer).unwrap();
    }
}

#[test]
fn an_execution_for_an_upload_that_was_replaced_gives_way() {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    deployed(&world, &ObjectIdentifier::from_record("dev/network/network.zip#v2"), NOW + 1);
    let failed = prepare(&world, &execution).unwrap_err();
    assert_eq!(failed.error, "ExecutionSuperseded");
    assert!(failed.cause.contains("network 42"), "{failed}");
}

#[test]
fn an_execution_of_a_deployment_that_has_ended_does_nothing_and_one_started_by_hand_runs() {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    let ending = crate::deploy::Ending {
        outcome: crate::inventory::Outcome::Failed,
        error: Some(Failure::new("InternalError", "lost")),
    };
    let name = crate::value::DeploymentName::of_raw("dev", "network");
    block_on(crate::deploy::end_deployment(&world.framework, &name, &object(), &ending)).unwrap();
    let failed = prepare(&world, &execution).unwrap_err();
    assert!(failed.error == "ExecutionSuperseded" && failed.cause.contains("FAILED") && failed.cause.contains("lost"));
    world.clock.advance(Duration::from_millis(1));
    let by_hand = block_on(world.framework.workflows.start(&machine, "by-hand", &json!({}))).unwrap();
    prepare(&world, &by_hand).unwrap();
}

#[test]
fn actions_case_9_dependencies() {
    let (world, machine) = world();
    let mut own = world.body(&distribution_key("dev", "network"));
    own["dependencies"] = json!([{"distributionName": "vpc"}, {"distributionName": "vpc"}]);
    block_on(world.put(&distribution_key("dev", "network"), own));
    let execution = start(&world, &machine, &object(), NOW);
    let failed = prepare(&world, &execution).unwrap_err();
    assert!(
        failed.error == "DependencyError" && failed.cause.contains("vpc") && failed.cause.contains("dev"),
        "{failed}"
    );
    let url =
        "https://attini-artifact-store-eu-west-1-111122223333.s3.eu-west-1.amazonaws.com/outputs/dev/vpc/7/output.json";
    let mut vpc = json!({"attiniObjectIdentifier": "o", "distributionId": "7", "distributionName": "vpc", "environment": "dev",
        "deploymentSourcePrefix": "dev/vpc/7/distribution-origin", "outputUrl": url});
    block_on(world.put(&distribution_key("dev", "vpc"), vpc.clone()));
    let expected = json!({"vpc": {"outputUrl": url, "deploymentSourcePrefix": "dev/vpc/7/distribution-origin"}});
    assert_eq!(prepare(&world, &execution).unwrap()["dependencies"], expected);
    // While a dependency is being deployed again, its last success counts.
    vpc["deploymentSourcePrefix"] = json!("dev/vpc/8/distribution-origin");
    vpc["lastSuccess"] = json!({"distributionId": "7", "deploymentSourcePrefix": "dev/vpc/7/distribution-origin",
        "attiniObjectIdentifier": "o", "deploymentTime": 1});
    block_on(world.put(&distribution_key("dev", "vpc"), vpc));
    assert_eq!(prepare(&world, &execution).unwrap()["dependencies"], expected);
}

#[test]
fn a_plan_or_deployment_without_a_record_is_named() {
    let (world, _) = world();
    let stranger = world.framework.place.machine_arn("stranger");
    let failed = prepare(&world, &stranger.execution("e")).unwrap_err();
    assert!(failed.cause.contains("stranger"), "{failed}");
    let plan =
        json!({"environment": "dev", "distributionName": "gone", "attiniObjectIdentifier": "dev/gone/gone.zip#v9"});
    block_on(world.put(&plan_key(&stranger), plan));
    let failed = prepare(&world, &stranger.execution("e")).unwrap_err();
    assert!(failed.cause.contains("dev/gone/gone.zip#v9"), "{failed}");
}
