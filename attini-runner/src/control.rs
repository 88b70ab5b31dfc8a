use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attini_core::runner::JobMessage;
use serde_json::{Value, json};

use crate::files::{path_part, private_folder};

/// The folder through which a runner and the supervisor of one job speak; it outlives both.
///
/// It is not the job's own folder, because it holds the job's message with the token. What is in it, in the order it comes:
/// `message.json` (the runner took the job), `spec.json` (what to run), `lock` (held by the living supervisor), `pid`,
/// `begun` (from here on the job must not be started again), `group` (its process group), `output` (one line each, after
/// its time), `result.json` (complete or not there), `stored` (how many lines are in the job's log).
#[derive(Debug, Clone)]
pub(crate) struct Control {
    folder: PathBuf,
}

/// What a supervisor runs.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) shell: PathBuf,
    pub(crate) file: PathBuf,
    pub(crate) dir: PathBuf,
    /// Where the job leaves its output.
    pub(crate) output: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    pub(crate) kill_grace: Duration,
    pub(crate) halt_grace: Duration,
    pub(crate) output_wait: Duration,
}

/// How a job ended, as its supervisor says, and the last lines of what it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobResult {
    pub(crate) end: JobEnd,
    pub(crate) tail: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JobEnd {
    Exited(i32),
    TimedOut,
    /// The supervisor was asked to end it.
    Halted,
    /// It could not be started or followed.
    Broken(String),
}

/// Returns the name of the folders of a job: readable, and different for every attempt of a step.
pub(crate) fn job_name(job: &JobMessage) -> String {
    let mark = job_mark(&job.dedup_id());
    format!("{}_{}_{mark}", path_part(&job.distribution_name), path_part(job.step.as_str()))
}

fn job_mark(dedup_id: &str) -> String {
    dedup_id.chars().take(20).collect()
}

impl Control {
    /// Keeps a job that is about to be taken off its queue: from now on it is not forgotten. A crash of the machine may take
    /// the folder; then the job is lost, which is as true as it is said.
    pub(crate) fn hold(parent: &Path, job: &JobMessage, message: &str) -> io::Result<Self> {
        let folder = parent.join(job_name(job));
        private_folder(&folder)?;
        let control = Self { folder };
        control.write_quickly("message.json", message)?;
        Ok(control)
    }

    /// Returns where a job is, or would be, kept.
    pub(crate) fn of(parent: &Path, job: &JobMessage) -> Self {
        Self { folder: parent.join(job_name(job)) }
    }

