use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::pin;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::signal::unix::{SignalKind, signal};

use crate::control::{Control, JobEnd, JobResult, Spec};
use crate::log::LOG_LIMIT_BYTES;
use crate::process::{Ended, Leftovers, Lines, Running, Script, Waits};

/// Runs one job to its end, whatever becomes of the runner that asked for it: the body of the process that
/// [`SupervisorCommand`](crate::SupervisorCommand) starts.
///
/// `folder` is the last argument of that command. The process leaves the session it was started in. It holds the lock that
/// it inherited as standard input until it ends, which is how others know that it lives. SIGTERM makes it end the job.
///
/// # Errors
///
/// When the files in the folder cannot be used; the runner finds out.
pub async fn supervise(folder: &Path) -> io::Result<()> {
    let control = Control::at(folder);
    // It is one already when whoever started this did so.
    let _already = rustix::process::setsid();
    let mut asked = signal(SignalKind::terminate())?;
    control.write_quickly("pid", &std::process::id().to_string())?;
    let spec = std::fs::read_to_string(control.path("spec.json"))?;
    let spec = Spec::parse(&spec).ok_or_else(|| io::Error::other("spec.json is damaged"))?;
    if !control.begin()? {
        return Ok(());
    }
    let mut output = Output::open(&control.path("output"))?;
    let mut lines = Lines::new(|line| output.line(line));
    let end = match run(&control, &spec, &mut asked, &mut lines).await {
        Ok(end) => end,
        Err(error) => JobEnd::Broken(error.to_string()),
    };
    let tail = lines.tail().map(str::to_owned).collect();
    drop(lines);
    // The result must not promise what a crash of the machine takes away.
    if spec.output.is_file() {
        File::open(&spec.output)?.sync_all()?;
    }
    control.write("result.json", &JobResult { end, tail }.render())
}

async fn run(
    control: &Control,
    spec: &Spec,
    asked: &mut tokio::signal::unix::Signal,
    lines: &mut Lines<'_>,
) -> io::Result<JobEnd> {
    let script = Script { shell: &spec.shell, file: &spec.file, dir: &spec.dir, environment: &spec.environment };
    let mut running = Running::start(&script).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot start {} in the job's folder: {error}", spec.shell.display()))
    })?;
    control.write_quickly("group", &running.process_group().to_string())?;
    let waits = Waits {
        timeout: spec.timeout,
        kill_grace: spec.kill_grace,
        halt_grace: spec.halt_grace,
        output_wait: spec.output_wait,
    };
    let halt = async {
        asked.recv().await;
    };
    match running.finish(&waits, Leftovers::End, pin!(halt), lines).await? {
        Ended::Exited(code) => Ok(JobEnd::Exited(code)),
        Ended::TimedOut => Ok(JobEnd::TimedOut),
        Ended::Halted(()) => Ok(JobEnd::Halted),
    }
}

/// What the job wrote, with times, up to the size of a log.
struct Output {
    file: File,
    bytes: usize,
}

impl Output {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        Ok(Self { file, bytes: 0 })
    }

    fn line(&mut self, text: &str) {
        // One line more than fits, so that who stores the log sees that it is cut.
        if self.bytes > LOG_LIMIT_BYTES {
            return;
        }
        self.bytes += text.len() + 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        // A full disk costs lines of the log, not the job.
        let _full = self.file.write_all(format!("{now} {text}\n").as_bytes());
    }
}
