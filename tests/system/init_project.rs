//! `attini init-project`: what it makes deploys at once, or says what is missing; what is there is never touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::screen::Screen;
use crate::support::{Run, TestEnv};

const DEPLOYABLE: [&str; 3] = ["hello-world", "skeleton", "simple-website"];
const LATER: [(&str, &str); 3] =
    [("sam-project", "AttiniSam"), ("cdk-typescript", "AttiniCdk"), ("cdk-python", "AttiniCdk")];

/// Makes an empty folder.
fn folder(env: &TestEnv, name: &str) -> PathBuf {
    let folder = env.work().join(name);
    fs::create_dir(&folder).unwrap();
    folder
}

/// Runs the program in a folder.
fn attini_in(env: &TestEnv, folder: &Path, arguments: &[&str]) -> Run {
    let output = env.command(arguments).current_dir(folder).output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Names and contents of everything in a folder.
fn contents(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.push((path.clone(), None));
            found.extend(contents(&path));
        } else {
            let content = fs::read(&path).unwrap();
            found.push((path, Some(content)));
        }
    }
    found.sort();
    found
}

#[test]
fn what_it_makes_deploys_at_once() {
    for template in DEPLOYABLE {
        let env = TestEnv::new();
        let project = folder(&env, "My shop");
        let run = attini_in(&env, &project, &["init-project", template]).exits(0);
        assert!(run.stdout.contains(&format!("Successfully initialized {template} project")), "{}", run.stdout);
        // Nobody is asked without a terminal: the name is that of the folder, made valid.
        assert!(run.stdout.contains("The distribution is called My-shop"), "{}", run.stdout);
        for file in ["README.md", ".gitignore"] {
            assert!(project.join(file).is_file(), "{template} has no {file}");
        }
        assert!(fs::read_to_string(project.join(".gitignore")).unwrap().contains("attini_dist/"));
        let run = attini_in(&env, &project, &["deploy", "run", ".", "--local"]).exits(0);
        assert!(run.stdout.contains("finished with status: SUCCEEDED"), "{}", run.stdout);
        assert!(run.stdout.contains("dev-My-shop-plan"), "{}", run.stdout);
        assert_eq!(run.stderr, "", "{template}");
    }
}

#[test]
fn what_cannot_run_yet_says_so() {
    for (template, kind) in LATER {
        let env = TestEnv::new();
        let project = folder(&env, "shop");
        attini_in(&env, &project, &["init-project", template]).exits(0);
        let run = attini_in(&env, &project, &["deploy", "run", ".", "--local"]).exits(151);
        let wanted = format!("step `DeployApp` has the type {kind}, which this version cannot run yet");
        assert!(run.stderr.contains(&wanted), "{}", run.stderr);
        // A later version may run what this one packages; to build a SAM project takes a tool that is not there.
        if kind == "AttiniCdk" {
            let run = attini_in(&env, &project, &["package", "."]).exits(0);
            assert!(run.stderr.contains(&format!("warning: {wanted}")), "{}", run.stderr);
        }
    }
}

#[test]
fn the_name_is_that_of_the_command_line() {
    let env = TestEnv::new();
    let project = folder(&env, "x");
    attini_in(&env, &project, &["init-project", "skeleton", "--name", "Web-7"]).exits(0);
    let config = fs::read_to_string(project.join("attini-config.yaml")).unwrap();
    assert!(config.contains("distributionName: \"Web-7\"\n"), "{config}");
    // Comments stay.
    assert!(config.starts_with("# Describes the distribution"), "{config}");

    let other = folder(&env, "y");
    let run = attini_in(&env, &other, &["init-project", "skeleton", "--name", "my_app"]).exits(151);
    assert!(run.stderr.contains("my_app") && run.stderr.contains("stacks"), "{}", run.stderr);
    assert!(contents(&other).is_empty());
}

