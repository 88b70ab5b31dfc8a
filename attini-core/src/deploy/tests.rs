#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod configuration;
mod custom_resource;
mod dependencies;
mod faults;
mod init_stack;
mod records;
mod registration;
mod repeated;

use futures::executor::block_on;
use serde_json::Value;

use super::{Upload, init_deploy};
use crate::contract::TestFramework;
use crate::framework::Failure;
use crate::inventory::{distribution_key, init_stack_key};

const KEY: &str = "dev/infra/infra.zip";
const CONFIG: &str = "distributionName: infra\ndistributionId: abc\n";
const WITH_STACK: &str = "distributionName: infra\ndistributionId: abc\ninitDeployConfig:\n  template: /plan.yaml\n  stackName: ${environment}-infra\n";
const TEMPLATE: &str = "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Db
          Type: AttiniCfn
          Properties: {StackName: dev-db, Template: /db.yaml}
";

/// A framework with environment `dev`.
fn world() -> TestFramework {
    let world = TestFramework::new();
    block_on(world.create_environment("dev"));
    world
}

fn upload(world: &TestFramework, key: &str, files: &[(&str, &str)]) -> Upload {
    block_on(world.upload(key, files))
}

/// Uploads to the usual key and deploys.
fn deploy(world: &TestFramework, files: &[(&str, &str)]) -> (Upload, Result<(), Failure>) {
    let upload = upload(world, KEY, files);
    let done = block_on(init_deploy(&world.framework, &upload));
    (upload, done)
}

/// Deploys what must be refused, and returns its record under one name.
fn refused(world: &TestFramework, name: &str, files: &[(&str, &str)]) -> (Failure, Value) {
    let (upload, done) = deploy(world, files);
    let failure = done.unwrap_err();
    let record = world.deployment("dev", name, &upload.object());
    assert_eq!((&record["outcome"], &record["errorCode"]), (&"FAILED".into(), &failure.error.clone().into()));
    assert_eq!(record["errorMessage"], failure.cause);
    (failure, record)
}

fn artifact_keys(world: &TestFramework) -> Vec<String> {
    world.artifacts.keys().iter().map(|key| key.as_str().to_owned()).collect()
}

/// Nothing was written but the deployment's record.
fn assert_untouched(world: &TestFramework) {
    assert_eq!(artifact_keys(world), [] as [&str; 0]);
    assert_eq!(world.find_body(&distribution_key("dev", "infra")), None);
    assert_eq!(world.find_body(&init_stack_key("dev-infra")), None);
    assert_eq!(latest_id(world), None);
    assert!(world.init_stacks.requests().is_empty());
}

/// The value of the parameter that names the newest id.
fn latest_id(world: &TestFramework) -> Option<String> {
    block_on(world.framework.parameters.find("/attini/distributions/dev/infra/latest")).unwrap()
}
