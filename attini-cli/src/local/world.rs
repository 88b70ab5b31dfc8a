//! The local world for the commands.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_trait::async_trait;
use attini_core::follow::FollowPorts;
use attini_core::framework::explain;
use attini_core::guard::{Answer, Approval};
use attini_core::inventory::find_deployment;
use attini_core::value::{DeploymentName, DistributionName, Environment, ObjectIdentifier, Region};
use attini_local::world::{LocalWorld as World, Options, Redriving, Submission, SupervisorCommand, Values, WorldError};
use serde_json::Value;

use super::stacks;
use crate::error::CommandError;
use crate::world::{self, ApprovalAnswer, LocalOptions};

/// The directory of this user's local world.
pub(super) struct Home {
    world: World,
    /// `ATTINI_HOME` for workers.
    home: PathBuf,
    region: String,
}

impl Home {
    pub(super) fn open(options: &LocalOptions) -> Result<Self, CommandError> {
        let home = match &options.home {
            Some(home) => std::path::absolute(home)
                .map_err(|error| CommandError::illegal(format!("ATTINI_HOME is not a usable path: {error}")))?,
            None => data_directory()?,
        };
        let user = env::var("USER").or_else(|_| env::var("LOGNAME")).unwrap_or_else(|_| {
            let id = rustix::process::getuid();
            if id.is_root() { "root".to_owned() } else { format!("uid-{}", id.as_raw()) }
        });
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let mut wanted = Options::new(home.join("local"));
        wanted.region.clone_from(&options.region);
        wanted.search_path = env::var("PATH").ok().filter(|path| !path.is_empty());
        wanted.user = format!("{user}@{host}");
        wanted.supervisor = env::current_exe().ok().map(|program| {
            let arguments = ["local", "supervise"].map(str::to_owned).into();
            SupervisorCommand { program, arguments }
        });
        let world = World::open(wanted)?;
        let region = world.place().region.as_str().to_owned();
        Ok(Self { world, home, region })
    }

    /// Starts the process that carries the deployment out. It outlives this one, and gets nothing of its environment but
    /// what is named here.
    fn start_worker(&self, submission: Submission) -> Result<ObjectIdentifier, CommandError> {
        let object = submission.object().clone();
        let failed = |what: &str, error: std::io::Error| {
            CommandError::execution(format!("the worker of the deployment cannot be started: {what}: {error}"))
        };
        let program = env::current_exe().map_err(|error| failed("this program's file is unknown", error))?;
        let logs = self.world.home().join("logs").join("worker");
        fs::create_dir_all(&logs).map_err(|error| failed(&logs.display().to_string(), error))?;
        let log = logs.join("errors.log");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| failed(&log.display().to_string(), error))?;
        let mut command = Command::new(&program);
        command.args(["local", "worker", "--region", &self.region, "--deployment", object.as_str()]);
        command.env_clear().env("ATTINI_HOME", &self.home);
        for name in ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir(self.world.home()).stdout(Stdio::null()).stderr(log);
        // The deployment is the worker's from its first moment, even if this process ends before that has looked around.
        command.stdin(submission.into_claim());
        command.spawn().map_err(|error| failed(&program.display().to_string(), error))?;
        Ok(object)
    }
}

/// The platform's directory for data of programs.
fn data_directory() -> Result<PathBuf, CommandError> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(data) = set("XDG_DATA_HOME") {
        return Ok(data.join("attini"));
    }
    let home = set("HOME").ok_or_else(|| {
        CommandError::illegal("neither ATTINI_HOME nor HOME is set, so there is no place for the local world")
            .hint("set ATTINI_HOME to a directory")
    })?;
    Ok(if cfg!(target_os = "macos") {
        home.join("Library").join("Application Support").join("attini")
    } else {
        home.join(".local").join("share").join("attini")
    })
}

impl From<WorldError> for CommandError {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Values(problems) => {
                Self::of_problems(crate::error::ErrorKind::IllegalArgument, "the values cannot be used", problems)
            }
            other => Self::execution(explain(&other)),
        }
    }
}

#[async_trait]
impl world::World for Home {
    fn ports(&self) -> FollowPorts {
        self.world.follow_ports()
    }

    fn about(&self) -> Vec<(&'static str, String)> {
        vec![
            ("account", self.world.place().account.as_str().to_owned()),
            ("user", self.world.user().to_owned()),
            ("region", self.region.clone()),
            ("home", self.world.home().display().to_string()),
        ]
    }

    async fn upload(
        &self,
        environment: &Environment,
        distribution: &DistributionName,
        zip: &Path,
    ) -> Result<ObjectIdentifier, CommandError> {
        let submission = self.world.submit(environment, distribution, zip).await?;
        self.start_worker(submission)
    }

    async fn upload_again(&self, earlier: &ObjectIdentifier) -> Result<ObjectIdentifier, CommandError> {
        let mut segments = earlier.as_str().split('/');
        let (environment, distribution) = (segments.next().unwrap_or_default(), segments.next().unwrap_or_default());
        let framework = self.world.framework(environment);
        let name = DeploymentName::of_raw(environment, distribution);
        let found = find_deployment(framework.inventory.as_ref(), &name, earlier)
            .await
            .map_err(|failure| CommandError::execution(failure.cause))?;
        let record = found.ok_or_else(|| CommandError::illegal(format!("there is no deployment of {earlier}")))?;
        let submission = self.world.submit_again(&record).await?;
        self.start_worker(submission)
    }

