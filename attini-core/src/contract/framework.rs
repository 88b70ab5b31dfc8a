use std::io::{Cursor, Write};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{
    Faults, MemFunctions, MemInventory, MemNotifications, MemObjectStore, MemParameters, MemQueue, MemStackService,
    MemTaskTokens, MemWorkflows, RecordingFleet, SequentialIds, SettableClock,
};
use crate::deploy::{Registration, Upload, register_plan};
use crate::framework::{Framework, Settings};
use crate::inventory::ensure_environment;
use crate::port::{Clock, Inventory, ObjectStore, Precondition, RecordKey, StackEvent};
use crate::value::{
    AccountId, DeploymentName, Environment, EnvironmentType, MachineArn, ObjectIdentifier, ObjectKey, Place, Region,
};

/// The framework over ports in memory, with the fakes at hand: account 111122223333 in `eu-west-1`, at 1,700,000,000,000 ms.
#[derive(Debug)]
pub struct TestFramework {
    /// What the functions under test get.
    pub framework: Framework,
    /// Time.
    pub clock: Arc<SettableClock>,
    /// Records.
    pub inventory: Arc<MemInventory>,
    /// Uploads.
    pub origin: Arc<MemObjectStore>,
    /// Published files.
    pub artifacts: Arc<MemObjectStore>,
    /// Parameters.
    pub parameters: Arc<MemParameters>,
    /// Init stacks.
    pub init_stacks: Arc<MemStackService>,
    /// Stacks of steps.
    pub stacks: Arc<MemStackService>,
    /// Plans.
    pub workflows: Arc<MemWorkflows>,
    /// Waiting steps.
    pub tokens: Arc<MemTaskTokens>,
    /// Jobs.
    pub jobs: Arc<MemQueue>,
    /// Runners.
    pub fleet: Arc<RecordingFleet>,
    /// Messages about deployments.
    pub notifications: Arc<MemNotifications>,
}

impl Default for TestFramework {
    fn default() -> Self {
        Self::new()
    }
}

impl TestFramework {
    /// Makes a framework without environments.
    ///
    /// # Panics
    ///
    /// Never: account and region are valid.
    #[must_use]
    pub fn new() -> Self {
        let place = Place {
            account: AccountId::parse("111122223333").expect("is 12 digits"),
            region: Region::parse("eu-west-1").expect("is a region"),
        };
        let clock = Arc::new(SettableClock::at(1_700_000_000_000));
        let inventory = Arc::new(MemInventory::default());
        let (origin, artifacts) = (Arc::new(MemObjectStore::default()), Arc::new(MemObjectStore::default()));
        let parameters = Arc::new(MemParameters::default());
        let init_stacks = Arc::new(MemStackService::new(clock.clone()));
        let stacks = Arc::new(MemStackService::new(clock.clone()));
        let workflows = Arc::new(MemWorkflows::new(clock.clone()));
        let tokens = Arc::new(MemTaskTokens::default());
        let (jobs, fleet) = (Arc::new(MemQueue::default()), Arc::new(RecordingFleet::default()));
        let notifications = Arc::new(MemNotifications::default());
        let framework = Framework {
            place,
            settings: Settings { version: "1.0.0".to_owned(), ..Settings::default() },
            origin: origin.clone(),
            artifacts: artifacts.clone(),
            inventory: inventory.clone(),
            parameters: parameters.clone(),
            init_stacks: init_stacks.clone(),
            stacks: stacks.clone(),
            workflows: workflows.clone(),
            tokens: tokens.clone(),
            jobs: jobs.clone(),
            fleet: fleet.clone(),
            functions: Arc::new(MemFunctions::default()),
            notifications: notifications.clone(),
            clock: clock.clone(),
            ids: Arc::new(SequentialIds::default()),
        };
        Self {
            framework,
            clock,
            inventory,
            origin,
            artifacts,
            parameters,
            init_stacks,
            stacks,
            workflows,
            tokens,
            jobs,
            fleet,
            notifications,
        }
    }

    /// Returns the framework with ports of which some calls fail.
    #[must_use]
    pub fn under(&self, faults: &Faults) -> Framework {
        Framework {
            origin: faults.object_store(self.origin.clone()),
            artifacts: faults.object_store(self.artifacts.clone()),
            inventory: faults.inventory(self.inventory.clone()),
            parameters: faults.parameter_store(self.parameters.clone()),
            init_stacks: faults.stack_service(self.init_stacks.clone()),
            stacks: faults.stack_service(self.stacks.clone()),
            workflows: faults.workflows(self.workflows.clone()),
            tokens: faults.task_tokens(self.tokens.clone()),
            jobs: faults.job_queue(self.jobs.clone()),
            fleet: faults.runner_fleet(self.fleet.clone()),
            notifications: faults.notifications(self.notifications.clone()),
            ..self.framework.clone()
        }
    }

