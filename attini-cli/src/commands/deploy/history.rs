use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::TargetArgs;
use crate::context::Context;
use crate::error::CommandError;
use crate::records::{self, DeploymentRecord, labels};
use crate::resolve;

/// List the deployments of a distribution, newest first
///
/// Each with id, version, time, outcome and who deployed.
#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    pub target: TargetArgs,
    /// How many to list: the newest ones
    #[arg(short, long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub output_limit: u32,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &HistoryArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let ports = world.ports();
    let inventory = ports.inventory.as_ref();
    let environment = resolve::environment(ctx, inventory, args.target.environment.environment.as_deref()).await?;
    let name = &args.target.distribution_name;
    let limit = usize::try_from(args.output_limit).unwrap_or(usize::MAX);
    let found = records::deployments(inventory, &environment.name, name, limit, |_| true).await?;
    if found.is_empty() && !ctx.ui.is_json() {
        return ctx.ui.line(&format!("No distribution with name {name} found in {}", environment.name));
    }
    let list: Vec<Value> = found.iter().map(entry).collect();
    ctx.ui.data(&json!(list))
}

fn entry(found: &DeploymentRecord) -> Value {
    let mut entry = Map::new();
    let mut add = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            entry.insert(key.to_owned(), json!(value));
        }
    };
    add("distributionName", Some(found.distribution.clone()));
    add("distributionId", found.labels.id.clone());
    add("version", found.labels.version.clone());
    add("environment", Some(found.environment.clone()));
    add("deploymentTime", found.labels.deployed.and_then(local_time));
    add("deploymentTimeUtc", found.labels.deployed.map(|time| time.to_string()));
    add("outcome", Some(outcome(found).to_owned()));
    add("errorCode", found.error_code.clone());
    add("deploymentPlanStatus", found.status.clone());
    add("userIdentity", found.user.clone());
    add("objectIdentifier", found.object.as_ref().map(ToString::to_string));
    if !found.resumptions.is_empty() {
        entry.insert("resumptions".to_owned(), found.resumptions.iter().map(resumption).collect());
    }
    entry.extend(labels(&found.labels));
    Value::Object(entry)
}

/// Returns who let a deployment go on, when, and what was wanted of it.
fn resumption(found: &Value) -> Value {
    let time = found.get("time").and_then(Value::as_i64).map(attini_core::value::Timestamp::from_ms);
    let mut shown = Map::from_iter(time.map(|time| ("timeUtc".to_owned(), json!(time.to_string()))));
    for field in ["by", "from", "skipped", "reason"] {
        if let Some(text) = found.get(field).and_then(Value::as_str) {
            shown.insert(field.to_owned(), text.into());
        }
    }
    Value::Object(shown)
}

/// Returns how a deployment ended, or that it has not. Records that others wrote have no outcome of their own.
fn outcome(found: &DeploymentRecord) -> &str {
    let failed = found.error_code.as_ref().map(|_| "FAILED");
    found.outcome.as_deref().or(found.status.as_deref()).or(failed).unwrap_or("RUNNING")
}

/// Returns the time as clocks here show it: `yyyy-MM-dd HH:mm:ss`.
pub(crate) fn local_time(time: attini_core::value::Timestamp) -> Option<String> {
    let time = jiff::Timestamp::from_millisecond(time.as_ms()).ok()?;
    Some(time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}
