//! The examples, as their READMEs tell to use them. `embed` has its tests beside it.

use std::fs;
use std::path::{Path, PathBuf};

use attini_core::document::Document;

use crate::support::{Run, TestEnv, edit, repository};

/// Copies an example to where the commands of its README look for it.
fn example(env: &TestEnv, name: &str) -> PathBuf {
    let copy = env.project(&format!("examples/{name}"));
    let folder = env.work().join("examples");
    fs::create_dir_all(&folder).unwrap();
    let target = folder.join(name);
    fs::rename(copy, &target).unwrap();
    target
}

/// Returns the command lines of the README, without the program's name.
fn commands(name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(repository().join("examples").join(name).join("README.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("attini "));
    let words = |line: &str| {
        let line = line.split(" #").next().unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    lines.map(words).collect()
}

/// Runs what the README prints, in order.
fn run_readme(env: &TestEnv, name: &str) -> Vec<Run> {
    let commands = commands(name);
    assert!(commands.len() > 1, "{commands:?}");
    commands.iter().map(|words| env.attini(words).exits(0)).collect()
}

fn is_deployed(env: &TestEnv, stack: &str) -> bool {
    env.find_stack(stack.split('-').next().unwrap(), stack).is_some()
}

#[test]
fn hello_world_as_its_readme_says() {
    let env = TestEnv::new();
    let project = example(&env, "hello-world");
    let runs = run_readme(&env, "hello-world");
    assert!(runs[0].stdout.contains("Created environment dev of type test"));
    assert_eq!(runs[2].stdout.matches("outcome: SUCCEEDED").count(), 2, "{}", runs[2].stdout);
    assert!(runs[3].stdout.contains("greeting: Hello from hello-world in dev"), "{}", runs[3].stdout);

    let stack = env.stack("dev", "dev-hello-topic").id;
    edit(&project.join("topic.yaml"), "DisplayName: !Ref Greeting", "DisplayName: another one");
    let run = env.attini(["deploy", "run", "examples/hello-world"]).exits(0);
    run.tells(&["  UPDATE_COMPLETE Topic", "  UPDATE_COMPLETE dev-hello-topic"]);
    assert_eq!(env.stack("dev", "dev-hello-topic").id, stack);

    fs::write(project.join("scripts/greet.sh"), "exit 3\n").unwrap();
    let run = env.attini(["deploy", "run", "examples/hello-world"]).exits(1);
    assert!(!run.stdout.contains("→ Topic"), "{}", run.stdout);
    run.complains(&["failed in step `Greet`", "code 3"]);
}

#[test]
fn network_and_app_as_its_readme_says() {
    let env = TestEnv::new();
    let project = example(&env, "network-and-app");
    let runs = run_readme(&env, "network-and-app");
    assert!(runs[0].stdout.contains("✓ SmokeTest") && !runs[0].stdout.contains("Announce"), "{}", runs[0].stdout);
    assert!(runs[1].stdout.contains("✓ Announce") && !runs[1].stdout.contains("SmokeTest"), "{}", runs[1].stdout);
    for text in ["Range: 10.100.0.0/16", "Size: large", "Cpu: \"2048\"", "result: production runs on prod-app"] {
        assert!(runs[2].stdout.contains(text), "no {text:?} in {}", runs[2].stdout);
    }
    for text in ["environment: dev", "environment: prod"] {
        assert!(runs[3].stdout.contains(text), "no {text:?} in {}", runs[3].stdout);
    }
    // Both files of the stacks extend the same one; what a step says wins over a file.
    for (stack, layer) in [("prod-network", "network"), ("prod-app", "app")] {
        let found = env.stack("prod", stack);
        let tags = ["team", "managed-by", "layer"].map(|tag| found.tags[tag].as_str());
        assert_eq!((tags, found.termination_protection), (["platform", "attini", layer], false));
    }
    assert_eq!(env.stack("prod", "prod-network").parameters["Range"], "10.100.0.0/16");

    let before = env.stack("dev", "dev-network");
    edit(&project.join("app/app-config.yaml"), "${Size}", "huge");
    let run = env.attini(["deploy", "run", "examples/network-and-app", "-e", "dev"]).exits(1);
    run.complains(&["failed in step `App`", "Parameter 'Size' must be one of AllowedValues"]);
    assert_eq!(env.stack("dev", "dev-network"), before, "the network stays as it is");
    assert_eq!(env.stack("dev", "dev-app").parameters["Size"], "small");
}

#[test]
fn release_gate_waits_and_goes_on_as_its_readme_says() {
    let env = TestEnv::new();
    example(&env, "release-gate");
    let commands = commands("release-gate");
    let [run, answer] = commands.as_slice() else { panic!("{commands:?}") };
    let mut session = env.start(run);
    session.wait_for("MANUAL APPROVAL NEEDED: Approve");
    assert!(is_deployed(&env, "dev-release-preview") && !is_deployed(&env, "dev-release"));
    // The shell would take the quotes away.
    let message = answer.iter().position(|word| word == "-m").unwrap();
    env.attini(answer[..=message].iter().map(String::as_str).chain(["looks good"])).exits(0);
    session.ends().exits(0).tells(&["testing version 1.4.0", "✓ UnitTests", "✓ Preview", "✓ SmokeTest", "✓ Release"]);
    assert!(is_deployed(&env, "dev-release"));
    assert_eq!(env.output("dev", "release-gate")["output"]["Approve"]["message"], "looks good");
}

#[test]
fn release_gate_stops_at_a_failed_test() {
    let env = TestEnv::new();
    let project = example(&env, "release-gate");
    fs::write(project.join("version.txt"), "nonsense\n").unwrap();
    let run = env.attini(["deploy", "run", "examples/release-gate"]).exits(1);
    for never in ["SmokeTest", "CleanUp", "Approve"] {
        assert!(!run.stdout.contains(never), "{}", run.stdout);
    }
    run.tells(&["✗ UnitTests", "✗ Checks"]).complains(&["failed in step `UnitTests`", "code 1"]);
    assert!(!is_deployed(&env, "dev-release"));
}

#[test]
fn release_gate_catches_a_failed_smoke_test_and_cleans_up() {
    let env = TestEnv::new();
    let project = example(&env, "release-gate");
    fs::write(project.join("broken.txt"), "oops\n").unwrap();
    let run = env.attini(["deploy", "run", "examples/release-gate"]).exits(1);
    let run = run.tells(&[
        "broken.txt says: oops",
        "handled by the plan",
        "→ CleanUp",
        "  cleaning up after ScriptExecutionError",
        "✓ CleanUp",
        "✓ RemovePreview",
        "✗ Rejected",
    ]);
    assert!(!run.stdout.contains("Approve"), "{}", run.stdout);
    run.complains(&["failed in step `Rejected`", "ReleaseRejected", "the preview was removed, nothing was released"]);
    assert!(!is_deployed(&env, "dev-release-preview") && !is_deployed(&env, "dev-release"));
    let history = env.history("dev", "release-gate");
    assert_eq!((&history[0]["outcome"], &history[0]["errorCode"]), (&"FAILED".into(), &"ReleaseRejected".into()));

    // The cause of it all is still to be seen afterwards.
    env.attini(["deploy", "describe", "-n", "release-gate"]).exits(1).tells(&["broken.txt says: oops"]);
    fs::remove_file(project.join("broken.txt")).unwrap();
    let mut session = env.start(["deploy", "run", "examples/release-gate"]);
    session.wait_for("MANUAL APPROVAL NEEDED");
    env.attini(["deploy", "continue", "-n", "release-gate"]).exits(0);
    session.ends().exits(0);
}

/// Every example has what this file tests, so a new one is not forgotten.
#[test]
fn every_example_is_tested() {
    let folder = repository().join("examples");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["embed", "hello-world", "network-and-app", "release-gate"]);
    for name in names {
        let files = [format!("examples/{name}/README.md")];
        assert!(files.iter().all(|file| repository().join(file).is_file()), "{name} has no README");
    }
}

/// What examples write is what people copy: no duplicate keys, nothing that is silently ignored.
#[test]
fn yaml_of_the_examples_has_no_duplicate_keys() {
    fn check(folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                check(&path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs::read_to_string(&path).unwrap();
                let document = Document::parse(&path.display().to_string(), &text).unwrap();
                assert!(document.duplicate_keys().is_empty(), "{}", path.display());
            }
        }
    }
    check(&repository().join("examples"));
}
