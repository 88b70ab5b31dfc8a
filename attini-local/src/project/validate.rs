//! All that is wrong with a project, before anything of it is packaged.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use attini_core::config::{Config, ConfigFileError, FILE_NAMES, choose_file, literal_template};
use attini_core::deploy::check_plans;
use attini_core::distribution::{IGNORE_FILE, IgnoreRules, SelectError, Selection, TreeError, select};
use attini_core::document::{DocPath, Document};
use attini_core::plan::{find_plans, steps};
use attini_core::problem::{Problem, Problems, Severity};
use attini_core::stack::StackFile;
use attini_core::value::{DistributionId, Environment};
use thiserror::Error;

use super::folder::FolderTree;
use super::is_excluded;
use super::package::paths::{Place, check_paths, literal};

/// What was found in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The files that were read, relative to the root, in the order of reading.
    pub files: Vec<String>,
    /// All that is wrong with them, file by file.
    pub problems: Vec<Problem>,
}

impl Validation {
    /// Says whether one of the problems is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(is_error)
    }

    /// Says whether the `attini-config` file itself is missing or wrong.
    #[must_use]
    pub fn has_config_errors(&self) -> bool {
        let is_config = |problem: &&Problem| {
            problem.at.as_ref().map_or(self.files.is_empty(), |at| FILE_NAMES.contains(&at.file.as_str()))
        };
        self.problems.iter().filter(|problem| is_error(problem)).any(|problem| is_config(&problem))
    }
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// A project cannot be looked at.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ValidateError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Checks the configuration of a project, its init template, the stack configuration files that can be told from it, and
/// its ignore file (cli.md 22.15). Nothing is run and nothing is written.
///
/// What is missing is only warned of when the project has prePackage commands, which may make it.
///
/// # Errors
///
/// [`ValidateError`]; what is wrong with the files is no error here.
pub fn validate(root: &Path) -> Result<Validation, ValidateError> {
    let mut check = Check { root, files: Vec::new(), problems: Vec::new(), makes_files: false };
    let template = check.config()?;
    let selection = check.selection()?;
    if let Some((document, path)) = template {
        check.template(&document, &path, selection.as_ref())?;
    }
    Ok(Validation { files: check.files, problems: check.problems })
}

struct Check<'r> {
    root: &'r Path,
    files: Vec<String>,
    problems: Vec<Problem>,
    /// Whether prePackage commands run before the zip is made.
    makes_files: bool,
}

