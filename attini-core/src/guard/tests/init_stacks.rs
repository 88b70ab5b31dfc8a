//! Events of init stacks.

use super::*;
use crate::guard::{init_stack_event, init_stack_token, start_plans};
use crate::inventory::{distribution_key, init_stack_key};
use crate::port::ExecutionStatus;
use crate::value::MachineArn;

fn key() -> RecordKey {
    init_stack_key("dev-plan")
}

/// A deployment whose init stack is being made; `plans` machines are registered.
pub(super) fn being_made(plans: usize) -> (TestFramework, Vec<MachineArn>) {
    let world = world();
    let machines: Vec<_> = (0..plans).map(|number| world.framework.place.machine_arn(&format!("m{number}"))).collect();
    for machine in &machines {
        world.workflows.register(machine);
        let plan = json!({"environment": "dev", "distributionName": "db", "distributionId": "d1", "payloadDefaults": "{}",
            "attiniObjectIdentifier": UPLOAD, "attiniSteps": [{"name": "DeployDb", "type": "AttiniCfn"}]});
        block_on(world.put(&crate::inventory::plan_key(machine), plan));
    }
    let arns: Vec<&str> = machines.iter().map(MachineArn::as_str).collect();
    let item = json!({"attiniObjectIdentifier": UPLOAD, "distributionId": "d1", "distributionName": "db",
        "environment": "dev", "pendingInitStackMd5Hex": "new", "initStackMd5Hex": "old", "errors": [], "sfnArns": arns});
    block_on(world.put(&key(), item));
    block_on(world.put(
        &distribution_key("dev", "db"),
        json!({"attiniObjectIdentifier": UPLOAD, "distributionId": "d1",
        "distributionName": "db", "environment": "dev"}),
    ));
    (world, machines)
}

pub(super) fn init_event(number: i64, logical_id: &str, status: &str, reason: Option<&str>) -> StackEvent {
    StackEvent {
        stack: StackName::parse("dev-plan").unwrap(),
        ..event(number, logical_id, status, reason, &init_stack_token(&object()))
    }
}

fn guard(world: &TestFramework, event: &StackEvent) {
    block_on(init_stack_event(&world.framework, event)).unwrap();
}

#[test]
fn framework_case_24_a_finished_stack_starts_its_plan_once() {
    let (world, machines) = being_made(1);
    for _ in 0..2 {
        guard(&world, &init_event(1, "dev-plan", "UPDATE_COMPLETE", None));
    }
    let record = deployment(&world);
    assert_eq!(
        (&record["deploymentPlanCount"], &record["attiniSteps"]),
        (&json!(1), &json!([{"name": "DeployDb", "type": "AttiniCfn"}]))
    );
    let executions = world.workflows.executions();
    assert_eq!(executions.len(), 1);
    assert_eq!(executions[0].arn.machine(), machines[0]);
    assert!(executions[0].arn.id().ends_with("-1700000000000"), "{}", executions[0].arn);
    let item = world.body(&key());
    assert_eq!((&item["initStackMd5Hex"], item.get("pendingInitStackMd5Hex")), (&json!("new"), None));
}

#[test]
fn framework_case_25_a_stack_without_plans_is_a_success() {
    let (world, _) = being_made(0);
    guard(&world, &init_event(1, "dev-plan", "CREATE_COMPLETE", None));
    let record = deployment(&world);
    assert_eq!((&record["deploymentPlanCount"], &record["outcome"]), (&json!(0), &json!("SUCCEEDED")));
    assert_eq!(world.body(&distribution_key("dev", "db"))["lastSuccess"]["distributionId"], "d1");
    assert!(world.workflows.executions().is_empty());
}

