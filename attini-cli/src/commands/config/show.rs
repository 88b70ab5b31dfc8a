use std::path::PathBuf;

use attini_core::config::{Explained, Origin, Written};
use attini_core::problem::SourceSpot;
use attini_core::value::{DistributionId, Environment};
use serde_json::{Value, json};

use super::{NO_ID, project};
use crate::context::Context;
use crate::error::CommandError;
use crate::ui::DIM;

/// Show the values that a distribution has in an environment, and where each comes from
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Directory of the distribution, or its `attini-config` file
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The environment; it need not exist
    #[arg(short, long, value_name = "NAME", allow_hyphen_values = true)]
    pub environment: String,
}

pub(crate) fn run(ctx: &mut Context<'_>, args: &ShowArgs) -> Result<(), CommandError> {
    let environment = Environment::parse(&args.environment)?;
    let id = DistributionId::parse(NO_ID)?;
    let values = ctx.backends.packager().explain(&project(&args.path)?, &environment, &id)?;
    if ctx.ui.is_json() {
        let values: Vec<Value> = values.iter().map(wire).collect();
        return ctx.ui.data(&json!({ "environment": environment.as_str(), "values": values }));
    }
    for value in &values {
        let text = match &value.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        ctx.ui.line(&format!("{}: {text}", value.path))?;
        let why = ctx.ui.paint(DIM, &in_words(&value.origin));
        ctx.ui.line(&format!("  {why}"))?;
    }
    Ok(())
}

fn in_words(origin: &Origin) -> String {
    match origin {
        Origin::File(written) => written_in_words(written),
        Origin::BuiltIn => "built-in default".to_owned(),
        Origin::Given => "not in the file; packaging makes up a random one".to_owned(),
        Origin::Framework => "set by the framework".to_owned(),
        Origin::Template(at) => format!("{}, default of the template", place(at)),
        Origin::Missing(at) => format!("{}, declared by the template without a default: set it", place(at)),
    }
}

fn written_in_words(written: &Written) -> String {
    let mut text = place(&written.at);
    if let Some(section) = &written.section {
        text.push_str(&format!(", section {section}"));
    }
    if let Some(template) = &written.template {
        let from = if template.is_empty() { "with variables replaced".to_owned() } else { format!("from {template}") };
        text.push_str(&format!(", {from}"));
    }
    if let Some(over) = &written.over {
        text.push_str(&format!(", over {}", place(over)));
    }
    text
}

fn place(at: &SourceSpot) -> String {
    format!("{}:{}:{}", at.file, at.line, at.column)
}

/// The form for tools; field names do not change.
fn wire(value: &Explained) -> Value {
    let spot = |at: &SourceSpot| json!({ "file": at.file, "line": at.line, "column": at.column });
    let origin = match &value.origin {
        Origin::File(written) => {
            let mut origin = json!({ "kind": "file", "at": spot(&written.at) });
            if let Some(section) = &written.section {
                origin["section"] = json!(section);
            }
            if let Some(template) = written.template.as_ref().filter(|text| !text.is_empty()) {
                origin["written"] = json!(template);
            }
            if !written.variables.is_empty() {
                origin["variables"] = json!(written.variables);
            }
            if let Some(over) = &written.over {
                origin["over"] = spot(over);
            }
            origin
        }
        Origin::BuiltIn => json!({ "kind": "builtIn" }),
        Origin::Given => json!({ "kind": "generated" }),
        Origin::Framework => json!({ "kind": "framework" }),
        Origin::Template(at) => json!({ "kind": "template", "at": spot(at) }),
        Origin::Missing(at) => json!({ "kind": "missing", "at": spot(at) }),
    };
    json!({ "path": value.path.to_string(), "value": value.value, "origin": origin })
}
