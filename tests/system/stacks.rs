//! Stacks of the simulator: nested ones, loops, failures to rehearse, and what the commands show of them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::TestEnv;

const PARENT: &str = r#"
Transform: AWS::LanguageExtensions
Parameters:
  AttiniEnvironmentName: {Type: String}
  AttiniDistributionName: {Type: String}
  AttiniDistributionId: {Type: String}
  Greeting: {Type: String, NoEcho: true}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: !Sub https://attini-artifact-store-${AWS::Region}-${AWS::AccountId}.s3.${AWS::Region}.${AWS::URLSuffix}/${AttiniEnvironmentName}/${AttiniDistributionName}/${AttiniDistributionId}/distribution-origin/child.yaml
      Parameters: {Names: "A,B"}
Outputs:
  TopicName: {Value: !GetAtt Child.Outputs.NameA}
"#;

const CHILD: &str = r#"
Transform: AWS::LanguageExtensions
Parameters:
  Names: {Type: CommaDelimitedList}
Resources:
  Fn::ForEach::Topics:
    - Name
    - !Ref Names
    - Topic${Name}: {Type: AWS::SNS::Topic, Properties: {TopicName: !Sub "dev-hello${Name}"}}
Outputs:
  NameA: {Value: dev-hello}
"#;

fn project(env: &TestEnv) -> PathBuf {
    let project = env.project("examples/hello-world");
    fs::write(project.join("topic.yaml"), PARENT).unwrap();
    fs::write(project.join("child.yaml"), CHILD).unwrap();
    project
}

fn shown(env: &TestEnv, name: &str) -> Value {
    env.attini(["local", "stack", name, "--json"]).exits(0).json()
}

#[test]
fn a_nested_stack_of_the_distribution_is_deployed_and_shown() {
    let env = TestEnv::new();
    env.deploy(&project(&env), "1", &[]).exits(0).tells(&["✓ Topic"]);
    let listed = env.attini(["local", "stacks", "-e", "dev", "--json"]).exits(0).json();
    let names: Vec<&str> = listed.as_array().unwrap().iter().map(|stack| stack["name"].as_str().unwrap()).collect();
    let child = *names.iter().find(|name| name.starts_with("dev-hello-topic-Child-")).unwrap();
    assert!(names.contains(&"dev-hello-topic") && names.contains(&"dev-hello-world-plan"), "{names:?}");
    let parent = shown(&env, "dev-hello-topic");
    assert_eq!(
        (parent["status"].as_str(), &parent["parameters"]["Greeting"]),
        (Some("CREATE_COMPLETE"), &"****".into())
    );
    assert_eq!(parent["outputs"]["TopicName"], "dev-hello");
    let child = shown(&env, child);
    assert_eq!(child["nestedIn"], "dev-hello-topic");
    let resources: Vec<&str> =
        child["resources"].as_array().unwrap().iter().map(|one| one["logicalId"].as_str().unwrap()).collect();
    assert_eq!(resources, ["TopicA", "TopicB"]);
    let text = env
        .attini(["local", "stack", "dev-hello-topic"])
        .exits(0)
        .tells(&["status: CREATE_COMPLETE", "CREATE_COMPLETE Child"]);
    assert!(
        text.stdout.find("CREATE_IN_PROGRESS dev-hello-topic") < text.stdout.find("CREATE_COMPLETE dev-hello-topic")
    );
    env.attini(["local", "stack", "nobody"]).exits(151).complains(&["there is no stack nobody", "attini local stacks"]);
}

#[test]
fn failures_inside_of_nested_stacks_slowness_and_drift_can_be_rehearsed() {
    let env = TestEnv::new();
    env.attini(["environment", "create", "dev", "--env-type", "test", "--local"]).exits(0);
    env.set_values(
        "dev",
        "stacks:\n  dev-hello-topic:\n    fail: {Child.TopicB: no capacity}\n    slow: {Child.TopicA: 0.05}\n",
    );
    let run = env.deploy(&project(&env), "1", &[]).exits(1);
    run.complains(&["Embedded stack", "failed to create: [TopicB]"]);
    assert_eq!(shown(&env, "dev-hello-topic")["status"], "ROLLBACK_COMPLETE");
    env.set_values("dev", "stacks:\n  dev-hello-topic:\n    changed: {Child: {TemplateURL: other}}\n");
    env.deploy(&project(&env), "2", &[]).exits(0);
    let drift = &shown(&env, "dev-hello-topic")["drift"][0];
    assert_eq!((&drift["status"], &drift["differences"][0]["path"]), (&"MODIFIED".into(), &"/TemplateURL".into()));
}

#[test]
fn a_nested_template_that_is_not_here_is_refused_with_its_place() {
    let env = TestEnv::new();
    let project = project(&env);
    fs::remove_file(project.join("child.yaml")).unwrap();
    let run = env.deploy(&project, "1", &[]).exits(1);
    run.complains(&[
        "stack dev-hello-topic",
        "/Resources/Child/Properties/TemplateURL",
        "put the template into the distribution",
    ]);
    assert!(env.find_stack("dev", "dev-hello-topic").is_none());
}