    async fn has_unrecorded_upload(&self, environment: &str, distribution: &str) -> Result<bool, CommandError> {
        let inventory = self.world.framework(environment).inventory;
        let name = DeploymentName::of_raw(environment, distribution);
        let folder = format!("{environment}/{distribution}/");
        for object in self.world.running().await? {
            if !object.as_str().starts_with(&folder) {
                continue;
            }
            let found = find_deployment(inventory.as_ref(), &name, &object).await;
            if found.map_err(|failure| CommandError::execution(failure.cause))?.is_none() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn interrupted(&self, environment: &str) -> Result<Vec<ObjectIdentifier>, CommandError> {
        let folder = format!("{environment}/");
        let mut found = self.world.interrupted().await?;
        found.retain(|object| object.as_str().starts_with(&folder));
        Ok(found)
    }

    async fn resume(&self, deployment: &ObjectIdentifier) -> Result<ObjectIdentifier, CommandError> {
        let submission = self.world.resume(deployment).await?;
        self.start_worker(submission)
    }

    async fn redrive(&self, deployment: &ObjectIdentifier, how: &Redriving) -> Result<ObjectIdentifier, CommandError> {
        let submission = self.world.redrive(deployment, how).await?;
        self.start_worker(submission)
    }

    async fn download(&self, environment: &str, distribution: &str, id: &str) -> Result<Option<Vec<u8>>, CommandError> {
        Ok(self.world.download(environment, distribution, id).await?)
    }

    async fn output(&self, environment: &str, distribution: &str, id: &str) -> Result<Option<Value>, CommandError> {
        Ok(self.world.output(environment, distribution, id).await?)
    }

    async fn answer(&self, answer: &ApprovalAnswer) -> Result<(), CommandError> {
        let approval = Approval {
            environment: answer.environment.clone(),
            distribution: answer.distribution.clone(),
            step: Some(answer.step.clone()),
            abort: answer.abort,
            message: answer.message.clone(),
            user: String::new(),
        };
        match self.world.answer(approval).await? {
            Answer::Taken { .. } => Ok(()),
            Answer::NoLongerWaiting { step } => {
                Err(CommandError::illegal(format!("step `{step}` was answered before, or its deployment has ended")))
            }
            Answer::NotWaiting { waiting } if waiting.is_empty() => Err(CommandError::illegal(format!(
                "no step of {} waits in {}",
                answer.distribution, answer.environment
            ))),
            Answer::NotWaiting { waiting } => {
                Err(CommandError::illegal(format!("step `{}` does not wait", answer.step))
                    .hint(format!("these do: {}", waiting.join(", "))))
            }
        }
    }
}

#[async_trait]
impl world::LocalWorld for Home {
    async fn set_values(&self, environment: &Environment, file: &Path) -> Result<Vec<String>, CommandError> {
        let text = fs::read_to_string(file)
            .map_err(|error| CommandError::illegal(format!("cannot read {}: {error}", file.display())))?;
        let values = self.world.set_values(environment, &file.display().to_string(), &text)?;
        Ok(summary(&values))
    }

    async fn values(&self, environment: &str) -> Result<Value, CommandError> {
        Ok(self.world.values(environment)?)
    }

    async fn stacks(&self, environment: Option<&str>) -> Result<Vec<Value>, CommandError> {
        Ok(self.world.stacks(environment)?.iter().map(stacks::summary).collect())
    }

    async fn stack(&self, name: &str, region: Option<&Region>) -> Result<Vec<Value>, CommandError> {
        Ok(self.world.stack(name, region)?.iter().map(stacks::details).collect())
    }

    async fn reset(&self, environment: Option<&str>) -> Result<Vec<String>, CommandError> {
        Ok(self.world.reset(environment).await?)
    }

    async fn work(&self, deployment: &ObjectIdentifier) -> Result<(), CommandError> {
        // A session of its own: what ends the terminal does not end the deployment. It is one already when this was not
        // started by `deploy run`.
        let _already = rustix::process::setsid();
        Ok(self.world.work(deployment).await?)
    }
}

fn summary(values: &Values) -> Vec<String> {
    let sections: [(&str, Vec<&String>); 6] = [
        ("parameter", values.parameters.keys().collect()),
        ("export", values.exports.keys().collect()),
        ("function", values.functions.keys().collect()),
        ("step", values.steps.keys().collect()),
        ("stack", values.stacks.keys().collect()),
        ("runner", values.runners.keys().collect()),
    ];
    let mut set: Vec<String> =
        sections.iter().flat_map(|(kind, names)| names.iter().map(move |name| format!("{kind} {name}"))).collect();
    if let Some(subnets) = &values.subnets {
        set.push(format!("subnets {}", subnets.join(", ")));
    }
    set
}
