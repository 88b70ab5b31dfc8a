use serde_json::json;

use super::*;
use crate::runner::configuration_hash;

fn body() -> Map<String, Value> {
    let body = json!({
        "runnerName": "R", "stackName": "dev-p", "sqsQueueUrl": "https://q", "environment": "dev",
        "distributionName": "p", "distributionId": "1", "attiniObjectIdentifier": "k#v",
        "taskDefinitionArn": "arn:t", "subnets": ["s-2", "s-1"], "assignPublicIp": "ENABLED"
    });
    body.as_object().expect("object").clone()
}

fn with(changes: &Value) -> Map<String, Value> {
    let mut body = body();
    body.extend(changes.as_object().expect("object").clone());
    body
}

fn read(changes: &Value) -> Result<RunnerRecord, RunnerConfigError> {
    RunnerRecord::read("dev-p-R", &with(changes))
}

#[test]
fn what_nobody_configured_has_defaults() {
    let record = read(&json!({})).expect("complete");
    assert_eq!(record.jobs.max_concurrent_jobs(), 5);
    assert_eq!(record.jobs.idle_time_to_live(), HOUR);
    assert_eq!(record.jobs.job_timeout(), HOUR);
    assert_eq!(record.jobs.log_level(), LogLevel::Info);
    assert_eq!(record.startup.timeout(), HOUR);
    assert_eq!(record.task.cluster(), "attini-default");
    assert_eq!(record.state, RunnerState::default());
    assert_eq!(record.host, None);
}

#[test]
fn runner_case_2_and_actions_case_43_every_problem_is_listed() {
    let changes = json!({
        "jobTimeout": 4, "maxConcurrentJobs": 50, "logLevel": "LOUD", "idleTimeToLive": "soon",
        "taskDefinitionArn": null, "ec2Configuration": {"instanceType": ""}, "startupCommands": "echo"
    });
    let text = read(&changes).expect_err("many problems").to_string();
    for part in [
        "Illegal configuration for runner R, ",
        "JobTimeout should be a number greater or equal to 5",
        "MaxConcurrentJobs should be a number lesser or equal to 20",
        "IdleTimeToLive should be a number",
        "LOUD is not a valid log level",
        "missing TaskDefinitionArn",
        "missing InstanceType",
        "missing InstanceProfileName",
        "Startup.Commands should be a list",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn configuration_is_written_as_it_is_read_and_spares_what_it_does_not_know() {
    let full = json!({
        "attiniVersion": "1.0", "container": "c", "cluster": "cl", "roleArn": "arn:r", "memory": 512, "cpu": 256,
        "maxConcurrentJobs": 2, "idleTimeToLive": 60, "jobTimeout": 5, "logLevel": "DEBUG",
        "startupCommands": ["a", "b"], "startupCommandsTimeout": 7, "securityGroups": ["sg"],
        "ec2Configuration": {"instanceType": "t", "instanceProfile": "p", "ecsClientLogGroup": "l", "ami": "ami-1"}
    });
    let record = read(&full).expect("in range");
    let mut written = Map::new();
    record.write_configuration(&mut written);
    assert_eq!(RunnerRecord::read("dev-p-R", &written), Ok(record));

    let mut target = with(&full);
    target.insert("taskId".into(), json!("t1"));
    target.insert("foreign".into(), json!(1));
    read(&json!({})).expect("complete").write_configuration(&mut target);
    assert_eq!(target.get("jobTimeout"), None);
    assert_eq!(target.get("ec2Configuration"), None);
    assert_eq!((&target["taskId"], &target["foreign"]), (&json!("t1"), &json!(1)));
}

#[test]
fn state_is_written_as_it_is_read() {
    let state = RunnerState {
        task_id: Some("t".into()),
        started: true,
        task_hash: Some(-5),
        host_hash: None,
        host_id: Some("i".into()),
        started_by_execution: Some("e".into()),
        start_lock: None,
        shutdown_hook_disabled: true,
    };
    let mut body = Map::new();
    state.write(&mut body);
    assert_eq!(body["taskConfigHashCode"], json!("-5"));
    assert_eq!(RunnerState::read(&body), state);
}

#[test]
fn hash_follows_the_configuration_and_nothing_else() {
    let hash = |changes: &Value| configuration_hash(&read(changes).expect("in range"));
    let plain = hash(&json!({}));
    // A fixed number: a hash that changes with a release restarts every runner.
    assert_eq!(plain, PLAIN_HASH);
    for same in [
        json!({"environment": "prod"}),
        json!({"distributionId": "2"}),
        json!({"taskId": "t", "started": true}),
        json!({"subnets": ["s-1", "s-2"]}),
    ] {
        assert_eq!(hash(&same), plain, "{same}");
    }
    let host = json!({"instanceType": "t", "instanceProfile": "p", "ecsClientLogGroup": "l"});
    for other in [
        json!({"jobTimeout": 5}),
        json!({"attiniVersion": "2"}),
        json!({"startupCommands": ["a"]}),
        json!({"sqsQueueUrl": "https://r"}),
        json!({"ec2Configuration": host}),
    ] {
        assert_ne!(hash(&other), plain, "{other}");
    }
}

const PLAIN_HASH: i32 = 1_922_363_855;
