//! Several `deploy run` at once: of the same distribution, of two, into two environments.

use std::fs;
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::process::{Started, eventually};
use crate::support::{Run, TestEnv};

/// A distribution whose first job goes on until it is let go, and notes when it ran.
struct Site {
    env: TestEnv,
}

impl Site {
    fn new() -> Self {
        Self { env: TestEnv::new() }
    }

    fn note(&self, name: &str) -> PathBuf {
        self.env.work().join(name)
    }

    /// Starts a deployment from a folder of its own.
    fn deploy(&self, name: &str, id: &str, plan: &str, options: &[&str]) -> Started {
        let project = self.env.work().join(format!("{name}-{id}"));
        fs::create_dir_all(&project).unwrap();
        let config = format!(
            "distributionName: {name}\ndistributionId: {id}\ninitDeployConfig:\n  template: plan.yaml\n  \
             stackName: ${{environment}}-{name}\n"
        );
        fs::write(project.join("attini-config.yaml"), config).unwrap();
        fs::write(project.join("plan.yaml"), plan.replace("@NOTES@", self.env.work().to_str().unwrap())).unwrap();
        let mut line = vec!["deploy", "run", project.to_str().unwrap()];
        line.extend(options);
        self.env.spawn(line)
    }

    /// Waits until the first job of a deployment runs.
    fn is_in_first_job(&self, id: &str) {
        eventually(&format!("{id} runs its first job"), || self.notes().contains(&format!("{id} begins")));
    }

    fn let_go(&self, id: &str) {
        fs::write(self.note(&format!("go-{id}")), "").unwrap();
    }

