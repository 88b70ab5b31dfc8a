//! The runner's properties: what they may hold, and how they are recorded (deployment-plan.md 5.1, 5.5).

use serde_json::{Map, Value, json};

use super::Runner;
use crate::asl::kind_of;

const PROPERTIES: [&str; 11] = [
    "TaskDefinitionArn",
    "Image",
    "ContainerName",
    "EcsCluster",
    "RoleArn",
    "Memory",
    "Cpu",
    "RunnerConfiguration",
    "Startup",
    "AwsVpcConfiguration",
    "Ec2Configuration",
];

const GROUPS: [(&str, &[&str]); 4] = [
    ("RunnerConfiguration", &["MaxConcurrentJobs", "IdleTimeToLive", "JobTimeout", "LogLevel"]),
    ("Startup", &["Commands", "CommandsTimeout"]),
    ("AwsVpcConfiguration", &["Subnets", "SecurityGroups", "AssignPublicIp"]),
    ("Ec2Configuration", &["InstanceType", "InstanceProfileName", "Ami"]),
];

/// Whole numbers with their ranges: group (none at the top), property, least, greatest.
const NUMBERS: [(&str, &str, i64, i64); 6] = [
    ("", "Memory", 512, 25_165_824),
    ("", "Cpu", 256, 98_304),
    ("RunnerConfiguration", "MaxConcurrentJobs", 1, 20),
    ("RunnerConfiguration", "IdleTimeToLive", 60, 86_400),
    ("RunnerConfiguration", "JobTimeout", 5, 172_800),
    ("Startup", "CommandsTimeout", 5, 172_800),
];

const LOG_LEVELS: [&str; 6] = ["DEBUG", "INFO", "WARN", "ERROR", "OFF", "ALL"];

const IMAGES: [&str; 7] = [
    "AmazonLinux2",
    "AmazonLinux2_arm64",
    "AmazonLinux2_gpu",
    "AmazonLinux2_inf",
    "AmazonLinux2023",
    "AmazonLinux2023_arm64",
    "AmazonLinux2023_inf",
];

/// Checks everything that can be known before the stack is deployed. Intrinsic functions are not looked into.
pub(super) fn check(runner: &mut Runner<'_>) {
    check_keys(runner);
    if runner.properties.contains_key("Image") && runner.properties.contains_key("TaskDefinitionArn") {
        runner.report(&["Image"], "Image and TaskDefinitionArn cannot both be given, give one of them");
    }
    for key in ["TaskDefinitionArn", "Image", "ContainerName", "EcsCluster", "RoleArn"] {
        match runner.properties.get(key) {
            None | Some(Value::String(_) | Value::Object(_)) => {}
            Some(other) => {
                let text = format!("{key} must be a string, not {}", kind_of(other));
                runner.report(&[key], text);
            }
        }
    }
    for (group, key, least, greatest) in NUMBERS {
        check_number(runner, group, key, least..=greatest);
    }
    if let Some(level) = literal(runner, "RunnerConfiguration", "LogLevel")
        && !LOG_LEVELS.iter().any(|known| level == *known)
    {
        let text = format!("LogLevel must be one of {}", LOG_LEVELS.join(" "));
        runner.report(&["RunnerConfiguration", "LogLevel"], text);
    }
    if let Some(startup) = runner.group("Startup")
        && let Some(commands) = startup.get("Commands").filter(|commands| !commands.is_array())
    {
        let text = format!("Startup.Commands must be a list, not {}", kind_of(commands));
        runner.report(&["Startup", "Commands"], text);
    }
    check_machine(runner);
}

fn check_keys(runner: &mut Runner<'_>) {
    for (key, value) in runner.properties.clone() {
        let Some((_, known)) = GROUPS.iter().find(|(group, _)| *group == key) else {
            if !PROPERTIES.contains(&key.as_str()) {
                runner.report_word(&[&key], &format!("unknown property {key}"), &key, &PROPERTIES);
            }
            continue;
        };
        let Some(group) = value.as_object() else {
            runner.report(&[&key], format!("{key} must be an object, not {}", kind_of(&value)));
            continue;
        };
        for member in group.keys().filter(|member| !known.contains(&member.as_str())) {
            runner.report_word(&[&key, member], &format!("unknown property {key}.{member}"), member, known);
        }
    }
}

