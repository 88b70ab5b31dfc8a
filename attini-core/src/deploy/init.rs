use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::publish::{Checked, check_archive};
use super::{Ending, Upload, check_template, end_deployment, init_stack, notify, record_upload_failure};
use crate::config::{Config, InitStackConfig, Pipeline, ResolvedConfig};
use crate::framework::{Failure, Framework};
use crate::inventory::{
    DependencyRecord, DeploymentRecord, EnvironmentRecord, Outcome, distribution_key, find_deployment,
    find_environment, list_history, save_deployment,
};
use crate::port::{Precondition, update};
use crate::value::{DeploymentName, DistributionId, DistributionName, Environment, KeyPrefix};

/// A distribution whose every part was checked; nothing has been changed yet.
struct Accepted {
    digest: String,
    environment: Environment,
    name: DistributionName,
    id: DistributionId,
    config: ResolvedConfig,
    template: Option<InitTemplate>,
    warnings: Vec<String>,
}

/// The init stack's template, and the configured values of its parameters.
pub(super) struct InitTemplate {
    pub(super) text: String,
    pub(super) json: Value,
    pub(super) parameters: BTreeMap<String, String>,
}

/// What a failed deployment is recorded under, as far as it is known.
struct Names {
    environment: String,
    name: String,
    id: String,
}

/// Turns an uploaded distribution into a deployment: checks all of it, publishes its files, records it, and creates or
/// updates its init stack (init-deploy.md 2). The plans start when the stack is as wanted, see [`crate::guard`].
///
/// Every failure is recorded in the deployment's record before it is returned. The same upload can be given again: what was
/// done is not done twice, what was not is done then, and a deployment that has ended stays as it is.
///
/// # Errors
///
/// What failed, by name. Unless the stack service refused the init stack, nothing but the record and files under the id
/// was changed.
pub async fn init_deploy(framework: &Framework, upload: &Upload) -> Result<(), Failure> {
    let object = upload.object();
    let (mut record, accepted) = match accept(framework, upload).await {
        Ok((archive, accepted)) => (new_record(framework, upload, &accepted), Ok((archive, accepted))),
        Err((failure, Some(names))) => {
            let mut record = DeploymentRecord::new(&names.environment, &names.name, &names.id, &object, upload.time);
            record.user_identity = Some(upload.user.clone());
            record.deployment_source.deployment_source_bucket = framework.place.artifact_bucket();
            (record, Err(failure))
        }
        Err((failure, None)) => {
            record_upload_failure(framework, &object, upload.time, Outcome::Failed, &failure).await?;
            return Err(failure);
        }
    };
    let done = match find_deployment(framework.inventory.as_ref(), &record.name(), &object).await {
        // Notices of uploads may come twice.
        Ok(Some(earlier)) if earlier.outcome.is_some() => return Ok(()),
        Ok(earlier) => {
            if let Some(earlier) = earlier {
                record.started_at = earlier.started_at;
            }
            match accepted {
                Ok((archive, accepted)) => deploy(framework, upload, archive, &accepted, &mut record).await,
                Err(failure) => Err(failure),
            }
        }
        Err(failure) => Err(failure),
    };
    if let Err(failure) = &done {
        save_deployment(framework.inventory.as_ref(), &mut record).await?;
        let ending = Ending { outcome: Outcome::Failed, error: Some(failure.clone()) };
        end_deployment(framework, &record.name(), &object, &ending).await?;
    }
    done
}

