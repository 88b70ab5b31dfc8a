use serde_json::Value;

use crate::document::Document;
use crate::plan::{self, PlanProblem};
use crate::problem::{Problem, Problems};
use crate::step::supported_step_types;

/// Attini step types of the language that this version cannot run.
const LATER_STEP_TYPES: [&str; 3] = ["AttiniCdk", "AttiniImport", "AttiniSam"];

/// Checks an init template before anything is deployed: whether it can be read, whether its plans are sound, and whether
/// this version can run their steps. Returns the template as JSON.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column.
pub fn check_template(file_name: &str, text: &str) -> Result<Value, Problems> {
    let (template, unsupported) = check_plans(file_name, text)?;
    match unsupported.is_empty() {
        true => Ok(template),
        false => Err(Problems(unsupported)),
    }
}

/// Checks an init template without regard to who will run its plans. Returns the template as JSON, and what this version cannot run.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column; what this version cannot run is added at the end.
pub fn check_plans(file_name: &str, text: &str) -> Result<(Value, Vec<Problem>), Problems> {
    let document = Document::parse(file_name, text)?;
    let mut problems = document.duplicate_keys();
    let template = document.to_json();
    if !template.is_object() {
        return Err(Problems::one(format!("{file_name} is not a CloudFormation template: it has no `Resources`")));
    }
    problems.extend(plan::check(&template).iter().map(|found| located(&document, found)));
    let unsupported = unsupported_steps(&document, &template);
    if problems.is_empty() {
        return Ok((template, unsupported));
    }
    problems.extend(unsupported);
    Err(Problems(problems))
}

/// Returns a problem for every step of a type that this version cannot run: its name, its place, and what there is.
#[must_use]
pub fn unsupported_steps(document: &Document, template: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    for resource in plan::find_plans(template) {
        let at = resource.path();
        if resource.kind == plan::PlanKind::App {
            let message = format!("app deployment plans are not in this version (resource `{}`)", resource.logical_id);
            problems.push(Problem::error(message).at(document.spot(&at)));
            continue;
        }
        let Some(definition) = resource.definition(template) else { continue };
        for step in plan::steps(definition, &at) {
            // A type that nobody knows is a mistake, which the check of the plan explains.
            if LATER_STEP_TYPES.contains(&step.kind.as_str()) {
                let message =
                    format!("step `{}` has the type {}, which this version cannot run yet", step.name, step.kind);
                let help =
                    format!("it runs {}, and all states of the States Language", supported_step_types().join(", "));
                let spot = document.spot(&step.path.key("Type")).or_else(|| document.spot(&step.path));
                problems.push(Problem::error(message).with_help(help).at(spot));
            }
        }
    }
    problems
}

fn located(document: &Document, found: &PlanProblem) -> Problem {
    let mut problem = Problem::error(found.message.clone()).at(document.spot(&found.path));
    problem.help = found.help.clone();
    problem
}
