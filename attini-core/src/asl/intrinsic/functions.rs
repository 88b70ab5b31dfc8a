use std::fmt::Write as _;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use sha2::Digest as _;

/// The longest text that the service takes for hashing and Base64.
const MAX_TEXT: usize = 10_000;
/// The most items that `States.ArrayRange` makes.
const MAX_RANGE: i64 = 1_000;

/// An intrinsic function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the States Language")]
pub enum Function {
    Format,
    StringToJson,
    JsonToString,
    Array,
    ArrayPartition,
    ArrayContains,
    ArrayRange,
    ArrayGetItem,
    ArrayLength,
    ArrayUnique,
    Base64Encode,
    Base64Decode,
    Hash,
    JsonMerge,
    MathRandom,
    MathAdd,
    StringSplit,
    Uuid,
}

impl Function {
    const ALL: [(&'static str, Self, RangeInclusive<usize>); 18] = [
        ("States.Format", Self::Format, 1..=usize::MAX),
        ("States.StringToJson", Self::StringToJson, 1..=1),
        ("States.JsonToString", Self::JsonToString, 1..=1),
        ("States.Array", Self::Array, 0..=usize::MAX),
        ("States.ArrayPartition", Self::ArrayPartition, 2..=2),
        ("States.ArrayContains", Self::ArrayContains, 2..=2),
        ("States.ArrayRange", Self::ArrayRange, 3..=3),
        ("States.ArrayGetItem", Self::ArrayGetItem, 2..=2),
        ("States.ArrayLength", Self::ArrayLength, 1..=1),
        ("States.ArrayUnique", Self::ArrayUnique, 1..=1),
        ("States.Base64Encode", Self::Base64Encode, 1..=1),
        ("States.Base64Decode", Self::Base64Decode, 1..=1),
        ("States.Hash", Self::Hash, 2..=2),
        ("States.JsonMerge", Self::JsonMerge, 3..=3),
        ("States.MathRandom", Self::MathRandom, 2..=3),
        ("States.MathAdd", Self::MathAdd, 2..=2),
        ("States.StringSplit", Self::StringSplit, 2..=2),
        ("States.UUID", Self::Uuid, 0..=0),
    ];

    /// Reads the external name: `States.Format`, …
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, ..)| *known == name).map(|(_, function, _)| function)
    }

    /// Returns the external name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, function, _)| *function == self).map_or("", |(name, ..)| name)
    }

    pub(super) fn arity(self) -> RangeInclusive<usize> {
        Self::ALL.into_iter().find(|(_, function, _)| *function == self).map_or(0..=0, |(.., arity)| arity)
    }

    /// Returns the function's value, with `random` for 64 random bits. A missing argument counts as null; [`super::Call`]
    /// checks the number of arguments when it is read.
    ///
    /// # Errors
    ///
    /// Why the function cannot work with these arguments, as a sentence without a full stop.
    pub fn apply(self, arguments: &[Value], random: &mut dyn FnMut() -> u64) -> Result<Value, String> {
        let argument = |index: usize| arguments.get(index).unwrap_or(&Value::Null);
        match self {
            Self::Format => format(text(argument(0), "the template")?, arguments.get(1..).unwrap_or_default()),
            Self::StringToJson => match text(argument(0), "the argument")?.trim() {
                "" => Ok(Value::Null),
                json => serde_json::from_str(json).map_err(|error| format!("the argument is not JSON ({error})")),
            },
            Self::JsonToString => Ok(Value::String(argument(0).to_string())),
            Self::Array => Ok(Value::Array(arguments.to_vec())),
            Self::ArrayPartition => {
                let size = usize::try_from(rounded(argument(1), "the chunk size")?).unwrap_or(0);
                if size == 0 {
                    return Err("the chunk size must be a positive number".to_owned());
                }
                let chunks = list(argument(0))?.chunks(size).map(|chunk| Value::Array(chunk.to_vec()));
                Ok(Value::Array(chunks.collect()))
            }
            Self::ArrayContains => Ok(Value::Bool(list(argument(0))?.iter().any(|item| same(item, argument(1))))),
            Self::ArrayRange => range(
                rounded(argument(0), "the first number")?,
                rounded(argument(1), "the last number")?,
                rounded(argument(2), "the increment")?,
            ),
            Self::ArrayGetItem => {
                let items = list(argument(0))?;
                let index = rounded(argument(1), "the index")?;
                usize::try_from(index)
                    .ok()
                    .and_then(|index| items.get(index))
                    .cloned()
                    .ok_or_else(|| format!("there is no index {index} in an array of {} items", items.len()))
            }
            Self::ArrayLength => Ok(Value::from(list(argument(0))?.len())),
            Self::ArrayUnique => {
                let mut unique: Vec<Value> = Vec::new();
                let mut seen = std::collections::HashSet::new();
                for item in list(argument(0))? {
                    if seen.insert(canonical(item)) {
                        unique.push(item.clone());
                    }
                }
                Ok(Value::Array(unique))
            }
            Self::Base64Encode => Ok(Value::String(STANDARD.encode(short(text(argument(0), "the argument")?)?))),
            Self::Base64Decode => STANDARD
                .decode(short(text(argument(0), "the argument")?)?)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok())
                .map(Value::String)
                .ok_or_else(|| "the argument is not the Base64 form of a text".to_owned()),
            Self::Hash => hash(argument(0), text(argument(1), "the algorithm")?),
            Self::JsonMerge => merge(argument(0), argument(1), argument(2)),
            Self::MathRandom => {
                let (from, to) = (rounded(argument(0), "the start")?, rounded(argument(1), "the end")?);
                let seed = match arguments.get(2) {
                    Some(seed) => Some(rounded(seed, "the seed")?),
                    None => None,
                };
                let span = to.checked_sub(from).and_then(|span| u64::try_from(span).ok()).filter(|span| *span > 0);
                let span = span.ok_or("the end must be greater than the start")?;
                let bits = seed.map_or_else(&mut *random, |seed| mix(seed.cast_unsigned()));
                Ok(Value::from(from.wrapping_add_unsigned(bits % span)))
            }
            Self::MathAdd => {
                let sum =
                    rounded(argument(0), "the first number")?.checked_add(rounded(argument(1), "the second number")?);
                sum.map(Value::from).ok_or_else(|| "the sum is too large".to_owned())
            }
            Self::StringSplit => {
                let splitters: Vec<char> = text(argument(1), "the splitter")?.chars().collect();
                let parts = text(argument(0), "the text")?.split(|c| splitters.contains(&c));
                Ok(Value::Array(parts.filter(|part| !part.is_empty()).map(Value::from).collect()))
            }
            Self::Uuid => {
                let bytes = (u128::from(random()) << 64 | u128::from(random())).to_be_bytes();
                Ok(Value::String(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
            }
        }
    }
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| format!("{what} must be a string"))
}

