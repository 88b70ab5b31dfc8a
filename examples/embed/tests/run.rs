//! Builds and runs the example on a copy of `hello-world`, in an environment that keeps the rule and in one that breaks it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(environment: &str) -> (Output, String) {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let project = directory.path().join("hello-world");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../hello-world"), &project);
    let output = Command::new(env!("CARGO_BIN_EXE_attini-example-embed"))
        .args([project.as_path(), environment.as_ref(), &directory.path().join("home")])
        .output()
        .expect("the example runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output, text)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("the file can be copied");
        }
    }
}

#[test]
fn stacks_that_keep_the_rule_are_deployed() {
    let (output, text) = run("team-a");
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains(r#"Greet (AttiniRunnerJob): {"greeting":"Hello from hello-world in team-a"}"#), "{text}");
    assert!(text.contains(r#"Topic (AttiniCfn): {"TopicName":"team-a-hello""#), "{text}");
}

#[test]
fn a_stack_that_breaks_the_rule_fails_the_deployment_by_name() {
    let (output, text) = run("dev");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text.contains("FAILED: NamingRule"), "{text}");
    assert!(text.contains("stack dev-hello-topic is refused"), "{text}");
    assert!(!text.contains("Check"), "{text}");
}
