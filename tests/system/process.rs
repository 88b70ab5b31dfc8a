//! The program while it runs: its lines as they come, its worker, and their violent end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Run, TestEnv};

/// Longer than anything here takes on a busy machine; whoever waits longer hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);

type Lines = Arc<(Mutex<Vec<String>>, Condvar)>;

/// A program that was started, and what it has printed so far.
pub(crate) struct Started {
    child: Child,
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
}

impl Started {
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Lines::default(), Lines::default());
        let readers = vec![
            read(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            read(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Self { child, stdout, stderr, readers }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits until a line of standard output is as wanted, or the program has ended without it.
    pub(crate) fn line(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.wait(|lines| lines.iter().find(|line| wanted(line)).cloned())
    }

    fn wait<T>(&self, found: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let started = Instant::now();
        let (lines, news) = &*self.stdout;
        let mut lines = lines.lock().unwrap();
        loop {
            if let Some(found) = found(&lines) {
                return Some(found);
            }
            let ended = self.readers[0].is_finished();
            if ended {
                return found(&lines);
            }
            assert!(started.elapsed() < LIMIT, "nothing comes after\n{}", lines.join("\n"));
            lines = news.wait_timeout(lines, Duration::from_millis(20)).unwrap().0;
        }
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal);
    }

    /// Waits for the end and returns what there was.
    #[track_caller]
    pub(crate) fn ended(mut self) -> Run {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > LIMIT {
                drop(self.child.kill());
                panic!("it does not end:\n{}\n--- stderr\n{}", text(&self.stdout), text(&self.stderr));
            }
            thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Run { code: status.code().unwrap_or(-1), stdout: text(&self.stdout), stderr: text(&self.stderr) }
    }
}

fn text(lines: &Lines) -> String {
    lines.0.lock().unwrap().iter().map(|line| format!("{line}\n")).collect()
}

fn read(source: impl Read + Send + 'static, lines: Lines) -> JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(source).split(b'\n') {
            let Ok(line) = line else { return };
            lines.0.lock().unwrap().push(String::from_utf8_lossy(&line).into_owned());
            lines.1.notify_all();
        }
    })
}

/// Sends a signal to a process, which may be gone already.
pub(crate) fn kill(pid: i32, signal: Signal) {
    let _gone = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Says whether a process is there and has not ended.
pub(crate) fn is_running(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < LIMIT, "still not: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

impl TestEnv {
    /// Starts the program.
    pub(crate) fn spawn<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Started {
        Started::of(self.command(arguments))
    }

    /// Runs the program to its end, and fails when it hangs.
    #[track_caller]
    pub(crate) fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Run {
        self.spawn(arguments).ended()
    }

    /// Returns the living workers of this home.
    pub(crate) fn worker_pids(&self) -> Vec<i32> {
        let home = format!("ATTINI_HOME={}\0", self.home().display());
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_worker = |pid: &i32| {
            let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            has(&read("cmdline"), "\0local\0worker\0") && has(&read("environ"), &home) && is_running(*pid)
        };
        pids.filter(is_worker).collect()
    }
}
