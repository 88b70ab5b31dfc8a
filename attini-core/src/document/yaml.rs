use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::problem::{Problem, Problems};

use super::node::is_null;
use super::source::Source;
use super::tree::{Budget, find_duplicates};
use super::{Duplicate, Key, Node, NodeKind, Scalar, Span, syntax};

pub(super) fn parse(source: &Source) -> Result<(Node, Vec<Duplicate>), Problems> {
    let mut builder = Builder::new(source);
    for event in Parser::new_from_str(source.text()) {
        match event {
            Ok((event, span)) => {
                let span = builder.offsets.span(span);
                if builder.take(event, span)? == Progress::Done {
                    break;
                }
            }
            Err(error) => {
                let at = builder.offsets.byte(error.marker().index());
                return Err(syntax::explain(source, error.info(), at, builder.open_bracket()).into());
            }
        }
    }
    let root = builder.root.unwrap_or_else(|| Node::new(NodeKind::Null, Span::default()));
    Ok((root, builder.duplicates))
}

#[derive(PartialEq)]
enum Progress {
    More,
    Done,
}

/// Builds the tree without recursion, so that nesting cannot exhaust the stack.
struct Builder<'s> {
    source: &'s Source,
    offsets: Offsets<'s>,
    open: Vec<Container>,
    anchors: HashMap<usize, Node>,
    budget: Budget,
    duplicates: Vec<Duplicate>,
    root: Option<Node>,
    /// End of the last thing that stands in the text.
    last_end: usize,
}

/// A list or map whose end was not seen yet.
struct Container {
    start: usize,
    flow: bool,
    anchor: usize,
    tag: Option<FoundTag>,
    items: Items,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<(Key, Node)>, key: Option<Key>, merges: bool },
}

impl<'s> Builder<'s> {
    fn new(source: &'s Source) -> Self {
        Self {
            source,
            offsets: Offsets::new(source.text()),
            open: Vec::new(),
            anchors: HashMap::new(),
            budget: Budget::default(),
            duplicates: Vec::new(),
            root: None,
            last_end: 0,
        }
    }

