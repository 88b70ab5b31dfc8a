use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::init::{DEPLOYMENT_TIME, InitTemplate, is_newer, superseded};
use super::parameters::{RANDOM_STRING, framework_parameters};
use super::{Ending, end_deployment, fingerprint};
use crate::asl::path::JsonPath;
use crate::config::{Import, InitStackConfig, ParameterValue as ConfigValue};
use crate::framework::{Failure, Framework};
use crate::guard::{RECREATE_TOKEN, all_events, init_stack_event, init_stack_token, start_plans};
use crate::inventory::{
    DeploymentRecord, DistributionRecord, InitStackRecord, Outcome, distribution_key, init_stack_key, plan_key, read,
    save_deployment,
};
use crate::port::{
    OnFailure, ParameterValue, StackDescription, StackError, StackEvent, StackRequest, StackTarget, TemplateLocation,
    update, update_if_present,
};
use crate::stack::{Operation, create_stack, update_stack};
use crate::value::{DeploymentName, KeyPrefix, MachineArn, ObjectIdentifier, ObjectKey};

/// Brings the init stack into the wanted state, or starts its plans when it is already there (init-deploy.md 10, 11).
pub(super) async fn deploy(
    framework: &Framework,
    stack: &InitStackConfig,
    template: &InitTemplate,
    record: &mut DeploymentRecord,
    prefix: &KeyPrefix,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    let key = init_stack_key(stack.stack_name.as_str());
    record.stack_name = Some(stack.stack_name.as_str().to_owned());
    let own = &template.parameters;
    let mut tags = record.distribution_tags.clone();
    tags.extend(stack.tags.clone());
    let version = &framework.settings.version;
    let wanted = fingerprint(own, &tags, &stack.variables, version, template.text.as_bytes());
    for name in own.keys().filter(|name| template.json.pointer(&format!("/Parameters/{}", pointer(name))).is_none()) {
        let warning =
            format!("parameter {name} of initDeployConfig is not declared in {}, so it has no effect", stack.template);
        record.warnings.push(warning);
    }
    let before = inventory.find(&key).await?.map(|found| found.body).unwrap_or_default();
    let known: InitStackRecord = read(&key, before.clone())?;
    let target = StackTarget::own(stack.stack_name.clone());
    let existing = framework.init_stacks.find(&target).await?;
    let is_ours = known.attini_object_identifier == record.object_identifier;
    if is_ours && take_up(framework, &known, existing.as_ref(), record).await? {
        return Ok(());
    }
    let healthy = existing.as_ref().is_some_and(|stack| stack.status.is_success());
    // While something is pending the fingerprint says nothing about the stack: nobody has seen yet how that ended.
    let matches = known.fingerprint == wanted && known.pending_fingerprint.is_empty();
    if !stack.force_update && healthy && matches {
        let was_left = before.get("initStackUnchanged") == Some(&true.into());
        return leave_alone(framework, stack, record, !is_ours || was_left).await;
    }
    let operation = init_operation(existing.as_ref())?;
    if !save_deployment(inventory, record).await? {
        return Err(superseded(""));
    }
    let body = update(inventory, &key, |body| {
        if is_newer(body, record) {
            return;
        }
        identify(body, record);
        body.insert("variables".to_owned(), json!(stack.variables));
        body.insert(PENDING.to_owned(), wanted.clone().into());
        body.insert("errors".to_owned(), json!([]));
        body.remove("initStackUnchanged");
    })
    .await?;
    if is_newer(&body, record) {
        return Err(superseded(body.get("distributionId").and_then(Value::as_str).unwrap_or_default()));
    }
    let accepted = match request(framework, stack, record, own, tags, prefix).await {
        Ok(request) => submit(framework, &operation, &request).await,
        Err(failure) => Err(failure),
    };
    match accepted {
        Ok(true) => end_overtaken(framework, &known, record).await,
        Ok(false) => {
            update_if_present(inventory, &key, |body| {
                body.insert("initStackMd5Hex".to_owned(), wanted.clone().into());
                body.remove(PENDING);
            })
            .await?;
            end_overtaken(framework, &known, record).await?;
            leave_alone(framework, stack, record, true).await
        }
        Err(failure) => Err(refused(framework, stack, record, &before, failure).await),
    }
}

