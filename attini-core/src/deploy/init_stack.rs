use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::fingerprint;
use crate::asl::path::JsonPath;
use crate::config::{Import, InitStackConfig, ParameterValue as ConfigValue};
use crate::framework::{Failure, Framework};
use crate::guard::{init_stack_token, start_plans};
use crate::inventory::{
    DeploymentRecord, DistributionRecord, InitStackRecord, distribution_key, init_stack_key, plan_key, read,
    save_deployment,
};
use crate::port::{
    OnFailure, ParameterValue, StackError, StackRequest, StackTarget, TemplateLocation, update, update_if_present,
};
use crate::value::{KeyPrefix, MachineArn, ObjectKey};

/// Brings the init stack into the wanted state, or starts its plans when it is already there (init-deploy.md 10, 11).
pub(super) async fn deploy(
    framework: &Framework,
    stack: &InitStackConfig,
    template_text: &str,
    template: &Value,
    record: &mut DeploymentRecord,
    prefix: &KeyPrefix,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let key = init_stack_key(stack.stack_name.as_str());
    record.stack_name = Some(stack.stack_name.as_str().to_owned());
    let own = own_parameters(framework, &stack.parameters, &record.environment).await?;
    let mut tags = record.distribution_tags.clone();
    tags.extend(stack.tags.clone());
    let wanted = fingerprint(&own, &tags, &stack.variables, &framework.settings.version, template_text.as_bytes());
    let known: InitStackRecord = match inventory.find(&key).await? {
        Some(found) => read(&key, found.body)?,
        None => InitStackRecord::default(),
    };
    let target = StackTarget::own(stack.stack_name.clone());
    let existing = framework.init_stacks.find(&target).await?;
    let healthy = existing.as_ref().is_some_and(|stack| stack.status.is_success());
    // An update that is pending, or was cut off, may have changed the stack already.
    let settled = known.pending_fingerprint.is_empty();
    let unchanged = !stack.force_update && healthy && settled && known.fingerprint == wanted;
    for name in own.keys().filter(|name| template.pointer(&format!("/Parameters/{}", pointer(name))).is_none()) {
        let warning =
            format!("parameter {name} of initDeployConfig is not declared in {}, so it has no effect", stack.template);
        record.warnings.push(warning);
    }
    if unchanged {
        return leave_alone(framework, stack, record).await;
    }
    update(inventory, &key, |body| {
        identify(body, record);
        body.insert("variables".to_owned(), json!(stack.variables));
        body.insert("pendingInitStackMd5Hex".to_owned(), wanted.clone().into());
        body.insert("errors".to_owned(), json!([]));
    })
    .await?;
    save_deployment(inventory, record).await?;

    let request = StackRequest {
        target: target.clone(),
        template: TemplateLocation::Artifact(prefix.key(&stack.template)),
        parameters: declared(framework, record, &own, &target, prefix, &stack.template).await?,
        tags: stack_tags(framework, record, tags),
        service_role: None,
        on_failure: None::<OnFailure>,
        termination_protection: None,
        token: init_stack_token(&record.object()),
    };
    let accepted = match existing.as_ref().map(|stack| stack.status.clone()) {
        None => framework.init_stacks.create(&request).await,
        Some(status) if status.needs_recreation() || status.0 == "DELETE_FAILED" => {
            recreate(framework, &request).await?;
            framework.init_stacks.create(&request).await
        }
        Some(status) if status.is_in_progress() => {
            let cause =
                format!("init stack {} is in {status}; wait until that has ended and deploy again", target.name);
            return Err(refused(framework, stack, Failure::new("ValidationError", cause)).await);
        }
        Some(status) if status.0 == "UPDATE_ROLLBACK_FAILED" => {
            let cause = format!(
                "init stack {} is in {status}; continue its rollback (ContinueUpdateRollback) and deploy again",
                target.name
            );
            return Err(refused(framework, stack, Failure::new("ValidationError", cause)).await);
        }
        Some(_) => framework.init_stacks.update(&request).await,
    };
    match accepted {
        Ok(_) => Ok(()),
        Err(StackError::NothingToUpdate { .. }) => {
            update_if_present(inventory, &key, |body| {
                body.insert("initStackMd5Hex".to_owned(), wanted.clone().into());
                body.remove("pendingInitStackMd5Hex");
            })
            .await?;
            leave_alone(framework, stack, record).await
        }
        Err(error) => Err(refused(framework, stack, error.into()).await),
    }
}

fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The stack is as wanted: its plans get to know the new upload, and start.
async fn leave_alone(
    framework: &Framework,
    stack: &InitStackConfig,
    record: &mut DeploymentRecord,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    record.init_stack_unchanged = true;
    save_deployment(inventory, record).await?;
    let key = init_stack_key(stack.stack_name.as_str());
    let body = update(inventory, &key, |body| {
        identify(body, record);
        body.insert("initStackUnchanged".to_owned(), true.into());
    })
    .await?;
    let item: InitStackRecord = read(&key, body)?;
    for arn in &item.sfn_arns {
        let machine = MachineArn::from_record(arn.clone());
        update_if_present(inventory, &plan_key(&machine), |body| {
            body.insert("attiniObjectIdentifier".to_owned(), record.object_identifier.clone().into());
            body.insert("distributionId".to_owned(), record.distribution_id.clone().into());
        })
        .await?;
    }
    start_plans(framework, &stack.stack_name).await
}

