use serde_json::json;

use super::*;

#[test]
fn variables_are_read_in_every_field_with_a_path() {
    let machine = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"v": {"a": [1, 2], "t": 3, "text": "x"}}, "Next": "T"},
        "T": {"Type": "Task", "Resource": TASK, "InputPath": "$v", "TimeoutSecondsPath": "$v.t",
            "Parameters": {"first.$": "$v.a[0]", "call.$": "States.Format('{}!', $v.text)", "own.$": "$.t"},
            "ResultSelector": {"r.$": "$.first", "c.$": "$.call", "v.$": "$v.a"}, "Next": "C"},
        "C": {"Type": "Choice", "Choices": [{"Variable": "$v.t", "NumericEqualsPath": "$v.t", "Next": "M"}]},
        "M": {"Type": "Map", "ItemsPath": "$v.a", "MaxConcurrencyPath": "$v.t",
            "ItemSelector": {"i.$": "$$.Map.Item.Value", "t.$": "$v.text"},
            "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}, "Next": "W"},
        "W": {"Type": "Wait", "SecondsPath": "$v.t", "OutputPath": "$v.text", "End": true}
    }});
    let result = run(&machine, json!({}));
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("x") }));
    assert_eq!(result.ended.since(NOW).as_secs(), 3);
}

#[test]
fn values_are_assigned_from_what_was_true_on_entry() {
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"x": 3, "a": 6}, "Next": "B"},
        "B": {"Type": "Pass", "Assign": {"x": "{% $a %}", "next": "{% $x %}"}, "Output": "{% $x %}", "Next": "C"},
        "C": {"Type": "Pass", "Output": "{% [$states.input, $x, $next] %}", "End": true}
    }});
    succeeds(&machine, json!({}), &json!([3, 6, 3]));
}

#[test]
fn the_root_in_assign_is_the_result_before_it_is_put_anywhere() {
    let machine = json!({"StartAt": "A", "States": {
        "A": {"Type": "Task", "Resource": TASK, "Parameters": {"r": {"n": 1}}, "ResultSelector": {"s.$": "$.r.n"},
            "ResultPath": "$.x", "Assign": {"v.$": "$.s"}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"v.$": "$v", "all.$": "$"}, "End": true}
    }});
    succeeds(&machine, json!({"in": 0}), &json!({"v": 1, "all": {"in": 0, "x": {"s": 1}}}));
}

#[test]
fn rules_and_catchers_assign_for_themselves() {
    let machine = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Default": "E", "Assign": {"v": "default"}, "Choices": [
            {"Variable": "$.fail", "IsPresent": true, "Assign": {"v.$": "$.fail"}, "Next": "T"}
        ]},
        "T": {"Type": "Task", "Resource": TASK, "Assign": {"v": "task"}, "Next": "E",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": null, "Assign": {"v.$": "$.Error"}, "Next": "E"}]},
        "E": {"Type": "Pass", "Parameters": {"v.$": "$v"}, "End": true}
    }});
    succeeds(&machine, json!({}), &json!({"v": "default"}));
    succeeds(&machine, json!({"fail": "Broken"}), &json!({"v": "Broken"}));
}

#[test]
fn inner_states_read_outer_variables_and_keep_their_own() {
    let inner = |assign: Value| {
        json!({"StartAt": "I", "States": {
            "I": {"Type": "Pass", "Assign": assign, "Next": "J"},
            "J": {"Type": "Pass", "Parameters": {"x.$": "$x", "own.$": "$own"}, "End": true}
        }})
    };
    let machine = |assign: Value, last: Value| {
        json!({"StartAt": "A", "States": {
            "A": {"Type": "Pass", "Assign": {"x": 1}, "Next": "P"},
            "P": {"Type": "Parallel", "Branches": [inner(assign)], "Next": "Z"},
            "Z": {"Type": "Pass", "Parameters": last, "End": true}
        }})
    };
    let own = json!({"own.$": "States.MathAdd($x, 1)"});
    succeeds(&machine(own.clone(), json!({"r.$": "$"})), json!({}), &json!({"r": [{"x": 1, "own": 2}]}));
    fails(
        &machine(own, json!({"r.$": "$own"})),
        json!({}),
        "States.Runtime",
        "The JSONPath '$own' specified for the field 'r.$' could not be found. No variable $own (assigned: x).",
    );
    fails(
        &machine(json!({"x": 2, "own": 1}), json!({})),
        json!({}),
        "States.Runtime",
        "The variable 'x' belongs to the state machine around this one",
    );
}

