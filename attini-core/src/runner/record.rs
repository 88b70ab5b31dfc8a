use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::{Limit, LogLevel, attribute};
use crate::value::ObjectIdentifier;

/// What a runner is, how it is configured, and how it stands (runner.md 2.3, actions.md 9.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerRecord {
    /// `<init stack>-<runner>`: the record's key.
    pub resource_name: String,
    /// Logical id of the runner.
    pub name: String,
    /// Init stack that holds the runner.
    pub stack: String,
    /// Queue it takes jobs from.
    pub queue: String,
    /// Environment, as recorded.
    pub environment: String,
    /// Name of the distribution, as recorded.
    pub distribution_name: String,
    /// Id of the distribution, as recorded.
    pub distribution_id: String,
    /// Upload the configuration came with.
    pub object_identifier: ObjectIdentifier,
    /// Version of the framework that wrote the configuration.
    pub framework_version: Option<String>,
    /// The task.
    pub task: TaskSettings,
    /// Where the task stands in the network.
    pub network: NetworkSettings,
    /// How it runs jobs.
    pub jobs: JobSettings,
    /// What it does before the first job.
    pub startup: StartupSettings,
    /// The host, when the runner brings its own.
    pub host: Option<HostSettings>,
    /// How it stands.
    pub state: RunnerState,
}

/// The task of a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSettings {
    /// ARN or name of the task definition.
    pub definition: String,
    /// Cluster; `None` is [`TaskSettings::DEFAULT_CLUSTER`].
    pub cluster: Option<String>,
    /// Container in the task definition; `None` is its only one.
    pub container: Option<String>,
    /// ARN of the role; `None` is the task definition's.
    pub role: Option<String>,
    /// Units of CPU, 256 to 98,304; `None` is the task definition's.
    pub cpu: Option<u32>,
    /// MiB of memory, 512 to 25,165,824; `None` is the task definition's.
    pub memory: Option<u32>,
}

impl TaskSettings {
    /// Cluster of runners that name none.
    pub const DEFAULT_CLUSTER: &'static str = "attini-default";

    /// Returns the cluster in effect.
    #[must_use]
    pub fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or(Self::DEFAULT_CLUSTER)
    }
}

/// Where the task stands in the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Subnets; at least one.
    pub subnets: BTreeSet<String>,
    /// Security groups; none is the default group of the subnets' VPC.
    pub security_groups: BTreeSet<String>,
    /// `ENABLED` or `DISABLED`.
    pub assign_public_ip: String,
}

/// How a runner runs jobs. `None` is a value that nobody configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobSettings {
    /// Most jobs at once, 1 to 20.
    pub max_concurrent_jobs: Option<u32>,
    /// Time without a job after which the runner ends, 60 to 86,400 seconds.
    pub idle_time_to_live: Option<Duration>,
    /// Time a job may take, 5 to 172,800 seconds.
    pub job_timeout: Option<Duration>,
    /// How much the runner says about itself.
    pub log_level: Option<LogLevel>,
}

impl JobSettings {
    /// Returns the number of jobs in effect; default 5.
    #[must_use]
    pub fn max_concurrent_jobs(&self) -> usize {
        self.max_concurrent_jobs.and_then(|number| usize::try_from(number).ok()).unwrap_or(5)
    }

    /// Returns the idle time in effect; default one hour.
    #[must_use]
    pub fn idle_time_to_live(&self) -> Duration {
        self.idle_time_to_live.unwrap_or(HOUR)
    }

    /// Returns the timeout in effect; default one hour.
    #[must_use]
    pub fn job_timeout(&self) -> Duration {
        self.job_timeout.unwrap_or(HOUR)
    }

    /// Returns the log level in effect; default `INFO`.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        self.log_level.unwrap_or_default()
    }
}

/// What a runner does once, before the first job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartupSettings {
    /// Commands, run in one shell.
    pub commands: Vec<String>,
    /// Time they may take, 5 to 172,800 seconds.
    pub timeout: Option<Duration>,
}

impl StartupSettings {
    /// Returns the timeout in effect; default one hour.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(HOUR)
    }
}

