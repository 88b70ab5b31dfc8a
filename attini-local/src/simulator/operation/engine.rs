//! What creation, update and deletion share: bringing single resources about and recording it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::at;
use super::super::events::EventLog;
use super::super::intrinsics::{Fault, as_call, text_of};
use super::super::prepare::Prepared;
use super::super::resources::{Subject, is_nested};
use super::super::{Attributes, Export, Policy, ResourceState, ResourceView, StackState, World, graph};
use super::{OperationRequest, ResourceChange};

/// One operation under way.
pub(super) struct Engine<'w, 'a> {
    pub(super) world: &'w mut World<'a>,
    pub(super) log: EventLog,
    pub(super) stack_name: String,
    pub(super) stack_id: String,
    pub(super) request: OperationRequest,
    pub(super) live: BTreeMap<String, ResourceState>,
    pub(super) changes: Vec<ResourceChange>,
    /// Nested stacks that stay behind.
    pub(super) retained: Vec<StackState>,
    /// Nested stacks that could not be created.
    pub(super) failed_nested: BTreeMap<String, ResourceState>,
    /// Exports of nested stacks that this operation created or changed.
    pub(super) family: BTreeMap<String, Export>,
    /// Names of the nested stacks that this operation deleted.
    pub(super) gone: BTreeSet<String>,
}

/// Outputs and exports of a stack.
pub(super) struct Results {
    pub(super) outputs: Vec<(String, String)>,
    pub(super) exports: BTreeMap<String, String>,
}

/// Which part of an operation works on a resource, which decides about wanted failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum During {
    /// What was asked for.
    Operation,
    /// The way back.
    RollBack,
    /// The removal of what an update no longer needs.
    CleanUp,
}

/// Why a deletion happens, which decides about policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The stack or the resource is no longer wanted.
    Stack,
    /// Its creation is rolled back.
    FailedCreation,
    /// Another resource has taken its place.
    Replaced,
}

impl<'w, 'a> Engine<'w, 'a> {
    pub(super) fn new(request: &OperationRequest, world: &'w mut World<'a>, stack_id: &str, event_count: u64) -> Self {
        Self {
            log: EventLog::new(request.name.clone(), stack_id, world.now, &request.token, event_count),
            world,
            stack_name: request.name.as_str().to_owned(),
            stack_id: stack_id.to_owned(),
            request: OperationRequest { template: Value::Null, ..request.clone() },
            live: BTreeMap::new(),
            changes: Vec::new(),
            retained: Vec::new(),
            failed_nested: BTreeMap::new(),
            family: BTreeMap::new(),
            gone: BTreeSet::new(),
        }
    }

    /// Resolves the properties of a resource as things stand.
    pub(super) fn properties(&self, prepared: &Prepared, logical_id: &str) -> Result<Map<String, Value>, String> {
        let resource = prepared.resource(logical_id);
        match prepared.scope(self.world, &self.live).resolve(&resource.properties) {
            Ok(Some(Value::Object(properties))) => Ok(properties),
            Ok(_) => Err("Properties validation failed: the properties are no object".to_owned()),
            Err(fault) => {
                let scope = prepared.scope(self.world, &self.live);
                let place =
                    at::member("Resources", logical_id, "Properties", |at| scope.blame(&resource.properties, at));
                Err(place.map_or_else(|| fault.text(), |place| format!("{} (at {place})", fault.text())))
            }
        }
    }

    /// Returns a resource that does not exist yet, with the id and attributes the simulator makes.
    pub(super) fn draft(
        &self,
        prepared: &Prepared,
        logical_id: &str,
        properties: Map<String, Value>,
        generation: u32,
    ) -> ResourceState {
        let resource = prepared.resource(logical_id);
        let subject = self.subject(logical_id, &resource.kind, generation, &properties);
        let physical_id = subject.physical_id();
        ResourceState {
            resource_type: resource.kind.clone(),
            attributes: subject.attributes(&physical_id),
            physical_id,
            generation,
            properties,
            metadata: resource.metadata.clone(),
            status: String::new(),
            depends_on: prepared.depends_on.get(logical_id).cloned().unwrap_or_default(),
            deletion_policy: resource.deletion_policy,
            update_replace_policy: resource.update_replace_policy,
            nested: None,
        }
    }

