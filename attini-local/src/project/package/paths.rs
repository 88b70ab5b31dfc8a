//! Files that the steps of a plan name: whether they are in the distribution.

use attini_core::document::{DocPath, Document};
use attini_core::plan::{find_plans, steps};
use attini_core::problem::Problem;

/// Segments of a key in front of a path in the distribution: environment, name, id, `distribution-origin`.
const ABOVE: usize = 4;
/// The last of them.
const ORIGIN: &str = "distribution-origin";

/// Returns a problem for every literal `Template` or `ConfigFile` of an `AttiniCfn` step that names no file.
///
/// A path that leads beside the distribution's files (`/../x`) is only warned of: a job may put a file there
/// (user-projects.md 4). One that leads out of what belongs to this deployment is an error.
pub(in crate::project) fn check_paths(document: &Document, is_there: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let template = document.to_json();
    let mut problems = Vec::new();
    for plan in find_plans(&template) {
        let Some(definition) = plan.definition(&template) else { continue };
        for step in steps(definition, &plan.path()).iter().filter(|step| step.kind == "AttiniCfn") {
            let properties = step.path.key("Properties");
            let text = |key: &str| literal(document, &properties.key(key));
            let mut check = |key: &str, path: &str| {
                if let Some(problem) = problem(key, &format!("{}, step {}", plan.logical_id, step.name), path, is_there)
                {
                    problems.push(problem.at(document.spot(&properties.key(key))));
                }
            };
            let deletes = text("Action").is_some_and(|action| action == "Delete");
            if let Some(path) = text("Template").filter(|path| !deletes && !is_address(path)) {
                check("Template", path);
            }
            if let Some(path) = text("ConfigFile") {
                check("ConfigFile", path);
            }
        }
    }
    problems
}

/// Returns a text that means itself: no variables are left in it.
pub(in crate::project) fn literal<'d>(document: &'d Document, path: &DocPath) -> Option<&'d str> {
    document.get(path)?.as_text().filter(|text| !text.trim().is_empty() && !text.contains("${"))
}

fn is_address(path: &str) -> bool {
    path.contains("://")
}

fn problem(key: &str, step: &str, path: &str, is_there: &dyn Fn(&str) -> bool) -> Option<Problem> {
    match Place::of(path) {
        Place::Inside(file) if is_there(&file) => None,
        Place::Inside(_) => {
            let text = format!("{step}: the file `{path}` of `{key}` is not in the distribution");
            let help = "paths count from the root of the distribution, and ignored files are not in it";
            Some(Problem::error(text).with_help(help))
        }
        Place::Beside => {
            let text = format!("{step}: `{path}` of `{key}` leads beside the files of the distribution");
            Some(Problem::warning(text).with_help("something has to put the file there before the step runs"))
        }
        Place::Outside => {
            let text = format!("{step}: `{path}` of `{key}` leads out of the distribution");
            Some(Problem::error(text).with_help("put the file into the distribution"))
        }
    }
}

/// Where a path leads.
#[derive(Debug, PartialEq)]
pub(in crate::project) enum Place {
    /// To this path in the distribution.
    Inside(String),
    /// Next to the distribution's files, but to what belongs to the same deployment.
    Beside,
    Outside,
}

impl Place {
    /// Resolves a path as keys are.
    pub(in crate::project) fn of(path: &str) -> Self {
        let mut above = ABOVE;
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_none() => above = above.saturating_sub(1),
                ".." => {}
                ORIGIN if above == ABOVE - 1 && parts.is_empty() => above = ABOVE,
                other => parts.push(other),
            }
        }
        match above {
            ABOVE => Self::Inside(parts.join("/")),
            above if above == ABOVE - 1 => Self::Beside,
            _ => Self::Outside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_resolved_as_keys_are() {
        let inside = |path: &str| Place::Inside(path.to_owned());
        for (path, place) in [
            ("a.yaml", inside("a.yaml")),
            ("/d//./a.yaml", inside("d/a.yaml")),
            ("/d/../a.yaml", inside("a.yaml")),
            ("/../a.yaml", Place::Beside),
            ("/d/../../a.yaml", Place::Beside),
            ("/../distribution-origin/a.yaml", inside("a.yaml")),
            ("/../../a.yaml", Place::Outside),
            ("/../../../../../../a.yaml", Place::Outside),
            ("../..", Place::Outside),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }
}
