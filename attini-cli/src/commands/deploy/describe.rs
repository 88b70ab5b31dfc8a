use std::time::Duration;

use super::TargetArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::follow::{Followed, follow};
use crate::{records, resolve};

/// How often to look whether a new upload is recorded.
const LOOK: Duration = Duration::from_millis(20);

/// Follow a running deployment, or show an earlier one again
///
/// The exit code is that of the deployment.
#[derive(Debug, clap::Args)]
pub(crate) struct DescribeArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// Distribution id; the newest deployment of it is shown. Default: the newest deployment
    #[arg(short = 'i', long, value_name = "ID", allow_hyphen_values = true)]
    pub distribution_id: Option<String>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &DescribeArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let name = &args.target.distribution_name;
    while world.has_unrecorded_upload(&environment.name, name).await? {
        ports.clock.sleep(LOOK).await;
    }
    let followed = find(ctx, inventory, &environment.name, name, args.distribution_id.as_deref()).await?;
    follow(ctx, &ports, &followed).await
}

/// Returns the newest deployment of a distribution, or of one id of it.
pub(super) async fn find(
    ctx: &Context<'_>,
    inventory: &dyn attini_core::port::Inventory,
    environment: &str,
    distribution: &str,
    id: Option<&str>,
) -> Result<Followed, CommandError> {
    let wanted = |found: &records::DeploymentRecord| id.is_none() || found.labels.id.as_deref() == id;
    let found = records::deployments(inventory, environment, distribution, 1, wanted).await?.into_iter().next();
    let what = id.map_or_else(|| distribution.to_owned(), |id| format!("{distribution} with id {id}"));
    let found = found.and_then(|found| Some((found.object?, found.labels.id)));
    let (object, id) = found.ok_or_else(|| {
        CommandError::illegal(format!("{what} was never deployed to {environment}"))
            .hint(format!("see what runs where: {}", ctx.command_line(&["distribution", "list"])))
    })?;
    Ok(Followed {
        deployment: attini_core::follow::DeploymentRef {
            name: attini_core::value::DeploymentName::of_raw(environment, distribution),
            object,
        },
        environment: environment.to_owned(),
        distribution: distribution.to_owned(),
        id,
    })
}
