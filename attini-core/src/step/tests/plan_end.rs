//! How a plan's end becomes a deployment's.

use std::time::Duration;

use super::*;
use crate::port::ExecutionDescription;
use crate::step::plan_ended;
use crate::value::ObjectKey;

fn describe(world: &TestFramework, execution: &ExecutionArn) -> ExecutionDescription {
    block_on(world.framework.workflows.describe(execution)).unwrap()
}

fn end(world: &TestFramework, execution: &ExecutionArn) {
    block_on(plan_ended(&world.framework, &describe(world, execution), 3)).unwrap();
}

/// A deployment whose plan runs.
fn running() -> (TestFramework, ExecutionArn) {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    prepare(&world, &execution).unwrap();
    (world, execution)
}

fn output(world: &TestFramework) -> Option<Value> {
    let content = world.artifacts.content(&ObjectKey::of_output("dev", "network", "42"))?;
    Some(serde_json::from_slice(&content).unwrap())
}

fn record(world: &TestFramework) -> Value {
    world.deployment("dev", "network", &object())
}

#[test]
fn actions_case_53_success() {
    let (world, execution) = running();
    world.clock.advance(Duration::from_secs(5));
    world.workflows.succeed(&execution, &json!({"x": 1}));
    end(&world, &execution);
    let after_once = world.bodies();
    end(&world, &execution);
    assert_eq!(world.bodies(), after_once);
    assert_eq!(output(&world), Some(json!({"x": 1})));
    let record = record(&world);
    assert_eq!((&record["deploymentPlanStatus"], &record["outcome"]), (&json!("SUCCEEDED"), &json!("SUCCEEDED")));
    assert_eq!((&record["endTime"], record.get("errorCode")), (&json!(NOW + 5_000), None));
    assert_eq!(world.latest("dev", "network"), record);
    let distribution = world.body(&distribution_key("dev", "network"));
    let url = "https://attini-artifact-store-eu-west-1-111122223333.s3.eu-west-1.amazonaws.com/outputs/dev/network/42/output.json";
    assert_eq!(
        (&distribution["outputUrl"], &distribution["lastSuccess"]["distributionId"]),
        (&json!(url), &json!("42"))
    );
    let plan = world.body(&plan_key(&execution.machine()));
    assert_eq!((&plan["status"], &plan["startTime"]), (&json!("SUCCEEDED"), &json!(NOW)));
    assert_eq!(world.notified()[1], ("DeploymentPlanEnd".to_owned(), "SUCCEEDED".to_owned()));
}

#[test]
fn actions_case_54_failure() {
    let (world, execution) = running();
    world.workflows.fail(&execution, "E", "C");
    end(&world, &execution);
    let record = record(&world);
    assert_eq!((&record["errorCode"], &record["errorMessage"]), (&json!("E"), &json!("C")));
    assert_eq!((&record["deploymentPlanStatus"], &record["outcome"]), (&json!("FAILED"), &json!("FAILED")));
    assert_eq!((output(&world), world.latest("dev", "network")), (None, record));
    assert!(world.body(&distribution_key("dev", "network")).get("lastSuccess").is_none());
}

#[test]
fn actions_case_55_a_replaced_execution_ends_after_the_newer_one_succeeded() {
    let (world, first) = running();
    let second = ObjectIdentifier::from_record("dev/network/network.zip#v2");
    world.clock.advance(Duration::from_secs(1));
    let machine = deployed(&world, &second, NOW + 1_000);
    let newer = start(&world, &machine, &second, NOW + 1_000);
    prepare(&world, &newer).unwrap();
    world.workflows.succeed(&newer, &json!({"x": 2}));
    end(&world, &newer);
    end(&world, &first);
    assert_eq!(world.deployment("dev", "network", &second)["outcome"], "SUCCEEDED");
    assert_eq!(world.latest("dev", "network")["deploymentPlanStatus"], "SUCCEEDED");
    assert_eq!(world.body(&plan_key(&machine))["status"], "SUCCEEDED");
    assert_eq!(output(&world), Some(json!({"x": 2})));
    let replaced = record(&world);
    assert_eq!((&replaced["outcome"], &replaced["deploymentPlanStatus"]), (&json!("ABORTED"), &json!("ABORTED")));
    assert!(replaced["errorMessage"].as_str().unwrap().contains("replaced by the deployment of network 42"));
}

