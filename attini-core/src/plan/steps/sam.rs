//! `AttiniSam`: packages a SAM project on a runner, then deploys its stack (deployment-plan.md 8.7).

use serde_json::{Map, Value};

use super::cfn::{STACK_PROPERTIES, named, stack_state};
use super::{check_keys, required_properties, take_runner};
use crate::asl::kind_of;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Link, Takes, UserFields, framed};
use crate::plan::kinds::package_sam_name;
use crate::plan::paths::output_path;
use crate::plan::retry;

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::NoHeartbeats, to);
    let Ok(properties) = required_properties(step, to) else { return };
    check(step, to, &properties);
    let name = package_sam_name(step.name());

    let mut packaging = properties.clone();
    take_runner(step, to, &mut packaging);
    let first = UserFields { link: Link::To(step.name().to_owned()), ..user.clone() };
    let state = framed(to, &name, "PackageSam", Some(packaging), vec![retry::lambda_service()], &first);
    to.list(&name, "AttiniPackageSam");

    let mut deploying = properties;
    deploying.insert("Template.$".to_owned(), Value::String(output_path(&name, &["result"])));
    states.insert(name, Value::Object(state));
    let state = stack_state(step, to, deploying, &user);
    states.insert(step.name().to_owned(), Value::Object(state));
}

fn check(step: &Step<'_>, to: &mut Expander<'_>, properties: &Map<String, Value>) {
    let known: Vec<&str> = STACK_PROPERTIES.into_iter().chain(["Project", "Runner", "Template"]).collect();
    check_keys(step, to, properties, &["Properties"], &known);
    for key in ["Template", "Template.$"] {
        if properties.contains_key(key) {
            let text = format!("{key} is not allowed, the template comes from the project");
            to.report(step, &["Properties", key], text, Some("name it in Project.Template".to_owned()));
        }
    }
    match properties.get("Project") {
        None | Some(Value::Null) if properties.contains_key("Project.$") => {
            to.report(step, &["Properties", "Project.$"], "Project must be an object, not a path", None);
        }
        None | Some(Value::Null) => to.report(step, &["Properties"], "Project is missing in Properties", None),
        Some(Value::Object(project)) => check_project(step, to, project),
        Some(other) => {
            let text = format!("Project must be an object, not {}", kind_of(other));
            to.report(step, &["Properties", "Project"], text, None);
        }
    }
    check_region(step, to, properties);
    // The outcome is reported; the states are built all the same, to find further problems.
    let _ = named(step, to, properties);
}

fn check_project(step: &Step<'_>, to: &mut Expander<'_>, project: &Map<String, Value>) {
    check_keys(step, to, project, &["Properties", "Project"], &["Path", "BuildDir", "Template"]);
    match project.get("Path") {
        Some(Value::String(_)) => {}
        None | Some(Value::Null) if project.contains_key("Path.$") => {}
        None | Some(Value::Null) => {
            to.report(step, &["Properties", "Project"], "Project.Path is missing", None);
        }
        Some(other) => {
            let text = format!("Project.Path must be a string, not {}", kind_of(other));
            to.report(step, &["Properties", "Project", "Path"], text, None);
        }
    }
}

/// The packaged template is in a bucket of the current region, where other regions cannot read it.
fn check_region(step: &Step<'_>, to: &mut Expander<'_>, properties: &Map<String, Value>) {
    let key = if properties.contains_key("Region.$") { "Region.$" } else { "Region" };
    let fits = match properties.get(key) {
        None | Some(Value::Null) => true,
        Some(Value::String(region)) => {
            key == "Region" && to.plan.region.as_ref().is_none_or(|current| current == region)
        }
        Some(other) => other.get("Ref").is_some_and(|name| name == "AWS::Region"),
    };
    if !fits {
        to.report(step, &["Properties", key], format!("{key}: AttiniSam cannot deploy to another region"), None);
    }
}
