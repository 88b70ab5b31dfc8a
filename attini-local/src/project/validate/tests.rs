#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::*;

const CONFIG: &str = "distributionName: shop\ninitDeployConfig: {template: plan.yaml, stackName: shop}\n";

fn check(files: &[(&str, &str)]) -> (Validation, String) {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let found = validate(folder.path()).unwrap();
    let text = Problems(found.problems.clone()).to_string();
    (found, text)
}

fn plan(properties: &str) -> String {
    format!(
        "Resources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
         - Name: A\n          Type: AttiniCfn\n          Properties: {{StackName: s, {properties}}}\n"
    )
}

#[test]
fn all_files_of_a_project_are_checked_at_once() {
    let files = [
        ("attini-config.yaml", "distributionName: a b\ninitDeployConfig: {template: /plan.yaml, stackName: s}\n"),
        ("plan.yaml", &plan("Template: /none.yaml, ConfigFile: /c.yaml")),
        ("c.yaml", "stackNme: x\nextends: /d/parent.yaml\n"),
        ("d/parent.yaml", "parameters: [1]\nextends: /none.yaml\n"),
        (".attini-ignore", "[a\n"),
    ];
    let (found, text) = check(&files);
    assert_eq!(found.files, ["attini-config.yaml", ".attini-ignore", "plan.yaml", "c.yaml", "d/parent.yaml"]);
    assert!(found.has_config_errors());
    insta::assert_snapshot!(text, @r"
    attini-config.yaml:1:19: `distributionName` is not valid: distribution name `a b` must hold only letters, digits, `.`, `_` and `-`, not ' ' (a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`)
    .attini-ignore:1:1: `[a` is no valid pattern: `[` is never closed (write `\` before a character that stands for itself)
    plan.yaml:8:48: Plan, step A: the file `/none.yaml` of `Template` is not in the distribution (paths count from the root of the distribution, and ignored files are not in it)
    c.yaml:1:1: unknown key `stackNme` (did you mean `stackName`?)
    d/parent.yaml:1:13: `parameters` must be a map, not a list (write `parameters:`, and indented below it lines such as `name: value`)
    d/parent.yaml:2:10: the file `/none.yaml` of `extends` is not in the distribution (write the path of a file, counted from the root of the distribution)
    ");
}

#[test]
fn a_sound_project_has_no_problems() {
    let files =
        [("attini-config.yaml", CONFIG), ("plan.yaml", &plan("Template: /t.yaml")), ("t.yaml", "Resources: {}\n")];
    let (found, text) = check(&files);
    assert_eq!((text.as_str(), found.has_errors(), found.has_config_errors()), ("", false, false));
}

#[test]
fn what_commands_may_make_is_warned_of() {
    let commands = format!("{CONFIG}package: {{prePackage: {{commands: [make]}}}}\n");
    let (found, text) = check(&[("attini-config.yaml", &commands)]);
    assert!(!found.has_errors());
    insta::assert_snapshot!(text, @"attini-config.yaml:2:30: the init template `plan.yaml` does not exist (a prePackage command has to make it, or the path is wrong)");
    let (found, _) = check(&[("attini-config.yaml", CONFIG)]);
    assert!(found.has_config_errors());
}

#[test]
fn files_that_extend_each_other_in_a_circle() {
    let files = [
        ("attini-config.yaml", CONFIG),
        ("plan.yaml", &plan("Template: /t.yaml, ConfigFile: /a.yaml")),
        ("t.yaml", "Resources: {}\n"),
        ("a.yaml", "extends: /b.yaml\n"),
        ("b.yaml", "extends: /a.yaml\n"),
    ];
    let (found, text) = check(&files);
    assert!(found.has_errors() && !found.has_config_errors());
    insta::assert_snapshot!(text, @"b.yaml:1:10: stack configuration files extend each other in a circle: a.yaml -> b.yaml -> a.yaml (remove one `extends`)");
}

#[test]
fn projects_without_exactly_one_configuration() {
    assert!(check(&[]).0.has_config_errors());
    assert!(check(&[("attini-config.yaml", CONFIG), ("attini-config.yml", CONFIG)]).0.has_config_errors());
}

#[test]
fn what_shows_in_one_environment_only_is_found() {
    let text = "distributionName: shop\ninitDeployConfig:\n  template: plan.yaml\n  stackName: s\n  variables: \
                {prod: {a: 1}}\n  parameters: {dev: {A: '${environment}', B: {sourceType: Distribution, source: {name: \
                'net-${environment}', mapping: $.a}}}}\ndependencies: [{distributionName: 'net-${x:-prod}'}]\n";
    let (_, text) = check(&[("attini-config.yaml", text), ("plan.yaml", "Resources: {}\n")]);
    insta::assert_snapshot!(text, @"attini-config.yaml:6:88: `initDeployConfig.parameters.dev.B` is dependent on `net-dev`, which is not declared under `dependencies` (add `- distributionName: net-dev` to `dependencies`)");
}

#[test]
fn steps_that_only_another_version_runs_are_no_errors_as_in_packaging() {
    let plan = "Resources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
                - Name: A\n          Type: AttiniCdk\n          Properties: {Path: ./}\n";
    let files = [("attini-config.yaml", CONFIG), ("plan.yaml", plan)];
    let (found, text) = check(&files);
    assert!(!found.has_errors(), "{text}");
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(path, text)| fs::write(folder.path().join(path), text).unwrap());
    super::super::package(&super::super::PackageOptions::new(folder.path()), &mut |_| {}).unwrap();
}
