//! The parts of a template, read from JSON. Functions in it are left as they are written.

use serde_json::{Map, Value};

use super::language::LOOP_SECTIONS;
use super::parameters::ParameterDeclaration;
use super::{Policy, Refusal};

/// CloudFormation's limits.
pub(super) const MAX_TEMPLATE_BYTES: usize = 1_000_000;
const MAX_DEPTH: usize = 100;
const MAX_RESOURCES: usize = 500;
const MAX_NAMED: usize = 200;

const SECTIONS: [&str; 9] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Resources",
    "Outputs",
];
const RESOURCE_ATTRIBUTES: [&str; 9] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "Metadata",
    "UpdatePolicy",
    "CreationPolicy",
];

/// A resource as declared.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) logical_id: String,
    pub(super) kind: String,
    pub(super) properties: Value,
    pub(super) depends_on: Vec<String>,
    pub(super) condition: Option<String>,
    pub(super) deletion_policy: Policy,
    pub(super) update_replace_policy: Policy,
    pub(super) metadata: Value,
}

/// An output as declared.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) export_name: Option<Value>,
    pub(super) condition: Option<String>,
}

/// A template whose transforms have been applied.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) parameters: Vec<ParameterDeclaration>,
    pub(super) rules: Map<String, Value>,
    pub(super) mappings: Map<String, Value>,
    pub(super) conditions: Map<String, Value>,
    pub(super) resources: Vec<Resource>,
    pub(super) outputs: Vec<Output>,
    pub(super) features: Features,
}

/// What the transforms of a template allow in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Features {
    /// `AWS::LanguageExtensions`: more functions.
    pub(super) language_extensions: bool,
    /// `AWS::Serverless-2016-10-31`: types `AWS::Serverless::…`.
    pub(super) serverless: bool,
}

impl Template {
    /// Reads a template without a `Transform` section.
    pub(super) fn parse(source: &Value, features: Features) -> Result<Self, Refusal> {
        let root = source.as_object().ok_or_else(|| Refusal::format("unsupported structure."))?;
        if let Some(hooks) = root.get("Hooks").and_then(Value::as_object) {
            let names: Vec<&str> = hooks.keys().map(String::as_str).collect();
            return Err(Refusal::unsupported(format!("section Hooks ({})", names.join(", "))));
        }
        let unknown: Vec<&str> = root.keys().map(String::as_str).filter(|key| !SECTIONS.contains(key)).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            return Err(Refusal::validation(format!("Invalid template property or properties [{unknown}]")));
        }
        if root.get("AWSTemplateFormatVersion").is_some_and(|version| version != "2010-09-09") {
            return Err(Refusal::format("unsupported value for AWSTemplateFormatVersion."));
        }
        let resources = section(root, "Resources", MAX_RESOURCES)?;
        if resources.is_empty() {
            return Err(Refusal::format("At least one Resources member must be defined."));
        }
        let resources: Vec<Resource> =
            resources.iter().map(|(name, value)| read_resource(name, value)).collect::<Result<_, _>>()?;
        let unknown: Vec<&str> = resources
            .iter()
            .map(|resource| resource.kind.as_str())
            .filter(|kind| !is_registered(kind, features))
            .collect();
        if !unknown.is_empty() {
            return Err(Refusal::format(format_args!("Unrecognized resource types: [{}]", unknown.join(", "))));
        }
        Ok(Self {
            parameters: read_parameters(source)?,
            rules: section(root, "Rules", MAX_NAMED)?.clone(),
            mappings: section(root, "Mappings", MAX_NAMED)?.clone(),
            conditions: section(root, "Conditions", usize::MAX)?.clone(),
            resources,
            outputs: section(root, "Outputs", MAX_NAMED)?
                .iter()
                .map(|(name, value)| read_output(name, value))
                .collect::<Result<_, _>>()?,
            features,
        })
    }

    /// Returns the resource of that logical id.
    pub(super) fn resource(&self, logical_id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.logical_id == logical_id)
    }

    /// Returns the parameter of that name.
    pub(super) fn parameter(&self, name: &str) -> Option<&ParameterDeclaration> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }
}

