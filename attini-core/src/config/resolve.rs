use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::document::DocPath;
use crate::problem::{Problem, Problems};
use crate::value::{DistributionId, DistributionName, Environment, StackName, Version};

use super::explain::{Explained, Explanation, Origin, Written};
use super::model::{
    AppConfig, Config, Dependency, DistributionType, Import, InitDeployConfig, InitStackConfig, ParameterValue,
    Pipeline, ResolvedConfig, ResolvedDependency,
};
use super::{VersionRange, substitute};

/// What to do about a range of versions that npm would not understand.
pub(super) const RANGE_HELP: &str = "write a range as npm does, such as `^1.2.0` or `>=1.0.0 <3.0.0`";
/// What to do about a template that is nowhere.
pub(super) const TEMPLATE_HELP: &str = "write the template's path in the distribution, counted from its root";
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
        self.explain(environment, name, id).map(|(resolved, _)| resolved)
    }

    /// Returns what [`resolve`](Self::resolve) does, and each value with where it came from, by path.
    ///
    /// # Errors
    ///
    /// Those of [`resolve`](Self::resolve).
    pub fn explain(
        &self,
        environment: &Environment,
        name: &DistributionName,
        id: &DistributionId,
    ) -> Result<(ResolvedConfig, Vec<Explained>), Problems> {
        let explanation = Explanation::default();
        let mut resolver = Resolver { config: self, environment, name, id, problems: Vec::new(), explanation };
        let resolved = resolver.config();
        let explained = resolver.explanation.finish();
        Problems::unless_errors((resolved, explained), resolver.problems).map(|(resolved, _)| resolved)
    }

    /// Returns the environments that the file names itself, without `default`, in order. Those in variables are left out.
    #[must_use]
    pub fn environments(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.app_config.keys().map(String::as_str).collect();
        if let Some(init) = &self.init_deploy {
            names.extend(init.parameters.keys().map(String::as_str));
            names.extend(init.tags.keys().map(String::as_str));
            names.extend(init.variables.keys().map(String::as_str));
        }
        names.retain(|name| *name != DEFAULT && !name.contains("${"));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// Values of one environment's level in the file, with the path and the name of that level.
struct Section<V> {
    path: DocPath,
    name: String,
    values: V,
}

struct Resolver<'c> {
    config: &'c Config,
    environment: &'c Environment,
    name: &'c DistributionName,
    id: &'c DistributionId,
    problems: Vec<Problem>,
    explanation: Explanation,
}

