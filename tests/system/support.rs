//! A cleared environment, a home and a project folder for one test, and the real program in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// One machine's worth of files: home, working directory, environment variables.
pub(crate) struct TestEnv {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the program gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The events that `--json` prints.
pub(crate) struct Events(pub(crate) Vec<Value>);

impl Events {
    /// Returns the data of the events of one kind.
    pub(crate) fn of(&self, event: &str) -> Vec<&Value> {
        self.0.iter().filter(|found| found["event"] == event).map(|found| &found["data"]).collect()
    }

    /// Returns the names of the steps that an event of one kind was told of.
    pub(crate) fn steps(&self, event: &str) -> Vec<&str> {
        self.of(event).into_iter().map(|data| data["stepName"].as_str().unwrap()).collect()
    }

    /// Returns resource and status of the events in the stack of a step.
    pub(crate) fn stack(&self, step: &str) -> Vec<(&str, &str)> {
        let ours = self.of("stepStackEvent").into_iter().filter(|data| data["stepName"] == step);
        ours.map(|data| (data["resource"].as_str().unwrap(), data["status"].as_str().unwrap())).collect()
    }

    /// Returns the resources that reached a status in the stack of a step.
    pub(crate) fn resources(&self, step: &str, status: &str) -> Vec<&str> {
        self.stack(step).into_iter().filter(|(_, found)| *found == status).map(|(resource, _)| resource).collect()
    }
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test with everything that was printed unless the exit code is as expected.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert!(
            self.code == code,
            "exit code {} instead of {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.code,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Returns the line of standard output that contains a text.
    #[track_caller]
    pub(crate) fn line(&self, text: &str) -> &str {
        let found = self.stdout.lines().find(|line| line.contains(text));
        found.unwrap_or_else(|| {
            panic!("no line with {text:?}\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr)
        })
    }

    /// Fails the test with everything that was printed unless each of the texts is in standard output.
    #[track_caller]
    pub(crate) fn tells(self, texts: &[&str]) -> Self {
        for text in texts {
            self.line(text);
        }
        self
    }

    /// Fails the test unless each of the texts is in standard error.
    #[track_caller]
    pub(crate) fn complains(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "no {text:?}\n--- stdout\n{}\n--- stderr\n{}",
                self.stdout,
                self.stderr
            );
        }
        self
    }

    /// Returns what was told of the deployment itself: standard output from its publication on.
    #[track_caller]
    pub(crate) fn deployment(&self) -> Vec<&str> {
        self.line("Published distribution");
        self.stdout.lines().skip_while(|line| *line != "Published distribution").collect()
    }

    /// Reads standard output as one JSON event per line.
    #[track_caller]
    pub(crate) fn events(&self) -> Events {
        let event = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Events(self.stdout.lines().map(event).collect())
    }

    /// Reads standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}\n{}", self.stdout))
    }
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["attini", "home", "work"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        Self { root, variables: Vec::new() }
    }

    /// Sets an environment variable of everything that is run.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `ATTINI_HOME`.
    pub(crate) fn home(&self) -> PathBuf {
        self.root.path().join("attini")
    }

    /// The working directory.
    pub(crate) fn work(&self) -> PathBuf {
        self.root.path().join("work")
    }

    /// Copies a folder of the repository into the working directory under its own name, and returns where it is.
    pub(crate) fn project(&self, folder: &str) -> PathBuf {
        let source = repository().join(folder);
        let target = self.work().join(source.file_name().unwrap());
        copy(&source, &target);
        target
    }

    /// The program with its arguments, ready to run.
    pub(crate) fn command<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attini"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.root.path().join("home"))
            .env("USER", "tester")
            .env("ATTINI_HOME", self.home())
            .env("ATTINI_LOCAL", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn attini<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs `attini deploy run` on a project with an id and further arguments.
    pub(crate) fn deploy(&self, project: &Path, id: &str, more: &[&str]) -> Run {
        let arguments = ["deploy", "run", project.to_str().unwrap(), "-i", id];
        self.attini(arguments.iter().chain(more))
    }

    /// Returns the deployments of a distribution as `deploy history --json` lists them.
    #[track_caller]
    pub(crate) fn history(&self, environment: &str, distribution: &str) -> Vec<Value> {
        let run = self.attini(["deploy", "history", "-e", environment, "-n", distribution, "--json"]).exits(0);
        run.json().as_array().unwrap().clone()
    }

    /// Returns the output of a plan as `deploy output --json` prints it.
    #[track_caller]
    pub(crate) fn output(&self, environment: &str, distribution: &str) -> Value {
        self.attini(["deploy", "output", "-e", environment, "-n", distribution, "--json"]).exits(0).json()
    }

    /// Loads values into an environment with `attini local set`.
    #[track_caller]
    pub(crate) fn set_values(&self, environment: &str, values: &str) {
        let file = self.root.path().join("values.yaml");
        fs::write(&file, values).unwrap();
        self.attini(["local", "set", "-e", environment, file.to_str().unwrap()]).exits(0);
    }
}

/// Workers outlive the command that started them; those of a test must not outlive its home.
impl Drop for TestEnv {
    fn drop(&mut self) {
        for pid in self.workers() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _it_may_have_ended = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// Replaces a text in a file, which must be there.
#[track_caller]
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} has no {from:?}:\n{text}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn copy(source: &Path, target: &Path) {
    fs::create_dir_all(target).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let to = target.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
