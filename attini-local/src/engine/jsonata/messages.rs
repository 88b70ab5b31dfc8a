/// Returns the words that the service has for an error, which are those of JSONata's reference implementation; the
/// library that evaluates here deviates in some.
///
/// `source` is the expression: some of the words are only there.
pub(super) fn of(message: &str, source: &str) -> String {
    let message = plain(message);
    let Some((code, rest)) = message.split_once(": ") else { return message.to_owned() };
    let words = match code {
        "D1004" => "Regular expression matches zero length string",
        "T1006" => "Attempted to invoke a non-function",
        "T1008" => "Attempted to partially apply a non-function",
        "T2003" => "The left side of the range operator (..) must evaluate to an integer",
        "T2004" => "The right side of the range operator (..) must evaluate to an integer",
        "T0410" | "T0412" | "T2001" | "T2002" | "T2010" | "D3100" => {
            let words = rebuilt(code, rest, source);
            return words.map_or_else(|| message.to_owned(), |words| format!("{code}: {words}"));
        }
        "D3001" => "Attempting to invoke string function on Infinity or NaN",
        "D3010" => "Second argument of replace function cannot be an empty string",
        "D3138" => "The $single() function expected exactly 1 matching result.  Instead it matched more.",
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

/// Returns the reference's words with what the library's own words and the expression have to fill in.
fn rebuilt(code: &str, rest: &str, source: &str) -> Option<String> {
    match code {
        "T0410" => {
            let name = called(source).into_iter().next()?;
            let argument = argument(rest)?;
            Some(format!("Argument {argument} of function \"{name}\" does not match function signature"))
        }
        "T0412" => {
            let (types, functions): (_, &[&str]) = match rest.rsplit(' ').next()? {
                "Number" => ("numbers", &["sum", "max", "min", "average"]),
                "String" => ("strings", &["join"]),
                "Object" => ("objects", &["merge"]),
                _ => return None,
            };
            let name = called(source).into_iter().find(|name| functions.contains(name))?;
            let argument = argument(rest)?;
            Some(format!("Argument {argument} of function \"{name}\" must be an array of \"{types}\""))
        }
        "T2001" | "T2002" => {
            let (before, after) = rest.split_once(" side of the ")?;
            let (operator, after) = after.split_once(' ')?;
            Some(format!("{before} side of the \"{operator}\" {after}"))
        }
        "T2010" => {
            let mut operators = ["<=", ">=", "<", ">"].into_iter().filter(|operator| {
                let found = source.find(operator);
                found.is_some_and(|at| operator.len() > 1 || !source.get(at + 1..).unwrap_or("").starts_with('='))
            });
            let operator = operators.next().filter(|_| operators.next().is_none())?;
            let words = "must evaluate to numeric or string values";
            Some(format!("The expressions either side of operator \"{operator}\" {words}"))
        }
        "D3100" => {
            let given = rest.rsplit(' ').next()?;
            Some(format!("The radix of the formatBase function must be between 2 and 36.  It was given {given}"))
        }
        _ => None,
    }
}

/// The number of the argument in `Argument 2 must be Number`. Where there are too few, it is that of the first that is
/// missing, and where there are too many, that of the last.
fn argument(text: &str) -> Option<usize> {
    let Some(counts) = text.strip_prefix("Argument count mismatch: expected ") else {
        return text.strip_prefix("Argument ")?.split(' ').next()?.parse().ok();
    };
    let (expected, got) = counts.split_once(", got ")?;
    let (expected, got): (usize, usize) = (expected.parse().ok()?, got.parse().ok()?);
    Some(if got < expected { got + 1 } else { got })
}

/// The functions that an expression calls and does not define, the outermost first.
fn called(source: &str) -> Vec<&str> {
    let end = |rest: &str| rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let mut names: Vec<&str> = Vec::new();
    for rest in source.split('$').skip(1) {
        let (name, after) = rest.split_at(end(rest));
        if after.trim_start().starts_with('(') && !source.contains(&format!("${name} :=")) {
            names.push(name);
        }
    }
    // `x ~> $f` calls too.
    for rest in source.split("~>").skip(1) {
        if let Some(rest) = rest.trim_start().strip_prefix('$') {
            names.push(rest.get(..end(rest)).unwrap_or(""));
        }
    }
    names
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
