//! `kill -9` of the command line or of the worker at any moment.

mod disk;
mod moments;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use attini_core::inventory::{DeploymentRecord, find_deployment, list_history};
use attini_core::port::RecordKey;
use attini_core::value::{DeploymentName, ExecutionArn};
use attini_local::world::{LocalWorld, Options};
use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Started, eventually, is_running, kill};
use crate::support::TestEnv;

/// A project whose deployment has everything that can be cut off: an init stack that changes every time, parallel jobs, a
/// stack, an approval.
struct Victim {
    env: TestEnv,
    project: PathBuf,
    pids: PathBuf,
}

const NAME: &str = "victim";

impl Victim {
    fn new() -> Self {
        let env = TestEnv::new();
        let project = env.work().join(NAME);
        let pids = env.work().join("pids");
        fs::create_dir_all(&project).unwrap();
        fs::create_dir_all(&pids).unwrap();
        fs::write(project.join("stack.yaml"), STACK).unwrap();
        let plan = PLAN.replace("@PIDS@", pids.to_str().unwrap());
        fs::write(project.join("plan.yaml"), plan).unwrap();
        Self { env, project, pids }
    }

    /// Starts a deployment of an id that changes the init stack.
    fn deploy(&self, id: &str) -> Started {
        let config = format!(
            "distributionName: {NAME}\ndistributionId: {id}\ninitDeployConfig:\n  template: plan.yaml\n  \
             stackName: ${{environment}}-{NAME}\n  parameters:\n    default:\n      Round: {id}\n"
        );
        fs::write(self.project.join("attini-config.yaml"), config).unwrap();
        self.env.spawn(["deploy", "run", self.project.to_str().unwrap()])
    }

    fn approve(&self) -> i32 {
        self.env.run(["deploy", "continue", "-n", NAME, "-e", "dev", "--step-name", "Gate"]).code
    }

    fn history(&self) -> Vec<Value> {
        let run = self.env.run(["deploy", "history", "-n", NAME, "-e", "dev", "--json", "-o", "1000"]);
        if run.code != 0 {
            // Killed before there was anything to tell.
            assert!(run.stderr.contains(NAME) || run.stderr.contains("environment"), "{}", run.stderr);
            return Vec::new();
        }
        let mut entries = run.json().as_array().unwrap().clone();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry["deploymentTimeUtc"].as_str().unwrap().to_owned()));
        entries
    }

    /// Waits until nobody works any more, with the approval given when it is asked for.
    fn let_end(&self) {
        eventually("the deployment ends", || {
            if !self.env.worker_pids().is_empty() {
                self.approve();
            }
            self.env.worker_pids().is_empty()
        });
    }

    /// Checks that the records tell a consistent story: each deployment has an end, the copy is the newest one's, nothing
    /// runs.
    fn check(&self, context: &str) -> Vec<Value> {
        let history = self.history();
        for entry in &history {
            assert!(entry["outcome"].is_string(), "{context}: no outcome in {entry}");
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = LocalWorld::open(Options::new(self.env.home().join("local"))).unwrap();
            assert!(world.running().await.unwrap().is_empty(), "{context}: something runs");
            let ports = world.framework("dev");
            let records = list_history(ports.inventory.as_ref(), "dev", NAME, usize::MAX).await.unwrap();
            assert_eq!(records.len(), history.len(), "{context}");
            let name = DeploymentName::of_raw("dev", NAME);
            let latest = ports.inventory.find(&RecordKey::latest(&name)).await.unwrap();
            let latest = latest.map(|record| record.body["objectIdentifier"].as_str().unwrap().to_owned());
            assert_eq!(latest, records.first().map(|record| record.object_identifier.clone()), "{context}");
            for record in &records {
                let DeploymentRecord { execution_arns, .. } =
                    find_deployment(ports.inventory.as_ref(), &name, &record.object()).await.unwrap().unwrap();
                for arn in execution_arns.into_values().map(ExecutionArn::from_record) {
                    let running = ports.workflows.list_running(&arn.machine(), None).await.unwrap();
                    assert!(running.items.is_empty(), "{context}: {:?} run without a worker", running.items);
                }
            }
        });
        let leftover: Vec<i32> = self.job_pids().into_iter().filter(|pid| is_running(*pid)).collect();
        assert!(leftover.is_empty(), "{context}: jobs {leftover:?} go on");
        history
    }

    /// Returns the processes of all jobs that were started.
    fn job_pids(&self) -> Vec<i32> {
        let files = fs::read_dir(&self.pids).unwrap().flatten();
        files.filter_map(|file| file.file_name().to_str()?.rsplit('-').next()?.parse().ok()).collect()
    }

    /// Shows that a deployment works, whatever was before.
    fn deploys(&self, id: &str) {
        let run = self.deploy(id);
        run.line(|line| line.contains("MANUAL APPROVAL NEEDED"));
        self.approve();
        run.ended().exits(0);
        self.let_end();
        let history = self.check(id);
        assert_eq!(
            (history[0]["distributionId"].as_str(), history[0]["outcome"].as_str()),
            (Some(id), Some("SUCCEEDED"))
        );
    }
}

const STACK: &str = "\
Parameters:
  Round: {Type: String}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {DisplayName: !Ref Round}
";

const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, 'AWS::Serverless-2016-10-31']
Parameters:
  Round: {Type: String}
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Both
          Type: Parallel
          Branches:
            - - Name: Left
                Type: AttiniRunnerJob
                Properties:
                  Commands:
                    - touch @PIDS@/${ATTINI_DISTRIBUTION_ID}-left-$$
                    - echo left; sleep 0.1
            - - Name: Right
                Type: AttiniRunnerJob
                Properties:
                  Commands:
                    - touch @PIDS@/${ATTINI_DISTRIBUTION_ID}-right-$$
                    - echo right; sleep 0.05; echo still right; sleep 0.05
        - Name: Stack
          Type: AttiniCfn
          Properties:
            StackName: victim-stack
            Template: /stack.yaml
            Parameters:
              Round.$: $.stackParameters.Round
        - Name: Gate
          Type: AttiniManualApproval
        - Name: Last
          Type: AttiniRunnerJob
          Properties:
            Commands:
              - touch @PIDS@/${ATTINI_DISTRIBUTION_ID}-last-$$
              - sleep 0.05
";
