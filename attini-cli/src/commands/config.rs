//! `attini config`: what the configuration of a project says, and whether it is sound.

pub(crate) mod schema;
pub(crate) mod show;
pub(crate) mod validate;

use std::path::{Path, PathBuf};

use attini_core::config::FILE_NAMES;
use clap::Subcommand;

use crate::error::CommandError;

/// Stands in for the id that packaging makes up.
pub(super) const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Check and show the configuration of a distribution
#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub command: ConfigCommand,
}

/// The sub-commands of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    Validate(validate::ValidateArgs),
    Show(show::ShowArgs),
    Schema(schema::SchemaArgs),
}

/// Returns the directory that a path means: itself, or the one around an `attini-config` file.
pub(crate) fn project(path: &Path) -> Result<PathBuf, CommandError> {
    let is_config = path.file_name().is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known));
    if path.is_dir() {
        Ok(path.to_owned())
    } else if is_config && path.is_file() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(parent.unwrap_or(Path::new(".")).to_owned())
    } else {
        let text = format!("{} is neither a directory nor an attini-config file", path.display());
        Err(CommandError::illegal(text).hint("name the directory of a distribution"))
    }
}
