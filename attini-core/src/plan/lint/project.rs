//! What a lint looks at: the files of a distribution that plans are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use serde_json::Value;
use thiserror::Error;

use crate::config::{Config, ConfigFileError, choose_file, literal_template};
use crate::distribution::{
    CONFIG_FILES, FileTree, IGNORE_FILE, IgnoreRules, SelectError, SkipReason, Skipped, TreeError, select,
};
use crate::document::{DocPath, Document, MAX_BYTES};
use crate::plan::{find_plans, steps};
use crate::problem::{Problem, Problems};
use crate::stack::StackFile;

/// A project cannot be looked at.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The files cannot be listed.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file, relative to the root.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Where the files of a project come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProjectKind {
    /// The folder that a person works in: some files stay out, and package commands may make others.
    Sources,
    /// What is in a finished zip.
    Packaged,
}

/// Everything that rules look at, read.
#[derive(Debug, Default)]
pub struct Project {
    /// The `attini-config` file.
    pub(super) config_file: Option<Document>,
    /// The same, when it can be used.
    pub(super) config: Option<Config>,
    /// The init template.
    pub(super) template: Option<Document>,
    /// `None`: only a template is known.
    pub(super) files: Option<Files>,
    /// Stack templates and stack configuration files by path.
    pub(super) documents: BTreeMap<String, Document>,
    /// What keeps files from being read.
    pub(super) unreadable: Vec<Problem>,
    /// What is wrong with the configuration.
    pub(super) misconfigured: Vec<Problem>,
}

/// The files of a distribution.
#[derive(Debug, Default)]
pub(super) struct Files {
    present: BTreeSet<String>,
    skipped: Vec<Skipped>,
    /// Whether commands run before the zip is made, which may make more files.
    pub(super) more_are_made: bool,
}

/// A stack configuration file with its warnings, or what is wrong with it.
type ParsedStackFile = Result<(StackFile, Vec<Problem>), Problems>;

/// Where a path in a plan leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// To this path in the distribution.
    Inside(String),
    /// Next to the distribution's files, where a job may put something (user-projects.md 4).
    Beside,
    /// Out of what belongs to this deployment.
    Outside,
}

impl Place {
    /// Resolves a path as object keys are resolved.
    pub(super) fn of(path: &str) -> Self {
        let (mut parts, mut above): (Vec<&str>, usize) = (Vec::new(), 0);
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_none() => above += 1,
                ".." => {}
                "distribution-origin" if above == 1 && parts.is_empty() => above = 0,
                other => parts.push(other),
            }
        }
        match above {
            0 => Self::Inside(parts.join("/")),
            1 => Self::Beside,
            _ => Self::Outside,
        }
    }
}

/// Whether a file is in the distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Presence {
    Present,
    /// It stays out, for this reason.
    Ignored(String),
    Missing,
}

impl Files {
    /// Returns the paths of the files that go in.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.present.iter().map(String::as_str)
    }

    /// Says whether a file, or a folder with something in it, is there.
    pub(super) fn presence(&self, path: &str) -> Presence {
        let below = format!("{path}/");
        let is_there = path.is_empty()
            || self.present.contains(path)
            || self.present.range(below.clone()..).next().is_some_and(|found| found.starts_with(&below));
        if is_there {
            return Presence::Present;
        }
        let around = |skipped: &&Skipped| {
            let skipped = &skipped.entry;
            skipped.path == path || (skipped.is_directory() && path.starts_with(&format!("{}/", skipped.path)))
        };
        match self.skipped.iter().find(around) {
            None => Presence::Missing,
            Some(skipped) => Presence::Ignored(match &skipped.reason {
                SkipReason::Rule { line, text } => format!("line {line} of {IGNORE_FILE} leaves it out: {text}"),
                SkipReason::Manifest => "it has the name of the manifest, which packaging writes".to_owned(),
                SkipReason::Hidden => {
                    "names that start with a dot stay out unless .attini-ignore says otherwise".to_owned()
                }
                SkipReason::NodeModules => "node_modules stays out".to_owned(),
                SkipReason::Character(c) => format!("names with {c:?} stay out"),
            }),
        }
    }
}

