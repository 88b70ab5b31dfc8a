use serde_json::Value;

use crate::document::{DocPath, Document};
use crate::plan::{self, PlanProblem};
use crate::problem::{Problem, Problems, Severity};
use crate::step::supported_step_types;

/// Attini step types of the language that this version cannot run.
const LATER_STEP_TYPES: [&str; 3] = ["AttiniCdk", "AttiniImport", "AttiniSam"];

/// Checks an init template before anything is deployed: whether it can be read, whether its plans are sound, and whether
/// this version can run their steps. Returns the template as JSON, and warnings.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column.
pub fn check_template(file_name: &str, text: &str) -> Result<(Value, Vec<Problem>), Problems> {
    let (document, template, mut problems) = read(file_name, text)?;
    // What else is wrong with a step that cannot run would hide why it cannot.
    let later = later_steps(&template);
    let counts = |found: &&PlanProblem| !later.iter().any(|path| found.path.segments().starts_with(path.segments()));
    problems.extend(plan::check(&template).iter().filter(counts).map(|found| found.located(&document)));
    problems.extend(unsupported_steps(&document, &template));
    Problems::unless_errors(template, problems)
}

/// Checks an init template for whoever will run it. Returns the template as JSON, and warnings, also of what this version
/// cannot run.
///
/// # Errors
///
/// Everything that is wrong, with file, line and column.
pub fn check_plans(file_name: &str, text: &str) -> Result<(Value, Vec<Problem>), Problems> {
    let (document, template, mut problems) = read(file_name, text)?;
    problems.extend(plan::check(&template).iter().map(|found| found.located(&document)));
    let (template, mut warnings) = Problems::unless_errors(template, problems)?;
    let unsupported = unsupported_steps(&document, &template);
    warnings.extend(unsupported.into_iter().map(|problem| Problem { severity: Severity::Warning, ..problem }));
    Ok((template, warnings))
}

/// Reads a template and says what is wrong with it as a document.
fn read(file_name: &str, text: &str) -> Result<(Document, Value, Vec<Problem>), Problems> {
    let document = Document::parse(file_name, text)?;
    let problems = document.duplicate_keys();
    let template = document.to_json();
    if !template.is_object() {
        return Err(Problems::one(format!("{file_name} is not a CloudFormation template: it has no `Resources`")));
    }
    Ok((document, template, problems))
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
            if is_later(&step.kind) {
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

/// Returns where the steps stand that this version cannot run.
fn later_steps(template: &Value) -> Vec<DocPath> {
    let mut paths = Vec::new();
    for resource in plan::find_plans(template) {
        let Some(definition) = resource.definition(template) else { continue };
        let steps = plan::steps(definition, &resource.path());
        paths.extend(steps.into_iter().filter(|step| is_later(&step.kind)).map(|step| step.path));
    }
    paths
}

fn is_later(kind: &str) -> bool {
    LATER_STEP_TYPES.contains(&kind)
}
