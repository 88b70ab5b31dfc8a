//! Sentences of the States Language specification about errors, retries and waits, one test each.

use serde_json::json;

use super::*;

fn attempts(retry: impl Into<Value>, error: &str) -> (usize, u64) {
    let machine = only(json!({"Type": "Task", "Resource": TASK, "Retry": retry.into()}));
    let result = run(&machine, json!({"fail": error}));
    let failed = result.events.iter().filter(|event| event.kind == "TaskFailed").count();
    (failed, result.ended.since(NOW).as_secs())
}

#[test]
fn max_attempts_defaults_to_3_and_the_interval_to_1_and_the_rate_to_2() {
    assert_eq!(attempts(json!([{"ErrorEquals": ["E"]}]), "E"), (4, 1 + 2 + 4));
}

#[test]
fn a_value_of_0_is_permitted_to_specify_that_some_error_should_never_be_retried() {
    let retry = json!([{"ErrorEquals": ["E"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]);
    assert_eq!(attempts(retry.clone(), "E").0, 1);
    assert_eq!(attempts(retry, "Other").0, 3);
}

#[test]
fn max_delay_seconds_is_the_upper_limit_of_the_wait() {
    let retry =
        json!([{"ErrorEquals": ["E"], "IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 5, "MaxAttempts": 3}]);
    assert_eq!(attempts(retry, "E"), (4, 3 + 5 + 5));
}

#[test]
fn full_jitter_waits_between_0_and_the_delay() {
    let retry = json!([{"ErrorEquals": ["E"], "IntervalSeconds": 100, "JitterStrategy": "FULL", "MaxAttempts": 1}]);
    assert!(attempts(retry, "E").1 < 100);
}

#[test]
fn the_interpreter_scans_through_the_retriers_and_uses_the_first_that_matches() {
    let retry = json!([{"ErrorEquals": ["X", "E"], "MaxAttempts": 1, "IntervalSeconds": 10},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 5}]);
    assert_eq!(attempts(retry, "E"), (2, 10));
}

/// Answers in turn with the errors.
struct InTurn(Vec<&'static str>);

impl Mocks for InTurn {
    fn answer(&mut self, _: &EffectId, _: &TaskRequest) -> Answer {
        let error = if self.0.is_empty() { "" } else { self.0.remove(0) };
        Answer::of(match error {
            "" => TaskEnd::Succeeded(json!("done")),
            "silent" => TaskEnd::Silent,
            error => TaskEnd::Failed { error: Some(error.to_owned()), cause: None },
        })
    }
}

fn run_with(errors: &[&'static str], machine: &Value) -> SimulationResult {
    simulate(definition(machine), context(json!({})), &mut InTurn(errors.to_vec()), NOW)
}

#[test]
fn each_retrier_tracks_its_own_attempts() {
    let retry = json!([{"ErrorEquals": ["A"], "MaxAttempts": 2, "IntervalSeconds": 1, "BackoffRate": 1},
        {"ErrorEquals": ["B"], "MaxAttempts": 1, "IntervalSeconds": 10}]);
    let machine = only(json!({"Type": "Task", "Resource": TASK, "Retry": retry}));
    let result = run_with(&["A", "B", "A"], &machine);
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("done") }));
    assert_eq!(result.ended.since(NOW).as_secs(), 1 + 10 + 1);
    assert!(matches!(run_with(&["A", "B", "A", "B"], &machine).outcome, Some(Outcome::Failed { .. })));
}

#[test]
fn a_retriers_parameters_apply_across_all_visits_to_the_retrier_in_one_state_execution_only() {
    let machine = json!({"StartAt": "S", "States": {
        "S": {"Type": "Task", "Resource": TASK, "Next": "T", "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}]},
        "T": {"Type": "Task", "Resource": TASK, "End": true, "Catch": [{"ErrorEquals": ["Again"], "Next": "S"}]}
    }});
    // S fails and succeeds, T leads back, and S may fail once more.
    let result = run_with(&["E", "", "Again", "E"], &machine);
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("done") }));
}

#[test]
fn when_retries_fail_the_catchers_are_tried() {
    let machine = json!({"StartAt": "S", "States": {
        "S": {"Type": "Task", "Resource": TASK, "End": true, "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
            "Catch": [{"ErrorEquals": ["E"], "Next": "C"}]},
        "C": {"Type": "Pass", "OutputPath": "$.Error", "End": true}
    }});
    let result = run_with(&["E", "E"], &machine);
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("E") }));
}

