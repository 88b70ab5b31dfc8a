//! The projects of users whose steps this version runs, deployed unchanged (user-projects.md 8); `projects` has more of them.

use std::fs;

use serde_json::{Value, json};

use crate::packaged::{env_of, project};
use crate::session::Session;
use crate::support::{TestEnv, repository};

#[test]
fn project_7_a_template_that_was_synthesized_into_the_package_is_deployed() {
    let env = env_of("07-synth-in-package");
    let project = project(&env, "07-synth-in-package");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0).tells(&["✓ DeploySQS"]);
    let output = env.output("dev", "synth-in-package");
    let arn = output["output"]["DeploySQS"]["queueArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:sqs:eu-west-1:000000000000:"), "{arn}");
    assert_eq!(env.stack("dev", "queue-consumer").parameters["QueueArn"], arn);
    assert!(output["stackParameters"]["BootstrapVersion"].is_string(), "{output}");
}

#[test]
fn user_case_13_the_websites_own_function_sees_what_was_deployed() {
    let env = env_of("12-website");
    let project = project(&env, "12-website");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let events = env.execution_events("dev", "website");
    let task = events.iter().find(|it| it.kind == "TaskStateEntered" && it.details["name"] == "DeployWebsite").unwrap();
    let seen: Value = serde_json::from_str(task.details["input"].as_str().unwrap()).unwrap();
    assert_eq!(seen["output"]["Website"]["WebassetsBucket"], "dev-webassets-000000000000");
    assert_eq!(seen["deploymentOriginData"]["environment"], "dev");
    assert!(seen["deploymentOriginData"]["distributionId"].is_string());
    // Nobody passed the environment's name.
    assert_eq!(env.stack("dev", "dev-website-backend").parameters["AttiniEnvironmentName"], "dev");
}

#[test]
fn project_15_a_function_gets_the_payload_that_was_written_for_it() {
    let env = env_of("15-lambda-invoke");
    let project = project(&env, "15-lambda-invoke");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let events = env.execution_events("dev", "invoke-lambda-demo");
    let calls = events.iter().filter(|event| event.kind == "TaskScheduled");
    let mut calls =
        calls.map(|event| serde_json::from_str::<Value>(event.details["parameters"].as_str().unwrap()).unwrap());
    let call = calls.find(|call| call["FunctionName"] == "dev-greeting-function").unwrap();
    let wanted = json!({"Environment": "dev", "DistributionName": "invoke-lambda-demo", "Greeting": "hello"});
    assert_eq!(call["Payload"], wanted);
    let output = env.output("dev", "invoke-lambda-demo");
    assert_eq!(output["output"]["Invoke_Lambda"], json!({"result": "hello from dev"}));
}

#[test]
fn user_case_16_no_change_goes_straight_on() {
    let env = env_of("16-manual-approval");
    let project = project(&env, "16-manual-approval");
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let run = run.tells(&["✓ ApplyChanges"]);
    assert!(!run.stdout.contains("ApproveChanges"), "{}", run.stdout);
    let output = env.output("dev", "manual-approval-demo")["output"].take();
    assert_eq!(output["GetChangeSet"], json!({"result": "no-change"}));
    assert_eq!(output["ApplyChanges"], json!({"result": "applied after no-change"}));
}

#[test]
fn user_case_16_a_change_waits_for_an_approval() {
    let env = env_of("16-manual-approval");
    let project = project(&env, "16-manual-approval");
    fs::write(project.join("cdk-project/changes"), "").unwrap();
    let mut run: Session = env.start(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]);
    let line = run.wait_for("attini deploy continue");
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    env.attini(words).exits(0);
    run.ends().exits(0).tells(&["✓ ApproveChanges", "✓ ApplyChanges"]);
    let output = env.output("dev", "manual-approval-demo")["output"].take();
    assert_eq!(output["ApplyChanges"], json!({"result": "applied after change-detected"}));
}

/// The vendor's test up to the steps that this version cannot run.
fn first_part_of_project_1(env: &TestEnv) -> std::path::PathBuf {
    let project = project(env, "01-integration-test");
    let file = project.join("deployment-plan.yaml");
    let plan = fs::read_to_string(&file).unwrap();
    let (first, _) = plan.split_once("        - Name: Deploy_Projects\n").unwrap();
    fs::write(&file, first).unwrap();
    project
}

