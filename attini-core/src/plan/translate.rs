//! Plans in list syntax become plans in States Language (deployment-plan.md 7.1).

use serde_json::Value;

use super::kinds::DIALECT;
use super::problem::PlanProblem;
use super::simple::read_list;
use super::survey::find_plans;
use crate::asl::{AslProblem, Scope, kind_of, validate};
use crate::document::DocPath;

/// Reads a plan in either syntax and checks it as a whole.
pub(super) fn read_plan(plan: &Value, origin: &DocPath) -> (Scope, Vec<AslProblem>) {
    let mut problems = Vec::new();
    let scope = match plan {
        Value::Array(steps) => read_list(steps, "the plan", origin, &[], &mut problems),
        Value::Object(_) => Scope::read(plan, origin, DIALECT, &[], &mut problems),
        other => {
            let text = format!("DeploymentPlan must be a list of steps or an object, not {}", kind_of(other));
            problems.push(AslProblem::new(origin.clone(), &[], text));
            Scope { start: String::new(), states: Vec::new(), fields: serde_json::Map::new(), origin: origin.clone() }
        }
    };
    problems.extend(validate(&scope, DIALECT));
    problems.extend(super::expander::check_language(&scope));
    (scope, problems)
}

/// Rewrites all plans of a template that are lists of steps; `None` when there are none.
///
/// The steps themselves stay as they are: the macro of the framework that deploys the template expands them.
///
/// # Errors
///
/// Everything that is wrong with the plans in list syntax as such; what is wrong inside of steps is found by
/// [`super::check`].
pub fn translate_template(template: &Value) -> Result<Option<Value>, Vec<PlanProblem>> {
    let mut changed = None;
    let mut problems = Vec::new();
    for plan in find_plans(template) {
        let Some(list @ Value::Array(_)) = plan.definition(template) else { continue };
        let (scope, found) = read_plan(list, &plan.path());
        problems.extend(found.into_iter().map(PlanProblem::from));
        let target = changed.get_or_insert_with(|| template.clone());
        if let Some(definition) = plan.definition_mut(target) {
            *definition = scope.to_value();
        }
    }
    if problems.is_empty() { Ok(changed) } else { Err(problems) }
}
