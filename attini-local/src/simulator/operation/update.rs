//! Update of a stack, its clean-up, and the way back when it fails.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::prepare::{Prepared, prepare};
use super::super::resources::{Change, compare, is_custom, names_collide, replacement};
use super::super::{Refusal, ResourceState, StackState, World};
use super::create::{create_one, failed_to};
use super::delete::removal;
use super::engine::{During, Engine, Leaving, Results};
use super::{ChangeAction, OperationOutcome, OperationRequest, ResourceChange, policy};

const REPLACING: &str = "Requested update requires the creation of a new physical resource; hence creating one.";

pub(super) fn update(
    previous: &StackState,
    request: &OperationRequest,
    world: &mut World<'_>,
) -> Result<OperationOutcome, Refusal> {
    if !matches!(previous.status.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE") {
        let text = format!("Stack:{} is in {} state and can not be updated.", previous.id, previous.status);
        return Err(Refusal::Validation(text));
    }
    policy::check(request.policy.as_ref())?;
    let name = request.name.as_str();
    let prepared = prepare(&request.template, name, &previous.id, &request.parameters, Some(previous), world)?;
    refuse_new_types(previous, &prepared)?;
    let mut engine = Engine::new(request, world, &previous.id, previous.event_count);
    engine.live = previous.resources.clone();
    if engine.request.policy.is_none() {
        engine.request.policy.clone_from(&previous.policy);
    }
    if is_unchanged(&engine, &prepared, previous, request) {
        return Err(Refusal::NoUpdates);
    }
    engine.log.stack("UPDATE_IN_PROGRESS", Some("User Initiated"));
    let mut journal = Journal::default();
    let updated = engine.imports(&prepared).and_then(|imports| {
        update_resources(&mut engine, &prepared, &mut journal);
        refuse_removals(&mut engine, &prepared, previous, &mut journal);
        match journal.reason() {
            Some(reason) => Err(reason),
            None => Ok((imports, engine.results(&prepared, &previous.exports)?)),
        }
    });
    Ok(match updated {
        Ok((imports, results)) => complete(engine, prepared, previous, request, &journal, imports, results),
        Err(reason) => roll_back(engine, &prepared, previous, request, &journal, &reason),
    })
}

/// What an update has done so far.
#[derive(Default)]
struct Journal {
    /// New resources.
    created: Vec<String>,
    /// Changed or replaced resources as they were.
    changed: Vec<(String, ResourceState)>,
    /// Resources that another one replaced.
    replaced: Vec<(String, ResourceState)>,
    failed_to_create: BTreeSet<String>,
    failed_to_update: BTreeSet<String>,
}

impl Journal {
    fn reason(&self) -> Option<String> {
        let mut reason = String::new();
        if !self.failed_to_create.is_empty() {
            reason.push_str(&failed_to("create", &self.failed_to_create));
        }
        if !self.failed_to_update.is_empty() {
            reason.push_str(&failed_to("update", &self.failed_to_update));
        }
        (!reason.is_empty()).then_some(reason)
    }
}

/// What one resource of a wave needs.
enum Work {
    Create,
    Change(Map<String, Value>, Change),
    Fail(String),
}

fn refuse_new_types(previous: &StackState, prepared: &Prepared) -> Result<(), Refusal> {
    let changed: Vec<&str> = prepared
        .waves
        .iter()
        .flatten()
        .filter(|id| previous.resources.get(*id).is_some_and(|old| old.resource_type != prepared.resource(id).kind))
        .map(String::as_str)
        .collect();
    if changed.is_empty() {
        return Ok(());
    }
    Err(Refusal::validation(format!(
        "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
        changed.join(", ")
    )))
}

