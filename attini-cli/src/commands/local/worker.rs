use attini_core::value::ObjectIdentifier;

use crate::context::Context;
use crate::error::CommandError;

/// Run one deployment to its end; started by `deploy run`
#[derive(Debug, clap::Args)]
pub(crate) struct WorkerArgs {
    /// Object identifier of the deployment
    #[arg(long, value_name = "ID", allow_hyphen_values = true)]
    pub deployment: String,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &WorkerArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    ctx.world()?.work(&ObjectIdentifier::from_record(&args.deployment)).await
}
