//! The list syntax.

use super::*;

#[test]
fn plan_case_11_lists_that_are_refused() {
    let pass = |name: &str| json!({"Name": name, "Type": "Pass"});
    refused(json!([]), &["Plan", "empty"]);
    refused(json!([{"Type": "Pass"}]), &["Name is missing in the first step"]);
    refused(json!([pass("a"), {"Type": "Pass"}]), &["Name is missing in the step after a"]);
    refused(json!([{"Name": "a", "Type": "Pass", "Next": "b"}]), &["step a", "Next"]);
    refused(json!([pass("a"), pass("a")]), &["step name a must be unique"]);
    let branches = json!([{"Name": "P", "Type": "Parallel", "Branches": [[pass("a")], [pass("a")]]}]);
    refused(branches, &["P > a", "must be unique"]);
}

#[test]
fn plan_case_12_the_worked_example_has_exactly_these_links() {
    let web = json!([
        cfn("Net"),
        {"Name": "Apps", "Type": "Parallel", "Branches": [[cfn("Api")], [cfn("Web")]]},
        {
            "Name": "IsDev", "Type": "Choice",
            "Condition": {"Variable": "$.environment", "StringEquals": "dev"},
            "IsTrue": [{"Name": "Test", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["./test.sh"]}}],
        },
    ]);
    let resources = resources(template(web));
    let states = &resources[MACHINE]["Properties"]["Definition"]["States"];
    let names: Vec<&String> = states.as_object().unwrap().keys().collect();
    assert_eq!(names, ["AttiniPrepareDeployment", "Net", "Apps", "Apps-Merge", "IsDev", "Test", "IsDev-End"]);
    assert_eq!(states["Net"]["Next"], "Apps");
    assert_eq!(states["Apps"]["Next"], "Apps-Merge");
    assert_eq!(states["Apps"]["Branches"][0]["StartAt"], "Api");
    assert_eq!(states["Apps"]["Branches"][1]["States"]["Web"]["End"], true);
    assert_eq!(states["Apps-Merge"]["Next"], "IsDev");
    let rule = json!({"Variable": "$.environment", "StringEquals": "dev", "Next": "Test"});
    assert_eq!(states["IsDev"], json!({"Type": "Choice", "Choices": [rule], "Default": "IsDev-End"}));
    assert_eq!(states["Test"]["End"], true);
    assert_eq!(states["IsDev-End"], json!({"Type": "Pass", "End": true}));
    assert_eq!(listed(&resources), ["Api", "Apps-Merge", "Net", "Test", "Web"]);
}

fn parallel(name: &str) -> Value {
    json!({"Name": name, "Type": "Parallel", "Branches": [[{"Name": format!("{name}1"), "Type": "Pass"}]]})
}

#[test]
fn plan_case_13_no_merge_is_inserted_before_the_users_own() {
    let states = states(json!([parallel("P"), {"Name": "M", "Type": "AttiniMergeOutput"}]));
    assert_eq!(states["P"]["Next"], "M");
    assert_eq!(states.get("P-Merge"), None);
    assert_eq!(states["P"].get("ResultPath"), None);
}

#[test]
fn plan_case_14_a_parallel_at_the_end_is_merged() {
    let states = states(json!([parallel("P")]));
    assert_eq!(states["P"]["Next"], "P-Merge");
    assert_eq!(states["P"]["ResultPath"], "$.attiniMerge");
    assert_eq!(states["P-Merge"]["End"], true);
    refused(json!([parallel("P"), {"Name": "P-Merge", "Type": "Pass"}]), &["P-Merge", "generated for P"]);
}

#[test]
fn a_parallel_that_shapes_its_output_is_merged_by_the_fold() {
    for field in ["ResultPath", "ResultSelector", "OutputPath", "Parameters", "InputPath"] {
        let mut step = parallel("P");
        step[field] = json!("$.own");
        let states = states(json!([step]));
        assert_eq!(states["P"][field], "$.own");
        assert_eq!(states["P"].get("ResultPath").is_some(), field == "ResultPath");
    }
}

#[test]
fn a_plan_that_was_translated_when_it_was_packaged_expands_to_the_same() {
    let list = template(json!([cfn("A"), parallel("P"), cfn("B")]));
    let packaged = crate::plan::translate_template(&list).unwrap().unwrap();
    assert_eq!(packaged["Resources"]["Plan"]["Properties"]["DeploymentPlan"]["StartAt"], "A");
    assert_eq!(resources(packaged.clone()), resources(list));
    assert_eq!(crate::plan::translate_template(&packaged).unwrap(), None);
}

#[test]
fn plan_case_15_and_16_where_a_choice_leads() {
    let pass = |name: &str| json!({"Name": name, "Type": "Pass"});
    let choice = |name: &str, yes: Value| {
        json!({
            "Name": name, "Type": "Choice", "Condition": {"Variable": "$.a", "IsPresent": true}, "IsTrue": yes,
        })
    };
    let mut both = choice("C", json!([pass("A")]));
    both["IsFalse"] = json!([pass("B")]);
    let found = states(json!([both, pass("Z")]));
    assert_eq!((&found["A"]["Next"], &found["B"]["Next"]), (&json!("Z"), &json!("Z")));
    assert_eq!(found["C"]["Default"], "B");

    let found = states(json!([choice("C", json!([pass("A")])), pass("Z")]));
    assert_eq!(found["C"]["Default"], "Z");
    assert_eq!(found.get("C-End"), None);

    let found = states(json!([choice("C", json!([choice("D", json!([pass("A")]))]))]));
    assert!(found.get("C-End").is_some() && found.get("D-End").is_some());
}

#[test]
fn plan_case_17_keys_of_a_choice() {
    let choice = json!({
        "Name": "C", "Type": "Choice", "Comment": "why", "Condition": {"Variable": "$.a", "IsPresent": true},
        "IsTrue": [{"Name": "A", "Type": "Pass"}],
    });
    assert_eq!(states(json!([choice]))["C"]["Comment"], "why");
    let mut foo = choice.clone();
    foo["Foo"] = json!(1);
    refused(json!([foo]), &["step C", "Foo", "Condition, IsTrue, IsFalse"]);
    let mut bare = choice;
    bare.as_object_mut().unwrap().remove("Condition");
    refused(json!([bare]), &["step C", "Condition is missing"]);
}

#[test]
fn plan_case_21_fail_ends_without_a_link() {
    let found = states(json!([{"Name": "F", "Type": "Fail", "Error": "E"}]));
    assert_eq!(found["F"], json!({"Type": "Fail", "Error": "E"}));
    let lost = json!([{"Name": "F", "Type": "Fail"}, {"Name": "L", "Type": "Pass"}]);
    refused(lost, &["step L", "F ends the plan"]);
}

#[test]
fn a_merge_after_a_choice_does_not_serve_a_parallel_inside() {
    let choice = json!({
        "Name": "C", "Type": "Choice", "Condition": {"Variable": "$.a", "IsPresent": true}, "IsTrue": [parallel("P")],
    });
    let found = states(json!([choice, {"Name": "M", "Type": "AttiniMergeOutput"}]));
    assert_eq!(found["P"]["Next"], "P-Merge");
    assert_eq!(found["P-Merge"]["Next"], "M");
}