/// Reads the `Parameters` section of a template before or after its transforms.
pub(super) fn read_parameters(source: &Value) -> Result<Vec<ParameterDeclaration>, Refusal> {
    let Some(root) = source.as_object() else { return Err(Refusal::format("unsupported structure.")) };
    section(root, "Parameters", MAX_NAMED)?
        .iter()
        .map(|(name, value)| {
            alphanumeric("Parameter", name)?;
            ParameterDeclaration::read(name, value)
        })
        .collect()
}

/// Refuses what is too large or too deep to work on.
pub(super) fn check_size(source: &Value) -> Result<(), Refusal> {
    if is_deeper_than(source, MAX_DEPTH) {
        return Err(Refusal::format(format_args!("the template is nested more than {MAX_DEPTH} levels deep")));
    }
    if source.to_string().len() > MAX_TEMPLATE_BYTES {
        return Err(Refusal::validation(format!("Template may not exceed {MAX_TEMPLATE_BYTES} bytes in size.")));
    }
    Ok(())
}

fn is_deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| is_deeper_than(item, levels - 1)),
        Value::Object(entries) => entries.values().any(|entry| is_deeper_than(entry, levels - 1)),
        _ => false,
    }
}

fn section<'a>(root: &'a Map<String, Value>, name: &str, limit: usize) -> Result<&'a Map<String, Value>, Refusal> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    match root.get(name) {
        None | Some(Value::Null) => Ok(&EMPTY),
        Some(Value::Object(entries)) if entries.len() > limit => Err(Refusal::format(format_args!(
            "Number of {}, {}, is greater than maximum allowed, {limit}",
            name.to_lowercase(),
            entries.len()
        ))),
        Some(Value::Object(entries)) => match entries.keys().find(|key| key.starts_with("Fn::")) {
            Some(function) => {
                let function = function.split("::").take(2).collect::<Vec<_>>().join("::");
                Err(match (function.as_str(), LOOP_SECTIONS.contains(&name)) {
                    ("Fn::ForEach", true) => Refusal::validation(format!(
                        "Template error: {function} in {name} needs the transform AWS::LanguageExtensions"
                    )),
                    ("Fn::ForEach", false) => {
                        Refusal::validation(format!("Template error: {function} cannot be used in {name}"))
                    }
                    _ => Refusal::unsupported(format!("{function} in {name}")),
                })
            }
            None => Ok(entries),
        },
        Some(_) => Err(Refusal::format(format_args!("{name} section must be an object."))),
    }
}

fn alphanumeric(what: &str, name: &str) -> Result<(), Refusal> {
    if !name.is_empty() && name.len() <= 255 && name.chars().all(|c| c.is_ascii_alphanumeric()) {
        Ok(())
    } else {
        Err(Refusal::format(format_args!("{what} name {name} is non alphanumeric.")))
    }
}

fn read_resource(name: &str, value: &Value) -> Result<Resource, Refusal> {
    alphanumeric("Resource", name)?;
    let entries = value.as_object().ok_or_else(|| Refusal::format("Any Resources member must be an object."))?;
    if let Some(unknown) = entries.keys().find(|key| !RESOURCE_ATTRIBUTES.contains(&key.as_str())) {
        let text = format!("Invalid template resource property '{unknown}' in resource {name}");
        return Err(Refusal::validation(text));
    }
    let kind = entries.get("Type").and_then(Value::as_str).ok_or_else(|| {
        Refusal::format(format_args!("[/Resources/{name}] Every Resources object must contain a Type member."))
    })?;
    refuse_unsupported_type(name, kind)?;
    let properties = match entries.get("Properties") {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(properties @ Value::Object(_)) => properties.clone(),
        Some(_) => {
            return Err(Refusal::format(format_args!("[/Resources/{name}/Properties] Properties must be an object.")));
        }
    };
    Ok(Resource {
        logical_id: name.to_owned(),
        kind: kind.to_owned(),
        properties,
        depends_on: read_depends_on(name, entries.get("DependsOn"))?,
        condition: read_condition("Resources", name, entries.get("Condition"))?,
        deletion_policy: read_policy(name, "DeletionPolicy", entries.get("DeletionPolicy"))?,
        update_replace_policy: read_policy(name, "UpdateReplacePolicy", entries.get("UpdateReplacePolicy"))?,
        metadata: entries.get("Metadata").cloned().unwrap_or(Value::Null),
    })
}

