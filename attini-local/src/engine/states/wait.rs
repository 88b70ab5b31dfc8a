use std::time::Duration;

use attini_core::asl::path::Query;
use attini_core::value::Timestamp;
use serde_json::Value;

use crate::engine::context;
use crate::engine::definition::{State, Wait};
use crate::engine::execution::Execution;
use crate::engine::failure::Fault;
use crate::engine::frame::{FrameId, Phase};
use crate::engine::scope::{StateScope, plain};
use crate::engine::template::Located;

/// The longest wait of the service: as many seconds as a 32-bit number holds.
const LONGEST: Duration = Duration::from_secs(i32::MAX as u64);

impl Execution {
    pub(super) fn start_wait(&mut self, id: FrameId, state: &State, wait: &Wait) -> Result<(), Fault> {
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let now = Timestamp::from_ms(self.now_ms);
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let wait = match wait {
            Wait::Seconds(seconds) => Duration::from_secs(*seconds),
            Wait::Timestamp(ms) => Timestamp::from_ms(*ms).since(now),
            Wait::SecondsPath(query) => Duration::from_secs(seconds(query, &scope, &input)?),
            Wait::TimestampPath(query) => time(query, &scope, &input)?.since(now),
            Wait::SecondsJsonata(at) => Duration::from_secs(computed_seconds(at, &scope)?),
            Wait::TimestampJsonata(at) => computed_time(at, &scope)?.since(now),
        };
        if wait > LONGEST {
            return Err(Fault::of(state.language, None, "Wait state delay is too long."));
        }
        let timer = self.set_timer(Some(id), wait);
        if let Some(frame) = self.frames.get_mut(&id) {
            frame.phase = Phase::Waiting { timer };
        }
        Ok(())
    }

    /// Leaves a Wait state whose time has come.
    pub(in crate::engine) fn wait_over(&mut self, id: FrameId, state: &State) -> Result<(), Fault> {
        if self.leave_unchanged(id, state, state.next) {
            return Ok(());
        }
        self.pass_on(id, state, state.next)
    }
}

fn computed_seconds(at: &Located, scope: &StateScope<'_>) -> Result<u64, Fault> {
    let seconds = scope.typed(at, "number", |value| value.as_i64().map(|n| n as f64).or_else(|| value.as_f64()))?;
    if seconds < 0.0 {
        let text = format!("The Seconds field references a negative value: {seconds}");
        return Err(Fault::query(Some(&at.location), text));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates, and the longest wait is checked"
    )]
    let whole = seconds as u64;
    Ok(whole)
}

fn computed_time(at: &Located, scope: &StateScope<'_>) -> Result<Timestamp, Fault> {
    let text = scope.typed(at, "string", |value| value.as_str().map(str::to_owned))?;
    context::time(&text).ok_or_else(|| {
        let text = format!(
            "The {} field cannot be parsed as an ISO-8601 extended offset date-time format string: {text}",
            at.location
        );
        Fault::query(Some(&at.location), text)
    })
}

fn seconds(query: &Query, scope: &StateScope<'_>, input: &Value) -> Result<u64, Fault> {
    let path = query.as_str();
    let value = scope.find(query, input).ok_or_else(|| {
        Fault::runtime(format!("The SecondsPath parameter does not reference an input value: {path}"))
    })?;
    let whole = value.as_i64().ok_or_else(|| {
        Fault::runtime(format!(
            "The SecondsPath parameter cannot be parsed as a long value: {path} == {}",
            plain(&value)
        ))
    })?;
    u64::try_from(whole).map_err(|_| {
        Fault::runtime(format!("The SecondsPath parameter references a negative value: {path} == {whole}"))
    })
}

fn time(query: &Query, scope: &StateScope<'_>, input: &Value) -> Result<Timestamp, Fault> {
    let path = query.as_str();
    let value = scope.find(query, input).ok_or_else(|| {
        Fault::runtime(format!("The TimestampPath parameter does not reference an input value: {path}"))
    })?;
    value.as_str().and_then(context::time).ok_or_else(|| {
        Fault::runtime(format!(
            "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: \
             {path} == {}",
            plain(&value)
        ))
    })
}
