//! `attini plan`: what the plans of a project say and mean.

pub(crate) mod lint;

use clap::Subcommand;

/// Look at the deployment plans of a distribution
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// The sub-commands of `plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Lint(lint::LintArgs),
}