    /// Returns what the jobs noted, in order.
    fn notes(&self) -> Vec<String> {
        let text = fs::read_to_string(self.note("notes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Returns the outcomes by id, oldest first.
    fn outcomes(&self, name: &str) -> Vec<(String, String)> {
        eventually("no worker is left", || self.env.worker_pids().is_empty());
        let run = self.env.run(["deploy", "history", "-n", name, "-e", "dev", "--json"]).exits(0);
        let mut entries = run.json().as_array().unwrap().clone();
        entries.sort_by_key(|entry| entry["deploymentTimeUtc"].as_str().unwrap().to_owned());
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or("(none)").to_owned();
        entries.iter().map(|entry| (text(entry, "distributionId"), text(entry, "outcome"))).collect()
    }
}

fn outcome(id: &str, outcome: &str) -> (String, String) {
    (id.to_owned(), outcome.to_owned())
}

fn plan(properties: &str, steps: &str) -> String {
    format!(
        "Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']\nResources:\n  Plan:\n    \
         Type: Attini::Deploy::DeploymentPlan\n    Properties:\n{properties}      DeploymentPlan:\n{steps}"
    )
}

const JOBS: &str = "        \
        - Name: First
          Type: AttiniRunnerJob
          Properties:
            Commands:
              - echo ${ATTINI_DISTRIBUTION_ID} begins >> @NOTES@/notes
              - until [[ -e @NOTES@/go-${ATTINI_DISTRIBUTION_ID} ]]; do sleep 0.02; done
              - echo ${ATTINI_DISTRIBUTION_ID} ends >> @NOTES@/notes
        - Name: Second
          Type: AttiniRunnerJob
          Properties:
            Commands:
              - echo ${ATTINI_DISTRIBUTION_ID} second >> @NOTES@/notes
";

const GATE: &str = "        \
        - Name: Gate
          Type: AttiniManualApproval
        - Name: Second
          Type: AttiniRunnerJob
          Properties:
            Commands:
              - echo ${ATTINI_DISTRIBUTION_ID} second >> @NOTES@/notes
";

/// Checks how a replaced deployment is told.
#[track_caller]
fn is_replaced(run: Run, by: &str) {
    let run = run.exits(1);
    let told = format!("replaced by the deployment of site {by} by tester@");
    assert!(run.stderr.contains(&told), "{}\n{}", run.stdout, run.stderr);
}

#[test]
fn the_job_of_the_older_one_ends_before_the_newer_ones_first_step() {
    let site = Site::new();
    let plan = plan("", JOBS);
    let one = site.deploy("site", "one", &plan, &[]);
    site.is_in_first_job("one");
    let two = site.deploy("site", "two", &plan, &[]);
    assert!(two.line(|line| line == "Waiting for deployment one, which still runs").is_some());
    site.let_go("two");
    assert_eq!(site.notes(), ["one begins"]);
    site.let_go("one");
    is_replaced(one.ended(), "two");
    two.ended().exits(0);
    assert_eq!(site.notes(), ["one begins", "one ends", "two begins", "two ends", "two second"]);
    assert_eq!(site.outcomes("site"), [outcome("one", "ABORTED"), outcome("two", "SUCCEEDED")]);
    is_replaced(site.env.run(["deploy", "describe", "-n", "site", "-e", "dev", "-i", "one"]), "two");
}

#[test]
fn a_waiting_approval_of_the_older_one_ends_at_once() {
    let site = Site::new();
    let one = site.deploy("site", "one", &plan("", GATE), &[]);
    one.line(|line| line.contains("MANUAL APPROVAL NEEDED"));
    site.let_go("two");
    let two = site.deploy("site", "two", &plan("", JOBS), &[]);
    is_replaced(one.ended(), "two");
    two.ended().exits(0);
    assert_eq!(site.outcomes("site"), [outcome("one", "ABORTED"), outcome("two", "SUCCEEDED")]);
    assert_eq!(site.notes(), ["two begins", "two ends", "two second"]);
}

#[test]
fn of_five_at_once_the_newest_succeeds_and_the_others_say_why_not() {
    let site = Site::new();
    let ids = ["a", "b", "c", "d", "e"];
    ids.iter().for_each(|id| site.let_go(id));
    let plan = plan("", JOBS);
    // The environment is there already: making it is not what is raced for here.
    site.env.run(["environment", "create", "dev", "--env-type", "test"]).exits(0);
    let started: Vec<Started> = ids.iter().map(|id| site.deploy("site", id, &plan, &[])).collect();
    let ended: Vec<Run> = started.into_iter().map(Started::ended).collect();
    let outcomes = site.outcomes("site");
    assert_eq!(outcomes.len(), 5, "{outcomes:?}\n{}\n{}", ended[0].stdout, ended[0].stderr);
    let newest = outcomes.last().unwrap();
    assert_eq!(newest.1, "SUCCEEDED", "{outcomes:?}");
    for (id, run) in ids.iter().zip(&ended) {
        let (_, outcome) = outcomes.iter().find(|(found, _)| found == id).unwrap();
        let code = i32::from(outcome != "SUCCEEDED");
        assert_eq!(run.code, code, "{id} {outcome}\n{}\n{}", run.stdout, run.stderr);
        match outcome.as_str() {
            // Quick ones may have ended before the next one began.
            "SUCCEEDED" => {}
            "ABORTED" => assert!(run.stderr.contains("replaced by the deployment of site"), "{}", run.stderr),
            "FAILED" => assert!(run.stderr.contains("newer upload"), "{}", run.stderr),
            other => panic!("{id}: {other}"),
        }
    }
    // Nothing ran twice, and nothing ran beside another.
    let notes = site.notes();
    for (at, note) in notes.iter().enumerate() {
        if let Some(id) = note.strip_suffix(" begins") {
            assert_eq!(notes.get(at + 1), Some(&format!("{id} ends")), "{notes:?}");
        }
    }
    assert_eq!(notes.last(), Some(&format!("{} second", newest.0)));
}

#[test]
fn reject_refuses_the_newer_one_and_names_what_runs() {
    let site = Site::new();
    let plan = plan("      Concurrency: reject\n", JOBS);
    let one = site.deploy("site", "one", &plan, &[]);
    site.is_in_first_job("one");
    let two = site.deploy("site", "two", &plan, &[]).ended().exits(1);
    assert!(two.stderr.contains("DeploymentRejected"), "{}", two.stderr);
    assert!(two.stderr.contains("the plan's Concurrency is `reject`"), "{}", two.stderr);
    site.let_go("one");
    one.ended().exits(0);
    assert_eq!(site.outcomes("site"), [outcome("one", "SUCCEEDED"), outcome("two", "FAILED")]);
    assert_eq!(site.notes(), ["one begins", "one ends", "one second"]);
}

#[test]
fn queue_waits_until_the_older_one_has_ended() {
    let site = Site::new();
    let plan = plan("      Concurrency: queue\n", JOBS);
    let one = site.deploy("site", "one", &plan, &[]);
    site.is_in_first_job("one");
    site.let_go("two");
    let two = site.deploy("site", "two", &plan, &[]);
    assert!(two.line(|line| line == "Waiting for deployment one, which still runs").is_some());
    site.let_go("one");
    one.ended().exits(0);
    two.ended().exits(0);
    assert_eq!(site.outcomes("site"), [outcome("one", "SUCCEEDED"), outcome("two", "SUCCEEDED")]);
    let order = ["one begins", "one ends", "one second", "two begins", "two ends", "two second"];
    assert_eq!(site.notes(), order);
}

#[test]
fn two_distributions_and_two_environments_do_not_touch_each_other() {
    let site = Site::new();
    let plan = plan("", JOBS);
    let both = [
        site.deploy("site", "one", &plan, &["-e", "dev"]),
        site.deploy("site", "two", &plan, &["-e", "prod"]),
        site.deploy("other", "three", &plan, &["-e", "dev"]),
    ];
    // All three are in their first jobs at the same time.
    ["one", "two", "three"].iter().for_each(|id| site.is_in_first_job(id));
    thread::scope(|scope| {
        for (run, id) in both.into_iter().zip(["one", "two", "three"]) {
            let site = &site;
            scope.spawn(move || {
                site.let_go(id);
                run.ended().exits(0);
            });
        }
    });
    assert_eq!(site.outcomes("site"), [outcome("one", "SUCCEEDED")]);
    assert_eq!(site.outcomes("other"), [outcome("three", "SUCCEEDED")]);
}
