//! A runner with everything around it in memory.
#![allow(dead_code, reason = "every test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use attini_core::port::*;
use attini_core::runner::{
    HostSettings, JobMessage, JobSettings, LogLevel, NetworkSettings, RunnerRecord, RunnerState, StartupSettings,
    TaskSettings,
};
use attini_core::value::{KeyPrefix, ObjectIdentifier, ObjectKey, TaskToken, Timestamp, VersionId};
use attini_runner::{JobOutcome, Limits, Ports, Runner, RunnerConfig, RunnerObserver};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const HASH: i32 = 7;
pub(crate) const QUEUE: &str = "q";
pub(crate) const EXECUTION: &str = "arn:aws:states:r:a:execution:sm:e1";
pub(crate) const ZIP_KEY: &str = "dev/d/id1/distribution-origin/d.zip";

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Success(Value),
    Failure(String, String),
}

/// Revision and body of a record.
type Stored = (u64, Map<String, Value>);

/// Everything outside of the runner.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) messages: Mutex<VecDeque<(String, String)>>,
    pub(crate) in_flight: Mutex<HashMap<String, String>>,
    pub(crate) deleted: AtomicUsize,
    pub(crate) told: Mutex<Vec<(String, Told)>>,
    pub(crate) heartbeats: AtomicUsize,
    pub(crate) closed: AtomicBool,
    pub(crate) refusals: AtomicUsize,
    pub(crate) objects: Mutex<HashMap<String, Bytes>>,
    pub(crate) fetched: AtomicUsize,
    pub(crate) lines: Mutex<BTreeMap<String, Vec<LogLine>>>,
    pub(crate) logs_denied: AtomicBool,
    pub(crate) records: Mutex<HashMap<RecordKey, Stored>>,
    pub(crate) groups: Mutex<Vec<i32>>,
    pub(crate) notes: Mutex<Vec<String>>,
    pub(crate) running: AtomicUsize,
    pub(crate) most_running: AtomicUsize,
}

fn down() -> BoxError {
    "the service is down".into()
}

#[async_trait]
impl JobQueue for World {
    async fn send(&self, _queue: &str, dedup: &str, body: &str) -> Result<(), QueueError> {
        self.messages.lock().unwrap().push_back((dedup.to_owned(), body.to_owned()));
        Ok(())
    }
    async fn receive(&self, _queue: &str) -> Result<Option<Delivery>, QueueError> {
        let Some((handle, body)) = self.messages.lock().unwrap().pop_front() else { return Ok(None) };
        self.in_flight.lock().unwrap().insert(handle.clone(), body.clone());
        Ok(Some(Delivery { handle, body }))
    }
    async fn delete(&self, _queue: &str, handle: &str) -> Result<(), QueueError> {
        self.in_flight.lock().unwrap().remove(handle);
        self.deleted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn release(&self, _queue: &str, handle: &str) -> Result<(), QueueError> {
        if let Some(body) = self.in_flight.lock().unwrap().remove(handle) {
            self.messages.lock().unwrap().push_back((handle.to_owned(), body));
        }
        Ok(())
    }
}

impl World {
    fn tell(&self, token: &TaskToken, told: Told) -> Result<(), AnswerError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(AnswerError::Closed);
        }
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(AnswerError::Unavailable { source: down() });
        }
        self.told.lock().unwrap().push((token.expose().to_owned(), told));
        Ok(())
    }
}

#[async_trait]
impl TaskTokens for World {
    async fn succeed(&self, token: &TaskToken, output: &Value) -> Result<(), AnswerError> {
        self.tell(token, Told::Success(output.clone()))
    }
    async fn fail(&self, token: &TaskToken, error: &str, cause: &str) -> Result<(), AnswerError> {
        self.tell(token, Told::Failure(error.to_owned(), cause.to_owned()))
    }
    async fn heartbeat(&self, _token: &TaskToken) -> Result<(), AnswerError> {
        self.heartbeats.fetch_add(1, Ordering::SeqCst);
        if self.closed.load(Ordering::SeqCst) { Err(AnswerError::Closed) } else { Ok(()) }
    }
}

