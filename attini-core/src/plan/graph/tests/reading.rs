use super::*;

/// Returns the links of a body, one line each.
fn links(body: &Body) -> Vec<String> {
    let name = |index: usize| body.steps[index].name.as_str();
    let line = |link: &Link| {
        let to = match link.to {
            Target::Step(index) => name(index),
            Target::End => "end",
        };
        format!("{} -> {to} {}", name(link.from), link.label()).trim_end().to_owned()
    };
    body.links.iter().map(line).collect()
}

#[test]
fn what_the_list_syntax_adds_is_left_out() {
    let graph = PlanGraph::read(&everything(), Some("Tester"));
    let wanted = [
        "Net -> Apps",
        "Apps -> Ask",
        "Ask -> Go",
        "Ask -> Net on ManuallyAborted, States.Timeout",
        "Go -> Stop $.x is present",
        "Go -> Cdk otherwise",
        "Cdk -> end",
    ];
    assert_eq!(links(&graph.body), wanted);
    let branch = &graph.body.steps[1].bodies[0];
    assert_eq!(
        links(branch),
        ["Api -> IsDev", r#"IsDev -> Seed $.environment == "dev""#, "IsDev -> end otherwise", "Seed -> end"]
    );
    assert_eq!(branch.label, "branch 1");
    assert_eq!(graph.body.len(), 11);
    assert_eq!(graph.summary(), "11 steps, 2 approvals, 1 caught failure");
}

#[test]
fn both_syntaxes_give_the_same_graph() {
    let list =
        json!([{"Name": "A", "Type": "Pass"}, {"Name": "B", "Type": "AttiniCfn", "Properties": {"StackName": "b"}}]);
    let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "AttiniCfn", "Properties": {"StackName": "b"}, "End": true}}});
    assert_eq!(PlanGraph::read(&list, None), PlanGraph::read(&machine, None));
}

#[test]
fn several_conditions_for_one_goal_are_one_link() {
    let machine = json!({"StartAt": "C", "States": {
        "C": {"Type": "Choice", "Default": "B", "Choices": [
            {"Variable": "$.v", "NumericEquals": 1, "Next": "A"}, {"Variable": "$.v", "NumericEquals": 2, "Next": "A"}]},
        "A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}});
    assert_eq!(
        links(&PlanGraph::read(&machine, None).body),
        ["C -> A $.v == 1 or $.v == 2", "C -> B otherwise", "A -> B"]
    );
}

#[test]
fn a_name_that_leads_nowhere_is_shown_as_missing() {
    let graph = PlanGraph::read(&json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}), None);
    assert_eq!(links(&graph.body), ["A -> B"]);
    assert_eq!(graph.body.steps[1].class, StepClass::Missing);
    assert_eq!(graph.body.len(), 1);
}

#[test]
fn what_is_no_plan_is_an_empty_graph() {
    for plan in [json!(null), json!([]), json!({}), json!({"StartAt": 3, "States": []}), json!([1, {"Type": "Pass"}])] {
        let graph = PlanGraph::read(&plan, None);
        assert!(graph.body.is_empty(), "{plan}");
        assert!(svg(&graph).contains("</svg>") && dot(&graph).contains('}') && mermaid(&graph).contains("flowchart"));
    }
}

#[test]
fn tools_get_the_graph_as_json() {
    let graph = graph_of("hello-world", EXAMPLES[0].1);
    let value = graph.to_json();
    assert_eq!(value["distribution"], "hello-world");
    assert_eq!(value["plan"], "Plan");
    assert_eq!(value["body"]["start"], "Greet");
    assert_eq!(
        value["body"]["steps"][1]["facts"],
        json!([{"label": "stack", "value": "${AttiniEnvironmentName}-hello-topic"}])
    );
    assert_eq!(value["body"]["links"][2], json!({"from": "Check", "to": null, "kind": "next", "labels": []}));
}