#[test]
fn actions_case_55_the_same_upload_run_again_by_hand() {
    let (world, first) = running();
    world.clock.advance(Duration::from_secs(1));
    let newer = block_on(world.framework.workflows.start(&first.machine(), "by-hand", &json!({}))).unwrap();
    prepare(&world, &newer).unwrap();
    world.workflows.succeed(&newer, &json!({}));
    end(&world, &newer);
    let after = world.bodies();
    end(&world, &first);
    assert_eq!(world.bodies(), after, "the stopped one is not the deployment's any more");
}

#[test]
fn a_plan_that_fails_in_its_first_state_ends_its_deployment() {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    world.workflows.fail(&execution, "DeploymentRejected", "execution e1 runs");
    end(&world, &execution);
    let record = record(&world);
    assert_eq!((&record["outcome"], &record["errorCode"]), (&json!("FAILED"), &json!("DeploymentRejected")));
}

#[test]
fn a_plan_that_gives_way_in_its_first_state_is_aborted() {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    let second = ObjectIdentifier::from_record("dev/network/network.zip#v2");
    deployed(&world, &second, NOW + 1);
    let failed = prepare(&world, &execution).unwrap_err();
    world.workflows.fail(&execution, &failed.error, &failed.cause);
    end(&world, &execution);
    assert_eq!(record(&world)["outcome"], "ABORTED");
    assert_eq!(world.deployment("dev", "network", &second).get("outcome"), None);
}

#[test]
fn a_plan_whose_machine_was_replaced_still_ends_its_deployment() {
    let (world, execution) = running();
    let key = plan_key(&execution.machine());
    block_on(world.framework.inventory.delete(&key, crate::port::Precondition::None)).unwrap();
    world.workflows.succeed(&execution, &json!({}));
    end(&world, &execution);
    assert_eq!(record(&world)["outcome"], "SUCCEEDED");
    assert_eq!(world.find_body(&key), None, "a plan that is gone is not written again");
}

#[test]
fn a_failure_of_a_step_that_the_plan_caught_is_taken_back() {
    let (world, execution) = running();
    let key = crate::port::RecordKey::latest(&crate::value::DeploymentName::of_raw("dev", "network"));
    let own = crate::port::RecordKey::Deployment(
        crate::value::DeploymentName::of_raw("dev", "network"),
        Timestamp::from_ms(NOW),
    );
    for key in [key, own] {
        let mut body = world.body(&key);
        body["errorCode"] = json!("CloudformationError");
        body["errorMessage"] = json!("Step: Db failed with error: boom");
        block_on(world.put(&key, body));
    }
    world.workflows.succeed(&execution, &json!({}));
    end(&world, &execution);
    let record = record(&world);
    assert_eq!((record.get("errorCode"), record.get("errorMessage")), (None, None));
    assert_eq!(world.latest("dev", "network"), record);
}

#[test]
fn an_end_that_comes_after_another_one_does_not_change_it() {
    let (world, execution) = running();
    let ending = crate::deploy::Ending {
        outcome: crate::inventory::Outcome::Interrupted,
        error: Some(Failure::new("Interrupted", "its worker died")),
    };
    let name = crate::value::DeploymentName::of_raw("dev", "network");
    block_on(crate::deploy::end_deployment(&world.framework, &name, &object(), &ending)).unwrap();
    world.workflows.fail(&execution, "E", "C");
    end(&world, &execution);
    let record = record(&world);
    assert_eq!((&record["outcome"], &record["errorMessage"]), (&json!("INTERRUPTED"), &json!("its worker died")));
}
