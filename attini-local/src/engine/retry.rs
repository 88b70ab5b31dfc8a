use std::time::Duration;

use super::definition::Retrier;

impl Retrier {
    /// Returns the wait before retry number `n`, counted from 0.
    ///
    /// That is `interval * backoff_rate^n`, at most `max_delay`; with full jitter any part of it, chosen by `random`.
    pub(super) fn wait(&self, n: u64, random: impl FnOnce() -> u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "the number of a retry is small")]
        let factor = self.backoff_rate.powf(n as f64);
        #[expect(clippy::cast_precision_loss, reason = "the definition's limit is below 2^53")]
        let seconds = self.interval_seconds as f64 * factor;
        #[expect(clippy::cast_precision_loss, reason = "the definition's limit is below 2^53")]
        let most = self.max_delay_seconds.map_or(99_999_999.0, |most| most as f64);
        // `min` also turns an overflow to infinity into the limit.
        let seconds = seconds.min(most);
        #[expect(clippy::cast_precision_loss, reason = "jitter needs no 64 bits")]
        let part = if self.full_jitter { random() as f64 / u64::MAX as f64 } else { 1.0 };
        Duration::from_secs_f64((seconds * part).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_grows_up_to_the_limit() {
        let mut retrier = Retrier {
            errors: Vec::new(),
            interval_seconds: 3,
            max_attempts: 5,
            backoff_rate: 2.0,
            max_delay_seconds: Some(10),
            full_jitter: false,
        };
        let waits = |retrier: &Retrier| [0, 1, 2, 3, u64::MAX].map(|n| retrier.wait(n, || u64::MAX / 2).as_secs_f64());
        assert_eq!(waits(&retrier), [3.0, 6.0, 10.0, 10.0, 10.0]);
        retrier.full_jitter = true;
        assert_eq!(waits(&retrier).map(f64::round), [2.0, 3.0, 5.0, 5.0, 5.0]);
    }
}
