use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::{lock, page};
use crate::port::{
    Clock, DeclaredParameter, OnFailure, Page, ParameterValue, StackDescription, StackError, StackEvent, StackRequest,
    StackService, StackStatus, StackTarget, TemplateLocation,
};
use crate::value::{AccountId, Partition, Place, Region};

/// Stacks in memory, each with one resource.
///
/// An operation goes on by one event with every call of [`StackService::events`] and [`StackService::find`] for its stack,
/// or to its end with [`MemStackService::settle`]. A template is known by its location only: the same location is the same
/// content. Without [`MemStackService::declare`] a template takes any parameter.
pub struct MemStackService {
    clock: Arc<dyn Clock>,
    home: Place,
    state: Mutex<State>,
}

/// Account, region and name: what makes two targets the same stack.
type Key = (String, String, String);

#[derive(Default)]
struct State {
    stacks: BTreeMap<Key, Vec<Stack>>,
    declared: BTreeMap<String, Vec<DeclaredParameter>>,
    outputs: BTreeMap<String, Vec<(String, String)>>,
    refusals: BTreeMap<String, VecDeque<StackError>>,
    failures: BTreeMap<String, VecDeque<String>>,
    requests: Vec<StackRequest>,
    numbers: u64,
}

struct Stack {
    description: StackDescription,
    parameters: BTreeMap<String, String>,
    template: TemplateLocation,
    token: String,
    events: Vec<StackEvent>,
    planned: VecDeque<Planned>,
}

struct Planned {
    about_stack: bool,
    status: &'static str,
    reason: Option<String>,
}

/// Parameters can be secrets, so only names are shown.
impl fmt::Debug for MemStackService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.state).stacks.keys()).finish()
    }
}

impl MemStackService {
    /// Makes a service without stacks, in account 000000000000 and `eu-west-1`.
    ///
    /// # Panics
    ///
    /// Never: the account and region are valid.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let home = Place {
            account: AccountId::parse("000000000000").expect("is 12 digits"),
            region: Region::parse("eu-west-1").expect("is a region"),
        };
        Self { clock, home, state: Mutex::default() }
    }

    /// Sets the parameters that a template declares.
    pub fn declare(&self, template: &TemplateLocation, parameters: Vec<DeclaredParameter>) {
        lock(&self.state).declared.insert(template.to_string(), parameters);
    }

    /// Sets the outputs that a stack has after its next successful operations.
    pub fn set_outputs(&self, stack: &str, outputs: &[(&str, &str)]) {
        let outputs = outputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        lock(&self.state).outputs.insert(stack.to_owned(), outputs);
    }

    /// Makes the next create, update or delete of a stack be answered with this error.
    pub fn refuse_next(&self, stack: &str, error: StackError) {
        lock(&self.state).refusals.entry(stack.to_owned()).or_default().push_back(error);
    }

    /// Makes the next accepted create, update or delete of a stack fail while it works, for this reason.
    pub fn fail_next(&self, stack: &str, reason: &str) {
        lock(&self.state).failures.entry(stack.to_owned()).or_default().push_back(reason.to_owned());
    }

    /// Brings all operations to their ends.
    pub fn settle(&self) {
        let mut state = lock(&self.state);
        let state = &mut *state;
        for stack in state.stacks.values_mut().flatten() {
            while stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs) {}
        }
    }

    /// Returns the create and update requests that were accepted, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<StackRequest> {
        lock(&self.state).requests.clone()
    }

    /// Returns the events of all stacks that have happened, in order.
    #[must_use]
    pub fn all_events(&self) -> Vec<StackEvent> {
        let state = lock(&self.state);
        let mut events: Vec<_> = state.stacks.values().flatten().flat_map(|stack| stack.events.clone()).collect();
        events.sort_by(|a, b| a.id.cmp(&b.id));
        events
    }

    fn key(&self, target: &StackTarget) -> Key {
        let account = target.role.as_deref().and_then(|role| role.split(':').nth(4));
        let account = account.unwrap_or(self.home.account.as_str()).to_owned();
        let region = target.region.as_ref().unwrap_or(&self.home.region).as_str().to_owned();
        (account, region, target.name.as_str().to_owned())
    }
}

impl Stack {
    fn is_deleted(&self) -> bool {
        self.description.status.0 == "DELETE_COMPLETE"
    }

    /// Lets the next planned event happen; says whether there was one.
    fn step(
        &mut self,
        clock: &dyn Clock,
        numbers: &mut u64,
        outputs: &BTreeMap<String, Vec<(String, String)>>,
    ) -> bool {
        let Some(Planned { about_stack, status, reason }) = self.planned.pop_front() else { return false };
        *numbers += 1;
        let status = StackStatus(status.to_owned());
        let name = self.description.name.clone();
        if about_stack {
            self.description.status = status.clone();
            self.description.status_reason = reason.clone();
            if status.is_success()
                && let Some(outputs) = outputs.get(name.as_str())
            {
                self.description.outputs.clone_from(outputs);
            }
        }
        self.events.push(StackEvent {
            id: format!("{numbers:08}"),
            time: clock.now(),
            stack: name.clone(),
            stack_id: self.description.id.clone(),
            logical_id: if about_stack { name.as_str().to_owned() } else { "Resource".to_owned() },
            physical_id: Some(if about_stack { self.description.id.clone() } else { format!("{name}-Resource") }),
            resource_type: if about_stack { StackEvent::STACK_TYPE } else { "AWS::SSM::Parameter" }.to_owned(),
            status,
            reason,
            token: Some(self.token.clone()),
        });
        true
    }