impl Check<'_> {
    /// Checks the configuration and returns it with the path of the template it names.
    fn config(&mut self) -> Result<Option<(Document, String)>, ValidateError> {
        let present = FILE_NAMES.into_iter().filter(|name| self.root.join(name).is_file());
        let file = match choose_file(present) {
            Ok(file) => file,
            Err(error) => {
                let help = match &error {
                    ConfigFileError::Missing => {
                        "add `attini-config.yaml` with a line such as `distributionName: my-distribution`"
                    }
                    ConfigFileError::Several { .. } => "keep one of them",
                };
                self.problems.push(Problem::error(error.to_string()).with_help(help));
                return Ok(None);
            }
        };
        let Some(text) = self.read(file, || None)? else { return Ok(None) };
        let document = match Document::parse(file, &text) {
            Ok(document) => document,
            Err(problems) => {
                self.problems.extend(problems.0);
                return Ok(None);
            }
        };
        match Config::parse(file, &text) {
            Ok((config, warnings)) => {
                self.problems.extend(warnings);
                self.makes_files = !config.package.pre_commands.is_empty();
                self.meaning(&config);
            }
            Err(problems) => self.problems.extend(problems.0),
        }
        Ok(literal_template(&document).map(|path| (document, path)))
    }

    /// Resolves a configuration for every environment it names, to find what shows only then.
    fn meaning(&mut self, config: &Config) {
        let name = match config.require_name() {
            Ok(name) => name,
            Err(problem) => return self.problems.push(problem),
        };
        let id = config.distribution_id.clone().or_else(|| DistributionId::parse("id").ok());
        let mut environments = config.environments();
        if environments.is_empty() {
            // Any name will do: the file makes no difference between environments.
            environments.push("dev");
        }
        let environments = environments.into_iter().filter_map(|name| Environment::parse(name).ok());
        for environment in environments {
            let Some(id) = &id else { continue };
            let Err(Problems(found)) = config.resolve(&environment, name, id) else { continue };
            for problem in found {
                // A warning about the same place says the same.
                self.problems.retain(|known| known.severity == Severity::Error || known.help != problem.help);
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
            }
        }
    }

    /// Checks the ignore file and the names of what goes in.
    fn selection(&mut self) -> Result<Option<Selection>, ValidateError> {
        let rules = match self.read(IGNORE_FILE, || None)? {
            Some(text) => match IgnoreRules::parse(&text) {
                Ok(rules) => rules,
                Err(problems) => {
                    self.problems.extend(problems.0);
                    return Ok(None);
                }
            },
            None => IgnoreRules::default(),
        };
        match select(&FolderTree::source(self.root)?, &rules, 0) {
            Ok(selection) => {
                self.problems.extend(selection.warnings.clone());
                Ok(Some(selection))
            }
            Err(SelectError::Names(problems)) => {
                self.problems.extend(problems.0);
                Ok(None)
            }
            Err(SelectError::Tree(error)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    fn template(&mut self, config: &Document, path: &str, selection: Option<&Selection>) -> Result<(), ValidateError> {
        let root = self.root;
        let is_selected = |path: &str| {
            selection.is_none_or(|selection| {
                let found = selection.entries.binary_search_by(|entry| entry.path.as_str().cmp(path));
                found.is_ok_and(|index| !selection.entries[index].is_directory())
            })
        };
        let is_there = |path: &str| !is_excluded(path) && root.join(path).is_file() && is_selected(path);
        let key = DocPath::root().key("initDeployConfig").key("template");
        let missing = |why: &str| {
            let help = "`initDeployConfig.template` is a path in the distribution, counted from its root";
            Problem::error(format!("the init template `{path}` {why}")).with_help(help).at(config.spot(&key))
        };
        let Some(text) = self.read(path, || Some(missing("does not exist")))? else { return Ok(()) };
        if !is_there(path) {
            self.note_missing(missing("is left out of the distribution by its name or by .attini-ignore"));
        }
        match check_plans(path, &text) {
            // As packaging does: another version may run them, and this one refuses them when it is asked to.
            Ok((_, warnings)) => self.problems.extend(warnings),
            Err(problems) => self.problems.extend(problems.0),
        }
        let Ok(template) = Document::parse(path, &text) else { return Ok(()) };
        for problem in check_paths(&template, &is_there) {
            self.note_missing(problem);
        }
        for file in config_files(&template) {
            self.stack_file(file)?;
        }
        Ok(())
    }

    /// Checks a stack configuration file and those that it extends.
    fn stack_file(&mut self, first: String) -> Result<(), ValidateError> {
        let mut chain: Vec<String> = Vec::new();
        let mut next = Some(first);
        while let Some(path) = next.take() {
            if self.files.contains(&path) && !chain.contains(&path) {
                return Ok(());
            }
            // Whoever names a file that is missing says so where the name stands.
            let Some(text) = self.read(&path, || None)? else { return Ok(()) };
            if let Err(Problems(found)) =
                StackFile::parse(&path, &text).map(|(_, warnings)| self.problems.extend(warnings))
            {
                self.problems.extend(found);
            }
            chain.push(path.clone());
            let Ok(document) = Document::parse(&path, &text) else { return Ok(()) };
            let key = DocPath::root().key("extends");
            let Some(parent) = literal(&document, &key) else { return Ok(()) };
            let refuse = |message: String, help: &str| Problem::error(message).with_help(help).at(document.spot(&key));
            if !parent.starts_with('/') {
                let help = format!("write `extends: /{parent}`, counted from the root of the distribution");
                self.problems.push(refuse(format!("the path `{parent}` of `extends` is relative"), &help));
                return Ok(());
            }
            match Place::of(parent) {
                Place::Inside(file) if chain.contains(&file) => {
                    let message =
                        format!("stack configuration files extend each other in a circle: {}", chain.join(" -> "));
                    self.problems.push(refuse(format!("{message} -> {file}"), "remove one `extends`"));
                }
                Place::Inside(file) if self.root.join(&file).is_file() => next = Some(file),
                Place::Inside(_) => {
                    let message = format!("the file `{parent}` of `extends` is not in the distribution");
                    let help = "write the path of a file, counted from the root of the distribution";
                    self.note_missing(refuse(message, help));
                }
                Place::Beside | Place::Outside => {
                    let message = format!("`{parent}` of `extends` leads out of the distribution");
                    self.problems.push(refuse(message, "put the file into the distribution"));
                }
            }
        }
        Ok(())
    }

    /// Notes that something is missing; only as a warning when commands may make it.
    fn note_missing(&mut self, mut problem: Problem) {
        if self.makes_files && problem.severity == Severity::Error {
            problem.severity = Severity::Warning;
            problem.help = Some("a prePackage command has to make it, or the path is wrong".to_owned());
        }
        self.problems.push(problem);
    }

    /// Reads a file of the project; a missing one is `None`, and noted if there is something to say about it.
    fn read(&mut self, path: &str, missing: impl FnOnce() -> Option<Problem>) -> Result<Option<String>, ValidateError> {
        let file = self.root.join(path);
        match fs::read(&file) {
            Ok(bytes) => {
                if !self.files.iter().any(|known| known == path) {
                    self.files.push(path.to_owned());
                }
                let text = String::from_utf8(bytes);
                let text = text.map_err(|_| {
                    let problem = Problem::error(format!("`{path}` is not UTF-8"));
                    self.problems.push(problem.with_help("save the file as UTF-8"));
                });
                Ok(text.ok())
            }
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
                ) =>
            {
                if let Some(problem) = missing() {
                    self.note_missing(problem);
                }
                Ok(None)
            }
            Err(source) => Err(ValidateError::Read { path: file, source }),
        }
    }
}

/// Returns the literal paths of the stack configuration files that the steps of a template name.
fn config_files(document: &Document) -> BTreeSet<String> {
    let template = document.to_json();
    let mut found = BTreeSet::new();
    for plan in find_plans(&template) {
        let Some(definition) = plan.definition(&template) else { continue };
        for step in steps(definition, &plan.path()).iter().filter(|step| step.kind == "AttiniCfn") {
            let path = literal(document, &step.path.key("Properties").key("ConfigFile"));
            if let Some(Place::Inside(file)) = path.map(Place::of) {
                found.insert(file);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
