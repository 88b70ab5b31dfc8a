//! What a template holds, without expanding it: plans, their steps, the runners they use.

use serde_json::{Map, Value};

use super::kinds::DIALECT;
use super::simple::read_list;
use super::{APP_DEPLOYMENT_PLAN, DEFAULT_RUNNER, DEPLOYMENT_PLAN, RUNNER};
use crate::asl::Scope;
use crate::document::DocPath;

/// The two kinds of plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanKind {
    /// Runs when the distribution that owns it is deployed.
    Deployment,
    /// Runs when an app distribution is deployed.
    App,
}

impl PlanKind {
    /// Recognizes the type of a resource.
    #[must_use]
    pub fn of_type(kind: &str) -> Option<Self> {
        match kind {
            DEPLOYMENT_PLAN => Some(Self::Deployment),
            APP_DEPLOYMENT_PLAN => Some(Self::App),
            _ => None,
        }
    }
}

/// A plan in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanResource {
    /// The name of the resource.
    pub logical_id: String,
    /// Which kind of plan it is.
    pub kind: PlanKind,
}

impl PlanResource {
    /// Returns the path of the plan itself, the value of the property `DeploymentPlan`.
    #[must_use]
    pub fn path(&self) -> DocPath {
        DocPath::root().key("Resources").key(&self.logical_id).key("Properties").key("DeploymentPlan")
    }

    /// Returns the plan itself.
    #[must_use]
    pub fn definition<'t>(&self, template: &'t Value) -> Option<&'t Value> {
        template.get("Resources")?.get(&self.logical_id)?.get("Properties")?.get("DeploymentPlan")
    }

    pub(super) fn definition_mut<'t>(&self, template: &'t mut Value) -> Option<&'t mut Value> {
        let resource = template.get_mut("Resources")?.get_mut(&self.logical_id)?;
        resource.get_mut("Properties")?.get_mut("DeploymentPlan")
    }
}

/// Returns all plans of a template, in its order.
#[must_use]
pub fn find_plans(template: &Value) -> Vec<PlanResource> {
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    let plans = resources.filter_map(|(logical_id, resource)| {
        let kind = PlanKind::of_type(resource.get("Type")?.as_str()?)?;
        Some(PlanResource { logical_id: logical_id.clone(), kind })
    });
    plans.collect()
}

/// A step as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepInfo {
    /// Its name.
    pub name: String,
    /// Its type as written, known or not; empty when there is none.
    pub kind: String,
    /// Where it is in the template.
    pub path: DocPath,
}

/// Returns every step of a plan at any depth, in either syntax; generated states are left out.
///
/// `at` is the path of the plan in its template. A step of the list syntax without a name is skipped.
#[must_use]
pub fn steps(plan: &Value, at: &DocPath) -> Vec<StepInfo> {
    let mut found = Vec::new();
    collect(&read(plan, at), &mut |state| {
        found.push(StepInfo { name: state.name.clone(), kind: state.kind.clone(), path: state.origin.clone() });
    });
    found
}

/// A step with everything in it, for people who read plans.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOutline {
    /// Its name.
    pub name: String,
    /// Its type as written, known or not; empty when there is none.
    pub kind: String,
    /// Its fields without type, name and nested steps; in a list also without the links, which follow from the order.
    pub fields: Map<String, Value>,
    /// The steps of each branch, or of what runs for each item.
    pub branches: Vec<Vec<StepOutline>>,
}

/// Returns the steps of a plan as a tree, in either syntax; generated states are left out.
///
/// The steps below `IsTrue` and `IsFalse` of a list's `Choice` stand after it, as they do in the state machine.
#[must_use]
pub fn outline(plan: &Value) -> Vec<StepOutline> {
    outline_of(&read(plan, &DocPath::root()), plan.is_array())
}

fn outline_of(scope: &Scope, is_list: bool) -> Vec<StepOutline> {
    let written = scope.states.iter().filter(|state| state.made_for.is_none());
    let step = |state: &crate::asl::State| {
        let mut fields = state.fields.clone();
        if is_list {
            fields.retain(|key, _| key != "Next" && key != "End");
        }
        let branches = state.scopes().iter().map(|inner| outline_of(inner, is_list)).collect();
        StepOutline { name: state.name.clone(), kind: state.kind.clone(), fields, branches }
    };
    written.map(step).collect()
}

/// Returns the runners that the plans of a template name, each once, in order of appearance.
///
/// Those are the `DefaultRunner` of each plan and the `Runner` of its steps, given as text or as a `Ref`. They go to
/// `usedRunners` in `attini_data/attini-metadata.json` (cli.md 9.4).
#[must_use]
pub fn used_runners(template: &Value) -> Vec<String> {
    let mut runners: Vec<String> = Vec::new();
    let mut add = |value: Option<&Value>| {
        let name = value.and_then(|value| value.as_str().or_else(|| value.get("Ref")?.as_str()));
        if let Some(name) = name
            && !runners.iter().any(|known| known == name)
        {
            runners.push(name.to_owned());
        }
    };
    for plan in find_plans(template) {
        let resource = &template["Resources"][&plan.logical_id];
        add(resource.get("Properties").and_then(|properties| properties.get("DefaultRunner")));
        let Some(definition) = plan.definition(template) else { continue };
        collect(&read(definition, &plan.path()), &mut |state| {
            if matches!(state.kind.as_str(), "AttiniRunnerJob" | "AttiniCdk" | "AttiniSam") {
                add(state.fields.get("Properties").and_then(|properties| properties.get("Runner")));
            }
        });
    }
    runners
}

/// Says whether an expansion of the template needs to know the default VPC's subnets.
///
/// That is so when a runner names no network of its own; it may be said for a template that turns out not to need them.
#[must_use]
pub fn needs_default_vpc(template: &Value) -> bool {
    let resources = template.get("Resources").and_then(Value::as_object).into_iter().flatten();
    let mut runners = resources.filter(|(_, resource)| resource.get("Type").is_some_and(|kind| kind == RUNNER));
    let default_vpc = |resource: &Value| {
        let network = resource.get("Properties").and_then(|properties| properties.get("AwsVpcConfiguration"));
        network.is_none_or(Value::is_null)
    };
    if runners.any(|(_, resource)| default_vpc(resource)) {
        return true;
    }
    if template.get("Resources").and_then(|resources| resources.get(DEFAULT_RUNNER)).is_some() {
        return false;
    }
    find_plans(template).iter().any(|plan| {
        let mut needed = false;
        if let Some(definition) = plan.definition(template) {
            collect(&read(definition, &plan.path()), &mut |state| {
                needed |= matches!(state.kind.as_str(), "AttiniRunnerJob" | "AttiniCdk" | "AttiniSam");
            });
        }
        needed
    })
}

pub(super) fn read(plan: &Value, at: &DocPath) -> Scope {
    // Problems are reported where the plan is checked.
    let mut problems = Vec::new();
    match plan {
        Value::Array(steps) => read_list(steps, "the plan", at, &[], &mut problems),
        other => Scope::read(other, at, DIALECT, &[], &mut problems),
    }
}

fn collect(scope: &Scope, visit: &mut dyn FnMut(&crate::asl::State)) {
    for state in scope.states.iter().filter(|state| state.made_for.is_none()) {
        visit(state);
        state.scopes().iter().for_each(|inner| collect(inner, visit));
    }
}
