use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::*;
use crate::port::*;
use crate::value::*;

const ARN: &str = "arn:aws:states:eu-west-1:000000000000:execution:AttiniDeploymentPlanSfnPlan-a:e1";
const DEPLOYED: i64 = 1_000;

/// A deployment under way, told event by event.
struct Story {
    follower: Follower,
    events: Vec<HistoryEvent>,
    record: Map<String, Value>,
    now: i64,
}

#[allow(clippy::needless_pass_by_value, reason = "callers write it in place with `json!`")]
fn object(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn record(body: Value) -> Map<String, Value> {
    let mut all = object(json!({
        "environment": "dev", "distributionName": "shop", "distributionId": "7", "stackName": "dev-shop",
        "initStackUnchanged": true, "deploymentPlanCount": 1, "executionArns": {"p": ARN},
        "attiniSteps": [
            {"name": "Job", "type": "AttiniRunnerJob"}, {"name": "Ask", "type": "AttiniManualApproval"},
            {"name": "Db", "type": "AttiniCfn"}
        ]
    }));
    all.extend(object(body));
    all
}

fn stored(body: &Map<String, Value>) -> Record {
    let name = DeploymentName::of_raw("dev", "shop");
    let key = RecordKey::Deployment(name, Timestamp::from_ms(DEPLOYED));
    Record { key, body: body.clone(), revision: Revision("1".to_owned()) }
}

fn description(status: ExecutionStatus, error: Option<&str>) -> ExecutionDescription {
    let ended = (status != ExecutionStatus::Running).then(|| Timestamp::from_ms(9_000));
    ExecutionDescription {
        arn: ExecutionArn::from_record(ARN),
        status,
        input: Value::Null,
        output: None,
        error: error.map(str::to_owned),
        cause: error.map(|_| "the cause".to_owned()),
        started: Timestamp::from_ms(2_000),
        ended,
    }
}

impl Story {
    fn new(body: Value) -> Self {
        let follower = Follower::new(Timestamp::from_ms(DEPLOYED), Duration::from_secs(900));
        Self { follower, events: Vec::new(), record: record(body), now: 5_000 }
    }

    /// Adds history events as `(previous id, kind, details)`; each takes 100 ms.
    fn history(mut self, events: &[(u64, &str, Value)]) -> Self {
        for (previous_id, kind, details) in events {
            let id = self.events.len() as u64 + 1;
            let time = Timestamp::from_ms(2_000 + id as i64 * 100);
            let (previous_id, details) = (*previous_id, details.clone());
            self.events.push(HistoryEvent { id, previous_id, time, kind: (*kind).to_owned(), details });
        }
        self
    }

    fn read(&mut self, description: ExecutionDescription, logs: &[&str]) -> Vec<String> {
        self.follower.see_record(&stored(&self.record));
        let arn = description.arn.clone();
        assert!(self.follower.see_execution(description));
        self.follower.see_history(&arn, &self.events);
        for request in self.follower.log_requests() {
            let time = Timestamp::from_ms(3_000);
            let lines = logs.iter().skip(request.from);
            let lines = lines.map(|text| LogLine { time, text: (*text).to_owned() }).collect();
            self.follower.see_log(&request.log, lines);
        }
        self.now += 10;
        let told = self.follower.settle(Timestamp::from_ms(self.now));
        told.iter().map(|event| short(&event.what)).collect()
    }

    fn running(&mut self) -> Vec<String> {
        self.read(description(ExecutionStatus::Running, None), &[])
    }
}

fn short(what: &What) -> String {
    let ms = Duration::as_millis;
    match what {
        What::Published(it) => format!("published {} {}", it.environment, it.distribution),
        What::StepStarted(step) => format!("started {}#{}", step.name, step.id),
        What::StepOutput { step, line } => format!("output {}#{} {}", step.name, step.id, line.text),
        What::StepSucceeded { step, duration, output } => {
            let output = output.as_ref().map(|output| format!(" {output}")).unwrap_or_default();
            format!("succeeded {}#{} {}{output}", step.name, step.id, ms(duration))
        }
        What::StepFailed { step, error, cause, caught, first_cause, .. } => {
            let first = if first_cause.is_some() { " first" } else { "" };
            let caught = if *caught { " caught" } else { "" };
            format!("failed {}#{} {error}: {cause}{caught}{first}", step.name, step.id)
        }
        What::StepStopped { step, .. } => format!("stopped {}#{}", step.name, step.id),
        What::StepRetried { step, attempt, error, .. } => {
            format!("retried {}#{} {attempt} {error}", step.name, step.id)
        }
        What::ApprovalNeeded(step) => format!("approval {}", step.name),
        What::PlanStarted { .. } => "plan".to_owned(),
        What::PlanEnded { status, duration, steps, .. } => format!("ended {status} {} {steps}", ms(duration)),
        What::Failed(Failure { code, message, step, .. }) => {
            format!("failed: {code}: {message} in {}", step.as_deref().unwrap_or("-"))
        }
        What::InitStackEvent(event) => format!("init {} {}", event.logical_id, event.status),
        What::InitStackDone { created, .. } => format!("init done, created {created}"),
        other => format!("{other:?}").split([' ', '{', '(']).next().unwrap_or_default().to_owned(),
    }
}

fn name(name: &str) -> Value {
    json!({ "name": name })
}

#[test]
fn cli_case_40_a_step_succeeds_and_the_next_one_fails() {
    let failure = json!({"error": "E", "cause": "C"});
    let mut story = Story::new(json!({})).history(&[
        (0, "ExecutionStarted", json!({})),
        (0, "TaskStateEntered", name("AttiniPrepareDeployment")),
        (2, "TaskStateExited", name("AttiniPrepareDeployment")),
        (3, "TaskStateEntered", name("A")),
        (4, "TaskStateExited", json!({"name": "A", "output": r#"{"output":{"A":{"x":1}}}"#})),
        (5, "TaskStateEntered", name("B")),
        (6, "TaskScheduled", json!({})),
        (7, "TaskFailed", failure.clone()),
        (8, "ExecutionFailed", failure),
    ]);
    let told = story.read(description(ExecutionStatus::Failed, Some("E")), &[]);
    insta::assert_snapshot!(told.join("\n"), @r#"
    published dev shop
    InitStackUnchanged
    plan
    started A#4
    succeeded A#4 100 {"x":1}
    started B#6
    failed B#6 E: C first
    ended FAILED 7000 2
    "#);
    story.record.insert("outcome".to_owned(), json!("FAILED"));
    let told = story.read(description(ExecutionStatus::Failed, Some("E")), &[]);
    assert_eq!(told, ["failed: E: C in B"]);
    assert!(matches!(story.follower.ending(), Some(Ending::Failed(_))));
}

#[test]
fn retries_are_told_and_belong_to_the_same_run() {
    let failure = json!({"error": "E", "cause": "C"});
    let mut story = Story::new(json!({})).history(&[
        (0, "TaskStateEntered", name("Job")),
        (1, "TaskScheduled", json!({})),
        (2, "TaskFailed", failure),
    ]);
    story.now = 2_310;
    assert_eq!(story.running().last().expect("events"), "started Job#1");
    story.now = 4_000;
    assert_eq!(story.running(), ["retried Job#1 1 E"], "the wait before the next attempt is told");
    let mut story = story.history(&[(3, "TaskScheduled", json!({})), (4, "TaskStateExited", name("Job"))]);
    assert_eq!(story.running(), ["succeeded Job#1 400"]);
}

#[test]
fn loops_and_iterations_are_runs_of_their_own() {
    let mut story = Story::new(json!({})).history(&[
        (0, "MapStateEntered", name("Each")),
        (1, "MapStateStarted", json!({})),
        (2, "MapIterationStarted", json!({"name": "Each", "index": 0})),
        (3, "PassStateEntered", name("A")),
        (4, "PassStateExited", name("A")),
        (5, "MapIterationSucceeded", json!({"name": "Each", "index": 0})),
        (5, "MapIterationStarted", json!({"name": "Each", "index": 1})),
        (7, "FailStateEntered", name("A")),
        (8, "MapIterationFailed", json!({"name": "Each", "index": 1})),
        (9, "MapStateSucceeded", json!({})),
        (10, "MapStateExited", name("Each")),
    ]);
    insta::assert_snapshot!(story.running().join("\n"), @"
    published dev shop
    InitStackUnchanged
    plan
    started Each#1
    started A#4
    succeeded A#4 100
    started A#8
    failed A#8 States.Fail:  first
    succeeded Each#1 1000
    ");
}

#[test]
fn the_stack_of_a_step_that_has_just_ended_is_looked_up_at_once() {
    let mut story = Story::new(json!({})).history(&[
        (0, "ExecutionStarted", json!({})),
        (1, "TaskStateEntered", name("Db")),
        (2, "TaskScheduled", json!({})),
    ]);
    story.running();
    assert!(story.follower.needs_stack_records() && !story.follower.stack_records_cannot_wait());
    story = story.history(&[(3, "TaskStateExited", name("Db"))]);
    let arn = ExecutionArn::from_record(ARN);
    story.follower.see_history(&arn, &story.events);
    assert!(story.follower.stack_records_cannot_wait());
    story.running();
    assert!(!story.follower.needs_stack_records(), "it is told by now");
}

#[test]
fn runs_of_a_step_with_stacks_of_their_own_show_their_own() {
    let asked = |stack: &str, token: &str| {
        let properties = if stack.is_empty() { json!({"ConfigFile": "/c"}) } else { json!({"StackName": stack}) };
        let metadata = json!({"sfnToken": token});
        let payload = json!({"Properties": properties, "deploymentPlanExecutionMetadata": metadata});
        json!({"parameters": json!({"Payload": payload}).to_string()})
    };
    let stack = |stack: &str, token: &str| {
        let key = format!("{stack}-eu-west-1-000000000000");
        let body = json!({"stackName": stack, "stepName": "Db", "sfnExecutionArn": ARN, "sfnToken": token});
        let key = RecordKey::Resource(ResourceKind::CloudformationStack, key);
        Record { key, body: object(body), revision: Revision("1".to_owned()) }
    };
    let mut story = Story::new(json!({})).history(&[
        (0, "MapStateEntered", name("Each")),
        (1, "MapIterationStarted", json!({"name": "Each"})),
        (2, "TaskStateEntered", name("Db")),
        (3, "TaskScheduled", asked("mix-b", "t1")),
        (1, "MapIterationStarted", json!({"name": "Each"})),
        (5, "TaskStateEntered", name("Db")),
        (6, "TaskScheduled", asked("mix-a", "t2")),
        (1, "MapIterationStarted", json!({"name": "Each"})),
        (8, "TaskStateEntered", name("Db")),
        (9, "TaskScheduled", asked("", "t3")),
        (1, "MapIterationStarted", json!({"name": "Each"})),
        (11, "TaskStateEntered", name("Db")),
        (12, "TaskScheduled", asked("mix-gone", "t4")),
        (13, "TaskStateExited", name("Db")),
    ]);
    let arn = ExecutionArn::from_record(ARN);
    story.follower.see_record(&stored(&story.record));
    story.follower.see_execution(description(ExecutionStatus::Running, None));
    story.follower.see_history(&arn, &story.events);
    story.follower.see_stack_records(&[stack("mix-a", "t2"), stack("mix-b", "t1"), stack("mix-c", "t3")]);
    let stacks: Vec<_> = story.follower.stack_requests().into_iter().map(|(_, wanted)| wanted.target.name).collect();
    assert_eq!(stacks.iter().map(StackName::as_str).collect::<Vec<_>>(), ["mix-b", "mix-a", "mix-c", "mix-gone"]);
}

#[test]
fn a_failure_inside_parallel_is_blamed_once_and_siblings_are_stopped() {
    let mut story = Story::new(json!({})).history(&[
        (0, "ParallelStateEntered", name("Both")),
        (1, "ParallelStateStarted", json!({})),
        (2, "TaskStateEntered", name("L")),
        (2, "TaskStateEntered", name("R")),
        (3, "TaskScheduled", json!({})),
        (4, "TaskScheduled", json!({})),
        (5, "TaskFailed", json!({"error": "E", "cause": "C"})),
        (6, "TaskStateAborted", json!({})),
        (7, "ParallelStateFailed", json!({})),
        (9, "ParallelStateExited", name("Both")),
        (10, "PassStateEntered", name("After")),
    ]);
    insta::assert_snapshot!(story.running().join("\n"), @"
    published dev shop
    InitStackUnchanged
    plan
    started Both#1
    started L#3
    started R#4
    stopped R#4
    failed L#3 E: C first
    failed Both#1 E: C caught
    started After#11
    ");
}

#[test]
fn cli_case_42_lines_come_once_and_before_the_end_of_their_step() {
    let mut story = Story::new(json!({})).history(&[(0, "TaskStateEntered", name("Job"))]);
    let told = story.read(description(ExecutionStatus::Running, None), &["one", "two"]);
    assert_eq!(told[told.len() - 2..], ["output Job#1 one", "output Job#1 two"]);
    let mut story = story.history(&[(1, "TaskStateExited", name("Job")), (2, "PassStateEntered", name("B"))]);
    let told = story.read(description(ExecutionStatus::Running, None), &["one", "two", "three"]);
    assert_eq!(told, ["output Job#1 three", "succeeded Job#1 100", "started B#3"]);
}

#[test]
fn an_approval_is_asked_for_when_its_answer_can_be_taken() {
    let mut story = Story::new(json!({})).history(&[(0, "TaskStateEntered", name("Ask"))]);
    story.now = 2_200;
    assert!(!story.running().contains(&"approval Ask".to_owned()));
    let mut story = story.history(&[(1, "TaskSubmitted", json!({}))]);
    assert_eq!(story.running(), ["approval Ask"]);
    assert!(story.running().is_empty());
}

#[test]
fn cli_case_37_an_error_that_comes_late_ends_following() {
    let mut follower = Follower::new(Timestamp::from_ms(DEPLOYED), Duration::from_secs(900));
    let mut body = record(json!({"initStackUnchanged": false, "executionArns": {}}));
    body.remove("deploymentPlanCount");
    follower.see_record(&stored(&body));
    let told = follower.settle(Timestamp::from_ms(1_100));
    assert_eq!(
        told.iter().map(|event| short(&event.what)).collect::<Vec<_>>(),
        ["published dev shop", "InitStackStarted"]
    );
    body.extend(object(json!({"errorCode": "ValidationError", "errorMessage": "no such parameter"})));
    follower.see_record(&stored(&body));
    let told = follower.settle(Timestamp::from_ms(1_200));
    assert_eq!(short(&told[0].what), "failed: ValidationError: no such parameter in -");
}

#[test]
fn cli_case_38_no_plan_is_success() {
    let mut follower = Follower::new(Timestamp::from_ms(DEPLOYED), Duration::from_secs(900));
    follower.see_record(&stored(&record(json!({"deploymentPlanCount": 0, "executionArns": {}}))));
    let told = follower.settle(Timestamp::from_ms(1_100));
    let told: Vec<_> = told.iter().map(|event| short(&event.what)).collect();
    assert_eq!(told, ["published dev shop", "InitStackUnchanged", "NoPlan"]);
    assert_eq!(follower.ending(), Some(&Ending::Succeeded));
}

#[test]
fn the_execution_of_the_deployment_before_is_not_followed() {
    let mut follower = Follower::new(Timestamp::from_ms(DEPLOYED), Duration::from_secs(900));
    follower.see_record(&stored(&record(json!({}))));
    let older = ExecutionDescription { started: Timestamp::from_ms(10), ..description(ExecutionStatus::Running, None) };
    assert!(!follower.see_execution(older));
}

#[test]
fn a_deployment_that_was_replaced_tells_by_whom() {
    let mut story = Story::new(json!({"outcome": "ABORTED", "outcomeMessage": "replaced by deployment 8"}))
        .history(&[(0, "TaskStateEntered", name("A")), (1, "ExecutionAborted", json!({}))]);
    let told = story.read(description(ExecutionStatus::Aborted, None), &[]);
    assert_eq!(
        told[3..],
        ["started A#1", "stopped A#1", "ended ABORTED 7000 1", "failed: ABORTED: replaced by deployment 8 in -"]
    );
}

#[test]
fn an_interrupted_deployment_does_not_hang() {
    let mut story = Story::new(json!({"outcome": "INTERRUPTED", "outcomeMessage": "its worker is gone"})).history(&[(
        0,
        "TaskStateEntered",
        name("A"),
    )]);
    let told = story.running();
    assert_eq!(told[3..], ["started A#1", "stopped A#1", "failed: INTERRUPTED: its worker is gone in -"]);
}

#[test]
fn an_upload_that_nobody_publishes_is_given_up() {
    let mut follower = Follower::new(Timestamp::from_ms(0), Duration::from_secs(900));
    assert!(follower.settle(Timestamp::from_ms(59_000)).is_empty());
    assert_eq!(short(&follower.settle(Timestamp::from_ms(61_000))[0].what), "StillWaiting");
    assert!(follower.settle(Timestamp::from_ms(62_000)).is_empty());
    let told = follower.settle(Timestamp::from_ms(900_000));
    assert!(short(&told[0].what).starts_with("failed: NotPublished"));
}

/// Ports that hold one deployment; every description moves the deployment on by one event.
#[derive(Debug)]
struct Ports {
    record: Map<String, Value>,
    events: Vec<HistoryEvent>,
    shown: Mutex<usize>,
    time: AtomicI64,
    failures: Mutex<u32>,
}

#[async_trait]
impl Clock for Ports {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.time.load(Ordering::SeqCst))
    }
    async fn sleep(&self, wait: Duration) {
        self.time.fetch_add(wait.as_millis() as i64, Ordering::SeqCst);
    }
}

#[async_trait]
impl Inventory for Ports {
    async fn find(&self, _: &RecordKey) -> Result<Option<Record>, InventoryError> {
        Ok(None)
    }
    async fn put(
        &self,
        key: &RecordKey,
        _: Map<String, Value>,
        _: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        Err(InventoryError::Conflict { key: key.clone() })
    }
    async fn delete(&self, _: &RecordKey, _: Precondition<Revision>) -> Result<(), InventoryError> {
        Ok(())
    }
    async fn list_deployments(&self, _: &DeploymentName, _: Option<Timestamp>) -> Result<Page<Record>, InventoryError> {
        Ok(Page { items: Vec::new(), more: false })
    }
    async fn list_by_object(&self, _: &DeploymentName, _: &ObjectIdentifier) -> Result<Vec<Record>, InventoryError> {
        let mut failures = self.failures.lock().expect("no panic");
        if *failures > 0 {
            *failures -= 1;
            let source = "locked".into();
            return Err(InventoryError::Unavailable { operation: "list", key: "k".to_owned(), source });
        }
        let own = stored(&self.record);
        let copy = Record { key: RecordKey::latest(&DeploymentName::of_raw("dev", "shop")), ..own.clone() };
        Ok(vec![copy, own])
    }
    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        if after.is_some() {
            return Ok(Page { items: Vec::new(), more: false });
        }
        let body = json!({"sfnExecutionArn": ARN, "stepName": "Db", "stackName": "dev-db", "stackId": "id"});
        let key = RecordKey::Resource(kind, "dev-db-eu-west-1-000000000000".to_owned());
        let record = Record { key, body: object(body), revision: Revision("1".to_owned()) };
        Ok(Page { items: vec![record], more: true })
    }
}

#[async_trait]
impl Workflows for Ports {
    async fn start(&self, machine: &MachineArn, _: &str, _: &Value) -> Result<ExecutionArn, WorkflowError> {
        Err(WorkflowError::NotFound { arn: machine.to_string() })
    }
    async fn describe(&self, _: &ExecutionArn) -> Result<ExecutionDescription, WorkflowError> {
        let mut shown = self.shown.lock().expect("no panic");
        *shown = (*shown + 1).min(self.events.len());
        let ended = *shown == self.events.len();
        Ok(description(if ended { ExecutionStatus::Succeeded } else { ExecutionStatus::Running }, None))
    }
    async fn list_running(
        &self,
        _: &MachineArn,
        _: Option<&ExecutionArn>,
    ) -> Result<Page<ExecutionArn>, WorkflowError> {
        Ok(Page { items: Vec::new(), more: false })
    }
    async fn stop(&self, _: &ExecutionArn, _: &str) -> Result<(), WorkflowError> {
        Ok(())
    }
    async fn history(&self, _: &ExecutionArn, after: u64) -> Result<Page<HistoryEvent>, WorkflowError> {
        let shown = *self.shown.lock().expect("no panic");
        let left: Vec<_> = self.events.iter().take(shown).filter(|event| event.id > after).cloned().collect();
        Ok(Page { more: left.len() > 2, items: left.into_iter().take(2).collect() })
    }
}

#[async_trait]
impl LogStore for Ports {
    async fn append(&self, _: &ObjectKey, _: &[LogLine]) -> Result<(), Unavailable> {
        Ok(())
    }
    async fn read(&self, _: &ObjectKey, _: usize) -> Result<Vec<LogLine>, Unavailable> {
        Err(Unavailable::new("read log", "no such disk"))
    }
}

#[async_trait]
impl StackService for Ports {
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
        assert_eq!(target.region, None, "the execution's own region is the environment's own");
        let event = |id: &str, time: i64| StackEvent {
            id: id.to_owned(),
            time: Timestamp::from_ms(time),
            stack: target.name.clone(),
            stack_id: "id".to_owned(),
            logical_id: "Table".to_owned(),
            physical_id: None,
            resource_type: "AWS::DynamoDB::Table".to_owned(),
            status: StackStatus("CREATE_COMPLETE".to_owned()),
            reason: None,
            token: None,
        };
        let all = [event("old", 10), event("new", 2_150)];
        let read = match after {
            None => 0,
            Some("old") => 1,
            Some(_) => 2,
        };
        Ok(Page { items: all.into_iter().skip(read).take(1).collect(), more: read < 1 })
    }
    async fn declared_parameters(
        &self,
        _: &StackTarget,
        _: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        Ok(Vec::new())
    }
}

fn follow_all(events: &[(u64, &str, Value)], failures: u32) -> (Result<Ending, FollowError>, Vec<String>) {
    let story = Story::new(json!({"outcome": "SUCCEEDED"})).history(events);
    let ports = Arc::new(Ports {
        record: story.record,
        events: story.events,
        shown: Mutex::new(0),
        time: AtomicI64::new(DEPLOYED),
        failures: Mutex::new(failures),
    });
    let all = FollowPorts {
        inventory: ports.clone(),
        workflows: ports.clone(),
        logs: ports.clone(),
        stacks: ports.clone(),
        clock: ports,
    };
    let deployment = DeploymentRef {
        name: DeploymentName::of_raw("dev", "shop"),
        object: ObjectIdentifier::from_record("dev/shop/shop.zip#v1"),
    };
    let mut told = Vec::new();
    let mut emit = |event: FollowEvent| told.push(short(&event.what));
    let options = FollowOptions::default();
    let ending = futures::executor::block_on(follow(&all, &deployment, options, &mut emit, &|| false));
    (ending, told)
}

#[test]
fn following_reads_everything_once_and_survives_failed_readings() {
    let (ending, told) = follow_all(
        &[
            (0, "TaskStateEntered", name("Db")),
            (1, "TaskScheduled", json!({})),
            (2, "TaskStateExited", name("Db")),
            (3, "TaskStateEntered", name("Job")),
            (4, "TaskStateExited", name("Job")),
            (5, "ExecutionSucceeded", json!({})),
        ],
        5,
    );
    assert_eq!(ending.expect("followed"), Ending::Succeeded);
    insta::assert_snapshot!(told.join("\n"), @"
    published dev shop
    InitStackUnchanged
    plan
    started Db#1
    StepStackEvent
    succeeded Db#1 200
    Trouble
    started Job#4
    succeeded Job#4 100
    ended SUCCEEDED 7000 2
    ");
}

#[test]
fn following_gives_up_when_nothing_can_be_read() {
    let (ending, _) = follow_all(&[], 1000);
    assert!(matches!(ending, Err(FollowError::Inventory(_))));
}

fn init_event(id: &str, time: i64, logical: &str, status: &str, reason: Option<&str>) -> StackEvent {
    let stack = StackName::parse("dev-shop").expect("valid");
    let is_stack = logical == stack.as_str();
    StackEvent {
        id: id.to_owned(),
        time: Timestamp::from_ms(time),
        stack,
        stack_id: "id".to_owned(),
        logical_id: logical.to_owned(),
        physical_id: None,
        resource_type: if is_stack { StackEvent::STACK_TYPE } else { "AWS::IAM::Role" }.to_owned(),
        status: StackStatus(status.to_owned()),
        reason: reason.map(str::to_owned),
        token: None,
    }
}

fn init_story() -> (Follower, Map<String, Value>) {
    let mut body = record(json!({"initStackUnchanged": false, "executionArns": {}}));
    body.remove("deploymentPlanCount");
    (Follower::new(Timestamp::from_ms(DEPLOYED), Duration::from_secs(900)), body)
}

fn told(follower: &mut Follower, now: i64) -> Vec<String> {
    follower.settle(Timestamp::from_ms(now)).iter().map(|event| short(&event.what)).collect()
}

#[test]
fn an_init_stack_shows_the_events_of_this_deployment_only() {
    let (mut follower, mut body) = init_story();
    follower.see_record(&stored(&body));
    let events = vec![
        init_event("1", 10, "dev-shop", "UPDATE_COMPLETE", None),
        init_event("2", 1_100, "dev-shop", "UPDATE_IN_PROGRESS", None),
        init_event("3", 1_200, "Role", "UPDATE_COMPLETE", None),
    ];
    follower.see_init_stack(events, Timestamp::from_ms(1_250));
    let first = told(&mut follower, 1_250);
    assert_eq!(
        first,
        ["published dev shop", "InitStackStarted", "init dev-shop UPDATE_IN_PROGRESS", "init Role UPDATE_COMPLETE"]
    );
    assert_eq!(follower.init_stack_request().expect("wanted").after.as_deref(), Some("3"));
    let end = vec![init_event("4", 1_300, "dev-shop", "UPDATE_COMPLETE", None)];
    follower.see_init_stack(end, Timestamp::from_ms(1_350));
    assert_eq!(told(&mut follower, 1_350), ["init dev-shop UPDATE_COMPLETE", "init done, created false"]);
    assert_eq!(follower.init_stack_request(), None);
    body.insert("deploymentPlanCount".to_owned(), json!(0));
    follower.see_record(&stored(&body));
    assert_eq!(told(&mut follower, 1_400), ["NoPlan"]);
}

#[test]
fn a_failed_init_stack_ends_after_its_rollback_and_names_the_first_failed_resource() {
    let (mut follower, mut body) = init_story();
    body.extend(object(json!({"errorCode": "CloudformationError", "errorMessage": "the init stack failed"})));
    follower.see_record(&stored(&body));
    let events = vec![
        init_event("1", 1_100, "Role", "CREATE_FAILED", Some("no rights")),
        init_event("2", 1_150, "dev-shop", "ROLLBACK_IN_PROGRESS", None),
    ];
    follower.see_init_stack(events, Timestamp::from_ms(1_200));
    let first = told(&mut follower, 1_200);
    assert_eq!(first.last().expect("events"), "init dev-shop ROLLBACK_IN_PROGRESS");
    assert_eq!(follower.ending(), None, "the rollback still runs");
    let end = vec![init_event("3", 1_300, "dev-shop", "ROLLBACK_COMPLETE", None)];
    follower.see_init_stack(end, Timestamp::from_ms(1_350));
    let last = told(&mut follower, 1_350);
    assert_eq!(last[1], "failed: CloudformationError: the init stack failed in -");
    let Some(Ending::Failed(failure)) = follower.ending() else { panic!("it failed") };
    let first = failure.first_cause.as_ref().expect("a cause");
    assert_eq!(first.message, "resource `Role` (AWS::IAM::Role) CREATE_FAILED: no rights");
}
