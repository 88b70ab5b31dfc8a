use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use attini_core::port::LogLine;
use attini_core::value::Timestamp;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, sleep_until};

use crate::control::{Control, HELD, JobResult};
use crate::leftovers::{end_processes_of, end_processes_with, is_of_others};

/// How to start the supervisor of a job: a program that calls [`supervise`](crate::supervise()) with its last argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupervisorCommand {
    /// The program.
    pub program: PathBuf,
    /// Its arguments; the folder comes after them.
    pub arguments: Vec<String>,
}

/// Shortest and longest wait between two looks at what a job has written.
const LOOK: (Duration, Duration) = (Duration::from_millis(4), Duration::from_millis(40));

/// What is seen of a supervised job until its supervisor is gone.
#[derive(Debug)]
pub(crate) enum Seen<H> {
    /// The supervisor is gone; this is the result that it left, if it left one.
    Gone(Option<JobResult>),
    /// The job was ended because of a halt.
    Halted(H),
}

/// Starts a supervisor for a job, which gets the lock of the job's folder.
pub(crate) fn start(control: &Control, command: &SupervisorCommand, lock: File) -> io::Result<Child> {
    let mut process = Command::new(&command.program);
    process.args(&command.arguments).arg(control.folder()).env_clear().current_dir("/");
    // The lock is the supervisor's from its first moment, even if this process ends before that has looked around.
    process.stdin(lock).stdout(Stdio::null()).stderr(Stdio::null());
    process.spawn()
}

/// Hands on what a job writes until its supervisor is gone.
pub(crate) async fn watch<H>(
    control: &Control,
    child: Option<Child>,
    patience: Duration,
    mut halt: Pin<&mut (impl Future<Output = H> + ?Sized)>,
    each: &mut (dyn FnMut(LogLine) + Send),
) -> io::Result<Seen<H>> {
    let mut gone = gone(control.clone(), child);
    let mut tail = Tail::new(&control.path("output"));
    let (mut pause, mut halted, mut asked) = (LOOK.0, None, false);
    let mut deadline = Instant::now();
    loop {
        tokio::select! {
            ended = &mut gone => {
                ended.unwrap_or_else(|_| Err(io::Error::other("the thread that waits for the job is gone")))?;
                tail.read(each)?;
                break;
            }
            why = &mut halt, if halted.is_none() => {
                halted = Some(why);
                deadline = Instant::now() + patience;
            }
            () = sleep_until(deadline), if halted.is_some() && asked => {
                end(control);
                // The lock comes free now; that is waited for above.
                deadline = Instant::now() + patience;
            }
            () = sleep(pause) => {
                pause = if tail.read(each)? { LOOK.0 } else { (pause * 2).min(LOOK.1) };
            }
        }
        // It says who it is a moment after its start.
        if halted.is_some() && !asked {
            asked = ask(control) || Instant::now() > deadline;
        }
    }
    match halted {
        Some(why) => {
            end(control);
            Ok(Seen::Halted(why))
        }
        None => Ok(Seen::Gone(control.result()?)),
    }
}

/// Returns when no supervisor lives any more. The waiting thread ends with the supervisor or with this process.
fn gone(control: Control, child: Option<Child>) -> oneshot::Receiver<io::Result<()>> {
    let (send, receive) = oneshot::channel();
    std::thread::spawn(move || {
        let mut free = control.wait_until_free();
        if let Some(mut child) = child {
            free = free.and(child.wait().map(drop));
        }
        // Nobody waits when the runner has ended.
        let _nobody = send.send(free);
    });
    receive
}

/// Asks the supervisor to end the job; says whether there is one that can be asked.
fn ask(control: &Control) -> bool {
    // While the lock is held the number is its holder's.
    if matches!(control.lock(), Ok(None))
        && let Some(pid) = control.number("pid").and_then(Pid::from_raw)
    {
        return kill_process(pid, Signal::TERM).is_ok();
    }
    false
}

/// Ends a supervisor that is left and everything of its job.
pub(crate) fn end(control: &Control) {
    if matches!(control.lock(), Ok(None))
        && let Some(pid) = control.number("pid").and_then(Pid::from_raw)
    {
        let _just_gone = kill_process(pid, Signal::KILL);
        // So that it writes no result after this.
        let _unlocked = control.wait_until_free();
    }
    end_job(control);
}

/// Ends what a supervisor that is gone has left of its job.
pub(crate) fn end_job(control: &Control) {
    let known = control.result().is_ok_and(|result| result.is_some());
    let folder = control.folder();
    let Some((runner, name)) = folder.parent().and_then(Path::parent).zip(folder.file_name()) else { return };
    let job = runner.join("jobs").join(name);
    // The number of a group that is gone may be somebody else's by now.
    let group = control.number("group").filter(|group| !known && !is_of_others(*group, &job));
    if let Some(group) = group.and_then(Pid::from_raw) {
        let _gone = kill_process_group(group, Signal::KILL);
    }
    // The supervisor may have died between starting the job and noting its group, or even before the new process had become
    // the job.
    end_processes_with(folder);
    end_processes_of(&job, |_| true);
}

/// Ends all jobs that a runner with this folder has left, and their supervisors.
pub fn end_jobs(runner: &Path) {
    for (control, _) in Control::list(&runner.join(HELD)) {
        end(&control);
    }
}

/// Reads what a supervisor writes.
struct Tail {
    path: PathBuf,
    file: Option<File>,
    pending: Vec<u8>,
}

impl Tail {
    fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, pending: Vec::new() }
    }

    /// Hands on the lines that are new, and says whether there were any.
    fn read(&mut self, each: &mut (dyn FnMut(LogLine) + Send)) -> io::Result<bool> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(0))?;
                    self.file = Some(file);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        let Some(file) = &mut self.file else { return Ok(false) };
        let before = self.pending.len();
        file.read_to_end(&mut self.pending)?;
        if self.pending.len() == before {
            return Ok(false);
        }
        let complete = self.pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in self.pending.drain(..complete).as_slice().split_inclusive(|byte| *byte == b'\n') {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
            let (time, text) = text.split_once(' ').unwrap_or(("", &text));
            each(LogLine { time: Timestamp::from_ms(time.parse().unwrap_or(0)), text: text.to_owned() });
        }
        Ok(true)
    }
}
