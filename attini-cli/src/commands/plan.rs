//! `attini plan`: what a deployment plan does, without deploying.

pub(crate) mod simulate;
pub(crate) mod test;

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
    Simulate(simulate::SimulateArgs),
    Test(Box<test::TestArgs>),
}
