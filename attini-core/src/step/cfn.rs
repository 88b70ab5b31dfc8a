use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::StepInput;
use crate::framework::{Failure, Framework};
use crate::guard::{all_events, step_output};
use crate::inventory::{InitStackRecord, StackRecord, init_stack_key, read, stack_key};
use crate::port::{
    AnswerError, ParameterValue, RecordKey, StackDescription, StackError, StackRequest, StoreError, TemplateLocation,
    update, update_if_present,
};
use crate::stack::{
    Action, Operation, StackFile, StackProperties, ValueSource, ValueSpec, WantedStack, config_file_key, create_stack,
    decide_operation, update_stack,
};
use crate::value::Place;

/// Deploys or deletes a stack (actions.md 5). The guard answers the step when the operation ends.
///
/// The same step can be run again with the same token: an operation that was accepted is waited for.
///
/// # Errors
///
/// By name, see actions.md 1.6; nothing was changed then, except for a stack whose failed creation was being removed.
pub(super) async fn run(framework: &Framework, input: &StepInput) -> Result<(), Failure> {
    let wanted = wanted(framework, input).await?;
    let place = Place {
        account: framework.place.account.clone(),
        region: wanted.target.region.clone().unwrap_or_else(|| framework.place.region.clone()),
    };
    let key = stack_key(&wanted.target.name, &place);
    let existing = framework.stacks.find(&wanted.target).await?;
    let earlier = earlier_token(framework, input, &key).await?;
    if let (Some(token), Some(stack)) = (&earlier, &existing)
        && was_accepted(framework, &wanted, stack, token).await?
    {
        return Ok(());
    }
    let operation = decide_operation(existing.as_ref(), wanted.action)?;
    if operation == Operation::Nothing {
        return answer(framework, input, &json!({})).await;
    }
    if operation == Operation::Delete && wanted.termination_protection == Some(true) {
        let cause = format!("stack {} is to be deleted and protected against deletion at once", wanted.target.name);
        return Err(Failure::new("StackConfigError", cause));
    }
    let token = earlier.unwrap_or_else(|| operation_token(framework, input));
    save_record(framework, input, &key, &wanted, &token).await?;
    if operation == Operation::Delete {
        let (target, role) = (&wanted.target, wanted.service_role.as_deref());
        return Ok(framework.stacks.delete(target, role, &token).await?);
    }
    let Some(template) = wanted.template.clone() else {
        return Err(Failure::new("StackConfigError", "no template path is specified"));
    };
    let request = request(framework, input, &wanted, template, existing.as_ref(), &token).await?;
    if operation == Operation::Recreate {
        remove_leftover(framework, &wanted, &token).await?;
    }
    let accepted = match operation {
        Operation::Update => update_stack(framework.stacks.as_ref(), &request).await,
        _ => create_stack(framework.stacks.as_ref(), &request).await,
    };
    match accepted {
        Ok(stack_id) => {
            change_record(framework, &key, &token, |body| {
                body.insert("stackId".to_owned(), stack_id.clone().into());
            })
            .await
        }
        Err(StackError::NothingToUpdate { .. }) => {
            let output = match &existing {
                Some(stack) => step_output(stack, wanted.output_path.as_deref()),
                None => json!({}),
            };
            answer(framework, input, &output).await?;
            change_record(framework, &key, &token, |body| drop(body.remove("sfnToken"))).await
        }
        Err(StackError::AlreadyExists { name }) => {
            let cause = format!(
                "Attini cannot update stack {name}: it was created by someone else meanwhile, without the tag \
                 `AttiniResourceType: cloudformation-stack`"
            );
            Err(Failure::new("AccessDenied", cause))
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the token of the operation that an earlier run of this very step prepared.
async fn earlier_token(framework: &Framework, input: &StepInput, key: &RecordKey) -> Result<Option<String>, Failure> {
    let Some(found) = framework.inventory.find(key).await? else { return Ok(None) };
    let record: StackRecord = read(key, found.body)?;
    let is_same = record.sfn_token.as_deref() == Some(input.token.expose());
    Ok(is_same.then_some(record.client_request_token))
}

/// Says whether the stack service has begun the operation with this token.
async fn was_accepted(
    framework: &Framework,
    wanted: &WantedStack,
    stack: &StackDescription,
    token: &str,
) -> Result<bool, Failure> {
    let events = all_events(framework.stacks.as_ref(), &wanted.target, Some(&stack.id)).await?;
    Ok(events.iter().any(|event| event.token.as_deref() == Some(token)))
}

/// Changes the stack's record while it belongs to the operation with this token.
async fn change_record<F>(framework: &Framework, key: &RecordKey, token: &str, change: F) -> Result<(), Failure>
where
    F: Fn(&mut Map<String, Value>) + Send + Sync,
{
    update_if_present(framework.inventory.as_ref(), key, |body| {
        if body.get("clientRequestToken").and_then(Value::as_str) == Some(token) {
            change(body);
        }
    })
    .await?;
    Ok(())
}

async fn wanted(framework: &Framework, input: &StepInput) -> Result<WantedStack, Failure> {
    let properties = StackProperties::read(input.step.as_str(), &input.properties)?;
    let of_init_stack = match &input.origin.stack_name {
        Some(stack) => match framework.inventory.find(&init_stack_key(stack)).await? {
            Some(record) => read::<InitStackRecord>(&init_stack_key(stack), record.body)?.variables,
            None => BTreeMap::new(),
        },
        None => BTreeMap::new(),
    };
    let variables = properties.variables(&of_init_stack);
    let prefix = &input.origin.deployment_source.deployment_source_prefix;
    let file = match &properties.config_file {
        Some(path) => read_config_files(framework, path, &variables, prefix).await?,
        None => StackFile::default(),
    };
    WantedStack::decide(&properties, &file, &variables, prefix)
}

/// Reads a configuration file and all it extends, and lays child over parent.
async fn read_config_files(
    framework: &Framework,
    path: &str,
    variables: &BTreeMap<String, String>,
    prefix: &str,
) -> Result<StackFile, Failure> {
    let refuse = |cause: String| Failure::new("StackConfigError", cause);
    let fill = |text: &str| crate::stack::fill(text, variables).map_err(|problem| refuse(format!("{text}: {problem}")));
    let mut chain: Vec<String> = Vec::new();
    let mut visited = BTreeSet::new();
    let mut files = Vec::new();
    let mut next = Some(fill(path)?);
    while let Some(path) = next {
        let key = config_file_key(prefix, &path)?;
        chain.push(path.clone());
        if !visited.insert(key.clone()) {
            return Err(refuse(format!("config files extend each other in a circle: {}", chain.join(" -> "))));
        }
        let bytes = match framework.artifacts.get(&key, None).await {
            Ok(bytes) => bytes,
            Err(StoreError::NotFound { .. }) => {
                return Err(refuse(format!("could not find config file {path}; check its name and path")));
            }
            Err(error) => return Err(error.into()),
        };
        let text = String::from_utf8_lossy(&bytes);
        let (file, _) = StackFile::parse(&path, &text)
            .map_err(|problems| refuse(format!("could not parse config file {path}: {problems}")))?;
        next = file.extends.as_deref().map(fill).transpose()?;
        files.push(file);
    }
    let parents = files.into_iter().rev();
    Ok(parents.fold(StackFile::default(), |merged, child| child.over(merged)))
}

/// `{execution id}{epoch ms}` and something unique, at most 128 characters of those that CloudFormation takes (actions.md
/// 5.11).
fn operation_token(framework: &Framework, input: &StepInput) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let id: String = input.execution.id().chars().filter(plain).take(64).collect();
    format!("{id}{}-{}", framework.clock.now().as_ms(), framework.ids.uuid())
}

async fn save_record(
    framework: &Framework,
    input: &StepInput,
    key: &RecordKey,
    wanted: &WantedStack,
    token: &str,
) -> Result<(), Failure> {
    let desired = if wanted.action == Action::Delete { "DELETED" } else { "DEPLOYED" };
    let record = StackRecord {
        distribution_id: input.origin.distribution_id.clone(),
        distribution_name: input.origin.distribution_name.clone(),
        environment: input.origin.environment.clone(),
        attini_object_identifier: input.origin.object_identifier.clone(),
        desired_state: desired.to_owned(),
        step_name: input.step.as_str().to_owned(),
        client_request_token: token.to_owned(),
        stack_name: wanted.target.name.as_str().to_owned(),
        stack_id: None,
        sfn_execution_arn: input.execution.as_str().to_owned(),
        sfn_token: Some(input.token.expose().to_owned()),
        template: wanted.template.as_ref().map(ToString::to_string).unwrap_or_default(),
        stack_type: "Cfn".to_owned(),
        output_path: wanted.output_path.clone(),
        region: wanted.target.region.as_ref().map(|region| region.as_str().to_owned()),
        execution_role_arn: wanted.target.role.clone(),
    };
    let body = json!(record);
    update(framework.inventory.as_ref(), key, |current| {
        for field in ["stackId", "outputPath", "region", "executionRoleArn", "stackError"] {
            current.remove(field);
        }
        current.extend(body.as_object().cloned().unwrap_or_default());
        current.insert("errors".to_owned(), json!([]));
    })
    .await?;
    Ok(())
}

async fn request(
    framework: &Framework,
    input: &StepInput,
    wanted: &WantedStack,
    template: TemplateLocation,
    existing: Option<&StackDescription>,
    token: &str,
) -> Result<StackRequest, Failure> {
    let declared =
        framework.stacks.declared_parameters(&wanted.target, &template).await.map_err(|error| match error {
            StackError::Refused { message, .. } => {
                Failure::new("StackConfigError", format!("template {template} cannot be used: {message}"))
            }
            other => other.into(),
        })?;
    let mut specs = framework_parameters(framework, input);
    specs.extend(wanted.parameters.clone());
    let known = |parameters: &StackDescription, key: &str| parameters.parameters.contains_key(key);
    let mut parameters = BTreeMap::new();
    for parameter in &declared {
        let name = &parameter.name;
        let Some(spec) = specs.get(name) else { continue };
        let value = if spec.fallback && existing.is_some_and(|stack| known(stack, name)) {
            ParameterValue::Previous
        } else {
            ParameterValue::Text(look_up(framework, name, &spec.source).await?)
        };
        parameters.insert(name.clone(), value);
    }
    let mut tags = BTreeMap::new();
    for (key, spec) in &wanted.tags {
        let current = existing.and_then(|stack| stack.tags.get(key)).filter(|_| spec.fallback);
        let value = match current {
            Some(current) => current.clone(),
            None => look_up(framework, key, &spec.source).await?,
        };
        tags.insert(key.clone(), value);
    }
    // The framework's keys win: policies and operators rely on them (actions.md 5.7).
    tags.insert("AttiniDistributionName".to_owned(), input.origin.distribution_name.clone());
    tags.insert(framework.settings.environment_parameter.clone(), input.origin.environment.clone());
    tags.insert("AttiniResourceType".to_owned(), "cloudformation-stack".to_owned());
    Ok(StackRequest {
        target: wanted.target.clone(),
        template,
        parameters,
        tags,
        service_role: wanted.service_role.clone(),
        on_failure: wanted.on_failure,
        termination_protection: wanted.termination_protection,
        token: token.to_owned(),
    })
}

/// Parameters that every template may declare (actions.md 5.6). A value that the user gives wins over them.
fn framework_parameters(framework: &Framework, input: &StepInput) -> BTreeMap<String, ValueSpec> {
    let origin = &input.origin;
    BTreeMap::from([
        ("AttiniDistributionName".to_owned(), ValueSpec::text(origin.distribution_name.clone())),
        ("AttiniDistributionId".to_owned(), ValueSpec::text(origin.distribution_id.clone())),
        ("AttiniRandomString".to_owned(), ValueSpec::text(framework.ids.uuid())),
        (framework.settings.environment_parameter.clone(), ValueSpec::text(origin.environment.clone())),
    ])
}

async fn look_up(framework: &Framework, key: &str, source: &ValueSource) -> Result<String, Failure> {
    match source {
        ValueSource::Text(text) => Ok(text.clone()),
        ValueSource::Parameter { name, default } => match framework.parameters.find(name).await? {
            Some(value) => Ok(value),
            None => default.clone().ok_or_else(|| {
                let cause = format!("{key}: there is no SSM parameter `{name}` and the entry has no `default`");
                Failure::new("StackConfigError", cause)
            }),
        },
    }
}

/// Deletes what a failed creation left, and waits a little; after that the plan's own retry goes on waiting.
async fn remove_leftover(framework: &Framework, wanted: &WantedStack, token: &str) -> Result<(), Failure> {
    let token = format!("recreate-{token}");
    framework.stacks.delete(&wanted.target, wanted.service_role.as_deref(), &token).await?;
    let mut wait = Duration::from_millis(10);
    for _ in 0..12 {
        match framework.stacks.find(&wanted.target).await? {
            None => return Ok(()),
            Some(stack) if !stack.status.is_in_progress() => {
                let cause =
                    format!("stack {} could not be deleted before its re-creation: {}", stack.name, stack.status);
                return Err(Failure::new("ValidationError", cause));
            }
            Some(_) => framework.clock.sleep(wait).await,
        }
        wait = (wait * 2).min(Duration::from_secs(2));
    }
    let cause = format!("stack {} is being deleted before its re-creation", wanted.target.name);
    Err(Failure::new("IsExecuting", cause))
}

async fn answer(framework: &Framework, input: &StepInput, output: &Value) -> Result<(), Failure> {
    match framework.tokens.succeed(&input.token, output).await {
        Ok(()) | Err(AnswerError::Closed) => Ok(()),
        Err(error @ AnswerError::TooLarge { .. }) => Err(Failure::new("InvalidOutput", error.to_string())),
        Err(error) => Err(error.into()),
    }
}
