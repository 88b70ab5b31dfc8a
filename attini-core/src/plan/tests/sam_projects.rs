//! The SAM projects of a template.

use crate::plan::sam_projects;

use super::*;

fn step(name: &str, project: Value) -> Value {
    json!({"Name": name, "Type": "AttiniSam", "Properties": {"StackName": name, "Project": project}})
}

#[test]
fn cli_9_5_projects_are_found_in_branches_with_their_defaults() {
    let plan = json!([
        step("A", json!({"Path": "a"})),
        {"Name": "P", "Type": "Parallel", "Branches": [
            [step("B", json!({"Path": "/b/c", "BuildDir": "out", "Template": "t.yaml"}))],
            [step("Later", json!({"Path.$": "$.output.A.Path"}))],
        ]},
        step("Again", json!({"Path": "/a", "BuildDir": null})),
    ]);
    let projects = sam_projects(&template(plan));
    let found: Vec<_> =
        projects.iter().map(|it| [&it.step.name, &it.path, &it.build_dir, &it.template].map(String::as_str)).collect();
    assert_eq!(
        found,
        [
            ["A", "/a", ".aws-sam/build", "template.yaml"],
            ["B", "/b/c", "out", "t.yaml"],
            ["Again", "/a", ".aws-sam/build", "template.yaml"]
        ]
    );
}

#[test]
fn projects_that_cannot_be_read_are_left_to_the_check() {
    for project in [json!("a"), json!(null), json!({"Path": 7}), json!({"Path": {"Ref": "X"}}), json!({})] {
        assert_eq!(sam_projects(&template(json!([step("A", project)]))), []);
    }
}
