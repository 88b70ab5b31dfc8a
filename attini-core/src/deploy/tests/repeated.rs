//! Uploads that are noticed twice, late, or at the same time.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::guard::init_stack_event;
use crate::step::run_action;

fn files(config: &str) -> [(&str, &str); 2] {
    [("attini-config.yaml", config), ("plan.yaml", TEMPLATE)]
}

#[test]
fn an_older_upload_that_comes_late_is_superseded_and_changes_nothing_but_its_record() {
    let world = world();
    let older = upload(&world, KEY, &files(WITH_STACK));
    world.clock.advance(Duration::from_secs(1));
    let (newer, done) = deploy(&world, &files(&WITH_STACK.replace("abc", "def")));
    done.unwrap();
    let before = (world.latest("dev", "infra"), world.body(&distribution_key("dev", "infra")), artifact_keys(&world));
    let failure = block_on(init_deploy(&world.framework, &older)).unwrap_err();
    assert_eq!(failure.error, "DeploymentSuperseded");
    assert!(failure.cause.contains("def"), "{failure}");
    assert_eq!(world.deployment("dev", "infra", &older.object())["outcome"], "FAILED");
    let after = (world.latest("dev", "infra"), world.body(&distribution_key("dev", "infra")), artifact_keys(&world));
    assert_eq!(before, after);
    assert_eq!(after.0["objectIdentifier"], newer.object().as_str());
    assert_eq!(world.init_stacks.requests().len(), 1);
}

#[test]
fn two_deployments_of_the_same_millisecond_have_a_record_each() {
    let world = world();
    let first = upload(&world, KEY, &[("attini-config.yaml", CONFIG)]);
    let second = upload(&world, KEY, &[("attini-config.yaml", CONFIG)]);
    assert_eq!(first.time, second.time);
    block_on(init_deploy(&world.framework, &first)).unwrap();
    block_on(init_deploy(&world.framework, &second)).unwrap();
    let times = [&first, &second].map(|upload| world.deployment("dev", "infra", &upload.object())["startedAt"].clone());
    assert_eq!(times, [json!(1_700_000_000_000_i64), json!(1_700_000_000_001_i64)]);
    assert_eq!(world.latest("dev", "infra")["objectIdentifier"], second.object().as_str());
    let last = &world.body(&distribution_key("dev", "infra"))["lastSuccess"]["attiniObjectIdentifier"];
    assert_eq!(last, second.object().as_str());
    // Noticed once more, the second one is not taken for older than itself.
    let before = world.bodies();
    block_on(init_deploy(&world.framework, &second)).unwrap();
    assert_eq!(world.bodies(), before);
}

#[test]
fn an_upload_noticed_twice_at_any_time_is_one_deployment() {
    for again in ["before the stack ends", "before its end is seen", "while the plan runs", "after the end"] {
        let world = world();
        let (upload, done) = deploy(&world, &files(WITH_STACK));
        done.unwrap();
        let object = upload.object();
        let machine = block_on(world.register("dev-infra", json!([])));
        let notice = || block_on(init_deploy(&world.framework, &upload)).unwrap();
        if again == "before the stack ends" {
            notice();
        }
        let events = world.init_events();
        if again == "before its end is seen" {
            notice();
            assert_eq!(world.workflows.executions().len(), 1);
        }
        for event in &events {
            block_on(init_stack_event(&world.framework, event)).unwrap();
        }
        let execution = world.workflows.executions()[0].arn.clone();
        let prepare = json!({"attiniActionType": "GetDeployOriginData", "sfnArn": machine.as_str(),
            "executionArn": execution.as_str(), "customData": {}});
        block_on(run_action(&world.framework, prepare)).unwrap();
        if again == "while the plan runs" {
            notice();
        }
        world.workflows.succeed(&execution, &json!({"x": 1}));
        let ended = block_on(world.framework.workflows.describe(&execution)).unwrap();
        block_on(crate::step::plan_ended(&world.framework, &ended, 1)).unwrap();
        let before = world.bodies();
        if again == "after the end" {
            notice();
        }
        assert_eq!(world.bodies(), before, "{again}");
        let record = world.deployment("dev", "infra", &object);
        assert_eq!(
            (&record["outcome"], &record["initStackUnchanged"]),
            (&json!("SUCCEEDED"), &json!(false)),
            "{again}"
        );
        assert_eq!(record["executionArns"], json!({machine.name(): execution.as_str()}), "{again}");
        assert_eq!((world.init_stacks.requests().len(), world.workflows.executions().len()), (1, 1), "{again}");
        assert_eq!(world.latest("dev", "infra"), record, "{again}");
    }
}

#[test]
fn a_distribution_without_an_id_keeps_the_one_that_it_got_first() {
    let world = world();
    let config = WITH_STACK.replace("distributionId: abc\n", "");
    let (upload, done) = deploy(&world, &files(&config));
    done.unwrap();
    let id = world.deployment("dev", "infra", &upload.object())["distributionId"].clone();
    let keys = artifact_keys(&world);
    block_on(init_deploy(&world.framework, &upload)).unwrap();
    assert_eq!(world.deployment("dev", "infra", &upload.object())["distributionId"], id);
    assert_eq!(artifact_keys(&world), keys);
}

#[test]
fn the_new_copy_at_time_0_takes_over_the_executions_of_a_plan_that_still_runs() {
    let world = world();
    deploy(&world, &files(WITH_STACK)).1.unwrap();
    let key = crate::port::RecordKey::latest(&crate::value::DeploymentName::of_raw("dev", "infra"));
    let mut body = world.body(&key);
    body["executionArns"] = json!({"m": "arn:e1"});
    block_on(world.put(&key, body));
    for event in world.init_events() {
        block_on(init_stack_event(&world.framework, &event)).unwrap();
    }
    world.clock.advance(Duration::from_secs(1));
    let (upload, done) = deploy(&world, &files(&WITH_STACK.replace("abc", "def")));
    done.unwrap();
    assert_eq!(world.latest("dev", "infra")["executionArns"], json!({"m": "arn:e1"}));
    assert_eq!(world.deployment("dev", "infra", &upload.object())["executionArns"], json!({}));
}

#[test]
fn an_upload_that_is_overtaken_while_it_is_published_gives_way() {
    let overtaken = |key: &crate::port::RecordKey, newer: Value| {
        let world = world();
        block_on(world.put(key, newer.clone()));
        let (upload, done) = deploy(&world, &files(WITH_STACK));
        let failure = done.unwrap_err();
        assert!(failure.error == "DeploymentSuperseded" && failure.cause.contains("def"), "{failure}");
        assert_eq!(world.deployment("dev", "infra", &upload.object())["outcome"], "FAILED");
        assert_eq!(world.body(key), newer, "the newer upload's record stays");
        assert!(world.init_stacks.requests().is_empty());
        world
    };
    // The newer one has come as far as its distribution's record, or its init stack's, but its own is not there yet.
    let newer = json!({"attiniObjectIdentifier": "o", "distributionId": "def", "distributionName": "infra",
        "environment": "dev", "deploymentTime": 1_700_000_000_001_i64});
    let world = overtaken(&distribution_key("dev", "infra"), newer.clone());
    assert_eq!(latest_id(&world), None);
    overtaken(&init_stack_key("dev-infra"), newer);
}
