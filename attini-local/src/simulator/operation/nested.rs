//! Nested stacks: an `AWS::CloudFormation::Stack` is a stack whose state its resource holds.

use std::collections::BTreeMap;

use attini_core::port::{OnFailure, ParameterValue};
use attini_core::value::StackName;
use serde_json::{Map, Value};

use super::super::intrinsics::text_of;
use super::super::{DefaultHooks, Export, Refusal, ResourceHooks, ResourceState, StackState, World};
use super::create::create_as;
use super::engine::Engine;
use super::{OperationKind, OperationOutcome, OperationRequest, ResourceChange, delete, update};

/// How deep stacks may be nested: a template that nests itself has to end somewhere.
const MAX_NESTING: usize = 10;

impl Engine<'_, '_> {
    pub(super) fn create_nested(&mut self, id: &str, draft: &mut ResourceState) -> Result<(), String> {
        let request = self.child_request(OperationKind::Create, id, &draft.physical_id, &draft.properties)?;
        let stack_id = draft.physical_id.clone();
        let outcome = self.in_child(|world| create_as(&stack_id, &request, world));
        let outcome = outcome.map_err(|refusal| embedded(&stack_id, "created", &refusal.to_string()))?;
        let Some(state) = self.adopt(id, outcome) else { return Err(embedded(&stack_id, "created", "it is gone")) };
        let (complete, reason) = (state.status == "CREATE_COMPLETE", state.status_reason.clone().unwrap_or_default());
        hold(draft, state);
        if complete {
            return Ok(());
        }
        self.failed_nested.insert(id.to_owned(), ResourceState { status: "CREATE_FAILED".to_owned(), ..draft.clone() });
        Err(embedded(&stack_id, "created", &reason))
    }

    pub(super) fn update_nested(
        &mut self,
        id: &str,
        draft: &mut ResourceState,
        old: &ResourceState,
    ) -> Result<(), String> {
        let Some(child) = old.nested.as_deref() else { return self.create_nested(id, draft) };
        let request = self.child_request(OperationKind::Update, id, &old.physical_id, &draft.properties)?;
        let outcome = match self.in_child(|world| update::update(child, &request, world)) {
            Err(Refusal::NoUpdates) => {
                hold(draft, child.clone());
                return Ok(());
            }
            Err(refusal) => return Err(embedded(&child.id, "updated", &refusal.to_string())),
            Ok(outcome) => outcome,
        };
        let Some(state) = self.adopt(id, outcome) else { return Err(embedded(&child.id, "updated", "it is gone")) };
        if state.status == "UPDATE_COMPLETE" {
            hold(draft, state);
            return Ok(());
        }
        let reason = state.status_reason.clone().unwrap_or_default();
        // It has rolled itself back, and is what the resource has from now on.
        if let Some(kept) = self.live.get_mut(id) {
            hold(kept, state);
        }
        Err(format!(
            "Embedded stack {} was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: {}",
            child.id,
            reason.trim_end()
        ))
    }

    /// Brings the stack of `new` back to that of `draft`, which is the resource as it was.
    pub(super) fn revert_nested(&mut self, draft: &mut ResourceState, new: &ResourceState) -> Result<(), String> {
        let (Some(target), Some(now)) = (draft.nested.as_deref(), new.nested.as_deref()) else { return Ok(()) };
        let text = |(name, parameter): (&String, &super::super::StoredParameter)| {
            (name.clone(), ParameterValue::Text(parameter.text.clone()))
        };
        let request = OperationRequest {
            template: target.source.clone(),
            parameters: target.parameters.iter().map(text).collect(),
            tags: target.tags.clone(),
            ..self.bare_request(OperationKind::Update, &new.physical_id)?
        };
        let mut outcome = match self.in_child(|world| update::update(now, &request, world)) {
            Err(Refusal::NoUpdates) => return Ok(()),
            Err(refusal) => return Err(embedded(&now.id, "rolled back", &refusal.to_string())),
            Ok(outcome) => outcome,
        };
        // To whom it may concern this was no update, but the way back from one.
        let rolled_back = |status: &str| status.replacen("UPDATE_", "UPDATE_ROLLBACK_", 1);
        for event in outcome.events.iter_mut().filter(|event| event.is_about_the_stack() && event.stack_id == now.id) {
            event.status.0 = rolled_back(&event.status.0);
        }
        self.log.adopt(outcome.events);
        let Some(mut state) = outcome.state else { return Err(embedded(&now.id, "rolled back", "it is gone")) };
        let failed = state.status != "UPDATE_COMPLETE";
        let reason = state.status_reason.clone().unwrap_or_default();
        state.status = if failed { "UPDATE_ROLLBACK_FAILED".to_owned() } else { rolled_back(&state.status) };
        let id = state.id.clone();
        hold(draft, state);
        if failed { Err(embedded(&id, "rolled back", &reason)) } else { Ok(()) }
    }

