//! Creation of a stack, and what becomes of it when that fails.

use std::collections::{BTreeMap, BTreeSet};

use attini_core::port::OnFailure;
use attini_core::value::{Place, StackName};

use super::super::prepare::{Prepared, prepare};
use super::super::resources::is_nested;
use super::super::resources::stack_uuid;
use super::super::{Refusal, StackState, World};
use super::engine::{During, Engine, Leaving, Results};
use super::{ChangeAction, OperationOutcome, OperationRequest, Replacement, ResourceChange, policy};

pub(super) fn create(request: &OperationRequest, world: &mut World<'_>) -> Result<OperationOutcome, Refusal> {
    let stack_id = new_stack_id(request, world);
    create_as(&stack_id, request, world)
}

/// Creates a stack whose id is known.
pub(super) fn create_as(
    stack_id: &str,
    request: &OperationRequest,
    world: &mut World<'_>,
) -> Result<OperationOutcome, Refusal> {
    policy::check(request.policy.as_ref())?;
    let prepared = prepare(&request.template, request.name.as_str(), stack_id, &request.parameters, None, world)?;
    let mut engine = Engine::new(request, world, stack_id, 0);
    engine.log.stack("CREATE_IN_PROGRESS", Some("User Initiated"));
    let mut failed = BTreeSet::new();
    let created = engine
        .imports(&prepared)
        .and_then(|imports| {
            failed = create_resources(&mut engine, &prepared).map_or_else(|failed| failed, |()| BTreeSet::new());
            if failed.is_empty() { Ok(imports) } else { Err(failed_to("create", &failed)) }
        })
        .and_then(|imports| Ok((imports, engine.results(&prepared, &BTreeMap::new())?)));
    let (imports, results, reason) = match created {
        Ok((imports, results)) => (imports, Some(results), None),
        Err(reason) => (BTreeSet::new(), None, Some(reason)),
    };
    let status = match &reason {
        None => Some("CREATE_COMPLETE"),
        Some(reason) => {
            undo(&mut engine, &prepared, request.on_failure.unwrap_or(OnFailure::Rollback), &failed, reason)
        }
    };
    if let (Some(status), None) = (status, &reason) {
        engine.log.stack(status, None);
    }
    Ok(finish(engine, prepared, request, status, reason, imports, results))
}

fn finish(
    mut engine: Engine<'_, '_>,
    prepared: Prepared,
    request: &OperationRequest,
    status: Option<&str>,
    reason: Option<String>,
    imports: BTreeSet<String>,
    results: Option<Results>,
) -> OperationOutcome {
    let results = results.unwrap_or(Results { outputs: Vec::new(), exports: BTreeMap::new() });
    let state = status.map(|status| StackState {
        name: request.name.as_str().to_owned(),
        id: prepared.stack_id.clone(),
        status: status.to_owned(),
        status_reason: reason,
        source: request.template.clone(),
        template: prepared.source,
        parameters: prepared.parameters,
        tags: request.tags.clone(),
        resources: std::mem::take(&mut engine.live),
        outputs: results.outputs,
        exports: results.exports,
        imports,
        termination_protection: request.termination_protection.unwrap_or(false),
        policy: request.policy.clone(),
        last_token: request.token.clone(),
        created_ms: engine.world.now.as_ms(),
        updated_ms: engine.world.now.as_ms(),
        event_count: engine.log.count(),
    });
    OperationOutcome::of(state, engine)
}

fn new_stack_id(request: &OperationRequest, world: &World<'_>) -> String {
    let (place, name) = (&world.place, &request.name);
    let (account, region) = (place.account.as_str(), place.region.as_str());
    let uuid = stack_uuid(&[name.as_str(), account, region, &world.now.as_ms().to_string(), &request.token]);
    format!("{}{uuid}", stack_id_prefix(place, name))
}

/// Returns how the ids of all stacks of a name begin, deleted ones included.
#[must_use]
pub fn stack_id_prefix(place: &Place, name: &StackName) -> String {
    let (account, region) = (place.account.as_str(), place.region.as_str());
    format!("arn:{}:cloudformation:{region}:{account}:stack/{name}/", place.region.partition().id)
}