    /// Creates an environment of type test.
    ///
    /// # Panics
    ///
    /// When the name is none.
    pub async fn create_environment(&self, name: &str) {
        let name = Environment::parse(name).expect("an environment name");
        ensure_environment(self.inventory.as_ref(), &name, EnvironmentType::Test).await.expect("fakes do not fail");
    }

    /// Uploads a zip of these files now, as user `me`.
    ///
    /// # Panics
    ///
    /// Never: memory takes every object.
    pub async fn upload(&self, key: &str, files: &[(&str, &str)]) -> Upload {
        self.upload_bytes(key, zip_of(files)).await
    }

    /// Uploads anything now, as user `me`.
    ///
    /// # Panics
    ///
    /// Never: memory takes every object.
    pub async fn upload_bytes(&self, key: &str, bytes: Vec<u8>) -> Upload {
        let key = ObjectKey::new(key);
        let version = self.origin.put(&key, bytes.into(), Precondition::None).await.expect("memory takes every object");
        Upload { key, version, user: "me".to_owned(), time: self.clock.now() }
    }

    /// Makes the state machine of an init stack, and registers it, as the stack's resources do while it is created.
    ///
    /// # Panics
    ///
    /// When the stack's record is missing.
    pub async fn register(&self, stack: &str, steps: Value) -> MachineArn {
        let machine = self.framework.place.machine_arn(&format!("{stack}-Plan"));
        self.workflows.register(&machine);
        let plan = Registration { steps, ..registration(stack, &machine) };
        register_plan(self.inventory.as_ref(), &plan, None, "1.0.0").await.expect("the stack is known");
        machine
    }

    /// Returns a record's body.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn body(&self, key: &RecordKey) -> Value {
        self.find_body(key).unwrap_or_else(|| panic!("there is no {key}"))
    }

    /// Returns a record's body, if there is one.
    #[must_use]
    pub fn find_body(&self, key: &RecordKey) -> Option<Value> {
        let records = self.inventory.records();
        records.into_iter().find(|record| record.key == *key).map(|record| Value::Object(record.body))
    }

    /// Returns all records without their revisions, in order of their keys.
    #[must_use]
    pub fn bodies(&self) -> Vec<(RecordKey, Map<String, Value>)> {
        self.inventory.records().into_iter().map(|record| (record.key, record.body)).collect()
    }

    /// Returns the own record of an upload's deployment in one environment under one name.
    ///
    /// # Panics
    ///
    /// When there is none, or more than one.
    #[must_use]
    pub fn deployment(&self, environment: &str, name: &str, object: &ObjectIdentifier) -> Value {
        let name = DeploymentName::of_raw(environment, name);
        let is_it = |key: &RecordKey, body: &Map<String, Value>| match key {
            RecordKey::Deployment(found, time) => {
                *found == name && time.as_ms() != 0 && body["objectIdentifier"] == object.as_str()
            }
            RecordKey::Resource(..) => false,
        };
        let mut found: Vec<_> = self.inventory.records();
        found.retain(|record| is_it(&record.key, &record.body));
        assert_eq!(found.len(), 1, "records of {object} under {name}");
        Value::Object(found.remove(0).body)
    }

    /// Returns the copy at time 0.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn latest(&self, environment: &str, name: &str) -> Value {
        self.body(&RecordKey::latest(&DeploymentName::of_raw(environment, name)))
    }

    /// Lets all operations on init stacks end, and returns all their events, in order.
    #[must_use]
    pub fn init_events(&self) -> Vec<StackEvent> {
        self.init_stacks.settle();
        self.init_stacks.all_events()
    }

    /// Lets all operations on stacks of steps end, and returns all their events, in order.
    #[must_use]
    pub fn step_events(&self) -> Vec<StackEvent> {
        self.stacks.settle();
        self.stacks.all_events()
    }

    /// Returns kind and status of the notifications so far.
    #[must_use]
    pub fn notified(&self) -> Vec<(String, String)> {
        let published = self.notifications.published();
        published.into_iter().map(|message| (message.kind.to_owned(), message.status)).collect()
    }

    /// Writes a record as it is.
    ///
    /// # Panics
    ///
    /// When `body` is no object.
    pub async fn put(&self, key: &RecordKey, body: Value) {
        let Value::Object(body) = body else { panic!("{key} is no object") };
        self.inventory.put(key, body, Precondition::None).await.expect("memory takes every record");
    }
}

/// Returns a plan without steps and runners.
#[must_use]
pub fn registration(stack: &str, machine: &MachineArn) -> Registration {
    Registration {
        stack: stack.to_owned(),
        machine: machine.clone(),
        runners: Vec::new(),
        parameters: std::collections::BTreeMap::new(),
        payload_defaults: json!({}),
        concurrency: None,
        steps: json!([]),
    }
}

/// Returns a zip of these files.
///
/// # Panics
///
/// When two files have the same name.
#[must_use]
pub fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        zip.start_file(*path, SimpleFileOptions::default()).expect("a new name");
        zip.write_all(content.as_bytes()).expect("memory takes every file");
    }
    zip.finish().expect("memory takes every zip").into_inner()
}
