#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "tests may panic, and read better with literals"
)]

mod approvals;
mod cfn;
mod configuration;
mod dispatch;
mod plan_end;
mod prepare;
mod runner_job;

use futures::executor::block_on;
use serde_json::{Value, json};

use super::run_action;
use crate::contract::{Answer, TestFramework};
use crate::framework::Failure;
use crate::guard::upload_digest;
use crate::inventory::{DeploymentRecord, distribution_key, init_stack_key, plan_key, save_deployment};
use crate::value::{ExecutionArn, MachineArn, ObjectIdentifier, TaskToken, Timestamp};

const UPLOAD: &str = "dev/network/network.zip#v1";
const NOW: i64 = 1_700_000_000_000;
const PREFIX: &str = "dev/network/42/distribution-origin";

fn object() -> ObjectIdentifier {
    ObjectIdentifier::from_record(UPLOAD)
}

/// A framework with a deployment of distribution `network` whose init stack is done, and its plan's machine.
fn world() -> (TestFramework, MachineArn) {
    let world = TestFramework::new();
    let machine = deployed(&world, &object(), NOW);
    (world, machine)
}

/// Writes the records of a deployment as init deploy and registration leave them.
fn deployed(world: &TestFramework, object: &ObjectIdentifier, time: i64) -> MachineArn {
    let mut record = DeploymentRecord::new("dev", "network", "42", object, Timestamp::from_ms(time));
    record.stack_name = Some("dev-network".to_owned());
    record.deployment_source.deployment_source_bucket = world.framework.place.artifact_bucket();
    record.deployment_source.deployment_source_prefix = Some(PREFIX.to_owned());
    block_on(save_deployment(world.inventory.as_ref(), &mut record)).unwrap();
    let identity = json!({"environment": "dev", "distributionName": "network", "distributionId": "42",
        "attiniObjectIdentifier": object.as_str()});
    let with = |more: Value| {
        let mut body = identity.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let item = with(json!({"variables": {"p": "a"}, "stackParameters": {"Env": "dev"}}));
    block_on(world.put(&init_stack_key("dev-network"), item));
    block_on(world.put(&distribution_key("dev", "network"), with(json!({"deploymentSourcePrefix": PREFIX}))));
    let machine = world.framework.place.machine_arn("network-Plan");
    world.workflows.register(&machine);
    block_on(world.put(&plan_key(&machine), with(json!({"payloadDefaults": "{}", "stackName": "dev-network"}))));
    machine
}

/// Starts the execution that the framework starts for an upload.
fn start(world: &TestFramework, machine: &MachineArn, object: &ObjectIdentifier, time: i64) -> ExecutionArn {
    let name = format!("{}-{time}", upload_digest(object));
    block_on(world.framework.workflows.start(machine, &name, &json!({}))).unwrap()
}

/// Runs the first state of a plan.
fn prepare(world: &TestFramework, execution: &ExecutionArn) -> Result<Value, Failure> {
    let input = json!({"attiniActionType": "GetDeployOriginData", "sfnArn": execution.machine().as_str(),
        "executionArn": execution.as_str(), "customData": {"x": 1}});
    block_on(run_action(&world.framework, input))
}

/// Input of a step that waits for its token.
fn input(kind: &str, step: &str, token: &TaskToken, properties: &Value) -> Value {
    json!({
        "attiniActionType": kind, "Properties": properties, "output": {}, "environment": "dev",
        "deploymentPlanExecutionMetadata": {
            "executionArn": "arn:aws:states:eu-west-1:111122223333:execution:network-Plan:e1", "stepName": step,
            "executionStartTime": "2023-11-14T22:13:20.000Z", "sfnToken": token.expose(), "retryCounter": 0},
        "deploymentOriginData": {
            "distributionName": "network", "distributionId": "42", "environment": "dev", "objectIdentifier": UPLOAD,
            "stackName": "dev-network", "deploymentSource": {"deploymentSourcePrefix": PREFIX,
                "deploymentSourceBucket": "attini-artifact-store-eu-west-1-111122223333"}},
    })
}

/// Runs a step that waits, and returns its token.
fn run(world: &TestFramework, kind: &str, step: &str, properties: &Value) -> TaskToken {
    let token = world.tokens.open();
    let done = block_on(run_action(&world.framework, input(kind, step, &token, properties)));
    assert_eq!(done.unwrap(), Value::Null);
    token
}

/// The failure that a step got.
#[track_caller]
fn failure(world: &TestFramework, token: &TaskToken) -> Failure {
    match world.tokens.answer_to(token) {
        Some(Answer::Failed { error, cause }) => Failure::new(error, cause),
        other => panic!("the step has not failed: {other:?}"),
    }
}
