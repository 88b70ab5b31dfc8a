//! What a person wants to know of a distribution before it is deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};

use serde_json::{Map, Value, json};
use thiserror::Error;

use super::content::{Content, ManifestState};
use super::digest::FileRecord;
use super::read::{Archive, ArchiveError};
use crate::config::{Config, DistributionType, ParameterValue, Pipeline};
use crate::document::{Document, MAX_BYTES};
use crate::plan::{PlanKind, StepOutline, find_plans, outline};
use crate::problem::Problems;
use crate::value::{DistributionId, DistributionName, Environment};

/// The key of values that count in every environment without its own.
const DEFAULT: &str = "default";

/// A distribution that was read to its last byte.
#[derive(Debug)]
pub struct Inspection {
    /// Its name; a distribution without one is refused.
    pub name: DistributionName,
    /// Its configuration, as written.
    pub config: Config,
    /// Its files, digest and manifest.
    pub content: Content,
    /// Its init templates: one, unless the name of the file depends on the environment.
    pub templates: Vec<InspectedTemplate>,
}

/// An init template of a distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct InspectedTemplate {
    /// Its path.
    pub path: String,
    /// Its plans, or why they cannot be told.
    pub plans: Result<Vec<PlanOutline>, String>,
}

/// A plan for reading.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOutline {
    /// Name of its resource.
    pub name: String,
    /// Whether it deploys the distribution itself or apps.
    pub kind: PlanKind,
    /// The plan's properties beside its steps.
    pub properties: Map<String, Value>,
    /// Its steps.
    pub steps: Vec<StepOutline>,
}

/// A zip cannot be inspected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The archive is wrong, or cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The configuration file is wrong.
    #[error("the attini-config file cannot be used")]
    Config(#[source] Problems),
}

impl Inspection {
    /// Reads everything in an archive. Zips of any tool will do: neither modes nor a manifest are needed.
    ///
    /// # Errors
    ///
    /// [`InspectError`]. A template that cannot be read is no error, it is told in its place.
    pub fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Self, InspectError> {
        let content = Content::read(archive)?;
        let file = archive.find_config()?;
        let bytes = archive.read(file, MAX_BYTES as u64)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| InspectError::Config(Problems::one(format!("{file} is not a text file in UTF-8"))))?;
        let (config, _) = Config::parse(file, &text).map_err(InspectError::Config)?;
        let name = config.require_name().map_err(|problem| InspectError::Config(problem.into()))?.clone();
        let paths = template_paths(&config, &name);
        let templates = paths.into_iter().map(|path| {
            let plans = plans(archive, &path)?;
            Ok(InspectedTemplate { path, plans })
        });
        let templates = templates.collect::<Result<_, ArchiveError>>()?;
        Ok(Self { name, config, content, templates })
    }

    /// Returns everything as JSON: name, id, tags and version as the original prints them, then what else there is.
    ///
    /// The version is left out when there is none, the id is null. `signature` says how the zip is signed, in words.
    #[must_use]
    pub fn to_json(&self, signature: &str) -> Value {
        let config = &self.config;
        let mut map = Map::new();
        let mut add = |key: &str, value: Value| map.insert(key.to_owned(), value);
        add("distributionId", json!(config.distribution_id.as_ref().map(DistributionId::as_str)));
        add("distributionName", json!(self.name.as_str()));
        add("distributionTags", json!(config.distribution_tags));
        if let Some(version) = &config.version {
            add("version", json!(version.as_str()));
        }
        if config.distribution_type == DistributionType::App {
            add("distributionType", json!("app"));
        }
        let dependencies = config.dependencies.iter().map(|dependency| {
            let mut entry = Map::from_iter([("distributionName".to_owned(), json!(dependency.name))]);
            entry.extend(dependency.range.as_ref().map(|range| ("version".to_owned(), json!(range))));
            Value::Object(entry)
        });
        add("dependencies", dependencies.collect());
        add("parameters", parameters(config));
        add("plans", self.templates.iter().flat_map(template_json).collect());
        add("digest", json!(self.content.digest));
        add("manifest", json!(self.content.manifest.text()));
        add("signature", json!(signature));
        add("fileCount", json!(self.content.files.len()));
        add("bytes", json!(self.content.files.iter().map(|file| file.size).sum::<u64>()));
        add("files", self.content.by_size().into_iter().map(file_json).collect());
        Value::Object(map)
    }
}

impl Content {
    /// Returns the files, the largest first.
    #[must_use]
    pub fn by_size(&self) -> Vec<&FileRecord> {
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.path.cmp(&other.path)));
        files
    }
}

impl ManifestState {
    /// Returns one line about it: `no manifest`, `matches`, or what is wrong.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Absent => "no manifest".to_owned(),
            Self::Matches => "matches".to_owned(),
            Self::Differs(differences) => {
                let more = differences.len().saturating_sub(1);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                let first = differences.first().map_or_else(String::new, ToString::to_string);
                format!("differs: {first}{more}")
            }
            Self::Unusable(error) => format!("unusable: {}", crate::framework::explain(error)),
        }
    }
}

