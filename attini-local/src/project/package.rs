//! From a project folder to the zip of a distribution (cli.md 7.2).

mod overlay;
pub(super) mod paths;
mod progress;
mod renew;
pub(super) mod report;
mod sam;
pub(super) mod source;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use attini_core::config::ConfigFileError;
use attini_core::distribution::{
    EntryKind, EntryTime, IGNORE_FILE, IgnoreRules, Limits, SelectError, Skipped, TreeEntry, WriteError, WriteOptions,
    WriteReport, select, write_zip,
};
use attini_core::problem::{Problem, Problems};
use attini_core::value::{DistributionId, DistributionName, Version};
use tempfile::NamedTempFile;
use thiserror::Error;

use self::overlay::Overlay;
use self::progress::Counted;
use self::report::Teller;
pub use self::sam::SamError;
use self::source::Source;
use self::template::Template;
use super::commands::{CommandError, CommandPhase, PhaseCommands, run_commands};
use super::container::ContainerError;
use super::copy::{CopyError, WorkCopy};
use super::dist::{DistError, DistFolder, zip_file_name};
use super::edit::replace_file;
use super::folder::FolderTree;
use super::scratch;

/// How to package a project.
#[derive(Debug, Clone)]
pub struct PackageOptions<'a> {
    /// Root of the project.
    pub directory: &'a Path,
    /// File name of the zip, with or without `.zip`; the distribution's name when absent.
    pub file_name: Option<&'a str>,
    /// Id of the distribution, whatever the project and its commands say.
    pub distribution_id: Option<&'a DistributionId>,
    /// Version of the distribution, whatever the project says: a semantic version.
    pub distribution_version: Option<&'a Version>,
    /// Leaves out the package commands, and `sam build`.
    pub skip_commands: bool,
    /// Refuses steps that this version cannot run, because it is to run them. They are only warned of otherwise.
    pub must_run: bool,
    /// Shell file that the package commands begin with, relative to the root.
    pub environment_script: Option<&'a str>,
    /// Folder of the running CLI, for package commands that call it.
    pub cli_dir: Option<&'a Path>,
    /// Package commands print no colors and have nothing to read from.
    pub json: bool,
    /// Time of every file in the zip.
    pub time: EntryTime,
    /// Tells how far the zip is, several times a second.
    pub progress: bool,
}

impl<'a> PackageOptions<'a> {
    /// Returns the options that say nothing.
    #[must_use]
    pub fn new(directory: &'a Path) -> Self {
        Self {
            directory,
            file_name: None,
            distribution_id: None,
            distribution_version: None,
            skip_commands: false,
            must_run: false,
            environment_script: None,
            cli_dir: None,
            json: false,
            time: EntryTime::default(),
            progress: false,
        }
    }
}

/// What packaging tells while it works.
#[derive(Debug, Clone, PartialEq)]
pub enum PackageEvent {
    /// What is being done, in words.
    Message(String),
    /// A line that a package command wrote.
    Output(String),
    /// Something that does not stop packaging.
    Warning(Problem),
    /// How far the zip is; only when asked for.
    Progress {
        /// Bytes of files that were read.
        done: u64,
        /// Bytes of all files.
        total: u64,
        /// Time since the first of them.
        elapsed: Duration,
    },
}

/// A finished zip.
#[derive(Debug, Clone, PartialEq)]
pub struct Packaged {
    /// Where it is.
    pub zip: PathBuf,
    /// Name of the distribution in it.
    pub name: DistributionName,
    /// Its id.
    pub id: DistributionId,
    /// Its version.
    pub version: Option<Version>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What went in, before postPackage commands.
    pub report: WriteReport,
    /// What stayed out.
    pub skipped: Vec<Skipped>,
}

