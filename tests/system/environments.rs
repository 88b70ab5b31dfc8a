//! Environments: how they come and go, and that one sees nothing of another.

use serde_json::json;

use crate::support::TestEnv;

#[test]
fn environments_are_created_listed_and_removed() {
    let env = TestEnv::new();
    env.attini(["environment", "list"])
        .exits(152)
        .complains(&["there are no environments", "attini environment create"]);
    let run = env.attini(["environment", "create", "stage", "--env-type", "test"]).exits(0);
    run.tells(&["Environment stage is of type test"]);
    env.attini(["environment", "create", "prod"]).exits(0).tells(&["Environment prod is of type production"]);
    let list = env.attini(["environment", "list", "--json"]).exits(0).json();
    assert_eq!(list, json!([{"name": "prod", "type": "production"}, {"name": "stage", "type": "test"}]));
    env.attini(["environment", "create", "stage", "--env-type", "PRODUCTION"]).exits(0);
    env.attini(["environment", "list"]).exits(0).tells(&["- name: stage", "  type: production"]);
    env.attini(["environment", "remove", "stage"]).exits(0).tells(&["Removed environment stage"]);
    let list = env.attini(["environment", "list", "--json"]).exits(0).json();
    assert_eq!(list, json!([{"name": "prod", "type": "production"}]));
    env.attini(["environment", "create", "x", "--env-type", "blue"]).exits(151).complains(&[
        "blue",
        "production",
        "test",
    ]);
    env.attini(["environment", "create", "a/b"]).exits(151).complains(&["a/b"]);
    env.attini(["environment", "remove", "stage"]).exits(1).complains(&["stage", "prod"]);
}

#[test]
fn a_missing_environment_is_created_as_test_and_said() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    env.deploy(&project, "1", &["-e", "prod"]).exits(0).tells(&["Created environment prod of type test"]);
    let list = env.attini(["environment", "list", "--json"]).exits(0).json();
    assert_eq!(list, json!([{"name": "prod", "type": "test"}]));
    let run = env.deploy(&project, "2", &["-e", "prod"]).exits(0);
    assert!(!run.stdout.contains("Created environment"), "{}", run.stdout);
}

#[test]
fn a_production_environment_needs_an_answer_or_force() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    env.attini(["environment", "create", "prod", "--env-type", "production"]).exits(0);
    let run = env.deploy(&project, "1", &["-e", "prod"]).exits(151);
    let run = run.tells(&["You are about to deploy network-and-app to prod."]);
    run.complains(&["a confirmation is needed, and nobody can be asked", "`--force`"]);
    assert_eq!(env.history("prod", "network-and-app").len(), 0);
    assert!(env.find_stack("prod", "prod-network").is_none());
    env.deploy(&project, "1", &["-e", "prod", "--force"]).exits(0);
}

#[test]
fn several_environments_and_none_chosen() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.attini(["environment", "create", "dev", "--env-type", "test"]).exits(0);
    env.attini(["environment", "create", "stage", "--env-type", "test"]).exits(0);
    env.deploy(&project, "1", &[]).exits(151).complains(&["`-e dev` or `-e stage`"]);
}

#[test]
fn two_environments_have_their_own_parameters_records_files_and_stacks() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    env.deploy(&project, "1", &["-e", "dev"]).exits(0).tells(&["✓ SmokeTest"]);
    env.deploy(&project, "2", &["-e", "dev"]).exits(0);
    env.deploy(&project, "1", &["-e", "prod"]).exits(0).tells(&["✓ Announce", "  production runs on prod-app"]);

    for (environment, range, size) in [("dev", "10.0.0.0/16", "small"), ("prod", "10.100.0.0/16", "large")] {
        assert_eq!(env.stack(environment, &format!("{environment}-network")).parameters["Range"], range);
        assert_eq!(env.stack(environment, &format!("{environment}-app")).parameters["Size"], size);
        let payload = env.output(environment, "network-and-app");
        assert_eq!(payload["environment"], environment);
        assert_eq!(payload["output"]["Network"]["Range"], range);
        assert_eq!(payload["output"]["App"]["Size"], size);
        let prefix = payload["deploymentOriginData"]["deploymentSource"]["deploymentSourcePrefix"].as_str().unwrap();
        assert!(prefix.starts_with(&format!("{environment}/network-and-app/")), "{prefix}");
    }
    let vpc = |environment: &str| env.output(environment, "network-and-app")["output"]["Network"]["VpcId"].clone();
    assert_ne!(vpc("dev"), vpc("prod"));

    let ids = |environment: &str| -> Vec<String> {
        let history = env.history(environment, "network-and-app");
        history.iter().map(|entry| entry["distributionId"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids("dev"), ids("prod")), (vec!["2".to_owned(), "1".to_owned()], vec!["1".to_owned()]));
    let list = env.attini(["distribution", "list", "-e", "prod", "--json"]).exits(0).json();
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!((&list[0]["environment"], &list[0]["distributionId"]), (&json!("prod"), &json!("1")));
    assert_eq!(env.attini(["distribution", "list", "--json"]).exits(0).json().as_array().unwrap().len(), 2);
    env.attini(["distribution", "download", "-n", "network-and-app", "-i", "2", "-e", "prod"]).exits(151);
    env.attini(["deploy", "rollback", "-n", "network-and-app", "-i", "2", "-e", "prod"]).exits(1);
    env.attini(["deploy", "describe", "-n", "network-and-app", "-i", "2", "-e", "prod"]).exits(151);
}

#[test]
fn values_belong_to_one_environment() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.set_values(
        "dev",
        "stacks: {dev-hello-topic: {fail: {Topic: not here}}, prod-hello-topic: {fail: {Topic: not here}}}",
    );
    env.deploy(&project, "1", &["-e", "dev"]).exits(1);
    env.deploy(&project, "1", &["-e", "prod"]).exits(0);
}

#[test]
fn an_environment_in_use_is_removed_by_force_and_shown_as_deleted() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    env.attini(["environment", "remove", "dev"])
        .exits(1)
        .complains(&["holds deployed distributions: hello-world", "--force"]);
    env.attini(["environment", "remove", "dev", "--force"]).exits(0);
    env.attini(["environment", "context"]).exits(0).tells(&["Environment has been deleted"]);
}

#[test]
fn a_reset_forgets_one_environment_and_spares_the_other() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &["-e", "dev"]).exits(0);
    env.deploy(&project, "1", &["-e", "prod"]).exits(0);
    env.attini(["local", "reset", "-e", "dev"]).exits(151).complains(&["--force"]);
    env.attini(["local", "reset", "-e", "dev", "--force"]).exits(0).tells(&["Removed dev"]);
    assert!(env.find_stack("dev", "dev-hello-topic").is_none());
    assert!(env.find_stack("prod", "prod-hello-topic").is_some());
    assert_eq!(env.history("prod", "hello-world").len(), 1);
    env.deploy(&project, "1", &["-e", "dev"]).exits(0).tells(&["Init stack created successfully"]);
    assert_eq!(env.history("dev", "hello-world").len(), 1);
}
