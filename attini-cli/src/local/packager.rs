//! Project folders for the commands.

use std::env;
use std::fs::File;
use std::io;
use std::path::Path;

use attini_core::config::{Config, Explained};
use attini_core::distribution::{Archive, ArchiveError, EntryTime, Limits, SelectError};
use attini_core::document::{DocPath, MAX_BYTES};
use attini_core::problem::Problems;
use attini_core::value::{DistributionId, Environment, Version};
use attini_local::project::{
    self, ContainerError, ContainerOptions, EditError, PackageError, PackageOptions, SamError, Validation, find_config,
    package, package_in_container, set_value, zip_content,
};
use serde_json::json;

use crate::error::{CommandError, ErrorKind};
use crate::world::{
    ContainerRequest, Edit, EditTarget, Edited, Identity, PackageEvent, PackageRequest, Packaged, Packager,
};

/// The time of every file in a zip, in seconds since 1970; set by whoever wants a time of their own in reproducible builds.
const SOURCE_DATE_EPOCH: &str = "SOURCE_DATE_EPOCH";

/// What runs the containers of `--container-build`, by name or path.
const CONTAINER_ENGINE: &str = "ATTINI_CONTAINER_ENGINE";

/// The folders of this machine.
pub(super) struct Folders;

impl Packager for Folders {
    fn package(&self, request: &PackageRequest, tell: &mut dyn FnMut(PackageEvent)) -> Result<Packaged, CommandError> {
        let id = request.distribution_id.as_deref().map(DistributionId::parse).transpose()?;
        let version = match &request.distribution_version {
            Some(text) => Some(
                Version::new(text).ok_or_else(|| CommandError::illegal("Invalid format for version: it is blank"))?,
            ),
            None => None,
        };
        let environment_script = request.environment_config_script.as_deref().map(utf8).transpose()?;
        if let Some(container) = request.container {
            if let Some(version) = version.filter(|version| !version.is_semantic()) {
                return Err(PackageError::Version { version: version.to_string() }.into());
            }
            return self.package_in_container(request, container, environment_script, tell);
        }
        let cli = env::current_exe().ok();
        let options = PackageOptions {
            file_name: request.name.as_deref(),
            distribution_id: id.as_ref(),
            distribution_version: version.as_ref(),
            skip_commands: request.skip_commands,
            must_run: request.must_run,
            environment_script,
            cli_dir: cli.as_deref().and_then(Path::parent),
            json: request.capture_output,
            time: entry_time()?,
            progress: request.progress,
            ..PackageOptions::new(&request.directory)
        };
        let packaged = package(&options, &mut |event| tell(told(event)))?;
        let identity = Identity {
            name: packaged.name,
            id: Some(packaged.id.to_string()),
            version: packaged.version.map(|version| version.to_string()),
            tags: packaged.tags.into_iter().map(|(key, value)| (key, json!(value))).collect(),
        };
        Ok(Packaged { zip: packaged.zip, identity })
    }

    fn inspect(&self, zip: &Path) -> Result<Identity, CommandError> {
        let read = |error: io::Error| CommandError::illegal(error).context(format!("cannot read {}", zip.display()));
        let broken = |error: ArchiveError| {
            let kind = match error {
                ArchiveError::NoConfig | ArchiveError::SeveralConfigs { .. } | ArchiveError::Empty => ErrorKind::Config,
                _ if error.is_archives_fault() => ErrorKind::IllegalArgument,
                _ => ErrorKind::Execution,
            };
            CommandError::new(kind, error).context(format!("cannot read {}", zip.display()))
        };
        let mut archive = Archive::open(File::open(zip).map_err(read)?, &Limits::default()).map_err(broken)?;
        let name = archive.find_config().map_err(broken)?;
        let content = archive.read(name, MAX_BYTES as u64).map_err(broken)?;
        // Reads everything: a damaged file shows now, not when half of a deployment is done.
        archive.extract(&mut |_, _| Ok(())).map_err(broken)?;
        let text = String::from_utf8(content)
            .map_err(|_| CommandError::new(ErrorKind::Config, format!("{name} in {} is not UTF-8", zip.display())))?;
        let (config, _) = Config::parse(name, &text).map_err(CommandError::config)?;
        let name = config.require_name().map_err(|problem| CommandError::config(problem.into()))?.clone();
        let tags = config.distribution_tags.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        Ok(Identity {
            name,
            id: config.distribution_id.map(|id| id.to_string()),
            version: config.version.map(|version| version.to_string()),
            tags,
        })
    }

