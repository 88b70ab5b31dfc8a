use std::path::PathBuf;

use crate::context::Context;
use crate::error::CommandError;

/// Run one job to its end; started by runners
#[derive(Debug, clap::Args)]
pub(crate) struct SuperviseArgs {
    /// Folder with what is kept of the job
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

pub(crate) async fn run(ctx: &Context<'_>, args: &SuperviseArgs) -> Result<(), CommandError> {
    ctx.backends.supervise(&args.folder).await
}
