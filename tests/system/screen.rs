//! What a person sees on a terminal.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::eventually;
use crate::support::TestEnv;

/// A terminal of a multiplexer, which is the only thing that shows what a person sees.
pub(crate) struct Screen {
    socket: PathBuf,
}

impl Screen {
    /// Returns `None` when there is no multiplexer on this machine.
    pub(crate) fn of(env: &TestEnv, columns: u32, rows: u32) -> Option<Self> {
        let screen = Self { socket: env.work().join(format!("tmux-{columns}")) };
        let program = env.command::<&str>([]);
        let mut start = screen.tmux();
        start.args(["new-session", "-d", "-s", "s", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        start.args(["-c", env.work().to_str().unwrap(), "env", "-i"]);
        for (name, value) in program.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?))) {
            start.arg(format!("{name}={value}"));
        }
        start.args(["TERM=screen", "LANG=C.UTF-8", "PS1=$ ", "bash", "--norc", "--noprofile"]);
        start.status().is_ok_and(|status| status.success()).then_some(screen)
    }

    fn tmux(&self) -> Command {
        let mut command = Command::new("tmux");
        command.args(["-u", "-f", "/dev/null", "-S"]).arg(&self.socket);
        command
    }

    pub(crate) fn types(&self, keys: &[&str]) {
        assert!(self.tmux().args(["send-keys", "-t", "s"]).args(keys).status().unwrap().success());
    }

    pub(crate) fn text(&self) -> String {
        let output = self.tmux().args(["capture-pane", "-p", "-t", "s"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn shows(&self, text: &str) {
        eventually(&format!("the screen shows {text:?}"), || {
            std::thread::sleep(Duration::from_millis(20));
            self.text().contains(text)
        });
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.tmux().arg("kill-server").status());
    }
}
