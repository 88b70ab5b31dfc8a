//! The fakes keep what the suites ask for.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::*;
use crate::port::{
    Clock, DeclaredParameter, Precondition, RecordKey, ResourceKind, StackError, StackService, TemplateLocation, update,
};
use crate::runner::RunnerRecord;
use crate::value::{MachineArn, ObjectKey, StackName};

fn clock() -> Arc<SettableClock> {
    Arc::new(SettableClock::at(1_000))
}

#[test]
fn mem_object_store() {
    block_on(object_store::all(&MemObjectStore::default()));
}

#[test]
fn mem_inventory() {
    block_on(inventory::all(&MemInventory::default()));
}

#[test]
fn mem_queue() {
    let clock = clock();
    block_on(job_queue::all(&MemQueue::default(), ["a", "b"], clock.as_ref(), Duration::from_secs(1)));
}

#[test]
fn mem_log_store() {
    block_on(log_store::all(&MemLogStore::default()));
}

#[test]
fn mem_parameters() {
    block_on(parameter_store::all(&MemParameters::default()));
}

#[test]
fn mem_notifications() {
    let fake = MemNotifications::default();
    block_on(notifications::all(&fake));
    assert_eq!(fake.published().len(), 2);
}

#[test]
fn mem_functions() {
    let fake = MemFunctions::default();
    fake.echoes("echo");
    fake.fails("broken", "MyError", "because");
    block_on(functions::all(&fake, "echo", "broken"));
}

#[test]
fn mem_task_tokens() {
    let fake = MemTaskTokens::default();
    block_on(task_tokens::all(&fake, &|| fake.open()));
    let answers = fake.answers();
    let cut = Answer::Failed { error: "ä".repeat(256), cause: "ä".repeat(32_768) };
    assert!(answers.iter().any(|(_, answer)| *answer == cut));
}

#[test]
fn mem_workflows() {
    let machine = MachineArn::from_record("arn:aws:states:eu-west-1:000000000000:stateMachine:m");
    let fake = MemWorkflows::new(clock());
    fake.register(&machine);
    block_on(workflows::all(&fake, &machine));
}

#[test]
fn mem_stack_service() {
    let clock = clock();
    let fake = MemStackService::new(clock.clone());
    let template = TemplateLocation::Artifact(ObjectKey::new("template.yaml"));
    fake.declare(&template, declared());
    let fixture = stack_service::Fixture { prefix: "contract", template, has_outputs: false, clock: clock.as_ref() };
    block_on(stack_service::all(&fake, &fixture));
}

fn declared() -> Vec<DeclaredParameter> {
    let parameter = |name: &str, secret| DeclaredParameter {
        name: name.to_owned(),
        kind: "String".to_owned(),
        has_default: secret,
        no_echo: secret,
    };
    vec![parameter("Greeting", false), parameter("Secret", true)]
}

#[test]
fn a_delivery_does_not_show_its_message() {
    let delivery = crate::port::Delivery { handle: "1-2".to_owned(), body: "secret".to_owned() };
    assert_eq!(format!("{delivery:?}"), "Delivery { handle: \"1-2\", body_bytes: 6, .. }");
}

/// Worlds run the framework's functions as tasks of several threads.
#[test]
fn the_functions_of_the_framework_can_move_between_threads() {
    fn is_send<T: Send>(_: &T) {}
    let world = TestFramework::new();
    let framework = &world.framework;
    let upload = block_on(world.upload("dev/a/a.zip", &[]));
    let events = world.init_events();
    let executions = world.workflows.executions();
    is_send(&crate::deploy::init_deploy(framework, &upload));
    is_send(&crate::step::run_action(framework, json!({})));
    for event in &events {
        is_send(&crate::guard::init_stack_event(framework, event));
        is_send(&crate::guard::stack_event(framework, &framework.place, event));
    }
    for execution in &executions {
        is_send(&crate::step::plan_ended(framework, execution, 0));
        let plan = registration("s", &execution.arn.machine());
        is_send(&crate::deploy::register_plan(framework.inventory.as_ref(), &plan, None, ""));
    }
}

#[test]
fn recording_fleet() {
    let body = serde_json::json!({
        "runnerName": "r", "stackName": "init", "sqsQueueUrl": "queue", "environment": "dev", "distributionName": "d",
        "distributionId": "1", "attiniObjectIdentifier": "dev/d/d.zip#v1", "taskDefinitionArn": "arn",
        "subnets": ["s"], "assignPublicIp": "ENABLED",
    });
    let runner = RunnerRecord::read("init-r", body.as_object().expect("an object")).expect("a runner");
    let fake = RecordingFleet::default();
    block_on(runner_fleet::all(&fake, &runner));
    assert_eq!(fake.ensured().len(), 3);
}

