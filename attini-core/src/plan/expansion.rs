//! The macro's work on a template: all resources of the framework's own types become ordinary ones (deployment-plan.md 3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::problem::PlanProblem;
use super::references::References;
use super::request::{MacroRequest, MacroSettings, partition_of};
use super::resource::{PlanParts, expand_plan, machine_id};
use super::runner::{self, RunnerParts};
use super::survey::{PlanKind, find_plans};
use super::{DEFAULT_RUNNER, RUNNER};
use crate::asl::kind_of;
use crate::document::DocPath;
use crate::problem::Severity;

/// An expanded template.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// The template to deploy.
    pub fragment: Value,
}

/// How deep values of a template may lie in each other. CloudFormation takes far less.
const MAX_DEPTH: usize = 1000;

/// Where a template is expanded.
#[derive(Debug)]
pub(super) struct Surroundings<'a> {
    /// Second part of generated ARNs.
    pub(super) partition: &'static str,
    /// `None` when the template is only checked.
    pub(super) region: Option<&'a str>,
    pub(super) account: &'a str,
    pub(super) settings: &'a MacroSettings,
    pub(super) uuid: &'a str,
}

/// Expands all plans and runners of a template.
///
/// # Errors
///
/// Everything that is wrong with them: first plans, then runners, then what surrounds them. Warnings alone are no error.
pub fn expand(request: &MacroRequest, settings: &MacroSettings, uuid: &str) -> Result<Expansion, Vec<PlanProblem>> {
    let around = Surroundings {
        partition: partition_of(&request.region),
        region: Some(&request.region),
        account: &request.account_id,
        settings,
        uuid,
    };
    let distribution = request.parameter_values.get("AttiniDistributionName").and_then(Value::as_str);
    let (mut fragment, _) = expand_fragment(&request.fragment, &around)?;
    if let Some(object) = fragment.as_object_mut() {
        object.entry("Description").or_insert_with(|| match distribution {
            Some(name) if !name.is_empty() => json!(format!("Attini init deploy stack for distribution: {name}")),
            _ => json!("Attini init deploy stack"),
        });
    }
    Ok(Expansion { fragment })
}

/// Returns everything that an expansion would refuse or could warn of, as far as it depends on the template alone.
#[must_use]
pub fn check(template: &Value) -> Vec<PlanProblem> {
    let settings = MacroSettings {
        default_role: Some("default-role".to_owned()),
        default_runner_image: "default-image".to_owned(),
        default_vpc_subnets: Some(vec!["subnet".to_owned()]),
        queue_interval_seconds: 30,
    };
    let around = Surroundings { partition: "aws", region: None, account: "", settings: &settings, uuid: "" };
    expand_fragment(template, &around).map_or_else(|problems| problems, |(_, warnings)| warnings)
}

/// Returns the expanded template and warnings.
fn expand_fragment(fragment: &Value, around: &Surroundings<'_>) -> Result<(Value, Vec<PlanProblem>), Vec<PlanProblem>> {
    let root = DocPath::root();
    if is_deeper_than(fragment, MAX_DEPTH) {
        let text = format!("the template is nested more than {MAX_DEPTH} levels deep");
        return Err(vec![PlanProblem::new(root, None, text)]);
    }
    let Some(resources) = fragment.get("Resources").filter(|value| !value.is_null()) else {
        return Err(vec![PlanProblem::new(root, None, "the template has no Resources")]);
    };
    let Some(resources) = resources.as_object() else {
        let text = format!("Resources must be an object, not {}", kind_of(resources));
        return Err(vec![PlanProblem::new(root.key("Resources"), None, text)]);
    };
    let mut work = Work { fragment, resources, around, problems: Vec::new() };
    let result = work.run();
    let refused = work.problems.iter().any(|problem| problem.severity == Severity::Error);
    if refused { Err(work.problems) } else { Ok((result, work.problems)) }
}

struct Work<'a> {
    fragment: &'a Value,
    resources: &'a Map<String, Value>,
    around: &'a Surroundings<'a>,
    problems: Vec<PlanProblem>,
}

