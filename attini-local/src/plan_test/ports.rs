//! The outside of the framework, in memory: what a step asks for is noted, and nothing happens.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::document::Document;
use attini_core::port::{
    AnswerError, Body, Clock, DeclaredParameter, Delivery, ExecutionDescription, FleetError, FunctionError, Functions,
    HistoryEvent, Ids, Inventory, InventoryError, JobQueue, Notification, Notifications, ObjectReader, ObjectStore,
    Page, ParameterStore, ParameterValue, Precondition, QueueError, Record, RecordKey, ResourceKind, Revision,
    RunnerFleet, StackDescription, StackError, StackEvent, StackRequest, StackService, StackStatus, StackTarget,
    StoreError, TaskTokens, TemplateLocation, Unavailable, WorkflowError, Workflows,
};
use attini_core::problem::Problems;
use attini_core::runner::RunnerRecord;
use attini_core::value::{
    DeploymentName, ExecutionArn, KeyPrefix, MachineArn, ObjectIdentifier, ObjectKey, Place, StackName, TaskToken,
    Timestamp, VersionId,
};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::simulator;

/// Nothing here leaves a half-made change behind, so a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn page<T>(items: impl Iterator<Item = T>) -> Page<T> {
    Page { items: items.collect(), more: false }
}

/// Records in memory.
#[derive(Default)]
pub(super) struct Records(Mutex<BTreeMap<RecordKey, (u64, Map<String, Value>)>>);

/// Keys only: records hold task tokens.
impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.0).keys()).finish()
    }
}

/// Another set of the same records.
impl Clone for Records {
    fn clone(&self) -> Self {
        Self(Mutex::new(lock(&self.0).clone()))
    }
}

fn record((key, (number, body)): (&RecordKey, &(u64, Map<String, Value>))) -> Record {
    Record { key: key.clone(), body: body.clone(), revision: Revision(number.to_string()) }
}

fn check(
    found: Option<&(u64, Map<String, Value>)>,
    key: &RecordKey,
    when: &Precondition<Revision>,
) -> Result<(), InventoryError> {
    let holds = match when {
        Precondition::None => true,
        Precondition::Absent => found.is_none(),
        Precondition::Unchanged(revision) => found.is_some_and(|(number, _)| number.to_string() == revision.0),
    };
    if holds { Ok(()) } else { Err(InventoryError::Conflict { key: key.clone() }) }
}

#[async_trait]
impl Inventory for Records {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        Ok(lock(&self.0).get_key_value(key).map(record))
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        let mut records = lock(&self.0);
        let found = records.get(key);
        check(found, key, &when)?;
        let number = found.map_or(0, |(number, _)| number + 1);
        records.insert(key.clone(), (number, body));
        Ok(Revision(number.to_string()))
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        let mut records = lock(&self.0);
        check(records.get(key), key, &when)?;
        records.remove(key);
        Ok(())
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        let wanted = |key: &RecordKey| match key {
            RecordKey::Deployment(found, time) => {
                found == name && time.as_ms() != 0 && before.is_none_or(|before| *time < before)
            }
            RecordKey::Resource(..) => false,
        };
        Ok(page(lock(&self.0).iter().rev().filter(|(key, _)| wanted(key)).map(record)))
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        let wanted = |key: &RecordKey, body: &Map<String, Value>| match key {
            RecordKey::Deployment(found, _) => {
                found == name && body.get("objectIdentifier").and_then(Value::as_str) == Some(object.as_str())
            }
            RecordKey::Resource(..) => false,
        };
        Ok(lock(&self.0).iter().filter(|(key, (_, body))| wanted(key, body)).map(record).collect())
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        let wanted = |key: &RecordKey| match key {
            RecordKey::Resource(found, name) => *found == kind && after.is_none_or(|after| name.as_str() > after),
            RecordKey::Deployment(..) => false,
        };
        Ok(page(lock(&self.0).iter().filter(|(key, _)| wanted(key)).map(record)))
    }
}

