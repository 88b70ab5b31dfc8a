//! Projects as users have them (user-projects.md 1 and 8): packaged and deployed unchanged.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{TestEnv, edit, repository};

/// Copies a project, and loads what a real account would hold for it into `dev`.
fn project(env: &TestEnv, name: &str) -> PathBuf {
    let project = env.project(&format!("tests/fixtures/projects/{name}"));
    let values = project.join("values.yaml");
    if values.exists() {
        env.attini(["local", "set", "-e", "dev", values.to_str().unwrap()]).exits(0);
        // It belongs to the account, not to the distribution.
        fs::remove_file(values).unwrap();
    }
    project
}

#[test]
fn user_case_11_an_empty_template_fails_in_its_step_and_not_before() {
    let env = TestEnv::new();
    let project = project(&env, "10-skeleton");
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(1);
    let run = run.tells(&["Init stack created successfully", "✗ Step1"]);
    run.complains(&["failed in step `Step1`", "StackConfigError", "Template"]);
    assert_eq!(env.stack("dev", "dev-attini-skeleton-deployment-plan").status.0, "CREATE_COMPLETE");
    assert!(env.find_stack("dev", "dev-my-first-stack").is_none());
    let history = env.history("dev", "attini-skeleton");
    assert_eq!((history.len(), &history[0]["outcome"]), (1, &json!("FAILED")));
    // `set-dist-id --random` ran on the copy.
    assert_eq!(history[0]["distributionId"].as_str().unwrap().len(), 36);
    let config = fs::read(project.join("attini-config.yaml")).unwrap();
    assert_eq!(config, fs::read(repository().join("tests/fixtures/projects/10-skeleton/attini-config.yaml")).unwrap());
}

#[test]
fn project_10_init_parameters_are_those_of_the_environment() {
    let env = TestEnv::new();
    let project = project(&env, "10-skeleton");
    for (environment, value) in [("dev", "dev-value"), ("production", "production-value"), ("other", "default-value")] {
        env.attini(["deploy", "run", project.to_str().unwrap(), "-e", environment]).exits(1);
        let stack = env.stack(environment, &format!("{environment}-attini-skeleton-deployment-plan"));
        assert_eq!(stack.parameters["ExampleParameter"], value);
        assert_eq!(stack.parameters["AttiniEnvironmentName"], environment);
        let entered = env.execution_events(environment, "attini-skeleton");
        let step = entered.iter().find(|event| event.kind == "TaskStateEntered" && event.details["name"] == "Step1");
        let payload: Value = serde_json::from_str(step.unwrap().details["input"].as_str().unwrap()).unwrap();
        let wanted = json!({ "ExampleParameter": value, "AttiniEnvironmentName": environment });
        assert_eq!(payload["stackParameters"], wanted);
    }
}

#[test]
fn user_case_15_stacks_take_parameters_from_step_file_and_variables() {
    let env = TestEnv::new();
    let project = project(&env, "14-deploy-cfn");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);

    let lambda = env.stack("dev", "dev-demo-lambda");
    let parameters = ["MemorySize", "TableName", "AttiniEnvironmentName"].map(|name| lambda.parameters[name].as_str());
    assert_eq!(parameters, ["512", "dev-demo-table", "dev"]);
    let function = env.resources("dev-demo-lambda")["Function"]["properties"].take();
    assert_eq!(function["Environment"]["Variables"]["TABLE_NAME"], "dev-demo-table");
    assert_eq!(function["MemorySize"], "512");
    assert_eq!(env.stack("dev", "dev-demo-database").parameters["BillingMode"], "PAY_PER_REQUEST");
    for stack in ["dev-demo-lambda", "dev-demo-database"] {
        let tags = env.stack("dev", stack).tags;
        assert_eq!(tags["Author"], "the-demo-team");
        // What an author writes is text: neither 34 nor 42.
        assert_eq!(tags["CostCenter"], "0042");
    }
}

#[test]
fn project_14_a_function_without_payload_gets_the_whole_payload_and_does_not_replace_it() {
    let env = TestEnv::new();
    let project = project(&env, "14-deploy-cfn");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);

    let output = env.output("dev", "invoke-lambda-demo");
    assert_eq!(output["output"]["Invoke_Lambda"], json!({ "result": "hello from the demo" }));
    assert_eq!(output["output"]["Deploy_Database"]["TableName"], "dev-demo-table");
    assert_eq!(output["deploymentOriginData"]["environment"], "dev");

    let called = calls(&env, "invoke-lambda-demo").into_iter().find(|call| call["FunctionName"] == "dev-demo-function");
    let payload = &called.unwrap()["Payload"];
    assert_eq!(payload["deploymentOriginData"], output["deploymentOriginData"]);
    assert_eq!(payload["output"]["Deploy_Lambda"], output["output"]["Deploy_Lambda"]);
    assert_eq!(payload["stackParameters"]["AttiniEnvironmentName"], "dev");
}

