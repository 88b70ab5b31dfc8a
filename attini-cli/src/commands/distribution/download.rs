use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::commands::deploy::TargetArgs;
use crate::commands::deploy::output::id_or_current;
use crate::context::Context;
use crate::error::CommandError;
use crate::resolve;

/// Fetch the zip of a deployed distribution
#[derive(Debug, clap::Args)]
pub(crate) struct DownloadArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Distribution id. Default: the last one that was deployed with success
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
    /// File to write, `-` for stdout. Default: `<name>.zip` here, or `<name>-1.zip`, … when that is taken
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub output: Option<PathBuf>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &DownloadArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let (environment, name) = (environment.name, &args.target.distribution_name);
    let id = id_or_current(ctx, inventory, &environment, name, args.distribution_id.as_deref()).await?;
    let history = ctx.command_line(&["deploy", "history", "-n", name, "-e", &environment]);
    let zip = world.download(&environment, name, &id).await?.ok_or_else(|| {
        CommandError::illegal(format!("{name} with id {id} is not kept for {environment}"))
            .hint(format!("see the ids that were deployed: {history}"))
    })?;
    if args.output.as_deref() == Some(Path::new("-")) {
        ctx.ui.out.write_all(&zip)?;
        ctx.ui.out.flush()?;
        return Ok(());
    }
    let written = match &args.output {
        Some(file) => write(file, &zip, true)?,
        None => write_beside_others(name, &zip)?,
    };
    ctx.ui.data(&json!({ "fileName": written.display().to_string() }))
}

/// Writes to the first name that is free.
fn write_beside_others(name: &str, zip: &[u8]) -> Result<PathBuf, CommandError> {
    let names = std::iter::once(format!("{name}.zip")).chain((1..).map(|number| format!("{name}-{number}.zip")));
    for file in names.map(PathBuf::from) {
        if !file.exists() {
            return write(&file, zip, false);
        }
    }
    Err(CommandError::execution(format!("every name like {name}.zip is taken")))
}

/// Writes to a temporary name and renames, so that no half a zip is ever seen.
fn write(file: &Path, zip: &[u8], replace: bool) -> Result<PathBuf, CommandError> {
    let failed =
        |error: std::io::Error| CommandError::execution(error).context(format!("cannot write {}", file.display()));
    let mut part = file.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    let written = std::fs::write(&part, zip).and_then(|()| {
        if replace {
            std::fs::rename(&part, file)
        } else {
            // Fails when someone took the name meanwhile.
            std::fs::hard_link(&part, file).and_then(|()| std::fs::remove_file(&part))
        }
    });
    if let Err(error) = written {
        // The first failure is the one to report; there may be no such file at all.
        drop(std::fs::remove_file(&part));
        return Err(failed(error));
    }
    Ok(file.to_owned())
}
