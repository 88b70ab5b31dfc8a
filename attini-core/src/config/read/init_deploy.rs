use std::collections::BTreeMap;

use crate::config::model::{DEFAULT_TEMPLATE, Dependency, Import, InitDeployConfig, ParameterValue, PerEnvironment};
use crate::config::resolve::{TEMPLATE_HELP, normalized};
use crate::document::{DocPath, Node, NodeKind, Reader};
use crate::problem::Problem;

use super::{filled, tags};

const KEYS: [&str; 6] = ["template", "stackName", "forceUpdate", "parameters", "tags", "variables"];

pub(super) fn read(reader: &mut Reader<'_>, path: &DocPath, dependencies: &[Dependency]) -> Option<InitDeployConfig> {
    reader.entries(path)?;
    reader.known_keys(path, &KEYS);
    let stack_name = reader.text(&path.key("stackName")).filter(|name| !name.trim().is_empty());
    if stack_name.is_none() && reader.value(&path.key("stackName")).is_none_or(|node| node.as_text().is_some()) {
        let problem = Problem::warning("`initDeployConfig.stackName` is missing, so this cannot be deployed");
        let help = "add `stackName: ${environment}-${distributionName}-deployment-plan`";
        reader.note(problem.with_help(help).at(reader.document().key_spot(path)));
    }
    let (tags, tags_everywhere) = stack_tags(reader, &path.key("tags"));
    Some(InitDeployConfig {
        template: template(reader, &path.key("template")),
        stack_name,
        force_update: force_update(reader, &path.key("forceUpdate")),
        parameters: parameters(reader, &path.key("parameters"), dependencies),
        tags,
        tags_everywhere,
        variables: variables(reader, &path.key("variables")),
    })
}

fn template(reader: &mut Reader<'_>, path: &DocPath) -> String {
    let Some(text) = reader.text(path) else { return DEFAULT_TEMPLATE.to_owned() };
    if text.contains("${") {
        // What it means is known when the variables are.
        return text;
    }
    normalized(&text).unwrap_or_else(|reason| {
        let problem = Problem::error(format!("`{path}` {reason}")).with_help(TEMPLATE_HELP);
        reader.note(problem.at(reader.document().spot(path)));
        text
    })
}

/// True for `true` in any letter case; other texts are false, other plain words of YAML 1.1 are booleans.
fn force_update(reader: &mut Reader<'_>, path: &DocPath) -> bool {
    match reader.value(path).map(|node| &node.kind) {
        Some(NodeKind::Scalar(scalar)) if scalar.quoted => {
            let is_true = scalar.text.eq_ignore_ascii_case("true");
            if !is_true && !scalar.text.eq_ignore_ascii_case("false") {
                let problem = Problem::warning(format!("`{path}` is the text `{}`, which means false", scalar.text));
                let help = "write `true` or `false` without quotes";
                reader.note(problem.with_help(help).at(reader.document().spot(path)));
            }
            is_true
        }
        _ => reader.boolean(path).unwrap_or(false),
    }
}

fn parameters(
    reader: &mut Reader<'_>,
    path: &DocPath,
    dependencies: &[Dependency],
) -> PerEnvironment<Option<ParameterValue>> {
    let mut environments = PerEnvironment::new();
    for (environment, path) in levels(reader, path) {
        let mut values = BTreeMap::new();
        for (name, path, node) in reader.entries(&path).unwrap_or_default() {
            values.insert(name.to_owned(), parameter(reader, &path, node, dependencies));
        }
        environments.insert(environment.to_owned(), values);
    }
    environments
}

fn parameter(
    reader: &mut Reader<'_>,
    path: &DocPath,
    node: &Node,
    dependencies: &[Dependency],
) -> Option<ParameterValue> {
    match &node.kind {
        NodeKind::Null => None,
        NodeKind::Scalar(scalar) => Some(ParameterValue::Text(scalar.text.clone())),
        NodeKind::List(items) => {
            let texts = items.iter().enumerate();
            let texts: Vec<_> = texts.filter_map(|(index, item)| filled(reader, &path.index(index), item)).collect();
            Some(ParameterValue::Text(texts.join(",")))
        }
        NodeKind::Map(_) => import(reader, path, dependencies).map(ParameterValue::Import),
    }
}

