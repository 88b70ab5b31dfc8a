//! `attini plan`: what a deployment plan says and does, without deploying.

pub(crate) mod lint;
pub(crate) mod simulate;

use clap::Subcommand;

/// Look into deployment plans and state machines without deploying
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// The sub-commands of `plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Lint(lint::LintArgs),
    Simulate(simulate::SimulateArgs),
}
