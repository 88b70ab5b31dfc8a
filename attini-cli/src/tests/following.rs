use std::sync::Arc;

use attini_core::port::{ExecutionStatus, RecordKey, ResourceKind, StackEvent, StackStatus};
use attini_core::value::{StackName, Timestamp};
use serde_json::{Value, json};

use super::memory::{ARN, Memory, attini, attini_on};
use crate::ui::Terminal;

fn name(name: &str) -> Value {
    json!({ "name": name })
}

fn world(steps: &Value, status: ExecutionStatus, history: &[(i64, u64, &str, Value)]) -> Arc<Memory> {
    let world = Memory::with_environments(&[("dev", "test")]);
    world.plan(steps, status, history);
    world
}

fn success() -> Arc<Memory> {
    let world = world(
        &json!([{"name": "Build", "type": "AttiniRunnerJob"}, {"name": "Ask", "type": "AttiniManualApproval"}]),
        ExecutionStatus::Succeeded,
        &[
            (0, 0, "TaskStateEntered", name("AttiniPrepareDeployment")),
            (50, 1, "TaskStateExited", name("AttiniPrepareDeployment")),
            (100, 2, "TaskStateEntered", name("Build")),
            (110, 3, "TaskScheduled", json!({})),
            (200, 4, "TaskFailed", json!({"error": "JobLost", "cause": "no result"})),
            (900, 5, "TaskScheduled", json!({})),
            (3_300, 6, "TaskStateExited", json!({"name": "Build", "output": {"output": {"Build": {"x": 1}}}})),
            (3_300, 7, "ChoiceStateEntered", name("IsProd?")),
            (3_300, 8, "ChoiceStateExited", name("IsProd?")),
            (3_400, 9, "SucceedStateEntered", name("Done")),
            (3_400, 10, "SucceedStateExited", name("Done")),
            (3_500, 11, "ExecutionSucceeded", json!({})),
        ],
    );
    *world.log.lock().expect("free") = vec!["npm ci".to_owned(), "\u{1b}[32mok\u{1b}[0m 10%\r100%".to_owned()];
    world
}

fn failure() -> Arc<Memory> {
    let failed = json!({"error": "ScriptExecutionError", "cause": "Script exited with code 127"});
    let world = world(
        &json!([{"name": "Build", "type": "AttiniRunnerJob"}]),
        ExecutionStatus::Failed,
        &[
            (0, 0, "TaskStateEntered", name("Build")),
            (10, 1, "TaskScheduled", json!({})),
            (65_000, 2, "TaskFailed", failed.clone()),
            (65_000, 3, "ExecutionFailed", failed),
        ],
    );
    *world.log.lock().expect("free") = vec!["+ mak".to_owned(), "mak: not found".to_owned()];
    world
}

