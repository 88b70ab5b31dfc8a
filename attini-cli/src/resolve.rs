//! Which environment is meant, and whether a production one may be touched (cli.md 10.3, 10.4).

use attini_core::port::{Inventory, InventoryError, Precondition, RecordKey, ResourceKind, update};
use attini_core::value::{Environment, EnvironmentType};
use serde_json::{Map, json};

use crate::context::Context;
use crate::error::CommandError;
use crate::records::{self, DeploymentRecord, EnvironmentRecord, Labels};
use crate::ui::GREEN;
use crate::world::Identity;

/// Returns what to say when an environment is needed and there is none.
pub(crate) fn no_environments(ctx: &Context<'_>) -> CommandError {
    CommandError::execution("there are no environments").hint(create_hint(ctx, FIRST_ENVIRONMENT))
}

/// Name of the environment that the first local deployment makes.
const FIRST_ENVIRONMENT: &str = "dev";

/// Attribute with the type of an environment (cli.md 13).
const TYPE: &str = "environmentType";

/// Returns the environment that `-e` names, or the only one there is; with several and a terminal, asks.
pub(crate) async fn environment(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    wanted: Option<&str>,
) -> Result<EnvironmentRecord, CommandError> {
    let all = records::environments(inventory).await?;
    match (wanted, all.as_slice()) {
        (Some(name), all) => all.iter().find(|found| found.name == name).cloned().ok_or_else(|| {
            let text = format!("Current account and region does not contain environment = {name}");
            with_names(CommandError::execution(text), all).hint(create_hint(ctx, name))
        }),
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(no_environments(ctx)),
        (None, all) => ask(ctx, all),
    }
}

/// As [`environment`], for `deploy run` in the local world: an environment that is missing is made, and the person is told.
pub(crate) async fn or_create(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    wanted: Option<&str>,
) -> Result<EnvironmentRecord, CommandError> {
    let (environment, is_new) = existing_or_new(ctx, inventory, wanted).await?;
    if is_new {
        create(ctx, inventory, &environment).await?;
    }
    Ok(environment)
}

/// Returns the wanted environment, and whether it is still to be created.
pub(crate) async fn existing_or_new(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    wanted: Option<&str>,
) -> Result<(EnvironmentRecord, bool), CommandError> {
    let all = records::environments(inventory).await?;
    let name = match wanted {
        None if all.is_empty() => FIRST_ENVIRONMENT,
        Some(name) if !all.iter().any(|found| found.name == name) => name,
        _ => return Ok((environment(ctx, inventory, wanted).await?, false)),
    };
    let name = Environment::parse(name)?;
    let kind = EnvironmentType::Test;
    Ok((EnvironmentRecord { name: name.to_string(), kind, immutable_ids: false }, true))
}

/// Creates an environment that a deployment needs, and says so.
pub(crate) async fn create(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    environment: &EnvironmentRecord,
) -> Result<(), CommandError> {
    let name = Environment::parse(&environment.name)?;
    let key = RecordKey::Resource(ResourceKind::Environment, name.to_string());
    let mut body = Map::new();
    body.insert(TYPE.to_owned(), json!(type_name(environment.kind)));
    match inventory.put(&key, body, Precondition::Absent).await {
        Ok(_) => {}
        // Somebody was faster. A production environment needs the confirmation that a new one does not.
        Err(InventoryError::Conflict { .. }) => {
            let theirs = self::environment(ctx, inventory, Some(name.as_str())).await?;
            if theirs.kind == environment.kind {
                return Ok(());
            }
            let text = format!("environment {name} was created with type {} meanwhile", type_name(theirs.kind));
            return Err(CommandError::execution(text).hint("run the command again"));
        }
        Err(error) => return Err(error.into()),
    }
    ctx.ui.message("environmentCreated", &format!("Created environment {name} of type {}", type_name(environment.kind)))
}

/// Registers an environment or changes its type.
pub(crate) async fn put(
    inventory: &dyn Inventory,
    name: &Environment,
    kind: EnvironmentType,
    immutable_ids: Option<bool>,
) -> Result<(), CommandError> {
    let key = RecordKey::Resource(ResourceKind::Environment, name.to_string());
    update(inventory, &key, |body| {
        body.insert(TYPE.to_owned(), json!(type_name(kind)));
        if let Some(immutable) = immutable_ids {
            body.insert("immutableIds".to_owned(), json!(immutable));
        }
    })
    .await?;
    Ok(())
}

/// Returns the name of a type in records and listings.
pub(crate) fn type_name(kind: EnvironmentType) -> &'static str {
    match kind {
        EnvironmentType::Production => "production",
        EnvironmentType::Test => "test",
    }
}