/// Creates all resources; `Err` holds those that failed, cancelled ones included.
fn create_resources(engine: &mut Engine<'_, '_>, prepared: &Prepared) -> Result<(), BTreeSet<String>> {
    for wave in &prepared.waves {
        for id in wave {
            let kind = &prepared.resource(id).kind;
            engine.log.resource(id, None, kind, "CREATE_IN_PROGRESS", None);
        }
        let mut failed = BTreeSet::new();
        for id in wave {
            if !failed.is_empty() {
                let kind = &prepared.resource(id).kind;
                engine.log.resource(id, None, kind, "CREATE_FAILED", Some("Resource creation cancelled"));
                failed.insert(id.clone());
            } else if let Err(reason) = create_one(engine, prepared, id) {
                let kind = &prepared.resource(id).kind;
                engine.log.resource(id, None, kind, "CREATE_FAILED", Some(&reason));
                failed.insert(id.clone());
            }
        }
        if !failed.is_empty() {
            return Err(failed);
        }
    }
    Ok(())
}

/// Creates one resource whose `CREATE_IN_PROGRESS` is recorded.
pub(super) fn create_one(engine: &mut Engine<'_, '_>, prepared: &Prepared, id: &str) -> Result<(), String> {
    engine.changes.push(ResourceChange {
        logical_id: id.to_owned(),
        physical_id: None,
        resource_type: prepared.resource(id).kind.clone(),
        action: ChangeAction::Add,
        properties: Vec::new(),
        replacement: Replacement::Never,
    });
    let properties = engine.properties(prepared, id)?;
    let mut draft = engine.draft(prepared, id, properties, 0);
    let initiated = Some("Resource creation Initiated");
    // The stack of a nested one has its own events between this one and the next.
    if is_nested(&draft.resource_type) {
        engine.record(id, &draft, "CREATE_IN_PROGRESS", initiated);
        engine.call_created(id, &mut draft)?;
    } else {
        engine.call_created(id, &mut draft)?;
        engine.record(id, &draft, "CREATE_IN_PROGRESS", initiated);
    }
    engine.record(id, &draft, "CREATE_COMPLETE", None);
    draft.status = "CREATE_COMPLETE".to_owned();
    engine.live.insert(id.to_owned(), draft);
    Ok(())
}

/// Returns the reason of a stack's failure, with the blank at its end that the service has.
pub(super) fn failed_to<'a>(verb: &str, failed: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<&str> = failed.into_iter().map(String::as_str).collect();
    format!("The following resource(s) failed to {verb}: [{}]. ", names.join(", "))
}

/// Does what the request wants of a stack whose creation failed; returns the last status, `None` when it is gone.
fn undo(
    engine: &mut Engine<'_, '_>,
    prepared: &Prepared,
    on_failure: OnFailure,
    failed: &BTreeSet<String>,
    reason: &str,
) -> Option<&'static str> {
    let (begun, done, gone, word) = match on_failure {
        OnFailure::DoNothing => {
            engine.keep_failed();
            engine.log.stack("CREATE_FAILED", Some(reason));
            return Some("CREATE_FAILED");
        }
        OnFailure::Rollback => ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "Rollback"),
        OnFailure::Delete => ("DELETE_IN_PROGRESS", "DELETE_COMPLETE", "DELETE_FAILED", "Delete"),
    };
    let dot = if reason.ends_with(['.', ' ']) { "" } else { "." };
    let reason = format!("{}{dot} {word} requested by user.", reason.trim_end());
    engine.log.stack(begun, Some(&reason));
    for id in failed {
        engine.discard_failed(id, &prepared.resource(id).kind);
    }
    let doomed: Vec<_> =
        std::mem::take(&mut engine.live).into_iter().map(|(id, state)| (id, state, Leaving::FailedCreation)).collect();
    let left = engine.delete_all(&doomed, During::RollBack);
    if left.is_empty() {
        engine.log.stack(done, None);
        return (on_failure == OnFailure::Rollback).then_some(done);
    }
    let stuck = failed_to("delete", left.iter().map(|(id, _)| id));
    engine.live = left.into_iter().collect();
    engine.log.stack(gone, Some(&stuck));
    Some(gone)
}
