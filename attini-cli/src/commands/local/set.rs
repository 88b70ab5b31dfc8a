use std::path::PathBuf;

use attini_core::value::Environment;

use crate::context::Context;
use crate::error::CommandError;
use crate::resolve;

/// Load values that a real account would hold
///
/// Parameters, exports of other stacks, results of tasks and default subnets, from a YAML file. They are kept with the
/// environment, never in a distribution.
#[derive(Debug, clap::Args)]
pub(crate) struct SetArgs {
    /// Environment; made when it is missing
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: String,
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &SetArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    let world = ctx.world()?;
    if !args.file.is_file() {
        let why = if args.file.exists() { "is not a file" } else { "does not exist" };
        return Err(CommandError::illegal(format!("{} {why}", args.file.display())));
    }
    let ports = world.ports();
    let environment = resolve::or_create(ctx, ports.inventory.as_ref(), Some(&args.environment)).await?;
    let name = Environment::parse(&environment.name)?;
    for set in world.set_values(&name, &args.file).await? {
        ctx.ui.message("valueSet", &format!("Set {set}"))?;
    }
    Ok(())
}