    fn open_bracket(&self) -> Option<usize> {
        self.open.iter().rev().find(|container| container.flow).map(|container| container.start)
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<Progress, Problem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            Event::SequenceStart(anchor, tag) => {
                self.start(Items::List(Vec::new()), anchor, tag.as_deref(), span)?;
            }
            Event::MappingStart(anchor, tag) => {
                let items = Items::Map { entries: Vec::new(), key: None, merges: false };
                self.start(items, anchor, tag.as_deref(), span)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::DocumentEnd => return Ok(Progress::Done),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) => {}
        }
        Ok(Progress::More)
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Container { items: Items::Map { key: None, .. }, .. }))
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Problem> {
        let tag = FoundTag::read(self.source, tag, span)?;
        let plain = style == ScalarStyle::Plain && !matches!(tag, Some(FoundTag { meaning: Meaning::Text, .. }));
        let left_out = plain && text.is_empty() && tag.is_none() && anchor == 0;
        let span = if left_out {
            // The parser places these anywhere up to the next token.
            let at = if self.expects_value_of_key() { self.last_end } else { span.start };
            Span::new(at, at)
        } else {
            let start = self.block_header(style, span).unwrap_or(span.start);
            let end = quoted_end(self.source, style, span).unwrap_or(span.end);
            self.last_end = end;
            Span::new(start, end)
        };
        if self.expects_key() {
            return self.key(text, plain, tag.as_ref(), span);
        }
        self.budget.value(self.source, span, self.open.len())?;
        let kind = match &tag {
            // What a short tag stands before is text, whatever it looks like.
            Some(FoundTag { meaning: Meaning::Short(_), .. }) => NodeKind::Scalar(Scalar::text(text)),
            _ if plain && is_null(text) => NodeKind::Null,
            _ => NodeKind::Scalar(Scalar { text: text.to_owned(), quoted: !plain }),
        };
        self.push(Node::new(kind, span), anchor, tag.as_ref())
    }

    /// Finds the `|` or `>` of a block of text; without tag or anchor, the parser's span begins behind it.
    fn block_header(&self, style: ScalarStyle, span: Span) -> Option<usize> {
        let indicator = match style {
            ScalarStyle::Literal => '|',
            ScalarStyle::Folded => '>',
            _ => return None,
        };
        let before = self.source.slice(Span::new(self.last_end.min(span.start), span.start));
        before.find(indicator).map(|at| span.start - before.len() + at)
    }

    fn expects_value_of_key(&self) -> bool {
        matches!(self.open.last(), Some(Container { items: Items::Map { key: Some(_), .. }, .. }))
    }

    fn key(&mut self, text: &str, plain: bool, tag: Option<&FoundTag>, span: Span) -> Result<(), Problem> {
        if let Some(FoundTag { meaning: Meaning::Short(name), .. }) = tag {
            return Err(self.source.error(span, format!("a key cannot have the tag `!{name}`")));
        }
        if text.is_empty() && plain {
            return Err(self.source.error(span, "a key is missing before the `:`"));
        }
        if let Some(Container { items: Items::Map { key, merges, .. }, .. }) = self.open.last_mut() {
            *merges |= plain && text == MERGE;
            *key = Some(Key { text: text.to_owned(), span, merged: false });
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Problem> {
        // The parser's span may go on to the next token.
        let name = self.source.slice(span).split([' ', '\t', '\r', '\n']).next().unwrap_or_default();
        let span = Span::new(span.start, span.start + name.len());
        self.last_end = span.end;
        if self.expects_key() {
            return Err(self.source.error(span, format!("the alias `{name}` cannot be a key")));
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            // The anchor is that of a list or map which is still open.
            return Err(self.source.error(span, format!("the alias `{name}` stands inside the value it means")));
        };
        self.budget.copy(self.source, anchored, span, self.open.len())?;
        let mut node = anchored.clone();
        node.alias = Some(span);
        self.place(node);
        Ok(())
    }

    fn start(&mut self, items: Items, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), Problem> {
        if self.expects_key() {
            return Err(self
                .source
                .error(span, "a key must be text, not a list or map")
                .with_help("quote the whole text if the bracket belongs to it"));
        }
        self.budget.value(self.source, span, self.open.len())?;
        let tag = FoundTag::read(self.source, tag, span)?;
        let flow = self.source.slice(span).trim_end().ends_with(['[', '{']);
        self.last_end = span.end;
        self.open.push(Container { start: span.start, flow, anchor, tag, items });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let Some(container) = self.open.pop() else { return Ok(()) };
        let flow = container.flow;
        if flow {
            self.last_end = self.behind_bracket(span.start);
        }
        let kind = match container.items {
            Items::List(items) => NodeKind::List(items),
            Items::Map { entries, merges, .. } => {
                find_duplicates(&entries, &mut self.duplicates);
                NodeKind::Map(if merges { self.merge(entries)? } else { entries })
            }
        };
        let node = Node { flow, ..Node::new(kind, Span::new(container.start, self.last_end)) };
        self.push(node, container.anchor, container.tag.as_ref())
    }

    /// Returns the place behind a closing bracket; the parser names that of a comma before it.
    fn behind_bracket(&self, from: usize) -> usize {
        let text = self.source.text();
        let mut at = from;
        loop {
            at = text.len() - text[at..].trim_start_matches([' ', '\t', '\r', '\n', ',']).len();
            if !text[at..].starts_with('#') {
                let bracket = text[at..].chars().next().map_or(0, char::len_utf8);
                return at + bracket;
            }
            at = self.source.line_span(self.source.line_of(at)).end;
        }
    }

    /// Replaces merge keys by the entries they bring; entries that the map has itself, or got earlier, win.
    fn merge(&mut self, entries: Vec<(Key, Node)>) -> Result<Vec<(Key, Node)>, Problem> {
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| key.text == MERGE);
        let depth = self.open.len() + 1;
        let mut names: HashSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
        for (key, value) in merges {
            let at = value.alias.unwrap_or(key.span);
            let maps = match &value.kind {
                NodeKind::Map(_) => std::slice::from_ref(&value),
                NodeKind::List(items) if items.iter().all(|item| item.as_map().is_some()) => items,
                _ => return Err(self.source.error(at, "`<<` needs a map or a list of maps, to take their entries")),
            };
            for (key, value) in maps.iter().filter_map(Node::as_map).flatten() {
                if names.insert(key.text.clone()) {
                    self.budget.copy(self.source, value, at, depth)?;
                    own.push((Key { merged: true, ..key.clone() }, value.clone()));
                }
            }
        }
        Ok(own)
    }

    /// Puts a finished value, expanded when it has a short tag, where it belongs, and remembers it for aliases.
    fn push(&mut self, node: Node, anchor: usize, tag: Option<&FoundTag>) -> Result<(), Problem> {
        let node = match tag {
            Some(FoundTag { meaning: Meaning::Short(name), span }) => {
                self.budget.value(self.source, node.span, self.open.len() + 1)?;
                expand(self.source, name, *span, node)
            }
            _ => node,
        };
        if anchor > 0 {
            self.budget.copy(self.source, &node, node.span, self.open.len())?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node);
        Ok(())
    }

    fn place(&mut self, node: Node) {
        match self.open.last_mut().map(|container| &mut container.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { entries, key, .. }) => {
                if let Some(key) = key.take() {
                    entries.push((key, node));
                }
            }
        }
    }
}

const MERGE: &str = "<<";

/// A tag that changes what its value means, and where it stands.
struct FoundTag {
    meaning: Meaning,
    span: Span,
}

