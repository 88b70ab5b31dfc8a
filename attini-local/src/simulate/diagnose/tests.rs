use serde_json::json;

use super::*;

fn found(definition: &Value) -> Vec<String> {
    let words = |found: Diagnostic| format!("{} at {}", found.message, found.location.unwrap_or_default());
    diagnose(definition, MachineType::Standard).into_iter().map(words).collect()
}

fn alone(state: &Value) -> Vec<String> {
    found(&json!({"StartAt": "A", "States": {"A": state}}))
}

#[test]
fn fields_that_are_missing_stand_in_one_message() {
    assert_eq!(found(&json!({})), ["These fields are required: [States, StartAt] at /"]);
    let inner = json!({"StartAt": "B"});
    let state = json!({"Type": "Map", "ItemProcessor": inner, "End": true});
    assert_eq!(alone(&state), ["These fields are required: [States] at /States/A/ItemProcessor"]);
    assert_eq!(alone(&json!({"Type": "Task", "End": true})), ["These fields are required: [Resource] at /States/A"]);
}

#[test]
fn states_that_are_named_exist_and_states_that_exist_are_reached() {
    let definition = json!({"StartAt": "A", "States": {
        "A": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": true, "Next": "B"}], "Default": "D"},
        "B": {"Type": "Succeed"},
        "C": {"Type": "Succeed"},
    }});
    assert_eq!(
        found(&definition),
        ["Missing 'Next' target: D at /States/A/Default", "State \"C\" is not reachable. at /States/C"]
    );
}

#[test]
fn templates_name_the_object_around_the_field() {
    let state =
        json!({"Type": "Pass", "Parameters": {"a": [{"b.$": "nothing"}]}, "Result": {"c.$": "data"}, "End": true});
    assert_eq!(
        alone(&state),
        ["The value for the field 'b.$' must be a valid JSONPath or a valid intrinsic function call \
          at /States/A/Parameters/a[0]"]
    );
    let state = json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"b.$": "text"}, "End": true});
    assert_eq!(alone(&state), Vec::<String>::new());
}

#[test]
fn states_have_the_fields_of_their_query_language() {
    let state = json!({"Type": "Pass", "QueryLanguage": "JSONata", "InputPath": "$.a", "End": true});
    assert_eq!(
        alone(&state),
        ["The QueryLanguage is set to 'JSONata', but field 'InputPath' is only supported for the 'JSONPath' \
          QueryLanguage at /States/A"]
    );
    let state = json!({"Type": "Pass", "Output": "{% 1 %}", "End": true});
    assert_eq!(
        alone(&state),
        ["The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the 'JSONata' \
          QueryLanguage at /States/A"]
    );
}

#[test]
fn states_have_the_fields_of_their_type() {
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "A"}]);
    for (field, value) in [("TimeoutSeconds", json!(5)), ("Catch", catch), ("Retry", json!([])), ("Timeout", json!(5))]
    {
        let mut state = json!({"Type": "Pass", "End": true});
        state[field] = value;
        assert_eq!(alone(&state), [format!("Field '{field}' is not supported at /States/A")]);
    }
    let inner = json!({"StartAt": "B", "QueryLanguage": "JSONata", "States": {"B": {"Type": "Pass", "End": true}}});
    let map = json!({"Type": "Map", "ItemProcessor": inner, "End": true});
    assert_eq!(alone(&map), ["Field 'QueryLanguage' is not supported at /States/A/ItemProcessor"]);
}

#[test]
fn a_machine_has_a_state_to_end_with() {
    let next = |name: &str| json!({"Type": "Pass", "Next": name});
    let endless = json!({"StartAt": "A", "States": {"A": next("B"), "B": next("A"), "C": next("A")}});
    let all = diagnose(&endless, MachineType::Standard);
    assert_eq!(
        refusal(&all),
        "Invalid State Machine Definition: 'MISSING_END_STATE: Workflow has no terminal state at null'"
    );
    let dangling = json!({"StartAt": "A", "States": {"A": next("NOPE")}});
    assert_eq!(
        found(&dangling),
        ["Missing 'Next' target: NOPE at /States/A/Next", "Workflow has no terminal state at "]
    );
    let unreached = json!({"StartAt": "A", "States": {"A": next("A"), "C": {"Type": "Succeed"}}});
    assert_eq!(found(&unreached), ["State \"C\" is not reachable. at /States/C"]);
}