/// The files of a project, as they would be published; nothing is written.
#[derive(Debug, Clone)]
pub(super) struct Files {
    /// The project.
    pub(super) root: PathBuf,
    /// Prefix of its files in the store.
    pub(super) prefix: KeyPrefix,
}

impl Files {
    fn read(&self, key: &ObjectKey) -> Result<Bytes, StoreError> {
        let not_found = || StoreError::NotFound { key: key.clone() };
        // Keys are normalized, so what starts with the prefix stays below the root.
        let path = key.as_str().strip_prefix(self.prefix.as_str()).ok_or_else(not_found)?;
        match fs::read(self.root.join(path)) {
            Ok(bytes) => Ok(bytes.into()),
            Err(error) if is_missing(&error) => Err(not_found()),
            Err(error) => {
                Err(StoreError::Unavailable { operation: "read", key: key.to_string(), source: error.into() })
            }
        }
    }

    fn read_only(&self, operation: &'static str, key: &str) -> StoreError {
        let source = format!("the files of {} are not changed by tests", self.root.display()).into();
        StoreError::Unavailable { operation, key: key.to_owned(), source }
    }
}

fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | IsADirectory)
}

#[async_trait]
impl ObjectStore for Files {
    async fn get(&self, key: &ObjectKey, _version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        self.read(key)
    }

    async fn open(&self, key: &ObjectKey, _version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError> {
        Ok(Box::new(Cursor::new(self.read(key)?)))
    }

    async fn put(&self, key: &ObjectKey, _: Body, _: Precondition<VersionId>) -> Result<VersionId, StoreError> {
        Err(self.read_only("write", key.as_str()))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        Err(self.read_only("delete", key.as_str()))
    }

    async fn list(&self, prefix: &KeyPrefix, _after: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError> {
        Err(self.read_only("list", prefix.as_str()))
    }
}

/// What a step asked the stack service for.
#[derive(Clone, PartialEq)]
pub(super) struct StackCall {
    /// Name, action, template, region, parameters and tags, as an expectation writes them.
    pub(super) wanted: Value,
    /// Values that nobody may see.
    pub(super) secrets: Vec<String>,
}

/// One stack.
#[derive(Clone)]
struct Stack {
    description: StackDescription,
    token: String,
    /// Whether the operation that runs deletes it.
    is_leaving: bool,
}

/// Stacks as steps want them. An operation runs until [`Stacks::end`].
pub(super) struct Stacks {
    place: Place,
    files: Files,
    state: Mutex<(BTreeMap<String, Stack>, Vec<StackCall>)>,
}

/// Names only: parameters can be secrets.
impl fmt::Debug for Stacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.state).0.keys()).finish()
    }
}

impl Stacks {
    pub(super) fn new(place: Place, files: Files) -> Self {
        Self { place, files, state: Mutex::default() }
    }

    fn key(&self, target: &StackTarget) -> String {
        format!("{}/{}", target.region.as_ref().unwrap_or(&self.place.region), target.name)
    }

    /// Returns what was asked for since the last call.
    pub(super) fn take_calls(&self) -> Vec<StackCall> {
        std::mem::take(&mut lock(&self.state).1)
    }

