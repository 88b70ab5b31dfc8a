use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// JSON with the words of the States Language, so that not everything is refused at the door.
fn states_json() -> impl Strategy<Value = Value> {
    let word = proptest::sample::select(vec![
        "StartAt",
        "States",
        "Type",
        "Pass",
        "Task",
        "Choice",
        "Wait",
        "Map",
        "Parallel",
        "Fail",
        "Succeed",
        "Next",
        "End",
        "A",
        "B",
        "Choices",
        "Variable",
        "$",
        "$.a",
        "$.a[*]",
        "$$.Map.Item.Value",
        "StringEquals",
        "Retry",
        "Catch",
        "ErrorEquals",
        "States.ALL",
        "Branches",
        "ItemProcessor",
        "Parameters",
        "x.$",
        "ResultPath",
        "Seconds",
        "Resource",
        "arn:aws:states:::lambda:invoke",
        "InputPath",
        "OutputPath",
        "ItemsPath",
        "MaxConcurrency",
        "QueryLanguage",
        "JSONata",
        "Assign",
        "Arguments",
        "Output",
        "Items",
        "Condition",
        "{% $states.input.a %}",
        "{% $a + 1 %}",
        "$a",
        "ProcessorConfig",
        "Mode",
        "DISTRIBUTED",
        "ItemReader",
        "ReaderConfig",
        "ItemBatcher",
        "ResultWriter",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((word.clone(), inner), 0..6).prop_map(|fields| {
                Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
            }),
        ]
    })
}

/// A state that can be read, with paths that need not make sense. It leads only to the given states, so that nothing loops.
fn state(targets: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let path = || proptest::sample::select(vec!["$", "$.a", "$.a.b", "$.a[0]", "$$.Execution.Input"]);
    let place = || proptest::sample::select(vec!["$", "$.a", "$.a.b", "$.a[0]"]);
    let next = move || proptest::sample::select(targets);
    prop_oneof![
        (path(), place(), next()).prop_map(|(input, result, next)| {
            json!({"Type": "Pass", "InputPath": input, "ResultPath": result, "Next": next})
        }),
        (path(), next(), next()).prop_map(|(variable, next, default)| {
            json!({"Type": "Choice", "Default": default,
                "Choices": [{"Variable": variable, "IsPresent": true, "Next": next}]})
        }),
        (path(), next(), next()).prop_map(|(value, next, caught)| {
            json!({"Type": "Task", "Resource": TASK, "Parameters": {"a.$": value, "b.$": "States.UUID()"}, "Next": next,
                "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}],
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": caught}]})
        }),
        (path(), place(), next()).prop_map(|(items, result, next)| {
            json!({"Type": "Map", "ItemsPath": items, "ResultPath": result, "Next": next, "MaxConcurrency": 2,
                "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Wait", "SecondsPath": "$", "End": true}}}})
        }),
        next().prop_map(|next| {
            json!({"Type": "Parallel", "Next": next, "Branches": [only(json!({"Type": "Pass"})), only(json!({"Type": "Fail"}))],
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": next}]})
        }),
        (path(), next()).prop_map(|(value, next)| {
            json!({"Type": "Pass", "Assign": {"a.$": value, "b": 1}, "Next": next})
        }),
        (expression(), expression(), next(), next()).prop_map(|(output, value, next, caught)| {
            json!({"Type": "Task", "QueryLanguage": "JSONata", "Resource": TASK, "Arguments": {"a": value.clone()},
                "Assign": {"b": value}, "Output": output, "Next": next,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": caught}]})
        }),
        (expression(), expression(), next()).prop_map(|(items, condition, next)| {
            json!({"Type": "Map", "QueryLanguage": "JSONata", "Items": items, "Next": next, "ToleratedFailureCount": 1,
                "ItemSelector": {"v": "{% $states.context.Map.Item.Value %}"},
                "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "C", "QueryLanguage": "JSONata",
                    "States": {
                        "C": {"Type": "Choice", "Choices": [{"Condition": condition, "Next": "E"}]},
                        "E": {"Type": "Succeed"}
                    }}})
        }),
        Just(json!({"Type": "Succeed"})),
    ]
}

fn expression() -> impl Strategy<Value = Value> {
    let texts = [
        "$states.input",
        "$states.input.a",
        "$states.input = 1",
        "$a",
        "$b",
        "$keys($states.input)",
        "$states.context",
        "[1, 2]",
        "$uuid()",
        "$error('x')",
        "1 = 1",
    ];
    proptest::sample::select(texts.map(|text| json!(format!("{{% {text} %}}"))).to_vec())
}

proptest! {
    #[test]
    fn any_json_is_read_without_a_panic(value in states_json()) {
        let _ = Definition::parse(&value);
    }


    #[test]
    fn any_machine_ends_and_numbers_its_events(
        a in state(&["B", "C", "D"]),
        b in state(&["C", "D"]),
        c in state(&["D"]),
        input in states_json(),
    ) {
        let machine = json!({"StartAt": "A", "States": {"A": a, "B": b, "C": c, "D": {"Type": "Succeed"}}});
        let Ok(definition) = Definition::parse(&machine) else { return Ok(()) };
        let result = simulate(Arc::new(definition), context(input), &mut Echo, NOW);
        prop_assert!(result.outcome.is_some());
        for (index, event) in result.events.iter().enumerate() {
            prop_assert_eq!(event.id, u64::try_from(index + 1).unwrap());
            prop_assert!(event.previous_id < event.id);
        }
    }
}