    fn subject<'s>(
        &'s self,
        logical_id: &'s str,
        kind: &'s str,
        generation: u32,
        properties: &'s Map<String, Value>,
    ) -> Subject<'s> {
        Subject {
            place: &self.world.place,
            stack_name: &self.stack_name,
            stack_id: &self.stack_id,
            logical_id,
            kind,
            generation,
            properties,
        }
    }

    /// Returns the attributes that the simulator makes for a resource with its present id.
    pub(super) fn known_attributes(&self, logical_id: &str, resource: &ResourceState) -> BTreeMap<String, Value> {
        let subject = self.subject(logical_id, &resource.resource_type, resource.generation, &resource.properties);
        subject.attributes(&resource.physical_id)
    }

    /// Lets the hook create the resource.
    pub(super) fn call_created(&mut self, logical_id: &str, draft: &mut ResourceState) -> Result<(), String> {
        self.delay(logical_id);
        self.wanted_failure(logical_id, During::Operation)?;
        if is_nested(&draft.resource_type) {
            return self.create_nested(logical_id, draft);
        }
        let view = view(&self.stack_name, &self.stack_id, logical_id, draft, None);
        let known = self.world.hooks.created(&view)?;
        self.merge(logical_id, draft, known);
        Ok(())
    }

    /// Lets the hook change the resource.
    pub(super) fn call_updated(
        &mut self,
        logical_id: &str,
        draft: &mut ResourceState,
        previous: &ResourceState,
        during: During,
    ) -> Result<(), String> {
        self.delay(logical_id);
        self.wanted_failure(logical_id, during)?;
        if is_nested(&draft.resource_type) {
            return match during {
                During::Operation => self.update_nested(logical_id, draft, previous),
                During::RollBack | During::CleanUp => self.revert_nested(draft, previous),
            };
        }
        let view = view(&self.stack_name, &self.stack_id, logical_id, draft, Some(previous));
        let known = self.world.hooks.updated(&view)?;
        self.merge(logical_id, draft, known);
        Ok(())
    }

    /// Takes over what a hook said. Attributes that contain the physical id follow a new one.
    fn merge(&self, logical_id: &str, draft: &mut ResourceState, known: Attributes) {
        if let Some(physical_id) = known.physical_id.filter(|id| *id != draft.physical_id) {
            draft.physical_id = physical_id;
            draft.attributes = self.known_attributes(logical_id, draft);
        }
        draft.attributes.extend(known.values);
    }

    /// Deletes resources in the reverse order of their dependencies and returns those that would not go.
    ///
    /// What a resource that would not go depends on is left alone.
    pub(super) fn delete_all(
        &mut self,
        doomed: &[(String, ResourceState, Leaving)],
        during: During,
    ) -> Vec<(String, ResourceState)> {
        let mut left: Vec<(String, ResourceState)> = Vec::new();
        for wave in deletion_waves(doomed) {
            let members: Vec<_> = doomed.iter().filter(|(id, ..)| wave.contains(id)).collect();
            for (id, resource, leaving) in &members {
                if !is_retained(resource, *leaving) && !is_needed(id, &left) {
                    self.record(id, resource, "DELETE_IN_PROGRESS", None);
                }
            }
            for (id, resource, leaving) in members {
                if is_retained(resource, *leaving) {
                    self.record(id, resource, "DELETE_SKIPPED", None);
                    self.retained.extend(resource.nested.as_deref().cloned());
                } else if is_needed(id, &left) {
                    left.push((id.clone(), resource.clone()));
                } else {
                    let mut resource = resource.clone();
                    match self.call_deleted(id, &mut resource, during) {
                        Ok(()) => self.record(id, &resource, "DELETE_COMPLETE", None),
                        Err(reason) => {
                            self.record(id, &resource, "DELETE_FAILED", Some(&reason));
                            resource.status = "DELETE_FAILED".to_owned();
                            left.push((id.clone(), resource));
                        }
                    }
                }
            }
        }
        left
    }

    fn call_deleted(&mut self, logical_id: &str, resource: &mut ResourceState, during: During) -> Result<(), String> {
        self.delay(logical_id);
        self.wanted_failure(logical_id, during)?;
        if is_nested(&resource.resource_type) {
            return self.delete_nested(logical_id, resource);
        }
        self.world.hooks.deleted(&view(&self.stack_name, &self.stack_id, logical_id, resource, None))
    }

    fn delay(&mut self, logical_id: &str) {
        if let Some(delay) = self.request.delays.get(logical_id) {
            self.log.wait(*delay);
        }
    }

    fn wanted_failure(&self, logical_id: &str, during: During) -> Result<(), String> {
        let failures = match during {
            During::Operation => &self.request.failures,
            During::RollBack => &self.request.rollback_failures,
            During::CleanUp => return Ok(()),
        };
        failures.get(logical_id).map_or(Ok(()), |reason| Err(reason.clone()))
    }

    /// Records a status of a resource that has a physical id.
    pub(super) fn record(&mut self, logical_id: &str, resource: &ResourceState, status: &str, reason: Option<&str>) {
        self.log.resource(logical_id, Some(&resource.physical_id), &resource.resource_type, status, reason);
    }

    /// Evaluates outputs and exports; `earlier` are the exports that the stack has now.
    pub(super) fn results(&self, prepared: &Prepared, earlier: &BTreeMap<String, String>) -> Result<Results, String> {
        let scope = prepared.scope(self.world, &self.live);
        let mut results = Results { outputs: Vec::new(), exports: BTreeMap::new() };
        for output in prepared.outputs() {
            let text = |value: &Value, what: &str| {
                let resolved = scope.resolve(value).map_err(|fault| fault.text())?;
                resolved.as_ref().and_then(text_of).ok_or_else(|| {
                    format!(
                        "Template format error: The {what} field of Outputs member {} must evaluate to a String.",
                        output.name
                    )
                })
            };
            let value = text(&output.value, "Value")?;
            if let Some(name) = &output.export_name {
                let name = text(name, "Export/Name")?;
                if let Some(other) = self.world.exports.get(&name).filter(|export| export.stack != self.stack_name) {
                    return Err(format!("Export with name {name} is already exported by stack {}", other.stack));
                }
                if results.exports.insert(name.clone(), value.clone()).is_some() {
                    return Err(format!("Output with name {name} is exported more than once in this stack"));
                }
            }
            results.outputs.push((output.name.clone(), value));
        }
        for (name, value) in earlier {
            let verb = match results.exports.get(name) {
                None => "deleted",
                Some(new) if new != value => "updated",
                Some(_) => continue,
            };
            if let Some(reason) = self.lock_on(name, verb) {
                return Err(reason);
            }
        }
        Ok(results)
    }

    /// Returns why an export cannot be taken away or changed, when others import it.
    pub(super) fn lock_on(&self, export: &str, verb: &str) -> Option<String> {
        let mut users = (self.world.imports_in_use)(export);
        users.retain(|user| *user != self.stack_name);
        (!users.is_empty())
            .then(|| format!("Export {export} cannot be {verb} as it is in use by {}", users.join(" and ")))
    }

    /// Returns the names of the exports that a template imports, or the reason why one cannot be.
    ///
    /// Names made of a resource's attributes are not allowed by the service, so all are known at the beginning.
    pub(super) fn imports(&self, prepared: &Prepared) -> Result<BTreeSet<String>, String> {
        let scope = prepared.scope(self.world, &self.live);
        let mut imports = BTreeSet::new();
        let mut missing = Vec::new();
        for value in prepared.values() {
            collect_imports(value, prepared, &mut |argument| match scope.resolve(argument) {
                Ok(Some(Value::String(name))) => {
                    if !self.world.exports.contains_key(&name) {
                        missing.push(Fault::NoExport(name.clone()).text());
                    }
                    imports.insert(name);
                }
                Ok(_) => {}
                Err(fault) => missing.push(fault.text()),
            });
        }
        missing.dedup();
        if missing.is_empty() { Ok(imports) } else { Err(missing.join(" ")) }
    }
}

