//! Deployments that fail: what a person sees, what is recorded, what did not happen.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{TestEnv, edit};

fn failing_job(env: &TestEnv) -> PathBuf {
    let project = env.project("examples/hello-world");
    let script = "echo looking\necho 'the disk is on fire' >&2\nexit 3\n";
    fs::write(project.join("scripts/greet.sh"), script).unwrap();
    project
}

#[test]
fn a_failing_job_ends_the_plan_and_names_step_and_cause() {
    let env = TestEnv::new();
    let run = env.deploy(&failing_job(&env), "1", &[]).exits(1);
    let run = run.tells(&[
        "→ Greet",
        "  looking",
        "  the disk is on fire",
        "✗ Greet",
        "Deployment plan finished with status: FAILED",
    ]);
    let run = run.complains(&[
        "Error: deployment of `hello-world` to `dev` failed in step `Greet`",
        "exit",
        "code 3",
        "Hint: ",
    ]);
    for later in ["Topic", "Check"] {
        assert!(!run.stdout.contains(&format!("→ {later}")), "{}", run.stdout);
    }
    assert!(env.find_stack("dev", "dev-hello-topic").is_none(), "no later step has run");

    let history = env.history("dev", "hello-world");
    assert_eq!(history[0]["outcome"], "FAILED");
    assert_eq!(history[0]["deploymentPlanStatus"], "FAILED");
    env.attini(["deploy", "history", "-n", "hello-world"]).exits(0).tells(&["outcome: FAILED"]);
    env.attini(["deploy", "output", "-n", "hello-world"]).exits(151).complains(&["left no output"]);
}

#[test]
fn describe_shows_a_failure_as_it_was_seen() {
    let env = TestEnv::new();
    let run = env.deploy(&failing_job(&env), "1", &[]).exits(1);
    let replay = env.attini(["deploy", "describe", "-n", "hello-world"]).exits(1);
    assert_eq!(run.deployment(), replay.deployment());
    assert_eq!(run.stderr, replay.stderr);
}

#[test]
fn describe_shows_an_unchanged_init_stack_before_a_failure() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    fs::write(project.join("scripts/greet.sh"), "exit 3\n").unwrap();
    env.deploy(&project, "2", &[]).exits(1);
    env.attini(["deploy", "describe", "-n", "hello-world"]).exits(1).tells(&["No changes to init stack", "✗ Greet"]);
}

#[test]
fn a_failure_in_json_has_step_error_and_first_cause() {
    let env = TestEnv::new();
    let run = env.deploy(&failing_job(&env), "1", &["--json"]).exits(1);
    let events = run.events();
    let failed = events.of("stepFailed")[0];
    assert_eq!((&failed["stepName"], &failed["caught"]), (&json!("Greet"), &json!(false)));
    assert_eq!(failed["error"], "ScriptExecutionError");
    assert_eq!(failed["firstCause"]["details"], json!(["Last lines of the output:", "looking", "the disk is on fire"]));
    assert_eq!(events.of("deploymentFailed")[0]["stepName"], "Greet");
    assert_eq!(events.of("planEnded")[0]["status"], "FAILED");
    let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["errorCode"], "ExecutionError");
}

#[test]
fn after_a_failure_a_corrected_distribution_deploys() {
    let env = TestEnv::new();
    let project = failing_job(&env);
    env.deploy(&project, "1", &[]).exits(1);
    fs::write(project.join("scripts/greet.sh"), "echo '{\"greeting\": \"back\"}' > $ATTINI_OUTPUT\n").unwrap();
    env.deploy(&project, "2", &[]).exits(0);
    let outcomes: Vec<_> = env.history("dev", "hello-world").iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes, ["SUCCEEDED", "FAILED"]);
}

#[test]
fn broken_json_as_output_is_text_and_the_next_step_says_what_it_misses() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    fs::write(project.join("scripts/greet.sh"), "printf '{\"greeting\": ' > $ATTINI_OUTPUT\n").unwrap();
    let run = env.deploy(&project, "1", &[]).exits(1);
    run.tells(&[r#"the outputs so far are {"Greet":{"result":"{\"greeting\": "}}"#]).complains(&[
        "failed in step `Topic`",
        "$.output.Greet.greeting",
        "could not be found in the input\n",
    ]);
}