    pub(super) fn delete_nested(&mut self, id: &str, resource: &mut ResourceState) -> Result<(), String> {
        let Some(child) = resource.nested.take() else { return Ok(()) };
        let request = OperationRequest {
            failures: below(&self.request.failures, id),
            delays: below(&self.request.delays, id),
            ..self.bare_request(OperationKind::Delete, &resource.physical_id)?
        };
        let outcome = self.in_child(|world| delete::delete(&child, &request, world));
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(refusal) => {
                let reason = embedded(&child.id, "deleted", &refusal.to_string());
                resource.nested = Some(child);
                return Err(reason);
            }
        };
        match self.adopt(id, outcome) {
            None => {
                self.gone.insert(child.name.clone());
                Ok(())
            }
            Some(state) => {
                let reason = state.status_reason.clone().unwrap_or_default();
                hold(resource, state);
                Err(embedded(&child.id, "deleted", &reason))
            }
        }
    }

    /// Says whether an update of the nested stack would change anything.
    pub(super) fn is_nested_outdated(&self, resource: &ResourceState, properties: &Map<String, Value>) -> bool {
        let Some(child) = resource.nested.as_deref() else { return false };
        let Ok(request) = self.child_request(OperationKind::Update, "", &resource.physical_id, properties) else {
            return true;
        };
        let mut hooks = DefaultHooks;
        let mut world = child_world(self.world, self.world.exports, self.world.imports_in_use, &mut hooks);
        !matches!(update::update(child, &request, &mut world), Err(Refusal::NoUpdates))
    }

    /// Records that a resource whose creation failed is gone, and deletes what there is of it.
    pub(super) fn discard_failed(&mut self, id: &str, kind: &str) {
        let Some(mut resource) = self.failed_nested.remove(id) else {
            self.log.resource(id, None, kind, "DELETE_COMPLETE", None);
            return;
        };
        self.record(id, &resource, "DELETE_IN_PROGRESS", None);
        match self.delete_nested(id, &mut resource) {
            Ok(()) => self.record(id, &resource, "DELETE_COMPLETE", None),
            Err(reason) => {
                self.record(id, &resource, "DELETE_FAILED", Some(&reason));
                self.retained.extend(resource.nested.map(|child| *child));
            }
        }
    }

    /// Keeps nested stacks that could not be created, so that a deletion finds them.
    pub(super) fn keep_failed(&mut self) {
        let failed = std::mem::take(&mut self.failed_nested);
        self.live.extend(failed);
    }

    fn child_request(
        &self,
        kind: OperationKind,
        id: &str,
        stack_id: &str,
        properties: &Map<String, Value>,
    ) -> Result<OperationRequest, String> {
        let at = |property: &str| format!("/Resources/{id}/Properties/{property}");
        let Some(Value::String(address)) = properties.get("TemplateURL") else {
            return Err(format!("Properties validation failed: {} must be a string", at("TemplateURL")));
        };
        if self.world.nesting >= MAX_NESTING {
            return Err(format!("stacks are nested more than {MAX_NESTING} deep; see whether {address} nests itself"));
        }
        let template = (self.world.templates)(address)
            .map_err(|reason| format!("the template {address} cannot be read ({}): {reason}", at("TemplateURL")))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in properties.get("Parameters").and_then(Value::as_object).into_iter().flatten() {
            let text = text_of(value).or_else(|| list_text(value));
            let text = text.ok_or_else(|| format!("{} must be a string", at(&format!("Parameters/{name}"))))?;
            parameters.insert(name.clone(), ParameterValue::Text(text));
        }
        let mut tags = self.request.tags.clone();
        for tag in properties.get("Tags").and_then(Value::as_array).into_iter().flatten() {
            if let (Some(Value::String(key)), Some(value)) = (tag.get("Key"), tag.get("Value").and_then(text_of)) {
                tags.insert(key.clone(), value);
            }
        }
        let on_failure = match self.request.on_failure {
            Some(OnFailure::DoNothing) => OnFailure::DoNothing,
            _ => OnFailure::Rollback,
        };
        Ok(OperationRequest {
            template,
            parameters,
            tags,
            on_failure: Some(on_failure),
            failures: below(&self.request.failures, id),
            rollback_failures: below(&self.request.rollback_failures, id),
            delays: below(&self.request.delays, id),
            ..self.bare_request(kind, stack_id)?
        })
    }

    fn bare_request(&self, kind: OperationKind, stack_id: &str) -> Result<OperationRequest, String> {
        let name = stack_id.split('/').nth(1).and_then(|name| StackName::parse(name).ok());
        Ok(OperationRequest {
            kind,
            name: name.ok_or_else(|| format!("{stack_id} is no id of a stack"))?,
            template: Value::Null,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            on_failure: None,
            termination_protection: None,
            token: self.request.token.clone(),
            failures: BTreeMap::new(),
            rollback_failures: BTreeMap::new(),
            delays: BTreeMap::new(),
            policy: None,
        })
    }

    fn in_child<T>(&mut self, work: impl FnOnce(&mut World<'_>) -> T) -> T {
        let mut exports = self.world.exports.clone();
        exports.extend(self.family.clone());
        let (all, gone) = (self.world.imports_in_use, &self.gone);
        let in_use = |export: &str| all(export).into_iter().filter(|name| !gone.contains(name)).collect();
        let now = self.log.now();
        let mut world = World {
            place: self.world.place.clone(),
            now,
            ssm: self.world.ssm,
            exports: &exports,
            imports_in_use: &in_use,
            transforms: self.world.transforms,
            templates: self.world.templates,
            nesting: self.world.nesting + 1,
            hooks: &mut *self.world.hooks,
        };
        work(&mut world)
    }

    /// Takes over what an operation of a nested stack led to and returns its state.
    fn adopt(&mut self, id: &str, outcome: OperationOutcome) -> Option<StackState> {
        let own =
            |change: ResourceChange| ResourceChange { logical_id: format!("{id}.{}", change.logical_id), ..change };
        self.changes.extend(outcome.changes.into_iter().map(own));
        self.log.adopt(outcome.events);
        self.log.wait(outcome.duration);
        self.retained.extend(outcome.retained);
        if let Some(state) = &outcome.state {
            for (name, value) in &state.exports {
                let export = Export { value: value.clone(), stack: state.name.clone() };
                self.family.insert(name.clone(), export);
            }
        }
        outcome.state
    }
}

