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
        };
        if wait > LONGEST {
            return Err(Fault::runtime("Wait state delay is too long."));
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
        let Some(scope) = self.scope(id, state, None, None) else { return Ok(()) };
        let input = scope.selector(&state.input_path, &scope.frame.input)?;
        let output = scope.output(&state.output_path, input)?;
        self.leave(id, state, output, state.next)
    }
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
