use std::collections::BTreeMap;

use crate::problem::{Problem, Problems, Severity};

use super::{DocPath, Document, Node, NodeKind, Scalar, Segment};

/// Most problems that are collected about one document.
const MAX_PROBLEMS: usize = 100;

/// Reads typed values out of a document and collects all that is wrong with them.
///
/// A missing value and null read alike: as not set. A value of the wrong type is noted as an error and also reads as not
/// set, so that one reading finds all mistakes.
#[derive(Debug)]
pub struct Reader<'d> {
    document: &'d Document,
    problems: Vec<Problem>,
    left_out: usize,
}

impl<'d> Reader<'d> {
    /// Starts with the document's duplicate keys as its first problems.
    #[must_use]
    pub fn new(document: &'d Document) -> Self {
        let mut reader = Self { document, problems: Vec::new(), left_out: 0 };
        for problem in document.duplicate_keys() {
            reader.note(problem);
        }
        reader
    }

    /// Returns the document.
    #[must_use]
    pub fn document(&self) -> &'d Document {
        self.document
    }

    /// Adds a problem; beyond the first hundred they are only counted.
    pub fn note(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else if problem.severity == Severity::Error {
            self.left_out += 1;
        }
    }

    /// Adds an error at a value.
    pub fn error(&mut self, path: &DocPath, message: impl Into<String>) {
        self.note(Problem::error(message).at(self.document.spot(path)));
    }

    /// Adds a warning at a value.
    pub fn warning(&mut self, path: &DocPath, message: impl Into<String>) {
        self.note(Problem::warning(message).at(self.document.spot(path)));
    }

    /// Returns the value with the warnings.
    ///
    /// # Errors
    ///
    /// All problems in the order of the file, when one of them is an error.
    pub fn finish<T>(mut self, value: T) -> Result<(T, Vec<Problem>), Problems> {
        self.problems.sort_by_key(|problem| problem.at.as_ref().map_or((0, 0), |at| (at.line, at.column)));
        if self.left_out > 0 {
            self.problems.push(Problem::error(format!("and {} more problems", self.left_out)));
        }
        Problems::unless_errors(value, self.problems)
    }

    /// Reads any value but null.
    #[must_use]
    pub fn value(&self, path: &DocPath) -> Option<&'d Node> {
        self.document.get(path).filter(|node| !node.is_null())
    }

    /// Reads a scalar in its author's spelling.
    pub fn text(&mut self, path: &DocPath) -> Option<String> {
        self.scalar(path).map(|scalar| scalar.text.clone())
    }

    /// Reads a scalar.
    pub fn scalar(&mut self, path: &DocPath) -> Option<&'d Scalar> {
        match &self.value(path)?.kind {
            NodeKind::Scalar(scalar) => Some(scalar),
            _ => self.wrong_type(path, "text"),
        }
    }

    /// Reads a boolean: plain `true`, `yes`, `on` and their opposites as in YAML 1.1, or the text `true` or `false`.
    pub fn boolean(&mut self, path: &DocPath) -> Option<bool> {
        let NodeKind::Scalar(scalar) = &self.value(path)?.kind else { return self.wrong_type(path, "true or false") };
        let plain = !scalar.quoted;
        match scalar.text.to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            "yes" | "on" if plain => Some(true),
            "no" | "off" if plain => Some(false),
            _ => self.wrong_type(path, "true or false"),
        }
    }

    /// Reads a list of scalars; nulls in it read as the text `null`.
    pub fn texts(&mut self, path: &DocPath) -> Option<Vec<String>> {
        let Some(items) = self.value(path)?.as_list() else { return self.wrong_type(path, "a list") };
        let texts = items.iter().enumerate().filter_map(|(index, item)| self.text_or_null(&path.index(index), item));
        Some(texts.collect())
    }

    /// Reads a map of scalars; nulls in it read as the text `null`.
    pub fn text_map(&mut self, path: &DocPath) -> Option<BTreeMap<String, String>> {
        let entries = self.entries(path)?;
        let texts = entries.into_iter().filter_map(|(key, child, node)| {
            let text = self.text_or_null(&child, node)?;
            Some((key.to_owned(), text))
        });
        Some(texts.collect())
    }

    /// Reads a map as its keys with the path and value of each.
    pub fn entries(&mut self, path: &DocPath) -> Option<Vec<(&'d str, DocPath, &'d Node)>> {
        let Some(entries) = self.value(path)?.as_map() else { return self.wrong_type(path, "a map") };
        Some(entries.iter().map(|(key, node)| (key.text.as_str(), path.key(&key.text), node)).collect())
    }

    /// Checks the keys of a map against those that have a meaning.
    ///
    /// An unknown key is a warning; when it looks like a misspelling of a known one it is an error, since what it sets
    /// would be lost.
    pub fn known_keys(&mut self, path: &DocPath, known: &[&str]) {
        let Some(entries) = self.document.get(path).and_then(Node::as_map) else { return };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let place = Some(self.document.source.spot(key.span));
            let problem = match near_miss(&key.text, known) {
                Some(meant) => {
                    Problem::error(format!("unknown key `{}`", key.text)).with_help(format!("did you mean `{meant}`?"))
                }
                None => Problem::warning(format!("unknown key `{}` has no effect", key.text))
                    .with_help(format!("known keys are {}", list(known))),
            };
            self.note(problem.at(place));
        }
    }

    /// Notes that a value has not the expected type.
    pub fn wrong_type<T>(&mut self, path: &DocPath, expected: &str) -> Option<T> {
        let actual = self.document.get(path).map_or("null", Node::type_name);
        let problem = Problem::error(format!("`{}` must be {expected}, not {actual}", name(path)));
        let problem = match form(path, expected) {
            Some(help) => problem.with_help(help),
            None => problem,
        };
        self.note(problem.at(self.document.spot(path)));
        None
    }

    fn text_or_null(&mut self, path: &DocPath, node: &Node) -> Option<String> {
        match &node.kind {
            NodeKind::Null => Some("null".to_owned()),
            NodeKind::Scalar(scalar) => Some(scalar.text.clone()),
            NodeKind::List(_) | NodeKind::Map(_) => self.wrong_type(path, "text"),
        }
    }
}