    /// Takes the folder that a supervisor was given.
    pub(crate) fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns all jobs that are kept, with their messages.
    pub(crate) fn list(parent: &Path) -> Vec<(Self, String)> {
        let entries = fs::read_dir(parent).into_iter().flatten().flatten();
        let mut held: Vec<_> = entries
            .map(|entry| Self { folder: entry.path() })
            // Without a message it was not taken off its queue.
            .filter_map(|control| Some((control.clone(), fs::read_to_string(control.path("message.json")).ok()?)))
            .collect();
        held.sort_by(|(a, _), (b, _)| a.folder.cmp(&b.folder));
        held
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn is_held(&self) -> bool {
        self.path("message.json").exists()
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.path("begun").exists()
    }

    /// Marks, once and for good, that the job is started; says `false` when somebody else did before.
    pub(crate) fn begin(&self) -> io::Result<bool> {
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path("begun")) {
            Ok(file) => {
                // Not even a crash of the machine may make anybody begin it again.
                file.sync_all()?;
                File::open(&self.folder)?.sync_all()?;
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn open_lock(&self) -> io::Result<File> {
        OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(self.path("lock"))
    }

    /// Takes the lock, to be handed to a supervisor; `None` while one lives.
    pub(crate) fn lock(&self) -> io::Result<Option<File>> {
        let file = self.open_lock()?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Waits, in this thread, until no supervisor lives.
    pub(crate) fn wait_until_free(&self) -> io::Result<()> {
        let file = self.open_lock()?;
        loop {
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes a small file: whoever reads it sees all of it or nothing, also after a crash of the machine, which may take it.
    pub(crate) fn write(&self, name: &str, content: &str) -> io::Result<()> {
        let new = self.path(&format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, self.path(name))
    }

    /// As [`Self::write`], without waiting for the disk: for what can be done without after a crash of the machine.
    pub(crate) fn write_quickly(&self, name: &str, content: &str) -> io::Result<()> {
        let new = self.path(&format!("{name}.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(content.as_bytes())?;
        fs::rename(&new, self.path(name))
    }

    /// Returns the number in a file; `None` when it is not there or not complete.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        fs::read_to_string(self.path(name)).ok()?.trim().parse().ok()
    }

    /// Returns how the job ended, once that is known.
    pub(crate) fn result(&self) -> io::Result<Option<JobResult>> {
        match fs::read_to_string(self.path("result.json")) {
            Ok(text) => JobResult::parse(&text).map(Some).ok_or_else(|| io::Error::other("result.json is damaged")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Forgets the job.
    pub(crate) fn remove(&self) -> io::Result<()> {
        // First, so that a folder which is only half removed is not taken for a job.
        for name in ["message.json", ""] {
            let path = self.path(name);
            let removed = if name.is_empty() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Says whether a runner with this folder keeps the job with this id ([`attini_core::runner::job_dedup_id`]).
#[must_use]
pub fn is_held(runner: &Path, dedup_id: &str) -> bool {
    let mark = job_mark(dedup_id);
    Control::list(&runner.join(HELD))
        .iter()
        .any(|(control, _)| control.folder.file_name().is_some_and(|name| name.to_string_lossy().ends_with(&mark)))
}

/// Name of the folder of a runner with what it keeps of its jobs.
pub(crate) const HELD: &str = "held";

impl Spec {
    pub(crate) fn render(&self) -> String {
        let ms = |wait: Duration| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        json!({
            "shell": self.shell, "file": self.file, "dir": self.dir, "output": self.output,
            "environment": self.environment, "timeout": ms(self.timeout), "killGrace": ms(self.kill_grace),
            "haltGrace": ms(self.halt_grace), "outputWait": ms(self.output_wait),
        })
        .to_string()
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let path = |name: &str| Some(PathBuf::from(value.get(name)?.as_str()?));
        let wait = |name: &str| Some(Duration::from_millis(value.get(name)?.as_u64()?));
        let environment = value.get("environment")?.as_object()?.iter();
        Some(Self {
            shell: path("shell")?,
            file: path("file")?,
            dir: path("dir")?,
            output: path("output")?,
            environment: environment
                .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
                .collect::<Option<_>>()?,
            timeout: wait("timeout")?,
            kill_grace: wait("killGrace")?,
            halt_grace: wait("haltGrace")?,
            output_wait: wait("outputWait")?,
        })
    }
}

impl JobResult {
    pub(crate) fn render(&self) -> String {
        let mut value = match &self.end {
            JobEnd::Exited(code) => json!({"end": "exited", "code": code}),
            JobEnd::TimedOut => json!({"end": "timedOut"}),
            JobEnd::Halted => json!({"end": "halted"}),
            JobEnd::Broken(cause) => json!({"end": "broken", "cause": cause}),
        };
        if let Value::Object(fields) = &mut value {
            fields.insert("tail".to_owned(), json!(self.tail));
        }
        value.to_string()
    }

    fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let end = match value.get("end")?.as_str()? {
            "exited" => JobEnd::Exited(i32::try_from(value.get("code")?.as_i64()?).ok()?),
            "timedOut" => JobEnd::TimedOut,
            "halted" => JobEnd::Halted,
            "broken" => JobEnd::Broken(value.get("cause")?.as_str()?.to_owned()),
            _ => return None,
        };
        let tail = value.get("tail")?.as_array()?.iter().map(|line| line.as_str().map(str::to_owned));
        Some(Self { end, tail: tail.collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_begins_once() {
        let dir = tempfile::tempdir().expect("creates");
        let control = Control::at(dir.path());
        assert!(!control.has_begun());
        assert!(control.begin().expect("writes"));
        assert!(!control.begin().expect("looks"));
        assert!(control.has_begun());
    }

    #[test]
    fn the_lock_has_one_holder() {
        let dir = tempfile::tempdir().expect("creates");
        let control = Control::at(dir.path());
        let held = control.lock().expect("asks").expect("is free");
        assert!(control.lock().expect("asks").is_none());
        drop(held);
        control.wait_until_free().expect("waits");
    }

    #[test]
    fn results_are_read_as_written_and_never_by_halves() {
        let dir = tempfile::tempdir().expect("creates");
        let control = Control::at(dir.path());
        assert_eq!(control.result().expect("looks"), None);
        for end in [JobEnd::Exited(-1), JobEnd::TimedOut, JobEnd::Halted, JobEnd::Broken("x".to_owned())] {
            let result = JobResult { end, tail: vec!["a".to_owned(), String::new()] };
            control.write("result.json", &result.render()).expect("writes");
            assert_eq!(control.result().expect("reads"), Some(result));
        }
        fs::write(control.path("result.json"), "{\"end\": \"exi").expect("writes");
        assert!(control.result().is_err());
    }
}