fn import(reader: &mut Reader<'_>, path: &DocPath, dependencies: &[Dependency]) -> Option<Import> {
    reader.known_keys(path, &["sourceType", "source"]);
    let kind = required(reader, path, "sourceType", "write `sourceType: Distribution`");
    if let Some(kind) = kind.filter(|kind| kind != "Distribution") {
        let path = path.key("sourceType");
        let problem = Problem::error(format!("`{path}` must be `Distribution`, not `{kind}`"));
        let help = "write `sourceType: Distribution`; nothing else can be imported";
        reader.note(problem.with_help(help).at(reader.document().spot(&path)));
    }
    let source = path.key("source");
    if reader.value(&source).is_none() {
        missing(reader, path, "source", "write `source: {name: <distribution>, mapping: $.output.<value>}`");
        return None;
    }
    reader.entries(&source)?;
    reader.known_keys(&source, &["name", "mapping"]);
    let distribution = required(reader, &source, "name", "name the distribution whose output is read");
    let mapping = required(reader, &source, "mapping", "write a JSONPath such as `$.output.Vpc.VpcId`");
    if let Some(name) = &distribution
        && !name.contains("${")
        && !dependencies.iter().any(|dependency| dependency.name == *name || dependency.name.contains("${"))
    {
        let message = format!("`{path}` is dependent on `{name}`, which is not declared under `dependencies`");
        let help = format!("add `- distributionName: {name}` to `dependencies`");
        reader.note(Problem::error(message).with_help(help).at(reader.document().spot(&source.key("name"))));
    }
    Some(Import { distribution: distribution?, mapping: mapping? })
}

fn required(reader: &mut Reader<'_>, path: &DocPath, key: &str, help: &str) -> Option<String> {
    if reader.value(&path.key(key)).is_none() {
        missing(reader, path, key, help);
    }
    reader.text(&path.key(key))
}

fn missing(reader: &mut Reader<'_>, path: &DocPath, key: &str, help: &str) {
    let problem = Problem::error(format!("`{path}` has no `{key}`")).with_help(help);
    reader.note(problem.at(reader.document().key_spot(path)));
}

/// Reads tags per environment, and those that are written flat for all environments.
fn stack_tags(reader: &mut Reader<'_>, path: &DocPath) -> (PerEnvironment<String>, BTreeMap<String, String>) {
    let (mut environments, mut everywhere) = (PerEnvironment::new(), BTreeMap::new());
    for (key, path, node) in reader.entries(path).unwrap_or_default() {
        match node.as_text() {
            Some(text) => {
                everywhere.insert(key.to_owned(), text.to_owned());
            }
            None => {
                environments.insert(key.to_owned(), tags(reader, &path));
            }
        }
    }
    (environments, everywhere)
}

fn variables(reader: &mut Reader<'_>, path: &DocPath) -> PerEnvironment<String> {
    let environments = levels(reader, path);
    environments.into_iter().map(|(environment, path)| (environment.to_owned(), tags(reader, &path))).collect()
}

/// Returns the environments in a map of values per environment; what stands there without one is refused.
fn levels<'d>(reader: &mut Reader<'d>, path: &DocPath) -> Vec<(&'d str, DocPath)> {
    let mut found = Vec::new();
    for (key, path, node) in reader.entries(path).unwrap_or_default() {
        if node.is_null() || node.as_map().is_some() {
            found.push((key, path));
        } else {
            let text =
                format!("`{path}` must be a map, not {}: values stand below their environment", node.type_name());
            let help = "put it below `default:`, which counts everywhere, or below the name of an environment";
            reader.note(Problem::error(text).with_help(help).at(reader.document().spot(&path)));
        }
    }
    found
}