/// Says whether there is nothing to do.
///
/// As in the service, parameters aside, only resources, outputs and tags count: conditions, mappings, rules, descriptions
/// and the template's own metadata cannot be updated by themselves. Values from outside, imports and stored parameters,
/// count as well.
fn is_unchanged(
    engine: &Engine<'_, '_>,
    prepared: &Prepared,
    previous: &StackState,
    request: &OperationRequest,
) -> bool {
    let same_section = |name: &str| previous.template.get(name) == prepared.source.get(name);
    let mut wanted: Vec<&String> = prepared.waves.iter().flatten().collect();
    wanted.sort_unstable();
    let same_properties = |(id, old): (&String, &ResourceState)| {
        engine.properties(prepared, id).is_ok_and(|new| {
            compare(&old.resource_type, &old.properties, &new) == Change::None && !engine.is_nested_outdated(old, &new)
        })
    };
    previous.parameters == prepared.parameters
        && previous.tags == request.tags
        && same_section("Resources")
        && same_section("Outputs")
        && previous.resources.keys().eq(wanted)
        && previous.resources.iter().all(same_properties)
        && engine
            .results(prepared, &BTreeMap::new())
            .is_ok_and(|results| results.outputs == previous.outputs && results.exports == previous.exports)
}

fn update_resources(engine: &mut Engine<'_, '_>, prepared: &Prepared, journal: &mut Journal) {
    for wave in &prepared.waves {
        let work: Vec<(&String, Work)> = wave.iter().filter_map(|id| Some((id, plan(engine, prepared, id)?))).collect();
        for (id, work) in &work {
            announce(engine, prepared, id, work);
        }
        for (id, work) in work {
            if journal.reason().is_some() {
                cancel(engine, prepared, journal, id);
            } else if let Err(reason) = perform(engine, prepared, journal, id, work) {
                fail(engine, prepared, journal, id, &reason);
            }
        }
        if journal.reason().is_some() {
            return;
        }
    }
}

/// Fails resources that would be removed against the stack's policy.
fn refuse_removals(engine: &mut Engine<'_, '_>, prepared: &Prepared, previous: &StackState, journal: &mut Journal) {
    if journal.reason().is_some() {
        return;
    }
    let wanted: BTreeSet<&String> = prepared.waves.iter().flatten().collect();
    for (id, resource) in previous.resources.iter().filter(|(id, _)| !wanted.contains(id)) {
        if let Err(reason) = engine.policy_allows(ChangeAction::Remove, id, &resource.resource_type) {
            engine.record(id, resource, "UPDATE_FAILED", Some(&reason));
            journal.failed_to_update.insert(id.clone());
        }
    }
}

/// Returns what a resource needs; `None` for nothing, in which case the state takes over its new attributes.
fn plan(engine: &mut Engine<'_, '_>, prepared: &Prepared, id: &str) -> Option<Work> {
    let Some(old) = engine.live.get(id) else { return Some(Work::Create) };
    let properties = match engine.properties(prepared, id) {
        Ok(properties) => properties,
        Err(reason) => return Some(Work::Fail(reason)),
    };
    let change = compare(&old.resource_type, &old.properties, &properties);
    if change != Change::None {
        return Some(Work::Change(properties, change));
    }
    if engine.is_nested_outdated(old, &properties) {
        // Its properties are the same, but its template is not, or what that one looks up.
        return Some(Work::Change(properties, Change::Modify(Vec::new())));
    }
    let resource = prepared.resource(id);
    let depends_on = prepared.depends_on.get(id).cloned().unwrap_or_default();
    if let Some(kept) = engine.live.get_mut(id) {
        kept.metadata = resource.metadata.clone();
        kept.deletion_policy = resource.deletion_policy;
        kept.update_replace_policy = resource.update_replace_policy;
        kept.depends_on = depends_on;
    }
    None
}

fn announce(engine: &mut Engine<'_, '_>, prepared: &Prepared, id: &str, work: &Work) {
    let kind = &prepared.resource(id).kind;
    let old = engine.live.get(id).map(|old| old.physical_id.clone());
    let (status, reason) = match work {
        Work::Create => ("CREATE_IN_PROGRESS", None),
        Work::Change(_, Change::Replace(_)) => ("UPDATE_IN_PROGRESS", Some(REPLACING)),
        Work::Change(..) | Work::Fail(_) => ("UPDATE_IN_PROGRESS", None),
    };
    engine.log.resource(id, old.as_deref(), kind, status, reason);
}

