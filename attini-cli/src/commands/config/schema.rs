use std::io::Write;

use attini_core::config;

use crate::context::Context;
use crate::error::CommandError;

/// Print the JSON Schema of `attini-config` files
///
/// Editors with a YAML language server complete and check a file whose first line names the schema:
/// `# yaml-language-server: $schema=attini-config.schema.json`
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(ctx: &mut Context<'_>, _: &SchemaArgs) -> Result<(), CommandError> {
    writeln!(ctx.ui.out, "{:#}", config::schema())?;
    ctx.ui.out.flush()?;
    Ok(())
}
