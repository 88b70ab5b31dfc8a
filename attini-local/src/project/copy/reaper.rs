//! Doing what is to be done when this process ends without doing it.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const REMOVE: &str = "rm -rf -- \"$1\"";

/// A shell that runs a script if this process ends, even by Ctrl-C or a kill, before the value is dropped.
#[derive(Debug)]
pub(in crate::project) struct Reaper {
    shell: Child,
}

impl Reaper {
    /// Takes care of a folder. Returns `None` where no shell can be started; then a killed process leaves its folder behind.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        Self::with(REMOVE, [folder])
    }

    /// Takes a script and its arguments. Returns `None` where no shell can be started; then a killed process does nothing.
    pub(in crate::project) fn with<A: AsRef<OsStr>>(script: &str, args: impl IntoIterator<Item = A>) -> Option<Self> {
        // It waits for a line; the end of its input without one is the end of the process that held the other side.
        let script = format!("read -r line && exit\n{script}");
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script).arg("attini-reaper").args(args).current_dir("/");
        // In a group of its own, because the terminal sends Ctrl-C to the whole group of this process.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        Some(Self { shell: command.spawn().ok()? })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        // A shell that is gone already needs no word.
        if let Some(mut input) = self.shell.stdin.take() {
            let _ = input.write_all(b"\n");
        }
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use super::*;

    #[test]
    fn the_folder_goes_with_the_process_and_stays_with_a_word() {
        let (gone, stays) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(gone.path().join("a"), "").unwrap();
        let mut reaper = Reaper::of(gone.path()).unwrap();
        // What the end of this process does.
        drop(reaper.shell.stdin.take());
        reaper.shell.wait().unwrap();
        assert!(!gone.path().exists());
        drop(Reaper::of(stays.path()).unwrap());
        assert!(stays.path().exists());
    }
}
