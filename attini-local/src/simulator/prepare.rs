//! Everything that is decided before anything changes: transforms, parameters, rules, conditions, references, order.

use std::collections::{BTreeMap, BTreeSet};

use attini_core::port::ParameterValue;
use serde_json::{Map, Value};

use super::at::{self, At};
use super::intrinsics::{Fault, Scope, as_call, budget};
use super::references::{Place, References, check_functions, find_reference};
use super::resources::is_nested;
use super::template::{Resource, Template, check_size, read_parameters};
use super::{Refusal, StackState, StoredParameter, World, conditions, graph, language, parameters, rules, transforms};

/// A template that can be deployed.
pub(super) struct Prepared {
    pub(super) template: Template,
    /// The template after its transforms, as JSON.
    pub(super) source: Value,
    pub(super) parameters: BTreeMap<String, StoredParameter>,
    pub(super) conditions: BTreeMap<String, bool>,
    /// Logical ids of the resources whose condition holds, grouped so that each depends on earlier groups only.
    pub(super) waves: Vec<Vec<String>>,
    pub(super) depends_on: BTreeMap<String, BTreeSet<String>>,
    pub(super) stack_name: String,
    pub(super) stack_id: String,
}

/// Reads and checks a template with the parameters of a request.
pub(super) fn prepare(
    source: &Value,
    stack_name: &str,
    stack_id: &str,
    given: &BTreeMap<String, ParameterValue>,
    previous: Option<&StackState>,
    world: &World<'_>,
) -> Result<Prepared, Refusal> {
    check_size(source)?;
    let kept = previous.map(|previous| &previous.parameters);
    let before = parameters::resolve(&read_parameters(source)?, given, kept, world.ssm)?;
    let values: Map<String, Value> =
        before.iter().map(|(name, parameter)| (name.clone(), parameter.value.clone())).collect();
    let language_extensions = |template: Value| extend_language(template, stack_name, stack_id, &before, world);
    let transformed = transforms::apply(source, &values, world.transforms, &language_extensions)?;
    check_size(&transformed.template)?;
    let template = Template::parse(&transformed.template, transformed.features)?;
    let mut prepared = Prepared {
        parameters: parameters::resolve(&template.parameters, given, kept, world.ssm)?,
        template,
        source: transformed.template,
        conditions: BTreeMap::new(),
        waves: Vec::new(),
        depends_on: BTreeMap::new(),
        stack_name: stack_name.to_owned(),
        stack_id: stack_id.to_owned(),
    };
    prepared.check_functions()?;
    prepared.check_references()?;
    rules::check(&prepared.template.rules, &prepared.scope(world, &BTreeMap::new()))?;
    prepared.conditions = conditions::evaluate(&prepared.template.conditions, &|known, value| {
        let resources = BTreeMap::new();
        Ok(Scope { conditions: known, ..prepared.scope(world, &resources) }.holds(value)?)
    })?;
    prepared.order()?;
    prepared.check_values(world)?;
    Ok(prepared)
}

/// Applies `AWS::LanguageExtensions`, for which nothing exists but parameters and what surrounds the stack.
fn extend_language(
    template: Value,
    stack_name: &str,
    stack_id: &str,
    parameters: &BTreeMap<String, StoredParameter>,
    world: &World<'_>,
) -> Result<Value, Refusal> {
    let scope = Scope {
        stack_name,
        stack_id,
        place: &world.place,
        parameters,
        mappings: &Map::new(),
        conditions: &BTreeMap::new(),
        resources: &BTreeMap::new(),
        exports: world.exports,
        ssm: world.ssm,
        language_extensions: true,
        budget: budget(),
    };
    let secret = parameters.iter().filter(|(_, parameter)| parameter.no_echo).map(|(name, _)| name.clone());
    language::expand(template, &scope, &secret.collect())
}

