//! SAM projects: built when they are not, and packed so that their hidden build folders travel (cli.md 9.5).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use attini_core::distribution::{FileTree, SelectError, Selection, TreeEntry, WriteOptions, write_zip};
use attini_core::document::{DocPath, Document};
use attini_core::plan::SamProject;
use attini_core::problem::{Problem, Problems};
use serde_json::Value;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{PackageError, PackageOptions};
use crate::project::commands::follow;
use crate::project::{FolderTree, scratch};

/// The zip in the folder of a project. The framework unpacks it before it runs `sam package`.
const ZIP: &str = "attiniSamProject.zip";

/// A SAM project could not be built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SamError {
    /// There is no `sam` on the search path.
    #[error("`sam` is not installed, but the SAM project {project} is not built (there is no {build_dir} in it)")]
    NotInstalled {
        /// Path of the project.
        project: String,
        /// Where the built project would be.
        build_dir: String,
    },
    /// It is not built, and no commands were wanted.
    #[error("the SAM project {project} is not built (there is no {build_dir} in it), and package commands are skipped")]
    NotBuilt {
        /// Path of the project.
        project: String,
        /// Where the built project would be.
        build_dir: String,
    },
    /// `sam` could not be started, or not be followed.
    #[error("cannot run `sam build` in {project}")]
    Start {
        /// Path of the project.
        project: String,
        /// Why.
        source: io::Error,
    },
    /// `sam build` failed.
    #[error("Could not package sam, exit code: {code} (`sam build` in {project})")]
    Failed {
        /// Path of the project.
        project: String,
        /// Its exit code; 128 + the number of the signal that killed it.
        code: i32,
    },
    /// `sam build` succeeded without a result.
    #[error("`sam build` in {project} left no {build_dir}")]
    NoResult {
        /// Path of the project.
        project: String,
        /// Where the built project would be.
        build_dir: String,
    },
}

/// A project that is in order, with paths that were checked.
struct Checked<'p> {
    project: &'p SamProject,
    /// Path in the distribution, without `/` at either end; empty for the root.
    folder: String,
    build_dir: String,
    template: String,
}

/// Builds the projects in a work copy where that is needed, and puts the zip of each into its folder.
///
/// `document` is the init template, which tells where the projects were written.
pub(super) fn pack(
    root: &Path,
    projects: &[SamProject],
    document: &Document,
    options: &PackageOptions<'_>,
    output: &mut dyn FnMut(&str),
) -> Result<(), PackageError> {
    let checked = check(root, projects, document).map_err(PackageError::Template)?;
    let mut folders: BTreeMap<&str, Vec<&Checked<'_>>> = BTreeMap::new();
    for project in &checked {
        let built = root.join(&project.folder).join(&project.build_dir);
        if !built.is_dir() {
            build(root, project, options, output)?;
        }
        folders.entry(&project.folder).or_default().push(project);
    }
    folders.into_iter().try_for_each(|(folder, projects)| zip(&root.join(folder), &projects, options))
}

/// Returns a problem for each zip that does not become part of the distribution.
pub(super) fn check_selected(projects: &[SamProject], selection: &Selection) -> Vec<Problem> {
    let mut problems = Vec::new();
    for project in projects {
        let Some(folder) = inside(&project.path) else { continue };
        let path = if folder.is_empty() { ZIP.to_owned() } else { format!("{folder}/{ZIP}") };
        if selection.entries.binary_search_by(|entry| entry.path.as_str().cmp(&path)).is_err() {
            let text = format!("step {}: {path} is left out of the distribution", project.step.name);
            problems.push(Problem::error(text).with_help("change the pattern in .attini-ignore that leaves it out"));
        }
    }
    problems
}

fn check<'p>(root: &Path, projects: &'p [SamProject], document: &Document) -> Result<Vec<Checked<'p>>, Problems> {
    let mut checked = Vec::new();
    let mut problems = Vec::new();
    for project in projects {
        match check_one(root, project) {
            Ok(project) => checked.push(project),
            Err((key, text)) => {
                let at = project.step.path.key("Properties").key("Project");
                let spot = document.spot(&at.key(key)).or_else(|| document.spot(&at));
                problems.push(Problem::error(format!("step {}: {text}", project.step.name)).at(spot));
            }
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(Problems(problems)) }
}

