//! `attini config`.

use std::path::{Path, PathBuf};

use super::*;

const SHOP: &str = "distributionName: shop
initDeployConfig:
  template: plan.yaml
  stackName: ${environment}-shop
  parameters:
    default: {Size: 1, Color: red}
    prod: {Size: 4}
";
const PLAN: &str = "Parameters:
  Size: {Type: Number}
  Color: {Type: String}
  Shape: {Type: String, Default: round}
  Owner: {Type: String}
  AttiniEnvironmentName: {Type: String}
Resources: {}
";

fn broken() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/broken-configs")
}

fn fixtures() -> Vec<PathBuf> {
    let entries = fs::read_dir(broken()).expect("the fixtures").map(|entry| entry.expect("an entry").path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn validate(folder: &Path, options: &str) -> Ran {
    Project::of(&[]).attini(&format!("config validate {}{options}", folder.display()))
}

#[test]
fn broken_configurations_are_reported_exactly_so() {
    let mut stale = Vec::new();
    for folder in fixtures() {
        let ran = validate(&folder, "");
        assert_eq!(ran.err, "", "{}", folder.display());
        let report = format!("{}[exit status: {}]\n", ran.out, ran.code);
        let file = folder.join("report.txt");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&file, &report).expect("written");
        }
        if fs::read_to_string(&file).unwrap_or_default() != report {
            stale.push(format!("{}:\n{report}", folder.display()));
        }
    }
    assert_eq!(stale, Vec::<String>::new(), "write the reports with `UPDATE_DOCS=1`, and read them");
}

#[test]
fn every_problem_has_its_position_line_reason_and_next_step() {
    let folders = fixtures();
    assert!(folders.len() >= 30, "{} broken configurations", folders.len());
    for folder in folders {
        let ran = validate(&folder, " --json");
        let found: Value = serde_json::from_str(&ran.out).expect("JSON");
        let config_is_wrong = ran.out.contains("\"file\": \"attini-config.");
        assert_eq!(ran.code, if config_is_wrong { 155 } else { 151 }, "{}", folder.display());
        assert_eq!(found["valid"], false);
        let problems = found["problems"].as_array().expect("a list");
        assert!(problems.iter().any(|problem| problem["severity"] == "error"), "{}", folder.display());
        for problem in problems {
            let at = &problem["at"];
            let text = fs::read_to_string(folder.join(at["file"].as_str().expect("a file"))).expect("readable");
            let line = usize::try_from(at["line"].as_u64().expect("a line")).expect("small");
            assert_eq!(at["text"].as_str(), text.lines().nth(line - 1), "{problem}");
            assert!(!at["text"].as_str().unwrap_or_default().is_empty(), "{problem}");
            let column = usize::try_from(at["column"].as_u64().expect("a column")).expect("small");
            assert!((1..=at["text"].as_str().unwrap_or_default().chars().count() + 1).contains(&column), "{problem}");
            assert!(problem["message"].as_str().is_some_and(|reason| reason.len() > 10), "{problem}");
            assert!(problem["help"].as_str().is_some_and(|help| help.len() > 5), "{}: {problem}", folder.display());
        }
    }
}

#[test]
fn a_sound_project_is_valid() {
    let project = Project::of(&[("attini-config.yaml", SHOP), ("plan.yaml", PLAN)]);
    for path in ["P", "P/attini-config.yaml"] {
        let ran = project.attini(&format!("config validate {path}"));
        assert_eq!((ran.out.as_str(), ran.code), ("Valid: 0 errors and 0 warnings in 2 files\n", 0), "{}", ran.err);
    }
    assert_eq!(project.attini("config validate P/none").code, 151);
    assert_eq!(Project::of(&[]).attini("config validate P").code, 155);
    assert_eq!(Project::of(&[CONFIG, ("attini-config.json", "{}")]).attini("config validate P").code, 155);
}

#[test]
fn the_values_of_an_environment_are_shown_with_their_origins() {
    let project = Project::of(&[("attini-config.yaml", SHOP), ("plan.yaml", PLAN)]);
    insta::assert_snapshot!(project.attini("config show P -e prod").out, @"
    distributionId: 00000000-0000-0000-0000-000000000000
      not in the file; packaging makes up a random one
    distributionName: shop
      attini-config.yaml:1:19
    distributionType: platform
      built-in default
    initDeployConfig.forceUpdate: false
      built-in default
    initDeployConfig.parameters.AttiniEnvironmentName: prod
      set by the framework
    initDeployConfig.parameters.Color: red
      attini-config.yaml:6:31, section default
    initDeployConfig.parameters.Owner: null
      plan.yaml:5:10, declared by the template without a default: set it
    initDeployConfig.parameters.Shape: round
      plan.yaml:4:34, default of the template
    initDeployConfig.parameters.Size: 4
      attini-config.yaml:7:18, section prod, over attini-config.yaml:6:21
    initDeployConfig.stackName: prod-shop
      attini-config.yaml:4:14, from ${environment}-shop
    initDeployConfig.template: plan.yaml
      attini-config.yaml:3:13
    ");
    let ran = project.attini("config show P -e prod --json");
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    let size = found["values"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|value| value["path"] == "initDeployConfig.parameters.Size");
    insta::assert_snapshot!(size.expect("there").to_string(), @r#"{"path":"initDeployConfig.parameters.Size","value":"4","origin":{"kind":"file","at":{"file":"attini-config.yaml","line":7,"column":18},"section":"prod","over":{"file":"attini-config.yaml","line":6,"column":21}}}"#);
}

#[test]
fn only_sound_configurations_are_shown() {
    let project = Project::of(&[("attini-config.yaml", "distributionName: a b\n")]);
    assert_eq!(project.attini("config show P -e dev").code, 155);
    assert_eq!(project.attini("config show P -e a/b").code, 151);
    assert_eq!(project.attini("config show P").code, 2);
}

#[test]
fn the_schema_is_printed() {
    let schema: Value = serde_json::from_str(&Project::of(&[]).attini("config schema").out).expect("JSON");
    assert_eq!(schema, attini_core::config::schema());
}

#[test]
fn cli_case_48_version_and_distribution_tags() {
    let project =
        Project::of(&[("attini-config.json", "{\n  \"distributionName\": \"shop\",\n  \"version\": \"1.0.0\"\n}\n")]);
    let ran = project.attini("configure set-dist-tag --path P --key team --value web");
    assert_eq!((ran.out.as_str(), ran.code), ("Set distribution tag team=web in attini-config\n", 0));
    assert_eq!(project.attini("configure set-version --path P --version 1.1.0").code, 1);
    assert_eq!(project.attini("configure set-version --path P --version 1.0.0").code, 0);
    assert_eq!(project.attini("configure set-version --path P --version 1.1 --override").code, 151);
    let ran = project.attini("configure set-version --path P --version 1.1.0 --override --json");
    let event: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(event["data"]["key"], "version");
    assert_eq!((&event["data"]["value"], &event["data"]["changed"]), (&Value::from("1.1.0"), &Value::from(true)));
    let text = "{\n  \"distributionName\": \"shop\",\n  \"version\": \"1.1.0\",\n  \"distributionTags\": {\n    \"team\": \"web\"\n  }\n}\n";
    assert_eq!(project.read("attini-config.json"), text);
    let ran = project.attini("configure set-version --path P --version 1.2.0 --json");
    assert_eq!(serde_json::from_str::<Value>(&ran.err).expect("JSON")["errorCode"], "ExecutionError");
    assert_eq!(project.attini("configure set-init-deploy-tag --path P -e a/b --key k --value v").code, 151);
}
