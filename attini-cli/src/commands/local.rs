//! `attini local`: what only the local world has.

pub(crate) mod reset;
pub(crate) mod set;
pub(crate) mod show;
pub(crate) mod stack;
pub(crate) mod stacks;
pub(crate) mod supervise;
pub(crate) mod worker;

use clap::Subcommand;

/// Manage the local world on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct LocalArgs {
    #[command(subcommand)]
    pub command: LocalCommand,
}

/// The sub-commands of `local`.
#[derive(Debug, Subcommand)]
pub(crate) enum LocalCommand {
    Set(set::SetArgs),
    Show(show::ShowArgs),
    Stacks(stacks::StacksArgs),
    Stack(stack::StackArgs),
    Reset(reset::ResetArgs),
    #[command(hide = true)]
    Worker(worker::WorkerArgs),
    #[command(hide = true)]
    Supervise(supervise::SuperviseArgs),
}
