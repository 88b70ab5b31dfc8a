use std::path::{Path, PathBuf};

use serde_json::json;

use crate::context::Context;
use crate::error::CommandError;
use crate::ui::GREEN;
use crate::world::{PackageEvent, PackageRequest, Packaged, Packager};

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
    /// Run the package commands in a container; also `-cb`
    #[arg(long)]
    pub container_build: bool,
    /// Log in to the container's registry first; also `-crl`
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
    /// Refuses what cannot be done, before anything else happens.
    pub(crate) fn check(&self) -> Result<(), CommandError> {
        if self.container_build || self.container_repository_login {
            let option = if self.container_build { "--container-build" } else { "--container-repository-login" };
            return Err(CommandError::execution(format!("`{option}` is not in this version"))
                .hint("without it the package commands run on this machine"));
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
        }
    }

    /// Returns the options that were given.
    pub(crate) fn given(&self) -> Vec<&'static str> {
        [
            (self.environment_config_script.is_some(), "--environment-config-script"),
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
    args.packaging.check()?;
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
    let request = PackageRequest { capture_output: ctx.ui.is_json(), ..request };
    let mut failed = None;
    let packaged = packager.package(&request, &mut |event| {
        let told = match event {
            PackageEvent::Message(text) => ctx.ui.message("packaging", &text),
            PackageEvent::Output(line) => ctx.ui.message("packageOutput", &line),
            PackageEvent::Warning(problem) => ctx.ui.problem(&problem),
        };
        // The first failure to print is the one that counts; packaging goes on to its end.
        if let (Err(error), None) = (told, &failed) {
            failed = Some(error);
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let zip = packaged.zip.display().to_string();
    let text = ctx.ui.paint(GREEN, &format!("Distribution created: {zip}"));
    ctx.ui.line(&text)?;
    let now = (ctx.ui.now)();
    ctx.ui.event(now, "packaged", &json!(format!("Distribution created: {zip}")))?;
    ctx.ui.event(now, "zip", &json!({ "DistributionPath": zip }))?;
    Ok(packaged)
}
