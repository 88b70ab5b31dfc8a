//! What holds for every input.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

/// Words that rules look for, so that random values get past the first checks.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "Type",
        "Name",
        "Next",
        "End",
        "StartAt",
        "States",
        "Branches",
        "Iterator",
        "ItemProcessor",
        "Choices",
        "Default",
        "Condition",
        "IsTrue",
        "IsFalse",
        "Properties",
        "Parameters",
        "Retry",
        "Catch",
        "ErrorEquals",
        "ResultPath",
        "InputPath",
        "OutputPath",
        "Runner",
        "Commands",
        "Environment",
        "StackName",
        "Template",
        "ConfigFile",
        "Variable",
        "IsPresent",
        "Seconds",
        "TimeoutSeconds",
        "MaxAttempts",
        "Fn::Sub",
        "Ref",
        "Fn::GetAtt",
        "x.$",
        "Metadata",
        "Attini",
        "Lint",
        "Ignore",
        "AttiniCfn",
        "AttiniSam",
        "AttiniCdk",
        "AttiniRunnerJob",
        "AttiniImport",
        "AttiniMap",
        "AttiniMergeOutput",
        "AttiniLambdaInvoke",
        "AttiniManualApproval",
        "Parallel",
        "Map",
        "Choice",
        "Pass",
        "Task",
        "Wait",
        "Succeed",
        "Fail",
        "A",
        "B",
        "a b",
        "$.output.A.c",
        "$.output.B",
        "$.output.a b",
        "$",
        "$.output",
        "$.stackParameters.X",
        "$..",
        "States.Format('{}{', $.output.A)",
        "States.Format('",
        "$['output']['A",
        "States.ALL",
        "arn:aws:states:::${a:b}:",
        "${",
        "${A}",
        "ü'\\",
        "-----BEGIN PRIVATE KEY-----",
        "",
    ];
    prop::sample::select(words.to_vec()).prop_map(ToOwned::to_owned)
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        let object = prop::collection::vec((word(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Steps that look right from afar.
fn step() -> impl Strategy<Value = Value> {
    (word(), word(), word(), json_value()).prop_map(|(name, kind, next, properties)| {
        let mut step = json!({"Name": name, "Type": kind, "Next": next, "Properties": properties});
        if let Some(fields) = properties.as_object() {
            step.as_object_mut().expect("an object").extend(fields.clone());
        }
        step
    })
}

proptest! {
    #[test]
    fn any_plan_has_findings_and_never_a_panic(
        plan in prop_oneof![
            json_value(),
            prop::collection::vec(step(), 0..6).prop_map(Value::from),
            prop::collection::vec((word(), step()), 0..6).prop_map(|states| {
                json!({"StartAt": "A", "States": states.into_iter().collect::<Map<_, _>>()})
            }),
        ],
        properties in json_value(),
        other in json_value(),
    ) {
        let mut template = json!({"Resources": {"Plan": {
            "Type": "Attini::Deploy::DeploymentPlan", "Properties": properties, "Metadata": other,
        }, "R": {"Type": "Attini::Deploy::Runner", "Properties": other}}, "Parameters": other, "Metadata": properties});
        if template["Resources"]["Plan"]["Properties"].is_object() {
            template["Resources"]["Plan"]["Properties"]["DeploymentPlan"] = plan.clone();
        } else {
            template["Resources"]["Plan"]["Properties"] = json!({"DeploymentPlan": plan});
        }
        for (name, text) in [("plan.json", template.to_string()), ("plan.json", plan.to_string()), ("plan.yaml", format!("{template:#}"))] {
            let outcome = lint(&Project::of_template(name, &text), &all());
            for finding in &outcome.findings {
                prop_assert!(!finding.message.trim().is_empty());
            }
            let _ = (sarif(&outcome, "0"), junit(&outcome, Level::Note));
        }
    }

    #[test]
    fn any_files_have_findings_and_never_a_panic(config in json_value(), plan in json_value(), stack in json_value(), rules in ".{0,30}") {
        let files = [
            ("attini-config.json", json!({"distributionName": "a", "initDeployConfig": {"template": "plan.json", "parameters": config}})),
            ("plan.json", json!({"Resources": {"Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": [
                {"Name": "A", "Type": "AttiniCfn", "Properties": {"ConfigFile": "/stack.json", "Parameters": plan}},
                {"Name": "B", "Type": "AttiniCfn", "Properties": {"StackName": "b", "Template": "/plan.json"}},
            ]}}}, "Parameters": config})),
            ("stack.json", stack),
        ];
        let mut files: BTreeMap<String, String> = files.into_iter().map(|(name, value)| (name.to_owned(), value.to_string())).collect();
        files.insert(".attini-ignore".to_owned(), rules);
        let project = Project::read(&Memory(files), ProjectKind::Sources).expect("files in memory can be read");
        let _ = lint(&project, &all());
    }
}

/// A plan in which each step reads what the one before wrote, with a `Catch` and a branch here and there.
fn large(steps: usize) -> String {
    let mut text = String::from(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        StartAt: S0\n        States:\n",
    );
    for step in 0..steps {
        let before = step.saturating_sub(1);
        let read = if step == 0 { "$.environment".to_owned() } else { format!("$.output.S{before}.result") };
        text += &format!(
            "          S{step}:\n            Type: AttiniRunnerJob\n            Properties:\n              Environment: {{BEFORE.$: {read}}}\n              Commands: [make]\n            \
             Catch: [{{ErrorEquals: [States.ALL], ResultPath: $.output.Failure, Next: Failed}}]\n            Next: {}\n",
            if step + 1 == steps { "Done".to_owned() } else { format!("S{}", step + 1) }
        );
    }
    text + "          Failed: {Type: Fail, Error: Failed}\n          Done: {Type: Succeed}\n"
}

#[allow(clippy::disallowed_methods, reason = "the time itself is what is tested")]
fn fastest(steps: usize) -> Duration {
    let project = Project::of_template("plan.yaml", &large(steps));
    let rules = all();
    let once = || {
        let start = Instant::now();
        let outcome = lint(&project, &rules);
        assert!(outcome.findings.is_empty(), "{}", shown(&outcome));
        start.elapsed()
    };
    (0..3).map(|_| once()).min().expect("three of them")
}

#[test]
fn time_grows_with_the_number_of_steps() {
    let (small, large) = (fastest(250), fastest(1000));
    // Four times the steps; quadratic would be sixteen times.
    assert!(large < small * 10, "250 steps take {small:?}, 1000 steps {large:?}");
}
