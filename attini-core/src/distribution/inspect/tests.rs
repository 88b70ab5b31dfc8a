#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::distribution::Limits;

/// Reads a zip as other tools make it: no manifest, no directories.
pub(in crate::distribution) fn inspected(files: &[(&str, &str)]) -> Result<Inspection, InspectError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        let mode = if path.ends_with(".sh") { 0o755 } else { 0o644 };
        zip.start_file(*path, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let mut archive = Archive::open(zip.finish().unwrap(), &Limits::default()).unwrap();
    Inspection::read(&mut archive)
}

pub(in crate::distribution) const CONFIG: &str = r"
distributionName: shop
distributionId: 0123
version: 1.4.0
distributionTags: {team: web}
dependencies: [{distributionName: network, version: ^1.2.0}, {distributionName: users}]
initDeployConfig:
  template: /deploy/plan.yaml
  stackName: ${environment}-shop
  parameters:
    default: {Size: '1', Domain: example.org, Note: x}
    prod: {Size: '3', Note: null}
";

pub(in crate::distribution) const PLAN: &str = r"
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DefaultRunner: Runner
      DeploymentPlan:
        - Name: Build
          Type: AttiniRunnerJob
          Properties: {Commands: [make]}
        - Name: Both
          Type: Parallel
          Branches:
            - [{Name: One, Type: AttiniCfn, Properties: {Template: /a.yaml, StackName: a}}]
            - [{Name: Two, Type: Pass}]
        - Name: Ask
          Type: AttiniManualApproval
";

#[test]
fn everything_a_person_wants_to_know() {
    let found = inspected(&[("attini-config.yaml", CONFIG), ("deploy/plan.yaml", PLAN), ("run.sh", "true")]).unwrap();
    let mut json = found.to_json("unsigned");
    let files = json.as_object_mut().unwrap().remove("files").unwrap();
    assert_eq!(json["digest"], found.content.digest);
    json["digest"] = "D".into();
    insta::assert_snapshot!(format!("{json:#}"), @r#"
    {
      "distributionId": "0123",
      "distributionName": "shop",
      "distributionTags": {
        "team": "web"
      },
      "version": "1.4.0",
      "dependencies": [
        {
          "distributionName": "network",
          "version": "^1.2.0"
        },
        {
          "distributionName": "users"
        }
      ],
      "parameters": {
        "default": {
          "Domain": "example.org",
          "Note": "x",
          "Size": "1"
        },
        "prod": {
          "Domain": "example.org",
          "Note": null,
          "Size": "3"
        }
      },
      "plans": [
        {
          "template": "deploy/plan.yaml",
          "plan": "Plan",
          "steps": [
            {
              "name": "Build",
              "type": "AttiniRunnerJob"
            },
            {
              "name": "Both",
              "type": "Parallel",
              "branches": [
                [
                  {
                    "name": "One",
                    "type": "AttiniCfn"
                  }
                ],
                [
                  {
                    "name": "Two",
                    "type": "Pass"
                  }
                ]
              ]
            },
            {
              "name": "Ask",
              "type": "AttiniManualApproval"
            }
          ]
        }
      ],
      "digest": "D",
      "manifest": "no manifest",
      "signature": "unsigned",
      "fileCount": 3,
      "bytes": 843
    }
    "#);
    let sizes: Vec<_> =
        files.as_array().unwrap().iter().map(|file| format!("{} {}", file["path"], file["mode"])).collect();
    assert_eq!(sizes, ["\"deploy/plan.yaml\" \"0644\"", "\"attini-config.yaml\" \"0644\"", "\"run.sh\" \"0755\""]);
}

#[test]
fn a_json_configuration_and_no_plan() {
    let found = inspected(&[("attini-config.json", r#"{"distributionName": "a"}"#)]).unwrap().to_json("unsigned");
    let keys: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).take(3).collect();
    assert_eq!(keys, ["distributionId", "distributionName", "distributionTags"]);
    assert_eq!(found["distributionId"], Value::Null);
    assert!(found.get("version").is_none());
    assert_eq!(found["plans"], json!([]));
}

#[test]
fn the_template_may_depend_on_the_environment() {
    let config = "distributionName: a\ninitDeployConfig: {template: '${environment}.yaml', stackName: s, \
                  parameters: {default: {A: '1'}, dev: {}, prod: {}}}\n";
    let found = inspected(&[("attini-config.yaml", config), ("dev.yaml", PLAN)]).unwrap();
    let paths: Vec<_> = found.templates.iter().map(|template| template.path.as_str()).collect();
    assert_eq!(paths, ["dev.yaml", "prod.yaml"]);
    assert!(found.templates[0].plans.is_ok());
    let problem = found.templates[1].plans.as_ref().unwrap_err();
    assert_eq!(problem, "the zip archive holds no file `prod.yaml`");
}

#[test]
fn configurations_that_cannot_be_used() {
    for (text, expected) in [("distributionId: a\n", "distributionName"), ("distributionName: a b\n", "a b")] {
        let Err(InspectError::Config(problems)) = inspected(&[("attini-config.yaml", text)]) else { panic!("{text}") };
        assert!(problems.to_string().contains(expected), "{problems}");
    }
    let several = [("attini-config.yaml", ""), ("attini-config.json", "")];
    let error = inspected(&several).unwrap_err();
    assert!(matches!(error, InspectError::Archive(ArchiveError::SeveralConfigs { .. })), "{error:?}");
}
