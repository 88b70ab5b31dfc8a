use crate::problem::{Problem, SourceSpot};

/// Lines longer than this many bytes are left out of [`SourceSpot::text`], so that many problems in one stay small.
const MAX_LINE_BYTES: usize = 64 * 1024;
const BOM: char = '\u{feff}';

/// A part of a document's text, in bytes after a possible byte order mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte after it.
    pub end: usize,
}

impl Span {
    /// Returns the part between two bytes; empty when they are in the wrong order.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end: end.max(start) }
    }

    /// Says whether nothing stands there: the author left the value out.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A text and the beginnings of its lines.
#[derive(Clone)]
pub(super) struct Source {
    file: String,
    text: String,
    has_bom: bool,
    line_starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let without_bom = text.strip_prefix(BOM);
        let text = without_bom.unwrap_or(text).to_owned();
        let bytes = text.as_bytes();
        let mut line_starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            // A lone `\r` ends a line too, as in YAML.
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                line_starts.push(at + 1);
            }
        }
        Self { file: file.to_owned(), text, has_bom: without_bom.is_some(), line_starts }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// The text without a byte order mark; spans count in it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn full_text(&self) -> String {
        self.with_bom(&self.text)
    }

    /// Puts the byte order mark of this file before another text.
    pub(super) fn with_bom(&self, text: &str) -> String {
        if self.has_bom { format!("{BOM}{text}") } else { text.to_owned() }
    }

    /// The number of the line that holds a byte, counted from 0.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of a line without its end; of the last line when there are fewer.
    pub(super) fn line_span(&self, line: usize) -> Span {
        let line = line.min(self.line_starts.len() - 1);
        let start = self.line_starts[line];
        let next = self.line_starts.get(line + 1).copied().unwrap_or(self.text.len());
        let text = &self.text[start..next];
        Span::new(start, start + text.trim_end_matches(['\n', '\r']).len())
    }

    pub(super) fn line(&self, line: usize) -> &str {
        self.slice(self.line_span(line))
    }

    pub(super) fn slice(&self, span: Span) -> &str {
        // Spans come from parsers that were not written here; a wrong one must not panic.
        &self.text[self.text.floor_char_boundary(span.start)..self.text.floor_char_boundary(span.end)]
    }

    pub(super) fn spot(&self, span: Span) -> SourceSpot {
        let line = self.line_of(span.start);
        let of_line = self.line_span(line);
        let start = span.start.min(of_line.end);
        let before = self.slice(Span::new(of_line.start, start));
        let meant = self.slice(Span::new(start, span.end.min(of_line.end))).trim_end();
        let text = self.slice(of_line);
        SourceSpot {
            file: self.file.clone(),
            line: to_u32(line + 1),
            column: to_u32(before.chars().count() + 1),
            length: to_u32(meant.chars().count().max(1)),
            text: if text.len() > MAX_LINE_BYTES { String::new() } else { text.to_owned() },
        }
    }

    pub(super) fn error(&self, span: Span, message: impl Into<String>) -> Problem {
        Problem::error(message).at(Some(self.spot(span)))
    }
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
