//! Which step does what, and how failures come out.

use super::*;

#[test]
fn actions_case_1_an_unknown_action_fails_by_name() {
    let (world, _) = world();
    let token = run(&world, "Foo", "X", &json!({}));
    let failed = failure(&world, &token);
    assert!(failed.error == "UnsupportedAction" && failed.cause.contains("`Foo`"), "{failed}");
    for input in [json!({"attiniActionType": "Foo"}), json!({}), json!("text")] {
        assert_eq!(block_on(run_action(&world.framework, input)).unwrap_err().error, "UnsupportedAction");
    }
}

#[test]
fn a_step_with_a_token_and_a_broken_input_fails_by_name() {
    let (world, _) = world();
    for field in ["deploymentOriginData", "deploymentPlanExecutionMetadata"] {
        let token = world.tokens.open();
        let mut input = input("DeployCfn", "X", &token, &json!({}));
        match field {
            "deploymentOriginData" => input[field] = json!({}),
            _ => input[field] = json!({"sfnToken": token.expose()}),
        }
        block_on(run_action(&world.framework, input)).unwrap();
        let failed = failure(&world, &token);
        assert!(failed.error == "IllegalFormatException" && failed.cause.contains(field), "{failed}");
    }
}

#[test]
fn a_step_that_nobody_waits_for_any_more_is_done() {
    let (world, _) = world();
    let token = TaskToken::new("closed");
    let input = input("Foo", "X", &token, &json!({}));
    assert_eq!(block_on(run_action(&world.framework, input)).unwrap(), Value::Null);
}

#[test]
fn actions_case_38_and_39_and_plan_case_47_and_48_merges() {
    let (world, _) = world();
    let merge = |inputs: Value| {
        let input = json!({"attiniActionType": "AttiniMergeOutput", "InputsToMerge": inputs});
        block_on(run_action(&world.framework, input))
    };
    let branches = json!([{"k": 1, "output": {"A": {"k": 1}}}, {"k": 2, "output": {"B": {"k": 2}}}]);
    assert_eq!(merge(branches).unwrap(), json!({"k": 2, "output": {"A": {"k": 1}, "B": {"k": 2}}}));
    assert_eq!(merge(json!([])).unwrap(), json!({}));
    assert_eq!(merge(json!([{"l": [2]}, {"l": [1, 2]}])).unwrap(), json!({"l": [2, 1]}));
    assert_eq!(merge(json!([{"a": 1}, {"a": null}])).unwrap(), json!({"a": 1}));
    let old = json!({"output": {"A": {"x": "old"}}, "attiniMerge": [
        {"output": {"A": {"x": "new"}}}, {"output": {"A": {"x": "old"}}}]});
    assert_eq!(merge(old).unwrap(), json!({"output": {"A": {"x": "new"}}}));
    let refused = merge(json!("text")).unwrap_err();
    assert_eq!(refused.error, "MergeError");
    assert_eq!(
        block_on(run_action(&world.framework, json!({"attiniActionType": "AttiniMergeOutput"}))).unwrap_err().error,
        "MergeError"
    );
}
