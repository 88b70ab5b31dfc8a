use std::path::PathBuf;

use serde_json::{Map, json};

use crate::context::Context;
use crate::error::CommandError;

/// Show name, id, version and tags in a zip
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The zip
    #[arg(value_name = "ZIP")]
    pub path: PathBuf,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &InspectArgs) -> Result<(), CommandError> {
    if args.path.extension().is_none_or(|extension| extension != "zip") {
        let text = format!("Illegal path: {} is not the name of a zip", args.path.display());
        return Err(CommandError::illegal(text));
    }
    if !args.path.is_file() {
        return Err(CommandError::illegal(format!("Target does not exist: {}", args.path.display())));
    }
    let identity = ctx.backends.packager().inspect(&args.path)?;
    let mut data = Map::new();
    data.insert("distributionId".to_owned(), json!(identity.id));
    data.insert("distributionName".to_owned(), json!(identity.name.as_str()));
    data.insert("distributionTags".to_owned(), json!(identity.tags));
    if let Some(version) = identity.version {
        data.insert("version".to_owned(), json!(version));
    }
    ctx.ui.data(&data.into())
}
