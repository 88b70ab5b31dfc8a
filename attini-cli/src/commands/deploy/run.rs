use std::path::{Path, PathBuf};

use attini_core::follow::DeploymentRef;
use attini_core::value::{DeploymentName, Environment};

use crate::commands::distribution::package::{PackagingArgs, package};

use crate::context::Context;
use crate::error::CommandError;
use crate::follow::{Followed, follow};
use crate::world::PackageRequest;
use crate::{records, resolve};

/// Package a directory, or take a zip, and deploy it
///
/// The deployment is followed until it has ended; Ctrl-C stops following and leaves the deployment running (exit code 130).
/// In the local world an environment that is missing is made.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Directory of the distribution, or a zip that was packaged before
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Environment; can be left out when there is at most one. In the local world a missing one is made, by default `dev`
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: Option<String>,
    /// Return when the distribution is uploaded
    #[arg(short = 'b', long, alias = "blind")]
    pub dont_follow: bool,
    /// Deploy to production environments without a question
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub packaging: PackagingArgs,
}

/// Where the distribution comes from, by the text of the path alone (cli.md 10.1).
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Directory(PathBuf),
    Zip(PathBuf),
    Remote(String),
}

impl Source {
    fn parse(path: &str) -> Self {
        if path.starts_with("https:") || path.starts_with("s3://") {
            Self::Remote(path.to_owned())
        } else if path.ends_with(".zip") {
            Self::Zip(path.into())
        } else {
            Self::Directory(path.into())
        }
    }
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &RunArgs) -> Result<(), CommandError> {
    let source = Source::parse(&args.path);
    args.packaging.check(ctx.ui)?;
    let world = ctx.world()?;
    check_exists(&source)?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let is_first = records::environments(inventory).await?.is_empty();
    let (environment, is_new) = resolve::existing_or_new(ctx, inventory, args.environment.as_deref()).await?;
    let packager = ctx.backends.packager();
    let (zip, identity) = match source {
        Source::Directory(directory) => {
            let request = PackageRequest { must_run: true, ..args.packaging.request(&directory, None) };
            let packaged = package(ctx, packager.as_ref(), request)?;
            (packaged.zip, packaged.identity)
        }
        Source::Zip(zip) => {
            for option in args.packaging.given() {
                ctx.ui.warn(&format!("`{option}` has no effect on a zip, which is packaged already"))?;
            }
            let identity = packager.inspect(&zip)?;
            (zip, identity)
        }
        Source::Remote(address) => return Err(remote(&address)),
    };
    let digest = || packager.content_digest(&zip);
    resolve::check_content(ctx, inventory, &environment, &identity, digest).await?;
    resolve::confirm_production(ctx, inventory, &environment, &identity, args.force).await?;
    // Not before everything that can be checked has been: a mistake leaves nothing behind.
    if is_first && let Some((_, home)) = world.about().into_iter().find(|(key, _)| *key == "home") {
        ctx.ui.message("home", &format!("No cloud is touched; the state is kept in {home}"))?;
    }
    if is_new {
        resolve::create(ctx, inventory, &environment).await?;
    }
    ctx.ui.message("uploading", "Uploading distribution")?;
    let name = Environment::parse(&environment.name)?;
    let object = world.upload(&name, &identity.name, &zip).await?;
    ctx.ui.message("uploaded", "Uploaded distribution")?;
    let deployment = DeploymentRef { name: DeploymentName::of(&name, &identity.name), object };
    let followed = Followed {
        deployment,
        environment: environment.name,
        distribution: identity.name.to_string(),
        id: identity.id,
    };
    finish(ctx, &ports, &followed, args.dont_follow).await
}

/// Follows what was uploaded, or says how to.
pub(super) async fn finish(
    ctx: &mut Context<'_>,
    ports: &attini_core::follow::FollowPorts,
    followed: &Followed,
    dont_follow: bool,
) -> Result<(), CommandError> {
    if !dont_follow {
        return follow(ctx, ports, followed).await;
    }
    let line = followed.resume_line(ctx);
    ctx.ui.line(&format!("Follow the deployment: {line}"))?;
    let data = serde_json::json!({
        "objectIdentifier": followed.deployment.object.as_str(), "environment": followed.environment,
        "distributionName": followed.distribution, "distributionId": followed.id, "command": line,
    });
    ctx.ui.event((ctx.ui.now)(), "notFollowing", &data)
}

fn check_exists(source: &Source) -> Result<(), CommandError> {
    let (path, is_there): (&Path, bool) = match source {
        Source::Directory(path) => (path, path.is_dir()),
        Source::Zip(path) => (path, path.is_file()),
        Source::Remote(address) => return Err(remote(address)),
    };
    if is_there {
        return Ok(());
    }
    let text = match path.exists() {
        true => format!("{} is neither a directory nor a zip", path.display()),
        false => format!("{} does not exist", path.display()),
    };
    Err(CommandError::illegal(text))
}

fn remote(address: &str) -> CommandError {
    CommandError::execution(format!("distributions at an address ({address}) are not in this version"))
        .hint("download the zip and deploy the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_the_path_decides() {
        assert_eq!(Source::parse("a.zip"), Source::Zip("a.zip".into()));
        assert_eq!(Source::parse("."), Source::Directory(".".into()));
        assert_eq!(Source::parse("s3://b/k.zip"), Source::Remote("s3://b/k.zip".to_owned()));
    }
}
