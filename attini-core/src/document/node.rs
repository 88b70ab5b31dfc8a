use serde_json::{Map, Number, Value};

use super::Span;

/// One value of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub kind: NodeKind,
    /// Where it stands, tags and anchors included; the anchored place of an aliased value. Empty when it was left out.
    pub span: Span,
    /// Where the alias stands that brought the value here.
    pub(super) alias: Option<Span>,
    /// Written with brackets.
    pub(super) flow: bool,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeKind {
    /// `null`, `~`, or left out.
    Null,
    /// Text, number or boolean.
    Scalar(Scalar),
    /// Values in order.
    List(Vec<Node>),
    /// Keys and values in the author's order. Of equal keys the last one counts.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key; numbers and the like as the author spelled them.
    pub text: String,
    /// Where it stands; an expanded tag's key stands where the tag does.
    pub span: Span,
    /// Whether the entry came from a merge key.
    pub(super) merged: bool,
}

/// A single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The author's spelling, without quotes and escapes.
    pub text: String,
    /// Whether it is text whatever it looks like: quoted, a block, or tagged `!!str`.
    pub quoted: bool,
}

impl Node {
    pub(super) fn new(kind: NodeKind, span: Span) -> Self {
        Self { kind, span, alias: None, flow: false }
    }

    /// Says whether the value is null or was left out.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    /// Returns a scalar's text in the author's spelling.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// Returns the elements of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.kind {
            NodeKind::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the entries of a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.kind {
            NodeKind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// Returns the value under a key of a map.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// Returns the entry of a key of a map; the last one when there are several.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        let entry = self.as_map()?.iter().rev().find(|(found, _)| found.text == key)?;
        Some((&entry.0, &entry.1))
    }

    /// Returns what the value is in a reader's words: `a map`, `a number`, …
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Null => "null",
            NodeKind::List(_) => "a list",
            NodeKind::Map(_) => "a map",
            NodeKind::Scalar(scalar) => match scalar.as_json_scalar() {
                Value::Number(_) => "a number",
                Value::Bool(_) => "a boolean",
                _ => "text",
            },
        }
    }

    /// Returns the value as JSON with typed scalars.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.kind {
            NodeKind::Null => Value::Null,
            NodeKind::Scalar(scalar) => scalar.as_json_scalar(),
            NodeKind::List(items) => items.iter().map(Self::to_json).collect(),
            NodeKind::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| (key.text.clone(), value.to_json()));
                Value::Object(entries.collect::<Map<_, _>>())
            }
        }
    }
}

impl Scalar {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), quoted: true }
    }

    /// Says whether the text, without quotes, is a text to readers of every YAML version.
    pub(super) fn is_plainly_text(&self) -> bool {
        const OTHER_TYPES: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
        // Numbers of any kind, dates and the like start with a digit, a sign or a dot.
        self.text.starts_with(char::is_alphabetic)
            && !OTHER_TYPES.iter().any(|other| other.eq_ignore_ascii_case(&self.text))
    }

    /// Returns the boolean, number or text that the scalar is.
    ///
    /// The rules are those of YAML 1.2's core schema (`true`, `12`, `0x1F`, `0o17`, `1.5e3`), so YAML 1.1's `yes`, `on`,
    /// `1_000` and `1:30` are texts. What a number would not keep stays text too: integers with leading zeros (`0123`) or
    /// beyond 64 bits, and floats that are not finite.
    #[must_use]
    pub fn as_json_scalar(&self) -> Value {
        let text = || Value::String(self.text.clone());
        if self.quoted {
            return text();
        }
        match self.text.as_str() {
            "true" | "True" | "TRUE" => Value::Bool(true),
            "false" | "False" | "FALSE" => Value::Bool(false),
            plain => number(plain).map_or_else(text, Value::Number),
        }
    }
}

/// Says whether a plain scalar is null in YAML 1.2's core schema.
pub(super) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

fn number(plain: &str) -> Option<Number> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(hex) = plain.strip_prefix("0x") {
        return parse_radix(hex, 16);
    }
    if let Some(octal) = plain.strip_prefix("0o") {
        return parse_radix(octal, 8);
    }
    let unsigned = plain.strip_prefix(['-', '+']).unwrap_or(plain);
    if digits(unsigned) {
        if unsigned.len() > 1 && unsigned.starts_with('0') {
            return None;
        }
        let signed = plain.strip_prefix('+').unwrap_or(plain);
        return signed.parse::<i64>().map(Number::from).or_else(|_| signed.parse::<u64>().map(Number::from)).ok();
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_float = (digits(whole) || (whole.is_empty() && !fraction.is_empty()))
        && (fraction.is_empty() || digits(fraction))
        && exponent.is_none_or(digits);
    if !is_float || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    plain.parse::<f64>().ok().and_then(Number::from_f64)
}

fn parse_radix(digits: &str, radix: u32) -> Option<Number> {
    // `from_str_radix` would accept a sign.
    let plain = digits.starts_with(|c: char| c.is_digit(radix));
    plain.then(|| u64::from_str_radix(digits, radix).ok()).flatten().map(Number::from)
}