    fn content_digest(&self, zip: &Path) -> Result<String, CommandError> {
        Ok(zip_content(zip)?.digest)
    }

    fn edit(&self, edit: &Edit) -> Result<Edited, CommandError> {
        let file = match &edit.target {
            EditTarget::ConfigIn(directory) => find_config(directory)?,
            EditTarget::File(file) => file.clone(),
        };
        let key = edit.path.iter().fold(DocPath::root(), |path, key| path.key(key));
        let changed = set_value(&file, &key, &edit.value, edit.replace)?;
        Ok(Edited { file, changed })
    }

    fn validate(&self, directory: &Path) -> Result<Validation, CommandError> {
        project::validate(directory).map_err(CommandError::execution)
    }

    fn explain(
        &self,
        directory: &Path,
        environment: &Environment,
        id: &DistributionId,
    ) -> Result<Vec<Explained>, CommandError> {
        Ok(project::explain(directory, environment, id)?)
    }
}

impl Folders {
    fn package_in_container(
        &self,
        request: &PackageRequest,
        container: ContainerRequest,
        environment_script: Option<&str>,
        tell: &mut dyn FnMut(PackageEvent),
    ) -> Result<Packaged, CommandError> {
        let values = [
            ("--name", request.name.as_deref()),
            ("--environment-config-script", environment_script),
            ("-i", request.distribution_id.as_deref()),
            ("--distribution-version", request.distribution_version.as_deref()),
        ];
        let values = values.into_iter().filter_map(|(option, value)| Some([option, value?])).flatten();
        let flags = [
            (request.skip_commands, "--skip-commands"),
            (request.capture_output, "--json"),
            (container.debug, "--debug"),
        ];
        let flags = flags.into_iter().filter_map(|(given, flag)| given.then_some(flag));
        let arguments: Vec<String> = values.chain(flags).map(str::to_owned).collect();
        let engine = env::var(CONTAINER_ENGINE).unwrap_or_default();
        let options = ContainerOptions {
            directory: &request.directory,
            engine: Some(engine.trim()).filter(|engine| !engine.is_empty()),
            log_in: container.log_in,
            file_name: request.name.as_deref(),
            arguments: &arguments,
            capture_output: request.capture_output,
        };
        let zip = package_in_container(&options, &mut |event| tell(told(event)))?;
        let identity = self.inspect(&zip)?;
        Ok(Packaged { zip, identity })
    }
}

fn told(event: project::PackageEvent) -> PackageEvent {
    match event {
        project::PackageEvent::Message(text) => PackageEvent::Message(text),
        project::PackageEvent::Output(line) => PackageEvent::Output(line),
        project::PackageEvent::Warning(problem) => PackageEvent::Warning(problem),
        project::PackageEvent::Progress { done, total, elapsed } => PackageEvent::Progress { done, total, elapsed },
    }
}

fn utf8(path: &Path) -> Result<&str, CommandError> {
    path.to_str().ok_or_else(|| CommandError::illegal(format!("the path {} is not UTF-8", path.display())))
}

