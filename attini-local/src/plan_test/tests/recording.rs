//! Executions that become cases.

use serde_json::{Value, json};

use super::*;
use crate::plan_test::project::Setting;
use crate::plan_test::{answers::Bench, ports::START};

/// Runs a case on the engine and returns what its history says, as a deployment would leave it.
fn history(project: &Project, cases: &str) -> Recording {
    let file = CaseFile::parse("t.yaml", &format!("{MOCKS}{cases}")).unwrap();
    let case = &file.cases[0];
    let setting = Setting {
        environment: case.environment.clone(),
        parameters: case.parameters.clone(),
        parameter_store: case.parameter_store.clone(),
    };
    let machine = project.machine(&setting).unwrap();
    let context = crate::engine::ExecutionContext {
        execution_arn: machine.arn.execution("test").as_str().to_owned(),
        execution_name: "test".to_owned(),
        role_arn: String::new(),
        machine_arn: machine.arn.as_str().to_owned(),
        machine_name: machine.arn.name().to_owned(),
        region: "eu-west-1".to_owned(),
        input: case.input.clone(),
        seed: crate::engine::Seed::new("real"),
        object: None,
    };
    let mut bench = Bench::new(case, &machine);
    let result = crate::engine::simulate(machine.definition.clone(), context, &mut bench, START);
    Recording {
        environment: case.environment.clone(),
        name: "recorded".to_owned(),
        input: case.input.clone(),
        events: result.events,
        parameter_names: case.parameter_store.keys().cloned().collect(),
    }
}

/// Records a run and checks that the case passes.
#[track_caller]
fn recorded(cases: &str) -> Value {
    let folder = project(&[]);
    let project = Project::open(folder.path()).unwrap();
    let recording = history(&project, cases);
    let recorded = record(&project, &recording).unwrap();
    let text = format!("{:#}", recorded.file);
    assert!(!text.contains("hush-hush") && !text.contains("very-secret"), "{text}");
    let tokens: Vec<&str> = recording
        .events
        .iter()
        .filter_map(|event| event.details.get("parameters")?.as_str())
        .filter_map(|text| text.split("\"sfnToken\":\"").nth(1)?.split('"').next())
        .collect();
    assert!(!tokens.is_empty() && tokens.iter().all(|token| !text.contains(token)), "{text}");
    let suite = Suite::new(&project, vec![CaseFile::parse("r.json", &text).unwrap()]).unwrap();
    let mut result = suite.run(None, 1);
    result.deny_unused();
    assert_eq!(result.cases[0].lines(), Vec::<String>::new(), "{text}");
    recorded.file["cases"][0].clone()
}

#[test]
fn a_recorded_run_passes_at_once() {
    let case = recorded(
        "cases:\n- name: c\n  environment: prod\n  input: {n: 1}\n  parameterStore: {/shop/size: huge}\n  mocks:\n    \
         Build: [{exitCode: 1}, {output: {version: '1'}}]\n    Gate: {approve: fine}\n    \
         Copy: [{error: Busy, iteration: 1}, {result: {MessageId: x}, iteration: 1}, {result: {MessageId: m}}]\n",
    );
    assert_eq!(case["mocks"]["Build"][0]["error"], "ScriptExecutionError");
    assert_eq!(case["mocks"]["Build"][1], json!({"output": {"version": "1"}}));
    assert_eq!(case["mocks"]["Gate"], json!({"approve": "fine"}));
    assert_eq!(case["mocks"]["Copy"][1], json!({"error": "Busy", "iteration": [1]}));
    assert_eq!((&case["input"], &case["expect"]["approvals"]), (&json!({"n": 1}), &json!(["Gate"])));
    let parameters = &case["expect"]["stacks"]["Database"]["parameters"];
    assert_eq!(*parameters, json!({"Name": "shop", "Size": "value of /shop/size"}));
}

#[test]
fn a_recorded_failure_passes_at_once() {
    let case = recorded("cases:\n- name: c\n  mocks:\n    Database: {error: CREATE_FAILED, cause: 'Bucket: taken'}\n");
    assert_eq!(case["expect"]["error"], "CREATE_FAILED");
    assert_eq!(case["expect"]["cause"], "Bucket: taken");
}

#[test]
fn secrets_in_outputs_are_replaced_and_their_step_is_named() {
    let folder = project(&[]);
    let project = Project::open(folder.path()).unwrap();
    let cases = "cases:\n- name: c\n  mocks:\n    Build: {output: {version: '1', key: hush-hush}}\n    \
                 Database: {outputs: {Url: 'https://very-secret@host'}}\n";
    let recorded_case = record(&project, &history(&project, cases)).unwrap();
    let text = recorded_case.file.to_string();
    assert!(!text.contains("hush") && !text.contains("very-secret") && text.contains("https://****@host"), "{text}");
    assert_eq!(recorded_case.hidden, ["Build", "Database"]);
    recorded(cases);
}

#[test]
fn what_still_runs_or_has_changed_is_not_recorded() {
    let folder = project(&[]);
    let open = Project::open(folder.path()).unwrap();
    let mut recording = history(&open, "cases:\n- name: c\n");
    fs::write(folder.path().join("plan.yaml"), PLAN.replace("Default: Tell", "Default: Gate")).unwrap();
    let error = record(&open, &recording).unwrap_err().to_string();
    assert!(error.ends_with("step `Gate` is called, and was not"), "{error}");
    recording.events.pop();
    assert!(matches!(record(&open, &recording), Err(RecordError::Running)));
}
