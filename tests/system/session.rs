//! The program running beside a test: what it prints is there line by line while it runs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::support::{Run, TestEnv};

/// So long a test waits for something that must come.
const DEADLINE: Duration = Duration::from_secs(60);

/// A run of the program that has not ended.
pub(crate) struct Session {
    child: Child,
    lines: Receiver<String>,
    stderr: JoinHandle<String>,
    seen: String,
}

impl TestEnv {
    /// Starts the program and returns while it runs.
    pub(crate) fn start<S: AsRef<std::ffi::OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Session {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // Ends with the program, whose end of the pipe is the only one.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Session { child, lines, stderr, seen: String::new() }
    }
}

impl Session {
    /// Waits for a line that contains a text and returns it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {text:?} came: {error}\n{}", self.seen),
            }
        }
    }

    /// Waits for the end of the program.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Run {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push_str(&line);
                    self.seen.push('\n');
                }
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => {
                    self.child.kill().unwrap();
                    panic!("the program does not end: {error}\n{}", self.seen);
                }
            }
        }
        let status = self.child.wait().unwrap();
        Run { code: status.code().unwrap_or(-1), stdout: self.seen, stderr: self.stderr.join().unwrap() }
    }
}
