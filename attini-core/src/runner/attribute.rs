//! Attribute names of a runner's record, an external contract (runner.md 2.3, actions.md 9.4).

/// Logical id of the runner.
pub const RUNNER_NAME: &str = "runnerName";
/// Name of the init stack.
pub const STACK_NAME: &str = "stackName";
/// Queue the runner takes jobs from.
pub const QUEUE_URL: &str = "sqsQueueUrl";
/// Name of the environment.
pub const ENVIRONMENT: &str = "environment";
/// Name of the distribution.
pub const DISTRIBUTION_NAME: &str = "distributionName";
/// Id of the distribution.
pub const DISTRIBUTION_ID: &str = "distributionId";
/// Upload the record was written for.
pub const OBJECT_IDENTIFIER: &str = "attiniObjectIdentifier";
/// Version of the framework that wrote the configuration.
pub const ATTINI_VERSION: &str = "attiniVersion";
/// Task definition.
pub const TASK_DEFINITION_ARN: &str = "taskDefinitionArn";
/// Name of the container in the task definition.
pub const CONTAINER: &str = "container";
/// Cluster.
pub const CLUSTER: &str = "cluster";
/// Role of the task.
pub const ROLE_ARN: &str = "roleArn";
/// Memory of the task in MiB.
pub const MEMORY: &str = "memory";
/// Units of CPU of the task.
pub const CPU: &str = "cpu";
/// Most jobs at once.
pub const MAX_CONCURRENT_JOBS: &str = "maxConcurrentJobs";
/// Seconds without a job after which the runner ends.
pub const IDLE_TIME_TO_LIVE: &str = "idleTimeToLive";
/// Seconds a job may take.
pub const JOB_TIMEOUT: &str = "jobTimeout";
/// Level of the runner's own log.
pub const LOG_LEVEL: &str = "logLevel";
/// Commands to run once, before the first job.
pub const STARTUP_COMMANDS: &str = "startupCommands";
/// Seconds the startup commands may take.
pub const STARTUP_COMMANDS_TIMEOUT: &str = "startupCommandsTimeout";
/// Subnets (a set).
pub const SUBNETS: &str = "subnets";
/// Security groups (a set).
pub const SECURITY_GROUPS: &str = "securityGroups";
/// `ENABLED` or `DISABLED`.
pub const ASSIGN_PUBLIC_IP: &str = "assignPublicIp";
/// Configuration of the host (a map).
pub const EC2_CONFIGURATION: &str = "ec2Configuration";
/// The task that owns the queue.
pub const TASK_ID: &str = "taskId";
/// Whether the runner's process is up.
pub const STARTED: &str = "started";
/// Hash of the task configuration, as decimal text.
pub const TASK_CONFIG_HASH_CODE: &str = "taskConfigHashCode";
/// Hash of the host configuration, as decimal text.
pub const EC2_CONFIG_HASH_CODE: &str = "ec2ConfigHashCode";
/// Newest host.
pub const LATEST_EC2_INSTANCE_ID: &str = "latestEc2InstanceId";
/// Last execution that queued a job.
pub const STARTED_BY_EXECUTION_ARN: &str = "startedByExecutionArn";
/// Lock of whoever starts the task.
pub const TASK_STARTED_BY_EXECUTION: &str = "taskStartedByExecution";
/// Whether the runner must leave its host alone when it ends.
pub const SHUTDOWN_HOOK_DISABLED: &str = "shutdownHookDisabled";