fn identify(body: &mut serde_json::Map<String, Value>, record: &DeploymentRecord) {
    for (field, value) in [
        ("attiniObjectIdentifier", &record.object_identifier),
        ("distributionId", &record.distribution_id),
        ("distributionName", &record.distribution_name),
        ("environment", &record.environment),
    ] {
        body.insert(field.to_owned(), value.clone().into());
    }
}

/// After a refusal the next deployment must really update the stack.
async fn refused(framework: &Framework, stack: &InitStackConfig, failure: Failure) -> Failure {
    let key = init_stack_key(stack.stack_name.as_str());
    let forgotten = update_if_present(framework.inventory.as_ref(), &key, |body| {
        body.remove("initStackMd5Hex");
        body.remove("pendingInitStackMd5Hex");
    })
    .await;
    match forgotten {
        Ok(_) => failure,
        Err(error) => {
            Failure::new(failure.error, format!("{}; besides, {}", failure.cause, crate::framework::explain(&error)))
        }
    }
}

async fn recreate(framework: &Framework, request: &StackRequest) -> Result<(), Failure> {
    let token = format!("recreate-call-{}", framework.ids.uuid());
    framework.init_stacks.delete(&request.target, None, &token).await?;
    let mut wait = Duration::from_millis(10);
    for _ in 0..300 {
        match framework.init_stacks.find(&request.target).await? {
            None => return Ok(()),
            Some(stack) if !stack.status.is_in_progress() => {
                let cause =
                    format!("init stack {} could not be deleted before its re-creation: {}", stack.name, stack.status);
                return Err(Failure::new("ValidationError", cause));
            }
            Some(_) => framework.clock.sleep(wait).await,
        }
        wait = (wait * 2).min(Duration::from_secs(2));
    }
    let cause = format!("init stack {} was still being deleted after ten minutes", request.target.name);
    Err(Failure::new("ValidationError", cause))
}

fn stack_tags(
    framework: &Framework,
    record: &DeploymentRecord,
    mut tags: BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    tags.insert("AttiniDistributionName".to_owned(), record.distribution_name.clone());
    tags.insert("AttiniEnvironmentName".to_owned(), record.environment.clone());
    tags.insert("AttiniResourceType".to_owned(), "init-deploy".to_owned());
    tags.retain(|key, _| framework.settings.environment_parameter != *key || key == "AttiniEnvironmentName");
    tags
}

/// Returns the parameters that the template declares, the framework's own winning (init-deploy.md 10).
async fn declared(
    framework: &Framework,
    record: &DeploymentRecord,
    own: &BTreeMap<String, String>,
    target: &StackTarget,
    prefix: &KeyPrefix,
    template: &str,
) -> Result<BTreeMap<String, ParameterValue>, Failure> {
    let mut values = own.clone();
    values.insert("AttiniDistributionName".to_owned(), record.distribution_name.clone());
    values.insert("AttiniDistributionId".to_owned(), record.distribution_id.clone());
    values.insert("AttiniRandomString".to_owned(), framework.ids.uuid());
    values.insert(framework.settings.environment_parameter.clone(), record.environment.clone());
    let location = TemplateLocation::Artifact(prefix.key(template));
    let declared = framework.init_stacks.declared_parameters(target, &location).await?;
    let taken = declared.into_iter().filter_map(|parameter| {
        let value = values.remove(&parameter.name)?;
        Some((parameter.name, ParameterValue::Text(value)))
    });
    Ok(taken.collect())
}

/// Resolves the parameters of the configuration, imports from other distributions included (init-deploy.md 4.5).
async fn own_parameters(
    framework: &Framework,
    configured: &BTreeMap<String, ConfigValue>,
    environment: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut resolved = BTreeMap::new();
    for (name, value) in configured {
        let text = match value {
            ConfigValue::Text(text) => text.clone(),
            ConfigValue::Import(import) => read_import(framework, name, import, environment).await?,
        };
        resolved.insert(name.clone(), text);
    }
    Ok(resolved)
}

async fn read_import(
    framework: &Framework,
    parameter: &str,
    import: &Import,
    environment: &str,
) -> Result<String, Failure> {
    let from = &import.distribution;
    let bad = |why: String| Failure::new("InvalidConfig", format!("init parameter {parameter}: {why}"));
    let key = distribution_key(environment, from);
    let Some(found) = framework.inventory.find(&key).await? else {
        return Err(bad(format!("distribution {from} was not found in environment {environment}")));
    };
    let record: DistributionRecord = read(&key, found.body)?;
    if record.output_url.is_none() {
        return Err(bad(format!("distribution {from} has no output in environment {environment}")));
    }
    let output = ObjectKey::of_output(environment, from, record.current_id());
    let bytes = framework.artifacts.get(&output, None).await?;
    let document: Value =
        serde_json::from_slice(&bytes).map_err(|error| bad(format!("the output of {from} is no JSON: {error}")))?;
    let path = JsonPath::parse(&import.mapping).map_err(|error| bad(error.to_string()))?;
    let selected =
        path.select(&document).map_err(|error| bad(format!("could not read {}: {error}", import.mapping)))?;
    match selected.into_value() {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array() && !item.is_null()) => {
            let texts = items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Ok(texts.collect::<Vec<_>>().join(","))
        }
        other => {
            Err(bad(format!("{} of {from} is {}, not a text", import.mapping, crate::value::coerce::kind_name(&other))))
        }
    }
}
