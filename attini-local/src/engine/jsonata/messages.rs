/// Returns the words that the service has for an error, which are those of JSONata's reference implementation; the
/// library that evaluates here deviates in some.
pub(super) fn of(message: &str) -> String {
    let message = plain(message);
    let Some((code, rest)) = message.split_once(": ") else { return message.to_owned() };
    let words = match code {
        "D1004" => "Regular expression matches zero length string",
        "T1006" => "Attempted to invoke a non-function",
        "T1008" => "Attempted to partially apply a non-function",
        "T2003" => "The left side of the range operator (..) must evaluate to an integer",
        "T2004" => "The right side of the range operator (..) must evaluate to an integer",
        "D3001" => "Attempting to invoke string function on Infinity or NaN",
        "D3030" => {
            return number(rest).map_or_else(
                || message.to_owned(),
                |value| format!("D3030: Unable to cast value to a number: {value}"),
            );
        }
        _ => return message.to_owned(),
    };
    format!("{code}: {words}")
}

/// Returns what the service says of an expression that cannot be read: the reference's words without their code. The
/// library shows the names of its symbols instead of the symbols.
pub(super) fn of_syntax(message: &str) -> String {
    const SYMBOLS: [(&str, &str); 20] = [
        ("LeftParen", "("),
        ("RightParen", ")"),
        ("LeftBracket", "["),
        ("RightBracket", "]"),
        ("LeftBrace", "{"),
        ("RightBrace", "}"),
        ("Comma", ","),
        ("Semicolon", ";"),
        ("Colon", ":"),
        ("Question", "?"),
        ("Dot", "."),
        ("DotDot", ".."),
        ("Equal", "="),
        ("NotEqual", "!="),
        ("LessThan", "<"),
        ("GreaterThan", ">"),
        ("Ampersand", "&"),
        ("Plus", "+"),
        ("Slash", "/"),
        ("At", "@"),
    ];
    let message = plain(message);
    let is_code =
        |code: &str| code.len() == 5 && code.starts_with('S') && code.chars().skip(1).all(|c| c.is_ascii_digit());
    let text = message.split_once(": ").filter(|(code, _)| is_code(code)).map_or(message, |(_, rest)| rest);
    let words = text.split(' ').map(|word| {
        let (name, end) = word.strip_suffix(',').map_or((word, ""), |name| (name, ","));
        let symbol = SYMBOLS.iter().find(|(known, _)| *known == name);
        symbol.map_or_else(|| word.to_owned(), |(_, symbol)| format!("\"{symbol}\"{end}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Returns the message without what the library's categories put in front of its code.
pub(super) fn plain(message: &str) -> &str {
    ["Parse error: ", "Type error: ", "Reference error: ", "Evaluation error: ", "Runtime error: "]
        .into_iter()
        .find_map(|prefix| message.strip_prefix(prefix))
        .unwrap_or(message)
}

/// The value of `Cannot convert 'x' to number`, as JSON.
fn number(text: &str) -> Option<String> {
    let value = text.strip_prefix("Cannot convert ")?.strip_suffix(" to number")?;
    match value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')) {
        Some(text) => Some(serde_json::Value::from(text).to_string()),
        None => (value == "null").then(|| value.to_owned()),
    }
}
