use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use attini_core::plan::{self, MacroSettings};
use attini_core::port::{
    BoxError, DeclaredParameter, ObjectStore, Page, Precondition, StackDescription, StackError, StackEvent,
    StackRequest, StackService, StackStatus, StackTarget, TemplateLocation,
};
use attini_core::value::{Place, StackName, Timestamp};
use futures::executor::block_on;
use serde_json::{Map, Value, json};

use super::hooks::PlanHooks;
use super::parts::Parts;
use super::templates;
use super::values::Values;
use crate::simulator::{
    self, Export, OperationKind, OperationOutcome, OperationRequest, StackState, TransformCall, TransformError, World,
};
use crate::store::{EnvironmentValues, FsObjectStore, TxError, stacks as rows};

/// Stacks that the simulator keeps in the home. An operation is over when the call returns.
pub(super) struct SimulatedStacks {
    parts: Parts,
    environment: String,
}

impl fmt::Debug for SimulatedStacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedStacks").field("environment", &self.environment).finish_non_exhaustive()
    }
}

impl SimulatedStacks {
    pub(super) fn new(parts: Parts, environment: &str) -> Self {
        Self { parts, environment: environment.to_owned() }
    }

    fn place(&self, target: &StackTarget) -> Place {
        let own = &self.parts.place;
        Place { account: own.account.clone(), region: target.region.clone().unwrap_or_else(|| own.region.clone()) }
    }

    fn values(&self, name: &StackName) -> Result<Values, StackError> {
        let failed = |source: BoxError| StackError::Unavailable {
            operation: "read the environment's values for",
            name: name.clone(),
            source,
        };
        let stored = EnvironmentValues::new(self.parts.home.clone())
            .values(&self.environment)
            .map_err(|error| failed(error.into()))?;
        Values::from_json(stored).map_err(|error| failed(error.into()))
    }

    async fn template(&self, name: &StackName, location: &TemplateLocation) -> Result<Value, StackError> {
        let refuse = |message: String| StackError::Refused { code: "ValidationError".to_owned(), message };
        let TemplateLocation::Artifact(key) = location else {
            return Err(refuse(format!(
                "the template {location} is not in the distribution, and nothing outside this machine is read; \
                 put it into the distribution"
            )));
        };
        let store = FsObjectStore::new(self.parts.home.clone(), self.parts.place.artifact_bucket());
        let bytes = store.get(key, None).await.map_err(|error| match error {
            attini_core::port::StoreError::NotFound { .. } => {
                refuse(format!("the template {key} is not in the distribution; check the step's `Template`"))
            }
            other => {
                StackError::Unavailable { operation: "read the template of", name: name.clone(), source: other.into() }
            }
        })?;
        templates::parse(key, &bytes).map_err(refuse)
    }

    fn state(
        &self,
        place: &Place,
        name: &StackName,
    ) -> Result<Option<(StackState, Precondition<attini_core::port::Revision>)>, StackError> {
        let found = self
            .parts
            .home
            .read(|tx| rows::find(tx, &place.region, name))
            .map_err(|error| unavailable("read", name, error))?;
        let Some(stored) = found else { return Ok(None) };
        let state = serde_json::from_value(stored.state).map_err(|error| unavailable("read", name, error))?;
        Ok(Some((state, Precondition::Unchanged(stored.revision))))
    }

    /// Returns the id of the last stack of that name.
    fn deleted(&self, place: &Place, name: &StackName) -> Result<String, StackError> {
        let id = self.parts.home.read(|tx| rows::newest_id(tx, &simulator::stack_id_prefix(place, name)));
        let id = id.map_err(|error| unavailable("read the events of", name, error))?;
        id.ok_or_else(|| StackError::NotFound { name: name.clone() })
    }

    async fn operate(&self, target: &StackTarget, request: &OperationRequest) -> Result<Option<String>, StackError> {
        let place = self.place(target);
        let name = &target.name;
        let values = self.values(name)?;
        let mut waited = Duration::ZERO;
        loop {
            let (previous, when) = match self.state(&place, name)? {
                Some((state, when)) => (Some(state), when),
                None => (None, Precondition::Absent),
            };
            let outcome = self.simulate(&place, previous.as_ref(), request, &values)?;
            if let Some(left) = outcome.duration.checked_sub(waited).filter(|left| !left.is_zero()) {
                // Resources that are to be slow; whoever comes meanwhile finds the stack as it was.
                self.parts.clock.sleep(left).await;
                waited = outcome.duration;
            }
            if self.commit(&place, name, previous.as_ref(), &outcome, &when)? {
                let id = outcome.state.as_ref().or(previous.as_ref()).map(|state| state.id.clone());
                return Ok(id);
            }
        }
    }

