use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::follow::FollowPorts;
use attini_core::port::*;
use attini_core::value::*;
use serde_json::{Map, Value, json};

use crate::app;
use crate::context::Settings;
use crate::error::CommandError;
use crate::ui::{Terminal, Ui};
use crate::world::*;

pub(super) const ARN: &str = "arn:aws:states:eu-west-1:000000000000:execution:AttiniDeploymentPlanSfnPlan-a:e1";

/// One machine's world, in memory. Every upload becomes the deployment that the test has scripted.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub records: Mutex<BTreeMap<RecordKey, Map<String, Value>>>,
    pub uploads: Mutex<Vec<String>>,
    pub answers: Mutex<Vec<ApprovalAnswer>>,
    pub edits: Mutex<Vec<Edit>>,
    pub packaged: Mutex<Vec<PackageRequest>>,
    pub options: Mutex<Option<LocalOptions>>,
    /// What another process records while this one packages.
    pub meanwhile: Mutex<Option<(RecordKey, Value)>>,
    pub deployment: Mutex<Map<String, Value>>,
    pub status: Mutex<Option<ExecutionStatus>>,
    pub history: Mutex<Vec<HistoryEvent>>,
    pub log: Mutex<Vec<String>>,
    pub stack_events: Mutex<Vec<StackEvent>>,
    pub values: Mutex<BTreeMap<String, Value>>,
    time: AtomicI64,
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

impl Memory {
    pub(super) fn with_environments(names: &[(&str, &str)]) -> Arc<Self> {
        let world = Arc::new(Self::default());
        world.deployment.lock().expect("free").extend(object(&json!({
            "initStackUnchanged": true, "stackName": "dev-shop", "deploymentPlanCount": 0, "outcome": "SUCCEEDED",
        })));
        for (name, kind) in names {
            let key = RecordKey::Resource(ResourceKind::Environment, (*name).to_owned());
            world.set(key, &json!({ "environmentType": kind }));
        }
        world
    }

    pub(super) fn set(&self, key: RecordKey, body: &Value) {
        self.records.lock().expect("free").insert(key, object(body));
    }

    /// Lets every deployment run this plan: `(ms since the start, previous id, kind, details)`.
    pub(super) fn plan(&self, steps: &Value, status: ExecutionStatus, history: &[(i64, u64, &str, Value)]) {
        let outcome = if status == ExecutionStatus::Succeeded { "SUCCEEDED" } else { "FAILED" };
        self.deployment.lock().expect("free").extend(object(&json!({
            "deploymentPlanCount": 1, "executionArns": {"plan": ARN}, "attiniSteps": steps, "outcome": outcome,
        })));
        *self.status.lock().expect("free") = Some(status);
        let event = |(index, (ms, previous_id, kind, details)): (usize, &(i64, u64, &str, Value))| HistoryEvent {
            id: index as u64 + 1,
            previous_id: *previous_id,
            time: Timestamp::from_ms(2_000 + ms),
            kind: (*kind).to_owned(),
            details: details.clone(),
        };
        *self.history.lock().expect("free") = history.iter().enumerate().map(event).collect();
    }

    fn deploy(&self, environment: &str, distribution: &str) -> ObjectIdentifier {
        let mut uploads = self.uploads.lock().expect("free");
        let number = uploads.len() + 1;
        let object_id = format!("{environment}/{distribution}/{distribution}.zip#v{number}");
        uploads.push(object_id.clone());
        let mut body = self.deployment.lock().expect("free").clone();
        body.extend(object(&json!({
            "environment": environment, "distributionName": distribution, "distributionId": "7", "version": "1.4.0",
            "objectIdentifier": object_id,
        })));
        let name = DeploymentName::of_raw(environment, distribution);
        let mut records = self.records.lock().expect("free");
        records.insert(RecordKey::latest(&name), body.clone());
        records.insert(RecordKey::Deployment(name, Timestamp::from_ms(1_000 * number as i64)), body);
        ObjectIdentifier::from_record(object_id)
    }
}