#[test]
fn the_retry_count_is_in_the_context_object() {
    let machine =
        only(json!({"Type": "Task", "Resource": TASK, "Parameters": {"n.$": "$$.State.RetryCount", "fail": "E"},
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}]}));
    let result = run(&machine, json!({}));
    let scheduled = result.events.iter().filter(|event| event.kind == "TaskScheduled");
    let parameters: Vec<&str> = scheduled.map(|event| event.details["parameters"].as_str().unwrap()).collect();
    assert_eq!(parameters, ["{\"n\":0,\"fail\":\"E\"}", "{\"n\":1,\"fail\":\"E\"}"]);
}

#[test]
fn states_all_must_appear_alone_and_in_the_last_retrier_or_catcher() {
    let problem = |field: &str, entries: Value| {
        let mut task = json!({"Type": "Task", "Resource": TASK});
        task[field] = entries;
        Definition::parse(&only(task)).unwrap_err().join("\n")
    };
    let text = "field `ErrorEquals`: `States.ALL` must stand alone, in the last entry";
    let with_others = problem("Retry", json!([{"ErrorEquals": ["States.ALL", "E"]}]));
    assert!(with_others.contains(&format!("state `S`, retrier 0, {text}")), "{with_others}");
    let first =
        problem("Catch", json!([{"ErrorEquals": ["States.ALL"], "Next": "S"}, {"ErrorEquals": ["E"], "Next": "S"}]));
    assert!(first.contains(&format!("state `S`, catcher 0, {text}")), "{first}");
}

#[test]
fn task_failed_matches_every_error_of_a_task_but_a_timeout() {
    let retry = json!([{"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 1}]);
    assert_eq!(attempts(retry.clone(), "Anything").0, 2);
    let machine = only(json!({"Type": "Task", "Resource": CALLBACK, "TimeoutSeconds": 5, "Retry": retry}));
    assert_eq!(run_with(&["silent", "silent"], &machine).ended.since(NOW).as_secs(), 5);
}

#[test]
fn a_heartbeat_that_is_missed_before_the_timeout_ends_the_task() {
    let task = |timeout: u64, heartbeat: u64| {
        only(json!({"Type": "Task", "Resource": CALLBACK, "TimeoutSeconds": timeout, "HeartbeatSeconds": heartbeat}))
    };
    let ends = |machine: &Value| {
        let result = run_with(&["silent"], machine);
        assert_eq!(result.outcome, Some(Outcome::Failed { error: Some("States.Timeout".to_owned()), cause: None }));
        result.ended.since(NOW).as_secs()
    };
    assert_eq!(ends(&task(600, 5)), 5);
    assert_eq!(ends(&task(5, 600)), 5);
}

#[test]
fn both_limits_may_come_from_the_input() {
    let machine =
        only(json!({"Type": "Task", "Resource": CALLBACK, "TimeoutSecondsPath": "$.t", "HeartbeatSecondsPath": "$.h"}));
    let input = |t: Value| json!({"fail": "silent", "t": t, "h": 3});
    let result = run(&machine, input(json!(7)));
    let scheduled = &result.events.iter().find(|event| event.kind == "TaskScheduled").unwrap().details;
    assert_eq!((&scheduled["timeoutInSeconds"], &scheduled["heartbeatInSeconds"]), (&json!(7), &json!(3)));
    assert_eq!(result.ended.since(NOW).as_secs(), 3);
    let cause = "The TimeoutSecondsPath field refers to value \"x\" which is not a valid integer: $.t";
    fails(&machine, input(json!("x")), "States.Runtime", cause);
    fails(&machine, input(json!(-1)), "States.Runtime", "TimeoutSeconds cannot be negative.");
}

#[test]
fn a_time_out_of_a_retried_task_starts_anew() {
    let machine = only(json!({"Type": "Task", "Resource": CALLBACK, "TimeoutSeconds": 5,
        "Retry": [{"ErrorEquals": ["States.Timeout"], "MaxAttempts": 1, "IntervalSeconds": 2}]}));
    let result = run_with(&["silent"], &machine);
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("done") }));
    assert_eq!(result.ended.since(NOW).as_secs(), 7);
}

#[test]
fn credentials_are_recorded_and_otherwise_left_to_the_caller() {
    let machine = only(json!({"Type": "Task", "Resource": TASK, "Credentials": {"RoleArn.$": "$.role"}}));
    let result = run(&machine, json!({"role": "arn:r"}));
    let scheduled = &result.events.iter().find(|event| event.kind == "TaskScheduled").unwrap().details;
    assert_eq!(scheduled["taskCredentials"], json!({"roleArn": "arn:r"}));
}

#[test]
fn a_wait_needs_exactly_one_of_its_four_fields() {
    for state in [json!({"Type": "Wait"}), json!({"Type": "Wait", "Seconds": 1, "SecondsPath": "$.s"})] {
        let problems = Definition::parse(&only(state)).unwrap_err();
        assert!(
            problems[0].contains("use exactly one of Seconds, SecondsPath, Timestamp, TimestampPath"),
            "{problems:?}"
        );
    }
}