/// The EC2 host of a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// Instance type.
    pub instance_type: String,
    /// Name of the instance profile.
    pub instance_profile: String,
    /// Log group of the ECS client.
    pub log_group: String,
    /// Image id or alias.
    pub ami: Option<String>,
}

/// How a runner stands. Writers change single attributes, each under a condition of its own (runner.md 2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunnerState {
    /// The task that owns the queue.
    pub task_id: Option<String>,
    /// Whether its process is up.
    pub started: bool,
    /// Hash of the task configuration it was started with.
    pub task_hash: Option<i32>,
    /// Hash of the host configuration it was started with.
    pub host_hash: Option<i32>,
    /// Newest host.
    pub host_id: Option<String>,
    /// Last execution that queued a job.
    pub started_by_execution: Option<String>,
    /// Lock of whoever starts the task.
    pub start_lock: Option<String>,
    /// Whether the runner must leave its host alone when it ends.
    pub shutdown_hook_disabled: bool,
}

/// A runner is configured with something it cannot have; all of it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunnerConfigError {
    /// The runner.
    pub runner: String,
    /// What is wrong; at least one entry.
    pub problems: Vec<String>,
}

impl RunnerConfigError {
    /// Error name that goes to the step.
    pub const ERROR_NAME: &'static str = super::error_name::RUNNER_CONFIG_ERROR;
}

impl fmt::Display for RunnerConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Illegal configuration for runner {}, {}", self.runner, self.problems.join("; "))
    }
}

impl std::error::Error for RunnerConfigError {}

const HOUR: Duration = Duration::from_secs(3600);
const INSTANCE_TYPE: &str = "instanceType";
const INSTANCE_PROFILE: &str = "instanceProfile";
const ECS_CLIENT_LOG_GROUP: &str = "ecsClientLogGroup";
const AMI: &str = "ami";

impl RunnerRecord {
    /// Reads a record's body.
    ///
    /// # Errors
    ///
    /// [`RunnerConfigError`] with everything that is missing or out of range.
    pub fn read(resource_name: &str, body: &Map<String, Value>) -> Result<Self, RunnerConfigError> {
        let mut reader = Reader { body, problems: Vec::new() };
        let record = Self {
            resource_name: resource_name.to_owned(),
            name: reader.required(attribute::RUNNER_NAME, attribute::RUNNER_NAME),
            stack: reader.required(attribute::STACK_NAME, attribute::STACK_NAME),
            queue: reader.required(attribute::QUEUE_URL, attribute::QUEUE_URL),
            environment: reader.required(attribute::ENVIRONMENT, attribute::ENVIRONMENT),
            distribution_name: reader.required(attribute::DISTRIBUTION_NAME, attribute::DISTRIBUTION_NAME),
            distribution_id: reader.required(attribute::DISTRIBUTION_ID, attribute::DISTRIBUTION_ID),
            object_identifier: ObjectIdentifier::from_record(
                reader.required(attribute::OBJECT_IDENTIFIER, attribute::OBJECT_IDENTIFIER),
            ),
            framework_version: reader.text(attribute::ATTINI_VERSION),
            task: TaskSettings {
                definition: reader.required(attribute::TASK_DEFINITION_ARN, "TaskDefinitionArn"),
                cluster: reader.text(attribute::CLUSTER),
                container: reader.text(attribute::CONTAINER),
                role: reader.text(attribute::ROLE_ARN),
                cpu: reader.number(Limit::CPU),
                memory: reader.number(Limit::MEMORY),
            },
            network: NetworkSettings {
                subnets: reader.subnets(),
                security_groups: reader.texts(attribute::SECURITY_GROUPS, "SecurityGroups").into_iter().collect(),
                assign_public_ip: reader.required(attribute::ASSIGN_PUBLIC_IP, "AssignPublicIp"),
            },
            jobs: JobSettings {
                max_concurrent_jobs: reader.number(Limit::MAX_CONCURRENT_JOBS),
                idle_time_to_live: reader.seconds(Limit::IDLE_TIME_TO_LIVE),
                job_timeout: reader.seconds(Limit::JOB_TIMEOUT),
                log_level: reader.log_level(),
            },
            startup: StartupSettings {
                commands: reader.texts(attribute::STARTUP_COMMANDS, "Startup.Commands"),
                timeout: reader.seconds(Limit::STARTUP_COMMANDS_TIMEOUT),
            },
            host: reader.host(),
            state: RunnerState::read(body),
        };
        match reader.problems {
            problems if problems.is_empty() => Ok(record),
            problems => {
                let runner = body.get(attribute::RUNNER_NAME).and_then(Value::as_str).unwrap_or(resource_name);
                Err(RunnerConfigError { runner: runner.to_owned(), problems })
            }
        }
    }

