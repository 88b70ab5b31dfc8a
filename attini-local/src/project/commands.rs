use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use attini_core::value::DistributionId;
use thiserror::Error;

use super::FIXED_ID_VARIABLE;
use super::shell::{find_shell, quoted};

/// How long output is awaited after the script has ended: what it left running in the background may hold the stream open for ever.
const LAST_OUTPUT: Duration = Duration::from_secs(1);
/// Longer lines are handed on in pieces.
const LINE_BYTES: u64 = 1 << 16;

/// When commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandPhase {
    /// Before the zip is made; what the commands leave in the work copy goes into it.
    PrePackage,
    /// After the zip is made; it lies in the work copy.
    PostPackage,
}

impl fmt::Display for CommandPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PrePackage => "prePackage",
            Self::PostPackage => "postPackage",
        })
    }
}

/// The commands of one phase and where they run.
#[derive(Debug, Clone)]
pub struct PhaseCommands<'a> {
    /// The phase.
    pub phase: CommandPhase,
    /// Shell lines; an item may hold several.
    pub commands: &'a [String],
    /// Root of the work copy.
    pub work_dir: &'a Path,
    /// Shell file that is sourced first, relative to the work copy.
    pub environment_script: Option<&'a str>,
    /// Folder of the running CLI, put first on `PATH` so that nested calls hit the same version.
    pub cli_dir: Option<&'a Path>,
    /// Id that was asked for, which nested calls keep; see [`FIXED_ID_VARIABLE`].
    pub distribution_id: Option<&'a DistributionId>,
    /// JSON mode: no colors, and nothing to read from the terminal.
    pub json: bool,
}

