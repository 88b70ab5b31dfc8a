//! Registration of plans and runners.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Map, json};

use super::*;
use crate::contract::{MemInventory, registration};
use crate::deploy::{Registration, register_plan, unregister_plan};
use crate::inventory::plan_key;
use crate::port::{Inventory, InventoryError, Page, Precondition, Record, RecordKey, ResourceKind, Revision};
use crate::value::{DeploymentName, MachineArn, ObjectIdentifier, Timestamp};

pub(super) fn machine(name: &str) -> MachineArn {
    MachineArn::from_record(format!("arn:aws:states:eu-west-1:111122223333:stateMachine:{name}"))
}

/// A framework with the record of init stack `dev-net`.
pub(super) fn with_stack() -> TestFramework {
    let world = TestFramework::new();
    let item = json!({
        "environment": "dev", "distributionName": "net", "distributionId": "42", "stackError": {"Message": "old"},
        "attiniObjectIdentifier": "dev/net/net.zip#v1", "variables": {"v": "1"},
    });
    block_on(world.put(&init_stack_key("dev-net"), item));
    world
}

fn runner(name: &str, more: &Value) -> Map<String, Value> {
    let mut record = json!({
        "name": name, "taskDefinitionArn": "td", "assignPublicIp": "ENABLED", "queueUrl": "q", "subnets": "b, a",
        "installationCommands": [],
    });
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record.as_object().unwrap().clone()
}

fn plan(machine: &MachineArn, runners: Vec<Map<String, Value>>) -> Registration {
    let parameters = [("Env".to_owned(), "dev".to_owned())].into();
    Registration { runners, parameters, ..registration("dev-net", machine) }
}

fn register(world: &TestFramework, plan: &Registration, old: Option<&MachineArn>) -> Result<(), Failure> {
    block_on(register_plan(world.inventory.as_ref(), plan, old, "1.0.0"))
}

pub(super) fn item(world: &TestFramework) -> Value {
    world.body(&init_stack_key("dev-net"))
}