fn file_json(file: &FileRecord) -> Value {
    json!({ "path": file.path, "size": file.size, "mode": file.mode(), "sha256": hex::encode(file.sha256) })
}

fn template_json(template: &InspectedTemplate) -> Vec<Value> {
    match &template.plans {
        Err(problem) => vec![json!({ "template": template.path, "problem": problem })],
        Ok(plans) => plans
            .iter()
            .map(|plan| {
                let mut entry = Map::from_iter([
                    ("template".to_owned(), json!(template.path)),
                    ("plan".to_owned(), json!(plan.name)),
                ]);
                if plan.kind == PlanKind::App {
                    entry.insert("forApps".to_owned(), json!(true));
                }
                entry.insert("steps".to_owned(), plan.steps.iter().map(step_json).collect());
                Value::Object(entry)
            })
            .collect(),
    }
}

fn step_json(step: &StepOutline) -> Value {
    let mut entry = Map::from_iter([("name".to_owned(), json!(step.name)), ("type".to_owned(), json!(step.kind))]);
    if !step.branches.is_empty() {
        let branches = step.branches.iter().map(|branch| branch.iter().map(step_json).collect::<Value>());
        entry.insert("branches".to_owned(), branches.collect());
    }
    Value::Object(entry)
}

/// Returns the environments that a configuration names, `default` left out.
fn environments(config: &Config) -> BTreeSet<&str> {
    let Some(init) = &config.init_deploy else { return BTreeSet::new() };
    let names = init.parameters.keys().chain(init.tags.keys()).chain(init.variables.keys());
    names.map(String::as_str).filter(|name| *name != DEFAULT).collect()
}

/// Returns the stack parameters of each environment with those of `default` below them, variables as written.
///
/// `default` stands for every environment that is not named; null leaves a parameter to its template.
fn parameters(config: &Config) -> Value {
    let Some(init) = &config.init_deploy else { return json!({}) };
    let defaults = init.parameters.get(DEFAULT);
    let mut result = Map::new();
    for environment in std::iter::once(DEFAULT).chain(environments(config)) {
        let own = init.parameters.get(environment);
        let merged: BTreeMap<&String, Value> =
            [defaults, own].into_iter().flatten().flatten().map(|(key, value)| (key, parameter(value))).collect();
        if environment != DEFAULT || !merged.is_empty() {
            result.insert(environment.to_owned(), json!(merged));
        }
    }
    Value::Object(result)
}

fn parameter(value: &Option<ParameterValue>) -> Value {
    match value {
        None => Value::Null,
        Some(ParameterValue::Text(text)) => json!(text),
        Some(ParameterValue::Import(import)) => {
            json!({ "importFrom": import.distribution, "mapping": import.mapping })
        }
    }
}

/// Returns the templates of all environments; the one as written when no environment says which it is.
fn template_paths(config: &Config, name: &DistributionName) -> BTreeSet<String> {
    let Some(init) = &config.init_deploy else { return BTreeSet::new() };
    let id = config.distribution_id.clone().or_else(|| DistributionId::parse("none").ok());
    let names = environments(config);
    // A path without variables is the same everywhere, whatever the environment.
    let names = if names.is_empty() { BTreeSet::from([DEFAULT]) } else { names };
    let resolved = names.into_iter().filter_map(|environment| {
        let environment = Environment::parse(environment).ok()?;
        match config.resolve(&environment, name, id.as_ref()?).ok()?.pipeline {
            Pipeline::InitStack(stack) => Some(stack.template),
            Pipeline::None | Pipeline::App(_) => None,
        }
    });
    let resolved: BTreeSet<String> = resolved.collect();
    match resolved.is_empty() {
        true => BTreeSet::from([init.template.trim_start_matches('/').to_owned()]),
        false => resolved,
    }
}

fn plans<R: Read + Seek>(
    archive: &mut Archive<R>,
    path: &str,
) -> Result<Result<Vec<PlanOutline>, String>, ArchiveError> {
    let bytes = match archive.read(path, MAX_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error @ (ArchiveError::NotFound { .. } | ArchiveError::FileTooLarge { .. })) => {
            return Ok(Err(error.to_string()));
        }
        Err(error) => return Err(error),
    };
    let Ok(text) = String::from_utf8(bytes) else { return Ok(Err("it is not a text file in UTF-8".to_owned())) };
    let document = match Document::parse(path, &text) {
        Ok(document) => document,
        Err(problems) => return Ok(Err(problems.to_string())),
    };
    let template = document.to_json();
    let plans = find_plans(&template).into_iter().map(|plan| {
        let properties = template.get("Resources").and_then(|resources| resources.get(&plan.logical_id));
        let properties = properties.and_then(|resource| resource.get("Properties")).and_then(Value::as_object);
        let mut properties = properties.cloned().unwrap_or_default();
        let definition = properties.shift_remove("DeploymentPlan").unwrap_or_default();
        let steps = outline(&definition);
        if let Value::Object(definition) = definition {
            let own = definition.into_iter().filter(|(key, _)| key != "States");
            properties.extend(own);
        }
        PlanOutline { name: plan.logical_id, kind: plan.kind, properties, steps }
    });
    Ok(Ok(plans.collect()))
}

#[cfg(test)]
pub(super) mod tests;
