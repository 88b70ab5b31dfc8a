//! Where the plan to draw comes from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use attini_core::config::{Config, FILE_NAMES, literal_template};
use attini_core::distribution::{Archive, ArchiveError, Limits};
use attini_core::document::{Document, MAX_BYTES};
use attini_core::plan::find_plans;
use attini_core::plan::graph::PlanGraph;
use attini_core::problem::Problems;
use attini_local::project::find_config;
use serde_json::Value;

use crate::error::{CommandError, ErrorKind};

/// Reads the plan of a distribution, a template or a state machine; `plan` chooses among several.
pub(super) fn read(path: &Path, plan: Option<&str>) -> Result<PlanGraph, CommandError> {
    let is_config = path.file_name().is_some_and(|name| FILE_NAMES.iter().any(|known| name == *known));
    if path.is_dir() {
        return of_folder(path, plan);
    }
    if is_config && path.is_file() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        return of_folder(parent.unwrap_or(Path::new(".")), plan);
    }
    if path.extension().is_some_and(|extension| extension == "zip") {
        return of_zip(path, plan);
    }
    of_text(&path.display().to_string(), &text_of(path)?, plan)
}

fn of_folder(folder: &Path, plan: Option<&str>) -> Result<PlanGraph, CommandError> {
    let config = find_config(folder)?;
    let file = config.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = text_of(&config)?;
    let (template, name) = template_of(&file, &text)?;
    let at = folder.join(&template);
    let graph = of_text(&template, &text_of(&at)?, plan)?;
    Ok(PlanGraph { distribution: name, ..graph })
}

fn of_zip(path: &Path, plan: Option<&str>) -> Result<PlanGraph, CommandError> {
    let context = || format!("cannot read {}", path.display());
    let broken = |error: ArchiveError| {
        let kind = if error.is_archives_fault() { ErrorKind::IllegalArgument } else { ErrorKind::Execution };
        CommandError::new(kind, error).context(context())
    };
    let file = File::open(path).map_err(|error| CommandError::illegal(error).context(context()))?;
    let mut archive = Archive::open(file, &Limits::default()).map_err(broken)?;
    let config = archive.find_config().map_err(broken)?;
    let text = in_utf8(config, archive.read(config, MAX_BYTES as u64).map_err(broken)?)?;
    let (template, name) = template_of(config, &text)?;
    let text = in_utf8(&template, archive.read(&template, MAX_BYTES as u64).map_err(broken)?)?;
    let graph = of_text(&template, &text, plan)?;
    Ok(PlanGraph { distribution: name, ..graph })
}

/// Returns the path of the init template and the name of the distribution, also when the file has other mistakes.
fn template_of(file: &str, text: &str) -> Result<(String, Option<String>), CommandError> {
    let document = Document::parse(file, text).map_err(CommandError::config)?;
    let template = literal_template(&document).ok_or_else(|| {
        CommandError::new(ErrorKind::Config, format!("{file} names no init template, or one that depends on variables"))
            .hint("name the template itself: attini plan graph <template>")
    })?;
    let name = Config::identity(file, text).name.map(|name| name.to_string());
    Ok((template, name))
}

fn of_text(name: &str, text: &str, plan: Option<&str>) -> Result<PlanGraph, CommandError> {
    let unreadable = |problems: Problems| {
        CommandError::of_problems(ErrorKind::IllegalArgument, &format!("{name} cannot be read"), problems)
    };
    let value = Document::parse(name, text).map_err(unreadable)?.to_json();
    let is_machine = value.get("StartAt").is_some() || value.get("States").is_some() || value.is_array();
    if is_machine && value.get("Resources").is_none() {
        return match plan {
            None => Ok(PlanGraph::read(&value, None)),
            Some(plan) => Err(CommandError::illegal(format!("{name} is a plan itself and holds none called `{plan}`"))
                .hint("leave out `--plan`")),
        };
    }
    of_template(name, &value, plan)
}

fn of_template(name: &str, template: &Value, plan: Option<&str>) -> Result<PlanGraph, CommandError> {
    let plans = find_plans(template);
    let names: Vec<String> = plans.iter().map(|plan| format!("`{}`", plan.logical_id)).collect();
    let chosen = match (plan, plans.as_slice()) {
        (_, []) => {
            return Err(CommandError::illegal(format!("{name} holds no plan")).hint(
                "a plan is a resource of type Attini::Deploy::DeploymentPlan, or an object with StartAt and States",
            ));
        }
        (None, [only]) => Some(only),
        (None, _) => {
            return Err(CommandError::illegal(format!("{name} holds several plans: {}", names.join(", ")))
                .hint("choose one of them with `--plan`"));
        }
        (Some(wanted), all) => all.iter().find(|plan| plan.logical_id == wanted),
    };
    let Some(chosen) = chosen else {
        let text = format!("{name} holds no plan called `{}`", plan.unwrap_or_default());
        return Err(CommandError::illegal(text).hint(format!("its plans: {}", names.join(", "))));
    };
    PlanGraph::of_template(template, chosen).ok_or_else(|| {
        CommandError::illegal(format!("the plan `{}` of {name} has no property DeploymentPlan", chosen.logical_id))
    })
}

/// Reads a file that is no larger than a document may be.
fn text_of(path: &Path) -> Result<String, CommandError> {
    let failed =
        |error: std::io::Error| CommandError::illegal(error).context(format!("cannot read {}", path.display()));
    let mut bytes = Vec::new();
    // One byte more tells the parser that there is too much.
    File::open(path).map_err(failed)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    in_utf8(&path.display().to_string(), bytes)
}

fn in_utf8(name: &str, bytes: Vec<u8>) -> Result<String, CommandError> {
    String::from_utf8(bytes).map_err(|_| CommandError::illegal(format!("{name} is not a text file in UTF-8")))
}
