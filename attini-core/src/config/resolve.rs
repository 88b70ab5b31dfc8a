use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::document::DocPath;
use crate::problem::{Problem, Problems};
use crate::value::{DistributionId, DistributionName, Environment, StackName, Version};

use super::model::{
    AppConfig, Config, Dependency, DistributionType, Import, InitDeployConfig, InitStackConfig, ParameterValue,
    Pipeline, ResolvedConfig, ResolvedDependency,
};
use super::{VersionRange, substitute};

/// Key of the values that count in every environment.
const DEFAULT: &str = "default";

impl Config {
    /// Returns what the file means in one environment: `default` overlaid by the environment, variables replaced.
    ///
    /// Name and id are given, since the file need not have them.
    ///
    /// # Errors
    ///
    /// All problems that show only now: variables that contain themselves, a stack name, template path, dependency or
    /// import that is not valid once its variables are replaced, a missing stack name.
    pub fn resolve(
        &self,
        environment: &Environment,
        name: &DistributionName,
        id: &DistributionId,
    ) -> Result<ResolvedConfig, Problems> {
        let mut resolver = Resolver { config: self, environment, name, id, problems: Vec::new() };
        let resolved = resolver.config();
        Problems::unless_errors(resolved, resolver.problems).map(|(resolved, _)| resolved)
    }
}

