//! What only a Map in distributed mode has.

use super::fields::Fields;
use super::{Language, Seconds};
use crate::engine::resource::Resource;
use crate::engine::template::Template;

#[derive(Debug)]
pub(in crate::engine) struct Distributed {
    pub(in crate::engine) label: Option<String>,
    pub(in crate::engine) reader: Option<Reader>,
    pub(in crate::engine) batcher: Option<Batcher>,
    pub(in crate::engine) writer: Option<Writer>,
}

/// `ItemReader`
#[derive(Debug)]
pub(in crate::engine) struct Reader {
    /// `s3:getObject` or `s3:listObjectsV2`.
    pub(in crate::engine) resource: Resource,
    pub(in crate::engine) lists: bool,
    /// Whether the objects of a listing, not their names, hold the items.
    pub(in crate::engine) loads: bool,
    pub(in crate::engine) arguments: Option<Template>,
    pub(in crate::engine) input_type: InputType,
    /// The object names the objects that hold the items.
    pub(in crate::engine) is_manifest: bool,
    pub(in crate::engine) headers: CsvHeaders,
    pub(in crate::engine) delimiter: char,
    pub(in crate::engine) max_items: Option<Seconds>,
    /// A JSON pointer to the list in a JSON object.
    pub(in crate::engine) items_pointer: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum InputType {
    Json,
    JsonLines,
    Csv,
    /// The inventory that S3 makes of a bucket.
    Inventory,
}

#[derive(Debug)]
pub(in crate::engine) enum CsvHeaders {
    FirstRow,
    Given(Vec<String>),
}

/// `ItemBatcher`
#[derive(Debug)]
pub(in crate::engine) struct Batcher {
    pub(in crate::engine) max_items: Option<Seconds>,
    pub(in crate::engine) max_bytes: Option<Seconds>,
    pub(in crate::engine) batch_input: Option<Template>,
}

/// `ResultWriter`
#[derive(Debug)]
pub(in crate::engine) struct Writer {
    /// `None` returns the results from the state.
    pub(in crate::engine) target: Option<WriterTarget>,
    pub(in crate::engine) form: ResultForm,
    /// One JSON value per line instead of one list.
    pub(in crate::engine) lines: bool,
}

#[derive(Debug)]
pub(in crate::engine) struct WriterTarget {
    pub(in crate::engine) resource: Resource,
    pub(in crate::engine) arguments: Option<Template>,
}

/// `Transformation`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum ResultForm {
    /// The description of the child execution, with its output as text.
    Described,
    /// The output.
    Compact,
    /// The output; lists are joined.
    Flat,
}

pub(super) const FIELDS: [&str; 4] = ["ItemReader", "ItemBatcher", "ResultWriter", "Label"];

impl Distributed {
    pub(super) fn parse(fields: &mut Fields<'_, '_>) -> Self {
        let label = fields.text("Label").map(str::to_owned);
        if let Some(label) = &label
            && (label.is_empty()
                || label.chars().count() > 40
                || label.contains(|c: char| " ?*<>{}[]:;,\\|^~$#%&`\"/".contains(c) || c.is_control()))
        {
            fields.problem("Label", "use 1 to 40 characters without blanks and special characters");
        }
        Self {
            label,
            reader: fields.object("ItemReader").and_then(|mut fields| reader(&mut fields)),
            batcher: fields.object("ItemBatcher").map(|mut fields| batcher(&mut fields)),
            writer: fields.object("ResultWriter").and_then(|mut fields| writer(&mut fields)),
        }
    }
}

/// `Parameters` of a JSONPath state, `Arguments` of a JSONata state.
fn arguments(fields: &mut Fields<'_, '_>) -> Option<Template> {
    match fields.language {
        Language::JsonPath => fields.template("Parameters"),
        Language::Jsonata => fields.template("Arguments"),
    }
}

fn resource(fields: &mut Fields<'_, '_>, known: &[&str]) -> Option<Resource> {
    const FIELD: &str = "Resource";
    let text = fields.text(FIELD)?;
    match Resource::parse(text) {
        Ok(resource) if known.iter().any(|known| text.ends_with(known)) => Some(resource),
        _ => {
            fields.problem(
                FIELD,
                format!("`{text}` is not supported; use `arn:aws:states:::{}`", known.join("` or `arn:aws:states:::")),
            );
            None
        }
    }
}

fn reader(fields: &mut Fields<'_, '_>) -> Option<Reader> {
    const GET: &str = "s3:getObject";
    const LIST: &str = "s3:listObjectsV2";
    if fields.get("Resource").is_none() {
        fields.problem("Resource", "name what reads the items, such as `arn:aws:states:::s3:getObject`");
    }
    let resource = resource(fields, &[GET, LIST])?;
    let arguments = arguments(fields);
    let lists = resource.arn.ends_with(LIST);
    let mut reader = Reader {
        resource,
        lists,
        loads: false,
        arguments,
        input_type: InputType::Json,
        is_manifest: false,
        headers: CsvHeaders::FirstRow,
        delimiter: ',',
        max_items: None,
        items_pointer: None,
    };
    let Some(mut config) = fields.object("ReaderConfig") else {
        if !lists {
            fields.problem("ReaderConfig", "say with `InputType` what the object holds");
        }
        return Some(reader);
    };
    configure(&mut config, &mut reader);
    Some(reader)
}

