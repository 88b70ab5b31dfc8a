use serde_json::json;

use super::*;

/// A machine of one JSONata state, called `S`, that ends.
fn state(state: Value) -> Value {
    let mut machine = only(state);
    machine["QueryLanguage"] = json!("JSONata");
    machine
}

fn events<'r>(result: &'r SimulationResult, kind: &str) -> Vec<&'r Value> {
    result.events.iter().filter(|event| event.kind == kind).map(|event| &event.details).collect()
}

#[test]
fn arguments_and_output_replace_the_fields_of_jsonpath() {
    let machine = state(json!({
        "Type": "Task", "Resource": TASK,
        "Arguments": {"sum": "{% $sum($states.input.list) %}", "plain": "$.list", "inside": [{"a": "{% 'x' & 'y' %}"}]},
        "Output": "{% $merge([$states.result, {'first': $states.input.list[0]}]) %}"
    }));
    let expected = json!({"sum": 6, "plain": "$.list", "inside": [{"a": "xy"}], "first": 1});
    succeeds(&machine, json!({"list": [1, 2, 3]}), &expected);
}

#[test]
fn without_output_a_task_returns_its_result_and_others_their_input() {
    succeeds(&state(json!({"Type": "Task", "Resource": TASK, "Arguments": {"a": 1}})), json!({}), &json!({"a": 1}));
    succeeds(&state(json!({"Type": "Pass"})), json!({"b": 2}), &json!({"b": 2}));
    succeeds(&state(json!({"Type": "Wait", "Seconds": 1})), json!({"b": 2}), &json!({"b": 2}));
    succeeds(&state(json!({"Type": "Succeed", "Output": "{% $states.input.b %}"})), json!({"b": 2}), &json!(2));
}

#[test]
fn the_context_object_is_in_states() {
    let output = json!("{% [$states.context.Execution.Name, $states.context.State.Name] %}");
    succeeds(&state(json!({"Type": "Pass", "Output": output})), json!({}), &json!(["e", "S"]));
    let token = json!({"Type": "Task", "Resource": CALLBACK, "Arguments": {"t": "{% $states.context.Task.Token %}"},
        "Output": "{% $length($states.result.t) %}"});
    succeeds(&state(token), json!({}), &json!(64));
}

#[test]
fn states_of_both_languages_stand_in_one_machine() {
    let machine = json!({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "QueryLanguage": "JSONata", "Output": {"n": "{% 1 + 1 %}"}, "Next": "B"},
        "B": {"Type": "Pass", "Parameters": {"m.$": "States.MathAdd($.n, 1)"}, "End": true}
    }});
    succeeds(&machine, json!({}), &json!({"m": 3}));
}

#[test]
fn inner_machines_take_the_language_of_the_top_level() {
    let inner =
        json!({"StartAt": "P", "States": {"P": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": true}}});
    succeeds(&state(json!({"Type": "Map", "ItemProcessor": inner})), json!([1, 2]), &json!([2, 4]));
    succeeds(&state(json!({"Type": "Parallel", "Arguments": 4, "Branches": [inner]})), json!({}), &json!([8]));
}

#[test]
fn choice_takes_conditions_and_gives_outputs() {
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "C", "States": {
        "C": {"Type": "Choice", "Default": "E", "Output": "default", "Choices": [
            {"Condition": "{% $states.input.n > 3 %}", "Output": {"big": "{% $states.input.n %}"}, "Next": "E"},
            {"Condition": false, "Next": "E"}
        ]},
        "E": {"Type": "Succeed"}
    }});
    succeeds(&machine, json!({"n": 4}), &json!({"big": 4}));
    succeeds(&machine, json!({"n": 3}), &json!("default"));
    fails(
        &machine,
        json!({"n": "x"}),
        "States.QueryEvaluationError",
        "The JSONata expression '$states.input.n > 3' specified for the field 'Choices[0]/Condition' threw an error during \
         evaluation. T2009: ",
    );
}

#[test]
fn conditions_must_be_booleans() {
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "C", "States": {
        "C": {"Type": "Choice", "Choices": [{"Condition": "{% 'yes' %}", "Next": "E"}]}, "E": {"Type": "Succeed"}
    }});
    let cause = "specified for the field 'Choices[0]/Condition' returned an unexpected result type. Expected 'boolean', \
                 but was 'string' for value: \"yes\"";
    fails(&machine, json!({}), "States.QueryEvaluationError", cause);
}

#[test]
fn waits_and_limits_may_be_computed() {
    let waits = |state_: Value, input| run(&state(state_), input).ended.since(NOW).as_secs();
    assert_eq!(waits(json!({"Type": "Wait", "Seconds": "{% $states.input.n * 2 %}"}), json!({"n": 4})), 8);
    let timestamp = json!("{% $fromMillis($millis() + 60000) %}");
    assert_eq!(waits(json!({"Type": "Wait", "Timestamp": timestamp}), json!({})), 60);
    let silent = |field: &str| {
        let mut task = json!({"Type": "Task", "Resource": CALLBACK, "Arguments": {"fail": "silent"}});
        task[field] = json!("{% $states.input.n %}");
        task
    };
    assert_eq!(waits(silent("TimeoutSeconds"), json!({"n": 7})), 7);
    assert_eq!(waits(silent("HeartbeatSeconds"), json!({"n": 5})), 5);
    fails(&state(silent("TimeoutSeconds")), json!({"n": "7"}), "States.QueryEvaluationError", "Expected 'number'");
    fails(&state(silent("TimeoutSeconds")), json!({"n": -1}), "States.QueryEvaluationError", "cannot be negative");
    fails(
        &state(json!({"Type": "Wait", "Seconds": "{% -1 %}"})),
        json!({}),
        "States.QueryEvaluationError",
        "The Seconds field references a negative value: -1",
    );
}

