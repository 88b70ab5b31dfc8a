//! Packaging in a container: the whole of it runs there, on the project itself (cli.md 7.4).

use std::env;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use attini_core::config::{Config, Container};
use attini_core::document::DocPath;
use attini_core::problem::{Problem, Problems};
use tempfile::TempDir;
use thiserror::Error;

use super::DIST_FOLDER;
use super::commands::follow;
use super::copy::reaper::Reaper;
use super::package::source::Source;
use super::package::{PackageError, PackageEvent, file_name};
use super::shell::{find_program, find_shell, quoted, word};

/// Where the project is in the container.
const MOUNT: &str = "/mnt/attini";
/// Handed on to the container when it is set here.
const HANDED_ON: &str = "SOURCE_DATE_EPOCH";
/// What runs containers unless somebody says otherwise.
const DEFAULT_ENGINE: &str = "docker";

/// Ends the container of a packaging that was interrupted. It may not be there yet, and then it is waited for.
///
/// Arguments: engine, file with the container's id, folder of that file.
const END_CONTAINER: &str = r#"
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  [ -s "$2" ] && "$1" kill "$(cat "$2")" && break
  sleep 0.3
done
rm -rf -- "$3""#;

/// How to package in a container.
#[derive(Debug, Clone)]
pub struct ContainerOptions<'a> {
    /// Root of the project.
    pub directory: &'a Path,
    /// What runs the container, by name or path: `docker`, `podman`, `finch`, `nerdctl`; `docker` when absent.
    pub engine: Option<&'a str>,
    /// Runs the login commands first.
    pub log_in: bool,
    /// File name of the zip, with or without `.zip`, if it is among the arguments.
    pub file_name: Option<&'a str>,
    /// Arguments of `attini distribution package .` in the container.
    pub arguments: &'a [String],
    /// What is printed goes to the caller, and there is nothing to read from. Otherwise all of it shares this process's terminal.
    pub capture_output: bool,
}

