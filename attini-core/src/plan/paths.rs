//! Step names in paths (deployment-plan.md 8.4), and the paths that a state reads.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::asl::MAX_NAME_LENGTH;
use crate::document::Segment;

/// Returns the path of a step's output, or of something below it.
///
/// Names of letters, digits, `_` and `-` stay in dot form; all others, and what follows them, are written in brackets.
pub(super) fn output_path(step: &str, below: &[&str]) -> String {
    if is_plain(step) {
        below.iter().fold(format!("$.output.{step}"), |path, key| format!("{path}.{key}"))
    } else {
        below.iter().fold(bracketed(step), |path, key| format!("{path}['{key}']"))
    }
}

fn bracketed(step: &str) -> String {
    let escaped = step.replace('\\', "\\\\").replace('\'', "\\'");
    format!("$['output']['{escaped}']")
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// Rewrites paths that spell the name of a step in dot form although it needs brackets.
#[derive(Debug, Default)]
pub(super) struct OutputPaths {
    plain: HashSet<String>,
    awkward: HashSet<String>,
}

impl OutputPaths {
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let (plain, awkward) = names.into_iter().partition(|name| is_plain(name));
        Self { plain, awkward }
    }

    /// Rewrites a path, or the paths in the arguments of an intrinsic function.
    pub(super) fn rewrite(&self, text: &mut String) {
        const START: &str = "$.output.";
        if self.awkward.is_empty() || !text.contains(START) {
            return;
        }
        let function = text.starts_with("States.");
        let mut result = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut quoted = false;
        while let Some(c) = rest.chars().next() {
            let at_path = !quoted && !result.ends_with('$') && (function || result.is_empty());
            if at_path
                && let Some(tail) = rest.strip_prefix(START)
                && let Some(name) = self.find(tail, function)
            {
                result.push_str(&bracketed(name));
                rest = &tail[name.len()..];
                continue;
            }
            if function && c == '\\' && quoted {
                let escaped = rest.chars().take(2).map(char::len_utf8).sum();
                result.push_str(&rest[..escaped]);
                rest = &rest[escaped..];
                continue;
            }
            quoted ^= function && c == '\'';
            result.push(c);
            rest = &rest[c.len_utf8()..];
        }
        *text = result;
    }

    /// Returns the longest awkward name that the text starts with, unless a plain one explains it as well.
    fn find<'t>(&self, text: &'t str, function: bool) -> Option<&'t str> {
        let ends = |c: char| match c {
            '.' | '[' => true,
            c => function && (matches!(c, ',' | ')') || c.is_whitespace()),
        };
        let ends = text.char_indices().filter(|(_, c)| ends(*c)).map(|(at, _)| at).chain([text.len()]);
        let mut found = None;
        // No name is longer, which keeps this from growing with the text.
        for name in ends.take_while(|end| *end <= 4 * MAX_NAME_LENGTH).map(|end| &text[..end]) {
            if self.plain.contains(name) {
                return None;
            }
            if self.awkward.contains(name) {
                found = Some(name);
            }
        }
        found
    }
}

/// Returns the parameters of the init stack that a path, or an intrinsic function, names literally.
pub(super) fn stack_parameters_read(text: &str) -> Vec<&str> {
    const WORD: &str = "stackParameters";
    let mut found = Vec::new();
    for (position, _) in text.match_indices(WORD) {
        let before = &text[..position];
        let root = ["$.", "$['", "$[\""].iter().find_map(|root| before.strip_suffix(root));
        if root.is_none_or(|outside| outside.ends_with('$')) {
            continue;
        }
        let after = &text[position + WORD.len()..];
        let after = after.strip_prefix("']").or_else(|| after.strip_prefix("\"]")).unwrap_or(after);
        let name = ["['", "[\"", "."].iter().find_map(|open| after.strip_prefix(open));
        let Some(name) = name else { continue };
        let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
        found.push(&name[..end]);
    }
    found
}

/// The way to a value inside a state, linked from the inside out: most values are passed without anybody asking for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way<'a> {
    above: Option<&'a Self>,
    part: Part<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Key(&'a str),
    Index(usize),
}

impl Way<'_> {
    /// Returns the steps from the state.
    pub(super) fn segments(&self) -> Vec<Segment> {
        let mut segments = self.above.map(Way::segments).unwrap_or_default();
        segments.push(match self.part {
            Part::Key(key) => Segment::Key(key.to_owned()),
            Part::Index(index) => Segment::Index(index),
        });
        segments
    }
}

/// Calls `visit` with every path that a state reads from its input, and with the way to it inside the state.
pub(super) fn each_path(fields: &mut Map<String, Value>, visit: &mut dyn FnMut(&Way<'_>, &mut String)) {
    for (key, value) in fields {
        let way = Way { above: None, part: Part::Key(key) };
        match (key.as_str(), value) {
            // Literal, and evaluated against the result of the task, not against the payload.
            ("Result" | "ResultSelector" | "ResultPath", _) => {}
            // `Variable`, and comparisons with another path such as `StringEqualsPath`.
            ("Choices", value) => nested(value, &way, &mut |key, way, text| {
                if key == "Variable" || key.ends_with("Path") || key.ends_with(".$") {
                    visit(way, text);
                }
            }),
            (key, Value::String(text)) if key.ends_with(".$") || key.ends_with("Path") => visit(&way, text),
            // Keys that end in `.$`, at any depth.
            (_, value) => nested(value, &way, &mut |key, way, text| {
                if key.ends_with(".$") {
                    visit(way, text);
                }
            }),
        }
    }
}

fn nested(value: &mut Value, way: &Way<'_>, text_at: &mut dyn FnMut(&str, &Way<'_>, &mut String)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                nested(item, &Way { above: Some(way), part: Part::Index(index) }, text_at);
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let way = Way { above: Some(way), part: Part::Key(key) };
                match value {
                    Value::String(text) => text_at(key, &way, text),
                    value => nested(value, &way, text_at),
                }
            }
        }
        _ => {}
    }
}
