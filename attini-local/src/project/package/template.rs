//! The init template: found, checked as the framework will, and written in the form that every framework reads (cli.md 9).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use attini_core::config::InitDeployConfig;
use attini_core::deploy::{check_plans, check_template};
use attini_core::distribution::Selection;
use attini_core::document::{DocPath, Document};
use attini_core::plan::{SamProject, sam_projects, translate_template, used_runners};
use attini_core::problem::{Problem, Problems};
use serde_json::{Value, json};

use super::paths::check_paths;
use super::sam;
use super::source::Source;
use super::{PackageError, PackageOptions};
use crate::project::is_excluded;

/// Where the framework looks for what it cannot see in a template.
const METADATA: &str = "attini_data/attini-metadata.json";

pub(super) struct Template {
    path: String,
    text: String,
    /// The template, with warnings.
    checked: Result<(Value, Vec<Problem>), Problems>,
}

impl Template {
    /// Reads and checks the template that the configuration names, if it names one.
    ///
    /// What this version cannot run is a mistake only when it has to.
    pub(super) fn find(
        options: &PackageOptions<'_>,
        root: &Path,
        source: &Source,
    ) -> Result<Option<Self>, PackageError> {
        let Some(InitDeployConfig { template: path, .. }) = &source.config.init_deploy else { return Ok(None) };
        if is_excluded(path) {
            return Err(missing(source, path, "is in a place that never becomes part of a distribution"));
        }
        let file = root.join(path);
        let is_inside = |root: &Path| Ok::<_, io::Error>(file.canonicalize()?.starts_with(root.canonicalize()?));
        let text = match is_inside(root) {
            Ok(true) if file.is_dir() => return Err(missing(source, path, "is a directory")),
            Ok(true) => fs::read_to_string(&file),
            Ok(false) => return Err(missing(source, path, "is a link that leaves the project")),
            Err(error) => Err(error),
        };
        match text {
            Ok(text) => Ok(Some(Self { checked: check(options, path, &text), path: path.clone(), text })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(missing(source, path, "does not exist"))
            }
            Err(source) => Err(PackageError::Read { path: file, source }),
        }
    }

    /// Returns the files that packaging writes for the template: what else the framework wants to know, and the template
    /// itself when one of its plans is in list syntax.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok((template, _)) = &self.checked else { return BTreeMap::new() };
        let sam_projects: Vec<_> = self.sam_projects().iter().map(sam_metadata).collect();
        let metadata = json!({ "usedRunners": used_runners(template), "samProjects": sam_projects });
        let mut files = BTreeMap::from([(METADATA.to_owned(), metadata.to_string().into_bytes())]);
        // What cannot be translated did not pass the check.
        if let Ok(Some(translated)) = translate_template(template) {
            files.insert(self.path.clone(), translated.to_string().into_bytes());
        }
        files
    }

    /// Returns the SAM projects of a template without mistakes.
    pub(super) fn sam_projects(&self) -> Vec<SamProject> {
        self.checked.as_ref().map_or_else(|_| Vec::new(), |(template, _)| sam_projects(template))
    }

    /// Builds and packs the SAM projects, in the work copy.
    pub(super) fn pack_sam_projects(
        &self,
        root: &Path,
        options: &PackageOptions<'_>,
        output: &mut dyn FnMut(&str),
    ) -> Result<(), PackageError> {
        let projects = self.sam_projects();
        if projects.is_empty() {
            return Ok(());
        }
        let document = Document::parse(&self.path, &self.text).map_err(PackageError::Template)?;
        sam::pack(root, &projects, &document, options, output)
    }

    /// Returns warnings, or everything that is wrong with the template and the files that its plans name.
    pub(super) fn check(self, source: &Source, selection: &Selection) -> Result<Vec<Problem>, PackageError> {
        let is_there = |path: &str| {
            let found = selection.entries.binary_search_by(|entry| entry.path.as_str().cmp(path));
            found.is_ok_and(|index| !selection.entries[index].is_directory())
        };
        if !is_there(&self.path) {
            return Err(missing(
                source,
                &self.path,
                "is left out of the distribution by its name or by .attini-ignore",
            ));
        }
        let mut problems = match &self.checked {
            Ok((_, warnings)) => warnings.clone(),
            Err(problems) => problems.0.clone(),
        };
        if let Ok(document) = Document::parse(&self.path, &self.text) {
            problems.extend(check_paths(&document, &is_there));
        }
        problems.extend(sam::check_selected(&self.sam_projects(), selection));
        let (_, warnings) = Problems::unless_errors((), problems).map_err(PackageError::Template)?;
        Ok(warnings)
    }
}

fn check(options: &PackageOptions<'_>, path: &str, text: &str) -> Result<(Value, Vec<Problem>), Problems> {
    if options.must_run { check_template(path, text) } else { check_plans(path, text) }
}

fn sam_metadata(project: &SamProject) -> Value {
    let SamProject { step, path, build_dir, template } = project;
    json!({ "path": path, "buildDir": build_dir, "template": template, "stepName": step.name })
}

fn missing(source: &Source, path: &str, why: &str) -> PackageError {
    let document = source.config.document();
    let at = DocPath::root().key("initDeployConfig").key("template");
    let help = match document.get(&at).is_some_and(|node| !node.is_null()) {
        true => "`initDeployConfig.template` is a path in the distribution, counted from its root",
        false => "name the template with `initDeployConfig.template`",
    };
    let problem = Problem::error(format!("the init template `{path}` {why}")).with_help(help).at(document.spot(&at));
    PackageError::TemplateMissing(problem.into())
}
