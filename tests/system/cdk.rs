//! Templates that the real CDK synthesised (`tests/fixtures/cdk-shop`): creation, and an update that changes little.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TestEnv, repository};

const CONFIG: &str = "\
distributionName: cdk-shop
initDeployConfig:
  template: deployment-plan.yaml
  stackName: ${environment}-${distributionName}-plan
  parameters:
    default: {Stage: dev}
    prod: {Stage: prod}
";

const PLAN: &str = "\
Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]
Parameters:
  AttiniEnvironmentName: {Type: String}
  Stage: {Type: String}
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - Name: Shop
          Type: AttiniCfn
          Properties:
            StackName: !Sub ${AttiniEnvironmentName}-shop
            Template: /shop.template.json
            Parameters:
              Stage: !Ref Stage
";

fn fixture(name: &str) -> PathBuf {
    repository().join("tests/fixtures/cdk-shop").join(name)
}

fn template(name: &str) -> Value {
    serde_json::from_slice(&fs::read(fixture(name)).unwrap()).unwrap()
}

fn resources(name: &str) -> BTreeSet<String> {
    template(name)["Resources"].as_object().unwrap().keys().cloned().collect()
}

fn project(env: &TestEnv) -> PathBuf {
    let project = env.work().join("shop");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("attini-config.yaml"), CONFIG).unwrap();
    fs::write(project.join("deployment-plan.yaml"), PLAN).unwrap();
    put(&project, "first.template.json");
    project
}

fn put(project: &Path, name: &str) {
    fs::copy(fixture(name), project.join("shop.template.json")).unwrap();
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_cdk_template_of_seventy_resources_is_created() {
    let env = TestEnv::new();
    let events = env.deploy(&project(&env), "1", &["-e", "prod", "--json"]).exits(0).events();
    let wanted = resources("first.template.json");
    assert_eq!(wanted.len(), 70);
    let mut created = set(&events.resources("Shop", "CREATE_COMPLETE"));
    assert!(created.remove("prod-shop"));
    assert_eq!(created, wanted);

    let stack = env.stack("prod", "prod-shop");
    assert_eq!(stack.status.0, "CREATE_COMPLETE");
    // It is the name of a parameter of the account, which every local account has.
    assert_eq!(stack.parameters["BootstrapVersion"], "/cdk-bootstrap/hnb659fds/version");
    assert_eq!((stack.parameters["Stage"].as_str(), stack.parameters["RetentionSeconds"].as_str()), ("prod", "345600"));

    let state = env.resources("prod-shop");
    let physical = |id: &str| state[id]["physical_id"].as_str().unwrap().to_owned();
    let output = env.output("prod", "cdk-shop")["output"]["Shop"].take();
    let names: BTreeSet<String> = output.as_object().unwrap().keys().cloned().collect();
    let wanted: BTreeSet<String> =
        template("first.template.json")["Outputs"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, wanted);
    assert_eq!(output["Mode"], "production");
    assert_eq!(output["TableName"], physical("OrdersA9B65338"));
    assert_eq!(output["VpcId"], physical("Vpc8378EB38"));
    assert_eq!(output["ClusterName"], physical("ClusterEB0386A7"));
    assert_eq!(output["QueueUrl"], physical("Queue4A7E3555"));
    assert_eq!(output["BucketArn"], format!("arn:aws:s3:::{}", physical("Assets9A31D427")));
    let endpoint = format!("https://{}.execute-api.eu-west-1.amazonaws.com/", physical("ApiF70053CD"));
    assert!(output["ApiEndpoint4F160690"].as_str().unwrap().starts_with(&endpoint), "{output}");
}

#[test]
fn its_update_touches_what_changed_and_nothing_else() {
    let env = TestEnv::new();
    let project = project(&env);
    env.deploy(&project, "1", &[]).exits(0);
    let (stack, before) = (env.stack("dev", "dev-shop"), env.resources("dev-shop"));

    put(&project, "update.template.json");
    let events = env.deploy(&project, "2", &["--json"]).exits(0).events();
    let of = |status: &str| {
        let mut found = set(&events.resources("Shop", status));
        found.remove("dev-shop");
        found
    };
    let modified = [
        "CDKMetadata",
        "CreateOrder18B1EE4A",
        "DeleteOrder3420BA57",
        "Queue4A7E3555",
        "ReadOrder5909AE12",
        "UpdateOrder97797B6B",
    ];
    assert_eq!(of("UPDATE_COMPLETE"), set(&modified));
    assert_eq!(of("CREATE_COMPLETE"), set(&["DeadLetterAlarmBB7AE56D", "Returns425A41DA"]));
    assert_eq!(of("DELETE_COMPLETE"), set(&["LegacyFA07BB5D"]));

    let (after_stack, after) = (env.stack("dev", "dev-shop"), env.resources("dev-shop"));
    assert_eq!((after_stack.id, after_stack.status.0.as_str()), (stack.id, "UPDATE_COMPLETE"));
    let ids: BTreeSet<String> = after.as_object().unwrap().keys().cloned().collect();
    let mut wanted = resources("update.template.json");
    assert!(wanted.remove("ProdOnly"), "its condition does not hold in dev");
    assert_eq!(ids, wanted);
    for (id, resource) in after.as_object().unwrap() {
        if let Some(old) = before.get(id) {
            assert_eq!(resource["physical_id"], old["physical_id"], "{id} was replaced");
        }
    }
    let property = |id: &str, name: &str| after[id]["properties"][name].clone();
    assert_eq!(property("Queue4A7E3555", "VisibilityTimeout"), 120);
    assert!(property("ReadOrder5909AE12", "Code")["ZipFile"].as_str().unwrap().contains("Read 2"));

    // Deployed once more there is nothing to do.
    let events = env.deploy(&project, "3", &["--json"]).exits(0).events();
    assert_eq!(events.stack("Shop"), []);
}

#[test]
fn a_cdk_template_that_needs_a_newer_bootstrap_is_refused_by_its_own_rule() {
    let env = TestEnv::new();
    let project = project(&env);
    env.set_values("dev", "parameters:\n  /cdk-bootstrap/hnb659fds/version: \"5\"\n");
    let run = env.deploy(&project, "1", &[]).exits(1);
    run.complains(&["failed in step `Shop`", "CDK bootstrap stack version 6 required"]);
    assert!(env.find_stack("dev", "dev-shop").is_none());
}