impl Work<'_> {
    fn run(&mut self) -> Value {
        let runner_ids: BTreeSet<String> = self.ids_of(RUNNER).map(ToOwned::to_owned).collect();
        let plans = find_plans(self.fragment);
        if let [first, others @ ..] = plans.as_slice() {
            for other in others {
                let path = DocPath::root().key("Resources").key(&other.logical_id);
                let text = format!(
                    "more than one deployment plan: a template can hold one, and {} is one already",
                    first.logical_id
                );
                self.problems.push(PlanProblem::new(path, None, text));
            }
        }
        let plan = plans.first().map(|plan| {
            let resource = &self.resources[&plan.logical_id];
            let app = plan.kind == PlanKind::App;
            let parts = expand_plan(
                self.fragment,
                &plan.logical_id,
                resource,
                app,
                &runner_ids,
                self.around,
                &mut self.problems,
            );
            (plan.logical_id.as_str(), parts)
        });
        let default_runner = plan.as_ref().is_some_and(|(_, plan)| plan.used_runners.contains(DEFAULT_RUNNER))
            && !runner_ids.contains(DEFAULT_RUNNER);

        let mut runners: BTreeMap<String, RunnerParts> = BTreeMap::new();
        for id in &runner_ids {
            let resource = &self.resources[id];
            let origin = DocPath::root().key("Resources").key(id);
            let parts = runner::expand_runner(id, resource, &origin, self.around, &mut self.problems);
            runners.insert(id.clone(), parts);
        }
        if default_runner {
            let resource = json!({"Type": RUNNER, "Properties": {"EcsCluster": "attini-default"}});
            let origin = plan.as_ref().map_or_else(DocPath::root, |(id, _)| DocPath::root().key("Resources").key(*id));
            let parts = runner::expand_runner(DEFAULT_RUNNER, &resource, &origin, self.around, &mut self.problems);
            runners.insert(DEFAULT_RUNNER.to_owned(), parts);
        }
        self.assemble(plan, &runner_ids, runners)
    }

    /// Puts the new resources in the places of the old ones.
    fn assemble(
        &mut self,
        mut plan: Option<(&str, PlanParts)>,
        runner_ids: &BTreeSet<String>,
        runners: BTreeMap<String, RunnerParts>,
    ) -> Value {
        let mut all = Resources { entries: Map::new(), makers: BTreeMap::new() };
        let mut records: Vec<Value> = Vec::new();
        // In the order of their names, because that of a template's keys means nothing (user-projects.md 8, case 26).
        for (id, parts) in runners {
            records.push(parts.record);
            all.add(parts.resources, &id, &mut self.problems);
        }
        let machine = plan.as_ref().map(|(id, _)| machine_id(id));
        let names = plan.as_ref().zip(machine.as_ref()).map(|((id, _), machine)| (*id, machine.as_str()));
        let references = References { plan: names, runners: runner_ids };
        let mut outside = Map::new();
        for (id, resource) in self.resources {
            let is_plan = plan.as_ref().is_some_and(|(plan, _)| plan == id);
            if is_plan || runner_ids.contains(id) {
                continue;
            }
            let mut resource = resource.clone();
            let path = DocPath::root().key("Resources").key(id);
            references.adapt(&mut resource, &path, &mut self.problems);
            outside.insert(id.clone(), resource);
        }
        // Everything but the resources, which are replaced as a whole.
        let sections = self.fragment.as_object().into_iter().flatten();
        let empty = |key: &String, value: &Value| if key == "Resources" { Value::Null } else { value.clone() };
        let sections = sections.map(|(key, value)| (key.clone(), empty(key, value)));
        let mut fragment = Value::Object(sections.collect());
        if let Some(outputs) = fragment.get_mut("Outputs") {
            references.adapt(outputs, &DocPath::root().key("Outputs"), &mut self.problems);
        }
        if let Some((id, parts)) = plan.take() {
            all.add(parts.into_resources(records), id, &mut self.problems);
        }
        for (id, maker) in &all.makers {
            if outside.contains_key(id) {
                let path = DocPath::root().key("Resources").key(id);
                let text = format!("the resource {id} has the name of one that is made for {maker}");
                self.problems.push(PlanProblem::new(path, None, text));
            }
        }
        outside.extend(all.entries);
        fragment["Resources"] = Value::Object(outside);
        fragment
    }

    fn ids_of(&self, kind: &str) -> impl Iterator<Item = &str> {
        let wanted = self.resources.iter().filter(move |(_, resource)| resource.get("Type").is_some_and(|t| t == kind));
        wanted.map(|(id, _)| id.as_str())
    }
}

/// Generated resources and what each was made for.
struct Resources {
    entries: Map<String, Value>,
    makers: BTreeMap<String, String>,
}

impl Resources {
    fn add(&mut self, resources: Map<String, Value>, maker: &str, problems: &mut Vec<PlanProblem>) {
        for (id, resource) in resources {
            if let Some(other) = self.makers.insert(id.clone(), maker.to_owned()) {
                let path = DocPath::root().key("Resources").key(maker);
                let text = format!("the resource {id} made for it is also made for {other}");
                problems.push(PlanProblem::new(path, None, text));
            }
            self.entries.insert(id, resource);
        }
    }
}

/// Says whether values lie in each other deeper than the limit, without recursion.
fn is_deeper_than(value: &Value, limit: usize) -> bool {
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        if depth > limit {
            return true;
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Object(fields) => open.extend(fields.values().map(|item| (item, depth + 1))),
            _ => {}
        }
    }
    false
}