    fn simulate(
        &self,
        place: &Place,
        previous: Option<&StackState>,
        request: &OperationRequest,
        values: &Values,
    ) -> Result<OperationOutcome, StackError> {
        let name = &request.name;
        let others = self
            .parts
            .home
            .read(|tx| rows::list(tx, &place.region))
            .map_err(|error| unavailable("read the neighbors of", name, error))?;
        // A stack that cannot be read may hold an export that is in use, so it is not passed over.
        let others: Vec<StackState> = others
            .into_iter()
            .map(|stored| serde_json::from_value(stored.state))
            .collect::<Result<_, _>>()
            .map_err(|error| unavailable("read the neighbors of", name, error))?;
        let mut exports: BTreeMap<String, Export> = values
            .exports
            .iter()
            .map(|(name, value)| {
                (name.clone(), Export { value: value.clone(), stack: "(the environment's values)".to_owned() })
            })
            .collect();
        let others: Vec<&StackState> =
            others.iter().flat_map(|other| std::iter::once(other).chain(other.nested())).collect();
        for other in &others {
            for (export, value) in &other.exports {
                exports.insert(export.clone(), Export { value: value.clone(), stack: other.name.clone() });
            }
        }
        let importers = |export: &str| -> Vec<String> {
            let imports = |other: &&&StackState| other.imports.contains(export);
            others.iter().filter(imports).map(|other| other.name.clone()).collect()
        };
        let account = self.parts.account_parameters();
        let unread = RefCell::new(None);
        let ssm = |parameter: &str| {
            let stored = || match block_on(attini_core::port::ParameterStore::find(&account, parameter)) {
                Ok(found) => found,
                Err(error) => {
                    unread.replace(Some(error));
                    None
                }
            };
            values.parameter(parameter).or_else(stored)
        };
        let mut settings = MacroSettings::of_place(place.region.as_str(), place.account.as_str());
        if let Some(subnets) = &values.subnets {
            settings.default_vpc_subnets = Some(subnets.clone());
        }
        // Looking costs nothing here.
        settings.queue_interval_seconds = 1;
        let uuid = self.parts.ids.uuid();
        let transforms = |call: &TransformCall<'_>| {
            if call.name != "AttiniDeploymentPlan" {
                return Err(TransformError::Unknown);
            }
            expand(call, place, &settings, &uuid)
        };
        let templates = |address: &str| templates::nested(&self.parts, address);
        let mut hooks = PlanHooks::new(&self.parts, place);
        let mut world = World {
            place: place.clone(),
            now: self.parts.clock.now(),
            ssm: &ssm,
            exports: &exports,
            imports_in_use: &importers,
            transforms: &transforms,
            templates: &templates,
            nesting: 0,
            hooks: &mut hooks,
        };
        let outcome = simulator::run(previous, request, &mut world);
        // What could not be read is not missing: whatever follows from that is void.
        if let Some(error) = unread.into_inner() {
            return Err(unavailable("read the parameters of", name, error));
        }
        outcome.map_err(|refusal| refusal.into_stack_error(name))
    }

    /// Writes what an operation led to as one transaction; `false` when the stack was changed meanwhile.
    fn commit(
        &self,
        place: &Place,
        name: &StackName,
        previous: Option<&StackState>,
        outcome: &OperationOutcome,
        when: &Precondition<attini_core::port::Revision>,
    ) -> Result<bool, StackError> {
        let state = match &outcome.state {
            Some(state) => Some(serde_json::to_value(state).map_err(|error| unavailable("write", name, error))?),
            None => None,
        };
        let mut retained = Vec::new();
        for state in &outcome.retained {
            let kept = StackName::parse(&state.name).map_err(|error| unavailable("write", name, error))?;
            retained.push((kept, serde_json::to_value(state).map_err(|error| unavailable("write", name, error))?));
        }
        self.parts
            .home
            .write(|tx| {
                let written = match &state {
                    Some(state) => rows::put(tx, &place.region, name, state, when)?.is_some(),
                    None if previous.is_some() => {
                        // Only the row that the decision was made on may go.
                        let tombstone = json!({});
                        let ours = rows::put(tx, &place.region, name, &tombstone, when)?.is_some();
                        if ours {
                            rows::delete(tx, &place.region, name)?;
                        }
                        ours
                    }
                    None => true,
                };
                if written {
                    for event in &outcome.events {
                        rows::append_event(tx, &event.stack_id, &render_event(event))?;
                    }
                    for (name, state) in &retained {
                        rows::put(tx, &place.region, name, state, &Precondition::None)?;
                    }
                }
                Ok::<bool, TxError>(written)
            })
            .map_err(|error| unavailable("write", name, error))
    }

    fn request(
        &self,
        request: &StackRequest,
        kind: OperationKind,
        template: Value,
    ) -> Result<OperationRequest, StackError> {
        let name = &request.target.name;
        let wanted = self.values(name)?.stacks.remove(name.as_str()).unwrap_or_default();
        Ok(OperationRequest {
            kind,
            name: name.clone(),
            template,
            parameters: request.parameters.clone(),
            tags: request.tags.clone(),
            on_failure: request.on_failure,
            termination_protection: request.termination_protection,
            token: request.token.clone(),
            delays: wanted.delays(),
            failures: wanted.fail,
            rollback_failures: wanted.fail_rollback,
            policy: wanted.policy,
        })
    }
}

