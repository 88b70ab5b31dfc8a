use super::*;
use crate::document::excerpt;
use crate::problem::{Problem, Severity};

fn rendered(problems: &[Problem]) -> String {
    problems.iter().map(excerpt).collect::<Vec<_>>().join("\n\n")
}

fn errors(text: &str) -> String {
    rendered(&Config::parse("attini-config.yaml", text).expect_err("broken").0)
}

fn lines(text: &str) -> String {
    Config::parse("f.yaml", text).expect_err("broken").to_string()
}

#[test]
fn all_problems_of_a_file_are_shown_at_once() {
    let text = r#"
distributionName: a b
distributionId: "x/y"
version: 1.2
distributiontags: {a: 1}
owner: me
dependencies:
  - distributionName: network
    version: newest one
  - distributionIdRegex: x
initDeployConfig:
  template: ../plan.yaml
  stackname: s
  forceUpdate: [yes]
  parameters:
    dev: 5
    prod: {A: {b: c}}
  variables: {dev: {v: [1]}}
package:
  prePackage:
    commands:
      - echo a: b
      - npm test
  postPackage:
    commands: ls
"#;
    insta::assert_snapshot!(errors(text), @r#"
    error: `distributionName` is not valid: distribution name `a b` must hold only letters, digits, `.`, `_` and `-`, not ' '
     --> attini-config.yaml:2:19
      |
    2 | distributionName: a b
      |                   ^^^
      = help: a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`

    error: `distributionId` is not valid: distribution id `x/y` must not contain '/'
     --> attini-config.yaml:3:17
      |
    3 | distributionId: "x/y"
      |                 ^^^^^
      = help: an id becomes a part of object keys: use letters, digits, `.`, `_`, `-` or `:`

    warning: `version` is not a semantic version such as `1.4.0`: 1.2
     --> attini-config.yaml:4:10
      |
    4 | version: 1.2
      |          ^^^
      = help: distributions that ask for a range of versions will not accept it

    error: unknown key `distributiontags`
     --> attini-config.yaml:5:1
      |
    5 | distributiontags: {a: 1}
      | ^^^^^^^^^^^^^^^^
      = help: did you mean `distributionTags`?

    warning: unknown key `owner` has no effect
     --> attini-config.yaml:6:1
      |
    6 | owner: me
      | ^^^^^
      = help: known keys are `distributionName`, `distributionId`, `version`, `distributionType`, `distributionTags`, `dependencies`, `appDeploymentPlan`, `appConfig`, `initDeployConfig`, `package`

    error: `dependencies[0].version` is not valid: `newest one` is no version range
     --> attini-config.yaml:9:14
      |
    9 |     version: newest one
      |              ^^^^^^^^^^
      = help: write a range as npm does, such as `^1.2.0` or `>=1.0.0 <3.0.0`

    error: unknown key `distributionIdRegex` in a dependency
      --> attini-config.yaml:10:5
       |
    10 |   - distributionIdRegex: x
       |     ^^^^^^^^^^^^^^^^^^^
       = help: a dependency has `distributionName` and an optional `version` range

    error: the dependency has no `distributionName`
      --> attini-config.yaml:10:5
       |
    10 |   - distributionIdRegex: x
       |     ^^^^^^^^^^^^^^^^^^^^^^
       = help: write `- distributionName: other-distribution`

    warning: `initDeployConfig.stackName` is missing, so this cannot be deployed
      --> attini-config.yaml:11:1
       |
    11 | initDeployConfig:
       | ^^^^^^^^^^^^^^^^
       = help: add `stackName: ${environment}-${distributionName}-deployment-plan`

    error: `initDeployConfig.template` leaves the distribution: it has more `..` than folders
      --> attini-config.yaml:12:13
       |
    12 |   template: ../plan.yaml
       |             ^^^^^^^^^^^^
       = help: write the template's path in the distribution, counted from its root

    error: unknown key `stackname`
      --> attini-config.yaml:13:3
       |
    13 |   stackname: s
       |   ^^^^^^^^^
       = help: did you mean `stackName`?

    error: `initDeployConfig.forceUpdate` must be true or false, not a list
      --> attini-config.yaml:14:16
       |
    14 |   forceUpdate: [yes]
       |                ^^^^^
       = help: write `forceUpdate: true` or `forceUpdate: false`

    error: `initDeployConfig.parameters.dev` must be a map, not a number: values stand below their environment
      --> attini-config.yaml:16:10
       |
    16 |     dev: 5
       |          ^
       = help: put it below `default:`, which counts everywhere, or below the name of an environment

    error: `initDeployConfig.parameters.prod.A` has no `sourceType`
      --> attini-config.yaml:17:12
       |
    17 |     prod: {A: {b: c}}
       |            ^
       = help: write `sourceType: Distribution`

    error: `initDeployConfig.parameters.prod.A` has no `source`
      --> attini-config.yaml:17:12
       |
    17 |     prod: {A: {b: c}}
       |            ^
       = help: write `source: {name: <distribution>, mapping: $.output.<value>}`

    warning: unknown key `b` has no effect
      --> attini-config.yaml:17:16
       |
    17 |     prod: {A: {b: c}}
       |                ^
       = help: known keys are `sourceType`, `source`

    error: `initDeployConfig.variables.dev.v` must be text, not a list
      --> attini-config.yaml:18:24
       |
    18 |   variables: {dev: {v: [1]}}
       |                        ^^^
       = help: write `v: value`, in quotes if need be

    error: `package.prePackage.commands[0]` must be text, not a map
      --> attini-config.yaml:22:9
       |
    22 |       - echo a: b
       |         ^^^^^^^^^
       = help: quote the whole command, since it holds `: ` or begins with a bracket or `-`

    error: `package.postPackage.commands` must be a list, not text
      --> attini-config.yaml:25:15
       |
    25 |     commands: ls
       |               ^^
       = help: write `commands:`, and below it each element on a line that begins with `- `
    "#);
}

#[test]
fn init_deploy_case_6_broken_yaml() {
    insta::assert_snapshot!(errors("distributionName: infra\ninitDeployConfig:\n\tstackName: s\n"), @r"
    error: a tab indents this line, which YAML does not allow
     --> attini-config.yaml:3:1
      |
    3 |  stackName: s
      | ^
      = help: indent with spaces
    ");
}

#[test]
fn files_that_hold_no_map() {
    insta::assert_snapshot!(format!("{}\n\n{}", errors("# nothing\n"), errors("- distributionName: a\n")), @r"
    error: `attini-config.yaml` is empty
     --> attini-config.yaml:1:1
      |
    1 | # nothing
      | ^
      = help: write lines such as `distributionName: my-distribution`

    error: `attini-config.yaml` must be a map, not a list
     --> attini-config.yaml:1:1
      |
    1 | - distributionName: a
      | ^^^^^^^^^^^^^^^^^^^^^
      = help: write lines such as `distributionName: my-distribution`
    ");
}

#[test]
fn cli_case_8_names() {
    for good in ["a-B-9", "1abc", "my_app.v2"] {
        parse(&format!("distributionName: {good}"));
    }
    let bad = ["distributionName: -abc", "distributionName: [a]", "distributionName: ${environment}-x"];
    insta::assert_snapshot!(bad.map(lines).join("\n"), @"
    f.yaml:1:19: `distributionName` is not valid: distribution name `-abc` must start with a letter or digit (a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`)
    f.yaml:1:19: `distributionName` must be text, not a list (write `distributionName: value`, in quotes if need be)
    f.yaml:1:19: `distributionName` is not valid: distribution name `${environment}-x` must start with a letter or digit (variables are not replaced in the name and the id)
    ");
}

