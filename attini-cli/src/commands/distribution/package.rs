use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::{GREEN, Ui, progress_line};
use crate::world::{ContainerRequest, PackageEvent, PackageRequest, Packaged, Packager};

/// Name of the event that says where the zip is, in words.
const PACKAGED: &str = "packaged";
/// Name of the event that says where the zip is, as data.
const ZIP: &str = "zip";

/// Build the zip of a distribution
///
/// The zip is written to `attini_dist` below the directory. Nothing is uploaded and no world is needed.
#[derive(Debug, clap::Args)]
pub(crate) struct PackageArgs {
    /// Directory of the distribution
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// File name of the zip instead of the name of the distribution
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<String>,
    #[command(flatten)]
    pub packaging: PackagingArgs,
}

/// How to package.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Packaging")]
pub(crate) struct PackagingArgs {
    /// Shell file, relative to the directory, that is sourced before the package commands; also `-ec`
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub environment_config_script: Option<PathBuf>,
    /// Package in a container of the image that `package.container` names; also `-cb`
    #[arg(long)]
    pub container_build: bool,
    /// Log in to the repository of the image first; also `-crl`
    #[arg(long)]
    pub container_repository_login: bool,
    /// Distribution id to set
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
    /// Version to set, a semantic version
    #[arg(short = 'v', long, value_name = "VERSION", allow_hyphen_values = true)]
    pub distribution_version: Option<String>,
    /// Leave out the package commands
    #[arg(long)]
    pub skip_commands: bool,
}

impl PackagingArgs {
    /// Refuses what cannot be done, before anything else happens, and warns of what has no effect.
    pub(crate) fn check(&self, ui: &mut Ui) -> Result<(), CommandError> {
        if self.container_repository_login && !self.container_build {
            ui.warn("`--container-repository-login` has no effect without `--container-build`")?;
        }
        match &self.environment_config_script {
            Some(file) if file.is_absolute() => {
                Err(CommandError::execution(format!("`--environment-config-script {}` is absolute", file.display()))
                    .hint("name the file relative to the directory of the distribution"))
            }
            _ => Ok(()),
        }
    }

    /// Returns what to package and how.
    pub(crate) fn request(&self, directory: &Path, name: Option<String>) -> PackageRequest {
        PackageRequest {
            directory: directory.to_owned(),
            name,
            environment_config_script: self.environment_config_script.clone(),
            distribution_id: self.distribution_id.clone(),
            distribution_version: self.distribution_version.clone(),
            skip_commands: self.skip_commands,
            must_run: false,
            capture_output: false,
            progress: false,
            container: self
                .container_build
                .then(|| ContainerRequest { log_in: self.container_repository_login, ..ContainerRequest::default() }),
        }
    }

    /// Returns the options that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        [
            (self.environment_config_script.is_some(), "--environment-config-script"),
            (self.container_build, "--container-build"),
            (self.distribution_id.is_some(), "--distribution-id"),
            (self.distribution_version.is_some(), "--distribution-version"),
            (self.skip_commands, "--skip-commands"),
        ]
        .into_iter()
        .filter_map(|(given, option)| given.then_some(option))
        .collect()
    }
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &PackageArgs) -> Result<(), CommandError> {
    args.packaging.check(ctx.ui)?;
    let packager = ctx.backends.packager();
    let request = args.packaging.request(&args.path, args.name.clone());
    package(ctx, packager.as_ref(), request).map(drop)
}

/// Packages a directory and tells about it.
pub(crate) fn package(
    ctx: &mut Context<'_>,
    packager: &dyn Packager,
    request: PackageRequest,
) -> Result<Packaged, CommandError> {
    if !request.directory.is_dir() {
        return Err(CommandError::illegal(format!("{} is not a directory", request.directory.display())));
    }
    let container = request.container.map(|container| ContainerRequest { debug: ctx.global.debug, ..container });
    let is_relayed = container.is_some();
    let (capture_output, progress) = (ctx.ui.is_json(), ctx.ui.terminal.live);
    let request = PackageRequest { capture_output, progress, container, ..request };
    let mut failed = None;
    let packaged = packager.package(&request, &mut |event| {
        let told = match event {
            PackageEvent::Message(text) => ctx.ui.message("packaging", &text),
            PackageEvent::Output(line) if is_relayed => relay(ctx.ui, &line),
            PackageEvent::Output(line) => ctx.ui.message("packageOutput", &line),
            PackageEvent::Warning(problem) => ctx.ui.problem(&problem),
            PackageEvent::Progress { done, total, elapsed } => {
                ctx.ui.live(&progress_line("Zipping", done, total, elapsed))
            }
        };
        // The first failure to print is the one that counts; packaging goes on to its end.
        if let (Err(error), None) = (told, &failed) {
            failed = Some(error);
        }
    });
    ctx.ui.erase_live()?;
    let packaged = packaged?;
    if let Some(error) = failed {
        return Err(error);
    }
    let zip = packaged.zip.display().to_string();
    let text = ctx.ui.paint(GREEN, &format!("Distribution created: {zip}"));
    ctx.ui.line(&text)?;
    let now = (ctx.ui.now)();
    ctx.ui.event(now, PACKAGED, &json!(format!("Distribution created: {zip}")))?;
    ctx.ui.event(now, ZIP, &json!({ "DistributionPath": zip }))?;
    Ok(packaged)
}

/// Passes on what was printed in a container: events as they are, apart from those that name the zip by its path there.
fn relay(ui: &mut Ui, line: &str) -> Result<(), CommandError> {
    match serde_json::from_str::<Value>(line) {
        Ok(event) if event.get("type").is_some() && event.get("data").is_some() => match event["event"].as_str() {
            Some(PACKAGED | ZIP) => Ok(()),
            _ => ui.pass_on(&event),
        },
        _ => ui.message("packageOutput", line),
    }
}
