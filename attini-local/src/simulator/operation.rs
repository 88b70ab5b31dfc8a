//! Operations on stacks: what may be asked, what is common to all, and the outcome.

mod create;
mod delete;
mod engine;
mod nested;
mod policy;
mod update;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use attini_core::port::{OnFailure, ParameterValue, StackEvent};
use attini_core::value::StackName;
use serde_json::Value;

pub use self::create::stack_id_prefix;
use super::{DefaultHooks, Refusal, StackState, World};
use engine::Engine;

/// What is to happen to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// It comes into being.
    Create,
    /// It becomes as requested.
    Update,
    /// It goes away.
    Delete,
}

/// A wanted operation.
#[derive(Clone)]
pub struct OperationRequest {
    /// What is to happen.
    pub kind: OperationKind,
    /// The stack.
    pub name: StackName,
    /// The template as JSON, before its transforms, short tags in their long form. Ignored for deletion.
    pub template: Value,
    /// Parameters by name.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tags of the stack.
    pub tags: BTreeMap<String, String>,
    /// What becomes of a stack whose creation fails; `None` is [`OnFailure::Rollback`].
    pub on_failure: Option<OnFailure>,
    /// Wanted protection against deletion; `None` leaves it as it is. A refused update changes nothing, this included.
    pub termination_protection: Option<bool>,
    /// Marks the events of the operation. An operation of the same kind with the token of the stack's last one is that
    /// operation again: nothing happens. Empty for none.
    pub token: String,
    /// Resources that are to fail, by logical id, with the reason. Only those that the operation works on fail.
    /// `Child.Bucket` is the resource `Bucket` of the nested stack `Child`, here and in the next two.
    pub failures: BTreeMap<String, String>,
    /// Resources that are to fail while the operation is rolled back, by logical id, with the reason.
    pub rollback_failures: BTreeMap<String, String>,
    /// Resources that take time, by logical id. The times of events and [`OperationOutcome::duration`] say so; nothing waits.
    pub delays: BTreeMap<String, Duration>,
    /// Policy for updates of the stack; `None` leaves the one it has.
    pub policy: Option<Value>,
}

/// Without the template, whose defaults can be secrets.
impl fmt::Debug for OperationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperationRequest")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("parameters", &self.parameters)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// What happens to a resource, as a change set says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeAction {
    /// It is created.
    Add,
    /// It is changed in place.
    Modify,
    /// A new resource takes its place.
    Replace,
    /// It is deleted, or leaves the stack when it is retained.
    Remove,
}

/// One entry of a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceChange {
    /// Name in the template.
    pub logical_id: String,
    /// Physical id before the change; `None` for a new resource.
    pub physical_id: Option<String>,
    /// Type.
    pub resource_type: String,
    /// What happens to it.
    pub action: ChangeAction,
    /// Names of the properties that differ.
    pub properties: Vec<String>,
    /// Whether the service replaces the resource.
    pub replacement: Replacement,
}

/// Whether a change replaces a resource, as far as the public schemas of types say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replacement {
    /// It does not.
    Never,
    /// It does.
    Always,
    /// It depends on the values.
    Conditional,
    /// The simulator does not know the type, and takes the change as one in place.
    Unknown,
}

impl Replacement {
    /// Returns the service's word; `Conditional (unknown)` for what is not known.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "False",
            Self::Always => "True",
            Self::Conditional => "Conditional",
            Self::Unknown => "Conditional (unknown)",
        }
    }
}

/// What an operation led to.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationOutcome {
    /// The stack as it is now; `None` when it is gone.
    pub state: Option<StackState>,
    /// The events of this operation, oldest first.
    pub events: Vec<StackEvent>,
    /// The changes that were begun, in order, also when they were rolled back.
    pub changes: Vec<ResourceChange>,
    /// Nested stacks that stay behind as stacks of their own, because their parents retain them.
    pub retained: Vec<StackState>,
    /// How long the operation takes: the sum of the wanted delays.
    pub duration: Duration,
}

impl OperationOutcome {
    fn nothing(state: Option<StackState>) -> Self {
        let (events, changes, retained) = (Vec::new(), Vec::new(), Vec::new());
        Self { state, events, changes, retained, duration: Duration::ZERO }
    }

    fn of(state: Option<StackState>, engine: Engine<'_, '_>) -> Self {
        let duration = engine.log.elapsed();
        let (changes, retained) = (engine.changes, engine.retained);
        Self { state, events: engine.log.into_events(), changes, retained, duration }
    }
}

/// Carries out an operation on a stack as it was before; `None` for one that does not exist.
///
/// # Errors
///
/// A [`Refusal`] when the operation cannot begin; nothing has changed then, and no hook has been called. A failure of a
/// resource is no error: it is in the events and in the status of the stack.
pub fn run(
    previous: Option<&StackState>,
    request: &OperationRequest,
    world: &mut World<'_>,
) -> Result<OperationOutcome, Refusal> {
    if let Some(previous) = previous.filter(|previous| is_repeated(previous, request)) {
        return Ok(OperationOutcome::nothing(Some(previous.clone())));
    }
    let name = request.name.as_str().to_owned();
    match (request.kind, previous) {
        (OperationKind::Create, None) => create::create(request, world),
        (OperationKind::Create, Some(_)) => Err(Refusal::AlreadyExists { name }),
        (OperationKind::Update, Some(previous)) => update::update(previous, request, world),
        (OperationKind::Update, None) => Err(Refusal::NotFound { name }),
        (OperationKind::Delete, Some(previous)) => delete::delete(previous, request, world),
        (OperationKind::Delete, None) => Ok(OperationOutcome::nothing(None)),
    }
}

/// Says whether the request is the stack's last operation again.
fn is_repeated(previous: &StackState, request: &OperationRequest) -> bool {
    let same_kind = match request.kind {
        OperationKind::Create => ["CREATE_", "ROLLBACK_"].iter().any(|start| previous.status.starts_with(start)),
        OperationKind::Update => previous.status.starts_with("UPDATE_"),
        OperationKind::Delete => previous.status.starts_with("DELETE_"),
    };
    !request.token.is_empty() && previous.last_token == request.token && same_kind
}

/// Returns the changes that an operation would make. No hook is called, so attributes that only hooks know count as the
/// simulator's own.
///
/// # Errors
///
/// As [`run`].
pub fn preview(
    previous: Option<&StackState>,
    request: &OperationRequest,
    world: &World<'_>,
) -> Result<Vec<ResourceChange>, Refusal> {
    let mut hooks = DefaultHooks;
    let request = OperationRequest {
        token: String::new(),
        failures: BTreeMap::new(),
        rollback_failures: BTreeMap::new(),
        ..request.clone()
    };
    let mut world = World {
        place: world.place.clone(),
        now: world.now,
        ssm: world.ssm,
        exports: world.exports,
        imports_in_use: world.imports_in_use,
        transforms: world.transforms,
        templates: world.templates,
        nesting: world.nesting,
        hooks: &mut hooks,
    };
    run(previous, &request, &mut world).map(|outcome| outcome.changes)
}
