//! `attini deploy run --local examples/hello-world`.

use crate::support::TestEnv;

#[test]
fn deploys_and_tells_history_newest_first() {
    let env = TestEnv::new();
    let project = env.project("examples/hello-world");
    let run = env.attini(["deploy", "run", project.to_str().unwrap()]).exits(0);
    assert!(run.stdout.contains("Greet"), "{}", run.stdout);
    env.attini(["deploy", "run", project.to_str().unwrap()]).exits(0);
    let history = env.attini(["deploy", "history", "-n", "hello-world", "--json"]).exits(0).json();
    let entries = history.as_array().unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0]["deploymentTimeUtc"].as_str().unwrap() > entries[1]["deploymentTimeUtc"].as_str().unwrap());
}