    /// Ends the operation of a stack, and returns the event that tells it with the place of the stack; `None` when none runs.
    pub(super) fn end(&self, outputs: Option<Vec<(String, String)>>) -> Option<(Place, StackEvent)> {
        let mut state = lock(&self.state);
        let (key, stack) = state.0.iter_mut().find(|(_, stack)| stack.description.status.is_in_progress())?;
        let key = key.clone();
        let region = key.split('/').next().and_then(|region| attini_core::value::Region::parse(region).ok())?;
        let place = Place { account: self.place.account.clone(), region };
        let begun = stack.description.status.0.trim_end_matches("_IN_PROGRESS").to_owned();
        let status = match (&outputs, begun.as_str()) {
            (Some(_), _) => format!("{begun}_COMPLETE"),
            (None, "CREATE") => "ROLLBACK_COMPLETE".to_owned(),
            (None, "UPDATE") => "UPDATE_ROLLBACK_COMPLETE".to_owned(),
            (None, _) => "DELETE_FAILED".to_owned(),
        };
        let event = StackEvent {
            id: status.clone(),
            time: START,
            stack: stack.description.name.clone(),
            stack_id: stack.description.id.clone(),
            logical_id: stack.description.name.as_str().to_owned(),
            physical_id: Some(stack.description.id.clone()),
            resource_type: StackEvent::STACK_TYPE.to_owned(),
            status: StackStatus(status.clone()),
            reason: None,
            token: Some(stack.token.clone()),
        };
        stack.description.status = StackStatus(status);
        if stack.is_leaving && outputs.is_some() {
            state.0.remove(&key);
        } else if let Some(outputs) = outputs {
            stack.description.outputs = outputs;
        }
        Some((place, event))
    }

    /// Undoes the operation that runs, as if it had been refused.
    pub(super) fn refuse(&self) {
        let mut state = lock(&self.state);
        state.0.retain(|_, stack| stack.description.status.0 != "CREATE_IN_PROGRESS");
        for stack in state.0.values_mut().filter(|stack| stack.description.status.is_in_progress()) {
            stack.description.status = StackStatus("UPDATE_COMPLETE".to_owned());
            stack.is_leaving = false;
        }
    }

    pub(super) fn template(&self, name: &StackName, location: &TemplateLocation) -> Result<Value, StackError> {
        let refuse = |message: String| StackError::Refused { code: "ValidationError".to_owned(), message };
        let TemplateLocation::Artifact(key) = location else {
            return Err(refuse(format!(
                "the template {location} is not in the distribution, and tests read nothing else; put it there"
            )));
        };
        let file = key.as_str().strip_prefix(self.files.prefix.as_str()).unwrap_or(key.as_str());
        let bytes = self.files.read(key).map_err(|error| match error {
            StoreError::NotFound { .. } => {
                refuse(format!("the template {file} is not in the project; check the step's `Template`"))
            }
            other => {
                StackError::Unavailable { operation: "read the template of", name: name.clone(), source: other.into() }
            }
        })?;
        let text =
            String::from_utf8(bytes.to_vec()).map_err(|_| refuse(format!("the template {file} is not UTF-8")))?;
        let document = Document::parse(file, &text).map_err(|problems| refuse(problems.to_string()))?;
        let duplicates = document.duplicate_keys();
        match duplicates.is_empty() {
            true => Ok(document.to_json()),
            false => Err(refuse(Problems(duplicates).to_string())),
        }
    }

    fn begin(&self, request: &StackRequest, status: &str) -> Result<String, StackError> {
        let name = &request.target.name;
        let template = self.template(name, &request.template)?;
        let declared = simulator::declared_parameters(&template).map_err(|refusal| refusal.into_stack_error(name))?;
        let key = self.key(&request.target);
        let mut state = lock(&self.state);
        let before = state.0.get(&key).map(|stack| stack.description.clone());
        let missing: Vec<&str> = declared
            .iter()
            .filter(|parameter| !parameter.has_default && !request.parameters.contains_key(&parameter.name))
            .filter(|parameter| before.as_ref().is_none_or(|stack| !stack.parameters.contains_key(&parameter.name)))
            .map(|parameter| parameter.name.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("Parameters: [{}] must have values", missing.join(", "));
            return Err(StackError::Refused { code: "ValidationError".to_owned(), message });
        }
        let mut parameters = BTreeMap::new();
        for (parameter, value) in &request.parameters {
            let value = match value {
                ParameterValue::Text(text) => text.clone(),
                ParameterValue::Previous => {
                    before.as_ref().and_then(|stack| stack.parameters.get(parameter)).cloned().unwrap_or_default()
                }
            };
            parameters.insert(parameter.clone(), value);
        }
        let secrets = declared.iter().filter(|parameter| parameter.no_echo);
        let secrets = secrets.filter_map(|parameter| parameters.get(&parameter.name)).cloned().collect();
        let mut wanted = json!({
            "name": name.as_str(), "action": "Deploy", "template": self.path(&request.template),
            "parameters": parameters, "tags": request.tags,
        });
        if let Some(region) = &request.target.region {
            wanted["region"] = region.as_str().into();
        }
        state.1.push(StackCall { wanted, secrets });
        let id = before.as_ref().map_or_else(
            || format!("arn:aws:cloudformation:{}:{}:stack/{name}/test", self.place.region, self.place.account),
            |stack| stack.id.clone(),
        );
        let description = StackDescription {
            name: name.clone(),
            id: id.clone(),
            status: StackStatus(status.to_owned()),
            status_reason: None,
            outputs: Vec::new(),
            parameters,
            tags: request.tags.clone(),
            termination_protection: request
                .termination_protection
                .unwrap_or(before.is_some_and(|stack| stack.termination_protection)),
        };
        state.0.insert(key, Stack { description, token: request.token.clone(), is_leaving: false });
        Ok(id)
    }