fn short(text: &str) -> Result<&str, String> {
    if text.chars().count() > MAX_TEXT {
        Err(format!("a text may have at most {MAX_TEXT} characters"))
    } else {
        Ok(text)
    }
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().ok_or_else(|| "the first argument must be an array".to_owned())
}

/// Rounds as Java's `Math.round` does: halves go up, also below zero.
fn rounded(value: &Value, what: &str) -> Result<i64, String> {
    if let Some(n) = value.as_i64() {
        return Ok(n);
    }
    let n = value.as_f64().ok_or_else(|| format!("{what} must be a number"))?;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what Java does too")]
    Ok((n + 0.5).floor() as i64)
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => left == right,
    }
}

/// A text that is equal for equal values, whatever the order of their fields.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            let fields: Vec<String> =
                fields.into_iter().map(|(name, value)| format!("{name:?}:{}", canonical(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Number(n) => n.as_f64().map_or_else(|| n.to_string(), |n| n.to_string()),
        other => other.to_string(),
    }
}

fn range(first: i64, last: i64, increment: i64) -> Result<Value, String> {
    if increment == 0 {
        return Err("the increment must not be 0".to_owned());
    }
    let mut items = Vec::new();
    let mut n = first;
    while if increment > 0 { n <= last } else { n >= last } {
        items.push(Value::from(n));
        if items.len() > usize::try_from(MAX_RANGE).unwrap_or(usize::MAX) {
            return Err(format!("the array would have more than {MAX_RANGE} items"));
        }
        match n.checked_add(increment) {
            Some(next) => n = next,
            None => break,
        }
    }
    Ok(Value::Array(items))
}

fn format(template: &str, arguments: &[Value]) -> Result<Value, String> {
    let mut arguments = arguments.iter();
    let mut output = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}', '\\']) {
        let (before, tail) = rest.split_at(at);
        output.push_str(before);
        if let Some(after) = tail.strip_prefix("{}") {
            let value = arguments.next().ok_or("there are fewer arguments than `{}` in the template")?;
            plain(value, &mut output);
            rest = after;
        } else if let Some(after) = tail.strip_prefix("\\{") {
            output.push('{');
            rest = after;
        } else if let Some(after) = tail.strip_prefix("\\}") {
            output.push('}');
            rest = after;
        } else if let Some(after) = tail.strip_prefix('\\') {
            output.push('\\');
            rest = after;
        } else {
            return Err("braces in the template must be `{}`, or written as `\\{` and `\\}`".to_owned());
        }
    }
    output.push_str(rest);
    if arguments.next().is_some() {
        return Err("there are more arguments than `{}` in the template".to_owned());
    }
    Ok(Value::String(output))
}

