//! Simple values as YAML: no `---`, no folding, quotes only when needed, lists at the column of their key.

use serde_json::Value;

/// Returns the document with a line end after every line.
pub(crate) fn render(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(&mut text, value, 0, false),
        Value::Array(list) if !list.is_empty() => sequence(&mut text, value, 0),
        scalar => {
            text.push_str(&scalar_text(scalar, 0));
            text.push('\n');
        }
    }
    text
}

fn mapping(text: &mut String, value: &Value, indent: usize, mut first_is_placed: bool) {
    for (key, value) in value.as_object().into_iter().flatten() {
        if !std::mem::take(&mut first_is_placed) {
            text.push_str(&" ".repeat(indent));
        }
        text.push_str(&quoted_if_needed(key));
        text.push(':');
        match value {
            Value::Object(map) if !map.is_empty() => {
                text.push('\n');
                mapping(text, value, indent + 2, false);
            }
            Value::Array(list) if !list.is_empty() => {
                text.push('\n');
                sequence(text, value, indent);
            }
            scalar => {
                text.push(' ');
                text.push_str(&scalar_text(scalar, indent + 2));
                text.push('\n');
            }
        }
    }
}

fn sequence(text: &mut String, value: &Value, indent: usize) {
    for item in value.as_array().into_iter().flatten() {
        text.push_str(&" ".repeat(indent));
        text.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(text, item, indent + 2, true),
            Value::Array(list) if !list.is_empty() => {
                text.push('\n');
                sequence(text, item, indent + 2);
            }
            scalar => {
                text.push_str(&scalar_text(scalar, indent + 2));
                text.push('\n');
            }
        }
    }
}

fn scalar_text(value: &Value, indent: usize) -> String {
    match value {
        Value::String(text) if is_block(text) => {
            let chomp = if text.ends_with('\n') { "" } else { "-" };
            let lines = text.strip_suffix('\n').unwrap_or(text).split('\n');
            let pad =
                |line: &str| if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(indent)) };
            format!("|{chomp}\n{}", lines.map(pad).collect::<Vec<_>>().join("\n"))
        }
        Value::String(text) => quoted_if_needed(text),
        other => other.to_string(),
    }
}

/// Says whether a text with several lines can stand as it is.
fn is_block(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text.ends_with("\n\n")
        && !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t')
}

fn quoted_if_needed(text: &str) -> String {
    // A JSON string is a YAML string.
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

/// Says whether every reader of YAML 1.1 and 1.2 takes the bare text as the same text.
fn is_plain(text: &str) -> bool {
    let words =
        ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "~", ".inf", ".nan", "-.inf", "+.inf", "="];
    let looks_numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.chars().all(|c| c.is_ascii_hexdigit() || "+-._:xobTtZz ".contains(c));
    let first_is_free = text.starts_with(|c: char| c.is_alphanumeric() || "/_.$(+".contains(c))
        || text.starts_with('-')
            && text[1..].starts_with(|c: char| c.is_alphanumeric() || c == '-')
            && !text.starts_with("---");
    !words.contains(&text.to_ascii_lowercase().as_str())
        && !looks_numeric
        && first_is_free
        && text != "<<"
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.ends_with([' ', ':'])
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn looks_as_documented() {
        let value = json!({
            "name": "shop", "id": "1e3", "version": "1.4.0", "at": "2026-01-01 10:00:00", "on": true, "none": null, "number": 3,
            "yes": "no", "empty": {}, "list": ["a", {"b": 1, "c": ["d"]}, []], "text": "one\ntwo", "sign": "a: b", "dash": "- x",
            "hex": "0xAF", "commit": "4a5be60", "arn": "arn:aws:s3:::b", "": ""
        });
        insta::assert_snapshot!(render(&value), @r#"
        name: shop
        id: "1e3"
        version: "1.4.0"
        at: "2026-01-01 10:00:00"
        "on": true
        none: null
        number: 3
        "yes": "no"
        empty: {}
        list:
        - a
        - b: 1
          c:
          - d
        - []
        text: |-
          one
          two
        sign: "a: b"
        dash: "- x"
        hex: "0xAF"
        commit: "4a5be60"
        arn: arn:aws:s3:::b
        "": ""
        "#);
    }
}