#[test]
fn user_cases_6_and_7_a_stack_is_created_updated_and_deleted_in_one_plan() {
    let env = env_of("01-integration-test");
    let project = first_part_of_project_1(&env);
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    run.tells(&["✓ Check create stack output", "✓ Check update stack output", "✓ Delete Lambda Stack"]);
    let payload = env.output("dev", "attini-integration-test");
    let output = &payload["output"];
    assert_eq!(output["Deploy Lambda Stack"]["Action"], "Create");
    assert_eq!(output["Update Lambda Stack"]["Action"], "Update");
    assert_eq!(output["Deploy Lambda Stack"]["DistributionId"], payload["deploymentOriginData"]["distributionId"]);
    assert_eq!(output["Default Runner Job"], json!({"result": "default runner in dev"}));
    assert!(env.find_stack("dev", "dev-attini-integration-test-lambda").is_none());
}

#[test]
fn user_case_8_one_template_in_two_regions_and_a_merge_of_both() {
    let env = env_of("08-synth-on-runner");
    let project = project(&env, "08-synth-on-runner");
    let template = repository().join("tests/fixtures/synth/08-synth-on-runner/CdkExampleSQS.template.json");
    // Where the job copies it.
    env.put_artifact("dev/synth-on-runner/one/CdkExampleSQS.template.json", &fs::read(template).unwrap());
    let run = env.deploy(&project, "one", &["-e", "dev"]).exits(0);
    let target =
        "s3://attini-artifact-store-eu-west-1-000000000000/dev/synth-on-runner/one/CdkExampleSQS.template.json";
    run.tells(&[&format!("upload: cdk.out/CdkExampleSQS.template.json to {target}"), "✓ DeployConsumer"]);
    let output = env.output("dev", "synth-on-runner")["output"].take();
    let arn = |step: &str| output[step]["queueArn"].as_str().unwrap_or_default().to_owned();
    assert!(arn("DeploySQS").starts_with("arn:aws:sqs:eu-west-1:"), "{output}");
    assert!(arn("DeploySQS In Stockholm").starts_with("arn:aws:sqs:eu-north-1:"), "{output}");
    assert_eq!(env.stack("dev", "queue-consumer").parameters["QueueArn"], arn("DeploySQS"));
}

/// A job for each of three items; `%` is the name of the iterator.
const JOB_PER_ITEM: &str = "\
Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        StartAt: List
        States:
          List: {Type: Pass, Result: [a, b, c], ResultPath: $.items, Next: Each}
          Each:
            Type: Map
            ItemsPath: $.items
            ResultPath: $.results
            End: true
            ItemSelector:
              item.$: $$.Map.Item.Value
              customData.$: $.customData
              dependencies.$: $.dependencies
              stackParameters.$: $.stackParameters
              output.$: $.output
              environment.$: $.environment
              deploymentOriginData.$: $.deploymentOriginData
            %:
              StartAt: Job
              States:
                Job:
                  Type: AttiniRunnerJob
                  Properties: {Commands: ['echo \"job for $ITEM\" > $ATTINI_OUTPUT'], Environment: {ITEM.$: $.item}}
                  End: true
";

#[test]
fn user_case_25_a_map_runs_a_job_per_item_under_both_names_of_its_iterator() {
    for iterator in ["ItemProcessor", "Iterator"] {
        let env = TestEnv::new();
        let project = env.work().join("items");
        fs::create_dir(&project).unwrap();
        let config = "distributionName: items\ninitDeployConfig: {template: plan.yaml, stackName: items}\n";
        fs::write(project.join("attini-config.yaml"), config).unwrap();
        fs::write(project.join("plan.yaml"), JOB_PER_ITEM.replace('%', iterator)).unwrap();
        env.deploy(&project, "one", &["-e", "dev"]).exits(0);
        let results = env.output("dev", "items")["results"].take();
        let answers = results.as_array().unwrap().iter().map(|result| &result["output"]["Job"]["result"]);
        assert!(answers.eq(["job for a", "job for b", "job for c"].iter()), "{results}");
    }
}
