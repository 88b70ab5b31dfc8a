//! Properties of plans, runners and steps.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::Value;

use super::parts::{Flag, Ids, Literal, PublicIp, Text, Texts};

/// Properties of a deployment plan.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PlanProperties {
    /// Without effect; only plans for app distributions are chosen by their name.
    name: Option<Text>,
    /// The steps: a list, which runs in its order, or a state machine with `StartAt` and `States`.
    deployment_plan: Value,
    #[schemars(flatten)]
    others: PlanSettings,
}

/// Properties of a plan for app distributions.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AppPlanProperties {
    /// The name that app distributions choose the plan by (`appDeploymentPlan`).
    name: Text,
    /// The steps: a list, which runs in its order, or a state machine with `StartAt` and `States`.
    deployment_plan: Value,
    #[schemars(flatten)]
    others: PlanSettings,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
struct PlanSettings {
    /// The role of the state machine; by default that of the framework. Not together with `Policies`.
    role_arn: Option<Text>,
    /// Policies of which a role is made. Not together with `RoleArn`.
    policies: Option<Value>,
    /// The boundary of the rights of that role.
    permissions_boundary: Option<Text>,
    /// Values for `${Key}` in texts of the plan; any function of CloudFormation will do.
    definition_substitutions: Option<BTreeMap<String, Value>>,
    /// What the payload holds before the first step; only `output` counts.
    payload_defaults: Option<BTreeMap<String, Value>>,
    /// Logical id of the runner of steps that name none; by default `AttiniDefaultRunner`, which is made.
    default_runner: Option<Literal>,
    /// Tags of the state machine: a map, or a list of `Key` and `Value`.
    #[schemars(extend("type" = ["object", "array", "null"]))]
    tags: Option<Value>,
    /// What a new deployment does while another one of the distribution runs.
    #[schemars(extend("enum" = ["replace", "queue", "reject", null], "default" = "replace"))]
    concurrency: Option<String>,
}