#[test]
fn cli_case_51_a_project_is_not_made_over_another() {
    for config in ["attini-config.yml", "attini-config.yaml", "old-attini-config.json.bak"] {
        let env = TestEnv::new();
        let project = folder(&env, "shop");
        fs::write(project.join(config), "distributionName: old\n").unwrap();
        let before = contents(&project);
        let run = attini_in(&env, &project, &["init-project", "skeleton"]).exits(1);
        assert!(run.stderr.contains(config), "{}", run.stderr);
        assert_eq!(contents(&project), before);
    }
}

#[test]
fn a_file_in_the_way_keeps_everything_from_being_written() {
    let env = TestEnv::new();
    let project = folder(&env, "shop");
    fs::create_dir(project.join("scripts")).unwrap();
    fs::write(project.join("scripts/greet.sh"), "mine").unwrap();
    fs::write(project.join("deployment-plan.yaml"), "mine").unwrap();
    let before = contents(&project);
    let run = attini_in(&env, &project, &["init-project", "hello-world"]).exits(1);
    assert!(run.stderr.contains("deployment-plan.yaml, scripts/greet.sh"), "{}", run.stderr);
    assert_eq!(contents(&project), before);
}

#[test]
fn a_readme_and_an_ignore_file_may_be_there() {
    let env = TestEnv::new();
    let project = folder(&env, "shop");
    fs::write(project.join("README.md"), "mine").unwrap();
    let run = attini_in(&env, &project, &["init-project", "skeleton"]).exits(0);
    assert!(run.stdout.contains("README.md was there already"), "{}", run.stdout);
    assert_eq!(fs::read_to_string(project.join("README.md")).unwrap(), "mine");
    assert!(project.join(".gitignore").is_file());
}

#[test]
fn a_folder_that_cannot_be_made_leaves_nothing_behind() {
    let env = TestEnv::new();
    let project = folder(&env, "shop");
    // A file where a folder has to be.
    fs::write(project.join("scripts"), "mine").unwrap();
    let run = attini_in(&env, &project, &["init-project", "hello-world"]).exits(1);
    assert!(run.stderr.contains("scripts"), "{}", run.stderr);
    assert_eq!(contents(&project), [(project.join("scripts"), Some(b"mine".to_vec()))]);
}

/// Starts a project on a screen, answers the question, and returns the screen.
fn asked(env: &TestEnv, answer: &str, wanted: &str) -> Option<String> {
    let project = folder(env, "My shop");
    let screen = Screen::of(env, 100, 20)?;
    let program = env!("CARGO_BIN_EXE_attini");
    screen.types(&[&format!("cd '{}'; clear; {program} init-project skeleton; echo exit code $?", project.display())]);
    screen.types(&["Enter"]);
    screen.shows("Name of the distribution [My-shop]:");
    screen.types(&[answer, "Enter"]);
    screen.shows(wanted);
    Some(screen.text())
}

#[test]
fn a_terminal_is_asked_for_the_name() {
    for (answer, name) in [("web-7", "web-7"), ("", "My-shop")] {
        let env = TestEnv::new();
        let Some(text) = asked(&env, answer, "exit code 0") else {
            println!("not run: there is no tmux here");
            return;
        };
        assert!(text.contains(&format!("The distribution is called {name};")), "{text}");
        let config = fs::read_to_string(env.work().join("My shop/attini-config.yaml")).unwrap();
        assert!(config.contains(&format!("distributionName: \"{name}\"")), "{config}");
    }
    let env = TestEnv::new();
    let text = asked(&env, "my_app", "exit code 151").unwrap();
    assert!(text.contains("my_app"), "{text}");
    assert!(contents(&env.work().join("My shop")).is_empty());
}

#[test]
fn the_list_names_all() {
    let env = TestEnv::new();
    let list = env.attini(["init-project", "list", "--json"]).exits(0).json();
    let names: Vec<_> = list.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["hello-world", "skeleton", "simple-website", "sam-project", "cdk-typescript", "cdk-python"]);
    env.attini(["init-project"]).exits(2);
}
