//! What rules make of plans that are not simple.

use super::*;

/// Lints a plan in the States Language.
fn states(text: &str) -> Outcome {
    let head = "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nParameters: {AttiniEnvironmentName: {Type: String}}\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n";
    of(&(head.to_owned() + &text.lines().map(|line| format!("        {line}\n")).collect::<String>()))
}

#[track_caller]
fn finds(text: &str, wanted: &[&str]) -> Outcome {
    let outcome = states(text);
    assert_eq!(codes(&outcome), wanted, "{}", shown(&outcome));
    outcome
}

fn job(name: &str, reads: &str, next: &str) -> String {
    format!(
        "  {name}: {{Type: AttiniRunnerJob, Properties: {{Environment: {{X.$: \"{reads}\"}}, Commands: [make]}}, {next}}}\n"
    )
}

const PLAIN: &str = "$.environment";

#[test]
fn a_step_that_caught_an_error_has_no_output() {
    let steps = |reads: &str| {
        format!(
            "StartAt: A\nStates:\n  A:\n    Type: AttiniRunnerJob\n    Properties: {{Commands: [make]}}\n    \
             Catch: [{{ErrorEquals: [RuntimeError], ResultPath: $.output.Failure, Next: C}}]\n    Next: B\n{}{}",
            job("B", "$.output.A.result", "Next: C"),
            job("C", reads, "End: true"),
        )
    };
    finds(&steps("$.output.A.result"), &["AT023"]);
    finds(&steps("$.output.B.result"), &["AT023"]);
    finds(&steps("$.output.Failure.Error"), &["AT023"]);
    finds(&steps(PLAIN), &[]);
}

#[test]
fn one_of_several_writers_on_every_way_is_enough() {
    let steps = |second: &str| {
        format!(
            "StartAt: C\nStates:\n  C:\n    Type: Choice\n    Choices: [{{Variable: $.environment, StringEquals: dev, Next: A}}]\n    Default: B\n  \
             A: {{Type: Pass, Result: {{k: 1}}, ResultPath: $.output.Size, Next: D}}\n  B: {{Type: Pass, Result: {{k: 2}}, ResultPath: $.output.{second}, Next: D}}\n{}",
            job("D", "$.output.Size.k", "End: true"),
        )
    };
    finds(&steps("Size"), &[]);
    finds(&steps("Other"), &["AT023"]);
}

#[test]
fn an_output_that_is_asked_for_may_be_missing() {
    let steps = |ask: &str| {
        format!(
            "StartAt: C\nStates:\n  C:\n    Type: Choice\n    Choices: [{{Variable: $.environment, StringEquals: dev, Next: A}}]\n    Default: Asked\n{}  \
             Asked:\n    Type: Choice\n    Choices: [{ask}]\n    Default: End\n{}  End: {{Type: Succeed}}\n",
            job("A", PLAIN, "Next: Asked"),
            job("D", "$.output.A.result", "End: true"),
        )
    };
    finds(&steps("{Variable: $.output.A.result, IsPresent: true, Next: D}"), &[]);
    finds(
        &steps(
            "{And: [{Variable: $.output.A, IsPresent: true}, {Variable: $.output.A.result, StringEquals: x}], Next: D}",
        ),
        &[],
    );
    finds(&steps("{Variable: $.output.A.result, StringEquals: x, Next: D}"), &["AT023"]);
}

#[test]
fn a_loop_brings_outputs_back_only_after_its_first_round() {
    finds(
        &format!(
            "StartAt: Look\nStates:\n{}{}  More?:\n    Type: Choice\n    Choices: [{{Variable: $.output.Look.result, StringEquals: more, Next: Look}}]\n    Default: End\n  End: {{Type: Succeed}}\n",
            job("Look", "$.output.Work.result", "Next: Work"),
            job("Work", "$.output.Look.result", "Next: More?"),
        ),
        &["AT023"],
    );
    finds(&format!("StartAt: A\nStates:\n{}", job("A", "$.output.A.result", "End: true")), &["AT021"]);
}