fn collect_imports(value: &Value, prepared: &Prepared, found: &mut dyn FnMut(&Value)) {
    match (as_call(value), value) {
        (Some(("Fn::ImportValue", argument)), _) => found(argument),
        (Some(("Fn::If", argument)), _) => {
            if let Some(branch) = prepared.branch(argument) {
                collect_imports(branch, prepared, found);
            }
        }
        (Some((_, argument)), _) => collect_imports(argument, prepared, found),
        (None, Value::Array(items)) => items.iter().for_each(|item| collect_imports(item, prepared, found)),
        (None, Value::Object(entries)) => {
            entries.values().for_each(|entry| collect_imports(entry, prepared, found));
        }
        _ => {}
    }
}

fn is_retained(resource: &ResourceState, leaving: Leaving) -> bool {
    match (leaving, resource.deletion_policy, resource.update_replace_policy) {
        (Leaving::Replaced, _, policy) => policy == Policy::Retain,
        (Leaving::Stack, policy, _) => matches!(policy, Policy::Retain | Policy::RetainExceptOnCreate),
        (Leaving::FailedCreation, policy, _) => policy == Policy::Retain,
    }
}

/// Says whether a resource that stays depends on this one.
fn is_needed(logical_id: &str, left: &[(String, ResourceState)]) -> bool {
    left.iter().any(|(_, resource)| resource.depends_on.contains(logical_id))
}

/// Groups resources so that each goes before those it depends on.
fn deletion_waves(doomed: &[(String, ResourceState, Leaving)]) -> Vec<Vec<String>> {
    let nodes: Vec<_> = doomed.iter().map(|(id, resource, _)| (id.clone(), resource.depends_on.clone())).collect();
    // States come from waves, so there is no cycle; a state from elsewhere is taken in any order.
    let mut waves = graph::waves(&nodes).unwrap_or_else(|cycle| vec![cycle]);
    let known: BTreeSet<&String> = waves.iter().flatten().collect();
    let rest: Vec<String> = nodes.iter().map(|(id, _)| id).filter(|id| !known.contains(id)).cloned().collect();
    waves.push(rest);
    waves.reverse();
    waves
}

fn view<'v>(
    stack: &'v str,
    stack_id: &'v str,
    logical_id: &'v str,
    resource: &'v ResourceState,
    previous: Option<&'v ResourceState>,
) -> ResourceView<'v> {
    ResourceView {
        stack,
        stack_id,
        logical_id,
        resource_type: &resource.resource_type,
        physical_id: &resource.physical_id,
        properties: &resource.properties,
        attributes: &resource.attributes,
        metadata: &resource.metadata,
        previous,
    }
}