/// Objects and lists look as Java prints them: `{Id=x, Name=y}`, `[1, 2]`.
fn plain(value: &Value, output: &mut String) {
    match value {
        Value::String(text) => output.push_str(text),
        Value::Object(fields) => {
            output.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                output.push_str(if index > 0 { ", " } else { "" });
                output.push_str(name);
                output.push('=');
                plain(value, output);
            }
            output.push('}');
        }
        Value::Array(items) => {
            output.push('[');
            for (index, item) in items.iter().enumerate() {
                output.push_str(if index > 0 { ", " } else { "" });
                plain(item, output);
            }
            output.push(']');
        }
        other => {
            let _ = write!(output, "{other}");
        }
    }
}

fn hash(data: &Value, algorithm: &str) -> Result<Value, String> {
    let data = match data {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let data = short(&data)?;
    let digest = match algorithm {
        "MD5" => hex::encode(md5::Md5::digest(data)),
        "SHA-1" => hex::encode(sha1::Sha1::digest(data)),
        "SHA-256" => hex::encode(sha2::Sha256::digest(data)),
        "SHA-384" => hex::encode(sha2::Sha384::digest(data)),
        "SHA-512" => hex::encode(sha2::Sha512::digest(data)),
        other => return Err(format!("`{other}` is none of MD5, SHA-1, SHA-256, SHA-384, SHA-512")),
    };
    Ok(Value::String(digest))
}

fn merge(left: &Value, right: &Value, deep: &Value) -> Result<Value, String> {
    let object = |value: &Value| value.as_object().cloned().ok_or("the first two arguments must be objects");
    let (left, right): (Map<String, Value>, Map<String, Value>) = (object(left)?, object(right)?);
    match deep {
        Value::Bool(false) => {
            let mut merged = left;
            merged.extend(right);
            Ok(Value::Object(merged))
        }
        _ => Err("only the shallow mode is supported, so the third argument must be false".to_owned()),
    }
}

/// The finalizer of SplitMix64: equal seeds give equal numbers, near ones do not look alike.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
