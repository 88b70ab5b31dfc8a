use attini_core::follow::DeploymentRef;
use attini_core::value::{DeploymentName, ObjectIdentifier};
use attini_local::world::Redriving;

use super::{EnvironmentOption, run::finish};
use crate::context::Context;
use crate::error::CommandError;
use crate::follow::Followed;
use crate::{records, resolve};

/// Go on with a deployment that was interrupted or has failed, where it was
///
/// A deployment is interrupted when the process that carries it out dies: killed, or the machine was switched off. Steps
/// that have ended are not run again, jobs that still run are taken up, and a job that is gone without a result fails with
/// `JobLost`. In a deployment that has failed, was stopped or took too long, what did not succeed runs again, with the
/// payload that it had; branches and iterations that succeeded stay. The deployment is followed to its end.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Name of the distribution; can be left out when exactly one was interrupted
    #[arg(short = 'n', long, value_name = "NAME", allow_hyphen_values = true)]
    pub distribution_name: Option<String>,
    #[command(flatten)]
    pub environment: EnvironmentOption,
    /// Step to begin at instead, with the payload that it had when it began last; not in branches or iterations
    #[arg(long, value_name = "STEP", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Step that did not succeed and is left out; it has no output then
    #[arg(long, value_name = "STEP", allow_hyphen_values = true, requires = "reason")]
    pub skip: Option<String>,
    /// Why, for the records
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub reason: Option<String>,
    /// Return when the deployment goes on
    #[arg(short = 'b', long, alias = "blind")]
    pub dont_follow: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ResumeArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.environment.environment.as_deref()).await?.name;
    let interrupted = world.interrupted(&environment).await?;
    let wanted = args.distribution_name.as_deref();
    let ended = match wanted.filter(|name| !interrupted.iter().any(|object| name_in(object) == *name)) {
        Some(name) => {
            let found = super::describe::find(ctx, inventory, &environment, name, None).await?;
            Some((found.deployment.object, found.id))
        }
        None => None,
    };
    let (object, id) = match ended {
        Some((object, id)) => {
            let how = Redriving { from: args.from.clone(), skip: args.skip.clone(), reason: args.reason.clone() };
            (world.redrive(&object, &how).await?, id)
        }
        None => {
            let object = choose(ctx, &interrupted, wanted, &environment)?;
            if args.from.is_some() || args.skip.is_some() {
                let text = "`--from` and `--skip` are for deployments that have failed; this one was interrupted";
                return Err(CommandError::illegal(text).hint("leave them out: it goes on where it was"));
            }
            let same = |found: &records::DeploymentRecord| found.object.as_ref() == Some(&object);
            let found = records::deployments(inventory, &environment, name_in(&object), 1, same).await?;
            let id = found.into_iter().next().and_then(|found| found.labels.id);
            (world.resume(&object).await?, id)
        }
    };
    let distribution = name_in(&object).to_owned();
    ctx.ui.message("resumed", &format!("Going on with the deployment of {distribution} to {environment}"))?;
    let name = DeploymentName::of_raw(&environment, &distribution);
    let followed = Followed { deployment: DeploymentRef { name, object }, environment, distribution, id };
    finish(ctx, &ports, &followed, args.dont_follow).await
}

/// Returns the newest interrupted deployment of the distribution that is meant.
fn choose(
    ctx: &Context<'_>,
    interrupted: &[ObjectIdentifier],
    wanted: Option<&str>,
    environment: &str,
) -> Result<ObjectIdentifier, CommandError> {
    let mut names: Vec<&str> = interrupted.iter().map(name_in).collect();
    names.sort_unstable();
    names.dedup();
    let name = match (wanted, names.as_slice()) {
        (Some(name), all) if all.contains(&name) => name,
        (None, [only]) => only,
        (_, []) => {
            let error = CommandError::illegal(format!("no deployment to {environment} was interrupted"));
            return Err(error.hint(format!("see what runs where: {}", ctx.command_line(&["distribution", "list"]))));
        }
        (Some(name), all) => {
            let error = CommandError::illegal(format!("no deployment of {name} to {environment} was interrupted"));
            return Err(error.hint(format!("these were: {}", all.join(", "))));
        }
        (None, all) => {
            let error = CommandError::illegal(format!("several deployments to {environment} were interrupted"));
            return Err(error.hint(format!("choose one with -n: {}", all.join(", "))));
        }
    };
    // Oldest first, so the last is the newest.
    let found = interrupted.iter().rfind(|object| name_in(object) == name);
    found.cloned().ok_or_else(|| CommandError::illegal(format!("no deployment of {name} was interrupted")))
}

/// Returns the distribution's name in an upload: the second segment of its key.
fn name_in(object: &ObjectIdentifier) -> &str {
    object.as_str().split('/').nth(1).unwrap_or_default()
}
