use serde_json::json;

use super::StepInput;
use crate::deploy::notify;
use crate::framework::{Failure, Framework};
use crate::inventory::{ApprovalRecord, approval_key};
use crate::port::update;

/// Notes that the step waits for a person. The answer comes through [`crate::guard::answer_approval`].
pub(super) async fn run(framework: &Framework, input: &StepInput) -> Result<(), Failure> {
    let origin = &input.origin;
    let record = ApprovalRecord {
        distribution_id: origin.distribution_id.clone(),
        distribution_name: origin.distribution_name.clone(),
        environment: origin.environment.clone(),
        attini_object_identifier: origin.object_identifier.clone(),
        step_name: input.step.as_str().to_owned(),
        sfn_token: Some(input.token.expose().to_owned()),
        execution_arn: input.execution.as_str().to_owned(),
        answered_by: None,
        answered_at: None,
    };
    let body = json!(record);
    let key = approval_key(&origin.environment, &origin.distribution_name, input.step.as_str());
    update(framework.inventory.as_ref(), &key, |current| {
        if let Some(fields) = body.as_object() {
            current.clone_from(fields);
        }
    })
    .await?;
    let message = json!({
        "type": "ApprovalRequested", "status": "WAITING", "eventId": framework.ids.uuid(),
        "environment": origin.environment, "distributionName": origin.distribution_name,
        "distributionId": origin.distribution_id, "stepName": input.step.as_str(),
        "executionArn": input.execution.as_str(),
    });
    notify(framework, "ApprovalRequested", "WAITING", &origin.environment, &origin.distribution_name, message).await;
    Ok(())
}
