use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// So often is looked again for what was killed and is not gone yet, or was just being started: about a second.
const LOOKS: u32 = 200;

/// Ends the processes whose environment names a folder as a value's beginning, which only those do that were started with
/// it, if `wanted` says so of that environment (`NAME=value` and a zero byte each), and returns when they are gone. None
/// where the system does not tell.
pub fn end_processes_of(folder: &Path, wanted: impl Fn(&[u8]) -> bool) {
    let needle = format!("={}/", folder.display());
    end_all("environ", |environment| contains(environment, needle.as_bytes()) && wanted(environment));
}

/// Ends the processes that have an argument of this text: supervisors, and what they were just about to become.
pub(crate) fn end_processes_with(argument: &Path) {
    let needle = format!("\0{}\0", argument.display());
    end_all("cmdline", |arguments| contains(arguments, needle.as_bytes()));
}

/// Says whether a process is there that was not started with a variable whose value begins with the folder.
pub(crate) fn is_of_others(pid: i32, folder: &Path) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    !environment.is_empty() && !contains(&environment, format!("={}", folder.display()).as_bytes())
}

fn end_all(file: &str, wanted: impl Fn(&[u8]) -> bool) {
    for _ in 0..LOOKS {
        let Ok(entries) = fs::read_dir("/proc") else { return };
        let mut found = false;
        for pid in entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
            // Processes of other users cannot be read, and cannot be ours. Those that are gone but not waited for are empty.
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            if let Some(pid) = Pid::from_raw(pid).filter(|_| wanted(&text)) {
                found = true;
                let _already_gone = kill_process(pid, Signal::KILL);
            }
        }
        if !found {
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}
