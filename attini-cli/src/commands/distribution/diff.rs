use std::path::PathBuf;

use attini_core::distribution::diff;
use attini_local::project::inspect_zip;
use serde_json::json;

use super::zip::check_path;
use crate::context::Context;
use crate::error::CommandError;

/// Compare two zips: files, configuration and plan steps
///
/// Exit code 0 when both hold the same content, 1 when they differ, 151 when one of them cannot be read and 155 when its
/// configuration is wrong. Times, directories, compression and the manifest do not count.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// The earlier zip
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The later zip
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &DiffArgs) -> Result<(), CommandError> {
    check_path(&args.old)?;
    check_path(&args.new)?;
    let found = diff(&inspect_zip(&args.old)?, &inspect_zip(&args.new)?);
    match ctx.ui.is_json() {
        true => ctx.ui.data(&json!(found))?,
        false => ctx.ui.line(&found.to_string())?,
    }
    match found.equal {
        true => Ok(()),
        false => Err(CommandError::execution("the distributions differ").told()),
    }
}
