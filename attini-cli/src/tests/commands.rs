use attini_core::port::{RecordKey, ResourceKind};
use attini_core::value::{DeploymentName, Timestamp};
use serde_json::{Value, json};

use super::memory::{Memory, attini, attini_on};
use crate::ui::Terminal;

const PERSON: Terminal = Terminal { color_out: false, color_err: false, live: false, interactive: true };

#[test]
fn cli_case_35_no_environment_is_made_by_the_first_local_deployment() {
    let world = Memory::with_environments(&[]);
    let ran = attini(&world, "deploy run . --local -b");
    insta::assert_snapshot!(ran, @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Created environment dev of type test
    Uploading distribution
    Uploaded distribution
    Follow the deployment: attini deploy describe -n shop -e dev -i 7 --local
    ");
    assert_eq!(*world.uploads.lock().expect("free"), ["dev/shop/shop.zip#v1"]);
    assert_eq!(attini(&world, "deploy run . --local -b -e qa").code, 0);
    assert_eq!(world.uploads.lock().expect("free")[1], "qa/shop/shop.zip#v2");
}

#[test]
fn an_environment_that_another_process_creates_meanwhile_keeps_its_type() {
    for (theirs, code) in [("production", 1), ("test", 0)] {
        let world = Memory::with_environments(&[]);
        let key = RecordKey::Resource(ResourceKind::Environment, "prod".to_owned());
        *world.meanwhile.lock().expect("free") = Some((key.clone(), json!({ "environmentType": theirs })));
        let ran = attini(&world, "deploy run . --local -b -e prod");
        assert_eq!(ran.code, code, "{}", ran.err);
        assert_eq!(world.records.lock().expect("free")[&key]["environmentType"], theirs);
    }
}

#[test]
fn hints_name_the_environment_that_was_chosen() {
    let world = Memory::with_environments(&[("dev", "test"), ("qa", "test")]);
    let ran = attini(&world, "distribution download -n shop -i 99 -e qa --local");
    assert!(ran.err.contains("attini deploy history -n shop -e qa --local"), "{}", ran.err);
}

#[test]
fn cli_case_35_unknown_and_several_environments() {
    let world = Memory::with_environments(&[("dev", "test"), ("prod", "production"), ("qa", "test")]);
    insta::assert_snapshot!(attini(&world, "deploy describe -n shop -e x --local"), @"
    ------- stderr -------
    Error: Current account and region does not contain environment = x
    Hint: there are: dev, prod, qa
    Hint: create it: attini environment create x --env-type test --local
    [exit status: 1]
    ");
    insta::assert_snapshot!(attini(&world, "deploy run . --local"), @"
    ------- stderr -------
    Error: there are several environments and none was chosen
    Hint: pass `-e dev` or `-e prod` or `-e qa`
    [exit status: 151]
    ");
    let ran = attini_on(&world, "deploy history -n shop --local", PERSON, "nope\nqa\n");
    assert_eq!(ran.out, "No distribution with name shop found in qa\n");
}

#[test]
fn cli_case_36_production_asks() {
    let world = Memory::with_environments(&[("prod", "production")]);
    let ran = attini_on(&world, "deploy run . --local", PERSON, "n\n");
    insta::assert_snapshot!(ran, @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Distribution being deployed:
    DistributionId: 7
    Version: 1.4.0
    You are about to deploy shop to prod.
    Deployment aborted
    ------- stderr -------
    Continue? (Y/N) [exit status: 1]
    ");
    assert!(world.uploads.lock().expect("free").is_empty());
    let ran = attini(&world, "deploy run . --local");
    assert_eq!(ran.code, 151);
    assert!(ran.err.contains("pass `--force`"), "{}", ran.err);
    assert_eq!(attini(&world, "deploy run . --local -fb").code, 0);
    assert_eq!(attini_on(&world, "deploy run . --local -b", PERSON, "y\n").code, 0);
    assert_eq!(world.uploads.lock().expect("free").len(), 2);
}

#[test]
fn an_id_with_another_content_is_told_before_anything_is_uploaded() {
    let world = Memory::with_environments(&[("dev", "test")]);
    let deployed = |digest: &str| {
        let key = RecordKey::Deployment(DeploymentName::of_raw("dev", "shop"), Timestamp::from_ms(1));
        let body = json!({
            "environment": "dev", "distributionName": "shop", "distributionId": "7", "contentDigest": digest,
            "objectIdentifier": "dev/shop/shop.zip#old",
        });
        world.set(key, &body);
    };
    deployed("new-digest");
    assert_eq!(attini(&world, "deploy run . --local -b").err, "");
    deployed("old-digest");
    let ran = attini(&world, "deploy run . --local -b");
    insta::assert_snapshot!(ran.err, @"
    Warning: id 7 of shop was deployed to dev before with another content: then old-digest, now new-digest
    ");
    assert_eq!((ran.code, world.uploads.lock().expect("free").len()), (0, 2));

    assert_eq!(attini(&world, "environment create dev --env-type test --immutable-ids --local").code, 0);
    let ran = attini(&world, "deploy run . --local -b");
    insta::assert_snapshot!(ran.err, @"
    Error: id 7 of shop was deployed to dev before with another content: then old-digest, now new-digest; dev does not allow that (immutableIds)
    Hint: give the new content an id of its own: `--distribution-id`, or `attini configure set-dist-id`
    ");
    assert_eq!((ran.code, world.uploads.lock().expect("free").len()), (151, 2));
    assert_eq!(attini(&world, "environment create dev --env-type test --local").code, 0);
    assert_eq!(attini(&world, "deploy run . --local -b").code, 151, "only the option takes it away");
    assert_eq!(attini(&world, "environment create dev --env-type test --no-immutable-ids --local").code, 0);
    assert_eq!(attini(&world, "deploy run . --local -b").code, 0);
}

#[test]
fn cli_case_46_environments() {
    let world = Memory::with_environments(&[]);
    let ran = attini(&world, "environment list --local");
    insta::assert_snapshot!(ran, @r#"
    ------- stderr -------
    errorCode: NotConfigured
    message: there are no environments
    hints:
    - "create it: attini environment create dev --env-type test --local"
    [exit status: 152]
    "#);
    insta::assert_snapshot!(attini(&world, "environment create qa --env-type TEST --local"), @"Environment qa is of type test");
    insta::assert_snapshot!(attini(&world, "environment list --local"), @"
    - name: qa
      type: test
    ");
    assert_eq!(attini(&world, "environment create qa --env-type x --local").code, 151);
    assert_eq!(attini(&world, "environment create a/b --local").code, 151);
    assert_eq!(attini(&world, "environment remove qa --local").code, 0);
    assert_eq!(attini(&world, "environment list --local").code, 152);
}

fn deployed(world: &Memory, newest: &str) {
    let key = RecordKey::Resource(ResourceKind::Distribution, "dev-shop".to_owned());
    let body = json!({
        "environment": "dev", "distributionName": "shop", "distributionId": newest,
        "lastSuccess": {"distributionId": "7", "version": "1.4.0"},
    });
    world.set(key, &body);
}

#[test]
fn what_runs_where() {
    let world = Memory::with_environments(&[("dev", "test")]);
    assert_eq!(attini(&world, "distribution list --local").out, "Nothing is deployed\n");
    assert_eq!(attini(&world, "distribution list --local --json").out, "[]\n");
    deployed(&world, "8");
    insta::assert_snapshot!(attini(&world, "dist list --local -e dev"), @r#"
    - environment: dev
      name: shop
      distributionId: "7"
      version: "1.4.0"
      newestAttempt:
        distributionId: "8"
    "#);
    insta::assert_snapshot!(attini(&world, "context --local"), @r#"
    attiniVersion: "0.1.0"
    account: "000000000000"
    region: eu-west-1
    environments:
    - environmentName: dev
      type: test
      distributions:
      - name: shop
        distributionId: "7"
        version: "1.4.0"
        newestAttempt:
          distributionId: "8"
    "#);
    let ran = attini(&world, "environment remove dev --local");
    assert!(ran.code == 1 && ran.err.contains("shop"), "{}", ran.err);
}

fn earlier_deployments(world: &Memory, outcomes: &[(&str, &str)]) {
    for (index, (id, outcome)) in outcomes.iter().enumerate() {
        let time = Timestamp::from_ms(1_000 * (index as i64 + 1));
        let body = json!({
            "environment": "dev", "distributionName": "shop", "distributionId": id, "outcome": outcome,
            "objectIdentifier": format!("dev/shop/shop.zip#old{index}"), "stackName": "dev-shop", "deploymentPlanCount": 0,
            "initStackUnchanged": true,
        });
        world.set(RecordKey::Deployment(DeploymentName::of_raw("dev", "shop"), time), &body);
    }
}

#[test]
fn history_is_the_newest_ones_newest_first() {
    let world = Memory::with_environments(&[("dev", "test")]);
    earlier_deployments(&world, &[("5", "SUCCEEDED"), ("6", "FAILED"), ("7", "SUCCEEDED"), ("8", "FAILED")]);
    let ran = attini(&world, "deploy history -n shop -o 3 --json --local");
    let list: Value = serde_json::from_str(&ran.out).expect("JSON");
    let ids: Vec<_> = list.as_array().expect("a list").iter().map(|entry| entry["distributionId"].clone()).collect();
    assert_eq!(ids, ["8", "7", "6"]);
    assert_eq!(list[0]["deploymentTimeUtc"], "1970-01-01T00:00:04.000Z");
    assert_eq!(attini(&world, "deploy history -n other --json --local").out, "[]\n");
}

#[test]
fn rollback_goes_to_the_last_success_that_is_not_current() {
    let world = Memory::with_environments(&[("dev", "test")]);
    deployed(&world, "8");
    earlier_deployments(&world, &[("5", "SUCCEEDED"), ("6", "FAILED"), ("7", "SUCCEEDED"), ("8", "FAILED")]);
    let ran = attini(&world, "deploy rollback -n shop --local -b");
    assert!(ran.out.starts_with("Deploying shop with distribution id 5 again\n"), "{ran}");
    let ran = attini(&world, "deploy rollback -n shop -i 4 --local");
    insta::assert_snapshot!(ran, @"
    ------- stderr -------
    Error: no distribution was found with distribution id = 4
    [exit status: 1]
    ");
}

#[test]
fn records_of_a_neighbor_with_the_same_key_are_left_out() {
    let world = Memory::with_environments(&[("a", "test")]);
    let key = RecordKey::Deployment(DeploymentName::of_raw("a", "b-c"), Timestamp::from_ms(1));
    world.set(key, &json!({"environment": "a-b", "distributionName": "c", "objectIdentifier": "a-b/c/c.zip#1"}));
    let ran = attini(&world, "deploy describe -n b-c --local");
    assert_eq!(ran.code, 151, "{ran}");
}

fn approval(world: &Memory, step: &str) {
    let key = RecordKey::Resource(ResourceKind::ManualApproval, format!("dev-shop-{step}"));
    let body = json!({"environment": "dev", "distributionName": "shop", "stepName": step, "sfnToken": "secret"});
    world.set(key, &body);
}

#[test]
fn cli_case_44_answers() {
    let world = Memory::with_environments(&[("dev", "test")]);
    let ran = attini(&world, "deploy continue -n shop --step-name S --local");
    insta::assert_snapshot!(ran, @"
    ------- stderr -------
    errorCode: IllegalArgument
    message: no step of shop in dev waits for an answer
    [exit status: 151]
    ");
    approval(&world, "S");
    let ran = attini(&world, "deploy continue -n shop -m ok --abort --local");
    assert_eq!(ran.out, "Rejected step S of shop in dev\n");
    let answer = world.answers.lock().expect("free")[0].clone();
    assert_eq!((answer.step.as_str(), answer.abort, answer.message.as_deref()), ("S", true, Some("ok")));
    approval(&world, "T");
    let ran = attini(&world, "deploy continue -n shop --local");
    assert!(ran.code == 151 && ran.err.contains("waiting: `S`, `T`"), "{ran}");
    assert!(!ran.err.contains("secret"));
}

#[test]
fn outputs_and_downloads() {
    let world = Memory::with_environments(&[("dev", "test")]);
    assert_eq!(attini(&world, "deploy output -n shop --local").code, 151);
    deployed(&world, "8");
    assert_eq!(attini(&world, "deploy output -n shop --local").code, 151);
    world.values.lock().expect("free").insert("7".to_owned(), json!({"Url": "https://a"}));
    assert_eq!(attini(&world, "deploy output -n shop --local").out, "Url: https://a\n\n");
    assert_eq!(attini(&world, "distribution download -n shop --output - --local").out, "zip");
    assert_eq!(attini(&world, "distribution download -n shop -i 9 --local").code, 151);
}

#[test]
fn cli_case_47_a_download_takes_a_free_name() {
    let world = Memory::with_environments(&[("dev", "test")]);
    deployed(&world, "7");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("D.zip");
    let ran = attini(&world, &format!("distribution download -n shop --output {} --local", file.display()));
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(std::fs::read(&file).expect("written"), b"zip");
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 1, "no temporary file is left");
}

#[test]
fn cli_case_48_configuration_files_have_known_names() {
    let world = Memory::with_environments(&[]);
    assert_eq!(attini(&world, "configure set-tag f.txt --key a --value b").code, 155);
    let ran = attini(&world, "configure set-tag f.yaml --key a --value b --override");
    assert_eq!(ran.out, "Set tag a=b in f.yaml\n");
    assert_eq!(attini(&world, "configure set-dist-id --id build-1").out, "DistributionId set to: build-1\n");
    assert_eq!(attini(&world, "configure set-dist-id --id a&b").code, 151);
    let ran = attini(&world, "configure set-init-deploy-parameter --key K --value V -e dev");
    assert_eq!(ran.out, "Set parameter K=V for environment = dev in attini-config\n");
    let edits = world.edits.lock().expect("free");
    assert_eq!(edits[0].path, ["tags", "a"]);
    assert!(edits[0].replace);
    assert_eq!(edits[2].path, ["initDeployConfig", "parameters", "dev", "K"]);
}

#[test]
fn the_local_world_is_reset_only_when_told() {
    let world = Memory::with_environments(&[("dev", "test"), ("qa", "test")]);
    assert_eq!(attini(&world, "local reset").code, 151);
    assert_eq!(attini_on(&world, "local reset -e qa", PERSON, "n\n").code, 1);
    assert_eq!(attini(&world, "local reset -e qa --force").out, "Removed qa\n");
    assert_eq!(attini(&world, "local reset -f").out, "Removed dev\n");
    let ran = attini(&world, "local set -e dev no-such-file.yaml");
    assert_eq!(ran.code, 151);
}

#[test]
fn paths_are_checked_before_anything_is_made() {
    let world = Memory::with_environments(&[]);
    let ran = attini(&world, "deploy run no-such-directory --local");
    insta::assert_snapshot!(ran, @"
    ------- stderr -------
    Error: no-such-directory does not exist
    [exit status: 151]
    ");
    assert_eq!(attini(&world, "deploy run s3://b/k.zip --local").code, 1);
    assert_eq!(attini(&world, "distribution inspect a.tar").code, 151);
    assert_eq!(attini(&world, "distribution inspect no-such.zip").code, 151);
    assert!(world.records.lock().expect("free").is_empty());
}

#[test]
fn stacks_of_the_simulator_are_listed_and_shown() {
    let world = Memory::with_environments(&[("dev", "test")]);
    insta::assert_snapshot!(attini(&world, "local stacks -e dev"), @"
    - name: shop
      status: CREATE_COMPLETE
    ");
    insta::assert_snapshot!(attini(&world, "local stack shop"), @r#"
    name: shop
    status: UPDATE_ROLLBACK_COMPLETE
    region: eu-west-1
    parameters:
      Password: "****"
    events:
    - 2026-01-01 10:00:00 UPDATE_FAILED Queue: no capacity
    - 2026-01-01 10:00:01 UPDATE_COMPLETE Queue
    "#);
    let ran = attini(&world, "local stack none");
    assert!(ran.err.contains("there is no stack none") && ran.err.contains("attini local stacks"), "{}", ran.err);
    let ran = attini(&world, "local stack both");
    assert!(ran.err.contains("in eu-west-1 and eu-north-1") && ran.err.contains("--region eu-north-1"), "{}", ran.err);
    assert_eq!(attini(&world, "local stack both --region eu-north-1").code, 0);
    assert!(attini(&world, "local stack shop --json").out.contains("\"reason\": null"));
}
