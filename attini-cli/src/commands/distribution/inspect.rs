use std::path::PathBuf;

use attini_local::project::{inspect_zip, signature_state};
use serde_json::{Value, json};

use super::zip::check_path;
use crate::context::Context;
use crate::error::CommandError;

/// Files that are listed for people; scripts get all of them.
const FILES: usize = 20;

/// Show what is in a zip: identity, plans, parameters, dependencies, files
///
/// Zips of other tools will do. The parameters of an environment are those of `default` with its own above them; null leaves a
/// parameter to its template. Files are listed by size, the largest 20 of them unless `--json` is given. The digest is that
/// of the content: equal digests deploy the same.
#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    /// The zip
    #[arg(value_name = "ZIP")]
    pub path: PathBuf,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &InspectArgs) -> Result<(), CommandError> {
    check_path(&args.path)?;
    let found = inspect_zip(&args.path)?;
    let signature = signature_state(&args.path, None, &found.content.digest)?;
    let mut data = found.to_json(&signature.text());
    if let (false, Some(files)) = (ctx.ui.is_json(), data["files"].as_array_mut()) {
        let more = files.len().saturating_sub(FILES);
        files.truncate(FILES);
        for file in files {
            let line = format!("{} ({} bytes, {})", text(file, "path"), file["size"], text(file, "mode"));
            *file = json!(line);
        }
        if more > 0 {
            data["moreFiles"] = json!(more);
        }
    }
    ctx.ui.data(&data)
}

fn text<'a>(file: &'a Value, key: &str) -> &'a str {
    file[key].as_str().unwrap_or_default()
}