#[test]
fn errors_and_causes_may_be_computed() {
    let machine = state(json!({"Type": "Fail", "Error": "{% 'E' & $states.input.n %}", "Cause": "{% 'why' %}"}));
    fails(&machine, json!({"n": 1}), "E1", "why");
    fails(
        &state(json!({"Type": "Fail", "Cause": "{% 1 %}"})),
        json!({}),
        "States.QueryEvaluationError",
        "Expected 'string'",
    );
}

#[test]
fn items_are_literal_computed_or_the_input() {
    let map = |items: Value| {
        let mut map = json!({"Type": "Map", "MaxConcurrency": "{% 1 %}", "ItemSelector": {
            "v": "{% $states.context.Map.Item.Value %}", "i": "{% $states.context.Map.Item.Index %}",
            "n": "{% $states.input.n %}"
        }, "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": true}}}});
        map["Items"] = items;
        state(map)
    };
    let expected = json!([{"v": "a", "i": 0, "n": 9}, {"v": "b", "i": 1, "n": 9}]);
    succeeds(&map(json!(["a", "{% 'b' %}"])), json!({"n": 9}), &expected);
    succeeds(&map(json!("{% $states.input.list %}")), json!({"n": 9, "list": ["a", "b"]}), &expected);
    let problems = Definition::parse(&map(json!(7))).unwrap_err();
    assert!(problems[0].contains("state `S`, field `Items`: write a list or an expression"), "{problems:?}");
}

#[test]
fn a_failed_expression_has_an_event_of_its_own_with_its_place() {
    let result = run(&state(json!({"Type": "Pass", "Output": {"a": [{"b": "{% $nothing %}"}]}})), json!({}));
    let cause = "An error occurred while executing the state 'S' (entered at the event id #2). The JSONata expression \
                 '$nothing' specified for the field 'Output/a[0]/b' returned nothing (undefined).";
    let details =
        json!({"error": "States.QueryEvaluationError", "cause": cause, "location": "Output/a[0]/b", "state": "S"});
    assert_eq!(events(&result, "EvaluationFailed"), [&details]);
}

#[test]
fn failed_expressions_can_be_caught_and_retried() {
    let machine = json!({"QueryLanguage": "JSONata", "StartAt": "S", "States": {
        "S": {"Type": "Task", "Resource": TASK, "Arguments": "{% $error('no') %}", "End": true,
            "Retry": [{"ErrorEquals": ["States.QueryEvaluationError"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput.Error %}", "Next": "C"}]},
        "C": {"Type": "Succeed"}
    }});
    let result = run(&machine, json!({}));
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output: json!("States.QueryEvaluationError") }));
    assert_eq!(events(&result, "EvaluationFailed").len(), 3);
}

#[test]
fn a_catcher_returns_its_output_or_the_error() {
    let machine = |output: Option<Value>| {
        let mut catcher = json!({"ErrorEquals": ["States.ALL"], "Next": "C"});
        if let Some(output) = output {
            catcher["Output"] = output;
        }
        json!({"QueryLanguage": "JSONata", "StartAt": "S", "States": {
            "S": {"Type": "Task", "Resource": TASK, "Arguments": {"fail": "E"}, "Catch": [catcher], "End": true},
            "C": {"Type": "Succeed"}
        }})
    };
    succeeds(&machine(None), json!({}), &json!({"Error": "E", "Cause": "asked for"}));
    let output = json!({"in": "{% $states.input %}", "error": "{% $states.errorOutput.Error %}"});
    succeeds(&machine(Some(output)), json!(1), &json!({"in": 1, "error": "E"}));
    let failing = machine(Some(json!("{% $nothing %}")));
    fails(&failing, json!(1), "States.QueryEvaluationError", "specified for the field 'Catch[0]/Output'");
}

#[test]
fn fields_of_the_other_language_are_refused() {
    let problems = |machine: Value| Definition::parse(&machine).unwrap_err().join("\n");
    let jsonata =
        problems(state(json!({"Type": "Task", "Resource": TASK, "InputPath": "$.a", "TimeoutSecondsPath": "$.t"})));
    assert!(jsonata.contains("field `InputPath`: a JSONata state has no such field"), "{jsonata}");
    assert!(jsonata.contains("field `TimeoutSecondsPath`: a JSONata state has no such field"), "{jsonata}");
    let jsonpath = problems(only(json!({"Type": "Pass", "Output": 1})));
    assert!(jsonpath.contains("field `Output`: only JSONata states have it"), "{jsonpath}");
    let broken = problems(state(json!({"Type": "Pass", "Output": {"a": "{% 1 + %}"}})));
    assert!(broken.contains("state `S`, field `Output`: at `Output/a`: `1 +` is not a JSONata expression"), "{broken}");
}

#[test]
fn a_stored_execution_evaluates_as_if_nothing_had_happened() {
    let machine = definition(&json!({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
        "A": {"Type": "Pass", "Assign": {"id": "{% $uuid() %}"}, "Next": "T"},
        "T": {"Type": "Task", "Resource": TASK, "Next": "B"},
        "B": {"Type": "Pass", "Output": "{% [$id, $uuid(), $random()] %}", "End": true}
    }}));
    let (mut kept, _) = Execution::start(Arc::clone(&machine), context(json!({})), NOW);
    let snapshot = serde_json::to_value(&kept).unwrap();
    let mut restored = Execution::restore(snapshot, machine).unwrap();
    let event = Event::TaskSucceeded { effect: EffectId::new("T.2#0"), output: json!({}) };
    assert_eq!(restored.apply(event.clone(), NOW), kept.apply(event, NOW));
    assert!(kept.is_ended().is_some());
}
