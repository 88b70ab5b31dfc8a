use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::port::{
    AnswerError, Body, BoxError, DeclaredParameter, Delivery, ExecutionDescription, FleetError, HistoryEvent,
    Inventory, InventoryError, JobQueue, Notification, Notifications, ObjectReader, ObjectStore, Page, ParameterStore,
    Precondition, QueueError, Record, RecordKey, ResourceKind, Revision, RunnerFleet, StackDescription, StackError,
    StackEvent, StackRequest, StackService, StackTarget, StoreError, TaskTokens, TemplateLocation, Unavailable,
    WorkflowError, Workflows,
};
use crate::runner::RunnerRecord;
use crate::value::{
    DeploymentName, ExecutionArn, KeyPrefix, MachineArn, ObjectIdentifier, ObjectKey, TaskToken, Timestamp, VersionId,
};

/// On which side of its effect a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has no effect.
    Before,
    /// The call has its effect, but the caller does not learn of it.
    After,
}

/// Makes chosen calls fail, counted from 1 across all ports that were wrapped with the same value or its clones.
///
/// ```
/// # futures::executor::block_on(async {
/// use std::sync::Arc;
/// use attini_core::contract::{Faults, MemObjectStore, Moment};
/// use attini_core::{port::{ObjectStore, Precondition}, value::ObjectKey};
///
/// let faults = Faults::at(1, Moment::After);
/// let store = faults.object_store(Arc::new(MemObjectStore::default()));
/// let key = ObjectKey::new("a");
/// assert!(store.put(&key, "x".into(), Precondition::Absent).await.is_err());
/// assert_eq!(store.get(&key, None).await?, "x");
/// assert_eq!(faults.calls(), ["ObjectStore::put", "ObjectStore::get"]);
/// # Ok::<(), attini_core::port::StoreError>(()) });
/// ```
#[derive(Debug, Clone)]
pub struct Faults {
    plan: Plan,
    calls: Arc<Mutex<Vec<&'static str>>>,
}

#[derive(Debug, Clone, Copy)]
enum Plan {
    Never,
    Once(usize, Moment),
    From(usize),
}

impl Faults {
    /// Lets every call pass, to learn how many there are.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Plan::Never)
    }

    /// Makes one call fail; those after it pass.
    #[must_use]
    pub fn at(call: usize, moment: Moment) -> Self {
        Self::new(Plan::Once(call, moment))
    }

    /// Makes this call and all after it fail without an effect, as if the process had died before it.
    #[must_use]
    pub fn from(call: usize) -> Self {
        Self::new(Plan::From(call))
    }

    fn new(plan: Plan) -> Self {
        Self { plan, calls: Arc::default() }
    }

    /// Returns the calls so far, `<port>::<method>`, the failed ones included.
    #[must_use]
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Wraps an inventory.
    #[must_use]
    pub fn inventory(&self, inner: Arc<dyn Inventory>) -> Arc<dyn Inventory> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps an object store.
    #[must_use]
    pub fn object_store(&self, inner: Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps a stack service.
    #[must_use]
    pub fn stack_service(&self, inner: Arc<dyn StackService>) -> Arc<dyn StackService> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps task tokens.
    #[must_use]
    pub fn task_tokens(&self, inner: Arc<dyn TaskTokens>) -> Arc<dyn TaskTokens> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps workflows.
    #[must_use]
    pub fn workflows(&self, inner: Arc<dyn Workflows>) -> Arc<dyn Workflows> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps queues.
    #[must_use]
    pub fn job_queue(&self, inner: Arc<dyn JobQueue>) -> Arc<dyn JobQueue> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps parameters.
    #[must_use]
    pub fn parameter_store(&self, inner: Arc<dyn ParameterStore>) -> Arc<dyn ParameterStore> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps notifications.
    #[must_use]
    pub fn notifications(&self, inner: Arc<dyn Notifications>) -> Arc<dyn Notifications> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    /// Wraps a fleet.
    #[must_use]
    pub fn runner_fleet(&self, inner: Arc<dyn RunnerFleet>) -> Arc<dyn RunnerFleet> {
        Arc::new(Faulty { inner, faults: self.clone() })
    }

    async fn call<T, E>(
        &self,
        name: &'static str,
        unavailable: impl FnOnce(BoxError) -> E,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let number = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(name);
            calls.len()
        };
        let failure = |moment: &str| format!("injected fault {moment} call {number}, {name}").into();
        match self.plan {
            Plan::Once(at, Moment::Before) if at == number => Err(unavailable(failure("before"))),
            Plan::Once(at, Moment::After) if at == number => {
                call.await?;
                Err(unavailable(failure("after")))
            }
            Plan::From(first) if number >= first => Err(unavailable(failure("before"))),
            Plan::Never | Plan::Once(..) | Plan::From(_) => call.await,
        }
    }
}

