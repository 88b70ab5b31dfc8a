mod init_deploy;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::{DocPath, Document, Node, NodeKind, Reader};
use crate::problem::{Problem, Problems};
use crate::value::{DistributionId, DistributionName, InvalidValue, Version};

use super::VersionRange;
use super::model::{Config, Container, DEFAULT_TEMPLATE, Dependency, DistributionType, Identity, Package};
use super::resolve::{RANGE_HELP, normalized};

const KEYS: [&str; 10] = [
    "distributionName",
    "distributionId",
    "version",
    "distributionType",
    "distributionTags",
    "dependencies",
    "appDeploymentPlan",
    "appConfig",
    "initDeployConfig",
    "package",
];

impl Config {
    /// Reads a file and returns it with its warnings.
    ///
    /// Texts keep their author's spelling: `distributionId: 0123` is `0123`, `version: 1.10` is `1.10`.
    ///
    /// # Errors
    ///
    /// All problems of the file with their places when one of them is an error: a syntax error, a wrong type, a duplicate
    /// key, a misspelled key, a value that breaks its rule.
    pub fn parse(file_name: &str, text: &str) -> Result<(Self, Vec<Problem>), Problems> {
        let document = Document::parse(file_name, text)?;
        let root = DocPath::root();
        if document.root().as_map().is_none() {
            let message = match &document.root().kind {
                NodeKind::Null => format!("`{file_name}` is empty"),
                _ => format!("`{file_name}` must be a map, not {}", document.root().type_name()),
            };
            let problem = Problem::error(message).with_help("write lines such as `distributionName: my-distribution`");
            return Err(problem.at(document.spot(&root)).into());
        }
        let mut reader = Reader::new(&document);
        reader.known_keys(&root, &KEYS);
        let dependencies = dependencies(&mut reader, &root.key("dependencies"));
        let distribution_type = distribution_type(&mut reader, &root.key("distributionType"));
        let config = Self {
            distribution_name: name(&mut reader),
            distribution_id: id(&mut reader),
            version: version(&mut reader, &root.key("version")),
            distribution_type,
            app_deployment_plan: reader.text(&root.key("appDeploymentPlan")),
            app_config: app_config(&mut reader, &root.key("appConfig")),
            distribution_tags: tags(&mut reader, &root.key("distributionTags")),
            init_deploy: init_deploy::read(&mut reader, &root.key("initDeployConfig"), &dependencies),
            dependencies,
            package: package(&mut reader, &root.key("package")),
            document: document.clone(),
        };
        fits_type(&mut reader, &config);
        reader.finish(config)
    }

    /// Returns name and id of a file that may be full of mistakes, for the record of why it failed.
    #[must_use]
    pub fn identity(file_name: &str, text: &str) -> Identity {
        let Ok(document) = Document::parse(file_name, text) else { return Identity::default() };
        let mut reader = Reader::new(&document);
        Identity { name: name(&mut reader), id: id(&mut reader) }
    }
}

/// Returns the init template that a file names, or implies by having `initDeployConfig`, even when the file has mistakes.
///
/// `None` when there is none, or when it depends on variables.
#[must_use]
pub fn literal_template(document: &Document) -> Option<String> {
    let path = DocPath::root().key("initDeployConfig");
    document.get(&path)?.as_map()?;
    let node = document.get(&path.key("template")).filter(|node| !node.is_null());
    let text = node.map_or(Some(DEFAULT_TEMPLATE), Node::as_text)?;
    normalized(text).ok().filter(|path| !path.contains("${"))
}

fn name(reader: &mut Reader<'_>) -> Option<DistributionName> {
    let path = DocPath::root().key("distributionName");
    let text = reader.text(&path)?;
    let help = "a name matches `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`";
    checked(reader, &path, DistributionName::parse(&text), identity_help(&text, help))
}

fn id(reader: &mut Reader<'_>) -> Option<DistributionId> {
    let path = DocPath::root().key("distributionId");
    let text = reader.text(&path).filter(|text| !text.trim().is_empty())?;
    let help = "an id becomes a part of object keys: use letters, digits, `.`, `_`, `-` or `:`";
    checked(reader, &path, DistributionId::parse(&text), identity_help(&text, help))
}