#[test]
fn executions_of_a_distributed_map_do_not_see_the_variables_around() {
    let machine = |parameters: Value| {
        json!({"StartAt": "A", "States": {
            "A": {"Type": "Pass", "Assign": {"x": 1}, "Result": [0], "Next": "M"},
            "M": {"Type": "Map", "ItemSelector": {"x.$": "$x"}, "End": true, "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": parameters, "Assign": {"x": 2}, "End": true}}
            }}
        }})
    };
    succeeds(&machine(json!({"x.$": "$.x"})), json!({}), &json!([{"x": 1}]));
    fails(&machine(json!({"x.$": "$x"})), json!({}), "States.ExceedToleratedFailureThreshold", "");
}

#[test]
fn events_tell_what_was_assigned() {
    let result = run(&only(json!({"Type": "Pass", "Assign": {"v.$": "$.a", "w": "t"}})), json!({"a": {"b": 1}}));
    let exited = result.events.iter().find(|event| event.kind == "PassStateExited").unwrap();
    assert_eq!(exited.details["assignedVariables"], json!({"v": "{\"b\":1}", "w": "\"t\""}));
}

#[test]
fn one_state_assigns_at_most_256_kib_and_an_execution_10_mib() {
    let text = "x".repeat(200_000);
    let twice = only(json!({"Type": "Pass", "Assign": {"a.$": "$.t", "b.$": "$.t"}}));
    fails(&twice, json!({"t": text}), "States.DataLimitExceeded", "");
    let mut states = serde_json::Map::new();
    for n in 0..60 {
        let mut assign = serde_json::Map::new();
        assign.insert(format!("v{n}.$"), json!("$.t"));
        states.insert(format!("S{n}"), json!({"Type": "Pass", "Assign": assign, "Next": format!("S{}", n + 1)}));
    }
    states.insert("S60".to_owned(), json!({"Type": "Succeed"}));
    let machine = json!({"StartAt": "S0", "States": states});
    fails(&machine, json!({"t": "x".repeat(200_000)}), "States.DataLimitExceeded", "'S52'");
}

#[test]
fn names_of_variables_are_checked() {
    for (name, part) in [
        ("states", "`states` is reserved"),
        ("1a", "is no name of a variable"),
        ("a-b", "is no name of a variable"),
        ("", "is no name of a variable"),
    ] {
        let problems = Definition::parse(&only(json!({"Type": "Pass", "Assign": {name: 1}}))).unwrap_err();
        assert!(problems[0].contains("state `S`, field `Assign`") && problems[0].contains(part), "{problems:?}");
    }
    let long = "v".repeat(81);
    assert!(Definition::parse(&only(json!({"Type": "Pass", "Assign": {long: 1}}))).is_err());
}

#[test]
fn variables_of_iterations_are_given_back_when_they_end() {
    let machine = json!({"StartAt": "M", "States": {"M": {"Type": "Map", "MaxConcurrency": 1, "End": true,
        "ItemSelector": {"t.$": "$[0]"}, "ResultSelector": {"n.$": "$.length()"},
        "ItemProcessor": {"StartAt": "P", "States": {
            "P": {"Type": "Pass", "Assign": {"t.$": "$.t"}, "Next": "Q"}, "Q": {"Type": "Pass", "Result": 1, "End": true}
        }}
    }}});
    let mut items = vec![json!("x".repeat(200_000))];
    items.extend((1..100).map(|n| json!(n)));
    succeeds(&machine, json!(items), &json!({"n": 100}));
}
