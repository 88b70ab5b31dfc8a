//! Unit tests of plans, as people and CI systems run them.

use std::fs;
use std::path::Path;

use crate::support::{TestEnv, edit, repository};

const EXAMPLES: [&str; 2] = ["examples/release-gate", "examples/network-and-app"];

#[test]
fn the_cases_of_the_examples_pass_and_reach_everything() {
    let env = TestEnv::new();
    for example in EXAMPLES {
        let project = env.project(example);
        let report = env.work().join("report.xml");
        let options = ["--min-coverage", "100", "--deny-unused", "--junit", report.to_str().unwrap()];
        let run = env.attini(["plan", "test", project.to_str().unwrap()].iter().chain(&options)).exits(0);
        assert_eq!(run.stderr, "");
        let run = run.tells(&["  ✓ ", "100 %", "0 failed"]);
        assert!(!run.stdout.contains("✗") && !run.stdout.contains("not reached"), "{}", run.stdout);
        let text = fs::read_to_string(&report).unwrap();
        assert!(text.starts_with("<?xml ") && text.contains("failures=\"0\" errors=\"0\""), "{text}");
    }
    // No environment and no home were needed.
    assert!(fs::read_dir(env.home()).unwrap().next().is_none());
}

#[test]
fn the_cases_of_the_examples_are_not_in_their_zips() {
    let env = TestEnv::new();
    for example in EXAMPLES {
        let project = env.project(example);
        env.attini(["distribution", "package", project.to_str().unwrap()]).exits(0);
        let zip = fs::read_dir(project.join("attini_dist")).unwrap().find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|extension| extension == "zip").then_some(path)
        });
        let bytes = fs::read(zip.unwrap()).unwrap();
        let holds = |name: &str| bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(holds("deployment-plan.yaml") && !holds("attini-tests"), "{example}");
    }
}

#[test]
fn a_changed_plan_fails_its_cases_with_the_place_of_the_expectation() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    edit(&project.join("deployment-plan.yaml"), "Stage: live", "Stage: preview");
    let run = env.attini(["plan", "test", "release-gate"]).exits(1);
    let run = run.tells(&[
        "  ✗ what was approved is released",
        "      release-gate/attini-tests/release.yaml:22:87: expect.stacks.Release.parameters.Stage",
        "        expected: \"live\"",
        "        actual:   \"preview\"",
        "5 cases: 4 passed, 1 failed",
    ]);
    assert_eq!(run.stderr, "");
    let run = env.attini(["plan", "test", "release-gate", "--json", "--filter", "approved"]).exits(1);
    let found = run.json();
    assert_eq!((&found["passed"], &found["failed"]), (&0.into(), &1.into()), "{found:#}");
    let mismatch = &found["cases"][0]["mismatches"][0];
    assert_eq!((&mismatch["at"]["line"], &mismatch["actual"]), (&22.into(), &"\"preview\"".into()), "{mismatch:#}");
    assert!(found["coverage"]["percent"].as_u64().unwrap() < 100);
}

#[test]
fn exit_codes_tell_what_is_wrong() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    let cases = project.join("attini-tests/environments.yaml");
    let test = ["plan", "test", "network-and-app"];
    env.attini(test.iter().chain(&["--filter", "nothing like it"]))
        .exits(151)
        .complains(&["no case has `nothing like it`"]);
    let few = env.attini(test.iter().chain(&["--filter", "without a network", "--min-coverage", "50"]));
    few.exits(1).complains(&["the cases go through 14 % of the steps and branches, 50 % are wanted"]);
    let text = fs::read_to_string(&cases).unwrap();
    fs::write(&cases, text.replace("notVisited", "notVisitd").replace("path: [Network]", "pth: [Network]")).unwrap();
    env.attini(test).exits(151).complains(&["environments.yaml:", "did you mean `path`?"]);
    fs::write(&cases, text.replace("Announce: {output: done}", "Anounce: {output: done}")).unwrap();
    env.attini(test).exits(151).complains(&["the plan has no step `Anounce`", "did you mean `Announce`?"]);
    fs::write(project.join("attini-config.yaml"), "distributionNam: x\n").unwrap();
    env.attini(test).exits(155);
    fs::remove_dir_all(project.join("attini-tests")).unwrap();
    edit(&project.join("attini-config.yaml"), "distributionNam", "distributionName");
    env.attini(test).exits(151).complains(&["there are no files of cases", "attini-tests/plan.yaml"]);
}

/// Records the only deployment of a project, and returns the text of the case.
#[track_caller]
fn record(env: &TestEnv, project: &Path) -> String {
    let file = project.join("attini-tests/recorded.yaml");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let words = ["plan", "test", project.to_str().unwrap(), "--record", file.to_str().unwrap()];
    env.attini(words).exits(0).tells(&["Recorded `deployment 1 to dev` in "]);
    env.attini(words).exits(151).complains(&["cannot write", "name a new file"]);
    let text = fs::read_to_string(&file).unwrap();
    let run =
        env.attini(["plan", "test", project.to_str().unwrap(), "--cases", file.to_str().unwrap(), "--deny-unused"]);
    assert_eq!(run.code, 0, "{}{}\n{text}", run.stdout, run.stderr);
    text
}

#[test]
fn a_recorded_deployment_passes_at_once() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    env.deploy(&project, "1", &[]).exits(0);
    let text = record(&env, &project);
    for part in ["SmokeTest:", "result: a small one is up", "Range: 10.0.0.0/16", "status: SUCCEEDED"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn a_recorded_rejection_passes_at_once_and_holds_no_secret() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    let plan = project.join("deployment-plan.yaml");
    let key = "Stage: preview\n                        ApiKey: k3y-of-the-house\n";
    edit(&plan, "Stage: preview\n", key);
    edit(&plan, "- bash scripts/unit-tests.sh", "- echo k3y-of-the-house | tee ${ATTINI_OUTPUT}");
    edit(
        &project.join("stacks/site.yaml"),
        "Parameters:\n",
        "Parameters:\n  ApiKey: {Type: String, NoEcho: true, Default: none}\n",
    );
    let mut run = env.start(["deploy", "run", project.to_str().unwrap(), "-i", "1"]);
    run.wait_for("MANUAL APPROVAL NEEDED: Approve");
    let answer = ["deploy", "continue", "-n", "release-gate", "-e", "dev", "--abort", "-m", "no"];
    env.attini(answer).exits(0);
    let run = run.ends().exits(1);
    assert!(run.stdout.contains("k3y-of-the-house"), "the job prints it: {}", run.stdout);
    let text = record(&env, &project);
    assert!(!text.contains("k3y-of-the-house") && text.contains("****"), "{text}");
    assert!(!text.to_lowercase().contains("token"), "{text}");
    for part in ["reject: \"no\"", "error: ReleaseRejected", "approvals:"] {
        assert!(text.contains(part), "no {part:?} in\n{text}");
    }
}

#[test]
fn the_page_shows_real_cases() {
    let page = fs::read_to_string(repository().join("docs/plan-tests.md")).unwrap();
    let cases = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let env = TestEnv::new();
    env.project("examples/release-gate");
    let file = env.work().join("cases.yaml");
    fs::write(&file, cases).unwrap();
    env.attini(["plan", "test", "release-gate", "--cases", "cases.yaml"]).exits(0).tells(&["0 failed"]);
}