#[test]
fn branches_write_for_what_comes_after_their_merge() {
    let steps = |first: &str, second: &str, after: &str| {
        format!(
            "StartAt: P\nStates:\n  P:\n    Type: Parallel\n    Branches:\n      - StartAt: A\n        States:\n  {}{}      - StartAt: B\n        States:\n  {}    Next: M\n  \
             M: {{Type: AttiniMergeOutput, Next: C}}\n{}",
            job("        A", PLAIN, "Next: A2"),
            job("          A2", first, "End: true"),
            job("        B", second, "End: true"),
            job("C", after, "End: true"),
        )
    };
    finds(&steps("$.output.A.x", PLAIN, "$.output.B.x"), &[]);
    finds(&steps(PLAIN, "$.output.A.x", PLAIN), &["AT022"]);
    finds(&steps("$.output.C.x", PLAIN, PLAIN), &["AT021"]);
    finds(&steps("$.output.A2.x", PLAIN, PLAIN), &["AT021"]);
}

#[test]
fn a_branch_that_ends_early_does_not_surely_write() {
    let found = of(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
         - Name: P\n          Type: Parallel\n          Branches:\n            - - Name: C\n                Type: Choice\n                Condition: {Variable: $.environment, StringEquals: dev}\n                \
         IsTrue:\n                  - {Name: A, Type: AttiniRunnerJob, Properties: {Commands: [make]}}\n            - - {Name: B, Type: AttiniRunnerJob, Properties: {Commands: [make]}}\n        \
         - {Name: D, Type: AttiniRunnerJob, Properties: {Commands: [make], Environment: {A.$: $.output.A.x, B.$: $.output.B.x}}}\n",
    );
    assert_eq!(codes(&found), ["AT023"], "{}", shown(&found));
    assert!(found.findings[0].message.contains("$.output.A.x"));
}

#[test]
fn iterations_of_a_map_may_not_happen() {
    let steps = |selector: &str| {
        format!(
            "StartAt: M\nStates:\n  M:\n    Type: Map\n    ItemsPath: $.customData.items\n{selector}    ItemProcessor:\n      StartAt: A\n      States:\n    {}    Next: Merge\n  \
             Merge: {{Type: AttiniMergeOutput, Next: B}}\n{}",
            job("    A", PLAIN, "End: true"),
            job("B", "$.output.A.result", "End: true"),
        )
    };
    let fields = ["customData", "deploymentOriginData", "output", "dependencies", "environment", "stackParameters"];
    let selector = fields.map(|field| format!("{field}.$: $.{field}")).join(", ");
    finds(&steps(&format!("    ItemSelector: {{{selector}}}\n")), &["AT023"]);
    finds(&steps(""), &["AT018", "AT023"]);
}

#[test]
fn parts_and_results_take_the_place_of_the_payload() {
    let steps =
        |first: &str| format!("StartAt: A\nStates:\n  A: {{{first}, Next: B}}\n{}", job("B", PLAIN, "End: true"));
    let task = "Type: Task, Resource: !Sub \"arn:${AWS::Partition}:states:::sns:publish\"";
    for (first, wanted) in [
        (task.to_owned(), &["AT017"][..]),
        (format!("{task}, ResultPath: null"), &[]),
        (format!("{task}, ResultPath: $.output.A"), &[]),
        (format!("{task}, ResultPath: $.output.A, OutputPath: $.output"), &["AT017"]),
        ("Type: Pass".to_owned(), &[]),
        ("Type: Pass, Parameters: {a: 1}".to_owned(), &["AT017"]),
        ("Type: Wait, Seconds: 1, InputPath: $.output".to_owned(), &["AT017"]),
        ("Type: AttiniLambdaInvoke, Parameters: {FunctionName: f}".to_owned(), &[]),
    ] {
        finds(&steps(&first), wanted);
    }
    finds(
        "StartAt: A\nStates:\n  A: {Type: AttiniRunnerJob, InputPath: $.output, Properties: {Commands: [make]}}\n",
        &["AT017"],
    );
}

#[test]
fn loops_that_can_be_left_are_fine_and_others_are_found_once() {
    finds(
        "StartAt: A\nStates:\n  A: {Type: Pass, Next: B}\n  B: {Type: Pass, Next: C}\n  C: {Type: Pass, Next: B}\n",
        &["AT011"],
    );
    let found = finds("StartAt: A\nStates:\n  A: {Type: Pass, Next: A}\n", &["AT011"]);
    assert_eq!(found.findings.len(), 1);
    finds(
        &format!(
            "StartAt: A\nStates:\n{}  W: {{Type: Wait, Seconds: 5, Next: A}}\n",
            job("A", PLAIN, "Next: W, Catch: [{ErrorEquals: [RuntimeError], ResultPath: $.output.E, Next: F}]")
        )
        .replace("  W:", "  F: {Type: Fail, Error: E}\n  W:"),
        &[],
    );
}

