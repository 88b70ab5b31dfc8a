#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "tests may panic, and read better with literals"
)]

mod locations;
mod properties;
mod rules;
mod runner;
mod sam_projects;
mod simple;
mod steps;
mod survey;
mod template;

use serde_json::{Value, json};

use super::{MacroSettings, PlanProblem, check, macro_response};

const MACHINE: &str = "AttiniDeploymentPlanSfnPlan";
const TRIGGER: &str = "AttiniDeploymentPlanSfnPlanTrigger";

fn settings() -> MacroSettings {
    MacroSettings {
        default_role: Some("arn:aws:iam::111122223333:role/default".to_owned()),
        default_runner_image: "image".to_owned(),
        default_vpc_subnets: Some(vec!["b".to_owned(), "a".to_owned()]),
        queue_interval_seconds: 30,
    }
}

fn respond(fragment: Value, settings: &MacroSettings) -> Value {
    let request = json!({
        "requestId": "r", "region": "eu-west-1", "accountId": "111122223333",
        "templateParameterValues": {}, "fragment": fragment,
    });
    macro_response(&request, settings, "uuid-1")
}

/// Expands a template that must be right, and returns its resources.
fn resources(fragment: Value) -> Value {
    let response = respond(fragment, &settings());
    assert_eq!(response["status"], "success", "{response}");
    response["fragment"]["Resources"].clone()
}

/// Expands a template that must be wrong, and returns the message.
fn message(fragment: Value) -> String {
    let response = respond(fragment, &settings());
    assert_eq!(response["status"], "FAILURE", "{response}");
    assert_eq!(response["requestId"], "r");
    let message = response["errorMessage"].as_str().unwrap().to_owned();
    assert!(!message.is_empty());
    message
}

fn template(plan: Value) -> Value {
    json!({"Resources": {"Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": plan}}}})
}

fn with_properties(properties: Value) -> Value {
    json!({"Resources": {"Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": properties}}})
}

/// Returns the states that a plan becomes.
fn states(plan: Value) -> Value {
    resources(template(plan))[MACHINE]["Properties"]["Definition"]["States"].clone()
}

/// Returns the names of a machine's `AttiniSteps`, sorted.
fn listed(resources: &Value) -> Vec<String> {
    let steps = resources[MACHINE]["Metadata"]["AttiniSteps"].as_array().unwrap();
    let mut names: Vec<String> = steps.iter().map(|step| step["name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Asserts that a plan is refused with a message that holds all words.
fn refused(plan: Value, words: &[&str]) {
    let message = message(template(plan));
    for word in words {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
}

/// Asserts that a plan is taken, with one warning that holds all words.
fn warned(plan: Value, words: &[&str]) {
    let problem = problem(plan.clone());
    assert_eq!(problem.severity, crate::problem::Severity::Warning);
    for word in words {
        assert!(problem.to_string().contains(word), "{word} is missing in: {problem}");
    }
    states(plan);
}

/// Returns the only problem of a plan.
fn problem(plan: Value) -> PlanProblem {
    let mut problems = check(&template(plan));
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

fn cfn(name: &str) -> Value {
    json!({"Name": name, "Type": "AttiniCfn", "Properties": {"StackName": name, "Template": "/t.yaml"}})
}

fn sam() -> Value {
    json!({"Type": "AttiniSam", "Properties": {"StackName": "s", "Project": {"Path": "/s"}}, "End": true})
}
