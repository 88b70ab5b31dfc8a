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