#[test]
fn settable_clock_and_sequential_ids() {
    block_on(clock::all(clock().as_ref()));
    clock::ids(&SequentialIds::default());
}

#[test]
fn racing_updates_lose_nothing() {
    let fake = MemInventory::default();
    let key = RecordKey::Resource(ResourceKind::Environment, "dev".to_owned());
    let add = || {
        for _ in 0..25 {
            let done = block_on(update(&fake, &key, |body| {
                let count = body.get("count").and_then(Value::as_i64).unwrap_or(0);
                body.insert("count".to_owned(), json!(count + 1));
            }));
            done.expect("writes");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
    });
    assert_eq!(fake.records().first().and_then(|record| record.body.get("count").cloned()), Some(json!(50)));
}

#[test]
fn a_scripted_failure_rolls_a_new_stack_back() {
    let fake = MemStackService::new(clock());
    let name = StackName::parse("site").expect("valid");
    let refusal = StackError::Refused { code: "AccessDenied".to_owned(), message: "no".to_owned() };
    fake.refuse_next("site", refusal);
    fake.fail_next("site", "name is taken");
    let request = crate::port::StackRequest {
        target: crate::port::StackTarget::own(name),
        template: TemplateLocation::Url("https://example.com/t".to_owned()),
        parameters: std::collections::BTreeMap::new(),
        tags: std::collections::BTreeMap::new(),
        service_role: None,
        on_failure: None,
        termination_protection: None,
        token: "t".to_owned(),
    };
    let error = block_on(fake.create(&request)).expect_err("is refused");
    assert_eq!(error.to_string(), "AccessDenied: no");
    block_on(fake.create(&request)).expect("creates");
    fake.settle();
    let found = block_on(fake.find(&request.target)).expect("reads").expect("is there");
    assert_eq!(found.status.0, "ROLLBACK_COMPLETE");
    let reasons: Vec<_> = fake.all_events().into_iter().filter_map(|event| event.reason).collect();
    assert_eq!(reasons, ["name is taken", "name is taken"]);
}

#[test]
fn faults_count_across_ports_and_fail_once() {
    let store = Arc::new(MemObjectStore::default());
    let records = Arc::new(MemInventory::default());
    let faults = Faults::at(2, Moment::Before);
    let (objects, inventory) = (faults.object_store(store.clone()), faults.inventory(records.clone()));
    let object = ObjectKey::new("a");
    let key = RecordKey::Resource(ResourceKind::Environment, "dev".to_owned());
    let put = || block_on(inventory.put(&key, serde_json::Map::new(), Precondition::None));
    block_on(objects.put(&object, "x".into(), Precondition::None)).expect("passes");
    assert!(put().is_err());
    assert!(records.records().is_empty());
    put().expect("passes");
    assert_eq!(faults.calls(), ["ObjectStore::put", "Inventory::put", "Inventory::put"]);
}

#[test]
fn a_fault_afterwards_has_its_effect_and_a_stop_has_none() {
    let store = Arc::new(MemObjectStore::default());
    let object = ObjectKey::new("a");
    let put = |faults: &Faults| {
        let wrapped = faults.object_store(store.clone());
        block_on(wrapped.put(&object, "x".into(), Precondition::None))
    };
    assert!(put(&Faults::from(1)).is_err());
    assert!(store.keys().is_empty());
    assert!(put(&Faults::at(1, Moment::After)).is_err());
    assert_eq!(store.keys(), std::slice::from_ref(&object));
    put(&Faults::none()).expect("passes");
}

#[test]
fn wrapped_fakes_keep_their_promises() {
    let clock = clock();
    let faults = Faults::none();
    block_on(object_store::all(faults.object_store(Arc::new(MemObjectStore::default())).as_ref()));
    block_on(inventory::all(faults.inventory(Arc::new(MemInventory::default())).as_ref()));
    let queue = faults.job_queue(Arc::new(MemQueue::default()));
    block_on(job_queue::all(queue.as_ref(), ["a", "b"], clock.as_ref() as &dyn Clock, Duration::from_secs(1)));
    let tokens = Arc::new(MemTaskTokens::default());
    block_on(task_tokens::all(faults.task_tokens(tokens.clone()).as_ref(), &|| tokens.open()));
}
