use attini_core::follow::DeploymentRef;
use attini_core::value::DistributionName;

use super::{TargetArgs, run::finish};
use crate::context::Context;
use crate::error::CommandError;
use crate::follow::Followed;
use crate::records::{self, DeploymentRecord};
use crate::resolve;
use crate::world::Identity;

/// Deploy an earlier distribution id again
///
/// The zip comes from the earlier upload; nothing is packaged.
#[derive(Debug, clap::Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Distribution id to return to. Default: the newest successful one that is not current
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
    /// Deploy to production environments without a question
    #[arg(short, long)]
    pub force: bool,
    /// Return when the distribution is uploaded
    #[arg(short = 'b', long, alias = "blind")]
    pub dont_follow: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &RollbackArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let name = &args.target.distribution_name;
    let earlier = match &args.distribution_id {
        Some(id) => {
            let same = |found: &DeploymentRecord| found.labels.id.as_ref() == Some(id);
            records::deployments(inventory, &environment.name, name, 1, same).await?.into_iter().next()
        }
        None => {
            let current = records::distribution(inventory, &environment.name, name).await?;
            let current = current.and_then(|found| found.current().id.clone());
            let other = |found: &DeploymentRecord| succeeded(found) && found.labels.id != current;
            records::deployments(inventory, &environment.name, name, 1, other).await?.into_iter().next()
        }
    };
    let found = earlier.and_then(|found| Some((found.object.clone()?, found)));
    let (object, earlier) = found.ok_or_else(|| match &args.distribution_id {
        Some(id) => CommandError::execution(format!("no distribution was found with distribution id = {id}")),
        None => CommandError::execution(format!("{name} has no earlier successful deployment in {}", environment.name)),
    })?;
    let labels = earlier.labels;
    let identity = Identity {
        name: DistributionName::parse(name)?,
        id: labels.id.clone(),
        version: labels.version,
        tags: labels.tags,
    };
    let id = labels.id.as_deref().unwrap_or("not_defined");
    ctx.ui.message("rollback", &format!("Deploying {name} with distribution id {id} again"))?;
    resolve::confirm_production(ctx, inventory, &environment, &identity, args.force).await?;
    let object = world.upload_again(&object).await?;
    ctx.ui.message("uploaded", "Uploaded distribution")?;
    let deployment =
        DeploymentRef { name: attini_core::value::DeploymentName::of_raw(&environment.name, name), object };
    let followed = Followed { deployment, environment: environment.name, distribution: name.clone(), id: identity.id };
    finish(ctx, &ports, &followed, args.dont_follow).await
}

fn succeeded(found: &DeploymentRecord) -> bool {
    let status = found.outcome.as_deref().or(found.status.as_deref());
    status == Some("SUCCEEDED")
}
