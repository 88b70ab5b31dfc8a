//! Problems name the place where the author wrote it.

use super::*;

#[test]
fn a_step_of_a_list_is_found_by_its_position() {
    let found = problem(json!([cfn("A"), {"Name": "B", "Type": "Pass"}, {"Name": "C", "Type": "AttiniCnf"}]));
    assert_eq!(found.path.to_string(), "Resources.Plan.Properties.DeploymentPlan[2].Type");
    assert_eq!(found.step.as_deref(), Some("C"));
    assert_eq!(found.to_string(), "Plan, step C: unknown Type AttiniCnf (did you mean AttiniCfn?)");
}

#[test]
fn a_step_in_branches_and_choices_of_a_list_is_found() {
    let import = json!({"Name": "I", "Type": "AttiniImport", "Properties": {"Source": 5, "SourceType.$": "$.t", "Mapping.$": "$.m"}});
    let choice = json!({
        "Name": "C", "Type": "Choice", "Condition": {"Variable": "$.a", "IsPresent": true}, "IsTrue": [cfn("A"), import],
    });
    let found = problem(json!([{"Name": "P", "Type": "Parallel", "Branches": [[cfn("B")], [choice]]}]));
    assert_eq!(
        found.path.to_string(),
        "Resources.Plan.Properties.DeploymentPlan[0].Branches[1][0].IsTrue[1].Properties.Source"
    );
    assert_eq!(found.step.as_deref(), Some("P > I"));
}

#[test]
fn a_rule_of_a_list_is_found_in_its_condition() {
    let choice = json!({
        "Name": "C", "Type": "Choice", "IsTrue": [],
        "Condition": {"And": [{"Variable": "$.stackParameters.Pin", "IsPresent": true}]},
    });
    let mut template = template(json!([choice]));
    template["Parameters"] = json!({"Pin": {"Type": "String", "NoEcho": "true"}});
    let found = check(&template);
    assert_eq!(found[0].path.to_string(), "Resources.Plan.Properties.DeploymentPlan[0].Condition.And[0].Variable");
}

#[test]
fn a_state_is_found_by_its_name() {
    let found = problem(json!({"StartAt": "X", "States": {"X": {
        "Type": "Map", "End": true, "Iterator": {"StartAt": "Y", "States": {"Y": {"Type": "Pass", "Next": "X"}}},
    }}}));
    assert_eq!(found.path.to_string(), "Resources.Plan.Properties.DeploymentPlan.States.X.Iterator.States.Y.Next");
    assert_eq!(found.step.as_deref(), Some("X > Y"));
}

#[test]
fn a_missing_field_is_found_at_its_step_and_a_property_at_its_key() {
    let found = problem(json!([{"Name": "J", "Type": "AttiniRunnerJob"}]));
    assert_eq!(found.path.to_string(), "Resources.Plan.Properties.DeploymentPlan[0]");
    let template = with_properties(json!({"DeploymentPlan": [cfn("A")], "Tags": 5}));
    assert_eq!(check(&template)[0].path.to_string(), "Resources.Plan.Properties.Tags");
}

#[test]
fn a_scope_without_a_start_names_its_state_and_branch() {
    let found = problem(json!({"StartAt": "P", "States": {"P": {"Type": "Parallel", "End": true, "Branches": [
        {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}},
        {"States": {"B": {"Type": "Pass", "End": true}}},
    ]}}}));
    assert_eq!(found.message, "Plan, step P: branch 2: StartAt is missing");
}
