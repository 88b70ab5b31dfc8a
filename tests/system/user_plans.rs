//! What becomes of the plans of users' projects when their templates are expanded (user-projects.md 8).

use attini_core::asl::path::JsonPath;
use serde_json::{Value, json};

use crate::packaged::{Expanded, Packaged};

/// The projects, the number of their runners, and those with a default runner of the framework.
const RUNNERS: [(&str, &[&str]); 19] = [
    ("01-integration-test", &["FargateRunner", "Ec2Runner"]),
    ("02-cdk-java", &["DemoRunner46BA8BB3", "AttiniDefaultRunner"]),
    ("03-cdk-javascript", &["DemoRunner46BA8BB3"]),
    ("04-cdk-typescript", &["DemoRunner46BA8BB3"]),
    ("05-cdk-python", &["DemoRunner46BA8BB3"]),
    ("06-synth-deploy-on-runner", &["ProjectRunner"]),
    ("07-synth-in-package", &[]),
    ("08-synth-on-runner", &["ProjectRunner"]),
    ("09-demo-python", &["AttiniDefaultRunner"]),
    ("10-skeleton", &[]),
    ("11-init-cdk-typescript", &["Runner1A2B3C4D"]),
    ("12-website", &[]),
    ("13-cdk-example", &["AttiniDefaultRunner"]),
    ("14-deploy-cfn", &[]),
    ("15-lambda-invoke", &[]),
    ("16-manual-approval", &["CdkRunner"]),
    ("17-parallel", &[]),
    ("18-runner", &["CustomRunner"]),
    ("19-sam", &["AttiniDefaultRunner"]),
];

fn is_cdk(name: &str) -> bool {
    ["02", "03", "04", "05", "06", "07", "08", "09", "11", "13"].iter().any(|number| name.starts_with(number))
}

/// The value with the keys of all its maps in another order.
fn shuffled(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().rev().map(|(key, value)| (key.clone(), shuffled(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(shuffled).collect()),
        other => other.clone(),
    }
}

#[test]
fn user_cases_2_3_23_and_26_every_template_becomes_one_machine_with_its_trigger_its_rule_and_its_queues() {
    for (name, runners) in RUNNERS {
        let fragment = Packaged::of(name).fragment();
        let expanded = Expanded::of(&fragment);
        expanded.machine();
        assert_eq!(expanded.of_type("Custom::AttiniDeploymentPlanTrigger").len(), 1, "{name}");
        assert_eq!(expanded.of_type("AWS::Events::Rule").len(), 1, "{name}");
        let resources = expanded.0["Resources"].as_object().unwrap();
        let of_attini = resources.values().filter(|it| it["Type"].as_str().unwrap().starts_with("Attini::"));
        assert_eq!(of_attini.count(), 0, "{name}");

        let mut queues = expanded.of_type("AWS::SQS::Queue");
        let mut wanted: Vec<_> = runners.iter().map(|runner| format!("AttiniRunnerQueue{runner}")).collect();
        queues.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(queues, wanted, "{name}");

        // What is not of Attini passes through untouched, with its attributes, and so do the other sections.
        for (id, resource) in fragment["Resources"].as_object().unwrap() {
            if !resource["Type"].as_str().unwrap().starts_with("Attini::") {
                assert_eq!(&resources[id], resource, "{name}: {id}");
            }
        }
        for section in ["Conditions", "Rules", "Mappings", "Parameters"] {
            assert_eq!(expanded.0.get(section), fragment.get(section), "{name}: {section}");
        }
        if is_cdk(name) {
            assert_eq!(resources["CDKMetadata"]["Condition"], "CDKMetadataAvailable");
            assert!(expanded.0["Parameters"]["BootstrapVersion"].is_object());
            let path = expanded.machine()["Metadata"]["aws:cdk:path"].as_str().unwrap_or_default();
            // This one is synthesized without paths.
            assert_eq!(path.starts_with("DeploymentPlan"), name != "02-cdk-java", "{name}: {path}");
        }
        let other = Expanded::of(&shuffled(&fragment));
        assert_eq!(other.0, expanded.0, "{name}");
    }
}

#[test]
fn user_case_4_a_runner_without_properties_has_the_defaults() {
    let expanded = Expanded::of(&Packaged::of("05-cdk-python").fragment());
    let triggers = expanded.of_type("Custom::AttiniDeploymentPlanTrigger");
    let runner = &expanded.resource(triggers[0])["Properties"]["Runners"][0];
    assert_eq!(runner["subnets"], "subnet-a,subnet-b", "{runner}");
    assert!(runner["taskDefinitionArn"].to_string().contains("task-definition/attini-default-runner"), "{runner}");
    assert_eq!(expanded.of_type("AWS::EC2::SecurityGroup").len(), 1);
}

#[test]
fn user_case_5_the_vendors_integration_test() {
    let expanded = Expanded::of(&Packaged::of("01-integration-test").fragment());
    let states = expanded.states();
    assert_eq!(states["Start Runners"]["Branches"].as_array().unwrap().len(), 8);
    let merges: Vec<_> =
        states.as_object().unwrap().keys().filter(|name| name.ends_with("-Merge")).map(String::as_str).collect();
    assert_eq!(merges, ["Start Runners-Merge", "Deploy_Projects-Merge"]);
    let branch = &states["Deploy_Projects"]["Branches"][1];
    assert_eq!(branch["StartAt"], "DeploySamProjectPackageSam");
    let packaging = Expanded::properties(&branch["States"]["DeploySamProjectPackageSam"]);
    assert_eq!(packaging["Runner"], "Ec2Runner");
    // The name has blanks, so the path has brackets.
    assert_eq!(states["Deploy Lambda Stack"]["ResultPath"], "$['output']['Deploy Lambda Stack']");
}

#[test]
fn user_case_8_templates_beside_the_distribution_and_another_region() {
    let expanded = Expanded::of(&Packaged::of("08-synth-on-runner").fragment());
    let branches = &expanded.states()["Deploy Queues"]["Branches"];
    let first = Expanded::properties(&branches[0]["States"]["DeploySQS"]);
    assert_eq!(first["Template"], "/../CdkExampleSQS.template.json");
    let second = Expanded::properties(&branches[1]["States"]["DeploySQS In Stockholm"]);
    assert_eq!(second["Region"], "eu-north-1");
}

#[test]
fn user_case_10_an_output_of_a_stack_whose_id_has_hyphens_is_found() {
    let expanded = Expanded::of(&Packaged::of("09-demo-python").fragment());
    let job = &expanded.states()["load-test"]["Parameters"]["Payload"]["Properties"]["Environment"]["URL.$"];
    let payload = json!({"output": {"deploy_cdk_app": {"hello-world-stack": {"FunctionUrl": "https://x"}}}});
    let path = JsonPath::parse(job.as_str().unwrap()).unwrap();
    assert_eq!(path.select(&payload).unwrap().into_value(), "https://x");
}

#[test]
fn user_case_12_a_diff_brings_three_more_states() {
    let mut fragment = Packaged::of("11-init-cdk-typescript").fragment();
    let names = |fragment: &Value| {
        let expanded = Expanded::of(fragment);
        expanded.states().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&fragment), ["AttiniPrepareDeployment", "DeployApp", "show-output"]);
    let plan = &mut fragment["Resources"]["deploymentplan1985A183"]["Properties"]["DeploymentPlan"];
    plan["States"]["DeployApp"]["Properties"]["Diff"]["Enabled"] = json!(true);
    let with_diff = names(&fragment);
    assert_eq!(with_diff.len(), 6, "{with_diff:?}");
    for name in ["DeployAppCdkDiff", "DeployAppApproveChanges?", "DeployAppApproveChanges"] {
        assert!(with_diff.contains(&name.to_owned()), "{with_diff:?}");
    }
}

