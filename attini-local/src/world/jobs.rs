use std::fs;
use std::path::{Path, PathBuf};

use attini_runner::{end_jobs, end_processes_of, is_held};
use rustix::process::{Pid, Signal, kill_process_group};

/// Name of the folder in which a worker notes the jobs that end with it; no name of a runner has a point.
const NOTES: &str = ".notes";

/// Directory in which a worker notes the processes of jobs without a supervisor.
pub(super) fn notes_directory(work: &Path) -> PathBuf {
    work.join(NOTES)
}

/// Notes a job's process group, so that it can be ended after a crash.
pub(super) fn note_job(directory: &Path, group: i32) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    fs::write(directory.join(group.to_string()), start_time(group).unwrap_or_default())
}

/// Forgets a job that has ended.
pub(super) fn forget_job(directory: &Path, group: i32) {
    // A note that stays is harmless: the process it names is gone, or is another one with another start time.
    drop(fs::remove_file(directory.join(group.to_string())));
}

/// Ends what a dead worker left in its `work` folder that nobody can take up: jobs without a supervisor, and what the
/// runners' startup commands started. A process that only has the same number is spared.
pub(super) fn end_orphans(work: &Path) {
    // As the environments of jobs spell it.
    let Ok(work) = work.canonicalize() else { return };
    end_noted(&notes_directory(&work));
    let held: Vec<Vec<u8>> =
        runners(&work).iter().map(|runner| format!("={}/", runner.join("jobs").display()).into_bytes()).collect();
    // Variables of jobs name their own folders; those of startup commands name the runner's.
    let is_job =
        |environment: &[u8]| held.iter().any(|needle| environment.windows(needle.len()).any(|window| window == needle));
    end_processes_of(&work, |environment| !is_job(environment));
}

/// Ends everything that a dead worker left in its `work` folder.
pub(super) fn end_everything(work: &Path) {
    let Ok(work) = work.canonicalize() else { return };
    end_noted(&notes_directory(&work));
    for runner in runners(&work) {
        end_jobs(&runner);
    }
    end_processes_of(&work, |_| true);
    drop(fs::remove_dir_all(&work));
}

/// Says whether a runner below this folder keeps the job with this id.
pub(super) fn holds_job(work: &Path, id: &str) -> bool {
    runners(work).iter().any(|runner| is_held(runner, id))
}

fn runners(work: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(work).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.file_name().is_some_and(|name| name != NOTES)).collect()
}

fn end_noted(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let group = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let noted = fs::read_to_string(entry.path()).unwrap_or_default();
        if let Some((group, pid)) = group.and_then(|group| Some((group, Pid::from_raw(group)?))) {
            let same = !noted.is_empty() && start_time(group).as_deref() == Some(noted.as_str());
            // The leader may be gone while its children go on; then its number cannot have been given away either.
            let leaderless = start_time(group).is_none();
            if same || leaderless {
                let _already_gone = kill_process_group(pid, Signal::KILL);
            }
        }
        drop(fs::remove_file(entry.path()));
    }
}

/// Returns when a process started, in the system's own unit; `None` when there is none or the system does not tell.
fn start_time(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold blanks; what follows it has fixed positions (proc(5), field 22).
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19).map(str::to_owned)
}
