use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

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

/// Ends the jobs that a dead worker left in its `work` folder, as noted in `directory`. A process that only has the same
/// number is spared.
pub(super) fn kill_leftovers(work: &Path, directory: &Path) {
    kill_noted(directory);
    // The worker may have died between starting a job and noting it.
    for pid in processes_of(work) {
        let _already_gone = kill_process(pid, Signal::KILL);
    }
}

/// Returns the processes whose environment names a folder, which only jobs that were started with it do; none where the
/// system does not tell.
fn processes_of(folder: &Path) -> Vec<Pid> {
    let needle = format!("={}/", folder.display());
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let concerned = |pid: &i32| {
        // Processes of other users cannot be read, and cannot be ours.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.windows(needle.len()).any(|window| window == needle.as_bytes())
    };
    pids.filter(concerned).filter_map(Pid::from_raw).collect()
}

fn kill_noted(directory: &Path) {
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
