use serde_json::json;

use super::*;

#[test]
fn result_goes_where_its_path_points_even_with_blanks() {
    let machine = only(json!({"Type": "Pass", "Result": {"a": 1}, "ResultPath": "$.output.Deploy Stack"}));
    succeeds(&machine, json!({"x": 0}), &json!({"x": 0, "output": {"Deploy Stack": {"a": 1}}}));
}

#[test]
fn data_flows_through_all_five_fields() {
    let machine = only(json!({
        "Type": "Task",
        "Resource": TASK,
        "InputPath": "$.in",
        "Parameters": {"value.$": "$.v", "name.$": "$$.State.Name", "text.$": "States.Format('{}!', $.v)"},
        "ResultSelector": {"kept.$": "$.text"},
        "ResultPath": "$.out",
        "OutputPath": "$.out"
    }));
    succeeds(&machine, json!({"in": {"v": "hi"}}), &json!({"kept": "hi!"}));
}

#[test]
fn null_paths() {
    succeeds(&only(json!({"Type": "Pass", "InputPath": null})), json!({"a": 1}), &json!({}));
    succeeds(&only(json!({"Type": "Pass", "Result": 1, "ResultPath": null})), json!({"a": 1}), &json!({"a": 1}));
    succeeds(&only(json!({"Type": "Succeed", "OutputPath": null})), json!({"a": 1}), &json!({}));
}

#[test]
fn choice_takes_the_first_rule_that_holds() {
    let machine = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Default": "None", "Choices": [
            {"Next": "Both", "And": [
                {"Variable": "$.n", "NumericGreaterThan": 3},
                {"Not": {"Variable": "$.s", "IsPresent": true}}
            ]},
            {"Next": "Named", "Variable": "$.s", "StringMatches": "a*z"}
        ]},
        "Both": {"Type": "Pass", "Result": "both", "End": true},
        "Named": {"Type": "Pass", "Result": "named", "End": true},
        "None": {"Type": "Pass", "Result": "none", "End": true}
    }});
    succeeds(&machine, json!({"n": 4}), &json!("both"));
    succeeds(&machine, json!({"n": 4, "s": "abcz"}), &json!("named"));
    succeeds(&machine, json!({"n": 1, "s": "b"}), &json!("none"));
    fails(&machine, json!({"n": 1}), "States.Runtime", "Invalid path '$.s': The choice state's condition path");
}

#[test]
fn choice_without_match_and_default() {
    let machine = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true, "Next": "E"}]},
        "E": {"Type": "Succeed"}
    }});
    fails(&machine, json!(1), "States.NoChoiceMatched", "'C' (entered at the event id #2)");
}

#[test]
fn wait_lasts_as_long_as_it_says() {
    let waits = |state, input| run(&only(state), input).ended.since(NOW).as_secs();
    assert_eq!(waits(json!({"Type": "Wait", "Seconds": 30}), json!({})), 30);
    assert_eq!(waits(json!({"Type": "Wait", "SecondsPath": "$.s"}), json!({"s": 7})), 7);
    assert_eq!(waits(json!({"Type": "Wait", "Timestamp": "2026-01-01T00:01:00Z"}), json!({})), 60);
    assert_eq!(waits(json!({"Type": "Wait", "TimestampPath": "$"}), json!("2020-01-01T00:00:00+02:00")), 0);
}

#[test]
fn branches_return_in_their_order() {
    let branch = |seconds: u64| {
        json!({"StartAt": "W", "States": {
            "W": {"Type": "Wait", "Seconds": seconds, "Next": "P"},
            "P": {"Type": "Pass", "Result": seconds, "End": true}
        }})
    };
    let machine = only(json!({"Type": "Parallel", "Branches": [branch(3), branch(1), branch(2)]}));
    succeeds(&machine, json!({}), &json!([3, 1, 2]));
    assert_eq!(run(&machine, json!({})).ended.since(NOW).as_secs(), 3);
}

