//! What people get wrong: each mistake is told with its place before anything is changed.

mod projects;
mod running;
mod zips;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Run, TestEnv};

/// Address space of the program when it reads what is made to use it up: a deployment needs less than half of it.
const MEMORY_KIB: u64 = 1_000_000;

/// A plan with these steps, indented by eight.
fn plan(steps: &str) -> String {
    format!(
        "Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']\nResources:\n  Plan:\n    \
         Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n{steps}"
    )
}

const CONFIG: &str = "\
distributionName: shop
distributionId: one
initDeployConfig:
  template: plan.yaml
  stackName: ${environment}-shop
";

/// Every alias stands for ten of the ones before.
fn alias_bomb() -> String {
    let mut text = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, of) in ('b'..='j').zip('a'..='i') {
        text.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(", ")));
    }
    text
}

fn nested() -> String {
    format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000))
}

/// Writes a project into a directory that is empty before.
fn project(env: &TestEnv, files: &[(&str, String)]) -> PathBuf {
    let project = env.work().join("shop");
    drop(fs::remove_dir_all(&project));
    for (path, content) in files {
        let path = project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    project
}

/// Runs `attini deploy run` with bounded memory.
fn deploy(env: &TestEnv, path: &Path) -> Run {
    let attini = env.command(["deploy", "run", path.to_str().unwrap()]);
    let mut bounded = std::process::Command::new("bash");
    bounded.args(["-c", &format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"")]);
    bounded.arg(attini.get_program()).args(attini.get_args()).env_clear().current_dir(env.work());
    bounded.envs(attini.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let run = crate::process::Started::of(bounded).ended();
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Checks that nothing was created.
fn has_no_environments(env: &TestEnv) {
    let run = env.run(["environment", "list"]).exits(152);
    assert!(run.stderr.contains("there are no environments"), "{}", run.stderr);
}

/// Returns how a run failed, without what differs from run to run.
fn failure(env: &TestEnv, run: &Run) -> String {
    let text = run.stderr.replace(env.work().to_str().unwrap(), "WORK");
    let short = |line: &str| match line.char_indices().nth(160) {
        Some((at, _)) => format!("{} ...", &line[..at]),
        None => line.to_owned(),
    };
    let lines: Vec<String> = text.lines().map(short).collect();
    format!("exit code {}\n{}\n", run.code, lines.join("\n"))
}
