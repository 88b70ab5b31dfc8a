use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::CommandError;

/// Show a simulated stack: resources, outputs, parameters, events
///
/// Events come oldest first. Parameters with `NoEcho` are shown as `****`. With `--region`: the stack in that region, when
/// several have one of the name. Of a deleted stack there are only its events.
#[derive(Debug, clap::Args)]
pub(crate) struct StackArgs {
    /// Name of the stack
    #[arg(value_name = "NAME")]
    pub name: String,
}

pub(crate) async fn run(ctx: &mut Context<'_>, args: &StackArgs) -> Result<(), CommandError> {
    ctx.global.local = true;
    // It says which stack is meant, not which region the world has.
    let region = ctx.global.region.take();
    let world = ctx.world()?;
    let mut found = world.stack(&args.name, region.as_ref()).await?;
    match (found.pop(), found.as_slice()) {
        (Some(stack), []) if ctx.ui.is_json() => ctx.ui.data(&stack),
        (Some(stack), []) => ctx.ui.data(&for_people(&stack)),
        (None, _) => {
            let place = region.map(|region| format!(" in {region}")).unwrap_or_default();
            Err(CommandError::illegal(format!("there is no stack {}{place}", args.name))
                .hint("see which there are: attini local stacks"))
        }
        (Some(last), others) => {
            let of = |stack: &Value| stack["region"].as_str().unwrap_or_default().to_owned();
            let regions: Vec<String> = others.iter().chain([&last]).map(of).collect();
            Err(CommandError::illegal(format!("there is a stack {} in {}", args.name, regions.join(" and ")))
                .hint(format!("say which: attini local stack {} --region {}", args.name, of(&last))))
        }
    }
}

/// Leaves out what is empty, and makes a line of each event, with its reason below.
fn for_people(stack: &Value) -> Value {
    let mut shown = Map::new();
    for (key, value) in stack.as_object().into_iter().flatten() {
        let value = match value {
            Value::Array(events) if key == "events" => events.iter().map(event).collect(),
            other => other.clone(),
        };
        let empty = value.is_null() || [json!([]), json!({})].contains(&value);
        if !empty {
            shown.insert(key.clone(), value);
        }
    }
    Value::Object(shown)
}

fn event(event: &Value) -> Value {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let line = format!("{} {} {}", text("time"), text("status"), text("logicalId"));
    match text("reason") {
        "" => json!(line),
        reason => json!({ line: reason }),
    }
}