fn configure(config: &mut Fields<'_, '_>, reader: &mut Reader) {
    reader.loads = match config.text("Transformation") {
        None | Some("NONE") => false,
        Some("LOAD_AND_FLATTEN") => true,
        Some(other) => {
            config.problem("Transformation", format!("`{other}` is none of NONE, LOAD_AND_FLATTEN"));
            false
        }
    };
    let manifest_type = config.text("ManifestType");
    match config.text("InputType") {
        Some("JSON") => reader.input_type = InputType::Json,
        Some("JSONL") => reader.input_type = InputType::JsonLines,
        Some("CSV") => reader.input_type = InputType::Csv,
        Some("MANIFEST") => {
            reader.input_type = InputType::Inventory;
            reader.is_manifest = true;
        }
        Some("PARQUET") => {
            config.problem("InputType", "Parquet is not supported by this engine; use CSV, JSON or JSONL");
        }
        Some(other) => config.problem("InputType", format!("`{other}` is none of CSV, JSON, JSONL, MANIFEST")),
        None if reader.lists && !reader.loads => {}
        None => config.problem("InputType", "write CSV, JSON, JSONL or MANIFEST"),
    }
    match manifest_type {
        None => {}
        Some("S3_INVENTORY") => {
            reader.input_type = InputType::Inventory;
            reader.is_manifest = true;
        }
        Some("ATHENA_DATA") => reader.is_manifest = true,
        Some(other) => config.problem("ManifestType", format!("`{other}` is none of ATHENA_DATA, S3_INVENTORY")),
    }
    let given: Vec<String> =
        config.list("CSVHeaders").iter().filter_map(|header| header.as_str().map(str::to_owned)).collect();
    match config.text("CSVHeaderLocation") {
        Some("GIVEN") if given.is_empty() => config.problem("CSVHeaders", "write the names of the columns"),
        Some("GIVEN") => reader.headers = CsvHeaders::Given(given),
        Some("FIRST_ROW") => {}
        Some(other) => config.problem("CSVHeaderLocation", format!("`{other}` is none of FIRST_ROW, GIVEN")),
        None if reader.input_type == InputType::Csv => {
            config.problem("CSVHeaderLocation", "write FIRST_ROW, or GIVEN and the `CSVHeaders`");
        }
        None => {}
    }
    reader.delimiter = match config.text("CSVDelimiter") {
        None | Some("COMMA") => ',',
        Some("PIPE") => '|',
        Some("SEMICOLON") => ';',
        Some("SPACE") => ' ',
        Some("TAB") => '\t',
        Some(other) => {
            config.problem("CSVDelimiter", format!("`{other}` is none of COMMA, PIPE, SEMICOLON, SPACE, TAB"));
            ','
        }
    };
    reader.max_items = config.number_or_path("MaxItems", 0, 100_000_000);
    reader.items_pointer = config.text("ItemsPointer").map(str::to_owned);
    if reader.items_pointer.as_deref().is_some_and(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
        config.problem("ItemsPointer", "write a JSON pointer, such as `/Contents`");
    }
}

fn batcher(fields: &mut Fields<'_, '_>) -> Batcher {
    let batcher = Batcher {
        max_items: fields.number_or_path("MaxItemsPerBatch", 1, u64::from(u32::MAX)),
        max_bytes: fields.number_or_path("MaxInputBytesPerBatch", 1, 262_144),
        batch_input: fields.template("BatchInput"),
    };
    if batcher.max_items.is_none() && batcher.max_bytes.is_none() {
        fields.problem("MaxItemsPerBatch", "write it, or `MaxInputBytesPerBatch`");
    }
    batcher
}

fn writer(fields: &mut Fields<'_, '_>) -> Option<Writer> {
    let target = if fields.get("Resource").is_some() {
        let resource = resource(fields, &["s3:putObject"])?;
        Some(WriterTarget { resource, arguments: arguments(fields) })
    } else {
        None
    };
    let mut writer = Writer {
        form: if target.is_some() { ResultForm::Described } else { ResultForm::Compact },
        target,
        lines: false,
    };
    if let Some(mut config) = fields.object("WriterConfig") {
        match config.text("Transformation") {
            None => {}
            Some("NONE") => writer.form = ResultForm::Described,
            Some("COMPACT") => writer.form = ResultForm::Compact,
            Some("FLATTEN") => writer.form = ResultForm::Flat,
            Some(other) => config.problem("Transformation", format!("`{other}` is none of NONE, COMPACT, FLATTEN")),
        }
        match config.text("OutputType") {
            None | Some("JSON") => {}
            Some("JSONL") => writer.lines = true,
            Some(other) => config.problem("OutputType", format!("`{other}` is none of JSON, JSONL")),
        }
    } else if writer.target.is_none() {
        fields.problem("Resource", "write it with its parameters, or a `WriterConfig`");
    }
    Some(writer)
}