/// Returns how a value of the expected type is written.
fn form(path: &DocPath, expected: &str) -> Option<String> {
    let key = path.segments().iter().rev().find_map(|segment| match segment {
        Segment::Key(key) => Some(key.as_str()),
        Segment::Index(_) => None,
    })?;
    let is_element = matches!(path.segments().last(), Some(Segment::Index(_)));
    match expected {
        _ if is_element && expected.starts_with("text") => Some("write `- value`, in quotes if need be".to_owned()),
        _ if expected.starts_with("text") => Some(format!("write `{key}: value`, in quotes if need be")),
        _ if expected.starts_with("a map") => {
            Some(format!("write `{key}:`, and indented below it lines such as `name: value`"))
        }
        _ if expected.starts_with("a list") => {
            Some(format!("write `{key}:`, and below it each element on a line that begins with `- `"))
        }
        "true or false" => Some(format!("write `{key}: true` or `{key}: false`")),
        _ => None,
    }
}

/// What to call the value at a path in a sentence.
fn name(path: &DocPath) -> String {
    if path.segments().is_empty() { "the document".to_owned() } else { path.to_string() }
}

/// Returns the known key that the author most likely meant: the same but for letter case, or at most two edits away.
fn near_miss<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    let distance = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(key) { 0 } else { strsim::damerau_levenshtein(candidate, key) }
    };
    // Two edits turn any short word into any other.
    let allowed = |candidate: &str| if candidate.len() < 5 { 1 } else { 2 };
    // Comparing takes time and memory with the length of the key, which anybody may have written.
    let near = known.iter().filter(|candidate| candidate.len().abs_diff(key.len()) <= 8);
    let near = near.map(|candidate| (distance(candidate), *candidate));
    near.filter(|(distance, candidate)| *distance <= allowed(candidate)).min().map(|(_, candidate)| candidate)
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
