//! Setting one value in a file somebody wrote: all else keeps its text.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::problem::{Problem, Problems};

use super::{DocPath, Document, Format, Key, Node, NodeKind, Scalar, Segment, Span};

const STEP: &str = "  ";

/// A part of the text and what to put in its place.
struct Edit {
    span: Span,
    text: String,
}

impl Document {
    /// Returns the file's text with a text value set at a path.
    ///
    /// Missing maps on the way are created. The value is written in double quotes, so it reads back as text whatever it
    /// looks like; comments, order and layout of the rest stay. A file whose value is that text already stays as it is.
    ///
    /// # Errors
    ///
    /// The path leads through something that is no map, a map or list stands at its end, or the place cannot be changed
    /// without changing others (aliases of it exist, for instance).
    pub fn set(&self, path: &DocPath, value: &str) -> Result<String, Problems> {
        if let Some(Node { kind: NodeKind::Scalar(scalar), .. }) = self.get(path)
            && scalar.text == value
            && (scalar.quoted || scalar.is_plainly_text())
        {
            return Ok(self.text());
        }
        let mut expected = self.root.clone();
        put(&mut expected, path.segments(), value);
        let expected = shape(&expected);
        for edit in self.edits(path, value)? {
            let text = self.source.text();
            let edited = [&text[..edit.span.start], &edit.text, &text[edit.span.end..]].concat();
            // What a place in a file means depends on far more than its own text, so the result is looked at.
            if let Ok(reread) = Self::parse(self.file_name(), &edited)
                && reread.duplicates.len() == self.duplicates.len()
                && shape(&reread.root) == expected
            {
                return Ok(self.source.with_bom(&edited));
            }
        }
        let problem = Problem::error(format!("`{path}` cannot be set without changing other values of the file"));
        Err(problem.with_help("edit the file by hand").at(self.spot(path)).into())
    }

    /// The edits that may set the value, the best looking one first.
    fn edits(&self, path: &DocPath, value: &str) -> Result<Vec<Edit>, Problem> {
        let place = self.place(path)?;
        let Some((first, deeper)) = place.rest.split_first() else {
            return self.replace(&place, path, value);
        };
        let entry = Entry { first, deeper, value, format: self.format };
        Ok(match &place.node.kind {
            NodeKind::Map(entries) if place.node.flow => self.insert_flow(place.node, entries, &entry),
            NodeKind::Map(entries) => self.insert_block(place.node, entries, &entry),
            NodeKind::Null => self.fill(&place, &entry),
            NodeKind::Scalar(_) | NodeKind::List(_) => {
                let kind = place.node.type_name();
                let message = format!("`{}` is {kind}, so `{path}` cannot be set", place.path);
                return Err(Problem::error(message).at(self.spot(&place.path)));
            }
        })
    }

