//! `attini deploy run --local examples/hello-world`.

use std::fs;

use crate::support::{TestEnv, edit};

const STEPS: [&str; 3] = ["Greet", "Topic", "Check"];

#[test]
fn the_first_run_creates_environment_stacks_and_output() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let run = env.attini(["deploy", "run", project.to_str().unwrap()]).exits(0).tells(&[
        "Created environment dev of type test",
        "DistributionName: hello-world",
        "Init stack created successfully",
        "→ Greet",
        "  Hello from hello-world in dev",
        "✓ Greet",
        "  CREATE_COMPLETE Topic",
        "✓ Topic",
        "  The topic is called dev-hello",
        "✓ Check",
        "Deployment plan finished with status: SUCCEEDED",
    ]);
    assert_eq!(run.stderr, "");
    let output = env.output("dev", "hello-world");
    assert_eq!(output["output"]["Greet"]["greeting"], "Hello from hello-world in dev");
    assert_eq!(output["output"]["Topic"]["TopicName"], "dev-hello");
    assert_eq!(env.resources("dev-hello-topic")["Topic"]["properties"]["DisplayName"], "Hello from hello-world in dev");
}

#[test]
fn a_second_run_with_changed_sources_updates_the_stack() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    let before = env.stack("dev", "dev-hello-topic");
    let topic = env.resources("dev-hello-topic")["Topic"]["physical_id"].clone();

    edit(&project.join("scripts/greet.sh"), "Hello from", "Greetings from");
    let events = env.deploy(&project, "2", &["--json"]).exits(0).events();
    assert_eq!(events.steps("stepSucceeded"), STEPS);
    assert_eq!(events.resources("Topic", "UPDATE_COMPLETE"), ["Topic", "dev-hello-topic"]);
    let created = events.stack("Topic").into_iter().filter(|(_, status)| status.starts_with("CREATE"));
    assert_eq!(created.count(), 0, "{:?}", events.stack("Topic"));

    let after = env.stack("dev", "dev-hello-topic");
    assert_eq!((after.id, after.status.0.as_str()), (before.id, "UPDATE_COMPLETE"));
    let resource = env.resources("dev-hello-topic")["Topic"].take();
    assert_eq!(resource["physical_id"], topic);
    assert_eq!(resource["properties"]["DisplayName"], "Greetings from hello-world in dev");
}

#[test]
fn a_changed_plan_updates_the_init_stack() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    let before = env.stack("dev", "dev-hello-world-plan");
    edit(&project.join("deployment-plan.yaml"), "The topic is called", "The topic's name is");
    env.deploy(&project, "2", &[]).exits(0).tells(&[
        "  UPDATE_COMPLETE dev-hello-world-plan",
        "Init stack updated successfully",
        "  The topic's name is dev-hello",
    ]);
    assert_eq!(env.stack("dev", "dev-hello-world-plan").id, before.id);
}

#[test]
fn unchanged_sources_with_a_new_id_run_the_plan_again() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    let events = env.deploy(&project, "2", &["--json"]).exits(0).events();
    assert_eq!(events.of("initStackUnchanged"), ["No changes to init stack"]);
    assert_eq!(events.of("initStackEvent").len(), 0);
    assert_eq!(events.steps("stepStarted"), STEPS);
    assert_eq!(events.steps("stepSucceeded"), STEPS);
    assert_eq!(events.stack("Topic"), [], "nothing changed");
}

#[test]
fn the_same_id_again_runs_the_plan_again() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    env.deploy(&project, "1", &[]).exits(0).tells(&["✓ Check"]);
    assert_eq!(env.history("dev", "hello-world").len(), 2);
}

