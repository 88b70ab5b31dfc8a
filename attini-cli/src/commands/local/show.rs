use crate::commands::deploy::EnvironmentOption;
use crate::context::Context;
use crate::error::CommandError;
use crate::resolve;

/// Show the values that `local set` loaded
///
/// The output is a file that `local set` takes, to be changed and loaded again.
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub environment: EnvironmentOption,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    let world = ctx.world()?;
    let ports = world.ports();
    let environment =
        resolve::environment(ctx, ports.inventory.as_ref(), args.environment.environment.as_deref()).await?;
    ctx.ui.data(&world.values(&environment.name).await?)
}
