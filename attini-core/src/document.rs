//! YAML and JSON files that people wrote, with the position of every value.
//!
//! A [`Document`] keeps the author's text, so that problems can show the line, scalars keep their spelling (`1.10`, `0123`)
//! and [`Document::set`] can change one value and leave comments, order and layout alone.
//!
//! Plain YAML scalars have the types of YAML 1.2's core schema, see [`Scalar::as_json_scalar`]: `yes` and `on` are texts.
//! CloudFormation's short tags are expanded while loading: `!Sub x` is the map `Fn::Sub: x`, and paths go through it.

mod edit;
mod excerpt;
mod json;
mod node;
mod path;
mod reader;
mod source;
mod syntax;
mod tree;
mod yaml;

#[cfg(test)]
mod tests;

pub use excerpt::{ExcerptPart, excerpt, styled_excerpt};
pub use node::{Key, Node, NodeKind, Scalar};
pub use path::{DocPath, Segment};
pub use reader::Reader;
pub use source::Span;

use std::fmt;

use serde_json::Value;

use crate::problem::{Problem, Problems, SourceSpot};
use source::Source;

/// Longest text that is read, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// Deepest nesting of lists and maps: 50 `Parallel`s in each other fit, and the parser's own limit for brackets is 255.
pub const MAX_DEPTH: usize = 250;
/// Most values in one document.
pub const MAX_VALUES: usize = 1_000_000;
/// Most values that anchors, aliases and merge keys may copy; copied texts may not be longer than [`MAX_BYTES`] together.
pub const MAX_COPIES: usize = 100_000;

/// The notations a document can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

/// A parsed file: its text, its values, and where each stands.
#[derive(Clone)]
pub struct Document {
    source: Source,
    format: Format,
    root: Node,
    duplicates: Vec<Duplicate>,
}

/// A key that stands twice in one map. The later one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Duplicate {
    key: String,
    first: Span,
    second: Span,
}

impl Document {
    /// Parses a text: as JSON when the file's name ends in `.json`, else as YAML.
    ///
    /// Only the first YAML document is read. An empty text is a document whose root is null. Strict JSON is asked of
    /// `.json` files: no comments, no trailing commas.
    ///
    /// # Errors
    ///
    /// One problem with its position: a syntax error, an unknown tag, or one of the limits [`MAX_BYTES`], [`MAX_DEPTH`],
    /// [`MAX_VALUES`] and [`MAX_COPIES`]. Duplicate keys are no error here, see [`duplicate_keys`](Self::duplicate_keys).
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        if text.len() > MAX_BYTES {
            let message = format!("`{file_name}` is larger than {} MiB", MAX_BYTES / 1024 / 1024);
            return Err(Problems::one(message));
        }
        let source = Source::new(file_name, text);
        let is_json = file_name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("json"));
        let (format, parsed) =
            if is_json { (Format::Json, json::parse(&source)) } else { (Format::Yaml, yaml::parse(&source)) };
        let (root, duplicates) = parsed?;
        Ok(Self { source, format, root, duplicates })
    }

    /// Returns the name the file was parsed under.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.source.file()
    }

    /// Returns the author's text.
    #[must_use]
    pub fn text(&self) -> String {
        self.source.full_text()
    }

    /// Returns the root value.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Returns the value at a path.
    #[must_use]
    pub fn get(&self, path: &DocPath) -> Option<&Node> {
        match self.walk(path) {
            (node, _, []) => Some(node),
            _ => None,
        }
    }

    /// Returns the values as JSON, short tags expanded and scalars typed. Of duplicate keys the last one counts.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.root.to_json()
    }

    /// Returns an error for each key that stands twice in one map, at its second place.
    #[must_use]
    pub fn duplicate_keys(&self) -> Vec<Problem> {
        let problem = |duplicate: &Duplicate| {
            let line = self.source.spot(duplicate.first).line;
            Problem::error(format!("the key `{}` stands twice in this map; first in line {line}", duplicate.key))
                .with_help("remove or rename one of them")
                .at(Some(self.source.spot(duplicate.second)))
        };
        self.duplicates.iter().map(problem).collect()
    }

    /// Returns where the value at a path stands, or its nearest ancestor that exists.
    ///
    /// Always `Some`; the type is the one of [`Problem::at`]. A value that was left out (`key:`) stands where its key does.
    #[must_use]
    pub fn spot(&self, path: &DocPath) -> Option<SourceSpot> {
        let (node, key, _) = self.walk(path);
        let span = match key {
            Some(key) if node.span.is_empty() => key.span,
            _ => node.span,
        };
        Some(self.source.spot(span))
    }

    /// Returns where the last key of a path stands, or what [`spot`](Self::spot) does when that key does not exist.
    #[must_use]
    pub fn key_spot(&self, path: &DocPath) -> Option<SourceSpot> {
        match self.walk(path) {
            (_, Some(key), []) => Some(self.source.spot(key.span)),
            _ => self.spot(path),
        }
    }

    /// Walks as far as the path exists; returns the value there, its key when it stands in a map, and the missing rest.
    fn walk<'d, 'p>(&'d self, path: &'p DocPath) -> (&'d Node, Option<&'d Key>, &'p [Segment]) {
        let (mut node, mut key, mut rest) = (&self.root, None, path.segments());
        while let [segment, after @ ..] = rest {
            match (segment, &node.kind) {
                (Segment::Key(name), NodeKind::Map(_)) => {
                    let Some((found, value)) = node.entry(name) else { break };
                    (node, key) = (value, Some(found));
                }
                (Segment::Index(index), NodeKind::List(items)) => {
                    let Some(item) = items.get(*index) else { break };
                    (node, key) = (item, None);
                }
                _ => break,
            }
            rest = after;
        }
        (node, key, rest)
    }
}

/// Shows the file's name only: files hold values that do not belong into logs.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("file", &self.source.file()).finish_non_exhaustive()
    }
}