/// Packaging in a container did not succeed. An earlier zip is still there.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// There is no program to run containers with.
    #[error("`{engine}`, which is to run the container, is not installed")]
    EngineMissing {
        /// Its name or path.
        engine: String,
    },
    /// The engine's program is there, but it cannot reach what runs the containers.
    #[error(
        "`{engine}` runs no containers: `{engine} info` failed, so its daemon is not running or does not let you in"
    )]
    EngineDown {
        /// Its name or path.
        engine: String,
    },
    /// The image is neither here nor in its registry, or the registry refused to give it.
    #[error("the image `{image}` is not here and could not be fetched")]
    ImageMissing {
        /// The image as configured.
        image: String,
    },
    /// The engine refused to make a container.
    #[error("`{engine} run` made no container and ended with exit code {code}")]
    NotCreated {
        /// Its name or path.
        engine: String,
        /// Its exit code.
        code: i32,
    },
    /// A login command failed. What it says is a secret.
    #[error("login command {number} of {count} failed with exit code {code}")]
    Login {
        /// Its place in the list, from 1.
        number: usize,
        /// Length of the list.
        count: usize,
        /// Exit code of the shell.
        code: i32,
    },
    /// The image cannot run what it has to.
    #[error("the image `{image}` cannot run `attini` with `/bin/bash` (exit code {code})")]
    NoAttini {
        /// The image as configured.
        image: String,
        /// Exit code of the container.
        code: i32,
    },
    /// Packaging failed in the container, which has said why.
    #[error("packaging in the container ended with exit code {code}{}", .said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Failed {
        /// Its exit code.
        code: i32,
        /// The message of its error object, when output is captured.
        said: Option<String>,
    },
    /// The shell around it was killed.
    #[error("it was killed by signal {signal}")]
    Killed {
        /// Number of the signal.
        signal: i32,
    },
    /// The container says that all is well, but there is no new zip.
    #[error("the container ended well, but made no {}", .zip.display())]
    NoZip {
        /// Where it should be.
        zip: PathBuf,
    },
    /// The project's path cannot be mounted.
    #[error("the path {} holds a `:`, which ends a path in the options of `docker run`", .directory.display())]
    Path {
        /// The project.
        directory: PathBuf,
    },
    /// The shell could not be started, or not be followed.
    #[error("cannot run {}", .program.display())]
    Start {
        /// The shell.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Packages a project in a container of the image that its configuration names, and returns where the zip is.
///
/// The engine's command line is told as `Package command: …`. A shell expands image, options and login commands, as in
/// `builder:$(uname -m)`, in the current directory and the environment of this process. Nothing of the login commands is told: they
/// hold secrets. The container ends with this process, also by Ctrl-C or a kill.
///
/// # Errors
///
/// [`PackageError::Config`] when the configuration is wrong or names no image, [`PackageError::Container`] for what happens later.
pub fn package_in_container(
    options: &ContainerOptions<'_>,
    tell: &mut dyn FnMut(PackageEvent),
) -> Result<PathBuf, PackageError> {
    // Its warnings are told in the container.
    let (source, _) = Source::read(options.directory)?;
    let zip = file_name(options.file_name.unwrap_or(source.name()?.as_str()))?;
    let (container, image) = check(&source.config, options.log_in).map_err(PackageError::Config)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let engine = options.engine.unwrap_or(DEFAULT_ENGINE);
    let Some(program) = find_program(engine, &path) else {
        return Err(ContainerError::EngineMissing { engine: engine.to_owned() }.into());
    };
    let read = |source| PackageError::Read { path: options.directory.to_owned(), source };
    let directory = options.directory.canonicalize().map_err(read)?;
    if directory.to_string_lossy().contains(':') {
        return Err(ContainerError::Path { directory }.into());
    }

    let zip = options.directory.join(DIST_FOLDER).join(zip);
    let earlier = stamp(&zip);
    let shell = find_shell(&path);
    let started = |source| ContainerError::Start { program: shell.clone(), source };
    let run = Run::prepare((engine, &program), container, image, options, &directory).map_err(started)?;
    if options.log_in {
        tell(PackageEvent::Message("Logging in to the container's repository".to_owned()));
    }
    tell(PackageEvent::Message(format!("Package command: {}", run.line)));
    let mut said = None;
    let status = run.execute(&shell, options.capture_output, &mut |line| match error_message(line) {
        Some(message) => said = Some(message),
        None => tell(PackageEvent::Output(line.to_owned())),
    });
    run.outcome(status.map_err(started)?, said)?;
    if stamp(&zip).is_none_or(|now| Some(now) == earlier) {
        return Err(ContainerError::NoZip { zip }.into());
    }
    Ok(zip)
}

/// Returns the container and its image, or everything that is missing.
fn check(config: &Config, log_in: bool) -> Result<(&Container, &str), Problems> {
    let path = DocPath::root().key("package").key("container");
    let container = config.package.container.as_ref();
    let image = container.and_then(|container| container.image.as_deref()).filter(|image| !image.trim().is_empty());
    let missing = |key: &str, help: &str| {
        let at = [&path, &DocPath::root().key("package"), &DocPath::root()];
        let spot = at.into_iter().find_map(|path| config.document().spot(path));
        Problem::error(format!("`{}` is missing", path.key(key))).with_help(help).at(spot)
    };
    let mut problems = Vec::new();
    if image.is_none() {
        problems.push(missing("image", "name the image to package in, one with bash and attini"));
    }
    if log_in && container.is_none_or(|container| container.login_commands.is_empty()) {
        problems.push(missing("loginCommands", "list the commands that log in, or leave out the option"));
    }
    match (container, image) {
        (Some(container), Some(image)) if problems.is_empty() => Ok((container, image)),
        _ => Err(Problems(problems)),
    }
}

/// Tells one zip from another.
fn stamp(zip: &Path) -> Option<(u64, i64, i64)> {
    let metadata = fs::metadata(zip).ok()?;
    Some((metadata.ino(), metadata.mtime(), metadata.mtime_nsec()))
}

/// Returns the message of an error object, as the command line prints it with `--json`.
fn error_message(line: &str) -> Option<String> {
    let object: serde_json::Value = serde_json::from_str(line).ok()?;
    object.get("errorCode")?;
    object.get("message")?.as_str().map(str::to_owned)
}

/// A container about to run.
struct Run {
    engine: String,
    /// Its file.
    program: PathBuf,
    image: String,
    logins: usize,
    /// What a person could type, apart from the file for the container's id.
    line: String,
    /// Holds the script, and what it leaves.
    folder: TempDir,
}

impl Run {
    fn prepare(
        (engine, program): (&str, &Path),
        container: &Container,
        image: &str,
        options: &ContainerOptions<'_>,
        directory: &Path,
    ) -> io::Result<Self> {
        // Only this user may look into it.
        let folder = tempfile::Builder::new().prefix("attini-container").tempdir()?;
        let logins: &[String] = if options.log_in { &container.login_commands } else { &[] };
        let mut inner = "attini distribution package .".to_owned();
        options.arguments.iter().for_each(|argument| inner.extend([" ", &word(argument)]));
        let mut parts = vec![format!("-v {}:{MOUNT}", word(&directory.to_string_lossy()))];
        if env::var_os(HANDED_ON).is_some() {
            parts.push(format!("--env {HANDED_ON}"));
        }
        parts.extend(container.options.iter().cloned());
        parts.push(format!("-w {MOUNT} {image} /bin/bash -c {}", word(&inner)));
        let (engine_word, rest) = (word(engine), parts.join(" "));
        let run = Self {
            engine: engine.to_owned(),
            program: std::path::absolute(program)?,
            image: image.to_owned(),
            logins: logins.len(),
            line: format!("{engine_word} run --rm {rest}"),
            folder,
        };
        let id_file = String::from_utf8_lossy(&quoted(run.id_file().as_os_str())).into_owned();
        let stage = String::from_utf8_lossy(&quoted(run.stage_file().as_os_str())).into_owned();
        // Each of them ends with a line of its own, so that a comment at the end of one swallows nothing.
        let mut script = format!("printf 0 >{stage}\n");
        for (index, login) in logins.iter().enumerate() {
            script.push_str(&format!("{{\n{login}\n}} && printf {} >{stage} &&\n", index + 1));
        }
        script.push_str(&format!(
            "{{ printf run >{stage}
{engine_word} run --rm --cidfile {id_file} {rest}
code=$?
if [ $code -ne 0 ] && ! [ -s {id_file} ]; then
  if ! {engine_word} info >/dev/null 2>&1; then printf engine >{stage}
  elif ! {engine_word} image inspect {image} >/dev/null 2>&1; then printf image >{stage}
  else printf create >{stage}
  fi
fi
exit $code
}}
"
        ));
        fs::write(run.folder.path().join("package.sh"), script)?;
        Ok(run)
    }

    /// Written by the engine as soon as there is a container.
    fn id_file(&self) -> PathBuf {
        self.folder.path().join("id")
    }

    /// How far the script came: the number of login commands that are done, `run`, or why there was no container.
    fn stage_file(&self) -> PathBuf {
        self.folder.path().join("stage")
    }

    fn execute(&self, shell: &Path, capture: bool, output: &mut dyn FnMut(&str)) -> io::Result<ExitStatus> {
        let id_file = self.id_file();
        let args = [self.program.as_os_str(), id_file.as_os_str(), self.folder.path().as_os_str()];
        let _reaper = Reaper::with(END_CONTAINER, args);
        let mut command = Command::new(shell);
        command.arg(self.folder.path().join("package.sh"));
        if capture {
            command.stdin(Stdio::null());
            return follow(command, output);
        }
        command.status()
    }

    fn outcome(&self, status: ExitStatus, said: Option<String>) -> Result<(), ContainerError> {
        let code = match (status.code(), status.signal()) {
            (Some(0), _) => return Ok(()),
            (Some(code), _) => code,
            (None, signal) => return Err(ContainerError::Killed { signal: signal.unwrap_or_default() }),
        };
        let (engine, image) = (self.engine.clone(), self.image.clone());
        let stage = fs::read_to_string(self.stage_file()).unwrap_or_default();
        Err(match (stage.as_str(), code) {
            ("engine", _) => ContainerError::EngineDown { engine },
            ("image", _) => ContainerError::ImageMissing { image },
            ("create", _) => ContainerError::NotCreated { engine, code },
            ("run", 126 | 127) => ContainerError::NoAttini { image, code },
            ("run", _) => ContainerError::Failed { code, said },
            (done, _) => {
                let done = done.parse().unwrap_or(0);
                ContainerError::Login { number: self.logins.min(done + 1), count: self.logins, code }
            }
        })
    }
}

#[cfg(test)]
mod tests;