impl Project {
    /// Takes a template alone: nothing is known of the files around it.
    #[must_use]
    pub fn of_template(file_name: &str, text: &str) -> Self {
        let mut project = Self::default();
        project.template = project.template_document(file_name, text);
        project
    }

    /// Reads a distribution.
    ///
    /// # Errors
    ///
    /// [`ProjectError`]; what is wrong with the files is found by rules.
    pub fn read(tree: &dyn FileTree, kind: ProjectKind) -> Result<Self, ProjectError> {
        let mut project = Self::default();
        let Some(files) = project.list(tree, kind)? else { return Ok(project) };
        let chosen = choose_file(CONFIG_FILES.into_iter().filter(|name| files.present.contains(*name)));
        project.files = Some(files);
        match chosen {
            Ok(name) => project.read_config(tree, name, kind)?,
            Err(error) => {
                let help = match &error {
                    ConfigFileError::Missing => "add `attini-config.yaml` with a line such as `distributionName: shop`",
                    ConfigFileError::Several { .. } => "keep one of them",
                };
                project.misconfigured.push(Problem::error(error.to_string()).with_help(help));
            }
        }
        let path = project.config_file.as_ref().and_then(literal_template);
        if let Some(path) = path
            && project.is_present(&path)
            && let Some(text) = project.text(tree, &path)?
        {
            project.template = project.template_document(&path, &text);
        }
        project.read_named(tree)?;
        Ok(project)
    }