fn identity_help<'h>(text: &str, help: &'h str) -> &'h str {
    if text.contains("${") { "variables are not replaced in the name and the id" } else { help }
}

fn checked<T>(reader: &mut Reader<'_>, path: &DocPath, value: Result<T, InvalidValue>, help: &str) -> Option<T> {
    match value {
        Ok(value) => Some(value),
        Err(error) => {
            let message = format!("`{path}` is not valid: {error}");
            reader.note(Problem::error(message).with_help(help).at(reader.document().spot(path)));
            None
        }
    }
}

fn version(reader: &mut Reader<'_>, path: &DocPath) -> Option<Version> {
    let version = Version::new(&reader.text(path)?)?;
    if !version.is_semantic() && !version.as_str().contains("${") {
        let message = format!("`version` is not a semantic version such as `1.4.0`: {version}");
        let help = "distributions that ask for a range of versions will not accept it";
        reader.note(Problem::warning(message).with_help(help).at(reader.document().spot(path)));
    }
    Some(version)
}

fn distribution_type(reader: &mut Reader<'_>, path: &DocPath) -> DistributionType {
    match reader.text(path).as_deref() {
        Some("app") => DistributionType::App,
        Some("platform") | None => DistributionType::Platform,
        Some(other) => {
            let message = format!("`distributionType` is `{other}`, which means `platform`");
            let help = "write `app` in lower case for an app distribution";
            reader.note(Problem::warning(message).with_help(help).at(reader.document().spot(path)));
            DistributionType::Platform
        }
    }
}

/// Checks the keys that only one type of distribution has.
fn fits_type(reader: &mut Reader<'_>, config: &Config) {
    let root = DocPath::root();
    match config.distribution_type {
        DistributionType::App => {
            let plan = root.key("appDeploymentPlan");
            if reader.value(&plan).is_none() {
                let message = "an app distribution needs `appDeploymentPlan`";
                let help = "name the plan of a platform distribution that deploys it";
                let at = reader.document().spot(&root.key("distributionType"));
                reader.note(Problem::error(message).with_help(help).at(at));
            }
            let init_deploy = root.key("initDeployConfig");
            if reader.value(&init_deploy).is_some() {
                let at = reader.document().key_spot(&init_deploy);
                let help = "remove it, or remove `distributionType: app` if this distribution owns its plan";
                let problem = Problem::error("an app distribution cannot have `initDeployConfig`");
                reader.note(problem.with_help(help).at(at));
            }
        }
        DistributionType::Platform => {
            for key in ["appDeploymentPlan", "appConfig"] {
                if reader.value(&root.key(key)).is_some() {
                    let message = format!("`{key}` has no effect without `distributionType: app`");
                    let at = reader.document().key_spot(&root.key(key));
                    let help = "remove it, or add `distributionType: app`";
                    reader.note(Problem::warning(message).with_help(help).at(at));
                }
            }
        }
    }
}

/// Reads a map of texts that all need a value.
fn tags(reader: &mut Reader<'_>, path: &DocPath) -> BTreeMap<String, String> {
    let entries = reader.entries(path).unwrap_or_default();
    entries.into_iter().filter_map(|(key, child, node)| Some((key.to_owned(), filled(reader, &child, node)?))).collect()
}

/// Reads a text that may not be null.
fn filled(reader: &mut Reader<'_>, path: &DocPath, node: &Node) -> Option<String> {
    if node.is_null() {
        let problem = Problem::error(format!("`{path}` has no value")).with_help("write `\"\"` for an empty text");
        reader.note(problem.at(reader.document().spot(path)));
        return None;
    }
    match node.as_text() {
        Some(text) => Some(text.to_owned()),
        None => reader.wrong_type(path, "text"),
    }
}

