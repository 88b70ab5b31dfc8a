//! The outside of the framework, in memory: what a step asks for is noted, and nothing happens.

mod stacks;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Cursor};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::port::{
    AnswerError, Body, Clock, Delivery, ExecutionDescription, FleetError, FunctionError, Functions, HistoryEvent, Ids,
    Inventory, InventoryError, JobQueue, Notification, Notifications, ObjectReader, ObjectStore, Page, ParameterStore,
    Precondition, QueueError, Record, RecordKey, ResourceKind, Revision, RunnerFleet, StoreError, TaskTokens,
    Unavailable, WorkflowError, Workflows,
};
use attini_core::runner::RunnerRecord;
use attini_core::value::{
    DeploymentName, ExecutionArn, KeyPrefix, MachineArn, ObjectIdentifier, ObjectKey, TaskToken, Timestamp, VersionId,
};
use bytes::Bytes;
use serde_json::{Map, Value};

pub(super) use self::stacks::Stacks;

/// Nothing here leaves a half-made change behind, so a panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn page<T>(items: impl Iterator<Item = T>) -> Page<T> {
    Page { items: items.collect(), more: false }
}

/// A record with the number of its last change.
type Numbered = (u64, Map<String, Value>);

/// Records in memory.
#[derive(Default)]
pub(super) struct Records(Mutex<BTreeMap<RecordKey, Numbered>>);

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

fn record((key, (number, body)): (&RecordKey, &Numbered)) -> Record {
    Record { key: key.clone(), body: body.clone(), revision: Revision(number.to_string()) }
}

fn check(found: Option<&Numbered>, key: &RecordKey, when: &Precondition<Revision>) -> Result<(), InventoryError> {
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
