//! Runners and the default runner.

use super::*;

const QUEUE: &str = "AttiniRunnerQueueAttiniDefaultRunner";

fn job(more: Value) -> Value {
    let mut step = json!({"Name": "Job", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}});
    step["Properties"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    step
}

fn with_runner(properties: Value, plan: Value) -> Value {
    let mut template = template(plan);
    template["Resources"]["R"] = json!({"Type": "Attini::Deploy::Runner", "Properties": properties});
    template
}

fn record(properties: Value) -> (Value, Value) {
    let resources = resources(with_runner(properties, json!([cfn("A")])));
    (resources[TRIGGER]["Properties"]["Runners"][0].clone(), resources)
}

#[test]
fn plan_case_30_a_job_in_a_map_brings_the_default_runner() {
    let map = json!({"Name": "M", "Type": "Map", "Iterator": [job(json!({}))]});
    let resources = resources(template(json!([map])));
    assert!(resources.get(QUEUE).is_some());
    assert_eq!(resources[TRIGGER]["Properties"]["Runners"][0]["cluster"], "attini-default");
}

#[test]
fn plan_case_31_the_default_runner_of_a_plan() {
    let plan = |runner: Value| json!({"DefaultRunner": runner, "DeploymentPlan": [job(json!({}))]});
    let mut template = with_properties(plan(json!("R")));
    template["Resources"]["R"] = json!({"Type": "Attini::Deploy::Runner"});
    let found = resources(template.clone());
    let state = &found[MACHINE]["Properties"]["Definition"]["States"]["Job"];
    assert_eq!(state["Parameters"]["Payload"]["Properties"]["Runner"], "R");
    assert_eq!(found.get(QUEUE), None);
    assert!(message(with_properties(plan(json!("R")))).contains("DefaultRunner R"));
    template["Resources"]["Plan"]["Properties"]["DefaultRunner"] = json!({"Ref": "R"});
    assert!(message(template).contains("DefaultRunner must be a string"));
}

#[test]
fn plan_case_32_the_users_own_default_runner_is_kept() {
    let mut template = template(json!([job(json!({}))]));
    template["Resources"]["AttiniDefaultRunner"] =
        json!({"Type": "Attini::Deploy::Runner", "Properties": {"EcsCluster": "mine"}});
    assert_eq!(resources(template)[TRIGGER]["Properties"]["Runners"][0]["cluster"], "mine");
}

#[test]
fn plan_case_38_task_definitions() {
    let both = with_runner(json!({"Image": "i", "TaskDefinitionArn": "t"}), json!([cfn("A")]));
    assert!(message(both).contains("R: Image and TaskDefinitionArn"));

    let (fargate, resources) = record(json!({"Image": "i"}));
    assert_eq!(fargate["taskDefinitionArn"], json!({"Ref": "RTaskDefinition"}));
    let definition = &resources["RTaskDefinition"]["Properties"];
    assert_eq!((&definition["Cpu"], &definition["Memory"]), (&json!(512), &json!(3072)));
    assert_eq!(definition["RequiresCompatibilities"], json!(["FARGATE"]));
    assert_eq!(resources["RLogGroup"]["Properties"]["RetentionInDays"], 90);

    let (host, resources) = record(json!({"Ec2Configuration": {"InstanceType": "m5.large"}}));
    assert_eq!(host["taskDefinitionArn"], json!({"Ref": "RTaskDefinition"}));
    assert_eq!(resources["RTaskDefinition"]["Properties"]["ContainerDefinitions"][0]["Image"], "image");
    assert!(resources.get("REcsClientLogGroup").is_some());

    let (own, resources) = record(json!({"TaskDefinitionArn": "t", "Ec2Configuration": {"InstanceType": "m5.large"}}));
    assert_eq!(own["taskDefinitionArn"], "t");
    assert_eq!(resources.get("RTaskDefinition"), None);
    let (plain, _) = record(json!({}));
    let default = "arn:aws:ecs:eu-west-1:111122223333:task-definition/attini-default-runner";
    assert_eq!(plain["taskDefinitionArn"], default);
}

#[test]
fn plan_case_39_the_default_network() {
    let (plain, resources) = record(json!({}));
    assert_eq!((&plain["subnets"], &plain["assignPublicIp"]), (&json!("a,b"), &json!("ENABLED")));
    assert!(resources.get("AttiniRunnerSecurityGroupR").is_some());
    let bare = MacroSettings { default_vpc_subnets: None, ..settings() };
    let response = respond(with_runner(json!({}), json!([cfn("A")])), &bare);
    assert!(response["errorMessage"].as_str().unwrap().contains("AwsVpcConfiguration"), "{response}");
}

#[test]
fn plan_case_40_a_network_of_ones_own() {
    let (own, _) = record(json!({"AwsVpcConfiguration": {"Subnets": ["s1", " s2 ", "s1"], "AssignPublicIp": false}}));
    assert_eq!((&own["subnets"], &own["assignPublicIp"]), (&json!("s1,s2"), &json!("DISABLED")));
    assert_eq!(own.get("securityGroups"), None);
    let (text, _) = record(json!({"AwsVpcConfiguration": {"Subnets": "s1, s2", "SecurityGroups": "g"}}));
    assert_eq!((&text["subnets"], &text["securityGroups"]), (&json!("s1,s2"), &json!("g")));
}

#[test]
fn numbers_may_be_texts_but_keep_their_range() {
    let (record, _) = record(json!({"RunnerConfiguration": {"IdleTimeToLive": "600"}}));
    assert_eq!(record["idleTimeToLive"], "600");
    for bad in [json!("6"), json!(1.5), json!(true), json!([])] {
        let template = with_runner(json!({"RunnerConfiguration": {"IdleTimeToLive": bad}}), json!([cfn("A")]));
        assert!(message(template).contains("IdleTimeToLive must be a whole number from 60 to 86400"));
    }
}

#[test]
fn misspelt_settings_get_a_suggestion() {
    let template = with_runner(json!({"Startup": {"Comands": []}, "image": "i"}), json!([cfn("A")]));
    let message = message(template);
    assert!(message.contains("R: unknown property Startup.Comands (did you mean Commands?)"), "{message}");
    assert!(message.contains("R: unknown property image (did you mean Image?)"), "{message}");
}

#[test]
fn a_runner_given_by_a_substitution_is_not_checked() {
    resources(template(json!([job(json!({"Runner": "${Chosen}"}))])));
    let unknown = template(json!([job(json!({"Runner": "Linus"}))]));
    assert!(message(unknown).contains("Linus"));
}