#[test]
fn names_with_blanks_are_read_in_either_form() {
    let steps = |reads: &str| {
        format!("StartAt: My step\nStates:\n{}{}", job("My step", PLAIN, "Next: B"), job("B", reads, "End: true"))
    };
    for reads in
        ["$.output.My step.result", "$['output']['My step']['result']", "States.Format('{}', $.output.My step.result)"]
    {
        finds(&steps(reads), &[]);
    }
    for reads in ["$.output.My stop.result", "$['output']['My stop']", "States.Format('{}', $.output.My stop)"] {
        finds(&steps(reads), &["AT020"]);
    }
}

#[test]
fn what_the_outputs_of_a_stack_are() {
    let project = |step: &str, reads: &str| {
        let plan = format!(
            "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
             - {{Name: Db, Type: AttiniCfn, Properties: {{{step}}}}}\n        - {{Name: B, Type: AttiniRunnerJob, Properties: {{Commands: [make], Environment: {{A.$: {reads}}}}}}}\n"
        );
        let files = [
            (
                "attini-config.yaml",
                "distributionName: a\ninitDeployConfig: {template: plan.yaml, stackName: a}\n".to_owned(),
            ),
            ("plan.yaml", plan),
            ("base.yaml", "outputPath: below\n".to_owned()),
            ("db-config.yaml", "extends: /base.yaml\nstackName: db\ntemplate: /db.yaml\n".to_owned()),
            ("db.yaml", "Resources: {T: {Type: AWS::SNS::Topic}}\nOutputs: {Arn: {Value: !Ref T}}\n".to_owned()),
        ];
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect();
        let project = Project::read(&Memory(files), ProjectKind::Sources).expect("files in memory can be read");
        lint(&project, &all())
    };
    let inline = "StackName: db, Template: db.yaml";
    for (step, reads, wanted) in [
        (inline, "$.output.Db.Arn", &[][..]),
        (inline, "$.output.Db", &[]),
        (inline, "$.output.Db.Arm", &["AT024"]),
        ("ConfigFile: /db-config.yaml", "$.output.Db.below.Arn", &[]),
        ("ConfigFile: /db-config.yaml", "$.output.Db.Arn", &["AT024"]),
        ("ConfigFile: /db-config.yaml, OutputPath: other", "$.output.Db.other.Arn", &[]),
        ("StackName: db, Template: db.yaml, Action: Delete", "$.output.Db.Arn", &["AT024"]),
        ("StackName: db, Template.$: $.environment", "$.output.Db.Arm", &[]),
    ] {
        let found = project(step, reads);
        assert_eq!(codes(&found), wanted, "{step} {reads}: {}", shown(&found));
    }
}

#[test]
fn a_secret_is_in_no_message_and_no_excerpt() {
    let found = finds(
        "StartAt: A\nStates:\n  A: {Type: AttiniRunnerJob, Properties: {Environment: {DB_PASSWORD: hunter2, K: AKIAIOSFODNN7EXAMPLE, X.$: $.enviroment}, Commands: [make]}}\n",
        &["AT070", "AT071", "AT026"],
    );
    let text = format!("{:?} {} {}", found.findings, sarif(&found, "0"), junit(&found, Level::Note));
    let excerpts: String = found.findings.iter().map(|it| crate::document::excerpt(&it.to_problem())).collect();
    for secret in ["hunter2", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!text.contains(secret) && !excerpts.contains(secret), "{text}");
    }
}

#[test]
fn a_packaged_distribution_needs_all_files() {
    let files = |commands: &str| {
        let config =
            format!("distributionName: a\ninitDeployConfig: {{template: plan.yaml, stackName: a}}\n{commands}");
        Memory(BTreeMap::from([("attini-config.yaml".to_owned(), config)]))
    };
    let commands = "package: {prePackage: {commands: [cdk synth]}}\n";
    let level = |tree: &Memory, kind: ProjectKind| {
        let outcome = lint(&Project::read(tree, kind).expect("files in memory can be read"), &all());
        assert_eq!(codes(&outcome), ["AT040"]);
        outcome.worst()
    };
    assert_eq!(level(&files(commands), ProjectKind::Sources), Some(Level::Note));
    assert_eq!(level(&files(commands), ProjectKind::Packaged), Some(Level::Error));
    assert_eq!(level(&files(""), ProjectKind::Sources), Some(Level::Error));
}
