use serde_json::Value;

use super::StepInput;
use crate::deploy::runner_key;
use crate::framework::{Failure, Framework};
use crate::runner::{
    RunnerJobProperties, RunnerRecord, configuration_hash, error_name, job_dedup_id, render_job_message,
};
use crate::value::coerce::IllegalFormat;

/// Queues a job for the step's runner and makes sure that the runner is up (actions.md 9.2). The runner answers the step.
///
/// # Errors
///
/// `IllegalFormatException` for properties of a wrong kind, `RunnerConfigError` for a runner that is unknown or wrongly
/// configured, `PayloadTooLarge` for a message that no queue takes; nothing is queued then. What the fleet says, after.
pub(super) async fn run(framework: &Framework, input: &StepInput) -> Result<(), Failure> {
    let properties = RunnerJobProperties::read(input.step.as_str(), Some(&input.properties))
        .map_err(|error| Failure::new(IllegalFormat::ERROR_NAME, error.to_string()))?;
    let config_error = |cause: String| Failure::new(error_name::RUNNER_CONFIG_ERROR, cause);
    let stack = input.origin.stack_name.clone().unwrap_or_default();
    let Some(name) = &properties.runner else {
        return Err(config_error(format!("Step {} names no runner", input.step)));
    };
    let key = runner_key(&stack, name);
    let Some(record) = framework.inventory.find(&key).await? else {
        return Err(config_error(format!("No runner found with name {name} for stack: {stack}")));
    };
    let runner = RunnerRecord::read(&format!("{stack}-{name}"), &record.body)
        .map_err(|error| config_error(error.to_string()))?;
    let Value::Object(payload) = &input.payload else {
        return Err(Failure::new(IllegalFormat::ERROR_NAME, "the step's input is not an object"));
    };
    let message = render_job_message(payload, &properties, configuration_hash(&runner));
    framework.jobs.send(&runner.queue, &job_dedup_id(&input.token), &message).await?;
    framework.fleet.ensure(&runner).await?;
    Ok(())
}