impl Prepared {
    /// Returns what functions see while `resources` exist.
    pub(super) fn scope<'a>(
        &'a self,
        world: &'a World<'_>,
        resources: &'a BTreeMap<String, super::ResourceState>,
    ) -> Scope<'a> {
        Scope {
            stack_name: &self.stack_name,
            stack_id: &self.stack_id,
            place: &world.place,
            parameters: &self.parameters,
            mappings: &self.template.mappings,
            conditions: &self.conditions,
            resources,
            exports: world.exports,
            ssm: world.ssm,
            language_extensions: self.template.features.language_extensions,
            budget: budget(),
        }
    }

    /// Returns the declaration of a resource that [`Self::waves`] names.
    pub(super) fn resource(&self, logical_id: &str) -> &Resource {
        self.template.resource(logical_id).expect("waves hold logical ids of the template only")
    }

    fn holds(&self, condition: Option<&String>) -> bool {
        condition.is_none_or(|name| self.conditions.get(name).copied().unwrap_or(false))
    }

    /// Returns the resources whose condition holds.
    fn included(&self) -> impl Iterator<Item = &Resource> {
        self.template.resources.iter().filter(|resource| self.holds(resource.condition.as_ref()))
    }

    /// Returns the outputs whose condition holds.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &super::template::Output> {
        self.template.outputs.iter().filter(|output| self.holds(output.condition.as_ref()))
    }

    fn check_functions(&self) -> Result<(), Refusal> {
        let template = &self.template;
        let check = |value: &Value, place: Place, section: &str, name: &str, attribute: &str| {
            let extended = template.features.language_extensions;
            at::member(section, name, attribute, |at| check_functions(value, place, extended, at))
        };
        for (name, value) in &template.conditions {
            check(value, Place::Condition, "Conditions", name, "")?;
        }
        for (name, value) in &template.rules {
            check(value, Place::Rule, "Rules", name, "")?;
        }
        for (name, value) in &template.mappings {
            check(value, Place::Value, "Mappings", name, "")?;
        }
        for resource in &template.resources {
            check(&resource.properties, Place::Value, "Resources", &resource.logical_id, "Properties")?;
        }
        for output in &template.outputs {
            check(&output.value, Place::Value, "Outputs", &output.name, "Value")?;
            if let Some(name) = &output.export_name {
                check(name, Place::Value, "Outputs", &output.name, "Export/Name")?;
            }
        }
        Ok(())
    }

    /// Refuses names that nothing in the template has, whatever the conditions say.
    fn check_references(&self) -> Result<(), Refusal> {
        let template = &self.template;
        let both = |_: &str| None;
        for value in template.conditions.values().chain(template.rules.values()) {
            let references = References::of(value, &both);
            let unknown: BTreeSet<&str> = references
                .names()
                .map(String::as_str)
                .filter(|name| !is_pseudo(name) && template.parameter(name).is_none())
                .collect();
            if !unknown.is_empty() {
                return Err(Refusal::format(format_args!(
                    "Unresolved dependencies [{}]. Cannot reference resources in the Conditions block of the template",
                    join(unknown)
                )));
            }
            self.check_mappings(&references)?;
        }
        let mut unknown = BTreeSet::new();
        for resource in &template.resources {
            let references = References::of(&resource.properties, &both);
            self.check_named(&references, &mut unknown)?;
            unknown.extend(resource.depends_on.iter().filter(|name| template.resource(name).is_none()).cloned());
            self.check_conditions(resource.condition.iter().chain(&references.conditions), "Resources")?;
            self.check_mappings(&references)?;
        }
        self.unresolved(&unknown, "Resources")?;
        let mut unknown = BTreeSet::new();
        for output in &template.outputs {
            for value in std::iter::once(&output.value).chain(&output.export_name) {
                let references = References::of(value, &both);
                self.check_named(&references, &mut unknown)?;
                self.check_conditions(output.condition.iter().chain(&references.conditions), "Outputs")?;
                self.check_mappings(&references)?;
            }
        }
        self.unresolved(&unknown, "Outputs")
    }

    /// Refuses names that are not there, with the first place of each.
    fn unresolved(&self, names: &BTreeSet<String>, block: &str) -> Result<(), Refusal> {
        if names.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = names.iter().filter_map(|name| self.place_of(name, block)).collect();
        let places = if places.is_empty() { String::new() } else { format!(" (at {})", places.join(", ")) };
        Err(Refusal::format(format_args!(
            "Unresolved resource dependencies [{}] in the {block} block of the template{places}",
            join(names.iter().map(String::as_str))
        )))
    }

    /// Returns where a name is referred to first.
    fn place_of(&self, name: &str, block: &str) -> Option<String> {
        let find = |value: &Value, section: &str, id: &str, attribute: &str| {
            at::member(section, id, attribute, |at| find_reference(value, name, at))
        };
        if block == "Resources" {
            return self.template.resources.iter().find_map(|resource| {
                let id = &resource.logical_id;
                let found = find(&resource.properties, block, id, "Properties");
                let named = resource.depends_on.iter().any(|needed| needed == name);
                found.or_else(|| named.then(|| format!("/Resources/{id}/DependsOn")))
            });
        }
        self.template.outputs.iter().find_map(|output| {
            let value = find(&output.value, block, &output.name, "Value");
            value.or_else(|| find(output.export_name.as_ref()?, block, &output.name, "Export/Name"))
        })
    }

    /// Returns where a condition is named first.
    fn place_of_condition(&self, name: &str, block: &str) -> Option<String> {
        let is_it = |condition: &Option<String>| condition.as_deref() == Some(name);
        let resource =
            self.template.resources.iter().find(|resource| block == "Resources" && is_it(&resource.condition));
        let output = self.template.outputs.iter().find(|output| block == "Outputs" && is_it(&output.condition));
        let id = resource.map(|resource| &resource.logical_id).or(output.map(|output| &output.name));
        id.map(|id| format!("/{block}/{id}/Condition")).or_else(|| self.place_of(name, block))
    }

    fn check_named(&self, references: &References, unknown: &mut BTreeSet<String>) -> Result<(), Refusal> {
        let template = &self.template;
        let known =
            |name: &str| is_pseudo(name) || template.parameter(name).is_some() || template.resource(name).is_some();
        unknown.extend(references.refs.iter().filter(|name| !known(name)).cloned());
        match references.attributes_of.iter().find(|name| template.resource(name).is_none()) {
            Some(name) => {
                let text = format!("Template error: instance of Fn::GetAtt references undefined resource {name}");
                let place = self.place_of(name, "Resources").or_else(|| self.place_of(name, "Outputs"));
                Err(place.map_or_else(|| Refusal::Validation(text.clone()), |place| Refusal::at(&text, place)))
            }
            None => Ok(()),
        }
    }

    fn check_conditions<'a>(&self, names: impl Iterator<Item = &'a String>, block: &str) -> Result<(), Refusal> {
        let unknown: BTreeSet<&str> =
            names.map(String::as_str).filter(|name| !self.template.conditions.contains_key(*name)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let places: Vec<String> = unknown.iter().filter_map(|name| self.place_of_condition(name, block)).collect();
        let unknown = join(unknown);
        Err(Refusal::format(format_args!(
            "Unresolved condition dependency {unknown} in the {block} block of the template (at {})",
            places.join(", ")
        )))
    }

    fn check_mappings(&self, references: &References) -> Result<(), Refusal> {
        // With the language extensions a default value may stand for the whole map.
        let unknown = references.mappings.iter().find(|name| !self.template.mappings.contains_key(*name));
        match unknown.filter(|_| !self.template.features.language_extensions) {
            Some(name) => Err(Refusal::validation(format!(
                "Template error: Mapping named '{name}' is not present in the 'Mappings' section of template."
            ))),
            None => Ok(()),
        }
    }

    /// Finds the order of the resources, and what refers to a resource whose condition does not hold.
    fn order(&mut self) -> Result<(), Refusal> {
        let taken = |name: &str| self.conditions.get(name).copied();
        let included: BTreeSet<&str> = self.included().map(|resource| resource.logical_id.as_str()).collect();
        let is_absent = |name: &str| self.template.resource(name).is_some() && !included.contains(name);
        let mut nodes = Vec::new();
        let mut absent = BTreeSet::new();
        for resource in self.included() {
            let references = References::of(&resource.properties, &taken);
            absent.extend(references.names().filter(|name| is_absent(name)).cloned());
            // `DependsOn` a resource that is left out is fine.
            let needs = references.names().chain(&resource.depends_on).filter(|name| included.contains(name.as_str()));
            nodes.push((resource.logical_id.clone(), needs.cloned().collect::<BTreeSet<String>>()));
        }
        self.unresolved(&absent, "Resources")?;
        let mut absent = BTreeSet::new();
        for output in self.outputs() {
            for value in std::iter::once(&output.value).chain(&output.export_name) {
                absent.extend(References::of(value, &taken).names().filter(|name| is_absent(name)).cloned());
            }
        }
        self.unresolved(&absent, "Outputs")?;
        let waves = graph::waves(&nodes).map_err(|cycle| {
            Refusal::validation(format!("Circular dependency between resources: [{}]", cycle.join(", ")))
        })?;
        self.waves = waves;
        self.depends_on = nodes.into_iter().collect();
        Ok(())
    }

    /// Evaluates what does not depend on a resource, so that mistakes show before anything changes.
    fn check_values(&self, world: &World<'_>) -> Result<(), Refusal> {
        let resources = BTreeMap::new();
        for resource in self.included() {
            let scope = self.scope(world, &resources);
            at::member("Resources", &resource.logical_id, "Properties", |at| {
                self.check_value(&resource.properties, &scope, at)
            })?;
            if is_nested(&resource.kind) {
                self.check_nested(resource, &scope, world)?;
            }
        }
        for output in self.outputs() {
            let scope = self.scope(world, &resources);
            at::member("Outputs", &output.name, "Value", |at| self.check_value(&output.value, &scope, at))?;
            if let Some(name) = &output.export_name {
                at::member("Outputs", &output.name, "Export/Name", |at| self.check_value(name, &scope, at))?;
            }
        }
        Ok(())
    }

    /// Refuses a nested stack whose template is not there, as far as its address is known before resources are.
    fn check_nested(&self, resource: &Resource, scope: &Scope<'_>, world: &World<'_>) -> Result<(), Refusal> {
        let id = &resource.logical_id;
        let Some(address) = resource.properties.get("TemplateURL") else {
            return Err(Refusal::validation(format!(
                "Properties validation failed for resource {id} with message: required key [TemplateURL] not found (/Resources/{id}/Properties)"
            )));
        };
        let references = References::of(address, &|name| self.conditions.get(name).copied());
        if references.names().any(|name| self.template.resource(name).is_some()) {
            return Ok(());
        }
        let Some(Value::String(address)) = scope.resolve(address)? else {
            return Err(Refusal::validation(format!("/Resources/{id}/Properties/TemplateURL must be a string")));
        };
        match (world.templates)(&address) {
            Ok(_) => Ok(()),
            Err(reason) => {
                Err(Refusal::NoTemplate { stack: self.stack_name.clone(), resource: id.clone(), address, reason })
            }
        }
    }

    fn check_value(&self, value: &Value, scope: &Scope<'_>, at: &At<'_>) -> Result<(), Refusal> {
        if let Some((name, argument)) = as_call(value) {
            let references = References::of(value, &|name| self.conditions.get(name).copied());
            let waits = references.names().any(|name| self.template.resource(name).is_some());
            // Some arguments may still be known.
            return match waits {
                true => self.check_arguments(value, argument, scope, &At::Key(at, name)),
                // A missing export fails the operation, not the request.
                false => match scope.resolve(value) {
                    Ok(_) | Err(Fault::NoExport(_)) => Ok(()),
                    Err(fault) => Err(Refusal::at(&fault.text(), at)),
                },
            };
        }
        match value {
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| self.check_value(item, scope, &At::Index(at, index))),
            Value::Object(entries) => {
                entries.iter().try_for_each(|(key, entry)| self.check_value(entry, scope, &At::Key(at, key)))
            }
            _ => Ok(()),
        }
    }

    fn check_arguments(&self, call: &Value, argument: &Value, scope: &Scope<'_>, at: &At<'_>) -> Result<(), Refusal> {
        if call.get("Fn::If").is_none() {
            return self.check_value(argument, scope, at);
        }
        self.branch(argument).map_or(Ok(()), |branch| self.check_value(branch, scope, at))
    }

    /// Returns the branch that `Fn::If` with this argument takes.
    pub(super) fn branch<'v>(&self, argument: &'v Value) -> Option<&'v Value> {
        let holds = self.conditions.get(argument.get(0)?.as_str()?)?;
        argument.get(if *holds { 1 } else { 2 })
    }

    /// Returns everything that is evaluated: properties, outputs, names of exports.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        let properties = self.included().map(|resource| &resource.properties);
        properties.chain(self.outputs().flat_map(|output| std::iter::once(&output.value).chain(&output.export_name)))
    }
}

fn join<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}

fn is_pseudo(name: &str) -> bool {
    let names =
        ["AccountId", "Region", "Partition", "URLSuffix", "StackName", "StackId", "NoValue", "NotificationARNs"];
    name.strip_prefix("AWS::").is_some_and(|name| names.contains(&name))
}
