//! From a command line to an exit code.

use clap::FromArgMatches;
use clap::error::ErrorKind as ClapError;

use crate::args::{self, Cli, Command};
use crate::argv;
use crate::commands::config::{self, ConfigCommand};
use crate::commands::configure;
use crate::commands::deploy::{self, DeployCommand};
use crate::commands::distribution::{self, DistributionCommand};
use crate::commands::environment::{self, EnvironmentCommand};
use crate::commands::init_project;
use crate::commands::local::{self, LocalCommand};
use crate::commands::plan::{self, PlanCommand};
use crate::context::{Context, Settings};
use crate::error::{CommandError, ErrorKind};
use crate::ui::{ErrorStyle, Ui};
use crate::world::Backends;

/// Runs one command line, given without the program's name, and returns the exit code.
pub(crate) fn run(args: &[String], settings: &Settings, backends: &dyn Backends, ui: &mut Ui) -> u8 {
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(stop) => return stop.tell(ui),
    };
    if cli.global.json {
        ui.use_json();
    }
    let debug = cli.global.debug;
    let style = error_style(&cli.command);
    let mut ctx = Context { ui, settings, global: cli.global, backends, argv: args };
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::execution(error).context("cannot start"))
        .and_then(|runtime| runtime.block_on(Box::pin(dispatch(&mut ctx, &cli.command))));
    match result {
        Ok(()) => 0,
        Err(error) => {
            if !error.told && error.kind != ErrorKind::ClosedPipe {
                ui.error(&error, style, debug);
            }
            error.kind.exit_code()
        }
    }
}

async fn dispatch(ctx: &mut Context<'_>, command: &Command) -> Result<(), CommandError> {
    match command {
        Command::Deploy(args) => match &args.command {
            DeployCommand::Run(args) => deploy::run::run(ctx, args).await,
            DeployCommand::Describe(args) => deploy::describe::run(ctx, args).await,
            DeployCommand::Continue(args) => deploy::continue_::run(ctx, args).await,
            DeployCommand::Resume(args) => deploy::resume::run(ctx, args).await,
            DeployCommand::History(args) => deploy::history::run(ctx, args).await,
            DeployCommand::Rollback(args) => deploy::rollback::run(ctx, args).await,
            DeployCommand::Output(args) => deploy::output::run(ctx, args).await,
        },
        Command::Distribution(args) => match &args.command {
            DistributionCommand::Package(args) => distribution::package::run(ctx, args),
            DistributionCommand::Inspect(args) => distribution::inspect::run(ctx, args),
            DistributionCommand::Diff(args) => distribution::diff::run(ctx, args),
            DistributionCommand::Sign(args) => distribution::sign::run(ctx, args),
            DistributionCommand::Verify(args) => distribution::verify::run(ctx, args),
            DistributionCommand::Download(args) => distribution::download::run(ctx, args).await,
            DistributionCommand::List(args) => distribution::list::run(ctx, args).await,
        },
        Command::Environment(args) => match &args.command {
            EnvironmentCommand::Create(args) => environment::create::run(ctx, args).await,
            EnvironmentCommand::Remove(args) => environment::remove::run(ctx, args).await,
            EnvironmentCommand::List(args) => environment::list::run(ctx, args).await,
            EnvironmentCommand::Context(args) => environment::context::run(ctx, args).await,
        },
        Command::Local(args) => match &args.command {
            LocalCommand::Set(args) => local::set::run(ctx, args).await,
            LocalCommand::Show(args) => local::show::run(ctx, args).await,
            LocalCommand::Stacks(args) => local::stacks::run(ctx, args).await,
            LocalCommand::Stack(args) => local::stack::run(ctx, args).await,
            LocalCommand::Reset(args) => local::reset::run(ctx, args).await,
            LocalCommand::Worker(args) => local::worker::run(ctx, args).await,
            LocalCommand::Supervise(args) => local::supervise::run(ctx, args).await,
        },
        Command::Config(args) => match &args.command {
            ConfigCommand::Validate(args) => config::validate::run(ctx, args),
            ConfigCommand::Show(args) => config::show::run(ctx, args),
            ConfigCommand::Schema(args) => config::schema::run(ctx, args),
        },
        Command::Plan(args) => match &args.command {
            PlanCommand::Lint(args) => plan::lint::run(ctx, args),
            PlanCommand::Expand(args) => plan::expand::run(ctx, args),
            PlanCommand::Render(args) => plan::render::run(ctx, args),
            PlanCommand::Graph(args) => plan::graph::run(ctx, args),
            PlanCommand::Schema(args) => plan::schema::run(ctx, args),
            PlanCommand::Simulate(args) => plan::simulate::run(ctx, args),
            PlanCommand::Test(args) => plan::test::run(ctx, args).await,
        },
        Command::Configure(args) => configure::run(ctx, args),
        Command::InitProject(args) => init_project::run(ctx, args),
        Command::Package(args) => distribution::package::run(ctx, args),
        Command::Context(args) => environment::context::run(ctx, args).await,
    }
}

