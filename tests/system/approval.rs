//! A run that waits for a person, answered from another terminal.

use attini_core::port::ResourceKind;

use crate::session::Session;
use crate::support::{TestEnv, edit};

const WAITING: &str = "MANUAL APPROVAL NEEDED: Approve";

/// Deploys the example until it waits at its gate.
fn waiting(env: &TestEnv) -> Session {
    let project = env.project("examples/release-gate");
    let mut run = env.start(["deploy", "run", project.to_str().unwrap(), "-i", "1"]);
    run.wait_for(WAITING);
    run
}

const ANSWER: [&str; 7] = ["deploy", "continue", "-n", "release-gate", "-e", "dev", "--step-name"];

#[test]
fn a_second_process_lets_the_run_go_on() {
    let env = TestEnv::new();
    let mut run = waiting(&env);
    let line = run.wait_for("attini deploy continue");
    assert_eq!(line.trim(), "attini deploy continue -n release-gate -e dev --step-name Approve --local");
    assert!(env.find_stack("dev", "dev-release").is_none(), "nothing is released before the answer");
    let words: Vec<&str> = line.split_whitespace().skip(1).collect();
    env.attini(words).exits(0).tells(&["Approved step Approve of release-gate in dev"]);
    run.ends().exits(0).tells(&["✓ Approve", "✓ Release", "SUCCEEDED"]);
    assert!(env.find_stack("dev", "dev-release").is_some());
}

#[test]
fn the_message_is_in_the_payload_as_it_was_written() {
    let env = TestEnv::new();
    let run = waiting(&env);
    let message = r#"it's "fine": {"a": [1]} \ $.output ${HOME} – ja"#;
    env.attini(ANSWER.iter().chain(&["Approve", "-m", message])).exits(0);
    run.ends().exits(0);
    let output = env.output("dev", "release-gate")["output"].take();
    assert_eq!(output["Approve"]["message"], message);
    // Outputs of before are still there.
    assert_eq!(output["UnitTests"]["tests"], 12);
}

#[test]
fn who_approved_is_recorded() {
    let env = TestEnv::new();
    let run = waiting(&env);
    let someone = env.command(ANSWER.iter().chain(&["Approve"])).env("USER", "alice").output().unwrap();
    assert!(someone.status.success());
    run.ends().exits(0);
    let approval = env.record(ResourceKind::ManualApproval, "dev-release-gate-Approve");
    let user = approval["answeredBy"].as_str();
    assert!(user.unwrap_or_default().starts_with("alice@"), "{approval}");
}

#[test]
fn an_aborted_step_fails_with_the_message_and_the_plan_cleans_up() {
    let env = TestEnv::new();
    let run = waiting(&env);
    let done = env.attini(ANSWER.iter().chain(&["Approve", "--abort", "-m", "not on a Friday"])).exits(0);
    done.tells(&["Rejected step Approve of release-gate in dev"]);
    let run = run.ends().exits(1);
    let run = run.tells(&[
        "✗ Approve",
        "ManuallyAborted: not on a Friday",
        "  cleaning up after ManuallyAborted",
        "✓ RemovePreview",
    ]);
    run.complains(&["ReleaseRejected", "the preview was removed, nothing was released"]);
    assert!(env.find_stack("dev", "dev-release-preview").is_none());
    assert!(env.find_stack("dev", "dev-release").is_none());
    assert_eq!(env.history("dev", "release-gate")[0]["outcome"], "FAILED");
}

#[test]
fn an_abort_that_nothing_catches_is_the_cause_of_the_failure() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let gate = "        - Name: Gate\n          Type: AttiniManualApproval\n\n        - Name: Topic\n";
    edit(&project.join("deployment-plan.yaml"), "        - Name: Topic\n", gate);
    let mut run = env.start(["deploy", "run", project.to_str().unwrap()]);
    run.wait_for("MANUAL APPROVAL NEEDED: Gate");
    // The only step that waits needs no name, and one environment no option.
    env.attini(["deploy", "continue", "-n", "hello-world", "--abort", "-m", "too late"]).exits(0);
    let run = run.ends().exits(1);
    run.complains(&["failed in step `Gate`", "ManuallyAborted: too late", "Hint: someone rejected the step"]);
    assert!(env.find_stack("dev", "dev-hello-topic").is_none());
}

#[test]
fn answers_that_nobody_waits_for_are_errors() {
    let env = TestEnv::new();
    let none = env.attini(ANSWER.iter().chain(&["Approve"]));
    none.exits(1).complains(&["does not contain environment = dev"]);
    let run = waiting(&env);
    let wrong = env.attini(ANSWER.iter().chain(&["Aprove"])).exits(151);
    wrong.complains(&["step `Aprove` of release-gate in dev does not wait", "waiting: `Approve`"]);
    let other = env.attini(["deploy", "continue", "-n", "release", "-e", "dev", "--step-name", "Approve"]).exits(151);
    other.complains(&["no step of release in dev waits for an answer"]);
    env.attini(ANSWER.iter().chain(&["Approve"])).exits(0);
    run.ends().exits(0);
    let twice = env.attini(ANSWER.iter().chain(&["Approve"])).exits(151);
    twice.complains(&["no step of release-gate in dev waits for an answer"]);
}

#[test]
fn of_two_answers_one_counts() {
    let env = TestEnv::new();
    let run = waiting(&env);
    let arguments: Vec<&str> = ANSWER.into_iter().chain(["Approve", "-m"]).collect();
    let sessions = ["a", "b", "c", "d"].map(|message| env.start(arguments.iter().chain(&[message])));
    let codes = sessions.map(|session| session.ends().code);
    run.ends().exits(0);
    let taken = codes.iter().filter(|code| **code == 0).count();
    assert_eq!(taken, 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| **code == 151).count(), 3, "{codes:?}");
}

#[test]
fn describe_from_another_terminal_follows_to_the_same_end() {
    let env = TestEnv::new();
    let run = waiting(&env);
    let mut other = env.start(["deploy", "describe", "-n", "release-gate", "-e", "dev"]);
    other.wait_for(WAITING);
    let list = env.attini(["deploy", "history", "-n", "release-gate", "--json"]).exits(0).json();
    assert_eq!(list[0]["outcome"], "RUNNING");
    env.attini(ANSWER.iter().chain(&["Approve"])).exits(0);
    run.ends().exits(0).tells(&["✓ Release"]);
    other.ends().exits(0).tells(&["✓ Approve", "✓ Release", "SUCCEEDED"]);
}

#[test]
fn a_run_that_is_not_followed_says_how_to_and_waits_by_itself() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    let run = env.deploy(&project, "1", &["--dont-follow"]).exits(0);
    let line = run.line("Follow the deployment: ").replace("Follow the deployment: ", "");
    assert_eq!(line, "attini deploy describe -n release-gate -e dev -i 1 --local");
    let mut other = env.start(line.split_whitespace().skip(1));
    other.wait_for(WAITING);
    env.attini(ANSWER.iter().chain(&["Approve"])).exits(0);
    other.ends().exits(0);
}
