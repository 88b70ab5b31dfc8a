//! Following on a terminal, in a pipe, twice at once, and not any more.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::screen::Screen;
use crate::support::TestEnv;

const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Both
          Type: Parallel
          Branches:
            - - Name: BuildTheWholeThing
                Type: AttiniRunnerJob
                Properties:
                  Commands:
                    - for i in 1 2 3; do echo part $i of the whole thing, which is a line longer than forty columns; sleep 0.3; done
            - - Name: TestTheWholeThing
                Type: AttiniRunnerJob
                Properties:
                  Commands:
                    - for i in 1 2 3; do echo 測試測試測試測試測試測試測試測試測試測試測試測試測試 $i; sleep 0.1; done
        - Name: ApproveTheRelease
          Type: AttiniManualApproval
        - Name: Announce
          Type: AttiniRunnerJob
          Properties:
            Commands: [echo it is out]
";

const ANSWER: [&str; 8] = ["deploy", "continue", "-n", "release", "-e", "dev", "--step-name", "ApproveTheRelease"];

fn project(env: &TestEnv) -> PathBuf {
    let project = env.work().join("release");
    fs::create_dir_all(&project).unwrap();
    let config = "distributionName: release\ndistributionId: one\ninitDeployConfig:\n  template: plan.yaml\n  \
                  stackName: ${environment}-release\n";
    fs::write(project.join("attini-config.yaml"), config).unwrap();
    fs::write(project.join("plan.yaml"), PLAN).unwrap();
    project
}

#[test]
fn ctrl_c_ends_following_and_not_the_deployment() {
    let env = TestEnv::new();
    let project = project(&env);
    let run = env.spawn(["deploy", "run", project.to_str().unwrap()]);
    assert!(run.line(|line| line.contains("MANUAL APPROVAL NEEDED")).is_some());
    let beside = env.spawn(["deploy", "describe", "-n", "release"]);
    assert!(beside.line(|line| line.contains("MANUAL APPROVAL NEEDED")).is_some());
    run.signal(Signal::INT);
    let run = run.ended().exits(130);
    assert!(run.stdout.ends_with("Stopped following; the deployment goes on\n"), "{}", run.stdout);
    let again = "attini deploy describe -n release -e dev -i one --local";
    assert_eq!(run.stderr.trim_end(), format!("Hint: follow it again: {again}"));
    env.run(ANSWER).exits(0);
    let beside = beside.ended().exits(0);
    assert!(beside.stdout.contains("it is out"), "{}", beside.stdout);
    // What is told afterwards is the same as what was told meanwhile.
    let after = env.run(again.split(' ').skip(1)).exits(0);
    for text in ["✓ BuildTheWholeThing", "✓ ApproveTheRelease", "it is out", "status: SUCCEEDED"] {
        assert!(after.stdout.contains(text), "no {text:?} in\n{}", after.stdout);
    }
    // Nobody wrote the step that merges the outputs of `Both`.
    assert!(!after.stdout.contains("Both-Merge"), "{}", after.stdout);
}

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let env = TestEnv::new();
    let project = project(&env);
    let run = env.spawn(["deploy", "run", project.to_str().unwrap()]);
    assert!(run.line(|line| line.contains("MANUAL APPROVAL NEEDED")).is_some());
    env.run(ANSWER).exits(0);
    let run = run.ended().exits(0);
    for text in [&run.stdout, &run.stderr] {
        assert!(!text.contains(['\u{1b}', '\r']), "{text:?}");
    }
    assert!(!run.stdout.contains('⠹'), "{}", run.stdout);
}

/// Deploys on a screen, answers from a second one, and returns what stands on the first one in the end.
fn on_a_screen(columns: u32, rows: u32) -> Option<String> {
    let env = TestEnv::new();
    let project = project(&env);
    let first = Screen::of(&env, columns, rows)?;
    let program = env!("CARGO_BIN_EXE_attini");
    first.types(&[&format!("clear; {program} deploy run {}; echo exit code $?", project.display()), "Enter"]);
    // The line that shows what runs, in the middle of everything.
    first.shows(" BuildTheWholeThing 0s");
    first.shows("--step-name");
    first.shows(" ApproveTheRelease 1s");
    first.types(&["C-c"]);
    first.shows("exit code 130");
    assert!(!first.text().contains(" ApproveTheRelease 1s"), "{}", first.text());
    first.types(&[&format!("clear; {program} deploy describe -n release; echo exit code $?"), "Enter"]);
    first.shows(" ApproveTheRelease 2s");
    env.run(ANSWER).exits(0);
    first.shows("exit code 0");
    Some(first.text())
}

#[test]
fn a_terminal_of_any_width_stays_readable() {
    for (columns, rows) in [(100, 30), (40, 20)] {
        let Some(text) = on_a_screen(columns, rows) else {
            println!("not run: there is no tmux here");
            return;
        };
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        for line in ["→ Announce", "  it is out", "exit code 0"] {
            assert!(lines.contains(&line), "{columns} columns, no {line:?}:\n{text}");
        }
        // What was only true while it ran is gone.
        assert!(!text.chars().any(|c| ('⠀'..='⣿').contains(&c)), "{columns} columns:\n{text}");
    }
}
