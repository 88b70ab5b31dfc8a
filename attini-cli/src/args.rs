//! The command line as a whole: global options and the list of commands.

use attini_core::value::Region;
use clap::{CommandFactory, Parser, Subcommand};

use crate::commands::{config, configure, deploy, distribution, environment, init_project, local, plan};

/// Deploy distributions to isolated environments
#[derive(Debug, Parser)]
#[command(name = "attini", version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Options that every command takes, before or after its name.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct GlobalArgs {
    /// Use this machine alone: nothing is read from or written to any cloud
    ///
    /// `ATTINI_LOCAL=1` does the same. The state lives below `ATTINI_HOME`, by default in your data directory.
    #[arg(long, global = true, help_heading = "Global options")]
    pub local: bool,
    /// Region; in the local world the region that templates and steps see
    #[arg(short, long, global = true, value_name = "REGION", value_parser = region, allow_hyphen_values = true)]
    #[arg(help_heading = "Global options")]
    pub region: Option<Region>,
    /// AWS profile
    #[arg(short, long, global = true, allow_hyphen_values = true, help_heading = "Global options")]
    pub profile: Option<String>,
    /// Print JSON instead of text or YAML, without colors
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Print every detail of an error
    #[arg(long, global = true, hide = true)]
    pub debug: bool,
}

fn region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|error| error.to_string())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "d")]
    Deploy(deploy::DeployArgs),
    #[command(visible_alias = "dist")]
    Distribution(distribution::DistributionArgs),
    Environment(environment::EnvironmentArgs),
    Local(local::LocalArgs),
    Config(config::ConfigArgs),
    Plan(plan::PlanArgs),
    Configure(configure::ConfigureArgs),
    InitProject(init_project::InitProjectArgs),
    /// Build the zip of a distribution; short for `distribution package`
    Package(distribution::package::PackageArgs),
    /// Show where you are and what is deployed; short for `environment context`
    Context(environment::context::ContextArgs),
}

/// Returns the definition of the whole command line.
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }
}