fn child_world<'b>(
    parent: &'b World<'_>,
    exports: &'b BTreeMap<String, Export>,
    imports_in_use: &'b dyn Fn(&str) -> Vec<String>,
    hooks: &'b mut dyn ResourceHooks,
) -> World<'b> {
    World {
        place: parent.place.clone(),
        now: parent.now,
        ssm: parent.ssm,
        exports,
        imports_in_use,
        transforms: parent.transforms,
        templates: parent.templates,
        nesting: parent.nesting + 1,
        hooks,
    }
}

/// Gives a resource its stack, and the stack's outputs as attributes.
fn hold(resource: &mut ResourceState, state: StackState) {
    let outputs = state.outputs.iter();
    resource.attributes =
        outputs.map(|(name, value)| (format!("Outputs.{name}"), Value::String(value.clone()))).collect();
    resource.nested = Some(Box::new(state));
}

fn embedded(stack_id: &str, done: &str, reason: &str) -> String {
    format!("Embedded stack {stack_id} was not successfully {done}: {}", reason.trim_end())
}

/// Returns what is meant for the resources of a nested stack: the entries `<id>.<resource>`.
fn below<T: Clone>(entries: &BTreeMap<String, T>, id: &str) -> BTreeMap<String, T> {
    let own = |(key, value): (&String, &T)| {
        let rest = key.strip_prefix(id)?.strip_prefix('.')?;
        Some((rest.to_owned(), value.clone()))
    };
    entries.iter().filter_map(own).collect()
}

/// Returns a list as the text that a parameter takes.
fn list_text(value: &Value) -> Option<String> {
    let items = value.as_array()?;
    Some(items.iter().map(text_of).collect::<Option<Vec<_>>>()?.join(","))
}
