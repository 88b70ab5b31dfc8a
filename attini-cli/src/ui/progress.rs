//! One line about something that takes long.

use std::time::Duration;

use attini_local::project::size_text;

/// Columns of the bar.
const COLUMNS: u64 = 24;

/// Returns a bar, the share, the bytes and the rate, as in `Zipping ━━━╌╌╌  50%  5.0 MiB of 10.0 MiB, 2.5 MiB/s`.
pub(crate) fn progress_line(what: &str, done: u64, total: u64, elapsed: Duration) -> String {
    // A file may have grown since it was listed.
    let done = done.min(total);
    let share = |of: u64| u128::from(done) * u128::from(of) / u128::from(total.max(1));
    let filled = usize::try_from(share(COLUMNS)).unwrap_or_default();
    let empty = usize::try_from(COLUMNS).unwrap_or_default().saturating_sub(filled);
    let rate = u128::from(done) * 1000 / elapsed.as_millis().max(1);
    let rate = size_text(u64::try_from(rate).unwrap_or(u64::MAX));
    format!(
        "{what} {}{} {:3}%  {} of {}, {rate}/s",
        "━".repeat(filled),
        "╌".repeat(empty),
        share(100),
        size_text(done),
        size_text(total)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_share_and_rate() {
        let line = |done, total, ms| progress_line("Zipping", done, total, Duration::from_millis(ms));
        assert_eq!(
            line(5 << 20, 10 << 20, 2000),
            "Zipping ━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  50%  5.0 MiB of 10.0 MiB, 2.5 MiB/s"
        );
        assert!(line(0, 0, 0).ends_with("   0%  0 bytes of 0 bytes, 0 bytes/s"));
        assert!(line(9, 4, 1).contains("━ 100%  4 bytes of 4 bytes"));
    }
}