/// The commands of a phase did not succeed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The script ended with another code than 0.
    #[error("{phase} commands failed with exit code {code}{}", signal_of_code(*.code))]
    Failed {
        /// The phase.
        phase: CommandPhase,
        /// Exit code of the script, which stops at its first failing command.
        code: i32,
    },
    /// The shell was killed.
    #[error("{phase} commands were killed by signal {signal}")]
    Killed {
        /// The phase.
        phase: CommandPhase,
        /// Number of the signal.
        signal: i32,
    },
    /// The path of the environment script leads out of the distribution.
    #[error("the environment config script {path} must be a relative path inside the distribution")]
    ScriptOutside {
        /// The path as given.
        path: String,
    },
    /// The environment script does not exist in the work copy.
    #[error("could not find file: {}", .path.display())]
    ScriptMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The shell could not be started, or not be followed.
    #[error("cannot run {phase} commands with {}", .shell.display())]
    Shell {
        /// The phase.
        phase: CommandPhase,
        /// The shell.
        shell: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A shell reports the signal that ended its command as 128 + its number.
fn signal_of_code(code: i32) -> String {
    if (129..=159).contains(&code) { format!(" (killed by signal {})", code - 128) } else { String::new() }
}

/// Runs the commands of a phase as one script in the work copy and hands every line of output, errors included, to `output`.
///
/// `cd`, variables and functions carry over from one command to the next; the first failing command ends the script, by
/// the rules of `set -e`: a failing test before `&&` is none. The script runs in bash, or in `sh` where there is no bash, in the
/// caller's environment with `ATTINI_WORK_DIR`, and in JSON mode `ATTINI_DISABLE_ANSI_COLOR=true` (cli.md 7.3).
/// Commands that write something are framed by a banner; without commands nothing happens.
///
/// # Errors
///
/// [`CommandError`].
pub fn run_commands(request: &PhaseCommands<'_>, output: &mut dyn FnMut(&str)) -> Result<(), CommandError> {
    let phase = request.phase;
    if request.commands.is_empty() {
        return Ok(());
    }
    let path = search_path(request.cli_dir, env::var_os("PATH"));
    let shell = find_shell(&path);
    let environment_script = request.environment_script.map(|script| locate(script, request.work_dir)).transpose()?;

    let mut spoke = false;
    let mut framed = |line: &str| {
        if !std::mem::replace(&mut spoke, true) {
            output(&format!("####### Executing {phase} commands #######"));
            if let Some(script) = &environment_script {
                output(&format!("Sourcing environment config: {}", script.display()));
            }
        }
        output(line);
    };
    let script = script_text(request, environment_script.as_deref());
    let mut run = || {
        // Outside of the copy, where it neither meets a file of the project nor ends up in the zip.
        let mut file = tempfile::Builder::new().prefix(&format!("attini-{phase}")).suffix(".sh").tempfile()?;
        file.write_all(&script)?;
        let mut command = Command::new(&shell);
        command.arg(file.path()).current_dir(request.work_dir).env("PATH", &path);
        match request.distribution_id {
            Some(id) => command.env(FIXED_ID_VARIABLE, id.as_str()),
            // One of a packaging around this one is not meant here.
            None => command.env_remove(FIXED_ID_VARIABLE),
        };
        command.stdin(if request.json { Stdio::null() } else { Stdio::inherit() });
        follow(command, &mut framed)
    };
    let status = run().map_err(|source| CommandError::Shell { phase, shell: shell.clone(), source })?;
    match (status.code(), status.signal()) {
        (Some(0), _) => {
            if spoke {
                output(&format!("####### Done with {phase} commands #######"));
            }
            Ok(())
        }
        (Some(code), _) => Err(CommandError::Failed { phase, code }),
        (None, signal) => Err(CommandError::Killed { phase, signal: signal.unwrap_or_default() }),
    }
}

fn locate(script: &str, work_dir: &Path) -> Result<PathBuf, CommandError> {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !Path::new(script).components().all(inside) {
        return Err(CommandError::ScriptOutside { path: script.to_owned() });
    }
    let path = work_dir.join(script);
    if path.is_file() { Ok(path) } else { Err(CommandError::ScriptMissing { path }) }
}

fn search_path(cli_dir: Option<&Path>, inherited: Option<OsString>) -> OsString {
    let Some(cli_dir) = cli_dir else { return inherited.unwrap_or_default() };
    let mut path = cli_dir.as_os_str().to_owned();
    if let Some(inherited) = inherited.filter(|inherited| !inherited.is_empty()) {
        path.push(":");
        path.push(inherited);
    }
    path
}

fn script_text(request: &PhaseCommands<'_>, environment_script: Option<&Path>) -> Vec<u8> {
    let mut script = b"set -e\nexport ATTINI_WORK_DIR=".to_vec();
    script.extend(quoted(request.work_dir.as_os_str()));
    script.extend(b"\ncd \"$ATTINI_WORK_DIR\"\n");
    if request.json {
        script.extend(b"export ATTINI_DISABLE_ANSI_COLOR=true\n");
    }
    if let Some(path) = environment_script {
        // The spelling that every shell knows.
        script.extend(b". ");
        script.extend(quoted(path.as_os_str()));
        script.push(b'\n');
    }
    for command in request.commands {
        script.extend(command.as_bytes());
        script.push(b'\n');
    }
    script
}

enum Event {
    Line(String),
    OutputFailed(io::Error),
    Ended(io::Result<ExitStatus>),
}

/// Runs a command whose output and errors go into one stream, and hands on its lines as they come.
pub(super) fn follow(mut command: Command, output: &mut dyn FnMut(&str)) -> io::Result<ExitStatus> {
    let (reader, writer) = io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn()?;
    // Holds the writing ends, without which the stream would not end with the child.
    drop(command);

    let (events, inbox) = mpsc::channel();
    let of_lines = events.clone();
    thread::spawn(move || read_lines(reader, &of_lines));
    thread::spawn(move || await_end(child, &events));
    let mut ended = None;
    loop {
        let event = match &ended {
            None => inbox.recv().ok(),
            Some(_) => inbox.recv_timeout(LAST_OUTPUT).ok(),
        };
        match event {
            Some(Event::Line(line)) => output(&line),
            Some(Event::OutputFailed(error)) => return Err(error),
            Some(Event::Ended(status)) => ended = Some(status?),
            // Both threads are done, or something in the background keeps the stream open.
            None => return ended.ok_or_else(|| io::Error::other("the end of the script was missed")),
        }
    }
}

fn read_lines(reader: impl Read, events: &mpsc::Sender<Event>) {
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        let event = match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                Event::Line(String::from_utf8_lossy(line).into_owned())
            }
            Err(error) => Event::OutputFailed(error),
        };
        let is_last = matches!(event, Event::OutputFailed(_));
        if events.send(event).is_err() || is_last {
            return;
        }
    }
}

fn await_end(mut child: Child, events: &mpsc::Sender<Event>) {
    // Nobody listens any more when the output failed.
    let _ = events.send(Event::Ended(child.wait()));
}

#[cfg(test)]
mod tests;
