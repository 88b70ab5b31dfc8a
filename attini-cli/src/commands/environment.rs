//! `attini environment`.

pub(crate) mod context;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod remove;

use clap::Subcommand;

/// Create, remove and list environments
#[derive(Debug, clap::Args)]
pub(crate) struct EnvironmentArgs {
    #[command(subcommand)]
    pub command: EnvironmentCommand,
}

/// The sub-commands of `environment`.
#[derive(Debug, Subcommand)]
pub(crate) enum EnvironmentCommand {
    Create(create::CreateArgs),
    Remove(remove::RemoveArgs),
    List(list::ListArgs),
    Context(context::ContextArgs),
}