fn record((key, body): (&RecordKey, &Map<String, Value>)) -> Record {
    Record { key: key.clone(), body: body.clone(), revision: Revision(String::new()) }
}

/// A page of two: whoever forgets to go on is found out.
fn page<T>(items: Vec<T>) -> Page<T> {
    Page { more: items.len() > 2, items: items.into_iter().take(2).collect() }
}

#[async_trait]
impl Inventory for Memory {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        Ok(self.records.lock().expect("free").get_key_value(key).map(record))
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        let mut records = self.records.lock().expect("free");
        if when == Precondition::Absent && records.contains_key(key) {
            return Err(InventoryError::Conflict { key: key.clone() });
        }
        records.insert(key.clone(), body);
        Ok(Revision(String::new()))
    }

    async fn delete(&self, key: &RecordKey, _: Precondition<Revision>) -> Result<(), InventoryError> {
        self.records.lock().expect("free").remove(key);
        Ok(())
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        let records = self.records.lock().expect("free");
        let wanted = |key: &RecordKey| match key {
            RecordKey::Deployment(found, time) => {
                found == name && time.as_ms() != 0 && before.is_none_or(|before| *time < before)
            }
            RecordKey::Resource(..) => false,
        };
        Ok(page(records.iter().rev().filter(|(key, _)| wanted(key)).map(record).collect()))
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        wanted: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        let records = self.records.lock().expect("free");
        let is_it = |key: &RecordKey, body: &Map<String, Value>| {
            matches!(key, RecordKey::Deployment(found, _) if found == name)
                && body.get("objectIdentifier").and_then(Value::as_str) == Some(wanted.as_str())
        };
        Ok(records.iter().filter(|(key, body)| is_it(key, body)).map(record).collect())
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        let records = self.records.lock().expect("free");
        let wanted = |key: &RecordKey| {
            matches!(key, RecordKey::Resource(found, name)
                if *found == kind && after.is_none_or(|after| name.as_str() > after))
        };
        Ok(page(records.iter().filter(|(key, _)| wanted(key)).map(record).collect()))
    }
}

#[async_trait]
impl Workflows for Memory {
    async fn start(&self, machine: &MachineArn, _: &str, _: &Value) -> Result<ExecutionArn, WorkflowError> {
        Err(WorkflowError::NotFound { arn: machine.to_string() })
    }

    async fn describe(&self, execution: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        let status = self.status.lock().expect("free").expect("a plan");
        let history = self.history.lock().expect("free");
        let last = history.last().expect("a history");
        let detail = |key: &str| last.details.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(ExecutionDescription {
            arn: execution.clone(),
            status,
            input: Value::Null,
            output: None,
            error: detail("error"),
            cause: detail("cause"),
            started: Timestamp::from_ms(2_000),
            ended: Some(last.time),
        })
    }

    async fn list_running(
        &self,
        _: &MachineArn,
        _: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        Ok(page(Vec::new()))
    }

    async fn stop(&self, _: &ExecutionArn, _: &str) -> Result<(), WorkflowError> {
        Ok(())
    }

    async fn history(&self, _: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        let history = self.history.lock().expect("free");
        Ok(page(history.iter().filter(|event| event.id > after).cloned().collect()))
    }
}

#[async_trait]
impl LogStore for Memory {
    async fn append(&self, _: &ObjectKey, _: &[LogLine]) -> Result<(), Unavailable> {
        Ok(())
    }

    async fn read(&self, _: &ObjectKey, from: usize) -> Result<Vec<LogLine>, Unavailable> {
        let line = |text: &String| LogLine { time: Timestamp::from_ms(2_500), text: text.clone() };
        Ok(self.log.lock().expect("free").iter().skip(from).map(line).collect())
    }
}