impl Resolver<'_> {
    fn config(&mut self) -> ResolvedConfig {
        let root = DocPath::root();
        let config = self.config;
        self.identity();
        let version = config.version.as_ref();
        let version =
            version.and_then(|version| Version::new(&self.same_everywhere(&root.key("version"), version.as_str())));
        let tags_path = root.key("distributionTags");
        let distribution_tags = self.texts(&tags_path, &tags_path, None, &config.distribution_tags);
        let dependencies = self.dependencies(&root.key("dependencies"), &config.dependencies);
        let pipeline = match (config.distribution_type, &config.init_deploy) {
            (DistributionType::App, _) => {
                let plan = config.app_deployment_plan.as_deref().unwrap_or_default();
                let plan = self.same_everywhere(&root.key("appDeploymentPlan"), plan);
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

    fn error(&mut self, path: &DocPath, message: impl Into<String>, help: &str) {
        self.problems.push(Problem::error(message).with_help(help).at(self.config.document.spot(path)));
    }

    /// Explains name, id and type, which are what they are before anything is resolved.
    fn identity(&mut self) {
        let (root, config) = (DocPath::root(), self.config);
        let (name, id) = (self.name.as_str(), self.id.as_str());
        let given = [
            ("distributionName", name, config.distribution_name.as_ref().is_some_and(|own| own.as_str() == name)),
            ("distributionId", id, config.distribution_id.as_ref().is_some_and(|own| own.as_str() == id)),
        ];
        for (key, value, is_own) in given {
            let path = root.key(key);
            let origin = if is_own { self.written(None, &path, value, BTreeMap::new()) } else { Origin::Given };
            self.explanation.add(path, json!(value), origin);
        }
        let path = root.key("distributionType");
        let word = match config.distribution_type {
            DistributionType::App => "app",
            DistributionType::Platform => "platform",
        };
        self.flag(path, json!(word));
    }

    /// Explains a value that holds no variables: written, or what its absence means.
    fn flag(&mut self, path: DocPath, value: Value) {
        let is_written = self.config.document.get(&path).is_some_and(|node| !node.is_null());
        let origin = if is_written { self.written(None, &path, "", BTreeMap::new()) } else { Origin::BuiltIn };
        self.explanation.add(path, value, origin);
    }

    fn written(
        &self,
        section: Option<&str>,
        path: &DocPath,
        text: &str,
        variables: BTreeMap<String, String>,
    ) -> Origin {
        let Some(at) = self.config.document.spot(path) else { return Origin::BuiltIn };
        let template = (!variables.is_empty()).then(|| text.to_owned());
        Origin::File(Written { section: section.map(str::to_owned), at, template, variables, over: None })
    }

    /// Replaces the variables of one text.
    fn text(&mut self, path: &DocPath, text: &str) -> String {
        self.replaced(path, text).0
    }

    /// Replaces the variables of one text and returns those it holds.
    fn replaced(&mut self, path: &DocPath, text: &str) -> (String, BTreeMap<String, String>) {
        let found = RefCell::new(BTreeMap::new());
        let variable = |name: &str| {
            let value = match name {
                "environment" => self.environment.as_str(),
                "distributionName" => self.name.as_str(),
                "distributionId" => self.id.as_str(),
                _ => return None,
            };
            found.borrow_mut().insert(name.to_owned(), value.to_owned());
            Some(value.to_owned())
        };
        let replaced = substitute(text, &variable);
        let replaced = match replaced {
            Ok(text) => text,
            Err(error) => {
                let help = "a text can hold `${environment}`, `${distributionName}` and `${distributionId}`; \
                            `$${name}` is the text `${name}` itself";
                self.error(path, format!("`{path}`: {error}"), help);
                text.to_owned()
            }
        };
        (replaced, found.into_inner())
    }

    /// Replaces the variables of one text and explains the result, which stands at `to` in the resolved configuration.
    fn value(&mut self, section: Option<&str>, path: &DocPath, to: DocPath, text: &str) -> String {
        let (value, variables) = self.replaced(path, text);
        let origin = self.written(section, path, text, variables);
        self.explanation.add(to, json!(value), origin);
        value
    }

    fn same_everywhere(&mut self, path: &DocPath, text: &str) -> String {
        self.value(None, path, path.clone(), text)
    }

    /// Replaces the variables in keys and values; `to` is where they stand in the resolved configuration.
    fn texts(
        &mut self,
        path: &DocPath,
        to: &DocPath,
        section: Option<&str>,
        texts: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let texts = texts.iter().map(|(key, value)| {
            let path = path.key(key);
            let key = self.text(&path, key);
            let value = self.value(section, &path, to.key(&key), value);
            (key, value)
        });
        texts.collect()
    }

    /// Returns the values of `default` overlaid by those of the environment.
    fn overlaid<'v, V>(
        &mut self,
        path: &DocPath,
        environments: impl IntoIterator<Item = (&'v String, V)>,
    ) -> Vec<Section<V>> {
        let (mut defaults, mut own) = (Vec::new(), Vec::new());
        for (key, values) in environments {
            let path = path.key(key);
            let name = self.text(&path, key);
            let section = Section { path, name: key.clone(), values };
            if name == self.environment.as_str() {
                own.push(section);
            } else if name == DEFAULT {
                defaults.push(section);
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
            let name = DistributionName::parse(&self.same_everywhere(&name_path, &dependency.name));
            let name = name.map_err(|error| {
                self.error(&name_path, format!("`{name_path}` is not valid: {error}"), "name another distribution");
            });
            let range_path = path.key("version");
            let range = dependency.range.as_deref().map(|range| {
                let range = VersionRange::parse(&self.same_everywhere(&range_path, range));
                range.map_err(|error| {
                    self.error(&range_path, format!("`{range_path}` is not valid: {error}"), RANGE_HELP);
                })
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
        for section in self.overlaid(path, &config.app_config) {
            let value = self.json(&section.path, path, &section.name, section.values);
            merge(&mut merged, value);
        }
        self.explanation.take_merged(path, &merged);
        merged
    }

    /// Replaces the variables in the keys and texts of a JSON value. Lists are explained as a whole.
    fn json(&mut self, path: &DocPath, to: &DocPath, section: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.value(Some(section), path, to.clone(), text)),
            Value::Object(map) if !map.is_empty() => {
                let entries = map.iter().map(|(key, value)| {
                    let path = path.key(key);
                    let key = self.text(&path, key);
                    let value = self.json(&path, &to.key(&key), section, value);
                    (key, value)
                });
                Value::Object(entries.collect())
            }
            Value::Array(_) | Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
                let mut variables = BTreeMap::new();
                let value = self.elements(path, value, &mut variables);
                let origin = self.written(Some(section), path, "", variables);
                self.explanation.add(to.clone(), value.clone(), origin);
                value
            }
        }
    }

    /// Replaces the variables in what stands in a list.
    fn elements(&mut self, path: &DocPath, value: &Value, variables: &mut BTreeMap<String, String>) -> Value {
        match value {
            Value::String(text) => {
                let (text, found) = self.replaced(path, text);
                variables.extend(found);
                Value::String(text)
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.map(|(index, item)| self.elements(&path.index(index), item, variables)).collect()
            }
            Value::Object(map) => {
                let entries = map.iter().map(|(key, value)| {
                    let path = path.key(key);
                    (self.text(&path, key), self.elements(&path, value, variables))
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
        let template = self.template(&template_path, &init_deploy.template);
        self.flag(path.key("forceUpdate"), json!(init_deploy.force_update));
        let stack_name = self.stack_name(&path.key("stackName"), init_deploy.stack_name.as_deref());

        let mut parameters = BTreeMap::new();
        let to = path.key("parameters");
        for section in self.overlaid(&to, &init_deploy.parameters) {
            for (key, value) in section.values {
                let path = section.path.key(key);
                let name = self.text(&path, key);
                let (value, variables) = match value {
                    Some(value) => self.parameter(&path, value, dependencies),
                    None => (None, BTreeMap::new()),
                };
                let (shown, text) = match &value {
                    Some(ParameterValue::Text(text)) => (json!(text), self.document_text(&path)),
                    Some(ParameterValue::Import(from)) => {
                        (json!({ "distribution": from.distribution, "mapping": from.mapping }), String::new())
                    }
                    None => (Value::Null, String::new()),
                };
                let origin = self.written(Some(&section.name), &path, &text, variables);
                self.explanation.add(to.key(&name), shown, origin);
                parameters.insert(name, value);
            }
        }
        let to = path.key("tags");
        let mut tags = self.texts(&to, &to, None, &init_deploy.tags_everywhere);
        for section in self.overlaid(&to, &init_deploy.tags) {
            tags.extend(self.texts(&section.path, &to, Some(&section.name), section.values));
        }
        let to = path.key("variables");
        let mut variables = BTreeMap::new();
        for section in self.overlaid(&to, &init_deploy.variables) {
            variables.extend(self.texts(&section.path, &to, Some(&section.name), section.values));
        }
        Some(InitStackConfig {
            template: template?,
            stack_name: stack_name?,
            force_update: init_deploy.force_update,
            // A null overrides what `default` says, and then leaves the template's default in place.
            parameters: parameters.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            tags,
            variables,
        })
    }

    fn template(&mut self, path: &DocPath, text: &str) -> Option<String> {
        let (replaced, variables) = self.replaced(path, text);
        match normalized(&replaced) {
            Ok(template) => {
                let is_written = self.config.document.get(path).is_some_and(|node| !node.is_null());
                let origin = if is_written { self.written(None, path, text, variables) } else { Origin::BuiltIn };
                self.explanation.add(path.clone(), json!(template), origin);
                Some(template)
            }
            Err(reason) => {
                self.error(path, format!("`{path}` {reason}"), TEMPLATE_HELP);
                None
            }
        }
    }

    /// Returns the text of a scalar as its author wrote it.
    fn document_text(&self, path: &DocPath) -> String {
        let node = self.config.document.get(path);
        node.and_then(crate::document::Node::as_text).unwrap_or_default().to_owned()
    }

    fn stack_name(&mut self, path: &DocPath, name: Option<&str>) -> Option<StackName> {
        let Some(name) = name else {
            let help = "add `stackName: ${environment}-${distributionName}-deployment-plan`";
            self.error(path, "`initDeployConfig.stackName` is required", help);
            return None;
        };
        match StackName::parse(&self.same_everywhere(path, name)) {
            Ok(name) => Some(name),
            Err(error) => {
                let help = "write for example `${environment}-${distributionName}-deployment-plan`";
                self.error(path, format!("`{path}` is not valid: {error}"), help);
                None
            }
        }
    }

    fn parameter(
        &mut self,
        path: &DocPath,
        value: &ParameterValue,
        dependencies: &[ResolvedDependency],
    ) -> (Option<ParameterValue>, BTreeMap<String, String>) {
        let import = match value {
            ParameterValue::Text(text) => {
                let (text, variables) = self.replaced(path, text);
                return (Some(ParameterValue::Text(text)), variables);
            }
            ParameterValue::Import(import) => import,
        };
        let source = path.key("source");
        let (distribution, mut variables) = self.replaced(&source.key("name"), &import.distribution);
        let (mapping, found) = self.replaced(&source.key("mapping"), &import.mapping);
        variables.extend(found);
        if !dependencies.iter().any(|dependency| dependency.name.as_str() == distribution) {
            let message =
                format!("`{path}` is dependent on `{distribution}`, which is not declared under `dependencies`");
            let help = format!("add `- distributionName: {distribution}` to `dependencies`");
            self.error(&source.key("name"), message, &help);
            return (None, variables);
        }
        (Some(ParameterValue::Import(Import { distribution, mapping })), variables)
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