/// Returns a value that is neither absent nor an intrinsic function.
fn literal(runner: &Runner<'_>, group: &str, key: &str) -> Option<Value> {
    let value =
        if group.is_empty() { runner.properties.get(key).cloned() } else { runner.group(group)?.get(key).cloned() };
    value.filter(|value| !value.is_object())
}

fn check_number(runner: &mut Runner<'_>, group: &str, key: &str, range: std::ops::RangeInclusive<i64>) {
    let Some(value) = literal(runner, group, key) else { return };
    let number = match &value {
        Value::Number(number) => {
            number.as_i64().or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    if number.is_none_or(|number| !range.contains(&number)) {
        let way: Vec<&str> = [group, key].into_iter().filter(|part| !part.is_empty()).collect();
        let text = format!("{key} must be a whole number from {} to {}", range.start(), range.end());
        runner.report(&way, text);
    }
}

fn check_machine(runner: &mut Runner<'_>) {
    let Some(machine) = runner.group("Ec2Configuration") else { return };
    if !machine.contains_key("InstanceType") {
        runner.report(&["Ec2Configuration"], "InstanceType is missing in Ec2Configuration");
    }
    if let Some(image) = machine.get("Ami").filter(|image| !image.is_object()) {
        let known = image.as_str().is_some_and(|name| name.starts_with("ami-") || IMAGES.contains(&name));
        if !known {
            let text = format!("Ami must be an id ami-… or one of {}", IMAGES.join(" "));
            runner.report(&["Ec2Configuration", "Ami"], text);
        }
    }
}

/// Writes the settings into the record, and adds the log group of an EC2 host.
pub(super) fn record(runner: &mut Runner<'_>, record: &mut Map<String, Value>, resources: &mut Map<String, Value>) {
    let configuration = runner.group("RunnerConfiguration").unwrap_or_default();
    let startup = runner.group("Startup").unwrap_or_default();
    let fields = [
        ("maxConcurrentJobs", configuration.get("MaxConcurrentJobs")),
        ("idleTimeToLive", configuration.get("IdleTimeToLive")),
        ("jobTimeout", configuration.get("JobTimeout")),
        ("logLevel", configuration.get("LogLevel")),
        ("containerName", runner.properties.get("ContainerName")),
        ("cluster", runner.properties.get("EcsCluster")),
        ("roleArn", runner.properties.get("RoleArn")),
        ("installationCommandsTimeout", startup.get("CommandsTimeout")),
        ("cpu", runner.properties.get("Cpu")),
        ("memory", runner.properties.get("Memory")),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            record.insert(key.to_owned(), value.clone());
        }
    }
    let commands = startup.get("Commands").cloned().unwrap_or_else(|| json!([]));
    record.insert("installationCommands".to_owned(), commands);
    let Some(machine) = runner.group("Ec2Configuration") else { return };
    let log_group = format!("{}EcsClientLogGroup", runner.id);
    let mut host = Map::new();
    if let Some(kind) = machine.get("InstanceType") {
        host.insert("instanceType".to_owned(), kind.clone());
    }
    host.insert("ecsClientLogGroup".to_owned(), json!({"Ref": log_group}));
    let profile = machine.get("InstanceProfileName").cloned();
    let default = || json!({"Fn::Sub": "attini-runner-default-instance-profile-${AWS::Region}"});
    host.insert("instanceProfile".to_owned(), profile.unwrap_or_else(default));
    if let Some(image) = machine.get("Ami") {
        host.insert("ami".to_owned(), image.clone());
    }
    record.insert("ec2Configuration".to_owned(), Value::Object(host));
    resources.insert(log_group, super::task_definition::log_group());
}