    /// Returns the path of a template as an author writes it.
    fn path(&self, location: &TemplateLocation) -> String {
        match location {
            TemplateLocation::Artifact(key) => {
                let path = key.as_str().strip_prefix(self.files.prefix.as_str());
                path.map_or_else(|| key.to_string(), |path| format!("/{path}"))
            }
            other => other.to_string(),
        }
    }
}

#[async_trait]
impl StackService for Stacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        if lock(&self.state).0.contains_key(&self.key(&request.target)) {
            return Err(StackError::AlreadyExists { name: request.target.name.clone() });
        }
        self.begin(request, "CREATE_IN_PROGRESS")
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        if !lock(&self.state).0.contains_key(&self.key(&request.target)) {
            return Err(StackError::NotFound { name: request.target.name.clone() });
        }
        self.begin(request, "UPDATE_IN_PROGRESS")
    }

    async fn delete(&self, target: &StackTarget, _role: Option<&str>, token: &str) -> Result<(), StackError> {
        let key = self.key(target);
        let mut state = lock(&self.state);
        let (stacks, calls) = &mut *state;
        let Some(stack) = stacks.get_mut(&key) else { return Ok(()) };
        if token.starts_with("recreate-") {
            stacks.remove(&key);
            return Ok(());
        }
        let mut wanted = json!({"name": target.name.as_str(), "action": "Delete"});
        if let Some(region) = &target.region {
            wanted["region"] = region.as_str().into();
        }
        calls.push(StackCall { wanted, secrets: Vec::new() });
        token.clone_into(&mut stack.token);
        stack.is_leaving = true;
        stack.description.status = StackStatus("DELETE_IN_PROGRESS".to_owned());
        Ok(())
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        Ok(lock(&self.state).0.get(&self.key(target)).map(|stack| stack.description.clone()))
    }

    async fn events(
        &self,
        _target: &StackTarget,
        _stack_id: Option<&str>,
        _after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        Ok(page(std::iter::empty()))
    }

    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        let template = self.template(&target.name, template)?;
        simulator::declared_parameters(&template).map_err(|refusal| refusal.into_stack_error(&target.name))
    }
}

/// The moment at which every simulated execution starts: 2026-01-01T00:00:00Z.
pub(super) const START: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// Everything else: answers to steps and jobs are kept, the rest is of no interest.
#[derive(Default)]
pub(super) struct Desk {
    answer: Mutex<Option<Result<Value, (String, String)>>>,
    job: Mutex<Option<String>>,
    parameters: BTreeMap<String, String>,
    uuids: AtomicU64,
}

