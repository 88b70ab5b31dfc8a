//! The SAM projects that the plans of a template deploy, for packaging (cli.md 9.5).

use serde_json::{Map, Value};

use super::find_plans;
use super::survey::{StepInfo, steps};
use crate::document::{DocPath, Segment};

/// Where `sam build` puts a project when the step does not say.
const BUILD_DIR: &str = ".aws-sam/build";
/// The project's template when the step does not say.
const TEMPLATE: &str = "template.yaml";

/// The project of an `AttiniSam` step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamProject {
    /// The step.
    pub step: StepInfo,
    /// Folder of the project in the distribution, as written but with a leading `/`.
    pub path: String,
    /// Folder of the built project in it.
    pub build_dir: String,
    /// Its template in it.
    pub template: String,
}

/// Returns the SAM projects of all plans, one per step, in order of appearance.
///
/// A project with a part that is only known when the plan runs (`Path.$`) is left out, and so is one that cannot be read: that is
/// reported where the plan is checked.
#[must_use]
pub fn sam_projects(template: &Value) -> Vec<SamProject> {
    let mut projects = Vec::new();
    for plan in find_plans(template) {
        let Some(definition) = plan.definition(template) else { continue };
        for step in steps(definition, &plan.path()).into_iter().filter(|step| step.kind == "AttiniSam") {
            let project = step.path.key("Properties").key("Project");
            if let Some(project) = find(template, &project).and_then(Value::as_object) {
                projects.extend(read(step, project));
            }
        }
    }
    projects
}

fn read(step: StepInfo, project: &Map<String, Value>) -> Option<SamProject> {
    let text = |key: &str, default: Option<&str>| match project.get(key) {
        _ if project.contains_key(&format!("{key}.$")) => None,
        None | Some(Value::Null) => default.map(str::to_owned),
        Some(value) => value.as_str().map(str::to_owned),
    };
    let path = text("Path", None)?;
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    Some(SamProject {
        step,
        path,
        build_dir: text("BuildDir", Some(BUILD_DIR))?,
        template: text("Template", Some(TEMPLATE))?,
    })
}

fn find<'t>(template: &'t Value, path: &DocPath) -> Option<&'t Value> {
    path.segments().iter().try_fold(template, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
    })
}
