//! A deployment of the local world becomes a case.

use std::fs::OpenOptions;
use std::io::{ErrorKind as IoError, Write};
use std::path::Path;

use attini_core::inventory::find_deployment;
use attini_core::value::{DeploymentName, ExecutionArn};
use attini_local::plan_test::{Project, Recording, record};
use serde_json::Value;

use super::TestArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::yaml_text;
use crate::{records, resolve};

pub(super) async fn run(
    ctx: &mut Context<'_>,
    args: &TestArgs,
    project: &Project,
    file: &Path,
) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.environment.as_deref()).await?.name;
    let (name, id) = (project.name(), args.distribution_id.as_deref());
    let wanted = |found: &records::DeploymentRecord| id.is_none() || found.labels.id.as_deref() == id;
    let found = records::deployments(inventory, &environment, name, 1, wanted).await?.into_iter().next();
    let what = id.map_or_else(|| name.to_owned(), |id| format!("{name} with id {id}"));
    let object = found.and_then(|found| found.object).ok_or_else(|| {
        CommandError::illegal(format!("{what} was never deployed to {environment}")).hint(ctx.command_line(&[
            "deploy",
            "history",
            "-n",
            name,
            "-e",
            &environment,
        ]))
    })?;
    let deployment = find_deployment(inventory, &DeploymentName::of_raw(&environment, name), &object)
        .await
        .map_err(|failure| CommandError::execution(failure.cause))?;
    let deployment = deployment.ok_or_else(|| CommandError::illegal(format!("there is no deployment of {object}")))?;
    let Some(arn) = deployment.execution_arns.values().next_back() else {
        let text = format!("the deployment of {what} ended before its plan began, so there is nothing to record");
        return Err(CommandError::illegal(text));
    };
    let arn = ExecutionArn::from_record(arn.clone());
    let execution = ports.workflows.describe(&arn).await.map_err(CommandError::execution)?;
    let mut events = Vec::new();
    loop {
        let after = events.last().map_or(0, |event: &attini_core::port::HistoryEvent| event.id);
        let page = ports.workflows.history(&arn, after).await.map_err(CommandError::execution)?;
        let more = page.more && !page.items.is_empty();
        events.extend(page.items);
        if !more {
            break;
        }
    }
    let values = world.values(&environment).await?;
    let parameters = values.get("parameters").and_then(Value::as_object).into_iter().flatten();
    let recording = Recording {
        environment: environment.clone(),
        name: format!("deployment {} to {environment}", deployment.distribution_id),
        input: execution.input,
        events,
        parameter_names: parameters.map(|(name, _)| name.clone()).collect(),
    };
    let recorded = record(project, &recording).map_err(CommandError::execution)?;
    let shown = file.display();
    let text = if file.extension().is_some_and(|extension| extension == "json") {
        format!("{:#}\n", recorded.file)
    } else {
        yaml_text(&recorded.file)
    };
    let mut target = OpenOptions::new().write(true).create_new(true).open(file).map_err(|error| {
        let is_there = error.kind() == IoError::AlreadyExists;
        let failed = CommandError::illegal(error).context(format!("cannot write {shown}"));
        if is_there { failed.hint("name a new file; move the case into the other one afterwards") } else { failed }
    })?;
    target
        .write_all(text.as_bytes())
        .map_err(|error| CommandError::execution(error).context(format!("cannot write {shown}")))?;
    if !recorded.hidden.is_empty() {
        let steps = recorded.hidden.join(", ");
        ctx.ui.warn(&format!("values of {steps} hold secrets, so they were left out or replaced by ****"))?;
    }
    ctx.ui.message("recorded", &format!("Recorded `{}` in {shown}", recording.name))
}
