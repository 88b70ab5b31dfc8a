use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use attini_core::framework::{Failure, Framework};
use attini_core::guard;
use attini_core::inventory::{StackRecord, read};
use attini_core::port::{
    DeclaredParameter, Page, RecordKey, ResourceKind, StackDescription, StackError, StackEvent, StackRequest,
    StackService, StackTarget, TemplateLocation,
};
use attini_core::value::{InvalidValue, Place, Region, StackName, TaskToken};
use tokio::sync::mpsc::UnboundedSender;

/// An operation on a stack whose events somebody waits for.
#[derive(Debug, Clone)]
pub(super) struct StackOperation {
    pub(super) target: StackTarget,
    pub(super) stack_id: Option<String>,
    pub(super) token: String,
    pub(super) is_init_stack: bool,
}

/// A stack service that reports every accepted operation, so that its events reach the guard as notifications do in AWS.
#[derive(Debug)]
pub(super) struct WatchedStacks {
    inner: Arc<dyn StackService>,
    operations: UnboundedSender<StackOperation>,
    are_init_stacks: bool,
}

impl WatchedStacks {
    pub(super) fn new(
        inner: Arc<dyn StackService>,
        operations: UnboundedSender<StackOperation>,
        are_init_stacks: bool,
    ) -> Self {
        Self { inner, operations, are_init_stacks }
    }

    fn report(&self, target: &StackTarget, stack_id: Option<String>, token: &str) {
        let operation = StackOperation {
            target: target.clone(),
            stack_id,
            token: token.to_owned(),
            is_init_stack: self.are_init_stacks,
        };
        // The receiver is gone when the worker has nothing to wait for any more.
        drop(self.operations.send(operation));
    }
}

#[async_trait]
impl StackService for WatchedStacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        let id = self.inner.create(request).await?;
        self.report(&request.target, Some(id.clone()), &request.token);
        Ok(id)
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        let id = self.inner.update(request).await?;
        self.report(&request.target, Some(id.clone()), &request.token);
        Ok(id)
    }

    async fn delete(&self, target: &StackTarget, service_role: Option<&str>, token: &str) -> Result<(), StackError> {
        let id = self.inner.find(target).await?.map(|stack| stack.id);
        self.inner.delete(target, service_role, token).await?;
        self.report(target, id, token);
        Ok(())
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        self.inner.find(target).await
    }

    async fn events(
        &self,
        target: &StackTarget,
        stack_id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        self.inner.events(target, stack_id, after).await
    }

    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        self.inner.declared_parameters(target, template).await
    }
}

/// Returns the operation that a step with this token had accepted and that nobody has told it the end of.
pub(super) async fn operation_of(framework: &Framework, token: &TaskToken) -> Result<Option<StackOperation>, Failure> {
    let mut after: Option<String> = None;
    loop {
        let page = framework.inventory.list_resources(ResourceKind::CloudformationStack, after.as_deref()).await?;
        for record in page.items {
            let RecordKey::Resource(_, name) = record.key.clone() else { continue };
            after = Some(name);
            let stack: StackRecord = read(&record.key, record.body)?;
            if stack.sfn_token.as_deref() != Some(token.expose()) {
                continue;
            }
            let invalid =
                |error: InvalidValue| Failure::new("InternalError", format!("a stack's record is damaged: {error}"));
            let target = StackTarget {
                name: StackName::parse(&stack.stack_name).map_err(invalid)?,
                region: stack.region.as_deref().map(Region::parse).transpose().map_err(invalid)?,
                role: stack.execution_role_arn,
            };
            let token = stack.client_request_token;
            return Ok(Some(StackOperation { target, stack_id: stack.stack_id, token, is_init_stack: false }));
        }
        if !page.more {
            return Ok(None);
        }
    }
}

/// So many times in a row an event is given, or events are read, before that counts as impossible: about six seconds.
const TRIES: u32 = 6;

/// Gives the events of one operation to the guard, until the operation has ended.
///
/// What fails is tried again: the events stay where they are, and the guard takes doubled ones.
///
/// # Errors
///
/// When it goes on failing.
pub(super) async fn watch(framework: Arc<Framework>, operation: StackOperation) -> Result<(), Failure> {
    let place = Place {
        account: framework.place.account.clone(),
        region: operation.target.region.clone().unwrap_or_else(|| framework.place.region.clone()),
    };
    let stacks = if operation.is_init_stack { &framework.init_stacks } else { &framework.stacks };
    let mut after: Option<String> = None;
    let mut wait = Duration::from_millis(2);
    let mut failed = 0;
    loop {
        let page = stacks.events(&operation.target, operation.stack_id.as_deref(), after.as_deref()).await;
        let events = match page {
            Ok(page) => page.items,
            Err(error) if failed == TRIES => return Err(error.into()),
            Err(_) => {
                failed += 1;
                framework.clock.sleep(pause(failed)).await;
                continue;
            }
        };
        if events.is_empty() {
            framework.clock.sleep(wait).await;
            wait = (wait * 2).min(Duration::from_millis(500));
            continue;
        }
        wait = Duration::from_millis(2);
        for event in events {
            let ours = event.token.as_deref() == Some(operation.token.as_str());
            if ours {
                let taken = if operation.is_init_stack {
                    guard::init_stack_event(&framework, &event).await
                } else {
                    guard::stack_event(&framework, &place, &event).await
                };
                match taken {
                    Ok(()) => failed = 0,
                    Err(failure) if failed == TRIES => return Err(failure),
                    Err(_) => {
                        failed += 1;
                        framework.clock.sleep(pause(failed)).await;
                        break;
                    }
                }
            }
            after = Some(event.id.clone());
            if ours && event.is_about_the_stack() && !event.status.is_in_progress() {
                return Ok(());
            }
        }
    }
}

/// Returns the wait after so many failures in a row.
fn pause(failed: u32) -> Duration {
    Duration::from_millis(50) * 2_u32.pow(failed.min(TRIES))
}