#[async_trait]
impl StackService for Memory {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        Err(StackError::NotFound { name: request.target.name.clone() })
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        Err(StackError::NotFound { name: request.target.name.clone() })
    }

    async fn delete(&self, _: &StackTarget, _: Option<&str>, _: &str) -> Result<(), StackError> {
        Ok(())
    }

    async fn find(&self, _: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        Ok(None)
    }

    async fn events(
        &self,
        target: &StackTarget,
        _: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        let events = self.stack_events.lock().expect("free");
        let wanted =
            |event: &&StackEvent| event.stack == target.name && after.is_none_or(|after| event.id.as_str() > after);
        Ok(page(events.iter().filter(wanted).cloned().collect()))
    }

    async fn declared_parameters(
        &self,
        _: &StackTarget,
        _: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(60_000 + self.time.load(Ordering::SeqCst))
    }

    async fn sleep(&self, wait: Duration) {
        self.time.fetch_add(i64::try_from(wait.as_millis()).expect("short"), Ordering::SeqCst);
    }
}

/// A handle on the world, as a command gets it.
struct Handle(Arc<Memory>);

#[async_trait]
impl World for Handle {
    fn ports(&self) -> FollowPorts {
        let memory = &self.0;
        FollowPorts {
            inventory: memory.clone(),
            workflows: memory.clone(),
            logs: memory.clone(),
            stacks: memory.clone(),
            clock: memory.clone(),
        }
    }

    fn about(&self) -> Vec<(&'static str, String)> {
        vec![("account", "000000000000".to_owned()), ("region", "eu-west-1".to_owned())]
    }

    async fn upload(
        &self,
        environment: &Environment,
        distribution: &DistributionName,
        _: &Path,
    ) -> Result<ObjectIdentifier, CommandError> {
        Ok(self.0.deploy(environment.as_str(), distribution.as_str()))
    }

    async fn upload_again(&self, earlier: &ObjectIdentifier) -> Result<ObjectIdentifier, CommandError> {
        let parts: Vec<&str> = earlier.as_str().split('/').collect();
        Ok(self.0.deploy(parts[0], parts[1]))
    }

    async fn download(&self, _: &str, _: &str, id: &str) -> Result<Option<Vec<u8>>, CommandError> {
        Ok((id == "7").then(|| b"zip".to_vec()))
    }

    async fn output(&self, _: &str, _: &str, id: &str) -> Result<Option<Value>, CommandError> {
        Ok(self.0.values.lock().expect("free").get(id).cloned())
    }

    async fn answer(&self, answer: &ApprovalAnswer) -> Result<(), CommandError> {
        self.0.answers.lock().expect("free").push(answer.clone());
        Ok(())
    }
}

#[async_trait]
impl LocalWorld for Handle {
    async fn set_values(&self, _: &Environment, _: &Path) -> Result<Vec<String>, CommandError> {
        Ok(vec!["parameter /a".to_owned()])
    }

    async fn values(&self, _: &str) -> Result<Value, CommandError> {
        Ok(serde_json::json!({ "parameters": { "/a": "b" } }))
    }

    async fn stacks(&self, _: Option<&str>) -> Result<Vec<Value>, CommandError> {
        Ok(vec![json!({ "name": "shop", "status": "CREATE_COMPLETE" })])
    }

    async fn stack(&self, name: &str, region: Option<&Region>) -> Result<Vec<Value>, CommandError> {
        let stack = |region: &str| {
            json!({
                "name": name, "status": "UPDATE_ROLLBACK_COMPLETE", "region": region, "reason": null, "outputs": {},
                "parameters": { "Password": "****" },
                "events": [
                    { "time": "2026-01-01 10:00:00", "status": "UPDATE_FAILED", "logicalId": "Queue", "reason": "no capacity" },
                    { "time": "2026-01-01 10:00:01", "status": "UPDATE_COMPLETE", "logicalId": "Queue", "reason": null },
                ],
            })
        };
        let regions = if name == "both" { vec!["eu-west-1", "eu-north-1"] } else { vec!["eu-west-1"] };
        let wanted = regions.into_iter().filter(|own| region.is_none_or(|region| region.as_str() == *own));
        Ok(wanted.filter(|_| name != "none").map(stack).collect())
    }