#[test]
fn map_keeps_to_its_concurrency_and_knows_its_items() {
    let machine = |concurrency: u64| {
        only(json!({
            "Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": concurrency,
            "ItemSelector": {"i.$": "$$.Map.Item.Index", "v.$": "$$.Map.Item.Value", "all.$": "$.x"},
            "ItemProcessor": {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": true}}}
        }))
    };
    let input = json!({"items": ["a", "b", "c"], "x": 0});
    let expected = json!([{"i": 0, "v": "a", "all": 0}, {"i": 1, "v": "b", "all": 0}, {"i": 2, "v": "c", "all": 0}]);
    for (concurrency, seconds) in [(0, 1), (1, 3), (2, 2), (9, 1)] {
        succeeds(&machine(concurrency), input.clone(), &expected);
        assert_eq!(run(&machine(concurrency), input.clone()).ended.since(NOW).as_secs(), seconds, "{concurrency}");
    }
    succeeds(&machine(1), json!({"items": [], "x": 0}), &json!([]));
    fails(&machine(1), json!({"items": 1, "x": 0}), "States.Runtime", "Map state input must be an array but was: 1");
}

#[test]
fn map_runs_at_most_40_items_at_once() {
    let machine = only(json!({"Type": "Map", "ItemProcessor": {"StartAt": "W", "States": {
        "W": {"Type": "Wait", "Seconds": 1, "End": true}
    }}}));
    assert_eq!(run(&machine, json!(vec![0; 41])).ended.since(NOW).as_secs(), 2);
}

#[test]
fn machines_may_be_nested_64_deep() {
    let nested = |levels: usize| {
        (0..levels)
            .fold(only(json!({"Type": "Pass"})), |inner, _| only(json!({"Type": "Parallel", "Branches": [inner]})))
    };
    let expected = (0..64).fold(json!(1), |value, _| json!([value]));
    succeeds(&nested(64), json!(1), &expected);
    let problems = Definition::parse(&nested(65)).unwrap_err();
    assert!(problems.iter().any(|problem| problem.contains("deeper than 64")), "{problems:?}");
}

#[test]
fn endless_loops_end_at_the_service_limit_of_events() {
    let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "A"}}});
    fails(&machine, json!({}), "States.Runtime", "maximum number of history events (25000)");
}

#[test]
fn refused_by_name_is_what_the_engine_cannot_do() {
    let refused = |machine: &serde_json::Value, parts: [&str; 2]| {
        let problems = Definition::parse(machine).unwrap_err();
        let found = problems.iter().any(|problem| parts.iter().all(|part| problem.contains(part)));
        assert!(found, "{problems:?}");
    };
    let map = |reader: serde_json::Value| {
        only(json!({"Type": "Map", "ItemReader": reader, "ItemProcessor": {
            "StartAt": "P", "States": {"P": {"Type": "Succeed"}}, "ProcessorConfig": {"Mode": "DISTRIBUTED"}
        }}))
    };
    let parquet = json!({"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "PARQUET"}});
    refused(&map(parquet), ["state `S`, ItemReader, ReaderConfig, field `InputType`", "Parquet"]);
    let other = json!({"Resource": "arn:aws:states:::dynamodb:scan", "ReaderConfig": {"InputType": "JSON"}});
    refused(&map(other), ["state `S`, ItemReader, field `Resource`", "s3:getObject"]);
}

#[test]
fn all_problems_of_a_definition_at_once() {
    let problems = Definition::parse(&json!({"StartAt": "X", "States": {
        "A": {"Type": "Task", "Next": "B", "TimeoutSeconds": -1, "Retry": [{"ErrorEquals": []}]},
        "C": {"Type": "Pass", "ResultPath": "$.a[*]", "Parameters": {"x.$": "no path"}},
        "D": {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringFoo": "x", "Next": "A"}]},
        "E": {"Type": "Tusk"}
    }}))
    .unwrap_err();
    for part in [
        "the state machine, field `StartAt`: there is no state `X`",
        "state `A`, field `Resource`",
        "state `A`, field `TimeoutSeconds`",
        "state `C`, field `ResultPath`",
        "state `C`, field `Parameters`: field `x.$`",
        "state `C`, field `Next`",
        "state `D`, choice 0, field `StringFoo`: there is no such operator",
        "state `E`, field `Type`: there is no type `Tusk`",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}\n{}", problems.join("\n"));
    }
}
