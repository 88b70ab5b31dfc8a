use crate::context::Context;
use crate::error::CommandError;
use crate::{records, resolve};

/// Remove the state of the local world, or of one environment in it
///
/// Nothing but files below the home of the local world is touched.
#[derive(Debug, clap::Args)]
pub(crate) struct ResetArgs {
    /// Remove only the state of this environment. Default: of all
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: Option<String>,
    /// Remove without a question
    #[arg(short, long)]
    pub force: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ResetArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    let world = ctx.world()?;
    let ports = world.ports();
    let wanted = args.environment.as_deref();
    let names = match wanted {
        Some(name) => vec![resolve::environment(ctx, ports.inventory.as_ref(), Some(name)).await?.name],
        None => records::environments(ports.inventory.as_ref()).await?.into_iter().map(|found| found.name).collect(),
    };
    let what = if names.is_empty() { "everything".to_owned() } else { names.join(", ") };
    if !args.force && !ctx.confirm(&format!("Remove the local state of {what}?"), "--force")? {
        ctx.ui.message("aborted", "Nothing was removed")?;
        return Err(CommandError::execution("Nothing was removed").told());
    }
    let removed = world.reset(wanted).await?;
    let what = if removed.is_empty() { "nothing, there was no state".to_owned() } else { removed.join(", ") };
    ctx.ui.message("reset", &format!("Removed {what}"))
}