    /// Writes everything but the state into a record's body; what is not configured is removed, what it does not know stays.
    pub fn write_configuration(&self, body: &mut Map<String, Value>) {
        let seconds = |time: Option<Duration>| time.map(|time| Value::from(time.as_secs()));
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let set = |items: &BTreeSet<String>| (!items.is_empty()).then(|| Value::from_iter(items.iter().cloned()));
        let commands = &self.startup.commands;
        let values = [
            (attribute::RUNNER_NAME, Some(Value::from(self.name.as_str()))),
            (attribute::STACK_NAME, Some(Value::from(self.stack.as_str()))),
            (attribute::QUEUE_URL, Some(Value::from(self.queue.as_str()))),
            (attribute::ENVIRONMENT, Some(Value::from(self.environment.as_str()))),
            (attribute::DISTRIBUTION_NAME, Some(Value::from(self.distribution_name.as_str()))),
            (attribute::DISTRIBUTION_ID, Some(Value::from(self.distribution_id.as_str()))),
            (attribute::OBJECT_IDENTIFIER, Some(Value::from(self.object_identifier.as_str()))),
            (attribute::ATTINI_VERSION, text(&self.framework_version)),
            (attribute::TASK_DEFINITION_ARN, Some(Value::from(self.task.definition.as_str()))),
            (attribute::CLUSTER, text(&self.task.cluster)),
            (attribute::CONTAINER, text(&self.task.container)),
            (attribute::ROLE_ARN, text(&self.task.role)),
            (attribute::CPU, self.task.cpu.map(Value::from)),
            (attribute::MEMORY, self.task.memory.map(Value::from)),
            (attribute::SUBNETS, set(&self.network.subnets)),
            (attribute::SECURITY_GROUPS, set(&self.network.security_groups)),
            (attribute::ASSIGN_PUBLIC_IP, Some(Value::from(self.network.assign_public_ip.as_str()))),
            (attribute::MAX_CONCURRENT_JOBS, self.jobs.max_concurrent_jobs.map(Value::from)),
            (attribute::IDLE_TIME_TO_LIVE, seconds(self.jobs.idle_time_to_live)),
            (attribute::JOB_TIMEOUT, seconds(self.jobs.job_timeout)),
            (attribute::LOG_LEVEL, self.jobs.log_level.map(|level| Value::from(level.as_str()))),
            (attribute::STARTUP_COMMANDS, (!commands.is_empty()).then(|| Value::from_iter(commands.iter().cloned()))),
            (attribute::STARTUP_COMMANDS_TIMEOUT, seconds(self.startup.timeout)),
            (attribute::EC2_CONFIGURATION, self.host.as_ref().map(HostSettings::to_value)),
        ];
        write_values(body, values);
    }
}

impl HostSettings {
    fn to_value(&self) -> Value {
        let mut host = Map::new();
        let values = [
            (INSTANCE_TYPE, Some(Value::from(self.instance_type.as_str()))),
            (INSTANCE_PROFILE, Some(Value::from(self.instance_profile.as_str()))),
            (ECS_CLIENT_LOG_GROUP, Some(Value::from(self.log_group.as_str()))),
            (AMI, self.ami.as_deref().map(Value::from)),
        ];
        write_values(&mut host, values);
        Value::Object(host)
    }
}

