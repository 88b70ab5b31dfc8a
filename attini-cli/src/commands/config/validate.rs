use std::path::PathBuf;

use attini_core::problem::Severity;
use serde_json::json;

use super::project;
use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::ui::{GREEN, RED};

/// Check the configuration of a distribution and the files it names
///
/// Checks the `attini-config` file, the init template with its plans, the stack configuration files that can be told from
/// it, and `.attini-ignore`, and shows all problems of all of them. Runs no package commands: what these may make is only
/// warned of when it is missing. Exits with 155 when the `attini-config` file is wrong, with 151 when only another file is.
#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    /// Directory of the distribution, or its `attini-config` file
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &ValidateArgs) -> Result<(), CommandError> {
    let found = ctx.backends.packager().validate(&project(&args.path)?)?;
    for problem in &found.problems {
        ctx.ui.finding(problem)?;
        ctx.ui.line("")?;
    }
    let count = |severity: Severity| found.problems.iter().filter(|problem| problem.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let (style, verdict) = if errors > 0 { (RED, "Not valid") } else { (GREEN, "Valid") };
    let verdict = ctx.ui.paint(style, verdict);
    let [errors, warnings, files] = [(errors, "error"), (warnings, "warning"), (found.files.len(), "file")]
        .map(|(count, word)| counted(count, word));
    ctx.ui.line(&format!("{verdict}: {errors} and {warnings} in {files}"))?;
    if ctx.ui.is_json() {
        let valid = !found.has_errors();
        ctx.ui.data(&json!({ "valid": valid, "files": found.files, "problems": found.problems }))?;
    }
    let kind = match found.has_errors() {
        false => return Ok(()),
        true if found.has_config_errors() => ErrorKind::Config,
        true => ErrorKind::IllegalArgument,
    };
    Err(CommandError::new(kind, "the configuration is not valid").told())
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
