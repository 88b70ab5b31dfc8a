//! `attini plan`: what deployment plans do, without deploying them.

pub(crate) mod graph;
pub(crate) mod schema;
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
    Graph(graph::GraphArgs),
    Schema(schema::SchemaArgs),
    Simulate(simulate::SimulateArgs),
}
