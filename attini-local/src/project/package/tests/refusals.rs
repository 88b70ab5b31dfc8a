//! What cannot be packaged, and why.

use attini_core::value::Version;

use super::*;

const NAME: (&str, &str) = ("attini-config.yaml", "distributionName: shop\ndistributionId: a\n");

#[track_caller]
fn refusal(files: &[(&str, &str)]) -> String {
    explain(Project::of(files).package().refused())
}

#[test]
fn cli_case_7_exactly_one_configuration_file() {
    let both = [NAME, ("attini-config.json", "{}")];
    assert!(refusal(&both).contains("More then one attini-config file"));
    assert!(refusal(&[]).contains("No attini-config file in directory"));
}

#[test]
fn cli_case_8_and_9_all_problems_of_the_configuration_at_once() {
    let text = "distributionName: -abc\ndistributionId: \"a b\"\npackage: {prePackage: {commands: ls}}\n";
    insta::assert_snapshot!(refusal(&[("attini-config.yaml", text)]), @"
    the attini-config file cannot be used
    attini-config.yaml:1:19: `distributionName` is not valid: distribution name `-abc` must start with a letter or digit (a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`)
    attini-config.yaml:2:17: `distributionId` is not valid: distribution id `a b` must not contain ' ' (an id becomes a part of object keys: use letters, digits, `.`, `_`, `-` or `:`)
    attini-config.yaml:3:34: `package.prePackage.commands` must be a list, not text (write `commands:`, and below it each element on a line that begins with `- `)
    ");
}

#[test]
fn cli_case_13_versions_are_semantic() {
    let project = Project::of(&[NAME]);
    for text in ["1.2", "v1.2.0", "latest"] {
        let version = Version::new(text);
        let made = Made::by(&PackageOptions { distribution_version: version.as_ref(), ..project.options() });
        assert!(made.refused().to_string().starts_with("Invalid format for version"), "{text}");
    }
}

#[test]
fn cli_case_15_a_failed_command_leaves_nothing_but_the_previous_zip() {
    let project = Project::with_commands(&["echo $ATTINI_WORK_DIR", "false", "touch x"], &[]);
    let previous = Made::by(&PackageOptions { skip_commands: true, ..project.options() });
    let bytes = fs::read(&previous.packaged().zip).unwrap();
    let made = project.package();
    assert_eq!(made.refused().to_string(), "prePackage commands failed with exit code 1");
    let copy = made.output.iter().find(|line| line.starts_with('/')).unwrap();
    assert!(!Path::new(copy).exists());
    assert_eq!(project.dist(), ["shop.zip"]);
    assert_eq!(fs::read(project.path().join("attini_dist/shop.zip")).unwrap(), bytes);
}

#[test]
fn a_zip_that_later_commands_remove_is_missed() {
    let config = "distributionName: shop\npackage: {postPackage: {commands: [rm shop.zip]}}\n";
    let error = refusal(&[("attini-config.yaml", config)]);
    assert!(error.contains("a postPackage command must leave it where it is"), "{error}");
}

#[test]
fn names_of_zips_are_no_paths() {
    let project = Project::of(&[NAME]);
    for name in ["", "a/b", "../a", ".", "..", ".lock", "a\\b"] {
        let made = Made::by(&PackageOptions { file_name: Some(name), ..project.options() });
        assert!(matches!(made.refused(), PackageError::FileName { .. }), "{name}");
    }
    assert!(!project.path().join("attini_dist").exists());
}

#[test]
fn cli_case_23_and_24_ignore_files() {
    let error = refusal(&[NAME, (".attini-ignore", "nothing\n"), ("x y.txt", ""), ("d/e@f", "")]);
    assert!(error.contains("file x y.txt") && error.contains("file d/e@f"), "{error}");
    let error = refusal(&[NAME, (".attini-ignore", "ok\n[a\n")]);
    assert!(error.contains(".attini-ignore:2:1"), "{error}");
}

#[test]
fn a_missing_template_is_told_with_the_place_in_the_configuration() {
    let config = |key: &str| format!("distributionName: shop\ninitDeployConfig:\n  stackName: s\n{key}");
    let missing = |key: &str| refusal(&[("attini-config.yaml", &config(key)), ("d/x", "")]);
    insta::assert_snapshot!(missing("  template: /d/none.yaml\n"), @"
    the init template is missing
    attini-config.yaml:4:13: the init template `d/none.yaml` does not exist (`initDeployConfig.template` is a path in the distribution, counted from its root)
    ");
    insta::assert_snapshot!(missing(""), @"
    the init template is missing
    attini-config.yaml:3:3: the init template `ci-cd/attini-init-deploy.yaml` does not exist (name the template with `initDeployConfig.template`)
    ");
    assert!(missing("  template: d\n").contains("is a directory"));
    assert!(missing("  template: d/x/y\n").contains("does not exist"));
    assert!(missing("  template: node_modules/plan.yaml\n").contains("never becomes part"));
}

#[test]
fn a_template_that_is_left_out_is_as_good_as_missing() {
    let config = "distributionName: shop\ninitDeployConfig: {stackName: s, template: .plan.yaml}\n";
    let files = [("attini-config.yaml", config), (".plan.yaml", "Resources: {}\n")];
    assert!(refusal(&files).contains("`.plan.yaml` is left out of the distribution"), "{}", refusal(&files));
}

#[test]
fn a_template_outside_of_the_project_is_missing() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("plan.yaml"), "Resources: {}\n").unwrap();
    let project = Project::with_template("", &[]);
    fs::remove_file(project.path().join("plan.yaml")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("plan.yaml"), project.path().join("plan.yaml")).unwrap();
    let error = explain(project.package().refused());
    assert!(error.contains("a link that leaves the project"), "{error}");
}

#[test]
fn mistakes_in_the_template_have_places() {
    let syntax = Project::with_template("Resources:\n  A: [1\n", &[]);
    insta::assert_snapshot!(explain(syntax.package().refused()), @"
    the init template cannot be deployed
    plan.yaml:2:6: the `[` that opens here is not closed (close it with `]`)
    ");
    let empty = Project::with_template("", &[]);
    insta::assert_snapshot!(explain(empty.package().refused()), @"
    the init template cannot be deployed
    plan.yaml is not a CloudFormation template: it has no `Resources`
    ");
}

fn plan(steps: &str) -> String {
    let start =
        "Resources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n";
    let lines = steps.lines().map(|line| format!("        {line}\n"));
    start.to_owned() + &lines.collect::<String>()
}

#[track_caller]
fn plan_refusal(steps: &str) -> String {
    explain(Project::with_template(&plan(steps), &[("ok.yaml", "")]).package().refused())
}

#[test]
fn cli_case_29_list_syntax() {
    insta::assert_snapshot!(plan_refusal("- {Name: A, Type: Pass, Next: B}\n- {Name: B, Type: Pass}\n"), @"
    the init template cannot be deployed
    plan.yaml:6:39: Plan, step A: Next is not allowed in a list of steps, which run in list order
    ");
    let twice = "- {Name: P, Type: Parallel, Branches: [[{Name: A, Type: Pass}], [{Name: A, Type: Pass}]]}\n";
    insta::assert_snapshot!(plan_refusal(twice), @"
    the init template cannot be deployed
    plan.yaml:6:74: Plan, step P > A: the step name A must be unique
    ");
    let foo = "- {Name: C, Type: Choice, Foo: 1, Condition: {Variable: $.a, IsPresent: true}, IsTrue: [{Name: A, Type: Pass}]}\n";
    insta::assert_snapshot!(plan_refusal(foo), @"
    the init template cannot be deployed
    plan.yaml:6:40: Plan, step C: key Foo is not allowed in a Choice, only Name, Type, Condition, IsTrue, IsFalse, Comment
    ");
}

#[test]
fn cli_case_30_runners_that_do_not_exist() {
    let error = plan_refusal("- {Name: A, Type: AttiniRunnerJob, Properties: {Runner: R, Commands: [ls]}}\n");
    insta::assert_snapshot!(error, @"
    the init template cannot be deployed
    plan.yaml:6:65: Plan, step A: Runner R is no runner of this template
    ");
}

#[test]
fn files_that_steps_name_are_in_the_distribution() {
    let steps = "\
- {Name: A, Type: AttiniCfn, Properties: {StackName: a, Template: /none.yaml}}
- Name: P
  Type: Parallel
  Branches:
    - [{Name: B, Type: AttiniCfn, Properties: {StackName: b, Template: ok.yaml, ConfigFile: /none.json}}]
    - [{Name: C, Type: AttiniCfn, Properties: {StackName: c, Template: ../../other/t.yaml}}]
";
    insta::assert_snapshot!(plan_refusal(steps), @"
    the init template cannot be deployed
    plan.yaml:6:75: Plan, step A: the file `/none.yaml` of `Template` is not in the distribution (paths count from the root of the distribution, and ignored files are not in it)
    plan.yaml:10:101: Plan, step B: the file `/none.json` of `ConfigFile` is not in the distribution (paths count from the root of the distribution, and ignored files are not in it)
    plan.yaml:11:80: Plan, step C: `../../other/t.yaml` of `Template` leads out of the distribution (put the file into the distribution)
    ");
}

#[test]
fn paths_that_are_not_known_yet_are_not_checked() {
    let steps = "\
- {Name: A, Type: AttiniCfn, Properties: {StackName: a, Template: '/${Name}.yaml'}}
- {Name: B, Type: AttiniCfn, Properties: {StackName: a, Template: https://bucket.s3.amazonaws.com/t.yaml}}
- {Name: C, Type: AttiniCfn, Properties: {StackName: a, Template: s3://bucket/t.yaml}}
- {Name: D, Type: AttiniCfn, Properties: {StackName: a, Template.$: $.output.A.Path}}
- {Name: E, Type: AttiniCfn, Properties: {StackName: a, Template: }}
- {Name: F, Type: AttiniCfn, Properties: {StackName: a, Template: /gone.yaml, Action: Delete}}
- {Name: G, Type: AttiniCfn, Properties: {StackName: a, Template: !Sub '/x'}}
";
    let made = Project::with_template(&plan(steps), &[]).package();
    made.packaged();
    assert!(made.warnings.is_empty(), "{:?}", made.warnings);
}

#[test]
fn projects_case_8_a_template_beside_the_distribution_is_warned_of() {
    let steps = "- {Name: A, Type: AttiniCfn, Properties: {StackName: a, Template: /../X.template.json}}\n";
    let made = Project::with_template(&plan(steps), &[]).package();
    made.packaged();
    insta::assert_snapshot!(made.warnings.join("\n"), @"
    plan.yaml:6:75: Plan, step A: `/../X.template.json` of `Template` leads beside the files of the distribution (something has to put the file there before the step runs)
    ");
}

#[test]
fn a_file_in_the_way_of_the_metadata_is_named() {
    let project = Project::with_template("Resources: {}\n", &[("attini_data", "")]);
    let error = explain(project.package().refused());
    assert!(error.contains("attini_data has the name of something that packaging writes"), "{error}");
}