fn perform(
    engine: &mut Engine<'_, '_>,
    prepared: &Prepared,
    journal: &mut Journal,
    id: &str,
    work: Work,
) -> Result<(), String> {
    let (properties, change) = match work {
        Work::Create => {
            create_one(engine, prepared, id)?;
            journal.created.push(id.to_owned());
            return Ok(());
        }
        Work::Fail(reason) => return Err(reason),
        Work::Change(properties, change) => (properties, change),
    };
    let Some(old) = engine.live.get(id).cloned() else { return create_one(engine, prepared, id) };
    let (action, names) = match change {
        Change::Replace(names) => (ChangeAction::Replace, names),
        Change::Modify(names) => (ChangeAction::Modify, names),
        Change::None => (ChangeAction::Modify, Vec::new()),
    };
    engine.changes.push(ResourceChange {
        logical_id: id.to_owned(),
        physical_id: Some(old.physical_id.clone()),
        resource_type: old.resource_type.clone(),
        action,
        properties: names.clone(),
        replacement: replacement(&old.resource_type, action, &names),
    });
    engine.policy_allows(action, id, &old.resource_type)?;
    let new = if action == ChangeAction::Replace {
        replace(engine, prepared, id, &old, properties)?
    } else {
        modify(engine, prepared, id, &old, properties, &names)?
    };
    if new.physical_id != old.physical_id {
        journal.replaced.push((id.to_owned(), old.clone()));
    }
    journal.changed.push((id.to_owned(), old));
    engine.record(id, &new, "UPDATE_COMPLETE", None);
    engine.live.insert(id.to_owned(), ResourceState { status: "UPDATE_COMPLETE".to_owned(), ..new });
    Ok(())
}

fn replace(
    engine: &mut Engine<'_, '_>,
    prepared: &Prepared,
    id: &str,
    old: &ResourceState,
    properties: Map<String, Value>,
) -> Result<ResourceState, String> {
    if let Some(name) = names_collide(&old.resource_type, &old.properties, &properties) {
        return Err(format!(
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and update the stack again."
        ));
    }
    let mut new = engine.draft(prepared, id, properties, old.generation.saturating_add(1));
    engine.call_created(id, &mut new)?;
    engine.record(id, &new, "UPDATE_IN_PROGRESS", Some("Resource creation Initiated"));
    Ok(new)
}

fn modify(
    engine: &mut Engine<'_, '_>,
    prepared: &Prepared,
    id: &str,
    old: &ResourceState,
    properties: Map<String, Value>,
    names: &[String],
) -> Result<ResourceState, String> {
    if is_custom(&old.resource_type) && names.iter().any(|name| name == "ServiceToken") {
        return Err("Modifying service token is not allowed.".to_owned());
    }
    let mut new = engine.draft(prepared, id, properties, old.generation);
    new.physical_id.clone_from(&old.physical_id);
    new.attributes = engine.known_attributes(id, &new);
    engine.call_updated(id, &mut new, old, During::Operation)?;
    Ok(new)
}

fn cancel(engine: &mut Engine<'_, '_>, prepared: &Prepared, journal: &mut Journal, id: &str) {
    let reason = if engine.live.contains_key(id) { "Resource update cancelled" } else { "Resource creation cancelled" };
    fail(engine, prepared, journal, id, reason);
}

fn fail(engine: &mut Engine<'_, '_>, prepared: &Prepared, journal: &mut Journal, id: &str, reason: &str) {
    let kind = &prepared.resource(id).kind;
    let old = engine.live.get(id).map(|old| old.physical_id.clone());
    let (status, failed) = match &old {
        Some(_) => ("UPDATE_FAILED", &mut journal.failed_to_update),
        None => ("CREATE_FAILED", &mut journal.failed_to_create),
    };
    failed.insert(id.to_owned());
    engine.log.resource(id, old.as_deref(), kind, status, Some(reason));
}

