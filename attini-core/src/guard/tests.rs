#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "tests may panic, and read better with literals"
)]

mod approvals;
mod init_stacks;
mod orders;
mod stacks;

use futures::executor::block_on;
use serde_json::{Value, json};

use crate::contract::TestFramework;
use crate::inventory::{DeploymentRecord, save_deployment, stack_key};
use crate::port::{RecordKey, StackEvent, StackStatus};
use crate::value::{ObjectIdentifier, StackName, TaskToken, Timestamp};

const UPLOAD: &str = "dev/db/db.zip#v1";

fn object() -> ObjectIdentifier {
    ObjectIdentifier::from_record(UPLOAD)
}

/// A framework with the running deployment of distribution `db`.
fn world() -> TestFramework {
    let world = TestFramework::new();
    let mut record = DeploymentRecord::new("dev", "db", "d1", &object(), Timestamp::from_ms(1_700_000_000_000));
    record.stack_name = Some("dev-plan".to_owned());
    block_on(save_deployment(world.inventory.as_ref(), &mut record)).unwrap();
    world
}

fn deployment(world: &TestFramework) -> Value {
    let record = world.deployment("dev", "db", &object());
    assert_eq!(record, world.latest("dev", "db"), "both records say the same");
    record
}

/// An event of stack `dev-db`, or of a resource in it.
fn event(number: i64, logical_id: &str, status: &str, reason: Option<&str>, token: &str) -> StackEvent {
    let is_stack = logical_id == "dev-db" || logical_id == "dev-plan";
    let stack = if logical_id == "dev-plan" { "dev-plan" } else { "dev-db" };
    StackEvent {
        id: number.to_string(),
        time: Timestamp::from_ms(number),
        stack: StackName::parse(stack).unwrap(),
        stack_id: "arn".to_owned(),
        logical_id: logical_id.to_owned(),
        physical_id: is_stack.then(|| "arn".to_owned()),
        resource_type: if is_stack { StackEvent::STACK_TYPE } else { "AWS::Lambda::Function" }.to_owned(),
        status: StackStatus(status.to_owned()),
        reason: reason.map(str::to_owned),
        token: Some(token.to_owned()),
    }
}

fn step_stack_key(world: &TestFramework) -> RecordKey {
    stack_key(&StackName::parse("dev-db").unwrap(), &world.framework.place)
}

/// The record of stack `dev-db`, whose operation `t1` a step waits for.
fn waiting_record(token: Option<&TaskToken>, more: Value) -> Value {
    let mut record = json!({
        "distributionId": "d1", "distributionName": "db", "environment": "dev", "attiniObjectIdentifier": UPLOAD,
        "desiredState": "DEPLOYED", "stepName": "DeployDb", "clientRequestToken": "t1", "stackName": "dev-db",
        "sfnExecutionArn": "arn:e", "template": "t", "stackType": "Cfn", "errors": [],
    });
    let fields = record.as_object_mut().unwrap();
    if let Some(token) = token {
        fields.insert("sfnToken".to_owned(), token.expose().into());
    }
    fields.extend(more.as_object().unwrap().clone());
    record
}
