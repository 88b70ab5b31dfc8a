use attini_core::port::{Precondition, RecordKey, ResourceKind};

use crate::context::Context;
use crate::error::CommandError;
use crate::{records, resolve};

/// Remove an environment from the list of environments
///
/// What is deployed in it stays as it is.
#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// Name of the environment
    pub name: String,
    /// Remove it although distributions are deployed in it
    #[arg(short, long)]
    pub force: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &RemoveArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let name = resolve::environment(ctx, inventory, Some(&args.name)).await?.name;
    let deployed = records::distributions(inventory).await?;
    let names: Vec<&str> =
        deployed.iter().filter(|found| found.environment == name).map(|found| found.name.as_str()).collect();
    if !names.is_empty() && !args.force {
        let text = format!("environment {name} holds deployed distributions: {}", names.join(", "));
        return Err(CommandError::execution(text).hint("pass `--force` to remove it all the same"));
    }
    inventory.delete(&RecordKey::Resource(ResourceKind::Environment, name.clone()), Precondition::None).await?;
    ctx.ui.message("environmentRemoved", &format!("Removed environment {name}"))
}
