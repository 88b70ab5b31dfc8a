use serde_json::{Value, json};

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::{records, resolve};

/// List the environments with their types
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {}

pub(crate) async fn run(ctx: &mut Context<'_>, _: &ListArgs) -> Result<(), CommandError> {
    let world = ctx.world()?;
    let all = records::environments(world.ports().inventory.as_ref()).await?;
    if all.is_empty() {
        return Err(CommandError { kind: ErrorKind::NotConfigured, ..resolve::no_environments(ctx) });
    }
    let list: Vec<Value> =
        all.iter().map(|found| json!({ "name": found.name, "type": resolve::type_name(found.kind) })).collect();
    ctx.ui.data(&json!(list))
}
