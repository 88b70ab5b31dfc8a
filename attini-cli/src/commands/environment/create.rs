use attini_core::value::{Environment, EnvironmentType};

use crate::context::Context;
use crate::error::CommandError;
use crate::resolve;

/// Create an environment, or change its type
#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// Name of the environment
    pub name: String,
    /// `production` asks before each deployment, `test` does not
    #[arg(long, value_name = "TYPE", default_value = "production", allow_hyphen_values = true)]
    pub env_type: String,
    /// Refuse to deploy other content under an id that was used before
    #[arg(long, overrides_with = "no_immutable_ids")]
    pub immutable_ids: bool,
    /// Allow other content under an id that was used before
    #[arg(long, overrides_with = "immutable_ids")]
    pub no_immutable_ids: bool,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &CreateArgs) -> Result<(), CommandError> {
    let kind = match args.env_type.to_ascii_lowercase().as_str() {
        "production" => EnvironmentType::Production,
        "test" => EnvironmentType::Test,
        other => {
            let text = format!("{other:?} is no type of an environment");
            return Err(CommandError::illegal(text).hint("allowed are `production` and `test`"));
        }
    };
    let name = Environment::parse(&args.name)?;
    let immutable = (args.immutable_ids || args.no_immutable_ids).then_some(args.immutable_ids);
    let world = ctx.world()?;
    resolve::put(world.ports().inventory.as_ref(), &name, kind, immutable).await?;
    ctx.ui.message("environmentCreated", &format!("Environment {name} is of type {}", resolve::type_name(kind)))
}
