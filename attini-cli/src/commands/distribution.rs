//! `attini distribution`.

pub(crate) mod download;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod package;

use clap::Subcommand;

/// Build, inspect, fetch and list distributions
#[derive(Debug, clap::Args)]
pub(crate) struct DistributionArgs {
    #[command(subcommand)]
    pub command: DistributionCommand,
}

/// The sub-commands of `distribution`.
#[derive(Debug, Subcommand)]
pub(crate) enum DistributionCommand {
    Package(package::PackageArgs),
    Inspect(inspect::InspectArgs),
    Download(download::DownloadArgs),
    List(list::ListArgs),
}
