use std::io::Write;

use attini_core::plan;

use crate::context::Context;
use crate::error::CommandError;

/// Print the JSON Schema of init templates with their plans, steps and runners
///
/// Editors with a YAML language server complete and check a template whose first line names the schema:
/// `# yaml-language-server: $schema=attini-template.schema.json`
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArgs {}

pub(crate) fn run(ctx: &mut Context<'_>, _: &SchemaArgs) -> Result<(), CommandError> {
    writeln!(ctx.ui.out, "{:#}", plan::schema())?;
    ctx.ui.out.flush()?;
    Ok(())
}