struct Resolver<'c> {
    config: &'c Config,
    environment: &'c Environment,
    name: &'c DistributionName,
    id: &'c DistributionId,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    fn config(&mut self) -> ResolvedConfig {
        let root = DocPath::root();
        let config = self.config;
        let version = config.version.as_ref();
        let version = version.and_then(|version| Version::new(&self.text(&root.key("version"), version.as_str())));
        let distribution_tags = self.texts(&root.key("distributionTags"), &config.distribution_tags);
        let dependencies = self.dependencies(&root.key("dependencies"), &config.dependencies);
        let pipeline = match (config.distribution_type, &config.init_deploy) {
            (DistributionType::App, _) => {
                let plan = config.app_deployment_plan.as_deref().unwrap_or_default();
                let plan = self.text(&root.key("appDeploymentPlan"), plan);
                Pipeline::App(AppConfig { plan, config: self.app_config(&root.key("appConfig")) })
            }
            (DistributionType::Platform, Some(init_deploy)) => {
                let path = root.key("initDeployConfig");
                self.init_stack(&path, init_deploy, &dependencies).map_or(Pipeline::None, Pipeline::InitStack)
            }
            (DistributionType::Platform, None) => Pipeline::None,
        };
        ResolvedConfig { version, distribution_tags, dependencies, pipeline }
    }

    fn error(&mut self, path: &DocPath, message: impl Into<String>) {
        self.problems.push(Problem::error(message).at(self.config.document.spot(path)));
    }

    /// Replaces the variables of one text.
    fn text(&mut self, path: &DocPath, text: &str) -> String {
        let variable = |name: &str| {
            let value = match name {
                "environment" => self.environment.as_str(),
                "distributionName" => self.name.as_str(),
                "distributionId" => self.id.as_str(),
                _ => return None,
            };
            Some(value.to_owned())
        };
        match substitute(text, &variable) {
            Ok(text) => text,
            Err(error) => {
                self.error(path, format!("`{path}`: {error}"));
                text.to_owned()
            }
        }
    }

    fn texts(&mut self, path: &DocPath, texts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let texts = texts.iter().map(|(key, value)| {
            let path = path.key(key);
            (self.text(&path, key), self.text(&path, value))
        });
        texts.collect()
    }

    /// Returns the values of `default` overlaid by those of the environment, each with its path.
    fn overlaid<'v, V>(
        &mut self,
        path: &DocPath,
        environments: impl IntoIterator<Item = (&'v String, V)>,
    ) -> Vec<(DocPath, V)> {
        let (mut defaults, mut own) = (Vec::new(), Vec::new());
        for (key, values) in environments {
            let path = path.key(key);
            let name = self.text(&path, key);
            if name == self.environment.as_str() {
                own.push((path, values));
            } else if name == DEFAULT {
                defaults.push((path, values));
            }
        }
        defaults.append(&mut own);
        defaults
    }

    fn dependencies(&mut self, path: &DocPath, dependencies: &[Dependency]) -> Vec<ResolvedDependency> {
        let mut resolved = Vec::new();
        for (index, dependency) in dependencies.iter().enumerate() {
            let path = path.index(index);
            let name_path = path.key("distributionName");
            let name = DistributionName::parse(&self.text(&name_path, &dependency.name));
            let name = name.map_err(|error| self.error(&name_path, format!("`{name_path}` is not valid: {error}")));
            let range_path = path.key("version");
            let range = dependency.range.as_deref().map(|range| {
                let range = VersionRange::parse(&self.text(&range_path, range));
                range.map_err(|error| self.error(&range_path, format!("`{range_path}` is not valid: {error}")))
            });
            if let (Ok(name), Ok(range)) = (name, range.transpose()) {
                resolved.push(ResolvedDependency { name, range });
            }
        }
        resolved
    }

    fn app_config(&mut self, path: &DocPath) -> Value {
        let config = self.config;
        let mut merged = Value::Object(Map::new());
        for (path, value) in self.overlaid(path, &config.app_config) {
            let value = self.json(&path, value);
            merge(&mut merged, value);
        }
        merged
    }

    /// Replaces the variables in the keys and texts of a JSON value.
    fn json(&mut self, path: &DocPath, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(path, text)),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| self.json(&path.index(index), item)).collect()
            }
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| {
                    let path = path.key(key);
                    (self.text(&path, key), self.json(&path, value))
                });
                Value::Object(entries.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn init_stack(
        &mut self,
        path: &DocPath,
        init_deploy: &InitDeployConfig,
        dependencies: &[ResolvedDependency],
    ) -> Option<InitStackConfig> {
        let template_path = path.key("template");
        let template = self.text(&template_path, &init_deploy.template);
        let template = normalized(&template);
        let template = template.map_err(|reason| self.error(&template_path, format!("`{template_path}` {reason}")));
        let stack_name = self.stack_name(&path.key("stackName"), init_deploy.stack_name.as_deref());

        let mut parameters = BTreeMap::new();
        for (path, values) in self.overlaid(&path.key("parameters"), &init_deploy.parameters) {
            for (key, value) in values {
                let path = path.key(key);
                let name = self.text(&path, key);
                let value = value.as_ref().and_then(|value| self.parameter(&path, value, dependencies));
                parameters.insert(name, value);
            }
        }
        let mut tags = self.texts(&path.key("tags"), &init_deploy.tags_everywhere);
        for (path, values) in self.overlaid(&path.key("tags"), &init_deploy.tags) {
            tags.extend(self.texts(&path, values));
        }
        let mut variables = BTreeMap::new();
        for (path, values) in self.overlaid(&path.key("variables"), &init_deploy.variables) {
            variables.extend(self.texts(&path, values));
        }
        Some(InitStackConfig {
            template: template.ok()?,
            stack_name: stack_name?,
            force_update: init_deploy.force_update,
            // A null overrides what `default` says, and then leaves the template's default in place.
            parameters: parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            tags,
            variables,
        })
    }

    fn stack_name(&mut self, path: &DocPath, name: Option<&str>) -> Option<StackName> {
        let Some(name) = name else {
            let problem = Problem::error("`initDeployConfig.stackName` is required");
            let help = "add `stackName: ${environment}-${distributionName}-deployment-plan`";
            self.problems.push(problem.with_help(help).at(self.config.document.spot(path)));
            return None;
        };
        match StackName::parse(&self.text(path, name)) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(path, format!("`{path}` is not valid: {error}"));
                None
            }
        }
    }

    fn parameter(
        &mut self,
        path: &DocPath,
        value: &ParameterValue,
        dependencies: &[ResolvedDependency],
    ) -> Option<ParameterValue> {
        let import = match value {
            ParameterValue::Text(text) => return Some(ParameterValue::Text(self.text(path, text))),
            ParameterValue::Import(import) => import,
        };
        let source = path.key("source");
        let distribution = self.text(&source.key("name"), &import.distribution);
        let mapping = self.text(&source.key("mapping"), &import.mapping);
        if !dependencies.iter().any(|dependency| dependency.name.as_str() == distribution) {
            let message =
                format!("`{path}` is dependent on `{distribution}`, which is not declared under `dependencies`");
            self.error(&source.key("name"), message);
            return None;
        }
        Some(ParameterValue::Import(Import { distribution, mapping }))
    }
}

/// Returns a path relative to the root, without `.`, `..` and a leading `/`; else why there is none.
pub(super) fn normalized(path: &str) -> Result<String, &'static str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or("leaves the distribution: it has more `..` than folders")?;
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() { Err("names no file") } else { Ok(parts.join("/")) }
}

/// Merges maps key by key, appends lists, and lets any other value replace the one below it (init-deploy.md 4.6).
fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                match below.get_mut(&key) {
                    Some(existing) => merge(existing, value),
                    None => {
                        below.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(below), Value::Array(above)) => below.extend(above),
        (below, above) => *below = above,
    }
}
