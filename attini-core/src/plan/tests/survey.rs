//! Looking at templates without expanding them.

use super::*;
use crate::document::DocPath;
use crate::plan::{PlanKind, find_plans, needs_default_vpc, steps, used_runners};

#[test]
fn every_step_is_found_as_written_in_both_syntaxes() {
    let names = |plan: &Value| -> Vec<String> {
        steps(plan, &DocPath::root()).iter().map(|step| format!("{}:{} {}", step.name, step.kind, step.path)).collect()
    };
    let list = json!([
        {"Name": "P", "Type": "Parallel", "Branches": [[{"Name": "A", "Type": "Odd"}]]},
        {"Name": "C", "Type": "Choice", "Condition": {}, "IsTrue": [{"Name": "T", "Type": "Pass"}], "IsFalse": 5},
        {"Name": "M", "Type": "AttiniMap", "Iterator": [{"Name": "I", "Type": "AttiniCfn"}]},
    ]);
    assert_eq!(
        names(&list),
        [
            "P:Parallel [0]",
            "A:Odd [0].Branches[0][0]",
            "C:Choice [1]",
            "T:Pass [1].IsTrue[0]",
            "M:AttiniMap [2]",
            "I:AttiniCfn [2].Iterator[0]",
        ]
    );
    let machine =
        json!({"States": {"X": {"Type": "Map", "ItemProcessor": {"States": {"Y": {"Type": "Pass"}}}}, "Z": 1}});
    assert_eq!(names(&machine), ["X:Map States.X", "Y:Pass States.X.ItemProcessor.States.Y", "Z: States.Z"]);
    assert_eq!(names(&json!("text")), Vec::<String>::new());
}

#[test]
fn plans_of_both_kinds_are_found_in_order() {
    let template = json!({"Resources": {
        "B": {"Type": "Attini::Deploy::AppDeploymentPlan"}, "X": 5, "Y": {"Type": 1},
        "A": {"Type": "Attini::Deploy::DeploymentPlan"},
    }});
    let found: Vec<_> = find_plans(&template).into_iter().map(|plan| (plan.logical_id, plan.kind)).collect();
    assert_eq!(found, [("B".to_owned(), PlanKind::App), ("A".to_owned(), PlanKind::Deployment)]);
}

#[test]
fn used_runners_are_named_once_in_order() {
    let job =
        |name: &str, runner: Value| json!({"Name": name, "Type": "AttiniRunnerJob", "Properties": {"Runner": runner}});
    let map = json!({"Name": "M", "Type": "Map", "Iterator": [job("D", json!("Four"))]});
    let plan = json!([job("A", json!("Two")), job("B", json!({"Ref": "Three"})), job("C", json!("Two")), map]);
    let template = with_properties(json!({"DefaultRunner": "One", "DeploymentPlan": plan}));
    assert_eq!(used_runners(&template), ["One", "Two", "Three", "Four"]);
}

#[test]
fn the_default_network_is_asked_for_only_where_a_runner_may_need_it() {
    assert!(!needs_default_vpc(&template(json!([cfn("A")]))));
    let mut template = template(json!([{"Name": "J", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["a"]}}]));
    assert!(needs_default_vpc(&template));
    let own = json!({"Type": "Attini::Deploy::Runner", "Properties": {"AwsVpcConfiguration": {"Subnets": "s"}}});
    template["Resources"]["AttiniDefaultRunner"] = own;
    assert!(!needs_default_vpc(&template));
}