#[test]
fn plan_case_41_creation() {
    let world = with_stack();
    let a = machine("A");
    let steps = json!([{"name": "Db", "type": "AttiniCfn"}]);
    register(&world, &Registration { steps: steps.clone(), ..plan(&a, vec![runner("R", &json!({}))]) }, None).unwrap();
    assert_eq!(
        item(&world),
        json!({
            "environment": "dev", "distributionName": "net", "distributionId": "42", "variables": {"v": "1"},
            "attiniObjectIdentifier": "dev/net/net.zip#v1", "sfnArns": [a.as_str()], "runners": ["R"],
            "stackParameters": {"Env": "dev"},
        })
    );
    let identity = json!({
        "environment": "dev", "distributionName": "net", "distributionId": "42", "stackName": "dev-net",
        "attiniObjectIdentifier": "dev/net/net.zip#v1",
    });
    let with = |more: Value| {
        let mut body = identity.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(world.body(&plan_key(&a)), with(json!({"payloadDefaults": "{}", "attiniSteps": steps})));
    let expected = with(json!({
        "runnerName": "R", "taskDefinitionArn": "td", "assignPublicIp": "ENABLED", "sqsQueueUrl": "q",
        "subnets": ["a", "b"], "cluster": "attini-default", "attiniVersion": "1.0.0",
    }));
    assert_eq!(world.body(&super::super::runner_key("dev-net", "R")), expected);
}

#[test]
fn a_stack_of_somebody_else_registers_nothing() {
    let world = TestFramework::new();
    let failure = register(&world, &plan(&machine("A"), vec![]), None).unwrap_err();
    assert!(failure.cause.contains("not created by an Attini init deploy"), "{failure}");
    assert!(world.bodies().is_empty());
}

#[test]
fn plan_case_42_updates() {
    let world = with_stack();
    let (a, b) = (machine("A"), machine("B"));
    register(&world, &plan(&a, vec![runner("R1", &json!({})), runner("R2", &json!({}))]), None).unwrap();
    let mut body = world.body(&plan_key(&a));
    body["status"] = json!("SUCCEEDED");
    block_on(world.put(&plan_key(&a), body));
    register(&world, &plan(&a, vec![runner("R1", &json!({}))]), Some(&a)).unwrap();
    assert_eq!(world.body(&plan_key(&a))["status"], "SUCCEEDED", "the record was there throughout");
    assert_eq!(item(&world)["runners"], json!(["R1"]));
    assert!(world.find_body(&super::super::runner_key("dev-net", "R2")).is_none());
    register(&world, &plan(&b, vec![runner("R1", &json!({}))]), Some(&a)).unwrap();
    assert_eq!(item(&world)["sfnArns"], json!([b.as_str()]));
    assert!(world.find_body(&plan_key(&a)).is_none() && world.find_body(&plan_key(&b)).is_some());
}

#[test]
fn plan_case_43_deletion_twice_and_without_the_stack_s_record() {
    let world = with_stack();
    let a = machine("A");
    register(&world, &plan(&a, vec![runner("R", &json!({}))]), None).unwrap();
    for _ in 0..2 {
        block_on(unregister_plan(world.inventory.as_ref(), "dev-net", &a)).unwrap();
        let item = item(&world);
        assert_eq!((&item["sfnArns"], item.get("runners")), (&json!([]), None));
        assert_eq!(world.bodies().len(), 1);
    }
    block_on(world.inventory.delete(&init_stack_key("dev-net"), Precondition::None)).unwrap();
    block_on(unregister_plan(world.inventory.as_ref(), "dev-net", &a)).unwrap();
    assert!(world.bodies().is_empty());
}

#[test]
fn runners_stay_while_another_plan_of_the_stack_is_there() {
    let world = with_stack();
    let (a, b) = (machine("A"), machine("B"));
    for machine in [&a, &b] {
        register(&world, &plan(machine, vec![runner("R", &json!({}))]), None).unwrap();
    }
    block_on(unregister_plan(world.inventory.as_ref(), "dev-net", &a)).unwrap();
    assert!(world.find_body(&super::super::runner_key("dev-net", "R")).is_some());
    assert_eq!(item(&world)["sfnArns"], json!([b.as_str()]));
}

#[test]
fn plan_case_45_runner_records() {
    let world = with_stack();
    let a = machine("A");
    let key = super::super::runner_key("dev-net", "R");
    let full = json!({
        "cluster": "c", "idleTimeToLive": "600", "containerName": "main", "installationCommands": ["x"],
        "installationCommandsTimeout": "60", "logLevel": "DEBUG",
        "ec2Configuration": {"instanceType": "m5.large", "instanceProfile": "p", "ecsClientLogGroup": "l"},
    });
    register(&world, &plan(&a, vec![runner("R", &full)]), None).unwrap();
    let mut body = world.body(&key);
    assert_eq!(
        (&body["cluster"], &body["idleTimeToLive"], &body["container"]),
        (&json!("c"), &json!(600), &json!("main"))
    );
    assert_eq!((&body["startupCommands"], &body["startupCommandsTimeout"]), (&json!(["x"]), &json!(60)));
    for (field, value) in [("taskId", json!("t")), ("started", json!(true))] {
        body[field] = value;
    }
    block_on(world.put(&key, body));
    register(&world, &plan(&a, vec![runner("R", &json!({}))]), Some(&a)).unwrap();
    let body = world.body(&key);
    assert_eq!(
        (&body["cluster"], &body["taskId"], &body["started"]),
        (&json!("attini-default"), &json!("t"), &json!(true))
    );
    for gone in
        ["ec2Configuration", "idleTimeToLive", "container", "startupCommands", "startupCommandsTimeout", "logLevel"]
    {
        assert!(body.get(gone).is_none(), "{gone}");
    }
}

#[test]
fn plan_case_45_wrong_runners_are_all_named_and_nothing_is_registered() {
    let world = with_stack();
    let before = world.bodies();
    for (wrong, words) in [
        (json!({"idleTimeToLive": "abc", "cpu": "x"}), ["R1: idleTimeToLive", "cpu"]),
        (json!({"jobTimeout": 4, "logLevel": "LOUD"}), ["JobTimeout", "LogLevel"]),
        (json!({"maxConcurrentJobs": "50"}), ["MaxConcurrentJobs", "20"]),
    ] {
        let runners = vec![runner("R1", &wrong), runner("R2", &wrong)];
        let failure = register(&world, &plan(&machine("A"), runners), None).unwrap_err();
        assert_eq!(failure.error, "RegistrationError");
        for word in words.into_iter().chain(["R1", "R2"]) {
            assert!(failure.cause.to_lowercase().contains(&word.to_lowercase()), "{word} is not in {failure}");
        }
        assert_eq!(world.bodies(), before);
    }
}

#[test]
fn a_plan_that_is_registered_in_between_stays() {
    let world = with_stack();
    let (a, b) = (machine("A"), machine("B"));
    let other = Interrupted { inner: Arc::clone(&world.inventory), by: Mutex::new(Some(plan(&b, vec![]))) };
    block_on(register_plan(&other, &plan(&a, vec![]), None, "1.0.0")).unwrap();
    assert_eq!(item(&world)["sfnArns"], json!([a.as_str(), b.as_str()]));
    let other = Interrupted { inner: Arc::clone(&world.inventory), by: Mutex::new(Some(plan(&machine("C"), vec![]))) };
    block_on(unregister_plan(&other, "dev-net", &a)).unwrap();
    assert_eq!(item(&world)["sfnArns"], json!([b.as_str(), machine("C").as_str()]));
}

/// An inventory in which somebody else registers a plan after the first reading of the stack's record.
#[derive(Debug)]
struct Interrupted {
    inner: Arc<MemInventory>,
    by: Mutex<Option<Registration>>,
}

#[async_trait]
impl Inventory for Interrupted {
    async fn find(&self, key: &RecordKey) -> Result<Option<Record>, InventoryError> {
        let found = self.inner.find(key).await;
        if *key == init_stack_key("dev-net") {
            let other = self.by.lock().unwrap().take();
            if let Some(other) = other {
                register_plan(self.inner.as_ref(), &other, None, "1.0.0").await.unwrap();
            }
        }
        found
    }

    async fn put(
        &self,
        key: &RecordKey,
        body: Map<String, Value>,
        when: Precondition<Revision>,
    ) -> Result<Revision, InventoryError> {
        self.inner.put(key, body, when).await
    }

    async fn delete(&self, key: &RecordKey, when: Precondition<Revision>) -> Result<(), InventoryError> {
        self.inner.delete(key, when).await
    }

    async fn list_deployments(
        &self,
        name: &DeploymentName,
        before: Option<Timestamp>,
    ) -> Result<Page<Record>, InventoryError> {
        self.inner.list_deployments(name, before).await
    }

    async fn list_by_object(
        &self,
        name: &DeploymentName,
        object: &ObjectIdentifier,
    ) -> Result<Vec<Record>, InventoryError> {
        self.inner.list_by_object(name, object).await
    }

    async fn list_resources(&self, kind: ResourceKind, after: Option<&str>) -> Result<Page<Record>, InventoryError> {
        self.inner.list_resources(kind, after).await
    }
}