#[async_trait]
impl ObjectStore for World {
    async fn get(&self, key: &ObjectKey, _version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        let found = self.objects.lock().unwrap().get(key.as_str()).cloned();
        found.ok_or_else(|| StoreError::NotFound { key: key.clone() })
    }
    async fn open(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError> {
        self.fetched.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Cursor::new(self.get(key, version).await?)))
    }
    async fn put(&self, _: &ObjectKey, _: Body, _: Precondition<VersionId>) -> Result<VersionId, StoreError> {
        unreachable!("runners only read")
    }
    async fn delete(&self, _: &ObjectKey) -> Result<(), StoreError> {
        unreachable!("runners only read")
    }
    async fn list(&self, _: &KeyPrefix, _: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError> {
        unreachable!("runners only read")
    }
}

#[async_trait]
impl LogStore for World {
    async fn append(&self, log: &ObjectKey, lines: &[LogLine]) -> Result<(), Unavailable> {
        if self.logs_denied.load(Ordering::SeqCst) {
            return Err(Unavailable::new("append", down()));
        }
        self.lines.lock().unwrap().entry(log.to_string()).or_default().extend_from_slice(lines);
        Ok(())
    }
    async fn read(&self, log: &ObjectKey, from: usize) -> Result<Vec<LogLine>, Unavailable> {
        let lines = self.lines.lock().unwrap();
        Ok(lines.get(log.as_str()).map(|lines| lines[from..].to_vec()).unwrap_or_default())
    }
}

#[async_trait]
impl Inventory for World {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        let found = self.records.lock().unwrap().get(key).cloned();
        Ok(found.map(|(revision, body)| Record { key: key.clone(), body, revision: Revision(revision.to_string()) }))
    }
    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        let mut records = self.records.lock().unwrap();
        let old = records.get(key).map(|(revision, _)| Revision(revision.to_string()));
        let holds = match when {
            Precondition::None => true,
            Precondition::Absent => old.is_none(),
            Precondition::Unchanged(expected) => old == Some(expected),
        };
        if !holds {
            return Err(InventoryError::Conflict { key: key.clone() });
        }
        let next = old.map_or(0, |old| old.0.parse::<u64>().unwrap() + 1);
        records.insert(key.clone(), (next, body));
        Ok(Revision(next.to_string()))
    }
    async fn delete(&self, _: &RecordKey, _: Precondition<Revision>) -> Result<(), InventoryError> {
        unreachable!("runners delete nothing")
    }
    async fn list_deployments(
        &self,
        _: &attini_core::value::DeploymentName,
        _: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        unreachable!("runners list nothing")
    }
    async fn list_by_object(
        &self,
        _: &attini_core::value::DeploymentName,
        _: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        unreachable!("runners list nothing")
    }
    async fn list_resources(&self, _: ResourceKind, _: Option<&str>) -> Result<Page<Record>, InventoryError> {
        unreachable!("runners list nothing")
    }
}

#[async_trait]
impl Clock for World {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_ms(i64::try_from(now.as_millis()).unwrap())
    }
    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