/// Checks everything that can be known before something is changed.
async fn accept(framework: &Framework, upload: &Upload) -> Result<(Checked, Accepted), (Failure, Option<Names>)> {
    let environment = upload.environment().map_err(|failure| (failure, None))?;
    let folder = upload.folder().to_owned();
    let names = |name: &str, id: &str| {
        Some(Names { environment: environment.as_str().to_owned(), name: name.to_owned(), id: id.to_owned() })
    };
    let early = |failure: Failure| (failure, names(&folder, "undefined"));
    let registered = find_environment(framework.inventory.as_ref(), environment.as_str()).await.map_err(early)?;
    let Some(registered) = registered else {
        let cause = format!(
            "environment {environment} does not exist; create it first: attini environment create {environment}"
        );
        return Err(early(Failure::new("EnvironmentNotFound", cause)));
    };
    let reader =
        framework.origin.open(&upload.key, Some(&upload.version)).await.map_err(|error| early(error.into()))?;
    let mut archive = check_archive(reader).map_err(early)?;
    let invalid = |text: String| Failure::new("InvalidConfig", text);
    // Without a file, as in the original, everything is default, and there is no plan.
    let (file, text) = match archive.config_file().map_err(early)? {
        Some(file) => (file, archive.text(file).map_err(early)?),
        None => ("attini-config.yaml", "{}".to_owned()),
    };
    let identity = Config::identity(file, &text);
    let known_name = identity.name.map_or_else(|| folder.clone(), |name| name.as_str().to_owned());
    let id = match identity.id {
        Some(id) => id,
        None => {
            let id = fresh_id(framework, upload, &environment, &known_name).await.map_err(early)?;
            DistributionId::parse(&id).map_err(|error| early(invalid(error.to_string())))?
        }
    };
    let late = |failure: Failure| (failure, names(&known_name, id.as_str()));
    let (config, found) = Config::parse(file, &text).map_err(|problems| late(invalid(problems.to_string())))?;
    let mut warnings: Vec<String> = found.iter().map(ToString::to_string).collect();
    let name = DistributionName::parse(&known_name).map_err(|error| late(invalid(error.to_string())))?;
    let resolved = config.resolve(&environment, &name, &id).map_err(|problems| late(invalid(problems.to_string())))?;
    let template = match &resolved.pipeline {
        Pipeline::None => None,
        Pipeline::App(_) => {
            let cause = "`distributionType: app` is not in this version; it deploys platform distributions".to_owned();
            return Err(late(Failure::new("InvalidConfig", cause)));
        }
        Pipeline::InitStack(stack) => Some(read_template(&mut archive, stack).map_err(late)?),
    };
    check_digest(framework, &registered, &name, &id, &archive.digest, &mut warnings).await.map_err(late)?;
    for dependency in &resolved.dependencies {
        let (name, range) = (dependency.name.as_str(), dependency.range.as_ref());
        super::dependency::check_dependency(framework, environment.as_str(), name, range).await.map_err(late)?;
    }
    let template = match (&resolved.pipeline, template) {
        (Pipeline::InitStack(stack), Some((text, json))) => {
            let parameters = init_stack::own_parameters(framework, &stack.parameters, environment.as_str());
            Some(InitTemplate { text, json, parameters: parameters.await.map_err(late)? })
        }
        _ => None,
    };
    let digest = archive.digest.clone();
    Ok((archive, Accepted { digest, environment, name, id, config: resolved, template, warnings }))
}

/// Returns an id for a distribution that has none: a new one, but the same again for the same upload.
async fn fresh_id(
    framework: &Framework,
    upload: &Upload,
    environment: &Environment,
    name: &str,
) -> Result<String, Failure> {
    let name = DeploymentName::of_raw(environment.as_str(), name);
    let earlier = find_deployment(framework.inventory.as_ref(), &name, &upload.object()).await?;
    Ok(earlier.map_or_else(|| framework.ids.uuid(), |earlier| earlier.distribution_id))
}

fn read_template(archive: &mut Checked, stack: &InitStackConfig) -> Result<(String, Value), Failure> {
    if !archive.has(&stack.template) {
        let cause =
            format!("the template {} of `initDeployConfig.template` is not in the distribution", stack.template);
        return Err(Failure::new("InvalidConfig", cause));
    }
    let text = archive.text(&stack.template)?;
    let (template, _) = check_template(&stack.template, &text)
        .map_err(|problems| Failure::new("InvalidTemplate", problems.to_string()))?;
    Ok((text, template))
}

/// The same id with another content is a warning, and a refusal where ids are immutable (init-deploy.md 5).
async fn check_digest(
    framework: &Framework,
    environment: &EnvironmentRecord,
    name: &DistributionName,
    id: &DistributionId,
    digest: &str,
    warnings: &mut Vec<String>,
) -> Result<(), Failure> {
    let history = list_history(framework.inventory.as_ref(), &environment.name, name.as_str(), usize::MAX).await?;
    let other = history
        .iter()
        .filter(|record| record.distribution_id == id.as_str())
        .find_map(|record| record.content_digest.as_deref().filter(|known| *known != digest));
    let Some(other) = other else { return Ok(()) };
    let text = format!(
        "id {id} was deployed before with another content: then {}, now {}",
        beginning(other),
        beginning(digest)
    );
    if environment.immutable_ids {
        let cause = format!("{text}; environment {} does not allow that (immutableIds)", environment.name);
        return Err(Failure::new("InvalidDistribution", cause));
    }
    warnings.push(text);
    Ok(())
}