    /// Walks as far as the path exists in the text; what merge keys bring does not exist there.
    fn place<'d>(&'d self, path: &DocPath) -> Result<Place<'d>, Problem> {
        let mut place = Place { node: &self.root, key: None, parent: None, path: DocPath::root(), rest: Vec::new() };
        let mut segments = path.segments();
        while let [segment, after @ ..] = segments {
            if place.node.alias.is_some() {
                let message = format!("`{}` is an alias, so `{path}` cannot be set here", place.path);
                return Err(Problem::error(message)
                    .with_help("set the value where the anchor is, or write the map out")
                    .at(self.spot(&place.path)));
            }
            let (key, node, path) = match (segment, &place.node.kind) {
                (Segment::Key(name), NodeKind::Map(entries)) => {
                    let found = entries.iter().rev().find(|(key, _)| key.text == *name && !key.merged);
                    let Some((key, node)) = found else { break };
                    (Some(key), node, place.path.key(name))
                }
                (Segment::Index(index), NodeKind::List(items)) => {
                    let Some(node) = items.get(*index) else { break };
                    (None, node, place.path.index(*index))
                }
                _ => break,
            };
            place = Place { node, key, parent: Some(place.node), path, rest: Vec::new() };
            segments = after;
        }
        for segment in segments {
            match segment {
                Segment::Key(name) => place.rest.push(name.clone()),
                Segment::Index(index) => {
                    let message = format!("`{}` has no element {index} to set `{path}` in", place.path);
                    return Err(Problem::error(message).at(self.spot(&place.path)));
                }
            }
        }
        Ok(place)
    }

    fn replace(&self, place: &Place<'_>, path: &DocPath, value: &str) -> Result<Vec<Edit>, Problem> {
        let node = place.node;
        let text = quote(value, self.format);
        if let Some(alias) = node.alias {
            return Ok(vec![Edit { span: alias, text }]);
        }
        if matches!(node.kind, NodeKind::List(_) | NodeKind::Map(_)) {
            let message = format!("`{path}` is {}, which a text cannot replace", node.type_name());
            return Err(Problem::error(message).at(self.spot(path)));
        }
        let edit = match place.key {
            Some(key) if node.span.is_empty() => self.behind_key(key, &text),
            None if node.span.is_empty() => Edit { span: node.span, text: format!(" {text}") },
            _ => Edit { span: self.trimmed(node.span), text },
        };
        Ok(vec![edit])
    }

    /// Puts a map with the new entry where null is.
    fn fill(&self, place: &Place<'_>, entry: &Entry<'_>) -> Vec<Edit> {
        let text = self.source.text();
        let newline = self.newline();
        let node = place.node;
        match (place.key, self.format) {
            (None, Format::Json) if place.parent.is_none() => {
                let map = format!("{{{newline}{STEP}{}{newline}}}", entry.multi_line(STEP, STEP, newline));
                let span = if node.span.is_empty() { Span::new(0, text.len()) } else { node.span };
                let end = if node.span.is_empty() { newline } else { "" };
                vec![Edit { span, text: format!("{map}{end}") }]
            }
            (None, Format::Yaml) if place.parent.is_none() => {
                let block = entry.block("", newline);
                if !node.span.is_empty() {
                    return vec![Edit { span: node.span, text: block }];
                }
                let start = if text.is_empty() || text.ends_with(['\n', '\r']) { "" } else { newline };
                vec![Edit { span: Span::new(text.len(), text.len()), text: format!("{start}{block}{newline}") }]
            }
            (Some(key), Format::Yaml) if node.span.is_empty() => {
                let parent_is_flow = place.parent.is_some_and(|parent| parent.flow);
                let indent = " ".repeat(self.column(key.span.start) + STEP.len());
                let at = self.source.line_span(self.source.line_of(key.span.end)).end;
                let block = Edit {
                    span: Span::new(at, at),
                    text: format!("{newline}{indent}{}", entry.block(&indent, newline)),
                };
                let flow = self.behind_key(key, &format!("{{{}}}", entry.inline()));
                if parent_is_flow { vec![flow] } else { vec![block, flow] }
            }
            _ => vec![Edit { span: self.trimmed(node.span), text: format!("{{{}}}", entry.inline()) }],
        }
    }

    fn insert_block(&self, map: &Node, entries: &[(Key, Node)], entry: &Entry<'_>) -> Vec<Edit> {
        let newline = self.newline();
        let first_key = entries.iter().find(|(key, _)| !key.merged).map(|(key, _)| key.span.start);
        let indent = " ".repeat(self.column(first_key.unwrap_or(map.span.start)));
        let lines = entry.block(&indent, newline);
        let end = self.trimmed(map.span).end;
        let at = self.source.line_span(self.source.line_of(end)).end;
        let behind_last = Edit { span: Span::new(at, at), text: format!("{newline}{indent}{lines}") };
        // Blank lines may belong to a block of text that keeps them. It ends before the indentation of the next line.
        let line = self.source.line_span(self.source.line_of(map.span.end));
        let starts_line = self.source.slice(Span::new(line.start, map.span.end)).trim().is_empty();
        let at = if starts_line { line.start } else { map.span.end };
        let before = if starts_line { "" } else { newline };
        let behind_blank = Edit { span: Span::new(at, at), text: format!("{before}{indent}{lines}{newline}") };
        vec![behind_last, behind_blank]
    }

    fn insert_flow(&self, map: &Node, entries: &[(Key, Node)], entry: &Entry<'_>) -> Vec<Edit> {
        let newline = self.newline();
        let Some((key, value)) = entries.iter().rev().find(|(key, _)| !key.merged) else {
            return self.fill_braces(map, entry);
        };
        let end = match value.alias {
            Some(alias) => self.trimmed(alias).end,
            None if value.span.is_empty() => self.behind_colon(key).unwrap_or(key.span.end),
            None => self.trimmed(value.span).end,
        };
        let line = self.source.line_span(self.source.line_of(key.span.start));
        let indent = self.source.slice(Span::new(line.start, key.span.start));
        let own_line = indent.trim().is_empty() && line.start > map.span.start;
        let text = if own_line {
            let outer = self.indentation(map.span.start);
            let step = indent.strip_prefix(outer).filter(|step| !step.is_empty()).unwrap_or(STEP);
            format!(",{newline}{indent}{}", entry.multi_line(indent, step, newline))
        } else {
            format!(", {}", entry.inline())
        };
        vec![Edit { span: Span::new(end, end), text }]
    }

    /// Puts the entry into a flow map without entries of its own.
    fn fill_braces(&self, map: &Node, entry: &Entry<'_>) -> Vec<Edit> {
        let text = self.source.slice(map.span);
        let Some(open) = text.find('{') else { return Vec::new() };
        let inside = Span::new(map.span.start + open + 1, map.span.end.saturating_sub(1));
        let blank = self.source.slice(inside).trim().is_empty();
        let is_root = map.span == self.root.span;
        if self.format == Format::Json && blank && (is_root || self.source.text().contains('\n')) {
            let newline = self.newline();
            let outer = self.indentation(map.span.start);
            let indent = format!("{outer}{STEP}");
            let entry = entry.multi_line(&indent, STEP, newline);
            return vec![Edit { span: inside, text: format!("{newline}{indent}{entry}{newline}{outer}") }];
        }
        let span = if blank { inside } else { Span::new(inside.start, inside.start) };
        vec![Edit { span, text: entry.inline() }]
    }

    /// Puts a value behind a key that has none.
    fn behind_key(&self, key: &Key, value: &str) -> Edit {
        match self.behind_colon(key) {
            Some(at) => Edit { span: Span::new(at, at), text: format!(" {value}") },
            None => Edit { span: Span::new(key.span.end, key.span.end), text: format!(": {value}") },
        }
    }

    fn behind_colon(&self, key: &Key) -> Option<usize> {
        let rest = &self.source.text()[key.span.end..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest[blanks..].starts_with(':').then_some(key.span.end + blanks + 1)
    }

    /// A span without the white space at its end.
    fn trimmed(&self, span: Span) -> Span {
        Span::new(span.start, span.start + self.source.slice(span).trim_end_matches([' ', '\t', '\r', '\n']).len())
    }

    /// How many characters stand before a byte in its line.
    fn column(&self, at: usize) -> usize {
        let line = self.source.line_span(self.source.line_of(at));
        self.source.slice(Span::new(line.start, at)).chars().count()
    }

    /// The white space that begins the line of a byte.
    fn indentation(&self, at: usize) -> &str {
        let line = self.source.line(self.source.line_of(at));
        &line[..line.len() - line.trim_start().len()]
    }

    fn newline(&self) -> &'static str {
        match self.source.text().find('\n') {
            Some(at) if self.source.text()[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

/// Where a path ends in the text, and the keys that are missing there.
struct Place<'d> {
    node: &'d Node,
    key: Option<&'d Key>,
    parent: Option<&'d Node>,
    path: DocPath,
    rest: Vec<String>,
}

/// The value to insert under one or more new keys.
struct Entry<'e> {
    first: &'e str,
    deeper: &'e [String],
    value: &'e str,
    format: Format,
}

impl Entry<'_> {
    /// `a: {b: "value"}`
    fn inline(&self) -> String {
        let mut text = format!("{}: ", key(self.first, self.format));
        for name in self.deeper {
            // Writing to a String cannot fail.
            let _ = write!(text, "{{{}: ", key(name, self.format));
        }
        text.push_str(&quote(self.value, self.format));
        text.extend(self.deeper.iter().map(|_| '}'));
        text
    }

    /// Block lines; the first one comes without its indentation.
    fn block(&self, indent: &str, newline: &str) -> String {
        let mut text = format!("{}:", key(self.first, self.format));
        let mut indent = indent.to_owned();
        for name in self.deeper {
            indent.push_str(STEP);
            let _ = write!(text, "{newline}{indent}{}:", key(name, self.format));
        }
        let _ = write!(text, " {}", quote(self.value, self.format));
        text
    }

    /// Like [`Self::inline`], with a line for each nested key in JSON, which people lay out so.
    fn multi_line(&self, indent: &str, step: &str, newline: &str) -> String {
        if self.format == Format::Yaml {
            return self.inline();
        }
        let mut text = format!("{}: ", key(self.first, self.format));
        let mut indents = vec![indent.to_owned()];
        for name in self.deeper {
            let deeper = format!("{}{step}", indents[indents.len() - 1]);
            let _ = write!(text, "{{{newline}{deeper}{}: ", key(name, self.format));
            indents.push(deeper);
        }
        text.push_str(&quote(self.value, self.format));
        for indent in indents.iter().rev().skip(1) {
            let _ = write!(text, "{newline}{indent}}}");
        }
        text
    }
}

