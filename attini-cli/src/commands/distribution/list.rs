use serde_json::{Map, Value, json};

use crate::commands::deploy::history::local_time;
use crate::context::Context;
use crate::error::CommandError;
use crate::records::{self, DistributionRecord, labels};
use crate::resolve;

/// List what runs where
///
/// Each distribution is shown with the id that was last deployed with success; a newer attempt stands beside it.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Show only this environment. Default: all
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: Option<String>,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &ListArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = match &args.environment {
        Some(name) => Some(resolve::environment(ctx, inventory, Some(name)).await?.name),
        None => None,
    };
    let wanted = |found: &&DistributionRecord| environment.as_ref().is_none_or(|name| found.environment == *name);
    let found = records::distributions(inventory).await?;
    let list: Vec<Value> = found.iter().filter(wanted).map(entry).collect();
    if list.is_empty() && !ctx.ui.is_json() {
        return ctx.ui.line("Nothing is deployed");
    }
    ctx.ui.data(&json!(list))
}

fn entry(found: &DistributionRecord) -> Value {
    let mut entry = Map::new();
    entry.insert("environment".to_owned(), json!(found.environment));
    entry.extend(described(found));
    Value::Object(entry)
}

/// Returns name, current labels and, when it is another one, the newest attempt.
pub(crate) fn described(found: &DistributionRecord) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("name".to_owned(), json!(found.name));
    map.extend(labels(found.current()));
    if let Some(time) = found.current().deployed.and_then(local_time) {
        map.insert("deploymentTime".to_owned(), json!(time));
    }
    match &found.last_success {
        Some(last) if last.id != found.newest.id => {
            map.insert("newestAttempt".to_owned(), Value::Object(labels(&found.newest)));
        }
        Some(_) => {}
        None => {
            map.insert("note".to_owned(), json!("no deployment has succeeded yet"));
        }
    }
    map
}