#[test]
fn describe_replays_a_finished_deployment() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let first = env.deploy(&project, "1", &[]).exits(0);
    let replay = env.attini(["deploy", "describe", "-n", "hello-world"]).exits(0);
    assert_eq!(first.deployment(), replay.deployment());

    let second = env.deploy(&project, "2", &[]).exits(0);
    let replay = env.attini(["deploy", "describe", "-n", "hello-world", "-e", "dev"]).exits(0);
    assert_eq!(second.deployment(), replay.deployment());
    let replay = env.attini(["deploy", "describe", "-n", "hello-world", "-i", "1"]).exits(0);
    replay.tells(&["DistributionId: 1", "Init stack created successfully", "✓ Check"]);
    env.attini(["deploy", "describe", "-n", "hello-world", "-i", "3"]).exits(151).complains(&["never deployed to dev"]);
}

#[test]
fn describe_shows_of_an_older_deployment_what_was_its_own() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let first = env.deploy(&project, "1", &[]).exits(0);
    edit(&project.join("topic.yaml"), "!Ref Greeting", "changed");
    edit(&project.join("deployment-plan.yaml"), "The topic is called", "The topic's name is");
    let second = env.deploy(&project, "2", &[]).exits(0).tells(&["  UPDATE_COMPLETE dev-hello-world-plan"]);
    for (id, run) in [("1", first), ("2", second)] {
        let replay = env.attini(["deploy", "describe", "-n", "hello-world", "-i", id]).exits(0);
        assert_eq!(run.deployment(), replay.deployment());
    }
}

#[test]
fn list_and_context_say_what_runs_where() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &["-v", "1.0.0"]).exits(0);

    let list = env.attini(["distribution", "list", "--json"]).exits(0).json();
    let entry = &list.as_array().unwrap()[0];
    let shown = ["environment", "name", "distributionId", "version"].map(|key| entry[key].as_str().unwrap());
    assert_eq!(shown, ["dev", "hello-world", "1", "1.0.0"]);
    env.attini(["distribution", "list"]).exits(0).tells(&["- environment: dev", "  name: hello-world"]);
    env.attini(["distribution", "list", "-e", "dev"]).exits(0).tells(&["  name: hello-world"]);

    let context = env.attini(["environment", "context", "--json"]).exits(0).json();
    assert_eq!(context["account"], "000000000000");
    assert_eq!(context["region"], "eu-west-1");
    let environment = &context["environments"][0];
    assert_eq!((&environment["environmentName"], &environment["type"]), (&"dev".into(), &"test".into()));
    assert_eq!(environment["distributions"][0]["distributionId"], "1");

    // A newer attempt that fails stands beside what runs.
    fs::write(project.join("scripts/greet.sh"), "exit 3\n").unwrap();
    env.deploy(&project, "2", &[]).exits(1);
    let list = env.attini(["distribution", "list", "--json"]).exits(0).json();
    assert_eq!(list[0]["distributionId"], "1");
    assert_eq!(list[0]["newestAttempt"]["distributionId"], "2");
    assert_eq!(env.output("dev", "hello-world")["deploymentOriginData"]["distributionId"], "1");
}

#[test]
fn inspect_and_download_show_the_deployed_zip() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &["-v", "1.0.0"]).exits(0);
    let zip = project.join("attini_dist/hello-world.zip");
    let uploaded = fs::read(&zip).unwrap();

    let shown = env.attini(["distribution", "inspect", zip.to_str().unwrap(), "--json"]).exits(0).json();
    assert_eq!(shown["distributionName"], "hello-world");
    assert_eq!((&shown["distributionId"], &shown["version"]), (&"1".into(), &"1.0.0".into()));

    edit(&project.join("topic.yaml"), "!Ref Greeting", "changed");
    env.deploy(&project, "2", &[]).exits(0);
    let download = ["distribution", "download", "-n", "hello-world", "-i", "1"];
    env.attini(download).exits(0).tells(&["fileName: hello-world.zip"]);
    assert_eq!(fs::read(env.work().join("hello-world.zip")).unwrap(), uploaded);
    env.attini(download).exits(0).tells(&["fileName: hello-world-1.zip"]);
    env.attini(["distribution", "download", "-n", "hello-world", "-i", "9"]).exits(151).complains(&["not kept"]);

    // A zip is deployed as it is.
    env.attini(["deploy", "run", "hello-world.zip", "-e", "other"]).exits(0).tells(&["DistributionId: 1"]);
}
