//! `kill -9` of the command line, of the worker or of what runs a job, at any moment.

mod disk;
mod moments;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use attini_core::guard::Approval;
use attini_core::inventory::{DeploymentRecord, Outcome, find_deployment, list_history};
use attini_core::port::RecordKey;
use attini_core::value::{DeploymentName, ExecutionArn};
use attini_local::world::{LocalWorld, Options};
use rustix::process::Signal;
use serde_json::Value;

use self::moments::State;
use crate::process::{LIMIT, Started, eventually, is_running, kill};
use crate::support::TestEnv;

/// A project whose deployment has everything that can be cut off: an init stack that changes every time, parallel jobs, a
/// timer, a stack, jobs of a map, an approval.
struct Victim {
    env: TestEnv,
    project: PathBuf,
    pids: PathBuf,
    /// Opened when there is something to open: until then the program must make its home itself.
    world: OnceLock<LocalWorld>,
}

/// What the jobs are called, sorted.
const JOBS: [&str; 5] = ["item-1", "item-2", "last", "left", "right"];

const NAME: &str = "victim";

impl Victim {
    fn new() -> Self {
        let env = TestEnv::new();
        let project = env.work().join(NAME);
        let pids = env.work().join("pids");
        fs::create_dir_all(&project).unwrap();
        fs::create_dir_all(&pids).unwrap();
        fs::write(project.join("stack.yaml"), STACK).unwrap();
        let plan = PLAN.replace("@JOB@", JOB).replace("@WORK@", env.work().to_str().unwrap());
        fs::write(project.join("plan.yaml"), plan).unwrap();
        Self { env, project, pids, world: OnceLock::new() }
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

    fn world(&self) -> &LocalWorld {
        self.world.get_or_init(|| LocalWorld::open(Options::new(self.env.home().join("local"))).unwrap())
    }

    /// Approves the step that waits, if there is one.
    fn answer(&self) {
        let approval = Approval {
            environment: "dev".to_owned(),
            distribution: NAME.to_owned(),
            step: Some("Gate".to_owned()),
            abort: false,
            message: None,
            user: String::new(),
        };
        block_on(self.world().answer(approval)).unwrap();
    }

    /// Returns how far the deployment of an id is.
    fn state(&self, id: &str) -> State {
        block_on(async {
            let world = self.world();
            world.recover().await.unwrap();
            let ports = world.framework("dev");
            let records = list_history(ports.inventory.as_ref(), "dev", NAME, usize::MAX).await.unwrap();
            let Some(record) = records.into_iter().find(|record| record.distribution_id == id) else {
                // An upload that nobody has looked at is recorded in a moment.
                let open = world.running().await.unwrap();
                return if open.is_empty() { State::Nothing } else { State::Runs };
            };
            match record.outcome.map(Outcome::as_str) {
                None => State::Runs,
                Some("INTERRUPTED") => State::Interrupted,
                Some(outcome) => {
                    // Until its worker has cleaned up it is not over.
                    let open = world.running().await.unwrap();
                    let over = !open.contains(&record.object());
                    if over { State::Ended(outcome.to_owned(), record.error_code) } else { State::Runs }
                }
            }
        })
    }

    /// Returns what the plan of an id returned.
    fn output(&self, id: &str) -> Value {
        let mut output = block_on(self.world().output("dev", NAME, id)).unwrap().unwrap()["output"].take();
        for iteration in output["Each"].as_array_mut().unwrap() {
            // Names the deployment.
            iteration.as_object_mut().unwrap().remove("deploymentOriginData");
        }
        output
    }

    /// Returns the names of the jobs of an id that began, one for each time.
    fn began(&self, id: &str) -> Vec<String> {
        let text = fs::read_to_string(self.env.work().join(format!("began-{id}"))).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Checks that each line of each job is in the stored logs once.
    fn check_logs(&self, id: &str, context: &str) {
        let logs = self.env.home().join("local/logs/attini/deployment/logs/runner/dev").join(NAME).join(id);
        let mut text = String::new();
        let mut folders = vec![logs];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => text.push_str(&fs::read_to_string(entry.path()).unwrap()),
                }
            }
        }
        for job in JOBS {
            for line in [format!("\"{job} one\""), format!("\"{job} two\"")] {
                assert_eq!(text.matches(&line).count(), 1, "{context}: {line} in\n{text}");
            }
        }
    }

    fn history(&self) -> Vec<Value> {
        let run = self.env.run(["deploy", "history", "-n", NAME, "-e", "dev", "--json", "-o", "1000"]).exits(0);
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
    fn check(&self, context: &str) {
        block_on(async {
            let world = self.world();
            assert!(world.running().await.unwrap().is_empty(), "{context}: something runs");
            assert!(world.interrupted().await.unwrap().is_empty(), "{context}: something is interrupted");
            let ports = world.framework("dev");
            let records = list_history(ports.inventory.as_ref(), "dev", NAME, usize::MAX).await.unwrap();
            let name = DeploymentName::of_raw("dev", NAME);
            let latest = ports.inventory.find(&RecordKey::latest(&name)).await.unwrap();
            let latest = latest.map(|record| record.body["objectIdentifier"].as_str().unwrap().to_owned());
            assert_eq!(latest, records.first().map(|record| record.object_identifier.clone()), "{context}");
            for record in &records {
                assert!(record.outcome.is_some(), "{context}: no outcome in {record:?}");
                let DeploymentRecord { execution_arns, .. } =
                    find_deployment(ports.inventory.as_ref(), &name, &record.object()).await.unwrap().unwrap();
                for arn in execution_arns.into_values().map(ExecutionArn::from_record) {
                    let running = ports.workflows.list_running(&arn.machine(), None).await.unwrap();
                    assert!(running.items.is_empty(), "{context}: {:?} run without a worker", running.items);
                }
            }
        });
        // Numbers come round again: another process that has one now is none of ours.
        let home = self.env.home().canonicalize().unwrap_or_else(|_| self.env.home()).display().to_string();
        let is_ours = |pid: i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.windows(home.len()).any(|window| window == home.as_bytes())
        };
        let leftover: Vec<i32> = self.job_pids().into_iter().filter(|pid| is_running(*pid) && is_ours(*pid)).collect();
        assert!(leftover.is_empty(), "{context}: jobs {leftover:?} go on");
        let supervisors = self.supervisor_pids();
        assert!(supervisors.is_empty(), "{context}: supervisors {supervisors:?} go on");
    }

    /// Returns the processes of all jobs that were started.
    fn job_pids(&self) -> Vec<i32> {
        let files = fs::read_dir(&self.pids).unwrap().flatten();
        files.filter_map(|file| file.file_name().to_str()?.rsplit('-').next()?.parse().ok()).collect()
    }

    /// Returns the living supervisors of this home.
    fn supervisor_pids(&self) -> Vec<i32> {
        let home = self.env.home();
        let folder = format!("\0local\0supervise\0{}/", home.canonicalize().unwrap_or(home).display());
        let pids = fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_ours = |pid: &i32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.windows(folder.len()).any(|window| window == folder.as_bytes()) && is_running(*pid)
        };
        pids.filter(is_ours).collect()
    }

    /// Shows that a deployment works, whatever was before.
    fn deploys(&self, id: &str) {
        let run = self.deploy(id);
        run.line(|line| line.contains("MANUAL APPROVAL NEEDED"));
        self.approve();
        run.ended().exits(0);
        self.let_end();
        self.check(id);
        let history = self.history();
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
                Properties: {Commands: [@JOB@], Environment: {JOB: left}}
              - Name: Pause
                Type: Wait
                Seconds: 1
            - - Name: Right
                Type: AttiniRunnerJob
                Properties: {Commands: [@JOB@], Environment: {JOB: right}}
        - Name: Stack
          Type: AttiniCfn
          Properties:
            StackName: victim-stack
            Template: /stack.yaml
            Parameters:
              Round.$: $.stackParameters.Round
        - Name: Items
          Type: Pass
          Result: [item-1, item-2]
          ResultPath: $.customData.items
        - Name: Each
          Type: Map
          ItemsPath: $.customData.items
          ResultPath: $.output.Each
          Parameters:
            deploymentOriginData.$: $.deploymentOriginData
            output: {}
            customData: {}
            dependencies: {}
            environment.$: $.environment
            stackParameters: {}
            item.$: $$.Map.Item.Value
          Iterator:
            StartAt: Item
            States:
              Item:
                Type: AttiniRunnerJob
                Properties:
                  Commands: [@JOB@]
                  Environment:
                    JOB.$: $.item
                ResultSelector: {\"done\": true}
                End: true
        - Name: Gate
          Type: AttiniManualApproval
        - Name: Last
          Type: AttiniRunnerJob
          Properties: {Commands: [@JOB@], Environment: {JOB: last}}
";

/// Notes its name and its process, says two things, and returns something.
const JOB: &str = "'echo $JOB >> @WORK@/began-${ATTINI_DISTRIBUTION_ID}; touch @WORK@/pids/$JOB-$$; echo $JOB one; sleep 0.05; \
    echo $JOB two; sleep 0.05; echo \"{\\\"job\\\": \\\"$JOB\\\"}\" > $ATTINI_OUTPUT'";

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
