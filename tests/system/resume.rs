//! `deploy resume` after a failed step.

use serde_json::json;

use crate::support::TestEnv;

const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: First
          Type: AttiniRunnerJob
          Properties: {Commands: [echo first >> @NOTES@, 'echo 1 > $ATTINI_OUTPUT']}
        - Name: Both
          Type: Parallel
          Branches:
            - - Name: Fine
                Type: AttiniRunnerJob
                Properties: {Commands: [echo fine >> @NOTES@, 'touch @NOTES@-fine']}
            - - Name: Broken
                Type: AttiniRunnerJob
                Properties: {Commands: ['until [ -e @NOTES@-fine ]; do sleep 0.01; done; sleep 0.2', echo broken >> @NOTES@, '[ -e @NOTES@-go ]']}
        - Name: Last
          Type: AttiniRunnerJob
          Properties: {Commands: [echo last >> @NOTES@]}
";

/// A project whose second step fails until it is let go.
fn failed() -> (TestEnv, std::path::PathBuf) {
    let env = TestEnv::new();
    let project = env.work().join("shop");
    let notes = env.work().join("notes");
    std::fs::create_dir(&project).unwrap();
    let config = "distributionName: shop\ninitDeployConfig: {template: plan.yaml, stackName: shop}\n";
    std::fs::write(project.join("attini-config.yaml"), config).unwrap();
    std::fs::write(project.join("plan.yaml"), PLAN.replace("@NOTES@", notes.to_str().unwrap())).unwrap();
    env.deploy(&project, "1", &[]).exits(1).complains(&["Broken"]);
    (env, notes)
}

fn ran(notes: &std::path::Path) -> Vec<String> {
    let mut ran: Vec<_> = std::fs::read_to_string(notes).unwrap().lines().map(str::to_owned).collect();
    ran.sort_unstable();
    ran
}

#[test]
fn a_failed_step_runs_again_and_what_succeeded_stays() {
    let (env, notes) = failed();
    assert_eq!(ran(&notes), ["broken", "fine", "first"]);
    env.attini(["deploy", "resume", "-n", "shop"]).exits(1).complains(&["Broken"]);
    std::fs::write(notes.with_file_name("notes-go"), "").unwrap();
    let run = env.attini(["deploy", "resume", "-n", "shop", "-e", "dev"]).exits(0);
    run.line("Deployment plan finished with status: SUCCEEDED");
    assert_eq!(ran(&notes), ["broken", "broken", "broken", "fine", "first", "last"]);
    assert_eq!(env.output("dev", "shop")["output"]["First"], json!(1));
    let entry = env.history("dev", "shop").remove(0);
    assert_eq!(entry["outcome"], "SUCCEEDED");
    assert_eq!(entry["resumptions"].as_array().unwrap().len(), 2, "{entry}");
    env.attini(["deploy", "resume", "-n", "shop"]).exits(1).complains(&["it has succeeded"]);
}

#[test]
fn a_failed_step_is_skipped_only_with_a_reason() {
    let (env, notes) = failed();
    let skip = ["deploy", "resume", "-n", "shop", "--skip", "Broken"];
    let refused = env.attini(skip);
    assert!(refused.code != 0 && refused.stderr.contains("--reason"), "{}", refused.stderr);
    env.attini(skip.iter().chain(&["--reason", "the shop is closed"])).exits(0);
    assert_eq!(ran(&notes), ["broken", "fine", "first", "last"]);
    let told = "step Broken was skipped by tester@";
    let described = env.attini(["deploy", "describe", "-n", "shop"]).exits(0);
    assert!(format!("{}{}", described.stdout, described.stderr).contains(told), "{}", described.stdout);
    let entry = env.history("dev", "shop").remove(0);
    assert_eq!(entry["resumptions"][0]["skipped"], "Broken", "{entry}");
    assert_eq!(entry["resumptions"][0]["reason"], "the shop is closed", "{entry}");
}

#[test]
fn a_deployment_begins_again_at_an_earlier_step() {
    let (env, notes) = failed();
    std::fs::write(notes.with_file_name("notes-go"), "").unwrap();
    env.attini(["deploy", "resume", "-n", "shop", "--from", "Nowhere"]).exits(1).complains(&["no step Nowhere"]);
    env.attini(["deploy", "resume", "-n", "shop", "--from", "First"]).exits(0);
    assert_eq!(ran(&notes), ["broken", "broken", "fine", "fine", "first", "first", "last"]);
}
