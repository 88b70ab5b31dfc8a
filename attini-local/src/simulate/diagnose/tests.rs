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
        ["Missing 'Default' target: D at /States/A/Default", "State \"C\" is not reachable. at /States/C"]
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
        ["The field 'InputPath' is not supported by the query language 'JSONata' at /States/A/InputPath"]
    );
    let state = json!({"Type": "Pass", "Output": "{% 1 %}", "End": true});
    assert_eq!(
        alone(&state),
        ["The field 'Output' is not supported by the query language 'JSONPath' at /States/A/Output"]
    );
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
