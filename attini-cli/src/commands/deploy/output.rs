use super::TargetArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::{records, resolve};

/// Print the payload that the plan of a deployment ended with
#[derive(Debug, clap::Args)]
pub(crate) struct OutputArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Distribution id. Default: the last one that was deployed with success
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &OutputArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let (environment, name) = (environment.name, &args.target.distribution_name);
    let id = id_or_current(ctx, inventory, &environment, name, args.distribution_id.as_deref()).await?;
    match world.output(&environment, name, &id).await? {
        Some(output) => ctx.ui.data(&output),
        None => Err(CommandError::illegal(format!("{name} with id {id} left no output in {environment}"))
            .hint("its deployment failed, has not ended, or its output was removed by the life cycle")),
    }
}

/// Returns the id that was asked for, else the current one.
pub(crate) async fn id_or_current(
    ctx: &Context<'_>,
    inventory: &dyn attini_core::port::Inventory,
    environment: &str,
    name: &str,
    id: Option<&str>,
) -> Result<String, CommandError> {
    if let Some(id) = id {
        return Ok(id.to_owned());
    }
    let found = records::distribution(inventory, environment, name).await?;
    found.and_then(|found| found.current().id.clone()).ok_or_else(|| {
        CommandError::illegal(format!("{name} is not deployed in {environment}"))
            .hint(format!("see what runs where: {}", ctx.command_line(&["distribution", "list"])))
    })
}