fn dependencies(reader: &mut Reader<'_>, path: &DocPath) -> Vec<Dependency> {
    const DEPENDENCY_KEYS: [&str; 2] = ["distributionName", "version"];
    let Some(list) = reader.value(path) else { return Vec::new() };
    let Some(items) = list.as_list() else {
        reader.wrong_type::<()>(path, "a list");
        return Vec::new();
    };
    let mut dependencies = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let path = path.index(index);
        let Some(entries) = item.as_map() else {
            let actual = item.type_name();
            let text = format!("`{path}` must be a map with `distributionName` and `version`, not {actual}");
            let help = "write `- distributionName: other-distribution`";
            reader.note(Problem::error(text).with_help(help).at(reader.document().spot(&path)));
            continue;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !DEPENDENCY_KEYS.contains(&key.text.as_str())) {
            let message = format!("unknown key `{}` in a dependency", key.text);
            let at = reader.document().key_spot(&path.key(&key.text));
            let help = "a dependency has `distributionName` and an optional `version` range";
            reader.note(Problem::error(message).with_help(help).at(at));
        }
        let range = dependency_range(reader, &path.key("version"));
        if let Some(name) = dependency_name(reader, &path.key("distributionName")) {
            dependencies.push(Dependency { name, range });
        }
    }
    dependencies
}

fn dependency_name(reader: &mut Reader<'_>, path: &DocPath) -> Option<String> {
    if reader.value(path).is_none() {
        let problem = Problem::error("the dependency has no `distributionName`");
        let help = "write `- distributionName: other-distribution`";
        reader.note(problem.with_help(help).at(reader.document().spot(path)));
        return None;
    }
    let name = reader.text(path)?;
    if !name.contains("${") {
        checked(reader, path, DistributionName::parse(&name), "name another distribution")?;
    }
    Some(name)
}

fn dependency_range(reader: &mut Reader<'_>, path: &DocPath) -> Option<String> {
    let text = reader.text(path)?;
    if !text.contains("${")
        && let Err(error) = VersionRange::parse(&text)
    {
        let problem = Problem::error(format!("`{path}` is not valid: {error}"));
        reader.note(problem.with_help(RANGE_HELP).at(reader.document().spot(path)));
    }
    Some(text)
}

fn app_config(reader: &mut Reader<'_>, path: &DocPath) -> Map<String, Value> {
    let mut environments = Map::new();
    for (environment, path, node) in reader.entries(path).unwrap_or_default() {
        if node.as_map().is_some() {
            environments.insert(environment.to_owned(), node.to_json());
        } else {
            reader.wrong_type::<()>(&path, "a map of values for this environment");
        }
    }
    environments
}

fn package(reader: &mut Reader<'_>, path: &DocPath) -> Package {
    if reader.entries(path).is_none() {
        return Package::default();
    }
    reader.known_keys(path, &["prePackage", "postPackage", "container"]);
    Package {
        pre_commands: phase(reader, &path.key("prePackage")),
        post_commands: phase(reader, &path.key("postPackage")),
        container: container(reader, &path.key("container")),
    }
}

fn phase(reader: &mut Reader<'_>, path: &DocPath) -> Vec<String> {
    if reader.entries(path).is_none() {
        return Vec::new();
    }
    reader.known_keys(path, &["commands"]);
    lines(reader, &path.key("commands"))
}

fn container(reader: &mut Reader<'_>, path: &DocPath) -> Option<Container> {
    reader.entries(path)?;
    reader.known_keys(path, &["image", "loginCommands", "options"]);
    Some(Container {
        image: reader.text(&path.key("image")),
        login_commands: lines(reader, &path.key("loginCommands")),
        options: lines(reader, &path.key("options")),
    })
}

/// Reads a list of shell texts; left out ones are skipped.
fn lines(reader: &mut Reader<'_>, path: &DocPath) -> Vec<String> {
    let Some(list) = reader.value(path) else { return Vec::new() };
    let Some(items) = list.as_list() else {
        reader.wrong_type::<()>(path, "a list");
        return Vec::new();
    };
    let mut lines = Vec::new();
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
        match item.as_text() {
            Some(text) => lines.push(text.to_owned()),
            None => {
                let path = path.index(index);
                let problem = Problem::error(format!("`{path}` must be text, not {}", item.type_name()));
                let help = "quote the whole command, since it holds `: ` or begins with a bracket or `-`";
                reader.note(problem.with_help(help).at(reader.document().spot(&path)));
            }
        }
    }
    lines
}
