use std::collections::HashMap;

use crate::problem::Problem;

use super::source::Source;
use super::{Duplicate, Key, MAX_BYTES, MAX_COPIES, MAX_DEPTH, MAX_VALUES, Node, NodeKind, Span};

/// What a parser has spent of a document's limits.
#[derive(Default)]
pub(super) struct Budget {
    values: usize,
    copied_values: usize,
    copied_bytes: usize,
}

impl Budget {
    /// Counts a value at a nesting depth, the root's being 0.
    pub(super) fn value(&mut self, source: &Source, span: Span, depth: usize) -> Result<(), Problem> {
        self.values += 1;
        if depth > MAX_DEPTH {
            return Err(too_deep(source, span));
        }
        if self.values > MAX_VALUES {
            return Err(source.error(span, format!("the file holds more than {MAX_VALUES} values")));
        }
        Ok(())
    }

    /// Counts a copy of a value that will stand at a nesting depth.
    pub(super) fn copy(&mut self, source: &Source, node: &Node, at: Span, depth: usize) -> Result<(), Problem> {
        let deepest = self.copy_part(node, depth);
        if self.copied_values > MAX_COPIES || self.copied_bytes > MAX_BYTES {
            let message = format!("anchors and aliases copy more than {MAX_COPIES} values or {MAX_BYTES} bytes");
            return Err(source.error(at, message).with_help("write the values out, or use fewer aliases"));
        }
        if deepest > MAX_DEPTH { Err(too_deep(source, at)) } else { Ok(()) }
    }

    fn copy_part(&mut self, node: &Node, depth: usize) -> usize {
        self.copied_values += 1;
        match &node.kind {
            NodeKind::Null => depth,
            NodeKind::Scalar(scalar) => {
                self.copied_bytes += scalar.text.len();
                depth
            }
            NodeKind::List(items) => items.iter().map(|item| self.copy_part(item, depth + 1)).max().unwrap_or(depth),
            NodeKind::Map(entries) => {
                let part = |(key, value): &(Key, Node)| {
                    self.copied_bytes += key.text.len();
                    self.copy_part(value, depth + 1)
                };
                entries.iter().map(part).max().unwrap_or(depth)
            }
        }
    }
}

pub(super) fn too_deep(source: &Source, span: Span) -> Problem {
    source.error(span, format!("lists and maps are nested more than {MAX_DEPTH} deep"))
}

/// Notes the keys that stand twice.
pub(super) fn find_duplicates(entries: &[(Key, Node)], duplicates: &mut Vec<Duplicate>) {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        if let Some(first) = seen.get(key.text.as_str()) {
            duplicates.push(Duplicate { key: key.text.clone(), first: *first, second: key.span });
        } else {
            seen.insert(&key.text, key.span);
        }
    }
}
