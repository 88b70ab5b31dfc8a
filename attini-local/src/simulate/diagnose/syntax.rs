use serde_json::error::Category;

/// How much of the text the service repeats.
const SHOWN_CHARS: usize = 500;
const VALUES: &str = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'";

/// Returns what the service says about a text that is no JSON, and the place of it.
pub(super) fn explain(text: &str, error: &serde_json::Error) -> (String, String) {
    let (message, line, column) = reason(text, error);
    let place = format!("[Source: (String){}; line: {line}, column: {column}]", shown(text));
    (format!("{message}\n at {place}"), place)
}

fn shown(text: &str) -> String {
    let count = text.chars().count();
    if count <= SHOWN_CHARS {
        return format!("\"{text}\"");
    }
    let start: String = text.chars().take(SHOWN_CHARS).collect();
    format!("\"{start}\"[truncated {} chars]", count - SHOWN_CHARS)
}

/// Returns the message, the line and the column, both counted from 1.
fn reason(text: &str, error: &serde_json::Error) -> (String, usize, usize) {
    let (line, column) = (error.line(), error.column());
    if error.classify() == Category::Eof {
        return (end_of_input(text), line, column + 1);
    }
    let chars: Vec<char> = text.lines().nth(line.saturating_sub(1)).unwrap_or("").chars().collect();
    let at = column.saturating_sub(1).min(chars.len().saturating_sub(1));
    let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let text = error.to_string();
    let is_value = text.starts_with("expected value") || text.starts_with("expected ident");
    if is_value && chars.get(at).is_some_and(is_word) {
        let start = chars.iter().take(at).rposition(|c| !is_word(c)).map_or(0, |before| before + 1);
        let token: String = chars.iter().skip(start).take_while(|c| is_word(c)).collect();
        let column = start + token.chars().count() + 1;
        return (format!("Unrecognized token '{token}': was expecting ({VALUES})"), line, column);
    }
    let Some(c) = chars.get(at) else { return ("Unexpected end-of-input".to_owned(), line, column) };
    let expected = if text.starts_with("key must be a string") || text.starts_with("trailing comma") {
        "was expecting double-quote to start field name".to_owned()
    } else if text.starts_with("expected `:`") {
        "was expecting a colon to separate field name and value".to_owned()
    } else if text.starts_with("expected `,` or `}`") {
        "was expecting comma to separate Object entries".to_owned()
    } else if text.starts_with("expected `,` or `]`") {
        "was expecting comma to separate Array entries".to_owned()
    } else {
        format!("expected a valid value ({VALUES})")
    };
    (format!("Unexpected character ('{c}' (code {})): {expected}", u32::from(*c)), line, column + 1)
}

/// What is still open where the text ends.
fn end_of_input(text: &str) -> String {
    let mut open = Vec::new();
    let (mut is_quoted, mut is_escaped) = (false, false);
    let (mut line, mut column) = (1, 0);
    for c in text.chars() {
        column += 1;
        match c {
            '\n' => (line, column) = (line + 1, 0),
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '{' if !is_quoted => open.push(("Object", line, column)),
            '[' if !is_quoted => open.push(("Array", line, column)),
            '}' | ']' if !is_quoted => drop(open.pop()),
            _ => {}
        }
    }
    match open.last() {
        _ if is_quoted => "Unexpected end-of-input: was expecting closing quote for a string value".to_owned(),
        Some((kind, line, column)) => format!(
            "Unexpected end-of-input: expected close marker for {kind} (start marker at [Source: (String){}; line: {line}, \
             column: {column}])",
            shown(text)
        ),
        None => "Unexpected end-of-input".to_owned(),
    }
}
