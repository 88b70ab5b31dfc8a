use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Map, Value, json};

use crate::framework::{Failure, Framework};
use crate::inventory::{
    DeploymentRecord, LastSuccess, Outcome, distribution_key, find_deployment, save_deployment, update_deployment,
    update_own,
};
use crate::port::{Notification, update_if_present};
use crate::value::{DeploymentName, ObjectIdentifier, Timestamp};

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// In one word.
    pub outcome: Outcome,
    /// What failed, when something did.
    pub error: Option<Failure>,
}

/// Records the end of a deployment, once: the first end that is recorded stays.
///
/// A success also becomes the distribution's `lastSuccess`, and takes back the failure of a step that the plan has dealt
/// with; a failure before the plan is published on the status topic.
///
/// # Errors
///
/// When the inventory fails; the end can be given again. A lost notification is no error.
pub async fn end_deployment(
    framework: &Framework,
    name: &DeploymentName,
    object: &ObjectIdentifier,
    ending: &Ending,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let now = framework.clock.now();
    if ending.outcome == Outcome::Succeeded {
        // Who follows goes on at the outcome, so what others read of a success has to be there before.
        let open = find_deployment(inventory, name, object).await?.filter(|record| record.outcome.is_none());
        if let Some(record) = open {
            save_success(framework, &record).await?;
        }
    }
    let is_first = AtomicBool::new(false);
    // The deployment's own record decides which end was first; the copy at time 0 follows it.
    update_own(inventory, name, object, |body| {
        let ended = has_ended(body);
        is_first.store(!ended, Ordering::Relaxed);
        if ended {
            return;
        }
        body.insert("outcome".to_owned(), ending.outcome.as_str().into());
        body.insert("endTime".to_owned(), now.as_ms().into());
        match &ending.error {
            Some(error) => {
                body.insert("errorCode".to_owned(), error.error.clone().into());
                body.insert("errorMessage".to_owned(), error.cause.clone().into());
            }
            None => {
                body.remove("errorCode");
                body.remove("errorMessage");
            }
        }
    })
    .await?;
    let Some(record) = find_deployment(inventory, name, object).await? else { return Ok(()) };
    update_deployment(inventory, name, object, |body| {
        let of_record = [
            ("outcome", record.outcome.map(|outcome| outcome.as_str().into())),
            ("endTime", record.end_time.map(Value::from)),
            ("errorCode", record.error_code.clone().map(Value::from)),
            ("errorMessage", record.error_message.clone().map(Value::from)),
        ];
        if !has_ended(body) {
            for (field, value) in of_record {
                match value {
                    Some(value) => body.insert(field.to_owned(), value),
                    None => body.remove(field),
                };
            }
        }
    })
    .await?;
    if record.outcome == Some(Outcome::Succeeded) {
        save_success(framework, &record).await?;
    }
    if let (true, None, Some(error)) = (is_first.load(Ordering::Relaxed), &record.deployment_plan_status, &ending.error)
    {
        let body = json!({
            "type": "InitDeploy", "status": "FAILED", "eventId": framework.ids.uuid(),
            "environment": record.environment, "distributionName": record.distribution_name,
            "distributionId": record.distribution_id, "version": record.version,
            "objectIdentifier": record.object_identifier, "errorCode": error.error, "errorMessage": error.cause,
        });
        notify(framework, "InitDeploy", "FAILED", &record.environment, &record.distribution_name, body).await;
    }
    Ok(())
}

fn has_ended(body: &Map<String, Value>) -> bool {
    body.get("outcome").is_some_and(|outcome| !outcome.is_null())
}

/// Notes what dependants get from now on (init-deploy.md 8.2).
async fn save_success(framework: &Framework, record: &DeploymentRecord) -> Result<(), Failure> {
    let last = LastSuccess {
        distribution_id: record.distribution_id.clone(),
        version: record.version.clone(),
        deployment_source_prefix: record.deployment_source.deployment_source_prefix.clone().unwrap_or_default(),
        attini_object_identifier: record.object_identifier.clone(),
        deployment_time: record.started_at,
    };
    let key = distribution_key(&record.environment, &record.distribution_name);
    update_if_present(framework.inventory.as_ref(), &key, |body| {
        let known = body.get("lastSuccess").and_then(|last| last.get("deploymentTime")).and_then(Value::as_i64);
        // A deployment that ends late must not hide a newer success.
        if known.unwrap_or(0) <= last.deployment_time {
            body.insert("lastSuccess".to_owned(), json!(last));
        }
    })
    .await?;
    Ok(())
}

/// Publishes a message on the status topic. A deployment never fails because of it (init-deploy.md 14).
pub(crate) async fn notify(
    framework: &Framework,
    kind: &'static str,
    status: &str,
    environment: &str,
    distribution_name: &str,
    body: Value,
) {
    let notification = Notification {
        kind,
        status: status.to_owned(),
        environment: environment.to_owned(),
        distribution_name: distribution_name.to_owned(),
        body,
    };
    // There is nobody to tell: whoever listens reads the records when a message is missing.
    drop(framework.notifications.publish(notification).await);
}

/// Records a deployment that failed before anything of it was recorded, under the best names there are.
///
/// # Errors
///
/// When the inventory fails.
pub async fn record_upload_failure(
    framework: &Framework,
    object: &ObjectIdentifier,
    time: Timestamp,
    outcome: Outcome,
    failure: &Failure,
) -> Result<(), Failure> {
    let key = object.as_str().rsplit_once('#').map_or(object.as_str(), |(key, _)| key);
    let environment = key.split('/').next().unwrap_or_default().to_owned();
    let folder = key.rsplit('/').nth(1).unwrap_or_default().to_owned();
    let mut record = DeploymentRecord::new(&environment, &folder, "undefined", object, time);
    record.deployment_source.deployment_source_bucket = framework.place.artifact_bucket();
    save_deployment(framework.inventory.as_ref(), &mut record).await?;
    let ending = Ending { outcome, error: Some(failure.clone()) };
    end_deployment(framework, &record.name(), object, &ending).await
}
