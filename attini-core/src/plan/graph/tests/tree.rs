use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;

use super::*;

fn plain(graph: &PlanGraph, width: usize, ascii: bool) -> String {
    tree(graph, TreeStyle { width, ascii }, &|_, text| text.to_owned())
}

#[test]
fn branches_choices_failures_and_approvals_are_shown() {
    let graph = PlanGraph { plan: Some("Plan".to_owned()), ..PlanGraph::read(&everything(), Some("Tester")) };
    assert_snapshot!(plain(&graph, 72, false), @r##"
    Plan
    11 steps, 2 approvals, 1 caught failure
    ├─ Net  AttiniCfn, stack ${Env}-net
    ├─ Apps  Parallel
    │  ├─ branch 1
    │  │  ├─ Api  AttiniCfn, stack api
    │  │  └─ IsDev  Choice
    │  │     ├─ $.environment == "dev"
    │  │     │  └─ Seed  AttiniRunnerJob, runner Tester
    │  │     └─ otherwise → end
    │  └─ branch 2
    │     └─ Sites  AttiniMap, each of $.customData.files
    │        └─ Site  AttiniCfn
    ├─ ✋ Ask  AttiniManualApproval, times out after 1 hour
    │  └─ on ManuallyAborted, States.Timeout ↩ back to Net
    ├─ Go  Choice
    │  ├─ $.x is present
    │  │  └─ Stop  Fail, error No
    │  └─ otherwise → Cdk
    └─ ✋ Cdk  AttiniCdk, project ./c, waits for approval of changes, runne…
    "##);
}

#[test]
fn a_terminal_without_unicode_gets_ascii() {
    let graph = graph_of("release-gate", EXAMPLES[2].1);
    let text = plain(&graph, 60, true);
    assert!(text.is_ascii());
    assert_snapshot!(text, @r##"
    release-gate: Plan
    10 steps, 1 approval, 2 caught failures
    |- Checks  Parallel
    |  |- branch 1
    |  |  `- UnitTests  AttiniRunnerJob, runner Tester
    |  `- branch 2
    |     `- Preview  AttiniCfn, stack ${AttiniEnvironmentNam...
    |- Merge  AttiniMergeOutput
    |- SmokeTest  AttiniRunnerJob, runner Tester
    |  `- on any error -> CleanUp
    |- [?] Approve  AttiniManualApproval, times out after 1 day
    |  `- on any error -> CleanUp
    |- Release  AttiniCfn, stack ${AttiniEnvironmentName}-rel...
    `- after a failure of SmokeTest, Approve
       |- CleanUp  AttiniRunnerJob, runner Tester
       |- RemovePreview  AttiniCfn, deletes stack ${AttiniEnv...
       `- Rejected  Fail, error ReleaseRejected
    "##);
}

#[test]
fn ways_back_are_named() {
    let machine = json!({"StartAt": "Wait", "States": {
        "Wait": {"Type": "Wait", "Seconds": 30, "Next": "Check"},
        "Check": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "IsDone"},
        "IsDone": {"Type": "Choice", "Choices": [{"Variable": "$.done", "BooleanEquals": true, "Next": "Done"}], "Default": "Wait"},
        "Done": {"Type": "Succeed"},
        "Lost": {"Type": "Pass", "Next": "Done"}}});
    assert_snapshot!(plain(&PlanGraph::read(&machine, None), 60, true), @r##"
    Plan
    5 steps
    |- Wait  Wait, for 30 seconds
    |- Check  Task, calls sns:publish
    |- IsDone  Choice
    |  |- $.done == true
    |  |  `- Done  Succeed
    |  `- otherwise -> back to Wait
    `- never reached
       |- Lost  Pass
       `- -> Done
    "##);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn every_step_stands_in_the_tree_once_and_no_line_is_too_wide(plan in any_plan(), width in 30..100_usize, ascii: bool) {
        let graph = PlanGraph::read(&plan, None);
        let mut names = 0;
        let text = tree(&graph, TreeStyle { width, ascii }, &|_, text| text.to_owned());
        for line in text.lines() {
            prop_assert!(line.width() <= width, "{} columns: {}", line.width(), line);
        }
        let counted = std::cell::Cell::new(0);
        let _ = tree(&graph, TreeStyle { width: 200, ascii }, &|part, text| {
            counted.set(counted.get() + usize::from(part == TreePart::Name));
            text.to_owned()
        });
        graph.body.each(&mut |step| names += usize::from(step.class != StepClass::Missing));
        prop_assert!(counted.get() >= names, "{} of {names} steps\n{text}", counted.get());
    }
}

#[test]
fn a_thousand_choices_in_each_other_end_well() {
    let mut states = Map::new();
    for index in 0..1000 {
        let next = format!("C{}", index + 1);
        states.insert(
            format!("C{index}"),
            json!({"Type": "Choice", "Default": "End",
            "Choices": [{"Variable": "$.v", "NumericEquals": index, "Next": next}]}),
        );
    }
    states.insert("C1000".to_owned(), json!({"Type": "Pass", "Next": "End"}));
    states.insert("End".to_owned(), json!({"Type": "Succeed"}));
    let text = plain(&PlanGraph::read(&json!({"StartAt": "C0", "States": states}), None), 80, false);
    assert!(text.contains("C1000") && text.contains("go on with"));
}
