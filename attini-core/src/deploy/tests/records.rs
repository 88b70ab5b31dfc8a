//! What a deployment leaves: records, files, parameter, messages.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::guard::init_stack_event;

const BUCKET: &str = "attini-artifact-store-eu-west-1-111122223333";
const NOW: i64 = 1_700_000_000_000;

#[test]
fn init_deploy_case_1_and_27_all_records_of_a_first_deployment() {
    let world = world();
    let config =
        format!("{WITH_STACK}  variables: {{default: {{v: x}}}}\ndistributionTags: {{team: a}}\nversion: 1.10\n");
    let (upload, done) = deploy(&world, &[("attini-config.yaml", &config), ("plan.yaml", TEMPLATE)]);
    done.unwrap();
    let object = upload.object();
    assert!(object.as_str().starts_with("dev/infra/infra.zip#"), "{object}");

    let record = world.deployment("dev", "infra", &object);
    let digest = record["contentDigest"].clone();
    let warnings = record["warnings"].clone();
    assert!(warnings[0].as_str().unwrap().contains("semantic"), "{warnings}");
    let expected = json!({
        "distributionName": "infra", "environment": "dev", "distributionId": "abc", "objectIdentifier": object.as_str(),
        "startedAt": NOW, "deploymentType": "platform",
        "deploymentSource": {"deploymentSourceBucket": BUCKET, "deploymentSourcePrefix": "dev/infra/abc/distribution-origin"},
        "distributionTags": {"team": "a"}, "stackName": "dev-infra", "version": "1.10", "initStackUnchanged": false,
        "executionArns": {}, "initStackErrors": [], "errors": {}, "samPackaged": false, "userIdentity": "me",
        "contentDigest": digest, "warnings": warnings,
    });
    assert_eq!(record, expected);
    assert_eq!(world.latest("dev", "infra"), expected);
    assert_eq!(latest_id(&world).as_deref(), Some("abc"));

    assert_eq!(
        world.body(&distribution_key("dev", "infra")),
        json!({
            "attiniObjectIdentifier": object.as_str(), "distributionId": "abc", "distributionName": "infra",
            "environment": "dev", "userIdentity": "me", "deploymentTime": NOW,
            "sourceS3Bucket": "attini-deployment-origin-eu-west-1-111122223333", "sourceS3key": "dev/infra/infra.zip",
            "deploymentSourcePrefix": "dev/infra/abc/distribution-origin", "distributionTags": {"team": "a"},
            "version": "1.10", "initStackName": "dev-infra",
        })
    );
    let mut item = world.body(&init_stack_key("dev-infra"));
    let pending = item["pendingInitStackMd5Hex"].take();
    assert_eq!(pending.as_str().unwrap().len(), 64);
    assert_eq!(
        item,
        json!({
            "attiniObjectIdentifier": object.as_str(), "distributionId": "abc", "distributionName": "infra",
            "environment": "dev", "deploymentTime": NOW, "variables": {"v": "x"}, "errors": [],
            "pendingInitStackMd5Hex": null,
        })
    );
    let message = &world.notifications.published()[0];
    assert_eq!(
        message.body,
        json!({
            "type": "InitDeploy", "status": "SUCCEEDED", "eventId": message.body["eventId"], "distributionId": "abc",
            "distributionName": "infra", "environment": "dev", "tags": {"team": "a"}, "version": "1.10",
            "objectIdentifier": object.as_str(), "initStackName": "dev-infra",
        })
    );
}

#[test]
fn init_deploy_case_2_the_folder_is_the_default_name() {
    let world = world();
    let upload = upload(&world, "dev/infra/2024-01/app.zip", &[("attini-config.yaml", "distributionId: x\n")]);
    block_on(init_deploy(&world.framework, &upload)).unwrap();
    assert_eq!(world.deployment("dev", "2024-01", &upload.object())["distributionId"], "x");
    assert!(artifact_keys(&world).contains(&"dev/2024-01/x/distribution-origin/2024-01.zip".to_owned()));
}

