use serde_json::{Map, Value};
use thiserror::Error;

/// Most bytes of JSON that a step may return (Step Functions).
pub const OUTPUT_LIMIT_BYTES: usize = 262_144;

/// Most characters of a failure's cause (Step Functions).
const CAUSE_LIMIT_CHARS: usize = 32_768;

/// The output of a job is larger than a step may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "The output of the script has {size_bytes} bytes, a step may return at most {}. Write large results to \
     the artifact store and return where they are",
    OUTPUT_LIMIT_BYTES
)]
pub struct OutputTooLarge {
    /// Size of the output in bytes.
    pub size_bytes: u64,
}

/// Returns the step output that the content of `$ATTINI_OUTPUT` stands for (runner.md 4.7).
///
/// Nothing but blanks is `{}`; one JSON value is itself; anything else is text under `result`, one closing line feed
/// removed, what is not UTF-8 replaced.
///
/// # Errors
///
/// [`OutputTooLarge`] when the content or the output made of it is over [`OUTPUT_LIMIT_BYTES`].
pub fn interpret_output(content: &[u8]) -> Result<Value, OutputTooLarge> {
    check(content.len())?;
    let text = String::from_utf8_lossy(content);
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let output = serde_json::from_str(&text).unwrap_or_else(|_| {
        let result = text.strip_suffix('\n').unwrap_or(&text);
        Value::Object(Map::from_iter([("result".to_owned(), Value::from(result))]))
    });
    // Escapes make text longer than it was.
    check(output.to_string().len())?;
    Ok(output)
}

/// Returns the cause of a failure: what happened, then the last lines the job wrote, as far as they fit.
///
/// Cut at the front of the lines, because the last ones tell most (runner.md 4.8).
#[must_use]
pub fn failure_cause<'a>(what: &str, last_lines: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<&str> = last_lines.into_iter().collect();
    if lines.is_empty() {
        return what.chars().take(CAUSE_LIMIT_CHARS).collect();
    }
    let tail = lines.join("\n");
    let head = format!("{what}\nLast lines of the output:\n");
    let room = CAUSE_LIMIT_CHARS.saturating_sub(head.chars().count());
    let surplus = tail.chars().count().saturating_sub(room);
    head.chars().chain(tail.chars().skip(surplus)).take(CAUSE_LIMIT_CHARS).collect()
}

fn check(size: usize) -> Result<(), OutputTooLarge> {
    if size > OUTPUT_LIMIT_BYTES {
        return Err(OutputTooLarge { size_bytes: u64::try_from(size).unwrap_or(u64::MAX) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn runner_case_26_output_rules() {
        let cases = [
            ("", json!({})),
            (" \n\t", json!({})),
            ("hello\n", json!({"result": "hello"})),
            ("a\n\n", json!({"result": "a\n"})),
            ("a\r\n", json!({"result": "a\r"})),
            ("{\"a\":1}", json!({"a": 1})),
            ("{\"a\":1,\"a\":2}\n", json!({"a": 2})),
            ("5", json!(5)),
            ("[1]", json!([1])),
            ("null", json!(null)),
            ("\"x\"\n", json!("x")),
            ("1.2.3", json!({"result": "1.2.3"})),
            ("007", json!({"result": "007"})),
            ("true story", json!({"result": "true story"})),
            ("{\"a\":1}{\"b\":2}", json!({"result": "{\"a\":1}{\"b\":2}"})),
        ];
        for (content, expected) in cases {
            assert_eq!(interpret_output(content.as_bytes()), Ok(expected), "{content:?}");
        }
        assert_eq!(interpret_output(b"a\xffb"), Ok(json!({"result": "a\u{fffd}b"})));
    }

    #[test]
    fn runner_case_27_size_is_checked_before_and_after() {
        assert_eq!(interpret_output(&vec![b'a'; 300 * 1024]), Err(OutputTooLarge { size_bytes: 307_200 }));
        // Every quote takes two bytes in the output.
        assert_eq!(interpret_output(&vec![b'"'; 200_000]), Err(OutputTooLarge { size_bytes: 400_013 }));
        assert!(interpret_output(&vec![b'a'; OUTPUT_LIMIT_BYTES - 13]).is_ok());
        let text = OutputTooLarge { size_bytes: 307_200 }.to_string();
        assert!(text.contains("307200") && text.contains("262144"), "{text}");
    }

    #[test]
    fn causes_keep_the_head_and_the_end() {
        assert_eq!(failure_cause("Script exited with code 1", []), "Script exited with code 1");
        let cause = failure_cause("Script exited with code 1", ["a", "b"]);
        assert_eq!(cause, "Script exited with code 1\nLast lines of the output:\na\nb");
        let long = "ä".repeat(40_000);
        let cause = failure_cause("Script exited with code 1", [long.as_str(), "end"]);
        assert_eq!(cause.chars().count(), 32_768);
        assert!(cause.starts_with("Script exited with code 1\n") && cause.ends_with("ä\nend"));
    }
}