#[test]
fn a_success_in_text() {
    insta::assert_snapshot!(attini(&success(), "deploy run . --local"), @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Uploading distribution
    Uploaded distribution
    Published distribution
    Environment: dev
    DistributionName: shop
    DistributionId: 7
    Version: 1.4.0
    No changes to init stack
    Running deployment plan
    → Build
      npm ci
      100%
    ↻ Build  attempt 1 failed, trying again: JobLost: no result
    ✓ Build          SUCCESS    3.2s
    ✓ IsProd?        SUCCESS    0ms
    ✓ Done           SUCCESS    0ms
    Deployment plan finished with status: SUCCEEDED (3.5s, 3 steps)
    See what it returned: attini deploy output -n shop -e dev -i 7 --local
    ");
}

#[test]
fn cli_case_40_a_failure_in_text() {
    insta::assert_snapshot!(attini(&failure(), "deploy run . --local"), @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Uploading distribution
    Uploaded distribution
    Published distribution
    Environment: dev
    DistributionName: shop
    DistributionId: 7
    Version: 1.4.0
    No changes to init stack
    Running deployment plan
    → Build
      + mak
      mak: not found
    ✗ Build           FAILED    1m 05s
        ScriptExecutionError: Script exited with code 127
    Deployment plan finished with status: FAILED (1m 05s, 1 step)
    ------- stderr -------
    Error: deployment of `shop` to `dev` failed in step `Build`
    Caused by: ScriptExecutionError: Script exited with code 127
    Hint: a command of step `Build` was not found: install it where the runner runs
    Hint: see all of its output again with attini deploy describe -n shop -e dev -i 7 --local
    [exit status: 1]
    ");
}

#[test]
fn cli_case_40_a_failure_in_json() {
    let ran = attini(&failure(), "deploy run . --local --json");
    for line in ran.out.lines() {
        let event: Value = serde_json::from_str(line).expect("every line is JSON");
        for key in ["timestamp", "type", "event", "data"] {
            assert!(event.get(key).is_some(), "{key} in {line}");
        }
    }
    insta::assert_snapshot!(ran, @r#"
    {"timestamp":1700000000000,"type":"string","event":"packaging","data":"Packaging distribution: shop"}
    {"timestamp":1700000000000,"type":"string","event":"packageOutput","data":"hi"}
    {"timestamp":1700000000000,"type":"string","event":"packaged","data":"Distribution created: attini_dist/shop.zip"}
    {"timestamp":1700000000000,"type":"object","event":"zip","data":{"DistributionPath":"attini_dist/shop.zip"}}
    {"timestamp":1700000000000,"type":"string","event":"uploading","data":"Uploading distribution"}
    {"timestamp":1700000000000,"type":"string","event":"uploaded","data":"Uploaded distribution"}
    {"timestamp":60000,"type":"string","event":"published","data":"Published distribution"}
    {"timestamp":60000,"type":"object","event":"identity","data":{"Environment":"dev"}}
    {"timestamp":60000,"type":"object","event":"identity","data":{"DistributionName":"shop"}}
    {"timestamp":60000,"type":"object","event":"identity","data":{"DistributionId":"7"}}
    {"timestamp":60000,"type":"object","event":"identity","data":{"Version":"1.4.0"}}
    {"timestamp":60000,"type":"string","event":"initStackUnchanged","data":"No changes to init stack"}
    {"timestamp":2000,"type":"string","event":"planStarted","data":"Running deployment plan"}
    {"timestamp":2000,"type":"object","event":"execution","data":{"executionArn":"arn:aws:states:eu-west-1:000000000000:execution:AttiniDeploymentPlanSfnPlan-a:e1"}}
    {"timestamp":2000,"type":"object","event":"stepStarted","data":{"stepName":"Build","status":"STARTED","output":"","stepType":"AttiniRunnerJob","run":"0.1"}}
    {"timestamp":2500,"type":"object","event":"stepOutput","data":{"stepName":"Build","status":"RUNNING","output":"+ mak","stepType":"AttiniRunnerJob","run":"0.1"}}
    {"timestamp":2500,"type":"object","event":"stepOutput","data":{"stepName":"Build","status":"RUNNING","output":"mak: not found","stepType":"AttiniRunnerJob","run":"0.1"}}
    {"timestamp":67000,"type":"object","event":"stepFailed","data":{"stepName":"Build","status":"FAILED","output":"\nError: ScriptExecutionError\nCause: Script exited with code 127","stepType":"AttiniRunnerJob","run":"0.1","durationMs":65000,"error":"ScriptExecutionError","cause":"Script exited with code 127","caught":false,"firstCause":{"message":"ScriptExecutionError: Script exited with code 127","details":["+ mak","mak: not found"],"hint":"a command of step `Build` was not found: install it where the runner runs"}}}
    {"timestamp":67000,"type":"string","event":"planFinished","data":"Deployment plan finished with status: FAILED"}
    {"timestamp":67000,"type":"object","event":"planEnded","data":{"status":"FAILED","durationMs":65000,"steps":1,"error":"ScriptExecutionError","cause":"Script exited with code 127"}}
    {"timestamp":60000,"type":"object","event":"deploymentFailed","data":{"Result":"Failed","errorCode":"ScriptExecutionError","errorMessage":"Script exited with code 127","stepName":"Build"}}
    ------- stderr -------
    {"errorCode":"ExecutionError","message":"deployment of `shop` to `dev` failed in step `Build`: ScriptExecutionError: Script exited with code 127","hints":["a command of step `Build` was not found: install it where the runner runs","see all of its output again with attini deploy describe -n shop -e dev -i 7 --local"]}
    [exit status: 1]
    "#);
}

#[test]
fn a_retry_in_json_belongs_to_the_same_run() {
    let ran = attini(&success(), "deploy run . --local --json");
    let rows: Vec<&str> = ran.out.lines().filter(|line| line.contains("stepName")).collect();
    insta::assert_snapshot!(rows.join("\n"), @r#"
    {"timestamp":2100,"type":"object","event":"stepStarted","data":{"stepName":"Build","status":"STARTED","output":"","stepType":"AttiniRunnerJob","run":"0.3"}}
    {"timestamp":2500,"type":"object","event":"stepOutput","data":{"stepName":"Build","status":"RUNNING","output":"npm ci","stepType":"AttiniRunnerJob","run":"0.3"}}
    {"timestamp":2500,"type":"object","event":"stepOutput","data":{"stepName":"Build","status":"RUNNING","output":"\u001b[32mok\u001b[0m 10%\r100%","stepType":"AttiniRunnerJob","run":"0.3"}}
    {"timestamp":2900,"type":"object","event":"stepRetried","data":{"stepName":"Build","status":"RUNNING","output":"attempt 1 failed: JobLost","stepType":"AttiniRunnerJob","run":"0.3","attempt":1,"error":"JobLost","cause":"no result"}}
    {"timestamp":5300,"type":"object","event":"stepSucceeded","data":{"stepName":"Build","status":"SUCCESS","output":"{\"x\":1}","stepType":"AttiniRunnerJob","run":"0.3","durationMs":3200}}
    {"timestamp":5300,"type":"object","event":"stepStarted","data":{"stepName":"IsProd?","status":"STARTED","output":"","stepType":"Choice","run":"0.8"}}
    {"timestamp":5300,"type":"object","event":"stepSucceeded","data":{"stepName":"IsProd?","status":"SUCCESS","output":"","stepType":"Choice","run":"0.8","durationMs":0}}
    {"timestamp":5400,"type":"object","event":"stepStarted","data":{"stepName":"Done","status":"STARTED","output":"","stepType":"Succeed","run":"0.10"}}
    {"timestamp":5400,"type":"object","event":"stepSucceeded","data":{"stepName":"Done","status":"SUCCESS","output":"","stepType":"Succeed","run":"0.10","durationMs":0}}
    "#);
}

fn waiting() -> Arc<Memory> {
    let world = world(
        &json!([{"name": "Ask me", "type": "AttiniManualApproval"}]),
        ExecutionStatus::Running,
        &[(0, 0, "TaskStateEntered", name("Ask me")), (10, 1, "TaskSubmitted", json!({}))],
    );
    // Ends following of a plan that waits for ever.
    world.deployment.lock().expect("free").extend(
        json!({"outcome": "INTERRUPTED", "outcomeMessage": "its worker is gone"}).as_object().expect("a map").clone(),
    );
    world
}

#[test]
fn cli_case_43_an_approval_shows_the_command_that_answers() {
    let ran = attini(&waiting(), "deploy run . --local -r eu-west-1");
    insta::assert_snapshot!(ran, @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Uploading distribution
    Uploaded distribution
    Published distribution
    Environment: dev
    DistributionName: shop
    DistributionId: 7
    Version: 1.4.0
    No changes to init stack
    Running deployment plan
    → Ask me
      MANUAL APPROVAL NEEDED: Ask me
      attini deploy continue -n shop -e dev --step-name 'Ask me' --local -r eu-west-1
      to reject it, add `--abort`
    ■ Ask me         STOPPED    58.0s
    ------- stderr -------
    Error: deployment of `shop` to `dev` was interrupted
    Caused by: its worker is gone
    Hint: go on where it was: attini deploy resume -n shop -e dev --local -r eu-west-1
    [exit status: 1]
    ");
}

#[test]
fn a_failed_stack_names_its_first_failed_resource() {
    let failed = json!({"error": "CREATE_FAILED", "cause": "no such class"});
    let world = world(
        &json!([{"name": "Db", "type": "AttiniCfn"}, {"name": "Job", "type": "AttiniRunnerJob"}]),
        ExecutionStatus::Failed,
        &[
            (0, 0, "ParallelStateEntered", name("Both")),
            (0, 1, "ParallelStateStarted", json!({})),
            (10, 2, "TaskStateEntered", name("Db")),
            (10, 2, "TaskStateEntered", name("Job")),
            (20, 3, "TaskSubmitted", json!({})),
            (900, 5, "TaskFailed", failed.clone()),
            (900, 6, "ParallelStateFailed", json!({})),
            (900, 7, "ExecutionFailed", failed),
        ],
    );
    let key = RecordKey::Resource(ResourceKind::CloudformationStack, "dev-db-eu-west-1-000000000000".to_owned());
    world.set(key, &json!({"sfnExecutionArn": ARN, "stepName": "Db", "stackName": "dev-db"}));
    let stack = StackName::parse("dev-db").expect("valid");
    let event = |id: &str, logical: &str, kind: &str, status: &str, reason: Option<&str>| StackEvent {
        id: id.to_owned(),
        time: Timestamp::from_ms(2_100),
        stack: stack.clone(),
        stack_id: "id".to_owned(),
        logical_id: logical.to_owned(),
        physical_id: None,
        resource_type: kind.to_owned(),
        status: StackStatus(status.to_owned()),
        reason: reason.map(str::to_owned),
        token: None,
    };
    *world.stack_events.lock().expect("free") = vec![
        event("1", "dev-db", StackEvent::STACK_TYPE, "CREATE_IN_PROGRESS", None),
        event("2", "Instance", "AWS::RDS::DBInstance", "CREATE_FAILED", Some("no such class")),
        event("3", "dev-db", StackEvent::STACK_TYPE, "ROLLBACK_COMPLETE", None),
    ];
    *world.log.lock().expect("free") = vec!["working".to_owned()];
    insta::assert_snapshot!(attini(&world, "deploy run . --local"), @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Uploading distribution
    Uploaded distribution
    Published distribution
    Environment: dev
    DistributionName: shop
    DistributionId: 7
    Version: 1.4.0
    No changes to init stack
    Running deployment plan
    → Both
    → Db
    → Job
      [Db] CREATE_IN_PROGRESS dev-db (stack)
      [Db] CREATE_FAILED Instance (AWS::RDS::DBInstance): no such class
      [Db] ROLLBACK_COMPLETE dev-db (stack)
    ✗ Db              FAILED    890ms
        resource `Instance` (AWS::RDS::DBInstance) CREATE_FAILED: no such class
    ✗ Both            FAILED    900ms
      [Job] working
    ■ Job            STOPPED    890ms
    Deployment plan finished with status: FAILED (900ms, 3 steps)
    ------- stderr -------
    Error: deployment of `shop` to `dev` failed in step `Db`
    Caused by: resource `Instance` (AWS::RDS::DBInstance) CREATE_FAILED: no such class
    Hint: correct the resource in the template of step `Db` and deploy again
    [exit status: 1]
    ");
}

#[test]
fn an_error_while_publishing_is_the_error_of_the_command() {
    let world = Memory::with_environments(&[("dev", "test")]);
    *world.deployment.lock().expect("free") = json!({
        "initStackUnchanged": false, "errorCode": "PublishDistributionError", "errorMessage": "template is missing",
    })
    .as_object()
    .expect("a map")
    .clone();
    insta::assert_snapshot!(attini(&world, "deploy run . --local"), @"
    Packaging distribution: shop
    hi
    Distribution created: attini_dist/shop.zip
    Uploading distribution
    Uploaded distribution
    Published distribution
    Environment: dev
    DistributionName: shop
    DistributionId: 7
    Version: 1.4.0
    ------- stderr -------
    Error: deployment of `shop` to `dev` failed
    Caused by: PublishDistributionError: template is missing
    [exit status: 1]
    ");
}

#[test]
fn describe_shows_the_same_with_the_same_exit_code() {
    let world = failure();
    let first = attini(&world, "deploy run . --local");
    let again = attini(&world, "deploy describe -n shop --local");
    assert_eq!(again.code, 1);
    assert_eq!(again.err, first.err);
    assert!(first.out.ends_with(&again.out), "{}", again.out);
}

#[test]
fn without_a_terminal_nothing_is_drawn_over() {
    let ran = attini(&success(), "deploy run . --local");
    assert!(!ran.out.contains(['\r', '\u{1b}']));
    let colors = Terminal { color_out: true, color_err: true, live: true, interactive: true };
    let ran = attini_on(&success(), "deploy run . --local --json", colors, "");
    assert!(!ran.out.contains(['\r', '\u{1b}']), "JSON is never colored");
    let ran = attini_on(&failure(), "deploy run . --local", colors, "");
    assert!(ran.out.contains("\u{1b}[31m") && ran.err.contains("Error"), "{ran}");
}