#[test]
fn expressions_are_read_when_a_machine_is_made() {
    let state =
        |output: &str| json!({"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"v": [output]}, "End": true});
    assert_eq!(alone(&state("{% 1 + %}")), ["Unexpected end of expression at /States/A/Output/v[0]"]);
    assert_eq!(
        alone(&state("{% phone %}")),
        ["Reference to 'phone' at the top level is not supported. at /States/A/Output/v[0]"]
    );
    assert_eq!(alone(&state("{% $states.result %}")).len(), 1);
    assert_eq!(alone(&state("{% $states.input.phone %}")), Vec::<String>::new());
}

#[test]
fn integrations_wait_in_the_ways_that_they_have() {
    for (resource, is_fine) in [
        ("arn:aws:states:::sqs:sendMessage.waitForTaskToken", true),
        ("arn:aws:states:::sqs:sendMessage.sync", false),
        ("arn:aws:states:::dynamodb:query", false),
        ("arn:aws:states:::aws-sdk:dynamodb:query", true),
        ("arn:aws:states:::aws-sdk:dynamodb", false),
        ("arn:aws:states:::states:startExecution.sync:2", true),
        ("arn:aws:states:eu-west-1:111111111111:activity:a", true),
        ("arn:aws-cn:lambda:cn-north-1:111111111111:function:f", true),
        ("f", false),
    ] {
        let problems = alone(&json!({"Type": "Task", "Resource": resource, "End": true}));
        assert_eq!(problems.is_empty(), is_fine, "{resource}: {problems:?}");
    }
    let state = json!({"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "End": true});
    let express = diagnose(&json!({"StartAt": "A", "States": {"A": state}}), MachineType::Express);
    assert_eq!(
        refusal(&express),
        "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: Express state machine does not support \
         '.waitForTaskToken' service integration at /States/A/Resource'"
    );
}

#[test]
fn texts_that_are_no_json_are_explained() {
    let message = |text: &str| diagnose_text(text, MachineType::Standard).remove(0).message;
    assert_eq!(message(" \n"), "Definition must be a valid JSON object");
    assert_eq!(message("[]"), "Definition must be a valid JSON object");
    assert!(message("{\"a\": nope}").starts_with("Unrecognized token 'nope': was expecting (JSON String"));
    assert!(message("{\"a\"").starts_with("Unexpected end-of-input"));
    assert!(message("{\"a\": 1,}").contains("was expecting double-quote to start field name"));
    assert!(message("{a: 1}").contains("line: 1, column: 3]"));
}

#[test]
fn numbers_have_their_ranges() {
    let lambda = "arn:aws:lambda:eu-west-1:111111111111:function:f";
    let task = |field: &str, value: Value| {
        let mut task = json!({"Type": "Task", "Resource": lambda, "TimeoutSeconds": 60, "End": true});
        task[field] = value;
        alone(&task).len()
    };
    assert_eq!(task("TimeoutSeconds", json!(99_999_999)), 0);
    for (field, value) in [
        ("TimeoutSeconds", json!(0)),
        ("TimeoutSeconds", json!("5")),
        ("HeartbeatSeconds", json!(1.5)),
        ("HeartbeatSeconds", json!(60)),
        ("Retry", json!([{"ErrorEquals": ["States.ALL"], "MaxAttempts": -1}])),
        ("Retry", json!([{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["E"]}])),
    ] {
        assert_eq!(task(field, value.clone()), 1, "{field}: {value}");
    }
    let wait =
        |seconds: Value| alone(&json!({"Type": "Wait", "QueryLanguage": "JSONata", "Seconds": seconds, "End": true}));
    assert_eq!(wait(json!("{% $states.input.n %}")), Vec::<String>::new());
    assert_eq!(wait(json!(-1)).len(), 1);
}