    /// Returns the paths of the files that were read.
    pub(super) fn files_read(&self) -> Vec<String> {
        let named = [&self.config_file, &self.template].into_iter().flatten().map(Document::file_name);
        let mut files: Vec<String> =
            named.chain(self.documents.keys().map(String::as_str)).map(str::to_owned).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// Returns every document that was read.
    pub(super) fn all_documents(&self) -> impl Iterator<Item = &Document> {
        [&self.config_file, &self.template].into_iter().flatten().chain(self.documents.values())
    }

    fn is_present(&self, path: &str) -> bool {
        self.files.as_ref().is_some_and(|files| files.present.contains(path))
    }

    fn list(&mut self, tree: &dyn FileTree, kind: ProjectKind) -> Result<Option<Files>, ProjectError> {
        let mut files = Files::default();
        if kind == ProjectKind::Packaged {
            let listing = tree.list(&mut |_| true)?;
            files.present.extend(listing.entries.into_iter().filter(|it| !it.is_directory()).map(|it| it.path));
            return Ok(Some(files));
        }
        let top = tree.list(&mut |entry| !entry.is_directory())?;
        let rules = match top.entries.iter().any(|entry| entry.path == IGNORE_FILE) {
            true => self.text(tree, IGNORE_FILE)?.map(|text| IgnoreRules::parse(&text)),
            false => None,
        };
        let rules = match rules.transpose() {
            Ok(rules) => rules.unwrap_or_default(),
            Err(problems) => {
                self.unreadable.extend(problems.0);
                IgnoreRules::parse("").unwrap_or_default()
            }
        };
        match select(tree, &rules, 0) {
            Ok(selection) => {
                let there = selection.entries.into_iter().filter(|entry| !entry.is_directory());
                files.present.extend(there.map(|entry| entry.path));
                files.skipped = selection.skipped;
                Ok(Some(files))
            }
            Err(SelectError::Names(problems)) => {
                self.unreadable.extend(problems.0);
                let listing = tree.list(&mut |entry| rules.skip(entry).is_none())?;
                files.present.extend(listing.entries.into_iter().filter(|it| !it.is_directory()).map(|it| it.path));
                Ok(Some(files))
            }
            Err(SelectError::Tree(error)) => Err(error.into()),
        }
    }

    fn read_config(&mut self, tree: &dyn FileTree, name: &str, kind: ProjectKind) -> Result<(), ProjectError> {
        let Some(text) = self.text(tree, name)? else { return Ok(()) };
        let Some(document) = self.document(name, &text) else { return Ok(()) };
        self.unreadable.extend(document.duplicate_keys());
        let known: Vec<String> = document.duplicate_keys().iter().map(|problem| problem.message.clone()).collect();
        self.config_file = Some(document);
        match Config::parse(name, &text) {
            Ok((config, warnings)) => {
                self.misconfigured.extend(warnings);
                self.misconfigured.extend(config.require_name().err());
                if let Some(files) = &mut self.files {
                    files.more_are_made = kind == ProjectKind::Sources && !config.package.pre_commands.is_empty();
                }
                self.config = Some(config);
            }
            Err(Problems(problems)) => self.misconfigured.extend(problems),
        }
        self.misconfigured.retain(|problem| !known.contains(&problem.message));
        Ok(())
    }

    /// Reads the stack templates and configuration files that steps name, and what those name.
    fn read_named(&mut self, tree: &dyn FileTree) -> Result<(), ProjectError> {
        let Some(template) = &self.template else { return Ok(()) };
        let json = template.to_json();
        let mut open: Vec<String> = Vec::new();
        let literal = |value: Option<&Value>| match Place::of(value?.as_str().filter(|text| is_literal(text))?) {
            Place::Inside(path) => Some(path),
            _ => None,
        };
        for plan in find_plans(&json) {
            let Some(definition) = plan.definition(&json) else { continue };
            for step in steps(definition, &plan.path()) {
                if !matches!(step.kind.as_str(), "AttiniCfn" | "AttiniSam") {
                    continue;
                }
                let Some(properties) = value_at(&json, &step.path).and_then(|step| step.get("Properties")) else {
                    continue;
                };
                open.extend(literal(properties.get("Template")));
                open.extend(literal(properties.get("ConfigFile")));
            }
        }
        while let Some(path) = open.pop() {
            if self.documents.contains_key(&path) || !self.is_present(&path) || self.is_main(&path) {
                continue;
            }
            let Some(text) = self.text(tree, &path)? else { continue };
            let Some(document) = self.document(&path, &text) else { continue };
            for key in ["extends", "template", "templatePath"] {
                let named = document.get(&DocPath::root().key(key)).and_then(|node| node.as_text());
                if let Some(Place::Inside(path)) = named.filter(|text| is_literal(text)).map(Place::of) {
                    open.push(path);
                }
            }
            self.documents.insert(path, document);
        }
        Ok(())
    }

    fn is_main(&self, path: &str) -> bool {
        [&self.config_file, &self.template].into_iter().flatten().any(|document| document.file_name() == path)
    }

    fn template_document(&mut self, file_name: &str, text: &str) -> Option<Document> {
        let document = self.document(file_name, text)?;
        if document.root().as_map().is_none() {
            let text = format!("`{file_name}` is not a CloudFormation template: it has no `Resources`");
            self.unreadable.push(Problem::error(text).at(document.spot(&DocPath::root())));
        }
        Some(document)
    }

    fn document(&mut self, file_name: &str, text: &str) -> Option<Document> {
        match Document::parse(file_name, text) {
            Ok(document) => Some(document),
            Err(Problems(problems)) => {
                self.unreadable.extend(problems);
                None
            }
        }
    }

    /// Reads a file; what is too large or not text is noted.
    fn text(&mut self, tree: &dyn FileTree, path: &str) -> Result<Option<String>, ProjectError> {
        let failed = |source| ProjectError::Read { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let file = tree.open(path).map_err(failed)?;
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => {
                let problem = Problem::error(format!("`{path}` is not UTF-8"));
                self.unreadable.push(problem.with_help("save the file as UTF-8"));
                Ok(None)
            }
        }
    }

    /// Returns a stack configuration file.
    pub(super) fn stack_file(&self, path: &str) -> Option<(&Document, ParsedStackFile)> {
        let document = self.documents.get(path)?;
        Some((document, StackFile::parse(path, &document.text())))
    }
}

/// Says whether a text means itself: no variables are left in it.
pub(super) fn is_literal(text: &str) -> bool {
    !text.trim().is_empty() && !text.contains("${") && !text.contains("://")
}

/// Returns the value at a path.
pub(super) fn value_at<'v>(value: &'v Value, path: &DocPath) -> Option<&'v Value> {
    use crate::document::Segment;
    path.segments().iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(index) => value.get(index),
    })
}