fn refuse_unsupported_type(name: &str, kind: &str) -> Result<(), Refusal> {
    if kind == "AWS::Serverless::Application" {
        return Err(Refusal::unsupported(format!("application {name} ({kind})")));
    }
    if kind.ends_with("::MODULE") {
        return Err(Refusal::unsupported(format!("module {name} ({kind})")));
    }
    Ok(())
}

/// Says whether the service could know the type. Only macros understand `Attini::…`, and `AWS::Serverless::…` that are
/// left over had no transform.
fn is_registered(kind: &str, features: Features) -> bool {
    let custom = kind.strip_prefix("Custom::").is_some_and(|rest| !rest.is_empty() && rest.len() <= 60);
    let parts: Vec<&str> = kind.split("::").collect();
    let plain = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    let regular = parts.len() == 3 && parts.iter().all(plain) && !matches!(parts.first(), Some(&"Attini"));
    let known = features.serverless || !kind.starts_with("AWS::Serverless::");
    custom || regular && known
}

fn read_depends_on(name: &str, value: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let texts = |items: &[Value]| items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let names = match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(items)) => texts(items),
        Some(_) => None,
    };
    names.ok_or_else(|| {
        Refusal::format(format_args!("[/Resources/{name}/DependsOn] every DependsOn value must be a string."))
    })
}

fn read_condition(section: &str, name: &str, value: Option<&Value>) -> Result<Option<String>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => {
            Err(Refusal::format(format_args!("[/{section}/{name}/Condition] Every Condition member must be a string.")))
        }
    }
}

fn read_policy(name: &str, attribute: &str, value: Option<&Value>) -> Result<Policy, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(Policy::Delete),
        Some(Value::String(text)) => match text.as_str() {
            "Delete" => Ok(Policy::Delete),
            "Retain" => Ok(Policy::Retain),
            "Snapshot" => Ok(Policy::Snapshot),
            "RetainExceptOnCreate" if attribute == "DeletionPolicy" => Ok(Policy::RetainExceptOnCreate),
            _ => {
                Err(Refusal::validation(format!("Template error: Unrecognized {attribute} {text} for resource {name}")))
            }
        },
        Some(Value::Object(_)) => Err(Refusal::validation(format!(
            "Template error: a function in {attribute} of resource {name} needs the transform AWS::LanguageExtensions"
        ))),
        Some(_) => Err(Refusal::format(format_args!("[/Resources/{name}/{attribute}] {attribute} must be a string."))),
    }
}

fn read_output(name: &str, value: &Value) -> Result<Output, Refusal> {
    alphanumeric("Output", name)?;
    let entries = value.as_object().ok_or_else(|| Refusal::format("Any Outputs member must be an object."))?;
    let known = ["Value", "Description", "Export", "Condition"];
    if let Some(unknown) = entries.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Refusal::validation(format!("Invalid template output property '{unknown}' in output {name}")));
    }
    let value = entries.get("Value").filter(|value| !value.is_null()).ok_or_else(|| {
        Refusal::format(format_args!("[/Outputs/{name}] Every Outputs member must contain a Value object"))
    })?;
    let export_name = match entries.get("Export") {
        None | Some(Value::Null) => None,
        Some(Value::Object(export)) if export.len() == 1 && export.contains_key("Name") => export.get("Name").cloned(),
        Some(_) => {
            return Err(Refusal::format(format_args!(
                "[/Outputs/{name}/Export] Export must contain only a Name member."
            )));
        }
    };
    Ok(Output {
        name: name.to_owned(),
        value: value.clone(),
        export_name,
        condition: read_condition("Outputs", name, entries.get("Condition"))?,
    })
}