/// Returns how the errors of a command look (cli.md 4.2).
fn error_style(command: &Command) -> ErrorStyle {
    match command {
        Command::Deploy(args) => match args.command {
            DeployCommand::Run(_)
            | DeployCommand::Rollback(_)
            | DeployCommand::Resume(_)
            | DeployCommand::Describe(_) => ErrorStyle::Text,
            _ => ErrorStyle::Object,
        },
        Command::Distribution(args) if matches!(args.command, DistributionCommand::Package(_)) => ErrorStyle::Text,
        Command::Package(_) | Command::Local(_) | Command::Config(_) | Command::Configure(_) => ErrorStyle::Text,
        Command::InitProject(_) | Command::Plan(_) => ErrorStyle::Text,
        Command::Distribution(_) | Command::Environment(_) | Command::Context(_) => ErrorStyle::Object,
    }
}

/// A command line that runs no command: help, the version, or a mistake.
enum Stop {
    Answer(String),
    Mistake(String),
}

impl Stop {
    fn tell(self, ui: &mut Ui) -> u8 {
        let (stream, text, code) = match self {
            Self::Answer(text) => (&mut ui.out, text, 0),
            Self::Mistake(text) => (&mut ui.err, text, ErrorKind::Usage.exit_code()),
        };
        match writeln!(stream, "{}", text.trim_end()).and_then(|()| stream.flush()) {
            Ok(()) => code,
            Err(error) => CommandError::from(error).kind.exit_code(),
        }
    }
}

fn parse(args: &[String]) -> Result<Cli, Stop> {
    let mut definition = args::command();
    // Sub-commands get their usage lines and global options only when the definition is built.
    definition.build();
    let read = |file: &str| std::fs::read_to_string(file);
    let mistake = |text: String| Stop::Mistake(format!("Error: {text}"));
    let words = argv::rewrite(args.to_vec(), &definition, &read).map_err(mistake)?;
    let words = std::iter::once("attini".to_owned()).chain(words);
    let matches = definition.clone().try_get_matches_from(words);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| stop(&error, args, &mut definition))
}

fn stop(error: &clap::Error, args: &[String], definition: &mut clap::Command) -> Stop {
    let text = error.render().to_string();
    // Whoever mistyped a name is better served with the name than with its short form.
    let text = text.replace("some similar subcommands exist: 'd', 'deploy'", "a similar subcommand exists: 'deploy'");
    let text = text.replace("similar subcommand exists: 'd'", "similar subcommand exists: 'deploy'");
    match error.kind() {
        ClapError::DisplayVersion => Stop::Answer(env!("CARGO_PKG_VERSION").to_owned()),
        ClapError::DisplayHelp => Stop::Answer(text),
        ClapError::MissingSubcommand | ClapError::DisplayHelpOnMissingArgumentOrSubcommand => {
            let help = chosen(definition, args).render_help();
            Stop::Mistake(format!("Error: Missing required subcommand\n\n{help}"))
        }
        _ => {
            let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end().to_owned();
            if message.contains("Usage: ") {
                return Stop::Mistake(format!("Error: {message}"));
            }
            let usage = chosen(definition, args).render_usage();
            Stop::Mistake(format!("Error: {message}\n\n{usage}"))
        }
    }
}

/// Returns the group that a command line names.
fn chosen<'a>(definition: &'a mut clap::Command, args: &[String]) -> &'a mut clap::Command {
    let mut command = definition;
    for word in args.iter().filter(|word| !word.starts_with('-')) {
        if command.find_subcommand(word).is_none() {
            continue;
        }
        command = command.find_subcommand_mut(word).expect("it was found a line above");
    }
    command
}
