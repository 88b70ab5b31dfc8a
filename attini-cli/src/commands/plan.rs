//! `attini plan`: what deployment plans do, without deploying them.

pub(crate) mod graph;
pub(crate) mod schema;

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
    Graph(graph::GraphArgs),
    Schema(schema::SchemaArgs),
}
