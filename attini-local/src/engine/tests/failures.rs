use serde_json::json;

use super::*;

fn kinds(result: &SimulationResult) -> Vec<&str> {
    result.events.iter().map(|event| event.kind.as_str()).collect()
}

#[test]
fn retries_wait_longer_each_time_and_then_give_up() {
    let retry = json!([{"ErrorEquals": ["Busy"], "IntervalSeconds": 2, "BackoffRate": 3, "MaxAttempts": 3}]);
    let result = run(&only(json!({"Type": "Task", "Resource": TASK, "Retry": retry})), json!({"fail": "Busy"}));
    assert_eq!(result.ended.since(NOW).as_secs(), 2 + 6 + 18);
    assert_eq!(kinds(&result).iter().filter(|kind| **kind == "TaskFailed").count(), 4);
    let other = run(
        &only(json!({"Type": "Task", "Resource": TASK, "Retry": [{"ErrorEquals": ["Busy"]}]})),
        json!({"fail": "Other"}),
    );
    assert_eq!(other.ended, NOW);
}

#[test]
fn catchers_name_errors_and_keep_the_input() {
    let machine = |errors: serde_json::Value| {
        json!({"StartAt": "S", "States": {
            "S": {"Type": "Task", "Resource": TASK, "End": true,
                "Catch": [{"ErrorEquals": errors, "ResultPath": "$.error", "Next": "C"}]},
            "C": {"Type": "Succeed"}
        }})
    };
    let caught = json!({"fail": "Broken", "error": {"Error": "Broken", "Cause": "asked for"}});
    for errors in [json!(["Broken"]), json!(["States.ALL"]), json!(["Other", "States.TaskFailed"])] {
        succeeds(&machine(errors), json!({"fail": "Broken"}), &caught);
    }
    fails(&machine(json!(["States.Timeout"])), json!({"fail": "Broken"}), "Broken", "asked for");
}

#[test]
fn timeouts_and_heartbeats_end_a_silent_task() {
    let machine = |limits: serde_json::Value, error: &str| {
        let mut task = json!({"Type": "Task", "Resource": CALLBACK, "Next": "C",
            "Catch": [{"ErrorEquals": [error], "Next": "C"}]});
        task.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
        json!({"StartAt": "S", "States": {"S": task, "C": {"Type": "Succeed"}}})
    };
    let output = json!({"Error": "States.Timeout", "Cause": ""});
    let input = || json!({"fail": "silent", "t": 5});
    succeeds(&machine(json!({"TimeoutSeconds": 5}), "States.Timeout"), input(), &output);
    succeeds(&machine(json!({"HeartbeatSecondsPath": "$.t"}), "States.HeartbeatTimeout"), input(), &output);
    fails(&machine(json!({"TimeoutSeconds": 5}), "States.TaskFailed"), input(), "States.Timeout", "");
}

#[test]
fn runtime_failures_are_never_caught() {
    let machine = json!({"StartAt": "S", "States": {
        "S": {"Type": "Task", "Resource": TASK, "OutputPath": "$.no", "Next": "C",
            "Retry": [{"ErrorEquals": ["States.ALL"]}],
            "Catch": [{"ErrorEquals": ["States.Runtime"], "Next": "C"}, {"ErrorEquals": ["States.ALL"], "Next": "C"}]},
        "C": {"Type": "Succeed"}
    }});
    fails(&machine, json!({}), "States.Runtime", "Invalid path '$.no' : No results for path: $['no']");
}

#[test]
fn names_of_the_specification_catch_what_the_service_calls_runtime() {
    let machine = json!({"StartAt": "S", "States": {
        "S": {"Type": "Task", "Resource": TASK, "Parameters": {"a.$": "$.no"}, "Next": "C",
            "Catch": [{"ErrorEquals": ["States.ParameterPathFailure"], "ResultPath": null, "Next": "C"}]},
        "C": {"Type": "Succeed"}
    }});
    succeeds(&machine, json!({"x": 1}), &json!({"x": 1}));
}

#[test]
fn one_failed_branch_ends_the_others() {
    let branch = |state: serde_json::Value| only(state);
    let machine = json!({"StartAt": "P", "States": {
        "P": {"Type": "Parallel", "End": true,
            "Catch": [{"ErrorEquals": ["States.BranchFailed"], "Next": "C"}],
            "Branches": [
                branch(json!({"Type": "Wait", "Seconds": 1000})),
                branch(json!({"Type": "Task", "Resource": CALLBACK, "Parameters": {"fail": "silent"}})),
                branch(json!({"Type": "Fail", "Error": "E", "Cause": "C"}))
            ]},
        "C": {"Type": "Succeed"}
    }});
    let result = run(&machine, json!({}));
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!({"Error": "E", "Cause": "C"}) }));
    assert_eq!(result.ended, NOW);
    let kinds = kinds(&result);
    for kind in ["WaitStateAborted", "TaskStateAborted", "ParallelStateFailed"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
}

#[test]
fn a_map_that_is_tried_again_starts_all_items_anew() {
    let machine = only(json!({"Type": "Map",
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
        "ItemProcessor": {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E"}}}
    }));
    let result = run(&machine, json!([1, 2]));
    assert_eq!(result.outcome, Some(Outcome::Failed { error: Some("E".to_owned()), cause: None }));
    assert_eq!(kinds(&result).iter().filter(|kind| **kind == "MapStateStarted").count(), 2);
}

#[test]
fn an_item_selector_that_fails_ends_what_was_started() {
    let machine = only(json!({"Type": "Map", "ItemSelector": {"a.$": "$$.Map.Item.Value.a"},
        "ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 9, "End": true}}}
    }));
    fails(&machine, json!([{"a": 1}, {}]), "States.Runtime", "'$$.Map.Item.Value.a' specified for the field 'a.$'");
}

#[test]
fn payloads_over_256_kib_are_refused() {
    let input = json!({"text": "x".repeat(200_000)});
    let twice = only(json!({"Type": "Pass", "Parameters": {"a.$": "$.text", "b.$": "$.text"}}));
    fails(&twice, input, "States.DataLimitExceeded", "'S' returned a result with a size exceeding");
}

#[test]
fn results_need_an_object_to_go_into() {
    let machine = only(json!({"Type": "Pass", "Result": 1, "ResultPath": "$.a"}));
    fails(
        &machine,
        json!("text"),
        "States.ResultPathMatchFailure",
        "Unable to apply ReferencePath $.a to input \"text\"",
    );
}

#[test]
fn the_machine_has_a_timeout_of_its_own() {
    let mut machine = only(json!({"Type": "Wait", "Seconds": 100}));
    machine["TimeoutSeconds"] = json!(10);
    let result = run(&machine, json!({}));
    assert_eq!((result.outcome.clone(), result.ended.since(NOW).as_secs()), (Some(Outcome::TimedOut), 10));
    assert_eq!(kinds(&result).last(), Some(&"ExecutionTimedOut"));
}
