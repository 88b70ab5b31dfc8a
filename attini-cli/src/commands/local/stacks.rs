use serde_json::json;

use crate::commands::deploy::EnvironmentOption;
use crate::context::Context;
use crate::error::CommandError;
use crate::resolve;

/// List the simulated stacks
///
/// Each with status, time of the last operation and number of resources; nested stacks after the one they are in. Without
/// `-e`: those of all environments.
#[derive(Debug, clap::Args)]
pub(crate) struct StacksArgs {
    #[command(flatten)]
    pub environment: EnvironmentOption,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &StacksArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    let world = ctx.world()?;
    let environment = match args.environment.environment.as_deref() {
        Some(name) => Some(resolve::environment(ctx, world.ports().inventory.as_ref(), Some(name)).await?.name),
        None => None,
    };
    let found = world.stacks(environment.as_deref()).await?;
    if found.is_empty() && !ctx.ui.is_json() {
        let place = environment.map(|name| format!(" in {name}")).unwrap_or_default();
        return ctx.ui.line(&format!("There are no stacks{place}"));
    }
    ctx.ui.data(&json!(found))
}
