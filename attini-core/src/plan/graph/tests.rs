//! Graphs of plans and their renderings as text.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::document::Document;
use crate::plan::find_plans;

mod dot;
mod mermaid;
mod reading;
mod tree;

/// The init templates of the examples.
pub(super) const EXAMPLES: [(&str, &str); 3] = [
    ("hello-world", include_str!("../../../../examples/hello-world/deployment-plan.yaml")),
    ("network-and-app", include_str!("../../../../examples/network-and-app/deployment-plan.yaml")),
    ("release-gate", include_str!("../../../../examples/release-gate/deployment-plan.yaml")),
];

/// Returns the graph of the plan in a template.
pub(super) fn graph_of(name: &str, text: &str) -> PlanGraph {
    let template = Document::parse("template.yaml", text).expect("it can be read").to_json();
    let plan = find_plans(&template).remove(0);
    let graph = PlanGraph::of_template(&template, &plan).expect("it holds a plan");
    PlanGraph { distribution: Some(name.to_owned()), ..graph }
}

/// A plan in a list with everything that a picture has to show.
fn everything() -> Value {
    json!([
        {"Name": "Net", "Type": "AttiniCfn", "Properties": {"StackName": {"Fn::Sub": "${Env}-net"}, "Template": "/net.yaml"}},
        {"Name": "Apps", "Type": "Parallel", "Branches": [
            [{"Name": "Api", "Type": "AttiniCfn", "Properties": {"StackName": "api"}},
             {"Name": "IsDev", "Type": "Choice", "Condition": {"Variable": "$.environment", "StringEquals": "dev"},
              "IsTrue": [{"Name": "Seed", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}}]}],
            [{"Name": "Sites", "Type": "AttiniMap", "ItemsPath": "$.customData.files", "Iterator": [
                {"Name": "Site", "Type": "AttiniCfn"}]}],
        ]},
        {"Name": "Ask", "Type": "AttiniManualApproval", "TimeoutSeconds": 3600,
         "Catch": [{"ErrorEquals": ["ManuallyAborted", "States.Timeout"], "Next": "Net"}]},
        {"Name": "Go", "Type": "Choice", "Condition": {"Variable": "$.x", "IsPresent": true},
         "IsTrue": [{"Name": "Stop", "Type": "Fail", "Error": "No"}],
         "IsFalse": [{"Name": "Cdk", "Type": "AttiniCdk", "Properties": {"Path": "./c", "Diff": {"Enabled": true}}}]},
    ])
}

/// One step of a random state machine: type, targets, and the machines inside of it.
#[derive(Debug, Clone)]
struct AnyStep {
    kind: usize,
    name: String,
    targets: [usize; 3],
    inner: Vec<Vec<AnyStep>>,
}

fn any_machine(depth: u32) -> BoxedStrategy<Vec<AnyStep>> {
    let inner = match depth {
        0 => Just(Vec::new()).boxed(),
        _ => prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(any_machine(depth - 1), 1..4)].boxed(),
    };
    let name = prop_oneof![3 => "[A-Z][a-z]{0,8}", 1 => "\\PC{0,40}", 1 => "[a-zA-Z ]{30,80}"];
    let step = (0..12_usize, name, [0..12_usize, 0..12, 0..12], inner);
    let step = step.prop_map(|(kind, name, targets, inner)| AnyStep { kind, name, targets, inner });
    prop::collection::vec(step, 1..9).boxed()
}

/// Plans with branches, loops, failures that are caught, names that lead nowhere and steps that nothing leads to.
pub(super) fn any_plan() -> impl Strategy<Value = Value> {
    any_machine(2).prop_map(|steps| machine(&steps))
}

fn machine(steps: &[AnyStep]) -> Value {
    // The number makes names different.
    let name = |index: usize| match steps.get(index % (steps.len() + 1)) {
        Some(step) => format!("{}{}", step.name, index % (steps.len() + 1)),
        None => "Nobody".to_owned(),
    };
    let mut states = Map::new();
    for (index, step) in steps.iter().enumerate() {
        let [one, two, three] = step.targets.map(name);
        // Most steps lead to the next one, as in real plans.
        let next = if step.targets[0] % 3 == 0 { one.clone() } else { name(index + 1) };
        let condition = |value: usize, next: &str| json!({"Variable": "$.v", "NumericEquals": value, "Next": next});
        let handler = json!([{"ErrorEquals": ["States.ALL"], "Next": three}]);
        let mut state = match step.kind {
            0 => json!({"Type": "Choice", "Choices": [condition(1, &one), condition(2, &two)], "Default": three}),
            1 => json!({"Type": "Choice", "Choices": [condition(3, &next)]}),
            2 => {
                json!({"Type": "AttiniRunnerJob", "Properties": {"Runner": step.name}, "Catch": handler, "Next": next})
            }
            3 => json!({"Type": "AttiniManualApproval", "Catch": handler, "End": true}),
            4 => json!({"Type": "Fail", "Error": step.name}),
            5 => json!({"Type": "Succeed"}),
            6 => json!({"Type": "AttiniMergeOutput", "Next": next}),
            7 => json!({"Type": step.name, "Next": next}),
            _ => json!({"Type": "AttiniCfn", "Properties": {"StackName": step.name.repeat(3)}, "Next": next}),
        };
        if !step.inner.is_empty() {
            let bodies: Vec<Value> = step.inner.iter().map(|steps| machine(steps)).collect();
            state = match bodies.as_slice() {
                [only] => json!({"Type": "Map", "Iterator": only, "Next": next, "Catch": handler}),
                many => json!({"Type": "Parallel", "Branches": many, "Next": next, "Catch": handler}),
            };
        }
        states.insert(name(index), state);
    }
    json!({"StartAt": name(0), "States": states})
}