fn key(name: &str, format: Format) -> String {
    let scalar = Scalar { text: name.to_owned(), quoted: false };
    let plain = scalar.is_plainly_text() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
    if plain && format == Format::Yaml { name.to_owned() } else { quote(name, format) }
}

/// Returns a text in double quotes. JSON's escapes mean the same in YAML, which has to escape some characters more.
fn quote(text: &str, format: Format) -> String {
    let json = Value::String(text.to_owned()).to_string();
    if format == Format::Json {
        return json;
    }
    let mut quoted = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '\u{7f}'..='\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a String cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted
}

/// Sets the value in a tree, to know what the edited file must read as.
fn put(node: &mut Node, path: &[Segment], value: &str) {
    let Some((segment, rest)) = path.split_first() else {
        node.kind = NodeKind::Scalar(Scalar::text(value));
        return;
    };
    match (segment, &mut node.kind) {
        (Segment::Index(index), NodeKind::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                put(item, rest, value);
            }
        }
        (Segment::Key(name), NodeKind::Map(entries)) => {
            if let Some((_, child)) = entries.iter_mut().rev().find(|(key, _)| key.text == *name) {
                return put(child, rest, value);
            }
            let mut child = Node::new(NodeKind::Null, Span::default());
            put(&mut child, rest, value);
            entries.push((Key { text: name.clone(), span: Span::default(), merged: false }, child));
        }
        (Segment::Key(_), kind @ NodeKind::Null) => {
            *kind = NodeKind::Map(Vec::new());
            put(node, path, value);
        }
        _ => {}
    }
}

/// What a tree says, without where it says it: equal for documents that mean and spell their values alike.
fn shape(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Null => Value::Null,
        NodeKind::Scalar(scalar) if scalar.quoted => Value::String(scalar.text.clone()),
        NodeKind::Scalar(scalar) => json!({ "plain": scalar.text }),
        NodeKind::List(items) => Value::Array(items.iter().map(shape).collect()),
        NodeKind::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.text.clone(), shape(value)));
            json!({ "map": Value::Object(entries.collect()) })
        }
    }
}