enum Meaning {
    /// `!` or `!!str`.
    Text,
    /// A short form of CloudFormation, without the `!`.
    Short(String),
}

impl FoundTag {
    /// Reads the tag of a value; YAML's own tags other than `!!str` say nothing that plain typing does not say.
    fn read(source: &Source, tag: Option<&Tag>, value: Span) -> Result<Option<Self>, Problem> {
        let Some(tag) = tag else { return Ok(None) };
        let span = tag_span(source, value);
        let meaning = match (tag.handle.as_str(), tag.suffix.as_str()) {
            ("", "!") | ("!", "") => Meaning::Text,
            ("!", name) => Meaning::Short(name.to_owned()),
            _ if tag.is_yaml_core_schema() && tag.suffix == "str" => Meaning::Text,
            _ if tag.is_yaml_core_schema() => return Ok(None),
            _ => {
                let message = format!("the tag `{}` is not known", source.slice(span));
                return Err(source.error(span, message).with_help("use tags such as `!Ref` or `!Sub`, or none"));
            }
        };
        Ok(Some(Self { meaning, span }))
    }
}

/// Finds the tag at the beginning of a value, behind an anchor if there is one.
fn tag_span(source: &Source, value: Span) -> Span {
    let is_tag = |span: &Span| source.slice(*span).starts_with('!');
    properties(source, value).find(is_tag).unwrap_or(value)
}

/// Returns where a quoted text ends; the parser's span may go on to the next token.
fn quoted_end(source: &Source, style: ScalarStyle, span: Span) -> Option<usize> {
    let quote = match style {
        ScalarStyle::SingleQuoted => '\'',
        ScalarStyle::DoubleQuoted => '"',
        _ => return None,
    };
    let behind = properties(source, span).last().map_or(span.start, |last| last.end);
    let text = &source.text()[behind..];
    let open = text.find(quote)? + 1;
    let mut characters = text[open..].char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            // Two single quotes are one in the text.
            if quote == '"' || characters.next_if(|(_, next)| *next == quote).is_none() {
                return Some(behind + open + at + 1);
            }
        } else if c == '\\' && quote == '"' {
            characters.next();
        }
    }
    None
}

/// Returns the tag and the anchor that stand before a value, in the order of the text.
fn properties(source: &Source, value: Span) -> impl Iterator<Item = Span> {
    const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];
    let text = source.text();
    let mut at = value.start;
    // A value has at most one of each.
    (0..2).map_while(move |_| {
        let start = text.len() - text[at..].trim_start_matches(BLANK).len();
        let rest = &text[start..];
        let ends = |c: char| BLANK.contains(&c) || ",[]{}".contains(c);
        at = start + rest.find(ends).unwrap_or(rest.len());
        rest.starts_with(['!', '&']).then(|| Span::new(start, at))
    })
}

/// Returns the long form: `!Sub x` is the map `Fn::Sub: x`.
fn expand(source: &Source, name: &str, tag: Span, mut value: Node) -> Node {
    let span = value.span;
    let after_tag = &source.text()[tag.end.min(span.end)..span.end];
    value.span.start = span.end - after_tag.trim_start().len();
    if name == "GetAtt"
        && let NodeKind::Scalar(scalar) = &value.kind
        && let Some((resource, attribute)) = scalar.text.split_once('.')
    {
        let part = |text: &str| Node::new(NodeKind::Scalar(Scalar::text(text)), value.span);
        value.kind = NodeKind::List(vec![part(resource), part(attribute)]);
    }
    let key = match name {
        "Ref" | "Condition" => name.to_owned(),
        _ if name.starts_with("Fn::") => name.to_owned(),
        _ => format!("Fn::{name}"),
    };
    let key = Key { text: key, span: tag, merged: false };
    Node::new(NodeKind::Map(vec![(key, value)]), span)
}

/// Turns the parser's positions, counted in characters, into bytes.
struct Offsets<'s> {
    text: &'s str,
    is_ascii: bool,
    /// The byte of every [`Self::STEP`]th character.
    steps: Vec<usize>,
}

impl<'s> Offsets<'s> {
    const STEP: usize = 256;

    fn new(text: &'s str) -> Self {
        let is_ascii = text.is_ascii();
        let steps =
            if is_ascii { Vec::new() } else { text.char_indices().step_by(Self::STEP).map(|(byte, _)| byte).collect() };
        Self { text, is_ascii, steps }
    }

    fn byte(&self, character: usize) -> usize {
        if self.is_ascii {
            return character.min(self.text.len());
        }
        let Some(step) = self.steps.get(character / Self::STEP) else { return self.text.len() };
        let rest = &self.text[*step..];
        rest.char_indices().nth(character % Self::STEP).map_or(self.text.len(), |(byte, _)| step + byte)
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span::new(self.byte(span.start.index()), self.byte(span.end.index()))
    }
}
