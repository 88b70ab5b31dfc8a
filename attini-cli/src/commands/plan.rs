//! `attini plan`: what a deployment plan says and does, without deploying.

pub(crate) mod expand;
pub(crate) mod graph;
pub(crate) mod lint;
pub(crate) mod render;
pub(crate) mod schema;
pub(crate) mod simulate;
pub(crate) mod test;

use attini_core::document::{DocPath, Document};
use attini_core::plan::{self, MacroRequest, MacroSettings, PlanProblem};
use attini_core::problem::Problem;
use clap::Subcommand;
use serde_json::Value;

/// Where templates are expanded when nothing else is said.
const REGION: &str = "eu-west-1";
const ACCOUNT: &str = "000000000000";

/// Look into deployment plans and state machines without deploying
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// The sub-commands of `plan`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    Expand(expand::ExpandArgs),
    Render(render::RenderArgs),
    Lint(lint::LintArgs),
    Graph(graph::GraphArgs),
    Schema(schema::SchemaArgs),
    Simulate(simulate::SimulateArgs),
    Test(Box<test::TestArgs>),
}

/// What is wrong with a template.
struct Refused {
    /// For the macro's response.
    found: Vec<PlanProblem>,
    /// For people, with their places.
    problems: Vec<Problem>,
}

impl Refused {
    /// Problems of a template that cannot be read.
    fn unreadable(problems: Vec<Problem>) -> Self {
        Self { found: problems.iter().map(without_place).collect(), problems }
    }
}

/// Expands what a person wrote; `request` holds the template as JSON. A key that stands twice is refused.
fn expanded(
    document: &Document,
    request: &MacroRequest,
    settings: &MacroSettings,
    uuid: &str,
) -> Result<Value, Refused> {
    let mut refused = Refused::unreadable(document.duplicate_keys());
    match plan::expand(request, settings, uuid) {
        Ok(expansion) if refused.problems.is_empty() => return Ok(expansion.fragment),
        Ok(_) => {}
        Err(found) => {
            refused.problems.extend(found.iter().map(|problem| problem.located(document)));
            refused.found.extend(found);
        }
    }
    Err(refused)
}

/// The place is told on stderr; the response has lines of text only.
fn without_place(problem: &Problem) -> PlanProblem {
    let (severity, message, help) = (problem.severity, problem.message.clone(), problem.help.clone());
    PlanProblem { severity, path: DocPath::root(), step: None, message, help }
}