/// Properties of a runner.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RunnerProperties {
    /// An existing task definition of ECS. Not together with `Image`.
    task_definition_arn: Option<Text>,
    /// The image of the container; a task definition is made for it.
    image: Option<Text>,
    /// The container that runs the jobs, when the task definition has several.
    container_name: Option<Text>,
    /// The cluster, by default `attini-default`.
    ecs_cluster: Option<Text>,
    /// The role of the jobs.
    role_arn: Option<Text>,
    /// Memory in MiB, from 512.
    #[schemars(extend("minimum" = 512, "maximum" = 25_165_824))]
    memory: Option<Text>,
    /// CPU units, from 256; 1024 are one processor.
    #[schemars(extend("minimum" = 256, "maximum" = 98_304))]
    cpu: Option<Text>,
    /// How jobs are run.
    runner_configuration: Option<RunnerConfiguration>,
    /// What happens before the first job.
    startup: Option<Startup>,
    /// The network; by default the default VPC with a security group of its own.
    aws_vpc_configuration: Option<AwsVpcConfiguration>,
    /// A host of EC2 instead of Fargate.
    ec2_configuration: Option<Ec2Configuration>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct RunnerConfiguration {
    /// Jobs at a time, 1 to 20.
    #[schemars(extend("minimum" = 1, "maximum" = 20, "default" = 5))]
    max_concurrent_jobs: Option<Text>,
    /// Seconds without a job after which the runner stops, 60 to 86400.
    #[schemars(extend("minimum" = 60, "maximum" = 86_400, "default" = 3_600))]
    idle_time_to_live: Option<Text>,
    /// Seconds after which a job is stopped, 5 to 172800.
    #[schemars(extend("minimum" = 5, "maximum" = 172_800, "default" = 3_600))]
    job_timeout: Option<Text>,
    /// How much the runner logs.
    #[schemars(extend("default" = "INFO"))]
    #[schemars(extend("examples" = ["DEBUG", "INFO", "WARN", "ERROR", "OFF", "ALL"]))]
    log_level: Option<Text>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct Startup {
    /// Commands that run once, when the runner starts.
    commands: Option<Vec<Text>>,
    /// Seconds that they may take, 5 to 172800.
    #[schemars(extend("minimum" = 5, "maximum" = 172_800, "default" = 3_600))]
    commands_timeout: Option<Text>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct AwsVpcConfiguration {
    /// Subnets, as a list or as one text with commas.
    subnets: Ids,
    /// Security groups, as a list or as one text with commas.
    security_groups: Option<Ids>,
    /// Whether the runner gets a public address; by default it does.
    assign_public_ip: Option<PublicIp>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct Ec2Configuration {
    /// Type of the instance, such as `m5.large`.
    instance_type: Text,
    /// Its instance profile; by default that of the framework.
    instance_profile_name: Option<Text>,
    /// Its image: `ami-…`, or a word such as `AmazonLinux2023` or `AmazonLinux2023_arm64`.
    ami: Option<Text>,
}

/// Properties of `AttiniCfn`.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CfnProperties {
    /// The template: a path in the distribution, `https://…` or `s3://bucket/key`. Required here or in the configuration file.
    template: Option<Text>,
    #[schemars(flatten)]
    stack: Stack,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase")]
struct Stack {
    /// Name of the stack. Required here or in the configuration file.
    stack_name: Option<Text>,
    /// A stack configuration file: an absolute path in the distribution.
    config_file: Option<Text>,
    /// Parameters of the stack. They win over the file, key by key.
    parameters: Option<Texts>,
    /// Values for `${name}` in the configuration file and in these properties.
    variables: Option<Texts>,
    /// Tags of the stack. They win over the file, key by key.
    tags: Option<Texts>,
    /// The role that CloudFormation works with.
    stack_role_arn: Option<Text>,
    /// The same as `StackRoleArn`, its older name.
    role_arn: Option<Text>,
    /// The role that Attini calls CloudFormation with, such as one in another account.
    execution_role_arn: Option<Text>,
    /// The region; by default the one of the environment.
    region: Option<Text>,
    /// One more level in the output of the step.
    output_path: Option<Text>,
    /// What happens to the stack: `Deploy` or `Delete`.
    #[schemars(extend("default" = "Deploy", "examples" = ["Deploy", "Delete"]))]
    action: Option<Text>,
    /// What happens when the stack cannot be created: `ROLLBACK`, `DELETE` or `DO_NOTHING`.
    #[schemars(extend("examples" = ["ROLLBACK", "DELETE", "DO_NOTHING"]))]
    on_failure: Option<Text>,
    /// Whether the stack is protected from being deleted; absent leaves it as it is.
    enable_termination_protection: Option<Flag>,
}

/// Properties of `AttiniSam`.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SamProperties {
    /// The SAM project.
    project: SamProject,
    /// Logical id of the runner that packages it; by default the plan's.
    runner: Option<Literal>,
    #[schemars(flatten)]
    stack: Stack,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct SamProject {
    /// The project's directory in the distribution.
    path: Text,
    /// Where `sam build` puts its result.
    #[schemars(extend("default" = ".aws-sam/build"))]
    build_dir: Option<Text>,
    /// The project's template, for building.
    #[schemars(extend("default" = "template.yaml"))]
    template: Option<Text>,
}

/// Properties of `AttiniCdk`.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CdkProperties {
    /// The project's directory in the distribution, by default its root.
    path: Option<Text>,
    /// Logical id of the runner; by default the plan's.
    runner: Option<Literal>,
    /// How the app is started (`cdk --app`).
    app: Option<Text>,
    /// Ids of the stacks, by default all.
    stacks: Option<Vec<Text>>,
    /// Context of the app.
    context: Option<Texts>,
    /// Parameters of the stacks.
    stack_configuration: Option<Vec<CdkStack>>,
    /// The command that builds the app.
    build: Option<Text>,
    /// Ids of assets that are not built.
    build_exclude: Option<Vec<Text>>,
    /// Plugins of the CDK.
    plugins: Option<Vec<Text>>,
    /// Topics that are told of the stacks' events.
    notification_arns: Option<Vec<Text>>,
    /// Whether stacks are deployed even when nothing changed.
    force: Option<Flag>,
    /// The role that CloudFormation works with.
    role_arn: Option<Text>,
    /// Environment variables of the job.
    environment: Option<Texts>,
    /// Whether only the named stacks are deployed, without those that they depend on.
    exclusively: Option<Flag>,
    /// Whether the changes are shown first and a person has to approve them.
    diff: Option<Diff>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct CdkStack {
    /// Id of the stack; without it the parameters are for all.
    stack_name: Option<Text>,
    /// Its parameters.
    parameters: Texts,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
struct Diff {
    /// Whether changes wait for approval.
    enabled: Flag,
}

/// Properties of `AttiniRunnerJob`.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct JobProperties {
    /// What runs, in one shell, one after the other. What they write to `$ATTINI_OUTPUT` is the output of the step.
    #[schemars(length(min = 1))]
    commands: Vec<Text>,
    /// Environment variables.
    environment: Option<Texts>,
    /// Logical id of the runner; by default the plan's.
    runner: Option<Literal>,
}

/// Properties of `AttiniImport`.
#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ImportProperties {
    /// `Distribution` for the output of another distribution, `S3` for a document in a bucket.
    #[schemars(extend("examples" = ["Distribution", "S3"]))]
    source_type: Text,
    /// Which one.
    source: ImportSource,
    /// Names in the output of the step, with the path of each value in the document.
    #[schemars(extend("minProperties" = 1))]
    mapping: Texts,
    /// The role that reads the document.
    execution_role_arn: Option<Text>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "PascalCase", deny_unknown_fields, extend("minProperties" = 1))]
struct ImportSource {
    /// Name of the distribution.
    name: Option<Text>,
    /// The bucket.
    bucket: Option<Text>,
    /// The key of the document in the bucket.
    key: Option<Text>,
}