#[test]
fn user_case_13_a_task_keeps_the_function_it_names() {
    let expanded = Expanded::of(&Packaged::of("12-website").fragment());
    let task = &expanded.states()["DeployWebsite"];
    assert_eq!(task["Resource"], json!({"Fn::GetAtt": ["DeployWebsiteLambda", "Arn"]}));
}

#[test]
fn user_case_17_a_key_with_a_blank_before_its_colon() {
    let expanded = Expanded::of(&Packaged::of("17-parallel").fragment());
    let step = &expanded.states()["Parallel_Deploy"]["Branches"][0]["States"]["Deploy_Lambda_1"];
    assert_eq!(Expanded::properties(step)["Parameters"], json!({"StepName.$": "$$.State.Name"}));
}

#[test]
fn user_case_27_the_example_of_the_construct_library() {
    let plan = json!({"StartAt": "Db", "States": {
        "Db": {"Type": "AttiniCfn", "Properties": {"StackName": "db", "Template": "/db.yaml"}, "Next": "App"},
        "App": {"Type": "AttiniCdk", "Properties": {
            "Path": "./", "StackConfiguration": [{"Parameters": {"Arn.$": "$.output.Db.Arn"}}], "Build": "npm install",
        }, "Next": "Call"},
        "Call": {"Type": "AttiniLambdaInvoke", "Parameters": {"FunctionName.$": "$.output.App.AppStack.Fn"}, "End": true},
    }});
    let fragment = json!({"Resources": {"DeploymentPlan": {
        "Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": plan},
    }}});
    let expanded = Expanded::of(&fragment);
    let names: Vec<_> = expanded.states().as_object().unwrap().keys().collect();
    assert_eq!(names, ["AttiniPrepareDeployment", "Db", "App", "Call"]);
    assert_eq!(expanded.states()["Call"]["Parameters"]["Payload.$"], "$");
}
