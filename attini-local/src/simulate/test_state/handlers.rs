use serde_json::{Map, Value, json};

use super::TestStateError;
use super::bench::{Bench, Left};
use crate::engine::TaskEnd;

/// What becomes of a failure.
pub(super) enum Handled {
    Retried,
    Caught {
        index: usize,
        left: Left,
        /// What the catcher assigned.
        variables: Map<String, Value>,
    },
    Not,
}

/// The retrier that takes a failure.
pub(super) struct Retrier {
    index: usize,
    /// The wait before the next attempt; `None` when there is none.
    interval_seconds: Option<u64>,
}

impl Retrier {
    pub(super) fn details(&self) -> Map<String, Value> {
        let mut details = Map::from_iter([("retryIndex".to_owned(), json!(self.index))]);
        let interval = self.interval_seconds.map(|seconds| ("retryBackoffIntervalSeconds".to_owned(), json!(seconds)));
        details.extend(interval);
        details
    }
}

impl Bench<'_> {
    /// Returns what becomes of the failure of the state when its work ends like this.
    pub(super) fn handle(&self, end: &TaskEnd) -> Result<(Handled, Option<Retrier>), TestStateError> {
        let retrier = self.retrier(end)?;
        if retrier.as_ref().is_some_and(|retrier| retrier.interval_seconds.is_some()) {
            return Ok((Handled::Retried, retrier));
        }
        let catchers = self.subject.field("Catch").and_then(Value::as_array);
        for (index, catcher) in catchers.into_iter().flatten().enumerate() {
            let mut state = self.subject.without(&["Retry", "Catch"]);
            state.insert("Catch".to_owned(), json!([catcher]));
            let ran = self.run(&state, &self.request.input, end)?;
            if let Ok(left) = ran.outcome {
                return Ok((Handled::Caught { index, left, variables: ran.assigned }, retrier));
            }
        }
        Ok((Handled::Not, retrier))
    }

    /// Finds the first retrier that knows the error: with it alone, the state waits.
    fn retrier(&self, end: &TaskEnd) -> Result<Option<Retrier>, TestStateError> {
        let retriers = self.subject.field("Retry").and_then(Value::as_array);
        for (index, retrier) in retriers.into_iter().flatten().enumerate() {
            let mut state = self.subject.without(&["Retry", "Catch"]);
            let once = json!({"ErrorEquals": retrier.get("ErrorEquals"), "MaxAttempts": 1, "IntervalSeconds": 1});
            state.insert("Retry".to_owned(), json!([once]));
            if !self.run(&state, &self.request.input, end)?.took.is_zero() {
                let attempts = retrier.get("MaxAttempts").and_then(Value::as_u64).unwrap_or(3);
                let interval_seconds =
                    (self.request.retries < attempts).then(|| interval(retrier, self.request.retries));
                return Ok(Some(Retrier { index, interval_seconds }));
            }
        }
        Ok(None)
    }
}

/// Returns the wait after `retries` earlier ones in whole seconds, without jitter.
fn interval(retrier: &Value, retries: u64) -> u64 {
    let number = |field: &str| retrier.get(field).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "a number of retries is small")]
    let factor = number("BackoffRate").unwrap_or(2.0).powf(retries as f64);
    let seconds = number("IntervalSeconds").unwrap_or(1.0) * factor;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    let seconds = seconds.min(number("MaxDelaySeconds").unwrap_or(99_999_999.0)) as u64;
    seconds
}