#[test]
fn cli_case_8_a_missing_name() {
    insta::assert_snapshot!(parse("version: 1.0.0").require_name().unwrap_err().to_string(), @"attini-config.yaml:1:1: `distributionName` is missing (add a line such as `distributionName: my-distribution`)");
}

#[test]
fn cli_case_9_ids() {
    insta::assert_snapshot!(lines("distributionId: \"a b\""), @"f.yaml:1:17: `distributionId` is not valid: distribution id `a b` must not contain ' ' (an id becomes a part of object keys: use letters, digits, `.`, `_`, `-` or `:`)");
}

#[test]
fn duplicate_keys_are_errors() {
    insta::assert_snapshot!(errors("distributionName: a\nversion: 1.0.0\ndistributionName: b\n"), @r"
    error: the key `distributionName` stands twice in this map; first in line 1
     --> attini-config.yaml:3:1
      |
    3 | distributionName: b
      | ^^^^^^^^^^^^^^^^
      = help: remove or rename one of them
    ");
}

#[test]
fn init_deploy_case_30_outdated_dependencies() {
    let bad = [
        "dependencies: [{distributionName: a, distributionIdRegex: x}]",
        "dependencies: {distributionName: a}",
        "dependencies: [a]",
    ];
    insta::assert_snapshot!(bad.map(lines).join("\n"), @"
    f.yaml:1:38: unknown key `distributionIdRegex` in a dependency (a dependency has `distributionName` and an optional `version` range)
    f.yaml:1:15: `dependencies` must be a list, not a map (write `dependencies:`, and below it each element on a line that begins with `- `)
    f.yaml:1:16: `dependencies[0]` must be a map with `distributionName` and `version`, not text (write `- distributionName: other-distribution`)
    ");
}

#[test]
fn init_deploy_case_33_app_without_a_plan() {
    insta::assert_snapshot!(lines("distributionType: app\ninitDeployConfig: {stackName: s}"), @"
    f.yaml:1:19: an app distribution needs `appDeploymentPlan` (name the plan of a platform distribution that deploys it)
    f.yaml:2:1: an app distribution cannot have `initDeployConfig` (remove it, or remove `distributionType: app` if this distribution owns its plan)
    ");
}

#[test]
fn init_deploy_case_33_app_is_written_in_lower_case() {
    let (config, warnings) = Config::parse("f.yaml", "distributionType: App\nappDeploymentPlan: p").unwrap();
    assert_eq!(config.distribution_type, DistributionType::Platform);
    insta::assert_snapshot!(rendered(&warnings), @"
    warning: `distributionType` is `App`, which means `platform`
     --> f.yaml:1:19
      |
    1 | distributionType: App
      |                   ^^^
      = help: write `app` in lower case for an app distribution

    warning: `appDeploymentPlan` has no effect without `distributionType: app`
     --> f.yaml:2:1
      |
    2 | appDeploymentPlan: p
      | ^^^^^^^^^^^^^^^^^
      = help: remove it, or add `distributionType: app`
    ");
}

#[test]
fn init_deploy_case_34_app_config_of_an_environment_is_a_map() {
    insta::assert_snapshot!(lines("distributionType: app\nappDeploymentPlan: p\nappConfig: {dev: text, x: [1], y: }"), @"
    f.yaml:3:18: `appConfig.dev` must be a map of values for this environment, not text (write `dev:`, and indented below it lines such as `name: value`)
    f.yaml:3:27: `appConfig.x` must be a map of values for this environment, not a list (write `x:`, and indented below it lines such as `name: value`)
    f.yaml:3:32: `appConfig.y` must be a map of values for this environment, not null (write `y:`, and indented below it lines such as `name: value`)
    ");
}

#[test]
fn init_deploy_case_31_imports_name_a_dependency() {
    let text = "
initDeployConfig:
  stackName: s
  parameters:
    default:
      A: {sourceType: Distribution, source: {name: network, mapping: $.a}}
      B: {sourceType: File, source: {name: x}}
      C: {source: text}
      D: {sourceType: Distribution}
";
    insta::assert_snapshot!(lines(text), @"
    f.yaml:6:52: `initDeployConfig.parameters.default.A` is dependent on `network`, which is not declared under `dependencies` (add `- distributionName: network` to `dependencies`)
    f.yaml:7:23: `initDeployConfig.parameters.default.B.sourceType` must be `Distribution`, not `File` (write `sourceType: Distribution`; nothing else can be imported)
    f.yaml:7:29: `initDeployConfig.parameters.default.B.source` has no `mapping` (write a JSONPath such as `$.output.Vpc.VpcId`)
    f.yaml:7:44: `initDeployConfig.parameters.default.B` is dependent on `x`, which is not declared under `dependencies` (add `- distributionName: x` to `dependencies`)
    f.yaml:8:7: `initDeployConfig.parameters.default.C` has no `sourceType` (write `sourceType: Distribution`)
    f.yaml:8:19: `initDeployConfig.parameters.default.C.source` must be a map, not text (write `source:`, and indented below it lines such as `name: value`)
    f.yaml:9:7: `initDeployConfig.parameters.default.D` has no `source` (write `source: {name: <distribution>, mapping: $.output.<value>}`)
    ");
}

#[test]
fn an_import_of_a_variable_is_checked_when_it_is_known() {
    let text = "
dependencies: [{distributionName: 'net-${environment}'}]
initDeployConfig:
  stackName: s
  parameters: {default: {A: {sourceType: Distribution, source: {name: 'net-${x:-dev}', mapping: $.a}}}}
";
    let config = parse(text);
    assert!(try_resolve(&config, "dev").is_ok());
    insta::assert_snapshot!(try_resolve(&config, "prod").unwrap_err().to_string(), @"attini-config.yaml:5:71: `initDeployConfig.parameters.default.A` is dependent on `net-dev`, which is not declared under `dependencies` (add `- distributionName: net-dev` to `dependencies`)");
}

#[test]
fn what_is_wrong_in_one_environment_only() {
    let text =
        "initDeployConfig: {template: '${x:-..}/t', stackName: '1-${environment}', tags: {a: '${distributionName}'}}";
    insta::assert_snapshot!(try_resolve(&parse(text), "dev").unwrap_err().to_string(), @"
    attini-config.yaml:1:30: `initDeployConfig.template` leaves the distribution: it has more `..` than folders (write the template's path in the distribution, counted from its root)
    attini-config.yaml:1:55: `initDeployConfig.stackName` is not valid: stack name `1-dev` must start with a letter and hold only letters, digits and `-`, at most 128 (write for example `${environment}-${distributionName}-deployment-plan`)
    ");
}

#[test]
fn a_missing_stack_name_warns_and_fails_to_deploy() {
    let (config, warnings) = Config::parse("f.yaml", "initDeployConfig:\n  template: t.yaml\n").unwrap();
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0].severity, Severity::Warning);
    insta::assert_snapshot!(try_resolve(&config, "dev").unwrap_err().to_string(), @"f.yaml:2:3: `initDeployConfig.stackName` is required (add `stackName: ${environment}-${distributionName}-deployment-plan`)");
}