/// Asks before a production environment is changed; `Err` when the person declines or cannot be asked.
pub(crate) async fn confirm_production(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    environment: &EnvironmentRecord,
    identity: &Identity,
    force: bool,
) -> Result<(), CommandError> {
    if environment.kind == EnvironmentType::Test || force {
        return Ok(());
    }
    let (name, target) = (&identity.name, &environment.name);
    let new = Labels {
        id: identity.id.clone(),
        version: identity.version.clone(),
        tags: identity.tags.clone(),
        deployed: None,
    };
    let current = records::distribution(inventory, target, name.as_str()).await?;
    if let Some(current) = current.as_ref().map(records::DistributionRecord::current) {
        ctx.ui.message("confirmation", &format!("Current state for {name} in {target}:"))?;
        show(ctx, current)?;
        if current.id == new.id {
            ctx.ui.message("confirmation", "The same distribution id is deployed already.")?;
        }
    }
    ctx.ui.message("confirmation", "Distribution being deployed:")?;
    show(ctx, &new)?;
    ctx.ui.message("confirmation", &format!("You are about to deploy {name} to {target}."))?;
    if ctx.confirm("Continue?", "--force")? {
        ctx.ui.message("confirmation", "Continuing deployment")
    } else {
        ctx.ui.message("aborted", "Deployment aborted")?;
        Err(CommandError::execution("Deployment aborted").told())
    }
}

/// Warns when the id of a zip was deployed before with another content, or refuses it where ids are immutable (init-deploy.md 5).
///
/// Init deploy decides the same. Here it is known before anything is uploaded.
pub(crate) async fn check_content(
    ctx: &mut Context<'_>,
    inventory: &dyn Inventory,
    environment: &EnvironmentRecord,
    identity: &Identity,
    digest: impl FnOnce() -> Result<String, CommandError>,
) -> Result<(), CommandError> {
    let Some(id) = &identity.id else { return Ok(()) };
    let (name, target) = (identity.name.as_str(), &environment.name);
    let known = |record: &DeploymentRecord| record.labels.id.as_ref() == Some(id) && record.content_digest.is_some();
    let earlier = records::deployments(inventory, target, name, usize::MAX, known).await?;
    if earlier.is_empty() {
        // The usual case, in which nothing is read twice.
        return Ok(());
    }
    let digest = digest()?;
    let other = earlier.iter().filter_map(|record| record.content_digest.as_deref()).find(|known| *known != digest);
    let Some(other) = other else { return Ok(()) };
    let text =
        format!("id {id} of {name} was deployed to {target} before with another content: then {other}, now {digest}");
    if environment.immutable_ids {
        return Err(CommandError::illegal(format!("{text}; {target} does not allow that (immutableIds)"))
            .hint("give the new content an id of its own: `--distribution-id`, or `attini configure set-dist-id`"));
    }
    ctx.ui.warn(&text)
}

fn show(ctx: &mut Context<'_>, labels: &Labels) -> Result<(), CommandError> {
    ctx.ui.field("confirmation", "DistributionId", labels.id.as_deref().unwrap_or("not_defined"), GREEN)?;
    if let Some(version) = &labels.version {
        ctx.ui.field("confirmation", "Version", version, GREEN)?;
    }
    if !labels.tags.is_empty() {
        let tags: Vec<String> = labels
            .tags
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        ctx.ui.field("confirmation", "DistributionTags", &tags.join(", "), GREEN)?;
    }
    Ok(())
}

fn ask(ctx: &mut Context<'_>, all: &[EnvironmentRecord]) -> Result<EnvironmentRecord, CommandError> {
    let names: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
    let question = format!("Which environment? ({})", names.join(", "));
    loop {
        let Some(answer) = ctx.ui.ask(&question)? else {
            let error = CommandError::illegal("there are several environments and none was chosen");
            let options: Vec<String> = names.iter().map(|name| format!("`-e {name}`")).collect();
            return Err(error.hint(format!("pass {}", options.join(" or "))));
        };
        if let Some(found) = all.iter().find(|found| found.name == answer) {
            return Ok(found.clone());
        }
        ctx.ui.warn(&format!("there is no environment {answer:?}"))?;
    }
}

fn with_names(error: CommandError, all: &[EnvironmentRecord]) -> CommandError {
    if all.is_empty() {
        return error;
    }
    let names: Vec<&str> = all.iter().map(|found| found.name.as_str()).collect();
    error.hint(format!("there are: {}", names.join(", ")))
}

fn create_hint(ctx: &Context<'_>, name: &str) -> String {
    format!("create it: {}", ctx.command_line(&["environment", "create", name, "--env-type", "test"]))
}