/// Nothing: answers and parameters can be secrets.
impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    pub(super) fn new(parameters: BTreeMap<String, String>) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// Returns what the step was answered since the last call: an output, or error and cause.
    pub(super) fn take_answer(&self) -> Option<Result<Value, (String, String)>> {
        lock(&self.answer).take()
    }

    /// Answers the step, unless it was answered before.
    pub(super) fn put_answer(&self, answer: Result<Value, (String, String)>) {
        lock(&self.answer).get_or_insert(answer);
    }

    /// Returns the message of the job that was queued since the last call.
    pub(super) fn take_job(&self) -> Option<String> {
        lock(&self.job).take()
    }
}

/// Most bytes of an output.
const OUTPUT_LIMIT_BYTES: usize = attini_core::runner::OUTPUT_LIMIT_BYTES;

#[async_trait]
impl TaskTokens for Desk {
    async fn succeed(&self, _: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        let size_bytes = output.to_string().len();
        if size_bytes > OUTPUT_LIMIT_BYTES {
            return Err(AnswerError::TooLarge { size_bytes, limit_bytes: OUTPUT_LIMIT_BYTES });
        }
        self.put_answer(Ok(output.clone()));
        Ok(())
    }

    async fn fail(&self, _: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        self.put_answer(Err((error.to_owned(), cause.to_owned())));
        Ok(())
    }

    async fn heartbeat(&self, _: &TaskToken) -> Result<(), AnswerError> {
        Ok(())
    }
}

#[async_trait]
impl JobQueue for Desk {
    async fn send(&self, _queue: &str, _dedup: &str, body: &str) -> Result<(), QueueError> {
        if body.len() > OUTPUT_LIMIT_BYTES {
            return Err(QueueError::TooLarge { size_bytes: body.len(), limit_bytes: OUTPUT_LIMIT_BYTES });
        }
        *lock(&self.job) = Some(body.to_owned());
        Ok(())
    }

    async fn receive(&self, _queue: &str) -> Result<Option<Delivery>, QueueError> {
        Ok(None)
    }

    async fn delete(&self, _queue: &str, _handle: &str) -> Result<(), QueueError> {
        Ok(())
    }

    async fn release(&self, _queue: &str, _handle: &str) -> Result<(), QueueError> {
        Ok(())
    }
}

#[async_trait]
impl RunnerFleet for Desk {
    async fn ensure(&self, _runner: &RunnerRecord) -> Result<(), FleetError> {
        Ok(())
    }
}

#[async_trait]
impl Functions for Desk {
    async fn invoke(&self, function: &str, _state: &str, _payload: Value) -> Result<Value, FunctionError> {
        Err(FunctionError::Unknown(format!("function {function} is not called by tests")))
    }
}

#[async_trait]
impl Notifications for Desk {
    async fn publish(&self, _notification: Notification) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[async_trait]
impl ParameterStore for Desk {
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable> {
        Ok(self.parameters.get(name).cloned())
    }

    async fn put(&self, _name: &str, _value: &str, _description: &str) -> Result<(), Unavailable> {
        Ok(())
    }
}

#[async_trait]
impl Workflows for Desk {
    async fn start(&self, machine: &MachineArn, name: &str, _input: &Value) -> Result<ExecutionArn, WorkflowError> {
        Ok(machine.execution(name))
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        Err(WorkflowError::NotFound { arn: execution.to_string() })
    }

    async fn list_running(
        &self,
        _machine: &MachineArn,
        _after: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        Ok(page(std::iter::empty()))
    }

    async fn stop(&self, _execution: &ExecutionArn, _cause: &str) -> Result<(), WorkflowError> {
        Ok(())
    }

    async fn history(&self, execution: &ExecutionArn, _after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        Err(WorkflowError::NotFound { arn: execution.to_string() })
    }
}

#[async_trait]
impl Clock for Desk {
    fn now(&self) -> Timestamp {
        START
    }

    async fn sleep(&self, _wait: Duration) {}
}

impl Ids for Desk {
    fn uuid(&self) -> String {
        let number = self.uuids.fetch_add(1, Ordering::Relaxed) + 1;
        format!("00000000-0000-4000-8000-{number:012}")
    }
}