/// Deletes what is no longer wanted and returns the updated stack.
fn complete(
    mut engine: Engine<'_, '_>,
    prepared: Prepared,
    previous: &StackState,
    request: &OperationRequest,
    journal: &Journal,
    imports: BTreeSet<String>,
    results: Results,
) -> OperationOutcome {
    engine.log.stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None);
    let mut doomed: Vec<_> =
        journal.replaced.iter().map(|(id, old)| (id.clone(), old.clone(), Leaving::Replaced)).collect();
    let wanted: BTreeSet<&String> = prepared.waves.iter().flatten().collect();
    for (id, resource) in previous.resources.iter().filter(|(id, _)| !wanted.contains(id)) {
        engine.changes.push(removal(id, resource));
        engine.live.remove(id);
        doomed.push((id.clone(), resource.clone(), Leaving::Stack));
    }
    // What cannot be deleted is left behind, as in the service: the stack no longer knows it.
    engine.delete_all(&doomed, During::CleanUp);
    engine.log.stack("UPDATE_COMPLETE", None);
    let state = StackState {
        name: previous.name.clone(),
        id: previous.id.clone(),
        status: "UPDATE_COMPLETE".to_owned(),
        status_reason: None,
        source: request.template.clone(),
        template: prepared.source,
        parameters: prepared.parameters,
        tags: request.tags.clone(),
        resources: std::mem::take(&mut engine.live),
        outputs: results.outputs,
        exports: results.exports,
        imports,
        termination_protection: request.termination_protection.unwrap_or(previous.termination_protection),
        policy: request.policy.clone().or_else(|| previous.policy.clone()),
        last_token: request.token.clone(),
        created_ms: previous.created_ms,
        updated_ms: engine.world.now.as_ms(),
        event_count: engine.log.count(),
    };
    OperationOutcome::of(Some(state), engine)
}

/// Brings everything back to how it was before.
fn roll_back(
    mut engine: Engine<'_, '_>,
    prepared: &Prepared,
    previous: &StackState,
    request: &OperationRequest,
    journal: &Journal,
    reason: &str,
) -> OperationOutcome {
    engine.log.stack("UPDATE_ROLLBACK_IN_PROGRESS", Some(reason));
    let mut doomed = Vec::new();
    let mut stuck = BTreeSet::new();
    for (id, old) in &journal.changed {
        let Some(new) = engine.live.get(id).cloned() else { continue };
        engine.record(id, &new, "UPDATE_IN_PROGRESS", None);
        let mut back = old.clone();
        if new.physical_id != old.physical_id {
            doomed.push((id.clone(), new, Leaving::FailedCreation));
        } else if let Err(reason) = engine.call_updated(id, &mut back, &new, During::RollBack) {
            engine.record(id, &new, "UPDATE_FAILED", Some(&reason));
            stuck.insert(id.clone());
            continue;
        }
        engine.record(id, old, "UPDATE_COMPLETE", None);
        engine.live.insert(id.clone(), ResourceState { nested: back.nested, ..old.clone() });
    }
    for id in &journal.failed_to_update {
        if let Some(old) = previous.resources.get(id) {
            engine.record(id, old, "UPDATE_COMPLETE", None);
        }
    }
    let status = if stuck.is_empty() {
        engine.log.stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None);
        for id in &journal.failed_to_create {
            engine.discard_failed(id, &prepared.resource(id).kind);
        }
        for id in &journal.created {
            doomed.extend(engine.live.remove(id).map(|new| (id.clone(), new, Leaving::FailedCreation)));
        }
        engine.delete_all(&doomed, During::CleanUp);
        engine.log.stack("UPDATE_ROLLBACK_COMPLETE", None);
        "UPDATE_ROLLBACK_COMPLETE"
    } else {
        engine.log.stack("UPDATE_ROLLBACK_FAILED", Some(&failed_to("update", &stuck)));
        "UPDATE_ROLLBACK_FAILED"
    };
    let state = StackState {
        status: status.to_owned(),
        status_reason: Some(reason.to_owned()),
        resources: std::mem::take(&mut engine.live),
        last_token: request.token.clone(),
        updated_ms: engine.world.now.as_ms(),
        event_count: engine.log.count(),
        ..previous.clone()
    };
    OperationOutcome::of(Some(state), engine)
}