#[test]
fn init_deploy_case_4_without_an_init_stack_the_deployment_has_succeeded() {
    let world = world();
    let (upload, done) = deploy(&world, &[("attini-config.yaml", "distributionName: infra\n")]);
    done.unwrap();
    let record = world.deployment("dev", "infra", &upload.object());
    assert_eq!(record["distributionId"].as_str().unwrap().len(), 36);
    assert_eq!((record.get("stackName"), &record["outcome"]), (None, &json!("SUCCEEDED")));
    assert_eq!(world.latest("dev", "infra"), record);
    let last = &world.body(&distribution_key("dev", "infra"))["lastSuccess"];
    assert_eq!(
        *last,
        json!({
            "distributionId": record["distributionId"], "deploymentTime": NOW,
            "attiniObjectIdentifier": upload.object().as_str(),
            "deploymentSourcePrefix": record["deploymentSource"]["deploymentSourcePrefix"],
        })
    );
    assert_eq!(world.notified(), [("InitDeploy".to_owned(), "SUCCEEDED".to_owned())]);
    assert!(world.notifications.published()[0].body.get("initStackName").is_none());
}

#[test]
fn init_deploy_case_5_no_config_file_and_two() {
    let world = world();
    let (upload, done) = deploy(&world, &[("a.txt", "")]);
    done.unwrap();
    assert_eq!(world.deployment("dev", "infra", &upload.object())["outcome"], "SUCCEEDED");
    let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", CONFIG), ("attini-config.json", "{}")]);
    assert_eq!((failure.error.as_str(), &record["distributionId"]), ("InvalidConfig", &json!("undefined")));
}

#[test]
fn init_deploy_case_8_and_10_files_and_the_zip_are_published() {
    let world = world();
    let (_, done) = deploy(&world, &[("attini-config.yaml", CONFIG), ("a.txt", "a"), ("src/b.txt", "b")]);
    done.unwrap();
    let prefix = "dev/infra/abc/distribution-origin";
    let expected = ["a.txt", "attini-config.yaml", "infra.zip", "src/b.txt"].map(|file| format!("{prefix}/{file}"));
    assert_eq!(artifact_keys(&world), expected);
    let zip = world.artifacts.content(&crate::value::ObjectKey::new(format!("{prefix}/infra.zip"))).unwrap();
    assert_eq!(zip, block_on(world.framework.origin.get(&crate::value::ObjectKey::new(KEY), None)).unwrap());
}

#[test]
fn init_deploy_case_9_hostile_names_are_listed_before_anything_is_published() {
    let world = world();
    let files = [("attini-config.yaml", CONFIG), ("node_modules/@x/y.js", ""), ("a b", ""), ("fine", "")];
    let (failure, _) = refused(&world, "infra", &files);
    assert_eq!(failure.error, "InvalidDistribution");
    assert!(failure.cause.contains("node_modules/@x/y.js") && failure.cause.contains("a b"), "{failure}");
    assert!(!failure.cause.contains("fine"), "{failure}");
    assert_untouched(&world);
}

#[test]
fn init_deploy_case_10_and_11_what_is_no_safe_zip_is_refused() {
    let world = world();
    let (failure, _) = refused(&world, "infra", &[("attini-config.yaml", CONFIG), ("../evil", "x")]);
    assert_eq!(failure.error, "InvalidDistribution");
    for bytes in [b"hello".to_vec(), crate::contract::zip_of(&[])] {
        world.clock.advance(Duration::from_millis(1));
        let upload = block_on(world.upload_bytes(KEY, bytes));
        let failure = block_on(init_deploy(&world.framework, &upload)).unwrap_err();
        assert_eq!(failure.error, "InvalidDistribution");
        assert_eq!(world.deployment("dev", "infra", &upload.object())["errorMessage"], failure.cause);
    }
    assert_untouched(&world);
    assert_eq!(world.notified()[0], ("InitDeploy".to_owned(), "FAILED".to_owned()));
}