#[derive(Debug)]
struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    faults: Faults,
}

fn inventory(operation: &'static str, key: impl ToString) -> impl FnOnce(BoxError) -> InventoryError {
    move |source| InventoryError::Unavailable { operation, key: key.to_string(), source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Inventory for Faulty<dyn Inventory> {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        self.faults.call("Inventory::find", inventory("read", key), self.inner.find(key)).await
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        self.faults.call("Inventory::put", inventory("write", key), self.inner.put(key, body, when)).await
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        self.faults.call("Inventory::delete", inventory("delete", key), self.inner.delete(key, when)).await
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        let call = self.inner.list_deployments(name, before);
        self.faults.call("Inventory::list_deployments", inventory("list", name), call).await
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        let call = self.inner.list_by_object(name, object);
        self.faults.call("Inventory::list_by_object", inventory("list", name), call).await
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        let call = self.inner.list_resources(kind, after);
        self.faults.call("Inventory::list_resources", inventory("list", kind.as_str()), call).await
    }
}

fn store(operation: &'static str, key: impl ToString) -> impl FnOnce(BoxError) -> StoreError {
    move |source| StoreError::Unavailable { operation, key: key.to_string(), source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ObjectStore for Faulty<dyn ObjectStore> {
    async fn get(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        self.faults.call("ObjectStore::get", store("read", key), self.inner.get(key, version)).await
    }

    async fn open(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError> {
        self.faults.call("ObjectStore::open", store("open", key), self.inner.open(key, version)).await
    }

    async fn put(&self, key: &ObjectKey, body: Body, when: Precondition<VersionId>) -> Result<VersionId, StoreError> {
        self.faults.call("ObjectStore::put", store("write", key), self.inner.put(key, body, when)).await
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.faults.call("ObjectStore::delete", store("delete", key), self.inner.delete(key)).await
    }

    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError> {
        self.faults.call("ObjectStore::list", store("list", prefix), self.inner.list(prefix, after)).await
    }
}

fn stack(operation: &'static str, target: &StackTarget) -> impl FnOnce(BoxError) -> StackError {
    let name = target.name.clone();
    move |source| StackError::Unavailable { operation, name, source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl StackService for Faulty<dyn StackService> {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        self.faults.call("StackService::create", stack("create", &request.target), self.inner.create(request)).await
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        self.faults.call("StackService::update", stack("update", &request.target), self.inner.update(request)).await
    }

    async fn delete(&self, target: &StackTarget, service_role: Option<&str>, token: &str) -> Result<(), StackError> {
        let call = self.inner.delete(target, service_role, token);
        self.faults.call("StackService::delete", stack("delete", target), call).await
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        self.faults.call("StackService::find", stack("describe", target), self.inner.find(target)).await
    }

    async fn events(
        &self,
        target: &StackTarget,
        stack_id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        let call = self.inner.events(target, stack_id, after);
        self.faults.call("StackService::events", stack("list events of", target), call).await
    }

    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        let call = self.inner.declared_parameters(target, template);
        self.faults.call("StackService::declared_parameters", stack("read the template of", target), call).await
    }
}

fn answer(source: BoxError) -> AnswerError {
    AnswerError::Unavailable { source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl TaskTokens for Faulty<dyn TaskTokens> {
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        self.faults.call("TaskTokens::succeed", answer, self.inner.succeed(token, output)).await
    }

    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        self.faults.call("TaskTokens::fail", answer, self.inner.fail(token, error, cause)).await
    }

    async fn heartbeat(&self, token: &TaskToken) -> Result<(), AnswerError> {
        self.faults.call("TaskTokens::heartbeat", answer, self.inner.heartbeat(token)).await
    }
}

fn workflow(operation: &'static str, arn: impl ToString) -> impl FnOnce(BoxError) -> WorkflowError {
    move |source| WorkflowError::Unavailable { operation, arn: arn.to_string(), source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Workflows for Faulty<dyn Workflows> {
    async fn start(&self, machine: &MachineArn, name: &str, input: &Value) -> Result<ExecutionArn, WorkflowError> {
        let call = self.inner.start(machine, name, input);
        self.faults.call("Workflows::start", workflow("start", machine), call).await
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        let call = self.inner.describe(execution);
        self.faults.call("Workflows::describe", workflow("describe", execution), call).await
    }

    async fn list_running(
        &self,
        machine: &MachineArn,
        after: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        let call = self.inner.list_running(machine, after);
        self.faults.call("Workflows::list_running", workflow("list executions of", machine), call).await
    }

    async fn stop(&self, execution: &ExecutionArn, cause: &str) -> Result<(), WorkflowError> {
        self.faults.call("Workflows::stop", workflow("stop", execution), self.inner.stop(execution, cause)).await
    }

    async fn history(&self, execution: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        let call = self.inner.history(execution, after);
        self.faults.call("Workflows::history", workflow("read the history of", execution), call).await
    }
}

fn queue(operation: &'static str, queue: &str) -> impl FnOnce(BoxError) -> QueueError {
    let queue = queue.to_owned();
    move |source| QueueError::Unavailable { operation, queue, source }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl JobQueue for Faulty<dyn JobQueue> {
    async fn send(&self, name: &str, dedup: &str, body: &str) -> Result<(), QueueError> {
        self.faults.call("JobQueue::send", queue("send to", name), self.inner.send(name, dedup, body)).await
    }

    async fn receive(&self, name: &str) -> Result<Option<Delivery>, QueueError> {
        self.faults.call("JobQueue::receive", queue("receive from", name), self.inner.receive(name)).await
    }

    async fn delete(&self, name: &str, handle: &str) -> Result<(), QueueError> {
        self.faults.call("JobQueue::delete", queue("delete from", name), self.inner.delete(name, handle)).await
    }

    async fn release(&self, name: &str, handle: &str) -> Result<(), QueueError> {
        self.faults.call("JobQueue::release", queue("release to", name), self.inner.release(name, handle)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl ParameterStore for Faulty<dyn ParameterStore> {
    async fn find(&self, name: &str) -> Result<Option<String>, Unavailable> {
        let unavailable = |source| Unavailable::new(format!("read parameter {name}"), source);
        self.faults.call("ParameterStore::find", unavailable, self.inner.find(name)).await
    }

    async fn put(&self, name: &str, value: &str, description: &str) -> Result<(), Unavailable> {
        let unavailable = |source| Unavailable::new(format!("write parameter {name}"), source);
        self.faults.call("ParameterStore::put", unavailable, self.inner.put(name, value, description)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Notifications for Faulty<dyn Notifications> {
    async fn publish(&self, notification: Notification) -> Result<(), Unavailable> {
        let unavailable = |source| Unavailable::new("publish a notification", source);
        self.faults.call("Notifications::publish", unavailable, self.inner.publish(notification)).await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl RunnerFleet for Faulty<dyn RunnerFleet> {
    async fn ensure(&self, runner: &RunnerRecord) -> Result<(), FleetError> {
        let unavailable =
            |source: BoxError| FleetError { error: "InternalError".to_owned(), cause: source.to_string() };
        self.faults.call("RunnerFleet::ensure", unavailable, self.inner.ensure(runner)).await
    }
}
