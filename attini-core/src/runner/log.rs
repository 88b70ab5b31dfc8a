use serde::{Deserialize, Serialize};

use crate::port::LogLine;
use crate::value::Timestamp;

/// One line of a stored job log (runner.md 4.9). Field names are an external contract.
#[derive(Serialize, Deserialize)]
struct LogRecordWire {
    /// Epoch milliseconds.
    timestamp: i64,
    data: String,
}

/// Returns the stored form of a line, without a line end: `{"timestamp":1,"data":"text"}`.
#[must_use]
pub fn render_log_record(line: &LogLine) -> String {
    let wire = LogRecordWire { timestamp: line.time.as_ms(), data: line.text.clone() };
    serde_json::to_string(&wire).expect("a struct of a number and a text is always JSON")
}

/// Reads the stored form of a line; `None` when it is something else.
#[must_use]
pub fn parse_log_record(text: &str) -> Option<LogLine> {
    let wire: LogRecordWire = serde_json::from_str(text).ok()?;
    Some(LogLine { time: Timestamp::from_ms(wire.timestamp), text: wire.data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runner_case_30_records_have_integer_time_and_data() {
        let line = LogLine { time: Timestamp::from_ms(17), text: "it's \"a\" line".into() };
        let text = render_log_record(&line);
        assert_eq!(text, r#"{"timestamp":17,"data":"it's \"a\" line"}"#);
        assert_eq!(parse_log_record(&text), Some(line));
        assert_eq!(parse_log_record("{"), None);
    }
}