fn unavailable(operation: &'static str, name: &StackName, error: impl Into<BoxError>) -> StackError {
    StackError::Unavailable { operation, name: name.clone(), source: error.into() }
}

/// Applies the framework's macro, as CloudFormation would call it.
fn expand(
    call: &TransformCall<'_>,
    place: &Place,
    settings: &MacroSettings,
    uuid: &str,
) -> Result<Value, TransformError> {
    let request = json!({
        "requestId": uuid,
        "region": place.region.as_str(),
        "accountId": place.account.as_str(),
        "transformId": format!("{}::AttiniDeploymentPlan", place.account),
        "templateParameterValues": call.template_parameters,
        "fragment": call.fragment,
    });
    let mut response = plan::macro_response(&request, settings, uuid);
    if response.get("status").and_then(Value::as_str) == Some("success") {
        return Ok(response["fragment"].take());
    }
    let message = response.get("errorMessage").and_then(Value::as_str).unwrap_or("the macro gave no reason");
    Err(TransformError::Failed(message.to_owned()))
}

#[async_trait]
impl StackService for SimulatedStacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        let name = &request.target.name;
        let template = self.template(name, &request.template).await?;
        let wanted = self.request(request, OperationKind::Create, template)?;
        let id = self.operate(&request.target, &wanted).await?;
        id.ok_or_else(|| StackError::NotFound { name: name.clone() })
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        let name = &request.target.name;
        let template = self.template(name, &request.template).await?;
        let wanted = self.request(request, OperationKind::Update, template)?;
        let id = self.operate(&request.target, &wanted).await?;
        id.ok_or_else(|| StackError::NotFound { name: name.clone() })
    }

    async fn delete(&self, target: &StackTarget, _service_role: Option<&str>, token: &str) -> Result<(), StackError> {
        let wanted = self.values(&target.name)?.stacks.remove(target.name.as_str()).unwrap_or_default();
        let request = OperationRequest {
            kind: OperationKind::Delete,
            name: target.name.clone(),
            template: Value::Null,
            parameters: BTreeMap::new(),
            tags: BTreeMap::new(),
            on_failure: None,
            termination_protection: None,
            token: token.to_owned(),
            delays: wanted.delays(),
            failures: wanted.fail,
            rollback_failures: BTreeMap::new(),
            policy: None,
        };
        self.operate(target, &request).await?;
        Ok(())
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        let found = self.state(&self.place(target), &target.name)?;
        Ok(found.map(|(state, _)| state.describe(&target.name)))
    }

    async fn events(
        &self,
        target: &StackTarget,
        stack_id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        let name = &target.name;
        let id = match stack_id {
            Some(id) => id.to_owned(),
            None => match self.state(&self.place(target), name)? {
                Some((state, _)) => state.id,
                None => self.deleted(&self.place(target), name)?,
            },
        };
        // An event's id starts with its number in the stack's history.
        let after = after.and_then(|after| after.split('@').next()?.parse::<i64>().ok()).unwrap_or(0);
        let page = self
            .parts
            .home
            .read(|tx| rows::events(tx, &id, after))
            .map_err(|error| unavailable("read the events of", name, error))?;
        let event = |(number, body): &(i64, Value)| {
            let damaged = || unavailable("read the events of", name, format!("event {number} of {id} is damaged"));
            read_event(*number, body, name, &id).ok_or_else(damaged)
        };
        let items = page.items.iter().map(event).collect::<Result<_, _>>()?;
        Ok(Page { items, more: page.more })
    }

    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        let template = self.template(&target.name, template).await?;
        simulator::declared_parameters(&template).map_err(|refusal| refusal.into_stack_error(&target.name))
    }
}

fn render_event(event: &StackEvent) -> Value {
    json!({
        "id": event.id, "time": event.time.as_ms(), "logicalId": event.logical_id, "physicalId": event.physical_id,
        "type": event.resource_type, "status": event.status.0, "reason": event.reason, "token": event.token,
    })
}

pub(super) fn read_event(number: i64, body: &Value, stack: &StackName, stack_id: &str) -> Option<StackEvent> {
    let fields: &Map<String, Value> = body.as_object()?;
    let text = |field: &str| fields.get(field).and_then(Value::as_str).map(str::to_owned);
    Some(StackEvent {
        id: format!("{number}@{}", text("id").unwrap_or_default()),
        time: Timestamp::from_ms(fields.get("time").and_then(Value::as_i64).unwrap_or(0)),
        stack: stack.clone(),
        stack_id: stack_id.to_owned(),
        logical_id: text("logicalId")?,
        physical_id: text("physicalId"),
        resource_type: text("type")?,
        status: StackStatus(text("status")?),
        reason: text("reason"),
        token: text("token"),
    })
}
