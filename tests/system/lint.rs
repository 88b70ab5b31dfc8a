//! `attini plan lint`: what it says of real projects, and to whom.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, TestEnv, repository};

/// Findings in projects as users have them, with the reason why they stay.
const KNOWN: &[(&str, &[&str], &str)] =
    &[("16-manual-approval", &["AT075"], "nobody set a time for the approval, and the plan is deployed unchanged")];

fn codes(run: &Run) -> Vec<String> {
    let json = run.json();
    let findings = json["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

/// Puts what a project's commands make where they would.
fn synthesize(project: &Path, name: &str) {
    let made = repository().join("tests/fixtures/synth").join(name);
    if !made.is_dir() {
        return;
    }
    let config = fs::read_to_string(project.join("attini-config.yaml")).unwrap();
    let template = config.lines().find_map(|line| line.trim().strip_prefix("template:")).unwrap();
    let target = project.join(template.trim().trim_matches(['"', '\'']).trim_start_matches('/'));
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    for entry in fs::read_dir(&made).unwrap() {
        let file = entry.unwrap();
        match file.file_name().to_str().unwrap() {
            "stdout.yaml" | "DeploymentPlanStack.template.json" => fs::copy(file.path(), &target).map(drop).unwrap(),
            other => {
                fs::create_dir_all(project.join("cdk.out")).unwrap();
                fs::copy(file.path(), project.join("cdk.out").join(other)).map(drop).unwrap();
            }
        }
    }
}

#[test]
fn real_projects_have_no_findings_but_those_that_are_known() {
    let env = TestEnv::new();
    let known: BTreeMap<&str, &[&str]> = KNOWN.iter().map(|(name, codes, _)| (*name, *codes)).collect();
    let mut wrong = String::new();
    let mut count = 0;
    for folder in ["tests/fixtures/projects", "examples"] {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if !path.join("attini-config.yaml").is_file() {
                continue;
            }
            count += 1;
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let project = env.project(&format!("{folder}/{name}"));
            synthesize(&project, &name);
            let run = env.attini(["plan", "lint", project.to_str().unwrap(), "--json"]);
            let found = codes(&run);
            if found != known.get(name.as_str()).copied().unwrap_or_default() {
                wrong += &format!("{name}: {found:?}\n{}\n", run.stdout);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 22, "{count} projects");
}

#[test]
fn a_folder_its_configuration_its_template_and_its_zip_are_read() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    let plan = project.join("deployment-plan.yaml");
    let text = fs::read_to_string(&plan).unwrap();
    fs::write(&plan, text.replace("$.output.Network.VpcId", "$.output.Network.VpcID")).unwrap();
    env.attini(["package", project.to_str().unwrap()]).exits(0);
    let zip = project.join("attini_dist").read_dir().unwrap().map(|entry| entry.unwrap().path());
    let zip = zip.into_iter().find(|path| path.extension().is_some_and(|it| it == "zip")).unwrap();
    for path in [&project, &project.join("attini-config.yaml"), &zip] {
        let run = env.attini(["plan", "lint", path.to_str().unwrap()]).exits(1);
        run.tells(&[
            "error[AT024 unknown-output-key]",
            "did you mean `VpcId`?",
            "= see: attini plan lint --explain AT024",
            "Failed: 1 error,",
        ]);
    }
    // Of a template alone nobody knows the outputs of its stacks.
    env.attini(["plan", "lint", plan.to_str().unwrap()])
        .exits(0)
        .tells(&["Passed: 0 errors, 0 warnings, 0 notes in 1 file"]);
}

#[test]
fn the_level_that_fails_and_the_level_that_is_shown() {
    let env = TestEnv::new();
    let project = env.project("tests/fixtures/projects/16-manual-approval");
    let path = project.to_str().unwrap();
    env.attini(["plan", "lint", path, "--deny", "warnings"]).exits(0);
    env.attini(["plan", "lint", path, "--deny", "note"])
        .exits(1)
        .tells(&["note[AT075 approval-without-timeout]", "Failed"]);
    let run = env.attini(["plan", "lint", path, "--level", "warning", "--json"]).exits(0);
    assert_eq!(codes(&run), Vec::<String>::new());
}

#[test]
fn reports_for_other_programs() {
    let env = TestEnv::new();
    let project = env.project("tests/fixtures/projects/16-manual-approval");
    let path = project.to_str().unwrap();
    let sarif: Value = env.attini(["plan", "lint", path, "--format", "sarif"]).exits(0).json();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "AT075");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "deployment-plan.yaml");
    let junit = env.attini(["plan", "lint", path, "--format", "junit", "--deny", "note"]).exits(1);
    assert!(junit.stdout.starts_with("<?xml") && junit.stdout.contains("failures=\"1\""), "{}", junit.stdout);
    assert!(junit.stderr.is_empty(), "{}", junit.stderr);
}

#[test]
fn rules_are_listed_and_explained() {
    let env = TestEnv::new();
    env.attini(["plan", "lint", "--rules"]).exits(0).tells(&["AT012 warning choice-without-default"]);
    let rules = env.attini(["plan", "lint", "--rules", "--json"]).exits(0).json();
    assert!(rules.as_array().unwrap().len() >= 25);
    for rule in ["AT012", "choice-without-default"] {
        env.attini(["plan", "lint", "--explain", rule])
            .exits(0)
            .tells(&["# AT012 choice-without-default", "## Fires on"]);
    }
    env.attini(["plan", "lint", "--explain", "AT999"]).exits(151).complains(&["there is no rule `AT999`", "--rules"]);
    env.attini(["plan", "lint", "nowhere"]).exits(151).complains(&["cannot read nowhere"]);
    let folder = env.project("examples/hello-world/scripts");
    env.attini(["plan", "lint", folder.to_str().unwrap()]).exits(1).tells(&["error[AT002 invalid-config]"]);
}
