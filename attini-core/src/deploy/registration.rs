use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::framework::Failure;
use crate::inventory::{InitStackRecord, init_stack_key, plan_key, read};
use crate::port::{Inventory, Precondition, RecordKey, ResourceKind, update, update_if_present};
use crate::value::MachineArn;

/// What the custom resource of a plan says of it (deployment-plan.md 4.5), and what its stack knows besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Registration {
    /// The stack.
    pub stack: String,
    /// The plan's state machine.
    pub machine: MachineArn,
    /// Records of the runners, as the macro wrote them (deployment-plan.md 5.5), with values resolved.
    pub runners: Vec<Map<String, Value>>,
    /// Parameters of the stack that plans may read.
    pub parameters: BTreeMap<String, String>,
    /// Defaults of the payload, types restored.
    pub payload_defaults: Value,
    /// `replace`, `queue` or `reject`.
    pub concurrency: Option<String>,
    /// `AttiniSteps` of the state machine's metadata.
    pub steps: Value,
}

/// Registers a plan and its runners with the init stack that holds them (deployment-plan.md 10.4).
///
/// `old` is the machine that an update replaced.
///
/// # Errors
///
/// When the stack was not created by an init deploy, a runner's record is wrong, or the inventory fails.
pub async fn register_plan(
    inventory: &dyn Inventory,
    plan: &Registration,
    old: Option<&MachineArn>,
    version: &str,
) -> Result<(), Failure> {
    let stack_key = init_stack_key(&plan.stack);
    let Some(found) = inventory.find(&stack_key).await? else {
        let cause = format!("stack {} was not created by an Attini init deploy", plan.stack);
        return Err(Failure::new("RegistrationError", cause));
    };
    let item: InitStackRecord = read(&stack_key, found.body)?;
    let identity = json!({
        "environment": item.environment, "distributionName": item.distribution_name,
        "distributionId": item.distribution_id, "attiniObjectIdentifier": item.attini_object_identifier,
        "stackName": plan.stack,
    });
    let identity = identity.as_object().cloned().unwrap_or_default();
    let defaults = plan.payload_defaults.to_string();
    update(inventory, &plan_key(&plan.machine), |body| {
        body.extend(identity.clone());
        body.insert("payloadDefaults".to_owned(), defaults.clone().into());
        body.insert("attiniSteps".to_owned(), plan.steps.clone());
        match &plan.concurrency {
            Some(concurrency) => body.insert("concurrency".to_owned(), concurrency.clone().into()),
            None => body.remove("concurrency"),
        };
    })
    .await?;
    let mut names = BTreeSet::new();
    for runner in &plan.runners {
        let record = runner_body(runner)?;
        let name = record.get("runnerName").and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = runner_key(&plan.stack, &name);
        update(inventory, &key, |body| {
            for field in RUNNER_FIELDS {
                body.remove(*field);
            }
            body.extend(identity.clone());
            body.extend(record.clone());
            body.insert("attiniVersion".to_owned(), version.into());
        })
        .await?;
        names.insert(name);
    }
    for gone in item.runners.difference(&names) {
        inventory.delete(&runner_key(&plan.stack, gone), Precondition::None).await?;
    }
    update_if_present(inventory, &stack_key, |body| {
        let mut arns = item.sfn_arns.clone();
        if let Some(old) = old.filter(|old| **old != plan.machine) {
            arns.remove(old.as_str());
        }
        arns.insert(plan.machine.as_str().to_owned());
        body.insert("sfnArns".to_owned(), json!(arns));
        body.insert("runners".to_owned(), json!(names));
        body.insert("stackParameters".to_owned(), json!(plan.parameters));
        body.remove("stackError");
    })
    .await?;
    if let Some(old) = old.filter(|old| **old != plan.machine) {
        inventory.delete(&plan_key(old), Precondition::None).await?;
    }
    Ok(())
}

/// Removes a plan and the runners of its stack. Doing it twice is doing it once.
///
/// # Errors
///
/// When the inventory fails.
pub async fn unregister_plan(inventory: &dyn Inventory, stack: &str, machine: &MachineArn) -> Result<(), Failure> {
    let key = init_stack_key(stack);
    if let Some(found) = inventory.find(&key).await? {
        let item: InitStackRecord = read(&key, found.body)?;
        for runner in &item.runners {
            inventory.delete(&runner_key(stack, runner), Precondition::None).await?;
        }
        update_if_present(inventory, &key, |body| {
            let left: BTreeSet<&String> = item.sfn_arns.iter().filter(|arn| *arn != machine.as_str()).collect();
            body.insert("sfnArns".to_owned(), json!(left));
            body.remove("runners");
        })
        .await?;
    }
    inventory.delete(&plan_key(machine), Precondition::None).await?;
    Ok(())
}

/// Returns the key of a runner's record.
pub(crate) fn runner_key(stack: &str, runner: &str) -> RecordKey {
    RecordKey::Resource(ResourceKind::Runner, format!("{stack}-{runner}"))
}

/// Attributes that a registration owns; those written while the runner runs stay (deployment-plan.md 11).
const RUNNER_FIELDS: &[&str] = &[
    "taskDefinitionArn",
    "assignPublicIp",
    "sqsQueueUrl",
    "cluster",
    "container",
    "roleArn",
    "logLevel",
    "subnets",
    "securityGroups",
    "maxConcurrentJobs",
    "idleTimeToLive",
    "jobTimeout",
    "cpu",
    "memory",
    "startupCommandsTimeout",
    "startupCommands",
    "ec2Configuration",
];

/// Turns the macro's record of a runner into the inventory's attributes.
fn runner_body(runner: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
    let name = runner.get("name").and_then(Value::as_str).unwrap_or_default();
    let bad = |field: &str, value: &Value| {
        Failure::new("RegistrationError", format!("runner {name}: {field} must be an integer, not {value}"))
    };
    let mut body = Map::new();
    body.insert("cluster".to_owned(), "attini-default".into());
    for (field, value) in runner {
        let (attribute, value) = match field.as_str() {
            "name" => ("runnerName", value.clone()),
            "queueUrl" => ("sqsQueueUrl", value.clone()),
            "containerName" => ("container", value.clone()),
            "installationCommands" => match value.as_array() {
                Some(commands) if !commands.is_empty() => ("startupCommands", value.clone()),
                _ => continue,
            },
            "subnets" | "securityGroups" => {
                let list: Vec<&str> = value.as_str().unwrap_or_default().split(',').map(str::trim).collect();
                let list: BTreeSet<&str> = list.into_iter().filter(|item| !item.is_empty()).collect();
                (field.as_str(), json!(list))
            }
            "maxConcurrentJobs"
            | "idleTimeToLive"
            | "jobTimeout"
            | "cpu"
            | "memory"
            | "installationCommandsTimeout" => {
                let number = match value {
                    Value::String(text) => text.trim().parse::<i64>().ok(),
                    other => other.as_i64(),
                };
                let number = number.ok_or_else(|| bad(field, value))?;
                let attribute =
                    if field == "installationCommandsTimeout" { "startupCommandsTimeout" } else { field.as_str() };
                (attribute, number.into())
            }
            _ => (field.as_str(), value.clone()),
        };
        body.insert(attribute.to_owned(), value);
    }
    Ok(body)
}
