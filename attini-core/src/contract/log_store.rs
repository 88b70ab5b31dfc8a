//! Promises of [`LogStore`].

use crate::port::{LogLine, LogStore};
use crate::value::{ObjectKey, Timestamp};

/// Runs all tests. There are no logs whose keys start with `contract/`.
pub async fn all(logs: &dyn LogStore) {
    an_unknown_log_has_no_lines(logs).await;
    lines_are_read_back_from_any_number(logs).await;
    any_text_survives(logs).await;
    logs_with_odd_keys_are_apart(logs).await;
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(format!("contract/{text}"))
}

fn line(ms: i64, text: &str) -> LogLine {
    LogLine { time: Timestamp::from_ms(ms), text: text.to_owned() }
}

async fn append(logs: &dyn LogStore, log: &ObjectKey, lines: &[LogLine]) {
    logs.append(log, lines).await.expect("writes");
}

async fn read(logs: &dyn LogStore, log: &ObjectKey, from: usize) -> Vec<LogLine> {
    logs.read(log, from).await.expect("reads")
}

/// Nothing there is no error.
pub async fn an_unknown_log_has_no_lines(logs: &dyn LogStore) {
    assert_eq!(read(logs, &key("unknown"), 0).await, []);
    assert_eq!(read(logs, &key("unknown"), 7).await, []);
    append(logs, &key("unknown"), &[]).await;
    assert_eq!(read(logs, &key("unknown"), 0).await, []);
}

/// Appends add up; who follows asks for what is new.
pub async fn lines_are_read_back_from_any_number(logs: &dyn LogStore) {
    let log = key("numbers");
    append(logs, &log, &[line(1, "a"), line(2, "b")]).await;
    assert_eq!(read(logs, &log, 0).await, [line(1, "a"), line(2, "b")]);
    assert_eq!(read(logs, &log, 2).await, []);
    append(logs, &log, &[line(3, "c")]).await;
    append(logs, &log, &[line(3, "d")]).await;
    assert_eq!(read(logs, &log, 2).await, [line(3, "c"), line(3, "d")]);
    assert_eq!(read(logs, &log, 1).await, [line(2, "b"), line(3, "c"), line(3, "d")]);
    assert_eq!(read(logs, &log, 9).await, []);
    append(logs, &log, &[line(4, "e")]).await;
    assert_eq!(read(logs, &log, 4).await, [line(4, "e")]);
}

/// What a program wrote is kept as it is.
pub async fn any_text_survives(logs: &dyn LogStore) {
    let log = key("texts");
    let long = "x".repeat(100_000);
    let texts = ["", " ", "\"quoted\" \\ {}", "\t\u{1b}[31mred\u{1b}[0m\r", "ä\u{1F600}\u{FFFD}", "\u{0}", &long];
    let lines: Vec<_> = texts.iter().map(|text| line(5, text)).collect();
    append(logs, &log, &lines).await;
    assert_eq!(read(logs, &log, 0).await, lines);
}

/// A step's name is part of the key, whatever it is.
pub async fn logs_with_odd_keys_are_apart(logs: &dyn LogStore) {
    let long = "ä".repeat(80);
    let keys = ["a", "a/b", "a b", "a%20b", "../x", "a/../b", "..", "ä", "a:b*?", "a//b", "a/", &long];
    for text in keys {
        append(logs, &key(text), &[line(1, text)]).await;
    }
    for text in keys {
        assert_eq!(read(logs, &key(text), 0).await, [line(1, text)]);
    }
}
