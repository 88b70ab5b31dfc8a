//! What a state reads from its input.

use serde_json::{Map, Value};

use crate::asl::State;
use crate::asl::intrinsic::Call;
use crate::asl::path::{Query, query_prefix};
use crate::document::{DocPath, Segment};
use crate::plan::expander::path_in;
use crate::plan::paths::OutputPaths;

/// A path, or a call of intrinsic functions with paths in it, that a state evaluates against its input.
#[derive(Debug)]
pub(super) struct Read {
    /// Position of the state in its plan.
    pub(super) state: usize,
    /// Where it stands.
    pub(super) path: DocPath,
    /// As the author wrote it.
    pub(super) text: String,
    /// What each path in it names, from the root of the payload as far as names go. Context paths are left out.
    pub(super) names: Vec<Vec<String>>,
    /// Why it cannot be evaluated at all.
    pub(super) mistake: Option<String>,
    /// Whether the state asks if the value is there.
    pub(super) asks: bool,
}

/// Fields that no path of the input stands in: literal, written, or evaluated against the result.
const OTHER_FIELDS: [&str; 9] =
    ["Result", "ResultSelector", "ResultPath", "OutputPath", "Retry", "Catch", "Next", "Default", "Comment"];

/// Returns everything that a state reads.
pub(super) fn reads(index: usize, state: &State, paths: &OutputPaths) -> Vec<Read> {
    let mut found = Vec::new();
    let mut way = Vec::new();
    for (key, value) in &state.fields {
        if OTHER_FIELDS.contains(&key.as_str()) {
            continue;
        }
        way.push(Segment::Key(key.clone()));
        match value {
            Value::String(text) if key.ends_with(".$") || key.ends_with("Path") => {
                found.push(read(index, state, &way, text, false, paths));
            }
            Value::Array(rules) if key == "Choices" => {
                for (position, rule) in rules.iter().enumerate() {
                    way.push(Segment::Index(position));
                    of_rule(rule, &mut way, &mut |way, text, asks| {
                        found.push(read(index, state, way, text, asks, paths));
                    });
                    way.pop();
                }
            }
            value => of_template(value, &mut way, &mut |way, text| {
                found.push(read(index, state, way, text, false, paths));
            }),
        }
        way.pop();
    }
    found
}

/// Finds the keys that end in `.$`. Documents limit the depth.
fn of_template(value: &Value, way: &mut Vec<Segment>, visit: &mut dyn FnMut(&[Segment], &str)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(Segment::Index(index));
                of_template(item, way, visit);
                way.pop();
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                way.push(Segment::Key(key.clone()));
                match value {
                    Value::String(text) if key.ends_with(".$") => visit(way, text),
                    value => of_template(value, way, visit),
                }
                way.pop();
            }
        }
        _ => {}
    }
}

/// Finds `Variable`, and paths that it is compared with.
fn of_rule(rule: &Value, way: &mut Vec<Segment>, visit: &mut dyn FnMut(&[Segment], &str, bool)) {
    let Some(fields) = rule.as_object() else { return };
    for (key, value) in fields {
        way.push(Segment::Key(key.clone()));
        match value {
            Value::String(text) if key == "Variable" => visit(way, text, fields.contains_key("IsPresent")),
            Value::String(text) if key.ends_with("Path") => visit(way, text, false),
            Value::Array(rules) if key == "And" || key == "Or" => {
                for (position, rule) in rules.iter().enumerate() {
                    way.push(Segment::Index(position));
                    of_rule(rule, way, visit);
                    way.pop();
                }
            }
            rule if key == "Not" => of_rule(rule, way, visit),
            _ => {}
        }
        way.pop();
    }
}

