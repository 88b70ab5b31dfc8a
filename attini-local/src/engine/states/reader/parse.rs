use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::engine::definition::{CsvHeaders, InputType, Reader};

/// What an object holds.
#[derive(Debug)]
pub(super) enum Body {
    Text(String),
    /// Who answers for an object may give its items as they are.
    Json(Value),
}

/// Takes the body out of the answer of `s3:getObject`.
pub(super) fn body(answer: Value) -> Result<Body, String> {
    match answer {
        Value::String(text) => Ok(Body::Text(text)),
        Value::Object(mut fields) => match fields.remove("Body") {
            Some(Value::String(text)) => Ok(Body::Text(text)),
            Some(other) => Ok(Body::Json(other)),
            None => Err("the answer has no field `Body` with the content of the object".to_owned()),
        },
        other => Ok(Body::Json(other)),
    }
}

/// The objects that a manifest names, and the columns that they have.
pub(super) struct Files {
    pub(super) objects: Vec<(String, String)>,
    pub(super) columns: Vec<String>,
}

pub(super) fn manifest(body: &Body, input_type: InputType, bucket: &str) -> Result<Files, String> {
    if input_type != InputType::Inventory {
        // Athena writes one `s3://bucket/key` per line.
        let Body::Text(text) = body else { return Err("the manifest is not a list of s3:// addresses".to_owned()) };
        let objects = text.lines().map(|line| line.trim().trim_matches('"')).filter(|line| !line.is_empty());
        let objects = objects.map(|line| {
            let address = line.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
            address
                .map(|(bucket, key)| (bucket.to_owned(), key.to_owned()))
                .ok_or_else(|| format!("`{line}` in the manifest is not an address such as s3://bucket/key"))
        });
        return Ok(Files { objects: objects.collect::<Result<_, _>>()?, columns: Vec::new() });
    }
    let manifest = match body {
        Body::Text(text) => {
            serde_json::from_str(text).map_err(|error| format!("the manifest is not JSON ({error})"))?
        }
        Body::Json(value) => value.clone(),
    };
    let text = |name: &str| manifest.get(name).and_then(Value::as_str);
    if let Some(format) = text("fileFormat").filter(|format| !format.eq_ignore_ascii_case("CSV")) {
        return Err(format!("the inventory has the format {format}, which this engine cannot read; use CSV"));
    }
    let columns = text("fileSchema").ok_or("the manifest has no field `fileSchema`")?;
    // `arn:aws:s3:::bucket`
    let bucket = text("destinationBucket").and_then(|arn| arn.rsplit(':').next()).unwrap_or(bucket);
    let files = manifest.get("files").and_then(Value::as_array).ok_or("the manifest has no list `files`")?;
    let keys = files.iter().filter_map(|file| file.get("key").and_then(Value::as_str));
    Ok(Files {
        objects: keys.map(|key| (bucket.to_owned(), key.to_owned())).collect(),
        columns: columns.split(',').map(|column| column.trim().to_owned()).collect(),
    })
}

/// Returns the items of an object.
pub(super) fn items(body: Body, reader: &Reader, columns: &[String]) -> Result<Vec<Value>, String> {
    let text = match body {
        Body::Json(value) => return json_items(value, reader.items_pointer.as_deref()),
        Body::Text(text) => text,
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    match reader.input_type {
        InputType::Json => {
            let value = serde_json::from_str(text).map_err(|error| format!("the object is not JSON ({error})"))?;
            json_items(value, reader.items_pointer.as_deref())
        }
        InputType::JsonLines => text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|error| format!("line {} is not JSON ({error})", number + 1))
            })
            .collect(),
        InputType::Inventory => table(records(text, ','), columns),
        InputType::Csv => {
            let mut records = records(text, reader.delimiter);
            match &reader.headers {
                CsvHeaders::Given(headers) => table(records, headers),
                CsvHeaders::FirstRow if records.is_empty() => Ok(Vec::new()),
                CsvHeaders::FirstRow => {
                    let headers = records.remove(0);
                    table(records, &headers)
                }
            }
        }
    }
}

fn json_items(mut value: Value, pointer: Option<&str>) -> Result<Vec<Value>, String> {
    if let Some(pointer) = pointer {
        let found = value.pointer_mut(pointer).map(Value::take);
        value = found.ok_or_else(|| format!("the ItemsPointer {pointer} names nothing in the object"))?;
    }
    match value {
        Value::Array(items) => Ok(items),
        _ => Err("Attempting to map over non-iterable node.".to_owned()),
    }
}

/// Turns records into objects; what is missing is an empty text, what has no header is left out.
fn table(records: Vec<Vec<String>>, headers: &[String]) -> Result<Vec<Value>, String> {
    if headers.iter().collect::<BTreeSet<_>>().len() < headers.len() {
        return Err("CSV headers cannot contain duplicates.".to_owned());
    }
    let object = |record: Vec<String>| {
        let mut values = record.into_iter();
        let fields = headers.iter().map(|header| (header.clone(), values.next().unwrap_or_default().into()));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    Ok(records.into_iter().map(object).collect())
}

/// Splits a text as RFC 4180 says; empty lines are no records.
fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    let mut record: Vec<String> = Vec::new();
    let mut field = String::new();
    let mut is_quoted = false;
    let mut was_quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if field.is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            '\r' if !is_quoted && chars.peek() == Some(&'\n') => {}
            '\n' | '\r' if !is_quoted => {
                if !record.is_empty() || !field.is_empty() || was_quoted {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                was_quoted = false;
            }
            c if c == delimiter && !is_quoted => {
                record.push(std::mem::take(&mut field));
                was_quoted = false;
            }
            c => field.push(c),
        }
    }
    if !record.is_empty() || !field.is_empty() || was_quoted {
        record.push(field);
        records.push(record);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_as_rfc_4180_says() {
        for (text, expected) in [
            ("a,b\r\nc,d\n", vec![vec!["a", "b"], vec!["c", "d"]]),
            ("\"a,\"\"x\"\"\n\",b", vec![vec!["a,\"x\"\n", "b"]]),
            ("a\n\n   \n,\n", vec![vec!["a"], vec!["   "], vec!["", ""]]),
            ("\"\"\n", vec![vec![""]]),
            ("", vec![]),
        ] {
            assert_eq!(records(text, ','), expected, "{text:?}");
        }
        assert_eq!(records("a|b,c", '|'), [["a", "b,c"]]);
    }
}