/// Returns the project, or the key that is wrong and why.
fn check_one<'p>(root: &Path, project: &'p SamProject) -> Result<Checked<'p>, (&'static str, String)> {
    let place = |key: &'static str, path: &str| {
        inside(path).ok_or_else(|| (key, format!("`{path}` of `Project.{key}` leads out of the distribution")))
    };
    let folder = place("Path", &project.path)?;
    let build_dir = place("BuildDir", &project.build_dir)?;
    let template = place("Template", &project.template)?;
    let path = &project.path;
    if !root.join(&folder).is_dir() {
        return Err(("Path", format!("there is no folder `{path}` in the distribution")));
    }
    if build_dir.is_empty() {
        return Err(("BuildDir", "`Project.BuildDir` must be a folder in the project".to_owned()));
    }
    let file = root.join(&folder).join(&template);
    let text = fs::read_to_string(&file)
        .map_err(|error| ("Template", format!("the SAM template `{template}` in {path} cannot be read: {error}")))?;
    let name = if folder.is_empty() { template.clone() } else { format!("{folder}/{template}") };
    let sam = Document::parse(&name, &text)
        .map_err(|problems| ("Template", format!("the SAM template `{template}` in {path} is wrong: {problems}")))?;
    if let Some(function) = image_function(&sam.to_json()) {
        let line = sam.spot(&DocPath::root().key("Resources").key(&function)).map_or(0, |spot| spot.line);
        let text = format!("{name}:{line}: the function {function} has PackageType Image, which cannot be packaged");
        return Err(("Template", text));
    }
    Ok(Checked { project, folder, build_dir, template })
}

/// Returns the logical id of a function that is a container image.
fn image_function(template: &Value) -> Option<String> {
    const KIND: &str = "PackageType";
    let default = template.get("Globals").and_then(|globals| globals.get("Function")?.get(KIND));
    let resources = template.get("Resources")?.as_object()?;
    let is_image = |resource: &Value| {
        let own = resource.get("Properties").and_then(|properties| properties.get(KIND));
        resource.get("Type").is_some_and(|kind| kind == "AWS::Serverless::Function")
            && own.or(default).is_some_and(|kind| kind == "Image")
    };
    resources.iter().find(|(_, resource)| is_image(resource)).map(|(id, _)| id.clone())
}

/// Returns a path without empty parts and `.`, or `None` when it leaves the folder it starts in.
fn inside(path: &str) -> Option<String> {
    let parts: Vec<_> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    (!parts.contains(&"..")).then(|| parts.join("/"))
}

fn build(
    root: &Path,
    checked: &Checked<'_>,
    options: &PackageOptions<'_>,
    output: &mut dyn FnMut(&str),
) -> Result<(), SamError> {
    let (project, build_dir) = (checked.project.path.clone(), checked.build_dir.clone());
    if options.skip_commands {
        return Err(SamError::NotBuilt { project, build_dir });
    }
    let folder = root.join(&checked.folder);
    output(&format!("Building SAM project {project}"));
    let mut command = Command::new("sam");
    command.args(["build", "--build-dir", &checked.build_dir, "--template", &checked.template]);
    command.current_dir(&folder).stdin(if options.json { Stdio::null() } else { Stdio::inherit() });
    let status = follow(command, output).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => SamError::NotInstalled { project: project.clone(), build_dir: build_dir.clone() },
        _ => SamError::Start { project: project.clone(), source },
    })?;
    if !status.success() {
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        return Err(SamError::Failed { project, code });
    }
    if !folder.join(&checked.build_dir).is_dir() {
        return Err(SamError::NoResult { project, build_dir });
    }
    Ok(())
}

/// Packs what was built and the templates; the sources are in the distribution anyway.
fn zip(folder: &Path, projects: &[&Checked<'_>], options: &PackageOptions<'_>) -> Result<(), PackageError> {
    let tree = FolderTree::copy(folder).map_err(SelectError::Tree)?;
    let belongs = |entry: &TreeEntry| {
        let leads_to =
            |path: &str| path == entry.path || entry.is_directory() && path.starts_with(&format!("{}/", entry.path));
        projects.iter().any(|project| {
            let built = &project.build_dir;
            leads_to(built) || leads_to(&project.template) || entry.path.starts_with(&format!("{built}/"))
        })
    };
    let listing = tree.list(&mut |entry| belongs(entry)).map_err(SelectError::Tree)?;
    let path = folder.join(ZIP);
    let failed = |source: io::Error| PackageError::Write { path: path.clone(), source };
    let file = NamedTempFile::new_in(folder).map_err(failed)?;
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let write = WriteOptions { time: options.time, threads, scratch: &scratch };
    write_zip(&tree, &listing.entries, file.as_file(), &write)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}