/// A project cannot be packaged. An earlier zip is still there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PackageError {
    /// There is not exactly one configuration file.
    #[error("Attini configuration file error: {0}")]
    ConfigFile(ConfigFileError),
    /// The configuration file is wrong.
    #[error("the attini-config file cannot be used")]
    Config(#[source] Problems),
    /// The version asked for is no semantic version.
    #[error("Invalid format for version `{version}`, it is no semantic version such as 1.4.0")]
    Version {
        /// The version.
        version: String,
    },
    /// The file name asked for is no file name.
    #[error("`{name}` cannot be the name of the zip, it must be a file name without directories")]
    FileName {
        /// The name.
        name: String,
    },
    /// The init template does not exist.
    #[error("the init template is missing")]
    TemplateMissing(#[source] Problems),
    /// The init template, or a plan in it, is wrong.
    #[error("the init template cannot be deployed")]
    Template(#[source] Problems),
    /// The ignore file is wrong.
    #[error("{IGNORE_FILE} cannot be used")]
    Ignore(#[source] Problems),
    /// A file of the project cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file of the work copy cannot be written.
    #[error("cannot write {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no place for the work copy.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The package commands failed.
    #[error(transparent)]
    Commands(#[from] CommandError),
    /// A SAM project could not be built.
    #[error(transparent)]
    Sam(#[from] SamError),
    /// What goes in could not be decided, or has names that cannot be published.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The zip could not be made.
    #[error(transparent)]
    Zip(#[from] WriteError),
    /// The zip could not be put where it belongs.
    #[error(transparent)]
    Dist(#[from] DistError),
    /// Packaging in a container did not succeed.
    #[error("Failed to run container build command")]
    Container(#[from] ContainerError),
}

/// Packages a project and returns the zip in its `attini_dist` folder.
///
/// The project itself is not changed: package commands and `sam build` run in a copy, and where neither is needed no copy is made. The template
/// is checked as the framework will, so that mistakes show up here. Equal files, options and ids give equal bytes;
/// an id that nobody sets is random.
///
/// # Errors
///
/// [`PackageError`], with all problems of the file that is wrong.
pub fn package(options: &PackageOptions<'_>, tell: &mut dyn FnMut(PackageEvent)) -> Result<Packaged, PackageError> {
    let mut teller = Teller { tell, told: Vec::new() };
    let (source, warnings) = Source::read(options.directory)?;
    let name = source.name()?;
    let file_name = file_name(options.file_name.unwrap_or(name.as_str()))?;
    if let Some(version) = options.distribution_version.filter(|version| !version.is_semantic()) {
        return Err(PackageError::Version { version: version.to_string() });
    }
    let dist = DistFolder::lock(options.directory)?;
    teller.message(format!("Packaging distribution: {name}"));
    teller.warnings(warnings);

    let source = source.with_values_of(options)?;
    if let Some(version) = options.distribution_version {
        teller.message(format!("Distribution version set to: {version}"));
    }
    let has_commands = source.has_commands() && !options.skip_commands;
    let (source, copy) = match has_commands || has_sam_projects(options, &source)? {
        true => prepare_copy(&source, options, &mut teller).map(|(source, copy)| (source, Some(copy)))?,
        false => (source, None),
    };
    let source = source.with_some_id(&mut |text| teller.message(text))?;

    let staged = dist.stage()?;
    let (report, skipped) = write(options, &source, copy.as_ref(), staged.as_file(), &mut teller)?;
    let zip = match &copy {
        Some(copy) if has_commands && !source.config.package.post_commands.is_empty() => {
            let zip = copy.path().join(&file_name);
            // In one step, so that nothing is written through a link of that name.
            let placed = NamedTempFile::new_in(copy.path()).and_then(|temporary| {
                fs::copy(staged.path(), temporary.path())?;
                temporary.persist(&zip).map_err(|error| error.error)
            });
            placed.map_err(|source| PackageError::Write { path: zip.clone(), source })?;
            let commands = &source.config.package.post_commands;
            run(options, CommandPhase::PostPackage, commands, copy, &mut teller)?;
            renew::renew(&zip, options.time, &mut teller)?;
            dist.take(&zip)?
        }
        _ => dist.publish(staged, &file_name)?,
    };
    teller.report(&report, &skipped);
    source.packaged(zip, report, skipped)
}

/// Says whether a template that no command makes has SAM projects, which are built and packed in a copy.
fn has_sam_projects(options: &PackageOptions<'_>, source: &Source) -> Result<bool, PackageError> {
    Ok(Template::find(options, options.directory, source)?.is_some_and(|template| !template.sam_projects().is_empty()))
}

/// Makes the copy, runs the prePackage commands in it unless they are left out, and reads what they made of the configuration.
fn prepare_copy(
    source: &Source,
    options: &PackageOptions<'_>,
    teller: &mut Teller<'_>,
) -> Result<(Source, WorkCopy), PackageError> {
    let copy = WorkCopy::of(options.directory)?;
    teller.warnings(copy.warnings().to_vec());
    write_file(copy.path(), source.file, source.config.document().text().as_bytes())?;
    if !options.skip_commands {
        run(options, CommandPhase::PrePackage, &source.config.package.pre_commands, &copy, teller)?;
    }
    let (source, warnings) = Source::read(copy.path())?;
    teller.warnings(warnings);
    Ok((source.with_values_of(options)?, copy))
}

fn run(
    options: &PackageOptions<'_>,
    phase: CommandPhase,
    commands: &[String],
    copy: &WorkCopy,
    teller: &mut Teller<'_>,
) -> Result<(), CommandError> {
    let request = PhaseCommands {
        phase,
        commands,
        work_dir: copy.path(),
        environment_script: options.environment_script,
        cli_dir: options.cli_dir,
        distribution_id: options.distribution_id,
        json: options.json,
    };
    run_commands(&request, &mut |line| (teller.tell)(PackageEvent::Output(line.to_owned())))
}

/// Checks what goes in and writes the zip.
fn write(
    options: &PackageOptions<'_>,
    source: &Source,
    copy: Option<&WorkCopy>,
    output: &File,
    teller: &mut Teller<'_>,
) -> Result<(WriteReport, Vec<Skipped>), PackageError> {
    let root = copy.map_or(options.directory, WorkCopy::path);
    let rules = read_rules(root)?;
    let template = Template::find(options, root, source)?;
    let mut made = BTreeMap::from([(source.file.to_owned(), source.config.text_with_quotes().into_bytes())]);
    if let Some(template) = &template {
        made.extend(template.files());
        template.pack_sam_projects(root, options, &mut |line| {
            (teller.tell)(PackageEvent::Output(line.to_owned()));
        })?;
    }
    let base = match copy {
        None => FolderTree::source(root),
        Some(_) => {
            for (path, content) in &made {
                write_file(root, path, content)?;
            }
            FolderTree::copy(root)
        }
    };
    let tree = Overlay::new(base.map_err(SelectError::Tree)?, made);
    let selection = select(&tree, &rules, source.key_prefix_bytes())?;
    teller.warnings(selection.warnings.clone());
    if let Some(template) = template {
        teller.warnings(template.check(source, &selection)?);
    }

    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let write = WriteOptions { time: options.time, threads, scratch: &scratch };
    let report = if options.progress {
        let total = selection.entries.iter().map(size).sum();
        let counted = Counted::new(&tree);
        let start = Instant::now();
        let mut tell = |done| (teller.tell)(PackageEvent::Progress { done, total, elapsed: start.elapsed() });
        counted.watch(&mut tell, || write_zip(&counted, &selection.entries, output, &write))?
    } else {
        write_zip(&tree, &selection.entries, output, &write)?
    };
    teller.warnings(too_large(&report));
    Ok((report, selection.skipped))
}

fn read_rules(root: &Path) -> Result<IgnoreRules, PackageError> {
    let path = root.join(IGNORE_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => IgnoreRules::parse(&text).map_err(PackageError::Ignore),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(IgnoreRules::default()),
        Err(source) => Err(PackageError::Read { path, source }),
    }
}

/// Writes a file of the copy. A link in its place is replaced, because what it points to is not ours.
fn write_file(root: &Path, path: &str, content: &[u8]) -> Result<(), PackageError> {
    let path = root.join(path);
    let parent = path.parent().unwrap_or(root);
    fs::create_dir_all(parent)
        .and_then(|()| replace_file(&path, content))
        .map_err(|source| PackageError::Write { path, source })
}

pub(super) fn file_name(name: &str) -> Result<String, PackageError> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
    if is_plain { Ok(zip_file_name(name)) } else { Err(PackageError::FileName { name: name.to_owned() }) }
}

fn size(entry: &TreeEntry) -> u64 {
    match entry.kind {
        EntryKind::File { size, .. } => size,
        EntryKind::Directory => 0,
    }
}

/// What the framework will not take.
fn too_large(report: &WriteReport) -> Vec<Problem> {
    let limits = Limits::default();
    // With the manifest.
    let entries = report.files.len() + report.directories + 1;
    let mut problems = Vec::new();
    if report.bytes > limits.total_bytes {
        let text = format!("the files have {} bytes, deployments take at most {}", report.bytes, limits.total_bytes);
        problems.push(Problem::warning(text).with_help("list what is not needed in .attini-ignore"));
    }
    if entries > limits.entries {
        let text = format!("there are {entries} files and directories, deployments take at most {}", limits.entries);
        problems.push(Problem::warning(text).with_help("list what is not needed in .attini-ignore"));
    }
    problems
}
