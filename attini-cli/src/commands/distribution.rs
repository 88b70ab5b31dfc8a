//! `attini distribution`.

pub(crate) mod diff;
pub(crate) mod download;
pub(crate) mod inspect;
pub(crate) mod list;
pub(crate) mod package;
pub(crate) mod sign;
pub(crate) mod verify;
mod zip;

use clap::Subcommand;

/// Build, inspect, compare, sign, fetch and list distributions
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
    Diff(diff::DiffArgs),
    Sign(sign::SignArgs),
    Verify(verify::VerifyArgs),
    Download(download::DownloadArgs),
    List(list::ListArgs),
}
