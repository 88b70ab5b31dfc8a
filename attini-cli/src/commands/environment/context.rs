use serde_json::{Map, Value, json};

use crate::commands::distribution::list::described;
use crate::context::Context;
use crate::error::CommandError;
use crate::{records, resolve};

/// Show who you are, where you are, and what is deployed
#[derive(Debug, clap::Args)]
pub(crate) struct ContextArgs {
    /// Show only this distribution
    #[arg(short = 'n', long, value_name = "NAME", allow_hyphen_values = true)]
    pub distribution_name: Option<String>,
    /// Show only this environment. Default: all
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: Option<String>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ContextArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let environments = records::environments(ports.inventory.as_ref()).await?;
    let distributions = records::distributions(ports.inventory.as_ref()).await?;
    let mut names: Vec<&str> = environments.iter().map(|found| found.name.as_str()).collect();
    names.extend(distributions.iter().map(|found| found.environment.as_str()));
    names.sort_unstable();
    names.dedup();
    let wanted = |name: &&str| args.environment.as_ref().is_none_or(|wanted| wanted == name);
    let list: Vec<Value> = names
        .into_iter()
        .filter(wanted)
        .map(|name| {
            let mut entry = Map::new();
            entry.insert("environmentName".to_owned(), json!(name));
            match environments.iter().find(|found| found.name == name) {
                Some(found) => entry.insert("type".to_owned(), json!(resolve::type_name(found.kind))),
                None => entry.insert("warnings".to_owned(), json!(["Environment has been deleted"])),
            };
            let deployed: Vec<Value> = distributions
                .iter()
                .filter(|found| found.environment == name)
                .filter(|found| args.distribution_name.as_ref().is_none_or(|wanted| *wanted == found.name))
                .map(|found| Value::Object(described(found)))
                .collect();
            entry.insert("distributions".to_owned(), json!(deployed));
            Value::Object(entry)
        })
        .collect();
    let mut data = Map::new();
    data.insert("attiniVersion".to_owned(), json!(env!("CARGO_PKG_VERSION")));
    data.extend(world.about().into_iter().map(|(key, value)| (key.to_owned(), json!(value))));
    data.insert("environments".to_owned(), json!(list));
    ctx.ui.data(&data.into())
}