/// Returns enough of a digest for people to tell it from others; the whole one is in the record.
fn beginning(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn new_record(framework: &Framework, upload: &Upload, accepted: &Accepted) -> DeploymentRecord {
    let (environment, name, id) = (accepted.environment.as_str(), accepted.name.as_str(), accepted.id.as_str());
    let mut record = DeploymentRecord::new(environment, name, id, &upload.object(), upload.time);
    record.deployment_source.deployment_source_bucket = framework.place.artifact_bucket();
    record.distribution_tags.clone_from(&accepted.config.distribution_tags);
    record.version = accepted.config.version.as_ref().map(|version| version.as_str().to_owned());
    record.user_identity = Some(upload.user.clone());
    record.content_digest = Some(accepted.digest.clone());
    record.warnings.clone_from(&accepted.warnings);
    record
}

async fn deploy(
    framework: &Framework,
    upload: &Upload,
    mut archive: Checked,
    accepted: &Accepted,
    record: &mut DeploymentRecord,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let newest = list_history(inventory, &record.environment, &record.distribution_name, 1).await?;
    if let Some(newer) = newest.first().filter(|newest| newest.started_at > record.started_at) {
        return Err(superseded(&newer.distribution_id));
    }
    let prefix = KeyPrefix::of_files(&accepted.environment, &accepted.name, &accepted.id);
    archive.publish(framework, &prefix).await?;
    let zip = framework.origin.open(&upload.key, Some(&upload.version)).await?;
    let zip_key = prefix.key(&format!("{}.zip", accepted.name));
    framework.artifacts.put(&zip_key, crate::port::Body::Reader(Box::new(zip)), Precondition::None).await?;
    record.deployment_source.deployment_source_prefix = Some(prefix.without_slash().to_owned());

    let latest = format!("/attini/distributions/{}/{}/latest", accepted.environment, accepted.name);
    save_distribution(framework, upload, accepted, record, &prefix).await?;
    framework.parameters.put(&latest, accepted.id.as_str(), "Reference to the latest distribution Id").await?;

    match (&accepted.config.pipeline, &accepted.template) {
        (Pipeline::InitStack(stack), Some(template)) => {
            init_stack::deploy(framework, stack, template, record, &prefix).await?;
        }
        _ => {
            save_deployment(inventory, record).await?;
            let ending = Ending { outcome: Outcome::Succeeded, error: None };
            end_deployment(framework, &record.name(), &record.object(), &ending).await?;
        }
    }
    let mut body = json!({
        "type": "InitDeploy", "status": "SUCCEEDED", "eventId": framework.ids.uuid(),
        "distributionId": record.distribution_id, "distributionName": record.distribution_name,
        "environment": record.environment, "tags": record.distribution_tags, "version": record.version,
        "objectIdentifier": record.object_identifier,
    });
    if let (Some(stack), Value::Object(fields)) = (&record.stack_name, &mut body) {
        fields.insert("initStackName".to_owned(), stack.clone().into());
    }
    notify(framework, "InitDeploy", "SUCCEEDED", &record.environment, &record.distribution_name, body).await;
    Ok(())
}

/// The name of what happens to an upload that a newer one has overtaken.
pub(super) fn superseded(newer: &str) -> Failure {
    let newer = if newer.is_empty() { String::new() } else { format!(" ({newer})") };
    Failure::new("DeploymentSuperseded", format!("a newer upload{newer} was deployed meanwhile"))
}

/// Notes the newest upload of the distribution; the last success and its output stay (init-deploy.md 8.2).
///
/// # Errors
///
/// `DeploymentSuperseded` when a newer upload has been noted by now.
async fn save_distribution(
    framework: &Framework,
    upload: &Upload,
    accepted: &Accepted,
    record: &DeploymentRecord,
    prefix: &KeyPrefix,
) -> Result<(), Failure> {
    let dependencies: Vec<DependencyRecord> = accepted
        .config
        .dependencies
        .iter()
        .map(|dependency| DependencyRecord { distribution_name: dependency.name.as_str().to_owned() })
        .collect();
    let fields = json!({
        "attiniObjectIdentifier": upload.object().as_str(), "distributionId": accepted.id.as_str(),
        "distributionName": accepted.name.as_str(), "environment": accepted.environment.as_str(),
        "userIdentity": upload.user, "sourceS3Bucket": framework.place.origin_bucket(),
        "sourceS3key": upload.key.as_str(), "deploymentSourcePrefix": prefix.without_slash(),
        "distributionTags": accepted.config.distribution_tags, DEPLOYMENT_TIME: record.started_at,
    });
    let stack = match &accepted.config.pipeline {
        Pipeline::InitStack(stack) => Some(stack.stack_name.as_str().to_owned()),
        _ => None,
    };
    let version: Option<Value> = accepted.config.version.as_ref().map(|version| version.as_str().into());
    let key = distribution_key(accepted.environment.as_str(), accepted.name.as_str());
    let body = update(framework.inventory.as_ref(), &key, |body| {
        if is_newer(body, record) {
            return;
        }
        body.extend(fields.as_object().cloned().unwrap_or_default());
        let mut optional = |field: &str, value: Option<Value>| match value {
            Some(value) => body.insert(field.to_owned(), value),
            None => body.remove(field),
        };
        optional("version", version.clone());
        optional("dependencies", (!dependencies.is_empty()).then(|| json!(dependencies)));
        optional("initStackName", stack.clone().map(Value::from));
    })
    .await?;
    match is_newer(&body, record) {
        true => Err(superseded(body.get("distributionId").and_then(Value::as_str).unwrap_or_default())),
        false => Ok(()),
    }
}

/// Attribute of records that the newest upload owns: when that was. An older upload that comes late leaves them alone.
pub(super) const DEPLOYMENT_TIME: &str = "deploymentTime";

/// Says whether a record that the newest upload owns belongs to a newer one than this.
pub(super) fn is_newer(body: &Map<String, Value>, record: &DeploymentRecord) -> bool {
    body.get(DEPLOYMENT_TIME).and_then(Value::as_i64).is_some_and(|time| time > record.started_at)
}