#[test]
fn framework_case_26_an_operation_of_somebody_else_takes_the_fingerprint_back_and_starts_nothing() {
    let (world, _) = being_made(1);
    let foreign = |token: Option<&str>, status: &str| StackEvent {
        token: token.map(str::to_owned),
        ..init_event(1, "dev-plan", status, None)
    };
    guard(&world, &foreign(Some("recreate-call-1"), "DELETE_COMPLETE"));
    guard(&world, &foreign(Some("Console-1"), "UPDATE_IN_PROGRESS"));
    assert_eq!(world.body(&key())["initStackMd5Hex"], "old");
    guard(&world, &foreign(None, "UPDATE_COMPLETE"));
    let item = world.body(&key());
    assert_eq!((&item["initStackMd5Hex"], &item["pendingInitStackMd5Hex"]), (&json!(""), &json!("new")));
    assert!(world.workflows.executions().is_empty());
    let stranger = StackEvent { stack: StackName::parse("other").unwrap(), ..foreign(None, "UPDATE_COMPLETE") };
    guard(&world, &stranger);
    assert_eq!(world.find_body(&init_stack_key("other")), None);
}

#[test]
fn framework_case_27_a_failed_stack_ends_the_deployment_once() {
    let (world, _) = being_made(1);
    guard(&world, &init_event(1, "Fn", "CREATE_FAILED", Some("boom")));
    for _ in 0..2 {
        guard(&world, &init_event(2, "dev-plan", "ROLLBACK_COMPLETE", None));
    }
    let record = deployment(&world);
    assert_eq!((&record["outcome"], &record["errorCode"]), (&json!("FAILED"), &json!("CloudformationError")));
    assert!(record["errorMessage"].as_str().unwrap().starts_with("init-stack failed with error: "));
    let item = world.body(&key());
    assert_eq!((&item["initStackMd5Hex"], item.get("pendingInitStackMd5Hex")), (&json!(""), None));
    assert_eq!(world.notified(), [("InitDeploy".to_owned(), "FAILED".to_owned())], "told once");
}

#[test]
fn framework_case_28_failed_resources_are_noted_once() {
    let (world, _) = being_made(1);
    for _ in 0..2 {
        guard(&world, &init_event(7, "Fn", "CREATE_FAILED", Some("bad value a=b 'x'")));
    }
    guard(&world, &init_event(8, "Q", "CREATE_FAILED", Some("Resource creation cancelled")));
    let entry =
        json!({"resourceName": "Fn", "resourceStatus": "CREATE_FAILED", "error": "bad value a=b 'x'", "eventId": "7"});
    assert_eq!(deployment(&world)["initStackErrors"], json!([entry]));
}

#[test]
fn cleaning_up_is_still_in_progress() {
    let (world, _) = being_made(1);
    guard(&world, &init_event(1, "dev-plan", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None));
    assert_eq!(deployment(&world).get("deploymentPlanCount"), None);
    assert!(StackStatus("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS".to_owned()).is_in_progress());
}

#[test]
fn a_deployment_that_has_ended_starts_nothing_more() {
    let (world, _) = being_made(1);
    guard(&world, &init_event(2, "dev-plan", "UPDATE_ROLLBACK_FAILED", None));
    guard(&world, &init_event(3, "dev-plan", "UPDATE_COMPLETE", None));
    assert!(world.workflows.executions().is_empty());
    let record = deployment(&world);
    assert_eq!((&record["outcome"], record.get("deploymentPlanCount")), (&json!("FAILED"), None));
}

#[test]
fn a_plan_that_is_not_there_ends_the_deployment_and_the_others_start() {
    let (world, machines) = being_made(2);
    let mut item = world.body(&key());
    item["sfnArns"] =
        json!([world.framework.place.machine_arn("gone").as_str(), machines[0].as_str(), machines[1].as_str()]);
    block_on(world.put(&key(), item));
    guard(&world, &init_event(1, "dev-plan", "UPDATE_COMPLETE", None));
    let record = deployment(&world);
    assert_eq!((&record["outcome"], &record["errorCode"]), (&json!("FAILED"), &json!("StartExecutionError")));
    assert!(record["errorMessage"].as_str().unwrap().contains("gone"));
    let running = world.workflows.executions();
    assert!(running.len() == 2 && running.iter().all(|execution| execution.status == ExecutionStatus::Running));
}

#[test]
fn plans_of_a_stack_without_a_record_are_an_error() {
    let world = world();
    let failure = block_on(start_plans(&world.framework, &StackName::parse("other").unwrap())).unwrap_err();
    assert!(failure.cause.contains("other"), "{failure}");
}