    fn plan(&mut self, events: &[(bool, &'static str)], reason: Option<&str>) {
        self.planned = events
            .iter()
            .map(|(about_stack, status)| {
                let failed = status.ends_with("_FAILED") || status.ends_with("ROLLBACK_IN_PROGRESS");
                Planned { about_stack: *about_stack, status, reason: reason.filter(|_| failed).map(str::to_owned) }
            })
            .collect();
    }
}

impl State {
    fn current(&mut self, key: &Key) -> Option<&mut Stack> {
        self.stacks.get_mut(key)?.last_mut().filter(|stack| !stack.is_deleted())
    }

    fn refusal(&mut self, target: &StackTarget) -> Result<(), StackError> {
        let refusal = self.refusals.get_mut(target.name.as_str()).and_then(VecDeque::pop_front);
        refusal.map_or(Ok(()), Err)
    }

    fn failure(&mut self, target: &StackTarget) -> Option<String> {
        self.failures.get_mut(target.name.as_str()).and_then(VecDeque::pop_front)
    }

    /// Returns the new values of all parameters.
    fn parameters(
        &self,
        request: &StackRequest,
        before: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, StackError> {
        let declared = self.declared.get(&request.template.to_string());
        let mut values = BTreeMap::new();
        for (name, value) in &request.parameters {
            if declared.is_some_and(|declared| declared.iter().all(|parameter| parameter.name != *name)) {
                return Err(refused(format!("Parameters: [{name}] do not exist in the template")));
            }
            let value = match value {
                ParameterValue::Text(text) => text.clone(),
                ParameterValue::Previous => before.get(name).cloned().ok_or_else(|| {
                    refused(format!("Invalid input for parameter key {name}. Cannot specify usePreviousValue as true"))
                })?,
            };
            values.insert(name.clone(), value);
        }
        for parameter in declared.into_iter().flatten() {
            if !parameter.has_default && !values.contains_key(&parameter.name) {
                return Err(refused(format!("Parameters: [{}] must have values", parameter.name)));
            }
        }
        Ok(values)
    }

    fn shown(&self, template: &TemplateLocation, values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let declared = self.declared.get(&template.to_string());
        let is_secret =
            |name: &str| declared.into_iter().flatten().any(|parameter| parameter.no_echo && parameter.name == name);
        values
            .iter()
            .map(|(name, value)| (name.clone(), if is_secret(name) { "****".to_owned() } else { value.clone() }))
            .collect()
    }
}

fn refused(message: String) -> StackError {
    StackError::Refused { code: "ValidationError".to_owned(), message }
}

#[async_trait]
impl StackService for MemStackService {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        let key = self.key(&request.target);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let name = &request.target.name;
        if let Some(stack) = state.current(&key) {
            let same = stack.token == request.token;
            return if same {
                Ok(stack.description.id.clone())
            } else {
                Err(StackError::AlreadyExists { name: name.clone() })
            };
        }
        state.refusal(&request.target)?;
        let parameters = state.parameters(request, &BTreeMap::new())?;
        state.numbers += 1;
        let (account, region, _) = &key;
        let Partition { id: partition, .. } = self.home.region.partition();
        let id = format!("arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{:08}", state.numbers);
        let mut stack = Stack {
            description: StackDescription {
                name: name.clone(),
                id: id.clone(),
                status: StackStatus("CREATE_IN_PROGRESS".to_owned()),
                status_reason: None,
                outputs: Vec::new(),
                parameters: state.shown(&request.template, &parameters),
                tags: request.tags.clone(),
                termination_protection: request.termination_protection.unwrap_or(false),
            },
            parameters,
            template: request.template.clone(),
            token: request.token.clone(),
            events: Vec::new(),
            planned: VecDeque::new(),
        };
        let failure = state.failure(&request.target);
        let start = [(true, "CREATE_IN_PROGRESS"), (false, "CREATE_IN_PROGRESS")];
        let end: &[(bool, &'static str)] = match (&failure, request.on_failure) {
            (None, _) => &[(false, "CREATE_COMPLETE"), (true, "CREATE_COMPLETE")],
            (Some(_), Some(OnFailure::DoNothing)) => &[(false, "CREATE_FAILED"), (true, "CREATE_FAILED")],
            (Some(_), Some(OnFailure::Delete)) => {
                &[(false, "CREATE_FAILED"), (true, "DELETE_IN_PROGRESS"), (true, "DELETE_COMPLETE")]
            }
            (Some(_), _) => &[(false, "CREATE_FAILED"), (true, "ROLLBACK_IN_PROGRESS"), (true, "ROLLBACK_COMPLETE")],
        };
        stack.plan(&[&start, end].concat(), failure.as_deref());
        stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs);
        state.stacks.entry(key).or_default().push(stack);
        state.requests.push(request.clone());
        Ok(id)
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        let key = self.key(&request.target);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let name = &request.target.name;
        let not_found = || StackError::NotFound { name: name.clone() };
        let stack = state.current(&key).ok_or_else(not_found)?;
        let (id, before) = (stack.description.id.clone(), stack.parameters.clone());
        if stack.token == request.token {
            return Ok(id);
        }
        let status = stack.description.status.clone();
        if status.is_in_progress() || status.needs_recreation() {
            return Err(refused(format!("Stack:{id} is in {status} state and can not be updated.")));
        }
        state.refusal(&request.target)?;
        let parameters = state.parameters(request, &before)?;
        let shown = state.shown(&request.template, &parameters);
        let stack = state.current(&key).ok_or_else(not_found)?;
        if stack.template == request.template && before == parameters && stack.description.tags == request.tags {
            return Err(StackError::NothingToUpdate { name: name.clone() });
        }
        let failure = state.failure(&request.target);
        let stack = state.stacks.get_mut(&key).and_then(|stacks| stacks.last_mut()).ok_or_else(not_found)?;
        stack.token.clone_from(&request.token);
        if let Some(wanted) = request.termination_protection {
            stack.description.termination_protection = wanted;
        }
        let start = [(true, "UPDATE_IN_PROGRESS"), (false, "UPDATE_IN_PROGRESS")];
        let end: &[(bool, &'static str)] = if failure.is_none() {
            stack.template = request.template.clone();
            stack.parameters = parameters;
            stack.description.parameters = shown;
            stack.description.tags.clone_from(&request.tags);
            &[(false, "UPDATE_COMPLETE"), (true, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"), (true, "UPDATE_COMPLETE")]
        } else {
            &[(false, "UPDATE_FAILED"), (true, "UPDATE_ROLLBACK_IN_PROGRESS"), (true, "UPDATE_ROLLBACK_COMPLETE")]
        };
        stack.plan(&[&start, end].concat(), failure.as_deref());
        stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs);
        state.requests.push(request.clone());
        Ok(id)
    }

    async fn delete(&self, target: &StackTarget, _service_role: Option<&str>, token: &str) -> Result<(), StackError> {
        let key = self.key(target);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let Some(stack) = state.current(&key) else { return Ok(()) };
        let name = &target.name;
        if stack.description.status.0 == "DELETE_IN_PROGRESS" {
            return Ok(());
        }
        if stack.description.termination_protection {
            return Err(refused(format!("Stack [{name}] cannot be deleted while TerminationProtection is enabled")));
        }
        state.refusal(target)?;
        let failure = state.failure(target);
        let Some(stack) = state.stacks.get_mut(&key).and_then(|stacks| stacks.last_mut()) else { return Ok(()) };
        token.clone_into(&mut stack.token);
        let start = [(true, "DELETE_IN_PROGRESS"), (false, "DELETE_IN_PROGRESS")];
        let end = if failure.is_none() {
            [(false, "DELETE_COMPLETE"), (true, "DELETE_COMPLETE")]
        } else {
            [(false, "DELETE_FAILED"), (true, "DELETE_FAILED")]
        };
        stack.plan(&[start, end].concat(), failure.as_deref());
        stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs);
        Ok(())
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        let key = self.key(target);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let Some(stack) = state.stacks.get_mut(&key).and_then(|stacks| stacks.last_mut()) else { return Ok(None) };
        let found = (!stack.is_deleted()).then(|| stack.description.clone());
        stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs);
        Ok(found)
    }

    async fn events(
        &self,
        target: &StackTarget,
        stack_id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        let key = self.key(target);
        let mut state = lock(&self.state);
        let state = &mut *state;
        let wanted = |stack: &Stack| match stack_id {
            Some(id) => stack.description.id == id,
            None => !stack.is_deleted(),
        };
        let stacks = state.stacks.get_mut(&key).map(Vec::as_mut_slice).unwrap_or_default();
        let stack = stacks.iter_mut().rev().find(|stack| wanted(stack));
        let stack = stack.ok_or_else(|| StackError::NotFound { name: target.name.clone() })?;
        stack.step(self.clock.as_ref(), &mut state.numbers, &state.outputs);
        Ok(page(stack.events.iter().filter(|event| after.is_none_or(|after| event.id.as_str() > after)).cloned()))
    }

    async fn declared_parameters(
        &self,
        _target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        Ok(lock(&self.state).declared.get(&template.to_string()).cloned().unwrap_or_default())
    }
}
