//! `attini deploy history`: newest first, with how each deployment ended.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::TestEnv;

#[test]
fn it_is_newest_first_with_id_version_time_outcome_and_who() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    env.deploy(&project, "1", &["-v", "1.0.0"]).exits(0);
    env.deploy(&project, "2", &["-v", "1.1.0"]).exits(0);
    fs::write(project.join("scripts/greet.sh"), "exit 3\n").unwrap();
    env.deploy(&project, "3", &["-v", "1.2.0"]).exits(1);

    let entries = env.history("dev", "hello-world");
    let column =
        |key: &str| -> Vec<String> { entries.iter().map(|entry| entry[key].as_str().unwrap().to_owned()).collect() };
    assert_eq!(column("distributionId"), ["3", "2", "1"]);
    assert_eq!(column("version"), ["1.2.0", "1.1.0", "1.0.0"]);
    assert_eq!(column("outcome"), ["FAILED", "SUCCEEDED", "SUCCEEDED"]);
    assert!(column("userIdentity").iter().all(|user| user.starts_with("tester@")), "{:?}", column("userIdentity"));
    let times = column("deploymentTimeUtc");
    assert!(times[0] > times[1] && times[1] > times[2], "{times:?}");

    let text = env.attini(["deploy", "history", "-n", "hello-world"]).exits(0).stdout;
    let lines = |key: &str| -> Vec<&str> {
        text.lines().filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix(key)).collect()
    };
    assert_eq!(lines("version: "), ["\"1.2.0\"", "\"1.1.0\"", "\"1.0.0\""]);
    assert_eq!(lines("outcome: "), ["FAILED", "SUCCEEDED", "SUCCEEDED"]);
    assert_eq!((lines("userIdentity: ").len(), lines("deploymentTime: ").len()), (3, 3));
    let newest = env.attini(["deploy", "history", "-n", "hello-world", "-o", "1", "--json"]).exits(0).json();
    assert_eq!((newest.as_array().unwrap().len(), &newest[0]["distributionId"]), (1, &"3".into()));
}

#[test]
fn a_distribution_without_history_is_said_or_an_empty_list() {
    let env = TestEnv::new();
    env.attini(["environment", "create", "dev", "--env-type", "test"]).exits(0);
    let run = env.attini(["deploy", "history", "-n", "shop"]).exits(0);
    run.tells(&["No distribution with name shop found in dev"]);
    assert_eq!(env.history("dev", "shop"), Vec::<Value>::new());
}

#[test]
fn a_deployment_that_was_replaced_is_aborted_and_names_by_whom() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    let mut first = env.start(["deploy", "run", project.to_str().unwrap(), "-i", "1"]);
    first.wait_for("MANUAL APPROVAL NEEDED");
    let mut second = env.start(["deploy", "run", project.to_str().unwrap(), "-i", "2"]);
    second.wait_for("MANUAL APPROVAL NEEDED");
    first.ends().exits(1).complains(&["ABORTED", "2"]);
    env.attini(["deploy", "continue", "-n", "release-gate"]).exits(0);
    second.ends().exits(0);
    let outcomes: Vec<_> = env.history("dev", "release-gate").iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes, ["SUCCEEDED", "ABORTED"]);
    env.attini(["deploy", "history", "-n", "release-gate"]).exits(0).tells(&["outcome: ABORTED"]);
}

#[test]
fn a_deployment_whose_worker_died_is_interrupted() {
    let env = TestEnv::new();
    let project = env.project("examples/release-gate");
    let mut run = env.start(["deploy", "run", project.to_str().unwrap(), "-i", "1"]);
    run.wait_for("MANUAL APPROVAL NEEDED");
    let worker = i32::try_from(env.workers()[0]).unwrap();
    kill_process(Pid::from_raw(worker).unwrap(), Signal::KILL).unwrap();
    // The worker's lease goes with it, a moment later.
    let deadline = Instant::now() + Duration::from_secs(30);
    let outcome = loop {
        let outcome = env.history("dev", "release-gate")[0]["outcome"].clone();
        if outcome != "RUNNING" || Instant::now() > deadline {
            break outcome;
        }
    };
    assert_eq!(outcome, "INTERRUPTED");
    env.attini(["deploy", "history", "-n", "release-gate"]).exits(0).tells(&["outcome: INTERRUPTED"]);
    run.ends().exits(1).complains(&["interrupted", "died", "attini deploy resume -n release-gate -e dev"]);
    env.attini(["deploy", "describe", "-n", "release-gate"]).exits(1).complains(&[
        "interrupted",
        "died",
        "attini deploy resume -n release-gate -e dev",
    ]);
}
