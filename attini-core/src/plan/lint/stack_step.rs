//! What is known before a deployment of the stack that a step deploys.

use std::collections::BTreeSet;

use serde_json::Value;

use super::facts::StateFacts;
use super::project::{Place, Project, is_literal};
use crate::stack::StackFile;

/// A step that deploys a stack: its properties over its configuration file.
#[derive(Debug)]
pub(super) struct StackStep {
    /// Position of the state in its plan.
    pub(super) state: usize,
    /// Path of the stack's template in the distribution, if it is a file that is known.
    pub(super) template: Option<String>,
    /// The configuration file and those it extends, the step's own first.
    pub(super) chain: Vec<String>,
    /// Whether everything that could set something is known.
    pub(super) is_known: bool,
    /// The step deletes its stack.
    pub(super) deletes: bool,
    /// Parameters that get a value.
    pub(super) given: BTreeSet<String>,
    /// The level in the step's output that the stack's outputs lie below.
    pub(super) output_path: Option<String>,
}

impl StackStep {
    pub(super) fn all(project: &Project, states: &[StateFacts<'_>]) -> Vec<Self> {
        let steps = states.iter().enumerate().filter(|(_, facts)| facts.state.kind == "AttiniCfn");
        steps.filter_map(|(index, facts)| Self::of(project, index, facts.state.fields.get("Properties")?)).collect()
    }

    fn of(project: &Project, state: usize, properties: &Value) -> Option<Self> {
        let properties = properties.as_object()?;
        let mut step = Self {
            state,
            template: None,
            chain: Vec::new(),
            is_known: true,
            deletes: false,
            given: BTreeSet::new(),
            output_path: None,
        };
        let file = step.config_file(project, properties.get("ConfigFile"));
        step.is_known &= !["ConfigFile.$", "Template.$", "Action.$", "OutputPath.$", "Parameters.$"]
            .iter()
            .any(|key| properties.contains_key(*key));
        let text = |key: &str, file_key: &str| match properties.get(key) {
            None | Some(Value::Null) => file.text(file_key).map(str::to_owned),
            Some(Value::String(text)) => Some(text.clone()),
            // An intrinsic function, or a number.
            Some(other) => Some(format!("${{{other}}}")),
        };
        let template = text("Template", "template").filter(|text| is_literal(text)).map(|text| Place::of(&text));
        if let Some(Place::Inside(path)) = template {
            step.template = Some(path);
        }
        step.deletes = text("Action", "action").is_some_and(|action| action.trim() == "Delete" || action == "1");
        step.output_path = text("OutputPath", "outputPath");
        step.given =
            file.parameters.iter().filter(|(_, value)| value.is_some()).map(|(name, _)| name.clone()).collect();
        let inline = properties.get("Parameters").and_then(Value::as_object).into_iter().flatten();
        step.given.extend(inline.map(|(name, _)| name.strip_suffix(".$").unwrap_or(name).to_owned()));
        if step.output_path.as_ref().is_some_and(|path| path.contains("${")) {
            step.is_known = false;
        }
        Some(step)
    }

    /// Reads the configuration file with those that it extends.
    fn config_file(&mut self, project: &Project, value: Option<&Value>) -> StackFile {
        let mut next = match value {
            None | Some(Value::Null) => return StackFile::default(),
            Some(value) => value.as_str().map(str::to_owned),
        };
        let mut layers = Vec::new();
        while let Some(text) = next.take() {
            let place = if is_literal(&text) { Place::of(&text) } else { Place::Outside };
            let Place::Inside(path) = place else { return self.unknown(layers) };
            let Some((_, Ok((file, _)))) = project.stack_file(&path) else { return self.unknown(layers) };
            if self.chain.contains(&path) {
                return self.unknown(layers);
            }
            self.chain.push(path);
            next.clone_from(&file.extends);
            layers.push(file);
        }
        if layers.is_empty() {
            self.is_known = false;
        }
        merged(layers)
    }

    fn unknown(&mut self, layers: Vec<StackFile>) -> StackFile {
        self.is_known = false;
        merged(layers)
    }
}

/// Lays the first over the second and so on.
fn merged(layers: Vec<StackFile>) -> StackFile {
    layers.into_iter().rev().fold(StackFile::default(), |below, layer| layer.over(below))
}
