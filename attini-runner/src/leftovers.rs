use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Ends the processes whose environment names a folder as a value's beginning, which only those do that were started with
/// it, if `wanted` says so of that environment (`NAME=value` and a zero byte each). None where the system does not tell.
pub fn end_processes_of(folder: &Path, wanted: impl Fn(&[u8]) -> bool) {
    let needle = format!("={}/", folder.display());
    let Ok(entries) = fs::read_dir("/proc") else { return };
    for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        // Processes of other users cannot be read, and cannot be ours.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let names_it = environment.windows(needle.len()).any(|window| window == needle.as_bytes());
        if let Some(pid) = Pid::from_raw(pid).filter(|_| names_it && wanted(&environment)) {
            let _already_gone = kill_process(pid, Signal::KILL);
        }
    }
}
