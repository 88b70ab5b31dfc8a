//! What the home of a test holds: stacks, executions and workers, read as a program that embeds the local world would.

use std::future::Future;

use attini_core::port::{
    Body, HistoryEvent, ObjectStore, Precondition, RecordKey, ResourceKind, StackDescription, StackTarget,
};
use attini_core::value::{DeploymentName, ExecutionArn, ObjectKey, StackName};
use attini_local::store::{FsObjectStore, Home, deployments, stacks};
use attini_local::world::{LocalWorld, Options};
use serde_json::Value;

use crate::support::TestEnv;

impl TestEnv {
    fn world(&self) -> LocalWorld {
        LocalWorld::open(Options::new(self.home().join("local"))).unwrap()
    }

    /// Returns a stack as the stack service describes it.
    pub(crate) fn find_stack(&self, environment: &str, name: &str) -> Option<StackDescription> {
        let target = StackTarget::own(StackName::parse(name).unwrap());
        block_on(self.world().framework(environment).stacks.find(&target)).unwrap()
    }

    /// Returns a stack that must be there.
    #[track_caller]
    pub(crate) fn stack(&self, environment: &str, name: &str) -> StackDescription {
        self.find_stack(environment, name).unwrap_or_else(|| panic!("there is no stack {name}"))
    }

    /// Puts an object beside the published files, as a job with credentials would.
    pub(crate) fn put_artifact(&self, key: &str, content: &[u8]) {
        let world = self.world();
        let store = FsObjectStore::new(Home::open(world.home()).unwrap(), world.place().artifact_bucket());
        let body = Body::from(content.to_vec());
        block_on(store.put(&ObjectKey::new(key), body, Precondition::Absent)).unwrap();
    }

    /// Returns the resources of a stack by logical id, with their properties and attributes.
    #[track_caller]
    pub(crate) fn resources(&self, stack: &str) -> Value {
        let world = self.world();
        let home = Home::open(world.home()).unwrap();
        let name = StackName::parse(stack).unwrap();
        let found = home.read(|tx| stacks::find(tx, &world.place().region, &name)).unwrap();
        found.unwrap_or_else(|| panic!("there is no stack {stack}")).state["resources"].take()
    }

    /// Returns the history of the newest execution of a distribution's plan.
    pub(crate) fn execution_events(&self, environment: &str, distribution: &str) -> Vec<HistoryEvent> {
        let ports = self.world().follow_ports();
        let name = DeploymentName::of_raw(environment, distribution);
        block_on(async {
            let newest = ports.inventory.list_deployments(&name, None).await.unwrap().items.remove(0);
            assert!(matches!(newest.key, RecordKey::Deployment(_, time) if time.as_ms() != 0));
            let arns = newest.body["executionArns"].as_object().unwrap();
            let arn = ExecutionArn::from_record(arns.values().next().unwrap().as_str().unwrap());
            let mut events: Vec<HistoryEvent> = Vec::new();
            loop {
                let after = events.last().map_or(0, |event| event.id);
                let page = ports.workflows.history(&arn, after).await.unwrap();
                let more = page.more;
                events.extend(page.items);
                if !more {
                    return events;
                }
            }
        })
    }

    /// Returns a record of the inventory.
    #[track_caller]
    pub(crate) fn record(&self, kind: ResourceKind, name: &str) -> Value {
        let inventory = self.world().follow_ports().inventory;
        let found = block_on(inventory.find(&RecordKey::Resource(kind, name.to_owned()))).unwrap();
        found.unwrap_or_else(|| panic!("there is no record {name}")).body.into()
    }

    /// Returns the processes that carry out deployments.
    pub(crate) fn workers(&self) -> Vec<u32> {
        let local = self.home().join("local");
        if !local.exists() {
            return Vec::new();
        }
        let Ok(home) = Home::open(&local) else { return Vec::new() };
        let open = home.read(deployments::list_open).unwrap_or_default();
        open.into_iter().filter_map(|deployment| deployment.owner_pid).collect()
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