fn read(index: usize, state: &State, way: &[Segment], text: &str, asks: bool, paths: &OutputPaths) -> Read {
    let mut plain = text.to_owned();
    paths.rewrite(&mut plain);
    let mistake = if plain.starts_with("States.") {
        Call::parse(&plain).err().map(|error| error.to_string())
    } else if plain.starts_with('$') {
        Query::parse(&plain).err().map(|error| error.to_string())
    } else {
        Some(format!("`{text}` is neither a path, which starts with `$`, nor a call such as `States.Format`"))
    };
    let names = paths_in(&plain).into_iter().map(names_of).filter(|names| !names.is_empty()).collect();
    Read { state: index, path: path_in(state, way), text: text.to_owned(), names, mistake, asks }
}

/// Returns the paths in a text without their leading `$`; those of the context and of variables are left out.
fn paths_in(text: &str) -> Vec<&str> {
    let is_input = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
    if !text.starts_with("States.") {
        return text.strip_prefix('$').filter(|rest| is_input(rest)).into_iter().collect();
    }
    let mut found = Vec::new();
    let (mut rest, mut quoted) = (text, false);
    while let Some(c) = rest.chars().next() {
        if c == '$' && !quoted {
            let (path, after) = rest.split_at(query_prefix(rest).max(1));
            found.extend(path[1..].trim_end().strip_prefix("").filter(|path| is_input(path)));
            rest = after;
            continue;
        }
        let skipped = if c == '\\' && quoted { 2 } else { 1 };
        quoted ^= c == '\'';
        rest = rest.char_indices().nth(skipped).map_or("", |(at, _)| &rest[at..]);
    }
    found
}

/// Returns the names of a path up to the first index, filter or wildcard.
fn names_of(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = path;
    loop {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', '(']).unwrap_or(after.len());
            let name = &after[..end];
            if name.is_empty() || name == "*" || after[end..].starts_with('(') {
                return names;
            }
            names.push(name.to_owned());
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix("['").or_else(|| rest.strip_prefix("[\"")) {
            let quote = rest.as_bytes().get(1).map_or('\'', |byte| char::from(*byte));
            let Some((name, after)) = quoted(after, quote) else { return names };
            names.push(name);
            rest = after;
        } else {
            return names;
        }
    }
}

/// Reads a quoted name up to `']`.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            c if c == quote => return Some((name, text[at + 1..].strip_prefix(']')?)),
            c => name.push(c),
        }
    }
    None
}

/// Returns the number of `{}` in the template of a `States.Format` call and the number of its other arguments, for each
/// such call in a text whose template is a literal.
pub(super) fn formats(text: &str) -> Vec<(usize, usize)> {
    const CALL: &str = "States.Format(";
    let mut found = Vec::new();
    for (at, _) in text.match_indices(CALL) {
        let arguments = &text[at + CALL.len()..];
        let Some(template) = arguments.trim_start().strip_prefix('\'') else { continue };
        let (mut holes, mut escaped, mut end) = (0, false, None);
        let mut last = ' ';
        for (at, c) in template.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '\'' => {
                    end = Some(at + 1);
                    break;
                }
                '}' if last == '{' => holes += 1,
                _ => {}
            }
            last = if escaped { ' ' } else { c };
        }
        let Some(end) = end else { continue };
        found.push((holes, following_arguments(&template[end..])));
    }
    found
}

/// Counts the arguments from a comma on, up to the call's closing bracket.
fn following_arguments(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped, mut count) = (0_usize, false, false, 0);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' if depth > 0 => depth -= 1,
            ')' => break,
            ',' if depth == 0 => count += 1,
            _ => {}
        }
    }
    count
}

/// Returns the name under `$.output` that a state's `ResultPath`, or a catcher's, writes.
pub(super) fn output_written(fields: &Map<String, Value>) -> Option<String> {
    let path = fields.get("ResultPath")?.as_str()?.strip_prefix('$')?;
    match names_of(path).as_slice() {
        [output, name, ..] if output == "output" => Some(name.clone()),
        _ => None,
    }
}

/// Returns the name at the root of the payload that a `ResultPath` writes.
pub(super) fn root_written(fields: &Map<String, Value>) -> Option<String> {
    names_of(fields.get("ResultPath")?.as_str()?.strip_prefix('$')?).into_iter().next()
}