#[async_trait]
impl RunnerObserver for World {
    async fn job_started(&self, _job: &JobMessage, process_group: i32) {
        self.groups.lock().unwrap().push(process_group);
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_running.fetch_max(running, Ordering::SeqCst);
    }
    async fn job_ended(&self, _job: &JobMessage, _outcome: &JobOutcome) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
    fn output(&self, job: Option<&JobMessage>, line: &str) {
        if job.is_none() {
            self.notes.lock().unwrap().push(format!("startup: {line}"));
        }
    }
    fn note(&self, _level: LogLevel, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

/// A runner in its world.
pub(crate) struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) dir: TempDir,
    pub(crate) config: RunnerConfig,
    pub(crate) shutdown: watch::Sender<bool>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = Arc::new(World::default());
        world.put_zip(ZIP_KEY, &[("sub/file.txt", "content", 0o644), ("run.sh", "echo ran\n", 0o755)]);
        let body = json!({"executionArns": {"sm": EXECUTION}});
        let name = attini_core::value::DeploymentName::of_raw("dev", "d");
        world.records.lock().unwrap().insert(RecordKey::latest(&name), (0, body.as_object().unwrap().clone()));
        let config = RunnerConfig {
            record: record(),
            configuration_hash: HASH,
            task_id: None,
            work_dir: dir.path().join("work"),
            base_environment: BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]),
            shell: PathBuf::from("/bin/bash"),
            log_url: None,
            supervisor: None,
            limits: Limits {
                kill_grace: Duration::from_millis(300),
                stop_kill_grace: Duration::from_millis(200),
                output_wait: Duration::from_millis(300),
                stop_grace: Duration::from_millis(100),
                patience: Duration::from_secs(5),
                backoff_first: Duration::from_millis(1),
                backoff_max: Duration::from_millis(10),
                ownership_wait: Duration::from_millis(50),
                log_flush: Duration::from_millis(5),
                poll_pause: Duration::from_millis(1),
                ..Limits::default()
            },
        };
        Self { world, dir, config, shutdown: watch::Sender::new(false) }
    }

    pub(crate) fn runner(&self) -> Runner {
        let world = &self.world;
        let ports = Ports {
            queue: world.clone(),
            tokens: world.clone(),
            objects: world.clone(),
            logs: world.clone(),
            inventory: world.clone(),
            clock: world.clone(),
            observer: world.clone(),
        };
        Runner::new(self.config.clone(), ports).unwrap()
    }

    /// Runs one job alone.
    pub(crate) async fn job(&self, commands: &[&str]) -> JobOutcome {
        self.run(&message("T", &json!({"Commands": commands}))).await
    }

    pub(crate) async fn run(&self, body: &Value) -> JobOutcome {
        let job = JobMessage::parse(&body.to_string()).unwrap();
        self.runner().run_job(&job, self.shutdown.subscribe()).await
    }

    pub(crate) fn queue(&self, body: &Value) {
        let id = self.world.messages.lock().unwrap().len();
        let handle = format!("{id}-{}", body["deploymentPlanExecutionMetadata"]["sfnToken"]);
        self.world.messages.lock().unwrap().push_back((handle, body.to_string()));
    }

    pub(crate) fn jobs_dir_is_empty(&self) -> bool {
        self.config.work_dir.join("jobs").read_dir().unwrap().count() == 0
    }
}

impl World {
    pub(crate) fn put_zip(&self, key: &str, files: &[(&str, &str, u32)]) {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, content, mode) in files {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        let bytes = writer.finish().unwrap().into_inner();
        self.objects.lock().unwrap().insert(key.to_owned(), bytes.into());
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.lock().unwrap().values().flatten().map(|line| line.text.clone()).collect()
    }

    pub(crate) fn told(&self) -> Vec<(String, Told)> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(20), async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("{what}: {self:?}"));
    }
}

pub(crate) fn record() -> RunnerRecord {
    RunnerRecord {
        resource_name: "dev-p-R".into(),
        name: "R".into(),
        stack: "dev-p".into(),
        queue: QUEUE.into(),
        environment: "dev".into(),
        distribution_name: "d".into(),
        distribution_id: "id1".into(),
        object_identifier: ObjectIdentifier::from_record("k#v"),
        framework_version: None,
        task: TaskSettings::default(),
        network: NetworkSettings::default(),
        jobs: JobSettings { idle_time_to_live: Some(Duration::from_millis(20)), ..JobSettings::default() },
        startup: StartupSettings::default(),
        host: None::<HostSettings>,
        state: RunnerState::default(),
    }
}

pub(crate) fn message(token: &str, properties: &Value) -> Value {
    json!({
        "output": {"Db": {"Arn": "a"}},
        "Properties": properties,
        "deploymentPlanExecutionMetadata": {"retryCounter": 0, "sfnToken": token, "stepName": "Job/../1",
            "executionArn": EXECUTION, "executionStartTime": "2024-01-01T00:00:00Z"},
        "deploymentOriginData": {"distributionName": "d", "environment": "dev", "distributionId": "id1",
            "deploymentSource": {"deploymentSourcePrefix": "dev/d/id1/distribution-origin",
                "deploymentSourceBucket": "attini-artifact-store-r-a"},
            "objectIdentifier": "dev/d/d.zip#v1", "stackName": "dev-p"},
        "dependencies": {}, "customData": {}, "stackParameters": {"P": "1"}, "appConfig": null,
        "taskConfigHashCode": HASH
    })
}

pub(crate) fn failure(outcome: &JobOutcome) -> (&str, &str) {
    match outcome {
        JobOutcome::Failed { error, cause } => (error, cause),
        other => panic!("{other:?}"),
    }
}

/// Says whether a process lives that is not just waiting to be collected.
pub(crate) fn lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().and_then(|rest| rest.trim().chars().next()).is_some_and(|state| state != 'Z')
}