#[test]
fn an_unknown_environment_and_a_key_without_one_are_refused() {
    let world = world();
    for (key, environment, name, code) in [
        ("nowhere/infra/infra.zip", "nowhere", "infra", "EnvironmentNotFound"),
        ("x.zip", "x.zip", "", "InvalidUpload"),
    ] {
        let upload = upload(&world, key, &[("attini-config.yaml", CONFIG)]);
        let failure = block_on(init_deploy(&world.framework, &upload)).unwrap_err();
        assert_eq!(failure.error, code);
        assert_eq!(world.deployment(environment, name, &upload.object())["errorCode"], code);
    }
    assert_untouched(&world);
}

#[test]
fn leftovers_of_an_earlier_upload_of_the_id_go_and_neighbors_stay() {
    let world = world();
    deploy(&world, &[("attini-config.yaml", CONFIG), ("old/a", ""), ("old/b", ""), ("old/c", ""), ("z", "")])
        .1
        .unwrap();
    let neighbors = ["dev/infra/abc/.sam-source/x", "dev/infra/abc-rc/distribution-origin/x", "dev/infra/ab/x"];
    for key in neighbors {
        let key = crate::value::ObjectKey::new(key);
        block_on(world.framework.artifacts.put(&key, "x".into(), crate::port::Precondition::None)).unwrap();
    }
    world.clock.advance(Duration::from_secs(1));
    let (upload, done) = deploy(&world, &[("attini-config.yaml", CONFIG), ("new", "")]);
    done.unwrap();
    let keys = artifact_keys(&world);
    assert!(neighbors.iter().all(|key| keys.contains(&(*key).to_owned())), "{keys:?}");
    assert_eq!(keys.len(), neighbors.len() + 3, "{keys:?}");
    let record = world.deployment("dev", "infra", &upload.object());
    let warning = record["warnings"][0].as_str().unwrap();
    assert!(warning.contains("abc") && warning.contains("another content"), "{warning}");
}

#[test]
fn an_immutable_id_is_refused_with_another_content_and_taken_with_the_same() {
    let world = world();
    let key = crate::port::RecordKey::Resource(crate::port::ResourceKind::Environment, "dev".to_owned());
    block_on(world.put(&key, json!({"environmentType": "test", "immutableIds": true})));
    deploy(&world, &[("attini-config.yaml", CONFIG)]).1.unwrap();
    world.clock.advance(Duration::from_secs(1));
    deploy(&world, &[("attini-config.yaml", CONFIG)]).1.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let before = artifact_keys(&world);
    let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", CONFIG), ("more", "")]);
    assert!(failure.cause.contains("immutableIds"), "{failure}");
    assert_eq!((&record["distributionId"], artifact_keys(&world)), (&json!("abc"), before));
}

#[test]
fn an_output_and_the_last_success_survive_a_new_upload() {
    let world = world();
    deploy(&world, &[("attini-config.yaml", CONFIG)]).1.unwrap();
    let key = distribution_key("dev", "infra");
    let mut body = world.body(&key);
    body["outputUrl"] = json!("https://x");
    block_on(world.put(&key, body.clone()));
    world.clock.advance(Duration::from_secs(1));
    let config = WITH_STACK.replace("abc", "def");
    let (upload, done) = deploy(&world, &[("attini-config.yaml", &config), ("plan.yaml", TEMPLATE)]);
    done.unwrap();
    let after = world.body(&key);
    assert_eq!((&after["outputUrl"], &after["lastSuccess"]), (&body["outputUrl"], &body["lastSuccess"]));
    assert_eq!(after["distributionId"], "def");
    for event in world.init_events() {
        block_on(init_stack_event(&world.framework, &event)).unwrap();
    }
    assert_eq!(world.body(&key)["lastSuccess"]["attiniObjectIdentifier"], upload.object().as_str());
}
