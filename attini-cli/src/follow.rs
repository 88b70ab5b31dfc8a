//! Following a deployment on a terminal, in a log or as JSON lines (cli.md 11).

mod json;
mod text;

use std::time::Duration;

use attini_core::follow::{DeploymentRef, Ending, Failure, FollowEvent, FollowOptions, FollowPorts};
use attini_core::inventory::Outcome;
use attini_core::port::BoxError;
use tokio::sync::mpsc;

use crate::context::Context;
use crate::error::{CommandError, ErrorKind};
use crate::ui::DIM;
use text::TextView;

/// What is followed, in a person's words.
#[derive(Debug, Clone)]
pub(crate) struct Followed {
    /// Which deployment.
    pub deployment: DeploymentRef,
    /// Its environment.
    pub environment: String,
    /// Its distribution.
    pub distribution: String,
    /// Its id, when known.
    pub id: Option<String>,
}

impl Followed {
    /// Returns the command line that follows this deployment again.
    pub(crate) fn resume_line(&self, ctx: &Context<'_>) -> String {
        let mut words = vec!["deploy", "describe", "-n", &self.distribution, "-e", &self.environment];
        if let Some(id) = &self.id {
            words.extend(["-i", id]);
        }
        ctx.command_line(&words)
    }

    /// Returns the command line that goes on with this deployment when it was interrupted.
    fn go_on_line(&self, ctx: &Context<'_>) -> String {
        ctx.command_line(&["deploy", "resume", "-n", &self.distribution, "-e", &self.environment])
    }

    /// Returns the command line that shows what the plan returned.
    fn output_line(&self, ctx: &Context<'_>) -> String {
        let mut words = vec!["deploy", "output", "-n", &self.distribution, "-e", &self.environment];
        if let Some(id) = &self.id {
            words.extend(["-i", id]);
        }
        ctx.command_line(&words)
    }

    /// Returns the command line that answers a waiting step.
    fn answer_line(&self, ctx: &Context<'_>, step: &str) -> String {
        ctx.command_line(&[
            "deploy",
            "continue",
            "-n",
            &self.distribution,
            "-e",
            &self.environment,
            "--step-name",
            step,
        ])
    }
}

/// Follows a deployment to its end.
///
/// # Errors
///
/// The failure of the deployment; [`ErrorKind::Interrupted`] after Ctrl-C, which leaves the deployment running.
pub(crate) async fn follow(
    ctx: &mut Context<'_>,
    ports: &FollowPorts,
    followed: &Followed,
) -> Result<(), CommandError> {
    let (send, mut events) = mpsc::unbounded_channel();
    // The receiver lives as long as the sender, so nothing is lost.
    let mut emit = move |event: FollowEvent| drop(send.send(event));
    let options = FollowOptions::default();
    let following = attini_core::follow::follow(ports, &followed.deployment, options, &mut emit, &|| false);
    tokio::pin!(following);
    let interrupt = tokio::signal::ctrl_c();
    tokio::pin!(interrupt);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut view = TextView::default();
    let ending = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => show(ctx, &mut view, followed, &event)?,
            pressed = &mut interrupt => {
                pressed?;
                return Err(interrupted(ctx, followed)?);
            }
            ending = &mut following => break ending?,
            _ = tick.tick(), if ctx.ui.terminal.live => {
                let now = (ctx.ui.now)();
                let line = view.live_line(now);
                ctx.ui.live(&line)?;
            }
        }
    };
    while let Ok(event) = events.try_recv() {
        show(ctx, &mut view, followed, &event)?;
    }
    ctx.ui.erase_live()?;
    match ending {
        Ending::Succeeded if view.has_output() => {
            let line = followed.output_line(ctx);
            let line = ctx.ui.paint(DIM, &format!("See what it returned: {line}"));
            ctx.ui.line(&line)
        }
        Ending::Succeeded | Ending::Stopped => Ok(()),
        Ending::Failed(failure) => Err(failed(ctx, ports, followed, failure)),
    }
}

fn show(
    ctx: &mut Context<'_>,
    view: &mut TextView,
    followed: &Followed,
    event: &FollowEvent,
) -> Result<(), CommandError> {
    let answer = |step: &str| followed.answer_line(ctx, step);
    if ctx.ui.is_json() {
        for (name, data) in json::lines(event, &answer) {
            ctx.ui.event(event.at.as_ms(), name, &data)?;
        }
        return Ok(());
    }
    for line in view.lines(event, &answer, ctx.ui) {
        ctx.ui.line(&line)?;
    }
    Ok(())
}

fn interrupted(ctx: &mut Context<'_>, followed: &Followed) -> Result<CommandError, CommandError> {
    let line = followed.resume_line(ctx);
    ctx.ui.message("stoppedFollowing", "Stopped following; the deployment goes on")?;
    ctx.ui.hint(&format!("follow it again: {line}"))?;
    Ok(CommandError::new(ErrorKind::Interrupted, "stopped following").told())
}

/// A failed deployment as an error whose causes end at the first one.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct DeploymentFailed {
    what: String,
    source: Option<BoxError>,
}

fn failed(ctx: &Context<'_>, ports: &FollowPorts, followed: &Followed, failure: Failure) -> CommandError {
    if failure.code.eq_ignore_ascii_case(Outcome::Interrupted.as_str()) {
        let what = format!("deployment of `{}` to `{}` was interrupted", followed.distribution, followed.environment);
        return CommandError::execution(DeploymentFailed { what, source: Some(failure.message.into()) })
            .hint(format!("go on where it was: {}", followed.go_on_line(ctx)));
    }
    let (distribution, environment) = (&followed.distribution, &followed.environment);
    let place = failure.step.map(|step| format!(" in step `{step}`")).unwrap_or_default();
    let what = format!("deployment of `{distribution}` to `{environment}` failed{place}");
    let caused_by = |first: String| CommandError::execution(DeploymentFailed { what, source: Some(first.into()) });
    let Some(first) = failure.first_cause else {
        return caused_by(if failure.message.contains(&failure.code) {
            failure.message
        } else {
            format!("{}: {}", failure.code, failure.message)
        });
    };
    let Some(log) = first.log else {
        // Where no hint says what to do, the details do, such as the lines to add to a file.
        let details = first.details.into_iter().filter(|_| first.hint.is_none());
        let lines: Vec<String> = std::iter::once(first.message).chain(details).collect();
        let error = caused_by(lines.join("\n"));
        return first.hint.into_iter().fold(error, CommandError::hint);
    };
    // The output itself was shown line by line.
    let whole = match ports.logs.place(&log) {
        Some(file) => format!("see all of its output again with {}, or in {file}", followed.resume_line(ctx)),
        None => format!("see all of its output again with {}", followed.resume_line(ctx)),
    };
    first.hint.into_iter().fold(caused_by(first.message), CommandError::hint).hint(whole)
}