    async fn reset(&self, environment: Option<&str>) -> Result<Vec<String>, CommandError> {
        let mut records = self.0.records.lock().expect("free");
        let is_it = |name: &String| environment.is_none_or(|wanted| wanted == name);
        let mut removed = Vec::new();
        records.retain(|key, _| match key {
            RecordKey::Resource(ResourceKind::Environment, name) if is_it(name) => {
                removed.push(name.clone());
                false
            }
            _ => true,
        });
        Ok(removed)
    }

    async fn work(&self, _: &ObjectIdentifier) -> Result<(), CommandError> {
        Ok(())
    }
}

struct Files(Arc<Memory>);

impl Packager for Files {
    fn package(&self, request: &PackageRequest, tell: &mut dyn FnMut(PackageEvent)) -> Result<Packaged, CommandError> {
        self.0.packaged.lock().expect("free").push(request.clone());
        if let Some((key, body)) = self.0.meanwhile.lock().expect("free").take() {
            self.0.set(key, &body);
        }
        tell(PackageEvent::Message("Packaging distribution: shop".to_owned()));
        tell(PackageEvent::Output("hi".to_owned()));
        let zip = PathBuf::from("attini_dist/shop.zip");
        Ok(Packaged { identity: self.inspect(&zip)?, zip })
    }

    fn inspect(&self, _: &Path) -> Result<Identity, CommandError> {
        let name = DistributionName::parse("shop").expect("valid");
        let (id, version) = (Some("7".to_owned()), Some("1.4.0".to_owned()));
        Ok(Identity { name, id, version, tags: Map::new() })
    }

    fn content_digest(&self, _: &Path) -> Result<String, CommandError> {
        Ok("new-digest".to_owned())
    }

    fn edit(&self, edit: &Edit) -> Result<crate::world::Edited, CommandError> {
        self.0.edits.lock().expect("free").push(edit.clone());
        Ok(crate::world::Edited { file: PathBuf::from("attini-config.yaml"), changed: true })
    }

    fn validate(&self, _: &Path) -> Result<attini_local::project::Validation, CommandError> {
        Ok(attini_local::project::Validation { files: Vec::new(), problems: Vec::new() })
    }

    fn explain(
        &self,
        _: &Path,
        _: &Environment,
        _: &attini_core::value::DistributionId,
    ) -> Result<Vec<attini_core::config::Explained>, CommandError> {
        Ok(Vec::new())
    }
}

struct InMemory(Arc<Memory>);

impl Backends for InMemory {
    fn local_world(&self, options: &LocalOptions) -> Result<Box<dyn LocalWorld>, CommandError> {
        *self.0.options.lock().expect("free") = Some(options.clone());
        Ok(Box::new(Handle(self.0.clone())))
    }

    fn packager(&self) -> Box<dyn Packager> {
        Box::new(Files(self.0.clone()))
    }
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("free").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a command printed and returned.
pub(super) struct Ran {
    pub out: String,
    pub err: String,
    pub code: u8,
}

/// Stdout, stderr and exit code in one text.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.out)?;
        if !self.err.is_empty() {
            write!(f, "------- stderr -------\n{}", self.err)?;
        }
        if self.code == 0 { Ok(()) } else { write!(f, "[exit status: {}]", self.code) }
    }
}

/// Runs a command line, words separated by blanks, without a terminal.
pub(super) fn attini(world: &Arc<Memory>, line: &str) -> Ran {
    attini_on(world, line, Terminal::default(), "")
}

/// Runs a command line on a terminal of 40 columns, where a person types `answers`.
pub(super) fn attini_on(world: &Arc<Memory>, line: &str, terminal: Terminal, answers: &str) -> Ran {
    let (out, err) = (Sink::default(), Sink::default());
    let input = Box::new(Cursor::new(answers.to_owned().into_bytes()));
    let (boxed_out, boxed_err) = (Box::new(out.clone()), Box::new(err.clone()));
    let mut ui = Ui::new(boxed_out, boxed_err, input, terminal, || 40, || 1_700_000_000_000);
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let code = app::run(&args, &Settings::default(), &InMemory(world.clone()), &mut ui);
    let text = |sink: Sink| String::from_utf8(sink.0.lock().expect("free").clone()).expect("UTF-8");
    Ran { out: text(out), err: text(err), code }
}