impl RunnerState {
    /// Reads the state; an attribute that is absent or unreadable was never written.
    #[must_use]
    pub fn read(body: &Map<String, Value>) -> Self {
        let text = |name| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let hash = |name| text(name).and_then(|text| text.parse().ok());
        let flag = |name| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        Self {
            task_id: text(attribute::TASK_ID),
            started: flag(attribute::STARTED),
            task_hash: hash(attribute::TASK_CONFIG_HASH_CODE),
            host_hash: hash(attribute::EC2_CONFIG_HASH_CODE),
            host_id: text(attribute::LATEST_EC2_INSTANCE_ID),
            started_by_execution: text(attribute::STARTED_BY_EXECUTION_ARN),
            start_lock: text(attribute::TASK_STARTED_BY_EXECUTION),
            shutdown_hook_disabled: flag(attribute::SHUTDOWN_HOOK_DISABLED),
        }
    }

    /// Writes the whole state into a record's body.
    pub fn write(&self, body: &mut Map<String, Value>) {
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let hash = |hash: Option<i32>| hash.map(|hash| Value::from(hash.to_string()));
        let values = [
            (attribute::TASK_ID, text(&self.task_id)),
            (attribute::STARTED, Some(Value::from(self.started))),
            (attribute::TASK_CONFIG_HASH_CODE, hash(self.task_hash)),
            (attribute::EC2_CONFIG_HASH_CODE, hash(self.host_hash)),
            (attribute::LATEST_EC2_INSTANCE_ID, text(&self.host_id)),
            (attribute::STARTED_BY_EXECUTION_ARN, text(&self.started_by_execution)),
            (attribute::TASK_STARTED_BY_EXECUTION, text(&self.start_lock)),
            (attribute::SHUTDOWN_HOOK_DISABLED, Some(Value::from(self.shutdown_hook_disabled))),
        ];
        write_values(body, values);
    }
}

fn write_values<const N: usize>(body: &mut Map<String, Value>, values: [(&str, Option<Value>); N]) {
    for (name, value) in values {
        match value {
            Some(value) => body.insert(name.to_owned(), value),
            None => body.shift_remove(name),
        };
    }
}

/// Reads attributes and keeps every problem.
struct Reader<'a> {
    body: &'a Map<String, Value>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.is_empty()),
            Some(_) => {
                self.problems.push(format!("{name} should be a text"));
                None
            }
        }
    }

    fn required(&mut self, name: &str, shown: &str) -> String {
        let known = self.problems.len();
        self.text(name).unwrap_or_else(|| {
            if self.problems.len() == known {
                self.problems.push(format!("missing {shown}"));
            }
            String::new()
        })
    }

    fn number(&mut self, limit: Limit) -> Option<u32> {
        let checked = limit.check(self.get(limit.attribute)?);
        checked.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn seconds(&mut self, limit: Limit) -> Option<Duration> {
        self.number(limit).map(|seconds| Duration::from_secs(seconds.into()))
    }

    fn log_level(&mut self) -> Option<LogLevel> {
        let text = self.text(attribute::LOG_LEVEL)?;
        LogLevel::parse(&text).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn texts(&mut self, name: &str, shown: &str) -> Vec<String> {
        let texts = match self.get(name) {
            None => Some(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.problems.push(format!("{shown} should be a list of texts"));
            Vec::new()
        })
    }

    fn subnets(&mut self) -> BTreeSet<String> {
        let known = self.problems.len();
        let subnets: BTreeSet<String> = self.texts(attribute::SUBNETS, "Subnets").into_iter().collect();
        if subnets.is_empty() && self.problems.len() == known {
            self.problems.push("missing Subnets".to_owned());
        }
        subnets
    }

    fn host(&mut self) -> Option<HostSettings> {
        let host = match self.get(attribute::EC2_CONFIGURATION)? {
            Value::Object(host) => host,
            _ => {
                self.problems.push("Ec2Configuration should be a map".to_owned());
                return None;
            }
        };
        let mut reader = Reader { body: host, problems: Vec::new() };
        let settings = HostSettings {
            instance_type: reader.required(INSTANCE_TYPE, "InstanceType"),
            instance_profile: reader.required(INSTANCE_PROFILE, "InstanceProfileName"),
            log_group: reader.required(ECS_CLIENT_LOG_GROUP, ECS_CLIENT_LOG_GROUP),
            ami: reader.text(AMI),
        };
        let problems = reader.problems;
        self.problems.extend(problems);
        Some(settings)
    }
}

#[cfg(test)]
mod tests;
