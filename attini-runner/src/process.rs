use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::time::{Instant, sleep_until, timeout};

/// Longest line kept in one piece; longer ones are split.
const LINE_LIMIT_BYTES: usize = 64 * 1024;
/// Lines of output that a failure quotes (runner.md 4.8).
const TAIL_LINES: usize = 20;

/// What to run.
#[derive(Debug)]
pub(crate) struct Script<'a> {
    pub(crate) shell: &'a Path,
    pub(crate) file: &'a Path,
    pub(crate) dir: &'a Path,
    pub(crate) environment: &'a BTreeMap<String, String>,
}

/// How long it may take.
#[derive(Debug)]
pub(crate) struct Waits {
    /// For the script, from the start of its process.
    pub(crate) timeout: Duration,
    /// Between SIGTERM and SIGKILL after the timeout.
    pub(crate) kill_grace: Duration,
    /// The same after a halt.
    pub(crate) halt_grace: Duration,
    /// For output after the shell's end.
    pub(crate) output_wait: Duration,
}

/// What becomes of processes that outlive a shell which ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leftovers {
    /// They end with it.
    End,
    /// They go on until the [`Running`] is dropped, unless they hold the output open: services that startup commands leave
    /// for jobs.
    Keep,
}

/// How a script ended.
#[derive(Debug)]
pub(crate) enum Ended<H> {
    /// By itself, with this code; 128 + signal for a signal.
    Exited(i32),
    /// It took too long.
    TimedOut,
    /// Because of a halt.
    Halted(H),
}

/// A script that runs. Dropping it ends the whole process group.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    group: Pid,
    output: ChildStdout,
    started: Instant,
}

impl Running {
    /// Starts the script in its own process group, with stdout and stderr in one pipe and nothing else inherited.
    pub(crate) fn start(script: &Script<'_>) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let child = Command::new(script.shell)
            .arg(script.file)
            .current_dir(script.dir)
            .env_clear()
            .envs(script.environment)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .spawn()?;
        let started = Instant::now();
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or_else(|| io::Error::other("the process has an impossible id"))?;
        let output = ChildStdout::from_std(OwnedFd::from(reader).into())?;
        Ok(Self { child: Some(child), group, output, started })
    }

    pub(crate) fn process_group(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits for the end. When this returns, nothing of the process group is left, except with [`Leftovers::Keep`].
    pub(crate) async fn finish<H>(
        &mut self,
        waits: &Waits,
        leftovers: Leftovers,
        mut halt: Pin<&mut (impl Future<Output = H> + ?Sized)>,
        lines: &mut Lines<'_>,
    ) -> io::Result<Ended<H>> {
        let mut exit = tokio::task::spawn_blocking({
            let group = self.group;
            move || wait_without_reaping(group)
        });
        let mut reading = Box::pin(read_lines(&mut self.output, lines));
        let (mut code, mut read) = (None, false);
        let ended = loop {
            tokio::select! {
                done = &mut exit => { code = Some(done??); break None; }
                () = &mut reading, if !read => read = true,
                () = sleep_until(self.started + waits.timeout) => break Some(Ended::TimedOut),
                why = &mut halt => break Some(Ended::Halted(why)),
            }
        };
        let grace = match ended {
            None => waits.output_wait,
            Some(Ended::Halted(_)) => waits.halt_grace,
            Some(_) => waits.kill_grace,
        };
        if ended.is_some() {
            signal(self.group, Signal::TERM)?;
        }
        let deadline = Instant::now() + grace;
        while !(code.is_some() && read) {
            tokio::select! {
                done = &mut exit, if code.is_none() => code = Some(done??),
                () = &mut reading, if !read => read = true,
                () = sleep_until(deadline) => break,
            }
        }
        if leftovers == Leftovers::End || ended.is_some() || !read {
            signal(self.group, Signal::KILL)?;
        }
        let code = match code {
            Some(code) => code,
            None => exit.await??,
        };
        if !read {
            // What the processes wrote before their end is in the pipe; one that left the group may hold it for ever.
            let last = waits.output_wait.min(Duration::from_millis(200));
            let _all_read_or_held_open = timeout(last, &mut reading).await;
        }
        drop(reading);
        lines.close();
        if leftovers == Leftovers::End
            && let Some(mut child) = self.child.take()
        {
            child.wait()?;
        }
        Ok(ended.unwrap_or(Ended::Exited(code)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Nobody is left to tell about a failure; a group that is gone already is fine.
            let _gone_or_killed = signal(self.group, Signal::KILL);
            std::thread::spawn(move || child.wait());
        }
    }
}

/// Waits for the end of the group's first process, leaves it in the process table, and returns its exit code.
///
/// As long as it stands there, its id, which is the group's, cannot be given to another process: signals reach the right group.
fn wait_without_reaping(process: Pid) -> io::Result<i32> {
    loop {
        match waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(status) => {
                let status = status.ok_or_else(|| io::Error::other("the process has not ended"))?;
                let signal = status.terminating_signal().map(|signal| 128 + signal);
                return Ok(status.exit_status().or(signal).unwrap_or(-1));
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn signal(group: Pid, signal: Signal) -> io::Result<()> {
    match kill_process_group(group, signal) {
        // A group of nothing but a process that has ended answers differently on different systems.
        Ok(()) | Err(rustix::io::Errno::SRCH | rustix::io::Errno::PERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

async fn read_lines(output: &mut ChildStdout, lines: &mut Lines<'_>) {
    let mut buffer = vec![0; 32 * 1024];
    // A pipe that cannot be read has nothing more to say, as one at its end.
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        lines.push(&buffer[..count]);
    }
}

/// Splits output into lines, hands them on, and keeps the last ones.
pub(crate) struct Lines<'a> {
    pending: Vec<u8>,
    tail: VecDeque<String>,
    each: Box<dyn FnMut(&str) + Send + 'a>,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(each: impl FnMut(&str) + Send + 'a) -> Self {
        Self { pending: Vec::new(), tail: VecDeque::new(), each: Box::new(each) }
    }

    /// Returns the last lines, oldest first.
    pub(crate) fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    fn push(&mut self, mut bytes: &[u8]) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(&bytes[..end]);
            self.emit();
            bytes = &bytes[end + 1..];
        }
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= LINE_LIMIT_BYTES {
            self.emit();
        }
    }

    fn close(&mut self) {
        if !self.pending.is_empty() {
            self.emit();
        }
    }

    fn emit(&mut self) {
        let bytes = self.pending.strip_suffix(b"\r").unwrap_or(&self.pending);
        let line = String::from_utf8_lossy(bytes).into_owned();
        self.pending.clear();
        (self.each)(&line);
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_and_the_last_ones_kept() {
        let mut seen = Vec::new();
        let mut lines = Lines::new(|line| seen.push(line.to_owned()));
        lines.push(b"a\r\nb");
        lines.push(b"c\n\n\xff");
        lines.close();
        lines.close();
        assert_eq!(lines.tail().collect::<Vec<_>>(), ["a", "bc", "", "\u{fffd}"]);
        for number in 0..30 {
            lines.push(format!("{number}\n").as_bytes());
        }
        assert_eq!(lines.tail().count(), TAIL_LINES);
        assert_eq!(lines.tail().last(), Some("29"));
        drop(lines);
        assert_eq!(seen.len(), 34);
    }

    #[test]
    fn a_line_without_end_does_not_grow_for_ever() {
        let mut count = 0;
        let mut lines = Lines::new(|_| count += 1);
        for _ in 0..10 {
            lines.push(&[b'x'; 32 * 1024]);
        }
        drop(lines);
        assert_eq!(count, 5);
    }
}
