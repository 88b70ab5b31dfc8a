//! Deletion of a stack.

use super::super::{Refusal, StackState, World};
use super::create::failed_to;
use super::engine::{During, Engine, Leaving};
use super::{ChangeAction, OperationOutcome, OperationRequest, Replacement, ResourceChange};

pub(super) fn delete(
    previous: &StackState,
    request: &OperationRequest,
    world: &mut World<'_>,
) -> Result<OperationOutcome, Refusal> {
    let name = &previous.name;
    if previous.status.ends_with("_IN_PROGRESS") && previous.status != "REVIEW_IN_PROGRESS" {
        let text = format!("Stack [{name}] cannot be deleted while in status {}", previous.status);
        return Err(Refusal::Validation(text));
    }
    if previous.termination_protection {
        let text = format!("Stack [{name}] cannot be deleted while TerminationProtection is enabled");
        return Err(Refusal::Validation(text));
    }
    let mut engine = Engine::new(request, world, &previous.id, previous.event_count);
    if let Some(locked) = previous.exports.keys().find_map(|export| engine.lock_on(export, "deleted")) {
        return Err(Refusal::Validation(locked));
    }
    engine.log.stack("DELETE_IN_PROGRESS", Some("User Initiated"));
    engine.changes = previous.resources.iter().map(|(id, resource)| removal(id, resource)).collect();
    let doomed: Vec<_> =
        previous.resources.clone().into_iter().map(|(id, state)| (id, state, Leaving::Stack)).collect();
    let left = engine.delete_all(&doomed, During::Operation);
    if left.is_empty() {
        engine.log.stack("DELETE_COMPLETE", None);
        return Ok(OperationOutcome::of(None, engine));
    }
    let stuck = left.iter().filter(|(_, resource)| resource.status == "DELETE_FAILED").map(|(id, _)| id);
    let reason = failed_to("delete", stuck);
    engine.log.stack("DELETE_FAILED", Some(&reason));
    let state = StackState {
        status: "DELETE_FAILED".to_owned(),
        status_reason: Some(reason),
        resources: left.into_iter().collect(),
        last_token: request.token.clone(),
        updated_ms: engine.world.now.as_ms(),
        event_count: engine.log.count(),
        ..previous.clone()
    };
    Ok(OperationOutcome::of(Some(state), engine))
}

/// Returns the change that takes a resource away.
pub(super) fn removal(logical_id: &str, resource: &super::super::ResourceState) -> ResourceChange {
    ResourceChange {
        logical_id: logical_id.to_owned(),
        physical_id: Some(resource.physical_id.clone()),
        resource_type: resource.resource_type.clone(),
        action: ChangeAction::Remove,
        properties: Vec::new(),
        replacement: Replacement::Never,
    }
}
