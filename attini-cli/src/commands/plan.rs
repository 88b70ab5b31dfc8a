//! `attini plan`: what the plans of a template mean.

pub(crate) mod expand;

use clap::Subcommand;

/// Look into deployment plans without deploying them
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// The sub-commands of `plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Expand(expand::ExpandArgs),
}
