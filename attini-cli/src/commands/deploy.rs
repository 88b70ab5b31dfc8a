//! `attini deploy`.

pub(crate) mod continue_;
pub(crate) mod describe;
pub(crate) mod history;
pub(crate) mod output;
pub(crate) mod resume;
pub(crate) mod rollback;
pub(crate) mod run;

use clap::Subcommand;

/// Deploy a distribution, follow it, and look at earlier deployments
#[derive(Debug, clap::Args)]
pub(crate) struct DeployArgs {
    #[command(subcommand)]
    pub command: DeployCommand,
}

/// The sub-commands of `deploy`.
#[derive(Debug, Subcommand)]
pub(crate) enum DeployCommand {
    Run(run::RunArgs),
    Describe(describe::DescribeArgs),
    Continue(continue_::ContinueArgs),
    Resume(resume::ResumeArgs),
    History(history::HistoryArgs),
    Rollback(rollback::RollbackArgs),
    Output(output::OutputArgs),
}

/// Which distribution, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// Name of the distribution
    #[arg(short = 'n', long, value_name = "NAME", allow_hyphen_values = true)]
    pub distribution_name: String,
    #[command(flatten)]
    pub environment: EnvironmentOption,
}

/// Which environment.
#[derive(Debug, clap::Args)]
pub(crate) struct EnvironmentOption {
    /// Environment; can be left out when there is exactly one
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: Option<String>,
}
