use std::future::pending;
use std::path::Path;
use std::pin::pin;

use attini_core::runner::{failure_cause, startup_environment};

use crate::backoff::with_causes;
use crate::files::{joined, startup_script};
use crate::job::timed_out;
use crate::process::{Ended, Leftovers, Lines, Running, Script, Waits};
use crate::runner::Shared;

impl Shared {
    /// Runs the startup commands; services that they leave go on until the returned value is dropped (runner.md 4.2).
    ///
    /// Says why they failed. Dropping the future ends them.
    pub(crate) async fn run_startup(&self) -> Result<Option<Running>, String> {
        let startup = &self.config.record.startup;
        if startup.commands.is_empty() {
            return Ok(None);
        }
        let file = startup_script(&self.folders.work, &startup.commands).map_err(|error| with_causes(&error))?;
        let environment = joined([self.base_environment(), startup_environment(&self.config.record)]);
        let path: &Path = &file;
        let script = Script { shell: &self.shell, file: path, dir: &self.folders.work, environment: &environment };
        let mut running =
            Running::start(&script).map_err(|error| format!("cannot start {}: {error}", self.shell.display()))?;
        let limits = &self.config.limits;
        let waits = Waits {
            timeout: startup.timeout(),
            kill_grace: limits.kill_grace,
            halt_grace: limits.stop_kill_grace,
            output_wait: limits.output_wait,
        };
        let mut lines = Lines::new(|line| self.ports.observer.output(None, line));
        let ended = running.finish(&waits, Leftovers::Keep, pin!(pending::<()>()), &mut lines).await;
        let failure = |what: String| Err(failure_cause(&what, lines.tail()));
        match ended {
            Ok(Ended::Exited(0) | Ended::Halted(())) => Ok(Some(running)),
            Ok(Ended::Exited(code)) => {
                let what = format!("Startup script finished with exit code = {code}");
                failure(match &self.config.log_url {
                    Some(url) => format!("{what}. See complete logs at: {url}"),
                    None => what,
                })
            }
            Ok(Ended::TimedOut) => failure(self.with_log_url(&timed_out(startup.timeout()))),
            Err(error) => Err(format!("cannot follow the startup script: {error}")),
        }
    }
}