/// Returns what the plan's execution called functions with.
fn calls(env: &TestEnv, distribution: &str) -> Vec<Value> {
    let events = env.execution_events("dev", distribution);
    let scheduled = events.iter().filter(|event| event.kind == "TaskScheduled");
    scheduled.map(|event| serde_json::from_str(event.details["parameters"].as_str().unwrap()).unwrap()).collect()
}

#[test]
fn project_14_a_function_that_nobody_answers_for_names_the_lines_to_add() {
    let env = TestEnv::new();
    let project = project(&env, "14-deploy-cfn");
    // The values were loaded into `dev` only.
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "stage"]).exits(1);
    run.complains(&["failed in step `Invoke_Lambda`", "stage-demo-function"]).tells(&[
        "✓ Deploy_Lambda",
        "✗ Invoke_Lambda",
        "functions:",
        "stage-demo-function:",
        "attini local set",
    ]);
}

#[test]
fn user_case_17_parallel_branches_know_their_step_and_keep_their_outputs() {
    let env = TestEnv::new();
    let project = project(&env, "17-parallel");
    let events = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev", "--json"]).exits(0).events();
    for number in ["1", "2"] {
        let step = format!("Deploy_Lambda_{number}");
        assert!(events.resources(&step, "CREATE_COMPLETE").contains(&"Function"));
        let stack = format!("dev-parallel-lambda-{number}");
        assert_eq!(env.stack("dev", &stack).parameters["StepName"], step);
    }
    let payload = env.output("dev", "parallel-demo");
    let output = payload["output"].as_object().unwrap();
    let steps: Vec<&str> = output.keys().map(String::as_str).collect();
    assert_eq!(steps, ["Deploy_Lambda_1", "Invoke_Lambda_1", "Deploy_Lambda_2", "Invoke_Lambda_2"]);
    for number in ["1", "2"] {
        let step = format!("Deploy_Lambda_{number}");
        assert_eq!(output[&step]["StepName"], *step);
        assert_eq!(output[&format!("Invoke_Lambda_{number}")]["result"], format!("Hello from {step}"));
    }
    assert_eq!(payload["deploymentOriginData"]["distributionName"], "parallel-demo");
    // The merge step that nobody wrote was there.
    assert!(events.steps("stepSucceeded").contains(&"Parallel_Deploy-Merge"));
}

#[test]
fn user_case_18_text_output_is_a_result_for_the_next_job() {
    let env = TestEnv::new().with("GITHUB_SHA", "abc");
    let project = project(&env, "18-runner");
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let run = run.tells(&[
        "DistributionId: abc",
        "Warning: the startup commands of runner CustomRunner are not run on this machine",
        "  read in dev: a line for the next job",
    ]);
    assert_eq!(run.stdout.matches("the startup commands of runner").count(), 1);
    let output = env.output("dev", "attini-runner-demo")["output"].take();
    assert_eq!(output["Write_A_Line"], json!({ "result": "a line for the next job" }));
    assert_eq!(output["Read_The_Line"], json!({ "answer": "a line for the next job", "folder": "scripts" }));
}

#[test]
fn user_case_21_the_id_comes_from_the_build_or_from_the_clock() {
    let env = TestEnv::new();
    let project = project(&env, "18-runner");
    env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let id = env.history("dev", "attini-runner-demo")[0]["distributionId"].as_str().unwrap().to_owned();
    let (seconds, rest) = id.split_once('-').unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 1_600_000_000, "{id}");
    assert_eq!(rest, "test-id");
}

#[test]
fn project_18_force_update_updates_the_init_stack_although_nothing_changed() {
    let env = TestEnv::new().with("GITHUB_SHA", "abc");
    let project = project(&env, "18-runner");
    let run = |id: &str| env.deploy(&project, id, &["-e", "dev", "--skip-commands"]).exits(0);
    run("1").tells(&["Init stack created successfully"]);
    run("2").tells(&["Init stack updated successfully", "✓ Read_The_Line"]);
}

#[test]
fn project_18_startup_commands_run_where_somebody_wants_them_to() {
    let env = TestEnv::new().with("GITHUB_SHA", "abc");
    let project = project(&env, "18-runner");
    let plan = project.join("deployment-plan.yaml");
    edit(&plan, "yum install jq -y", "echo started > \"$HOME/started\"");
    edit(&plan, "echo \"a line for the next job\"", "cat \"$HOME/started\"");
    env.set_values("dev", "runners:\n  CustomRunner: {runStartupCommands: true}\n");
    let run = env.attini(["deploy", "run", project.to_str().unwrap(), "-e", "dev"]).exits(0);
    let run = run.tells(&["  read in dev: started"]);
    assert!(!run.stdout.contains("Warning"), "{}", run.stdout);
}