fn entry_time() -> Result<EntryTime, CommandError> {
    match env::var(SOURCE_DATE_EPOCH).unwrap_or_default() {
        text if text.is_empty() => Ok(EntryTime::default()),
        text => match text.parse() {
            Ok(seconds) => Ok(EntryTime::from_epoch(seconds)),
            Err(_) => {
                let text = format!("{SOURCE_DATE_EPOCH} is not a number of seconds since 1970: {text:?}");
                Err(CommandError::illegal(text))
            }
        },
    }
}

/// Problems are shown with their lines, so the text in front of them only counts.
fn of_problems(kind: ErrorKind, text: &str, problems: Problems) -> CommandError {
    CommandError { problems: problems.0, ..CommandError::new(kind, text) }
}

impl From<PackageError> for CommandError {
    fn from(error: PackageError) -> Self {
        let text = error.to_string();
        match error {
            PackageError::ConfigFile(_) => Self::new(ErrorKind::Config, error),
            PackageError::Config(problems) => Self::config(problems),
            PackageError::Version { .. } | PackageError::FileName { .. } => Self::illegal(error),
            PackageError::TemplateMissing(problems) => of_problems(ErrorKind::Execution, &text, problems),
            PackageError::Template(problems) | PackageError::Ignore(problems) => {
                of_problems(ErrorKind::IllegalArgument, &text, problems)
            }
            PackageError::Select(SelectError::Names(problems)) => {
                let text = "Could not deploy distribution. The names of some files cannot be published";
                of_problems(ErrorKind::Execution, text, problems)
            }
            PackageError::Sam(SamError::NotInstalled { .. }) => {
                Self::execution(error).hint("install the AWS SAM command line, or build the project before packaging")
            }
            PackageError::Sam(SamError::NotBuilt { .. }) => Self::execution(error)
                .hint("leave out `--skip-commands`, or run `sam build` in the project before packaging"),
            PackageError::Container(ref cause) => {
                let (kind, hint) = of_container(cause);
                hint.into_iter().fold(Self::new(kind, error), Self::hint)
            }
            error => Self::execution(error),
        }
    }
}

/// Returns the kind of failure that one in a container is, and what to do about it.
fn of_container(cause: &ContainerError) -> (ErrorKind, Option<String>) {
    let kind = match cause {
        ContainerError::Failed { code, .. } => ErrorKind::of_exit_code(*code),
        ContainerError::Path { .. } => ErrorKind::IllegalArgument,
        _ => ErrorKind::Execution,
    };
    let other = |engine: &str| {
        let other = if engine.ends_with("podman") { "docker" } else { "podman" };
        format!("or name another program that runs containers: {CONTAINER_ENGINE}={other}")
    };
    let hint = match cause {
        ContainerError::EngineMissing { engine } => format!("install it, {}", other(engine)),
        ContainerError::EngineDown { engine } => format!("start it, {}", other(engine)),
        ContainerError::ImageMissing { .. } => {
            "check `package.container.image`; a repository that needs a login gets it with \
             `--container-repository-login`"
                .to_owned()
        }
        ContainerError::NotCreated { .. } => "what it said stands above; check `package.container.options`".to_owned(),
        ContainerError::NoAttini { .. } => {
            let own =
                env::current_exe().map_or_else(|_| "/usr/local/bin/attini".to_owned(), |exe| exe.display().to_string());
            format!(
                "the image needs bash and attini; to take this program along, list \
                 `-v {own}:/usr/local/bin/attini:ro` in `package.container.options`"
            )
        }
        _ => return (kind, None),
    };
    (kind, Some(hint))
}

impl From<EditError> for CommandError {
    fn from(error: EditError) -> Self {
        let text = error.to_string();
        match error {
            EditError::ConfigFile(_) | EditError::Read { .. } => Self::new(ErrorKind::Config, error),
            EditError::Unusable { problems, .. } => of_problems(ErrorKind::Config, &text, problems),
            EditError::Exists { .. } => Self::execution(error).hint("pass `--override` to replace it"),
            error => Self::execution(error),
        }
    }
}

#[cfg(test)]
mod tests;
