use serde_json::json;

use super::*;

fn test(definition: &Value, input: &Value, request: &Value) -> Value {
    let request = TestStateRequest::read(definition, input, request).unwrap();
    test_state(&request, Timestamp::from_ms(0)).unwrap()
}

fn task(more: &Value) -> Value {
    let mut task = json!({"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "B"});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

#[test]
fn data_is_shown_after_each_field() {
    let state =
        task(&json!({"InputPath": "$.a", "Parameters": {"b.$": "$.b"}, "ResultSelector": {"id.$": "$.MessageId"},
        "ResultPath": "$.r", "OutputPath": "$.r.id"}));
    let mock = json!({"result": {"MessageId": "m"}});
    let input = json!({"a": {"b": 1}});
    let answer = test(&state, &input, &json!({"inspectionLevel": "DEBUG", "mock": mock}));
    assert_eq!(
        answer,
        json!({"status": "SUCCEEDED", "output": "m", "nextState": "B", "inspectionData": {
            "input": input, "afterInputPath": {"b": 1}, "afterParameters": {"b": 1}, "result": {"MessageId": "m"},
            "afterResultSelector": {"id": "m"}, "afterResultPath": {"a": {"b": 1}, "r": {"id": "m"}},
        }})
    );
}

#[test]
fn retriers_come_before_catchers() {
    let state = task(&json!({
        "Retry": [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["States.TaskFailed"], "MaxAttempts": 2, "BackoffRate": 3}],
        "Catch": [{"ErrorEquals": ["Other"], "Next": "C"}, {"ErrorEquals": ["States.ALL"], "Next": "D"}],
    }));
    let failing = |retries: u64| {
        let mock = json!({"errorOutput": {"error": "E", "cause": "c"}});
        let configuration = json!({"retrierRetryCount": retries});
        let request = json!({"inspectionLevel": "DEBUG", "mock": mock, "stateConfiguration": configuration});
        test(&state, &json!({}), &request)
    };
    let answer = failing(1);
    assert_eq!((&answer["status"], &answer["error"]), (&json!("RETRIABLE"), &json!("E")));
    let details = json!({"retryIndex": 1, "retryBackoffIntervalSeconds": 3});
    assert_eq!(answer["inspectionData"]["errorDetails"], details);
    let answer = failing(2);
    assert_eq!((&answer["status"], &answer["nextState"]), (&json!("CAUGHT_ERROR"), &json!("D")));
    assert_eq!(answer["output"], json!({"Error": "E", "Cause": "c"}));
    assert_eq!(answer["inspectionData"]["errorDetails"], json!({"retryIndex": 1, "catchIndex": 1}));
}

#[test]
fn faults_of_the_state_itself_are_failures() {
    let state = json!({"Type": "Pass", "InputPath": "$.missing", "End": true});
    let answer = test(&state, &json!({}), &json!({}));
    assert_eq!(answer["status"], "FAILED");
    assert!(answer["cause"].as_str().unwrap().contains("executing the state 'StateName' (entered at the event id #2)"));
}

#[test]
fn the_context_object_is_the_one_given() {
    let state = task(&json!({"Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"token.$": "$$.Task.Token", "name.$": "$$.Execution.Name"}}));
    let context = json!({"Execution": {"Name": "n"}, "Task": {"Token": "t"}});
    let request = json!({"inspectionLevel": "DEBUG", "context": context, "mock": {"result": {}}});
    let answer = test(&state, &json!({}), &request);
    assert_eq!(answer["inspectionData"]["afterParameters"], json!({"token": "t", "name": "n"}));
}

#[test]
fn a_wait_longer_than_the_test_may_take_times_out() {
    let wait = |seconds: u64| test(&json!({"Type": "Wait", "Seconds": seconds, "End": true}), &json!({}), &json!({}));
    assert_eq!(wait(300)["status"], "SUCCEEDED");
    assert_eq!(wait(301), json!({"status": "FAILED", "error": "States.Timeout"}));
}

#[test]
fn a_task_without_a_mock_is_named() {
    let request = TestStateRequest::new(task(&json!({})), json!({}));
    let error = test_state(&request, Timestamp::from_ms(0)).unwrap_err();
    assert!(error.to_string().contains("arn:aws:states:::sns:publish"), "{error}");
}

fn map(more: &Value) -> Value {
    let inner = json!({"StartAt": "I", "States": {"I": {"Type": "Fail"}}});
    let mut map = json!({"Type": "Map", "QueryLanguage": "JSONata", "Items": "{% $states.input.n %}", "End": true,
        "ItemProcessor": inner});
    map.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    map
}

#[test]
fn a_map_fails_when_more_iterations_failed_than_it_tolerates() {
    let failing = |more: &Value, failed: u64| {
        let request = json!({"mock": {"result": [1, 2]}, "stateConfiguration": {"mapIterationFailureCount": failed}});
        test(&map(more), &json!({"n": [1, 2, 3, 4]}), &request)
    };
    assert_eq!(failing(&json!({}), 3), json!({"status": "SUCCEEDED", "output": [1, 2]}));
    let error = json!("States.ExceedToleratedFailureThreshold");
    for (more, failed, fails) in [
        (json!({"ToleratedFailureCount": 1}), 1, false),
        (json!({"ToleratedFailureCount": "{% 1 %}"}), 2, true),
        (json!({"ToleratedFailurePercentage": 50}), 2, false),
        (json!({"ToleratedFailurePercentage": 50}), 3, true),
    ] {
        assert_eq!(failing(&more, failed).get("error") == Some(&error), fails, "{more} {failed}");
    }
}

#[test]
fn the_items_of_a_map_are_shown_as_its_selector_makes_them() {
    let selector = json!({"ItemSelector": {"i": "{% $states.context.Map.Item.Index %}", "v": "{% $v %}"}});
    let request = json!({"inspectionLevel": "DEBUG", "variables": {"v": "x"}, "mock": {"result": []}});
    let data = &test(&map(&selector), &json!({"n": [7, 8]}), &request)["inspectionData"];
    assert_eq!(data["afterItemSelector"], json!([{"i": 0, "v": "x"}, {"i": 1, "v": "x"}]));
    assert_eq!(data["variables"], json!({"v": "x"}));
    let reader = json!({"Resource": "arn:aws:states:::s3:getObject", "Arguments": {"Bucket": "b", "Key": "k"}});
    let mut state = map(&json!({"ItemReader": reader, "ItemSelector": "{% $states.context.Map.Item.Value.a %}"}));
    state.as_object_mut().unwrap().remove("Items");
    let configuration = json!({"mapItemReaderData": "[{\"a\": 1}]"});
    let request = json!({"inspectionLevel": "DEBUG", "mock": {"result": []}, "stateConfiguration": configuration});
    assert_eq!(test(&state, &json!({}), &request)["inspectionData"]["afterItemSelector"], json!([1]));
}

#[test]
fn a_map_whose_items_are_no_list_fails_and_can_catch_it() {
    let catch = json!({"Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "C"}]});
    let answer = test(&map(&catch), &json!({"n": "text"}), &json!({"mock": {"result": []}}));
    assert_eq!((&answer["status"], &answer["nextState"]), (&json!("CAUGHT_ERROR"), &json!("C")));
}

#[test]
fn variables_are_those_after_the_state() {
    let state = json!({"Type": "Choice", "QueryLanguage": "JSONata", "Default": "Choice", "Choices": [
        {"Condition": "{% $a = 1 %}", "Assign": {"b": "{% $a + 1 %}", "a": 5}, "Next": "B"}]});
    let request = json!({"inspectionLevel": "TRACE", "variables": {"a": 1, "with": {"x.$": "$"}}});
    let answer = test(&state, &json!({}), &request);
    assert_eq!((&answer["status"], &answer["nextState"]), (&json!("SUCCEEDED"), &json!("B")), "{answer}");
    assert_eq!(answer["inspectionData"]["variables"], json!({"a": 5, "with": {"x.$": "$"}, "b": 2}));
}
