use jsonc_parser::ast::Value;
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::errors::{ParseError, ParseErrorKind as Kind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use serde::de::IgnoredAny;

use crate::problem::{Problem, Problems};

use super::source::Source;
use super::tree::{Budget, find_duplicates, too_deep};
use super::{Duplicate, Key, Node, NodeKind, Scalar, Span};

/// The parser knows JSON's relatives; all of what they add is off.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

pub(super) fn parse(source: &Source) -> Result<(Node, Vec<Duplicate>), Problems> {
    let parsed =
        parse_to_ast(source.text(), &CollectOptions::default(), &STRICT).map_err(|error| explain(source, &error))?;
    let Some(value) = parsed.value else {
        return Ok((Node::new(NodeKind::Null, Span::default()), Vec::new()));
    };
    check_strictness(source)?;
    let mut reader = Converter { source, budget: Budget::default(), duplicates: Vec::new() };
    let root = reader.node(value, 0)?;
    Ok((root, reader.duplicates))
}

/// Refuses what the parser lets through although JSON has no such thing: numbers like `01`, raw control characters.
fn check_strictness(source: &Source) -> Result<(), Problem> {
    let Err(error) = serde_json::from_str::<IgnoredAny>(source.text()) else { return Ok(()) };
    let line = source.line_span(error.line().saturating_sub(1));
    // The column is in bytes and may lie inside a character.
    let mut at = (line.start + error.column().saturating_sub(1)).min(line.end);
    while !source.text().is_char_boundary(at) {
        at -= 1;
    }
    let full = error.to_string();
    let reason = full.split(" at line ").next().unwrap_or(&full);
    Err(source.error(Span::new(at, at), format!("this is not valid JSON: {reason}")))
}

struct Converter<'s> {
    source: &'s Source,
    budget: Budget,
    duplicates: Vec<Duplicate>,
}

impl Converter<'_> {
    /// Recurses at most as deep as the parser did, which stops at 512 levels.
    fn node(&mut self, value: Value<'_>, depth: usize) -> Result<Node, Problem> {
        let span = span(value.range());
        self.budget.value(self.source, span, depth)?;
        let kind = match value {
            Value::NullKeyword(_) => NodeKind::Null,
            Value::StringLit(string) => NodeKind::Scalar(Scalar::text(string.value)),
            Value::NumberLit(number) => NodeKind::Scalar(Scalar { text: number.value.to_owned(), quoted: false }),
            Value::BooleanLit(boolean) => NodeKind::Scalar(Scalar { text: boolean.value.to_string(), quoted: false }),
            Value::Array(array) => {
                let items = array.elements.into_iter().map(|item| self.node(item, depth + 1));
                NodeKind::List(items.collect::<Result<_, _>>()?)
            }
            Value::Object(object) => {
                let entries = object.properties.into_iter().map(|property| {
                    let key_span = self::span(property.name.range());
                    let key = Key { text: property.name.into_string(), span: key_span, merged: false };
                    Ok((key, self.node(property.value, depth + 1)?))
                });
                let entries = entries.collect::<Result<Vec<_>, Problem>>()?;
                find_duplicates(&entries, &mut self.duplicates);
                NodeKind::Map(entries)
            }
        };
        let flow = matches!(kind, NodeKind::List(_) | NodeKind::Map(_));
        Ok(Node { flow, ..Node::new(kind, span) })
    }
}

fn span(range: Range) -> Span {
    Span::new(range.start, range.end)
}

fn explain(source: &Source, error: &ParseError) -> Problem {
    const CLOSE: &str = "close it";
    const QUOTES: &str = "put it in double quotes";
    let opening = |name: &str| format!("the {name} that opens here is not closed");
    let (message, help) = match error.kind() {
        Kind::NestingDepthExceeded => return too_deep(source, at(source, error)),
        Kind::CommentsNotAllowed | Kind::UnterminatedCommentBlock => {
            ("JSON has no comments".to_owned(), "remove the comment, or write the file as YAML")
        }
        Kind::TrailingCommasNotAllowed => {
            ("a comma follows the last entry, which JSON does not allow".to_owned(), "remove the comma")
        }
        Kind::UnterminatedObject => (opening("`{`"), CLOSE),
        Kind::UnterminatedArray => (opening("`[`"), CLOSE),
        Kind::String(jsonc_parser::ParseStringErrorKind::UnterminatedStringLiteral) => {
            (opening("quote"), "close it with `\"` in the same line; a line break in a text is written `\\n`")
        }
        Kind::ExpectedComma => ("a comma is missing here".to_owned(), "separate entries by `,`"),
        Kind::ExpectedColonAfterObjectKey => ("the key has no `:` and value".to_owned(), "write `\"key\": value`"),
        Kind::ExpectedStringObjectProperty => ("a key must be text".to_owned(), QUOTES),
        Kind::SingleQuotedStringsNotAllowed => ("JSON has no single quotes".to_owned(), QUOTES),
        Kind::UnexpectedWord => ("this is neither a value nor a quoted text".to_owned(), QUOTES),
        Kind::MultipleRootJsonValues => {
            ("text follows the end of the document".to_owned(), "a JSON file holds one value; check the brackets")
        }
        other => {
            let reason = other.to_string();
            let mut letters = reason.chars();
            let first = letters.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            let message = format!("this is not valid JSON: {first}{}", letters.as_str());
            return source.error(at(source, error), message);
        }
    };
    source.error(at(source, error), message).with_help(help)
}

fn at(source: &Source, error: &ParseError) -> Span {
    let Range { start, end } = error.range();
    let length = source.text().len();
    Span::new(start.min(length), end.min(length))
}
