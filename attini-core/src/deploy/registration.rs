use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::framework::Failure;
use crate::inventory::{InitStackRecord, init_stack_key, plan_key, read};
use crate::port::{Inventory, Precondition, RecordKey, ResourceKind, update, update_if_present};
use crate::runner::{RunnerRecord, TaskSettings, attribute};
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
    let runners = runner_bodies(&plan.runners)?;
    check_runners(&plan.stack, &identity, &runners)?;
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
    for (name, record) in &runners {
        update(inventory, &runner_key(&plan.stack, name), |body| {
            for field in RUNNER_FIELDS {
                body.remove(*field);
            }
            body.extend(identity.clone());
            body.extend(record.clone());
            body.insert(attribute::ATTINI_VERSION.to_owned(), version.into());
        })
        .await?;
    }
    let names: BTreeSet<&String> = runners.keys().collect();
    let gone: Vec<&String> = item.runners.iter().filter(|runner| !names.contains(runner)).collect();
    for gone in gone {
        inventory.delete(&runner_key(&plan.stack, gone), Precondition::None).await?;
    }
    let replaced = old.filter(|old| **old != plan.machine);
    update_if_present(inventory, &stack_key, |body| {
        // Taken from the record as it is now: another plan may be registered at the same time.
        let mut arns = texts(body, "sfnArns");
        if let Some(old) = replaced {
            arns.remove(old.as_str());
        }
        arns.insert(plan.machine.as_str().to_owned());
        body.insert("sfnArns".to_owned(), json!(arns));
        body.insert("runners".to_owned(), json!(names));
        body.insert("stackParameters".to_owned(), json!(plan.parameters));
        body.remove("stackError");
    })
    .await?;
    if let Some(old) = replaced {
        inventory.delete(&plan_key(old), Precondition::None).await?;
    }
    Ok(())
}

fn texts(body: &Map<String, Value>, field: &str) -> BTreeSet<String> {
    let items = body.get(field).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Removes a plan and the runners of its stack. Doing it twice is doing it once.
///
/// # Errors
///
/// When the inventory fails.
pub async fn unregister_plan(inventory: &dyn Inventory, stack: &str, machine: &MachineArn) -> Result<(), Failure> {
    let key = init_stack_key(stack);
    let left = update_if_present(inventory, &key, |body| {
        let mut arns = texts(body, "sfnArns");
        arns.remove(machine.as_str());
        body.insert("sfnArns".to_owned(), json!(arns));
    })
    .await?;
    // Another plan of the stack still needs the runners.
    if let Some(body) = left.filter(|body| texts(body, "sfnArns").is_empty()) {
        for runner in texts(&body, "runners") {
            inventory.delete(&runner_key(stack, &runner), Precondition::None).await?;
        }
        update_if_present(inventory, &key, |body| drop(body.remove("runners"))).await?;
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
    attribute::TASK_DEFINITION_ARN,
    attribute::ASSIGN_PUBLIC_IP,
    attribute::QUEUE_URL,
    attribute::CLUSTER,
    attribute::CONTAINER,
    attribute::ROLE_ARN,
    attribute::LOG_LEVEL,
    attribute::SUBNETS,
    attribute::SECURITY_GROUPS,
    attribute::MAX_CONCURRENT_JOBS,
    attribute::IDLE_TIME_TO_LIVE,
    attribute::JOB_TIMEOUT,
    attribute::CPU,
    attribute::MEMORY,
    attribute::STARTUP_COMMANDS_TIMEOUT,
    attribute::STARTUP_COMMANDS,
    attribute::EC2_CONFIGURATION,
];

/// Reads the macro's records of the runners, by name.
fn runner_bodies(runners: &[Map<String, Value>]) -> Result<BTreeMap<String, Map<String, Value>>, Failure> {
    let mut bodies = BTreeMap::new();
    let mut problems = Vec::new();
    for runner in runners {
        match runner.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
            Some(name) => {
                bodies.insert(name.to_owned(), runner_body(name, runner, &mut problems));
            }
            None => problems.push("a runner has no `name`".to_owned()),
        }
    }
    match problems.is_empty() {
        true => Ok(bodies),
        false => Err(Failure::new("RegistrationError", problems.join("; "))),
    }
}

/// Checks what a runner would refuse to start with (deployment-plan.md 10.6).
fn check_runners(
    stack: &str,
    identity: &Map<String, Value>,
    runners: &BTreeMap<String, Map<String, Value>>,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    for (name, record) in runners {
        let mut body = identity.clone();
        body.extend(record.clone());
        problems.extend(RunnerRecord::read(&format!("{stack}-{name}"), &body).err().map(|error| error.to_string()));
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Failure::new("RegistrationError", problems.join("; "))),
    }
}

/// Turns the macro's record of a runner into the inventory's attributes.
fn runner_body(name: &str, runner: &Map<String, Value>, problems: &mut Vec<String>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(attribute::CLUSTER.to_owned(), TaskSettings::DEFAULT_CLUSTER.into());
    for (field, value) in runner.iter().filter(|(_, value)| !value.is_null()) {
        let attribute = match field.as_str() {
            "name" => attribute::RUNNER_NAME,
            "queueUrl" => attribute::QUEUE_URL,
            "containerName" => attribute::CONTAINER,
            "installationCommands" => attribute::STARTUP_COMMANDS,
            "installationCommandsTimeout" => attribute::STARTUP_COMMANDS_TIMEOUT,
            other => other,
        };
        let value = match attribute {
            attribute::STARTUP_COMMANDS if value.as_array().is_none_or(Vec::is_empty) => continue,
            attribute::SUBNETS | attribute::SECURITY_GROUPS => {
                let items = value.as_str().unwrap_or_default().split(',').map(str::trim);
                json!(items.filter(|item| !item.is_empty()).collect::<BTreeSet<&str>>())
            }
            attribute::MAX_CONCURRENT_JOBS
            | attribute::IDLE_TIME_TO_LIVE
            | attribute::JOB_TIMEOUT
            | attribute::CPU
            | attribute::MEMORY
            | attribute::STARTUP_COMMANDS_TIMEOUT => {
                let number = match value {
                    Value::String(text) => text.trim().parse::<i64>().ok(),
                    other => other.as_i64(),
                };
                let Some(number) = number else {
                    problems.push(format!("runner {name}: {field} must be an integer, not {value}"));
                    continue;
                };
                number.into()
            }
            _ => value.clone(),
        };
        body.insert(attribute.to_owned(), value);
    }
    body
}