/// Chooses by the stack's status what is to be done to it (init-deploy.md 10).
fn init_operation(existing: Option<&StackDescription>) -> Result<Operation, Failure> {
    let Some(stack) = existing else { return Ok(Operation::Create) };
    let (name, status) = (&stack.name, &stack.status);
    let refuse = |advice: &str| {
        Err(Failure::new("ValidationError", format!("init stack {name} is in {status}; {advice} and deploy again")))
    };
    match status.0.as_str() {
        _ if status.needs_recreation() => Ok(Operation::Recreate),
        "DELETE_FAILED" => Ok(Operation::Recreate),
        "UPDATE_ROLLBACK_FAILED" => refuse("continue its rollback (ContinueUpdateRollback)"),
        _ if status.is_in_progress() => refuse("wait until that has ended"),
        _ => Ok(Operation::Update),
    }
}

/// Goes on where an earlier run of this upload's init deploy was, if that had its operation accepted. Says whether it had.
async fn take_up(
    framework: &Framework,
    known: &InitStackRecord,
    existing: Option<&StackDescription>,
    record: &mut DeploymentRecord,
) -> Result<bool, Failure> {
    let Some(stack) = existing.filter(|_| !known.pending_fingerprint.is_empty()) else { return Ok(false) };
    let target = StackTarget::own(stack.name.clone());
    let events = all_events(framework.init_stacks.as_ref(), &target, Some(&stack.id)).await?;
    let token = init_stack_token(&record.object());
    let own: Vec<&StackEvent> = events.iter().filter(|event| event.token.as_deref() == Some(&token)).collect();
    if own.is_empty() {
        return Ok(false);
    }
    save_deployment(framework.inventory.as_ref(), record).await?;
    let is_end = |event: &&&StackEvent| event.is_about_the_stack() && !event.status.is_in_progress();
    if let Some(end) = own.iter().rfind(is_end) {
        init_stack_event(framework, end).await?;
    }
    Ok(true)
}

async fn request(
    framework: &Framework,
    stack: &InitStackConfig,
    record: &DeploymentRecord,
    own: &BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    prefix: &KeyPrefix,
) -> Result<StackRequest, Failure> {
    let target = StackTarget::own(stack.stack_name.clone());
    Ok(StackRequest {
        template: TemplateLocation::Artifact(prefix.key(&stack.template)),
        parameters: declared(framework, record, own, &target, prefix, &stack.template).await?,
        tags: stack_tags(framework, record, tags),
        service_role: None,
        on_failure: None::<OnFailure>,
        termination_protection: None,
        token: init_stack_token(&record.object()),
        target,
    })
}