#[test]
fn a_parameter_outside_the_allowed_values_names_parameter_and_values() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    edit(&project.join("app/app-config.yaml"), "${Size}", "huge");
    let run = env.deploy(&project, "1", &[]).exits(1);
    run.tells(&["✓ Network", "✗ App"])
        .complains(&["failed in step `App`", "Parameter 'Size' must be one of AllowedValues: small, large"]);
    assert!(env.find_stack("dev", "dev-app").is_none());
    assert_eq!(env.stack("dev", "dev-network").status.0, "CREATE_COMPLETE");
}

#[test]
fn a_resource_that_fails_is_named_with_its_reason() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    env.set_values("dev", "stacks:\n  dev-app:\n    fail:\n      Cluster: no capacity left in this zone\n");
    let run = env.deploy(&project, "1", &[]).exits(1);
    let run = run.tells(&[
        "  CREATE_FAILED Cluster (AWS::ECS::Cluster): no capacity left in this zone",
        "    resource `Cluster` (AWS::ECS::Cluster) CREATE_FAILED: no capacity left in this zone",
        "  ROLLBACK_COMPLETE dev-app",
        "✗ App",
    ]);
    let run = run.complains(&[
        "failed in step `App`",
        "Caused by: resource `Cluster` (AWS::ECS::Cluster) CREATE_FAILED: no capacity left in this zone",
        "Hint: correct the resource in the template of step `App`",
    ]);
    let replay = env.attini(["deploy", "describe", "-n", "network-and-app"]).exits(1);
    assert_eq!(run.deployment(), replay.deployment());
    assert_eq!(run.stderr, replay.stderr);

    // What failed is gone; when the reason is gone too, the stack comes.
    env.set_values("dev", "{}");
    env.deploy(&project, "2", &[]).exits(0);
    assert_eq!(env.stack("dev", "dev-app").status.0, "CREATE_COMPLETE");
}

#[test]
fn an_update_that_fails_leaves_the_stack_as_it_was() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &[]).exits(0);
    let before = env.resources("dev-hello-topic");
    env.set_values("dev", "stacks: {dev-hello-topic: {fail: {Topic: the name is taken}}}");
    edit(&project.join("topic.yaml"), "!Ref Greeting", "!Sub '${Greeting}!'");
    let run = env.deploy(&project, "2", &[]).exits(1);
    run.tells(&[
        "  UPDATE_FAILED Topic (AWS::SNS::Topic): the name is taken",
        "  UPDATE_ROLLBACK_COMPLETE dev-hello-topic",
    ])
    .complains(&["failed in step `Topic`", "the name is taken"]);
    let (stack, after) = (env.stack("dev", "dev-hello-topic"), env.resources("dev-hello-topic"));
    assert_eq!(stack.status.0, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(after["Topic"]["properties"], before["Topic"]["properties"]);
}

#[test]
fn an_init_stack_that_fails_starts_no_plan() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let bucket = "\n  Bucket:\n    Type: AWS::S3::Bucket\n";
    let plan = project.join("deployment-plan.yaml");
    fs::write(&plan, fs::read_to_string(&plan).unwrap() + bucket).unwrap();
    env.set_values("dev", "stacks: {dev-hello-world-plan: {fail: {Bucket: the name is taken}}}");
    let run = env.deploy(&project, "1", &[]).exits(1);
    let run = run
        .tells(&["  CREATE_FAILED Bucket (AWS::S3::Bucket): the name is taken"])
        .complains(&["the name is taken", "Bucket"]);
    assert!(!run.stdout.contains("Running deployment plan"), "{}", run.stdout);
    let replay = env.attini(["deploy", "describe", "-n", "hello-world"]).exits(1);
    assert_eq!(run.deployment(), replay.deployment());
    assert_eq!(run.stderr, replay.stderr);
    assert_eq!(env.history("dev", "hello-world")[0]["outcome"], "FAILED");
}
