//! Walks through values that remember the way; documents limit the depth.

use serde_json::Value;

use crate::document::{DocPath, Node, NodeKind, Segment};

/// The way from the root of a document to the value that is visited.
#[derive(Debug, Default)]
pub(super) struct Way(Vec<Segment>);

impl Way {
    pub(super) fn of(path: &DocPath) -> Self {
        Self(path.segments().to_vec())
    }

    /// Returns the way as a path.
    pub(super) fn path(&self) -> DocPath {
        self.0.iter().fold(DocPath::root(), |path, segment| match segment {
            Segment::Key(key) => path.key(key),
            Segment::Index(index) => path.index(*index),
        })
    }

    /// Returns the key or position of the value itself.
    pub(super) fn last(&self) -> Option<&Segment> {
        self.0.last()
    }

    /// Goes one step further and comes back.
    pub(super) fn at<T>(&mut self, segment: Segment, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.0.push(segment);
        let result = visit(self);
        self.0.pop();
        result
    }

    pub(super) fn key<T>(&mut self, key: &str, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.at(Segment::Key(key.to_owned()), visit)
    }

    pub(super) fn index<T>(&mut self, index: usize, visit: impl FnOnce(&mut Self) -> T) -> T {
        self.at(Segment::Index(index), visit)
    }
}

/// Visits a value of a document and every value below it.
pub(super) fn each_node(node: &Node, way: &mut Way, visit: &mut dyn FnMut(&Node, &Way)) {
    visit(node, way);
    match &node.kind {
        NodeKind::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.index(index, |way| each_node(item, way, visit));
            }
        }
        NodeKind::Map(entries) => {
            for (key, item) in entries {
                way.key(&key.text, |way| each_node(item, way, visit));
            }
        }
        _ => {}
    }
}

/// Visits every text below a value, and whether it is the argument of `Fn::Sub`.
pub(super) fn each_text(value: &Value, way: &mut Way, visit: &mut dyn FnMut(&Way, &str, bool)) {
    let in_sub = |way: &Way| matches!(way.last(), Some(Segment::Key(key)) if key == "Fn::Sub");
    match value {
        Value::String(text) => visit(way, text, in_sub(way)),
        Value::Array(items) => {
            let of_sub = in_sub(way);
            for (index, item) in items.iter().enumerate() {
                way.index(index, |way| match item {
                    Value::String(text) if of_sub && index == 0 => visit(way, text, true),
                    item => each_text(item, way, visit),
                });
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                way.key(key, |way| each_text(value, way, visit));
            }
        }
        _ => {}
    }
}