/// Has the operation accepted; says `false` when the stack is already as wanted.
async fn submit(framework: &Framework, operation: &Operation, request: &StackRequest) -> Result<bool, Failure> {
    let stacks = framework.init_stacks.as_ref();
    if *operation == Operation::Recreate {
        recreate(framework, request).await?;
    }
    let accepted = match operation {
        Operation::Update => update_stack(stacks, request).await,
        _ => create_stack(stacks, request).await,
    };
    match accepted {
        Ok(_) => Ok(true),
        Err(StackError::NothingToUpdate { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Ends the deployment whose operation had ended when this one's was accepted, but whose end nobody will see any more.
async fn end_overtaken(
    framework: &Framework,
    known: &InitStackRecord,
    record: &DeploymentRecord,
) -> Result<(), Failure> {
    if known.pending_fingerprint.is_empty() || known.attini_object_identifier == record.object_identifier {
        return Ok(());
    }
    let name = DeploymentName::of_raw(&known.environment, &known.distribution_name);
    let object = ObjectIdentifier::from_record(known.attini_object_identifier.clone());
    let ending = Ending { outcome: Outcome::Aborted, error: Some(superseded(&record.distribution_id)) };
    end_deployment(framework, &name, &object, &ending).await
}

fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The stack is as wanted: its plans get to know the new upload, and start.
async fn leave_alone(
    framework: &Framework,
    stack: &InitStackConfig,
    record: &mut DeploymentRecord,
    unchanged: bool,
) -> Result<(), Failure> {
    let inventory = framework.inventory.as_ref();
    record.init_stack_unchanged = unchanged;
    if !save_deployment(inventory, record).await? {
        return Err(superseded(""));
    }
    let key = init_stack_key(stack.stack_name.as_str());
    let body = update(inventory, &key, |body| {
        if is_newer(body, record) {
            return;
        }
        identify(body, record);
        if unchanged {
            body.insert("initStackUnchanged".to_owned(), true.into());
        }
    })
    .await?;
    if is_newer(&body, record) {
        return Err(superseded(body.get("distributionId").and_then(Value::as_str).unwrap_or_default()));
    }
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

/// Attribute of an init stack's record: fingerprint of what is being deployed.
const PENDING: &str = "pendingInitStackMd5Hex";

/// Attributes that say which upload an init stack's record belongs to.
const IDENTITY: [&str; 5] =
    ["attiniObjectIdentifier", "distributionId", "distributionName", "environment", DEPLOYMENT_TIME];

fn identify(body: &mut Map<String, Value>, record: &DeploymentRecord) {
    let values: [Value; 5] = [
        record.object_identifier.clone().into(),
        record.distribution_id.clone().into(),
        record.distribution_name.clone().into(),
        record.environment.clone().into(),
        record.started_at.into(),
    ];
    body.extend(IDENTITY.map(str::to_owned).into_iter().zip(values));
}

/// After a refusal the next deployment must really update the stack, and an operation of an older upload that nobody has
/// seen the end of is still that one's.
async fn refused(
    framework: &Framework,
    stack: &InitStackConfig,
    record: &DeploymentRecord,
    before: &Map<String, Value>,
    failure: Failure,
) -> Failure {
    let key = init_stack_key(stack.stack_name.as_str());
    let was_pending = before.get("attiniObjectIdentifier").and_then(Value::as_str)
        != Some(record.object_identifier.as_str())
        && before.get(PENDING).is_some();
    let forgotten = update_if_present(framework.inventory.as_ref(), &key, |body| {
        if body.get("attiniObjectIdentifier").and_then(Value::as_str) != Some(record.object_identifier.as_str()) {
            return;
        }
        body.remove("initStackMd5Hex");
        body.remove(PENDING);
        body.insert("initStackUnchanged".to_owned(), false.into());
        if was_pending {
            for field in IDENTITY.into_iter().chain([PENDING]) {
                match before.get(field) {
                    Some(value) => body.insert(field.to_owned(), value.clone()),
                    None => body.remove(field),
                };
            }
        }
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
    let token = format!("{RECREATE_TOKEN}{}", framework.ids.uuid());
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
    let (name, id) = (&record.distribution_name, &record.distribution_id);
    values.extend(framework_parameters(&framework.settings, &record.environment, name, id));
    values.insert(RANDOM_STRING.to_owned(), framework.ids.uuid());
    let location = TemplateLocation::Artifact(prefix.key(template));
    let declared = framework.init_stacks.declared_parameters(target, &location).await?;
    let taken = declared.into_iter().filter_map(|parameter| {
        let value = values.remove(&parameter.name)?;
        Some((parameter.name, ParameterValue::Text(value)))
    });
    Ok(taken.collect())
}

/// Resolves the parameters of the configuration, imports from other distributions included (init-deploy.md 4.5).
pub(super) async fn own_parameters(
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
