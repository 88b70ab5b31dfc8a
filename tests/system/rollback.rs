//! `attini deploy rollback`: an earlier id's own bytes, without the project folder.

use std::fs;

use crate::support::{TestEnv, edit};

#[test]
fn an_earlier_id_is_deployed_again_without_the_project() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &["-v", "1.0.0"]).exits(0);
    let first = fs::read(project.join("attini_dist/hello-world.zip")).unwrap();
    edit(&project.join("scripts/greet.sh"), "Hello from", "Greetings from");
    env.deploy(&project, "2", &["-v", "2.0.0"]).exits(0);
    let display_name = || env.resources("dev-hello-topic")["Topic"]["properties"]["DisplayName"].clone();
    assert_eq!(display_name(), "Greetings from hello-world in dev");
    fs::remove_dir_all(&project).unwrap();

    let run = env.attini(["deploy", "rollback", "-n", "hello-world", "-i", "1"]).exits(0);
    run.tells(&[
        "Deploying hello-world with distribution id 1 again",
        "DistributionId: 1",
        "Version: 1.0.0",
        "✓ Check",
    ]);
    assert_eq!(display_name(), "Hello from hello-world in dev");
    let history = env.history("dev", "hello-world");
    let ids: Vec<_> = history.iter().map(|entry| entry["distributionId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "2", "1"]);
    let versions: Vec<_> = history.iter().map(|entry| entry["version"].as_str().unwrap()).collect();
    assert_eq!(versions, ["1.0.0", "2.0.0", "1.0.0"]);
    env.attini(["distribution", "download", "-n", "hello-world", "--output", "now.zip"]).exits(0);
    assert_eq!(fs::read(env.work().join("now.zip")).unwrap(), first);
}

#[test]
fn without_an_id_it_goes_to_the_last_success_that_is_not_current() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let script = project.join("scripts/greet.sh");
    env.deploy(&project, "1", &[]).exits(0);
    let good = fs::read(&script).unwrap();
    fs::write(&script, "exit 1\n").unwrap();
    env.deploy(&project, "2", &[]).exits(1);
    fs::write(&script, good).unwrap();
    env.deploy(&project, "3", &[]).exits(0);
    env.attini(["deploy", "rollback", "-n", "hello-world"]).exits(0).tells(&["with distribution id 1 again"]);
}

#[test]
fn an_id_that_was_never_deployed_changes_nothing() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    let run = env.attini(["deploy", "rollback", "-n", "hello-world", "-i", "7"]).exits(1);
    run.complains(&["no distribution was found with distribution id = 7"]);
    env.attini(["deploy", "rollback", "-n", "hello-world"]).exits(1).complains(&["no earlier successful deployment"]);
    env.attini(["deploy", "rollback", "-n", "other", "-i", "1"]).exits(1).complains(&["no distribution was found"]);
    assert_eq!(env.history("dev", "hello-world").len(), 1);
}

#[test]
fn a_production_environment_asks_first() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.attini(["environment", "create", "prod"]).exits(0);
    env.deploy(&project, "1", &["--force"]).exits(0);
    let run = env.attini(["deploy", "rollback", "-n", "hello-world", "-i", "1"]).exits(151);
    run.complains(&["--force"]);
    env.attini(["deploy", "rollback", "-n", "hello-world", "-i", "1", "--force"]).exits(0);
    assert_eq!(env.history("prod", "hello-world").len(), 2);
}
