//! `attini plan`.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use attini_tests::{conformance_folder, plan_cases};
use serde_json::{Value, json};

use crate::support::{Run, TestEnv, repository};

/// Two resources, of which the plan has a mistake in line 6.
const REFUSED: &str = "\
Resources:
  Plan:
    Type: Attini::Deploy::DeploymentPlan
    Properties:
      DeploymentPlan:
        - {Name: A, Type: AttiniCnf}
";

fn with_stdin(env: &TestEnv, arguments: &[&str], input: &str) -> Run {
    let mut command = env.command(arguments);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.as_ref().unwrap().write_all(input.as_bytes()).unwrap();
    Run::of(&child.wait_with_output().unwrap())
}

/// The program answers every request of the corpus as required, and prints nothing else.
#[test]
fn plan_expand_answers_the_corpus() {
    let Some(cases) = plan_cases() else {
        println!("skipped: there is no folder plan in {}", conformance_folder().display());
        return;
    };
    let env = TestEnv::new();
    let mut failed = Vec::new();
    for case in &cases {
        fs::write(env.work().join("request.json"), case.input().to_string()).unwrap();
        fs::write(env.work().join("settings.json"), case.settings().to_string()).unwrap();
        let run = env.attini(["plan", "expand", "request.json", "--settings", "settings.json"]);
        let run = run.exits(i32::from(case.must_fail()));
        assert_eq!(run.stderr, "", "{}", case.name);
        if let Err(difference) = case.compare(&run.json()) {
            failed.push(format!("{}: {difference}", case.name));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn plan_expand_takes_templates_and_stdin() {
    let env = TestEnv::new();
    let hello = repository().join("examples/hello-world/deployment-plan.yaml");
    let run = env.attini(["plan", "expand", hello.to_str().unwrap(), "--region", "eu-north-1"]).exits(0);
    let fragment = &run.json()["fragment"];
    assert!(fragment.get("Transform").is_none(), "CloudFormation takes it out");
    let machine = &fragment["Resources"]["AttiniDeploymentPlanSfnPlan"]["Properties"];
    let role = "arn:aws:iam::000000000000:role/attini/attini-deployment-plan-default-role-eu-north-1";
    assert_eq!(machine["Role"], role);

    let again = with_stdin(&env, &["plan", "expand", "-"], &fs::read_to_string(hello).unwrap()).exits(0).json();
    assert_eq!(
        again["fragment"]["Resources"].as_object().unwrap().len(),
        fragment["Resources"].as_object().unwrap().len()
    );
    let request = json!({"requestId": 7, "region": "eu-west-1", "accountId": "1", "fragment": {"Resources": {}}});
    let response = with_stdin(&env, &["plan", "expand", "-", "--json"], &request.to_string()).exits(0).json();
    assert_eq!((&response["requestId"], &response["status"]), (&json!(7), &json!("success")));
}

#[test]
fn plan_expand_explains_a_refused_template_and_still_answers() {
    let env = TestEnv::new();
    fs::write(env.work().join("plan.yaml"), REFUSED).unwrap();
    let run = env.attini(["plan", "expand", "plan.yaml"]).exits(1);
    assert_eq!(run.json()["status"], "FAILURE");
    run.complains(&["unknown Type AttiniCnf", "--> plan.yaml:6:27", "did you mean AttiniCfn?"]);

    // What cannot even be read.
    let run = with_stdin(&env, &["plan", "expand", "-"], "Resources: [").exits(1);
    let response = run.json();
    assert_eq!(response["status"], "FAILURE");
    assert_ne!(response["errorMessage"], "");
    run.complains(&["--> stdin:1:"]);
    let twice = format!("{REFUSED}  Plan: {{Type: AWS::SNS::Topic}}\n");
    let run = with_stdin(&env, &["plan", "expand", "-"], &twice).exits(1);
    assert!(run.json()["errorMessage"].as_str().unwrap().contains("`Plan` stands twice"));
    for input in ["", "5", "[]", "null", "{}", "{\"fragment\": 5}"] {
        let response = with_stdin(&env, &["plan", "expand", "-"], input).exits(1).json();
        assert_ne!(response["errorMessage"], "", "{input}");
    }
    env.attini(["plan", "expand", "none.yaml"]).exits(151).complains(&["cannot read none.yaml"]);
}

#[test]
fn plan_expand_settings_say_what_the_account_holds() {
    let env = TestEnv::new();
    let request = json!({"requestId": "r", "region": "cn-north-1", "accountId": "111122223333", "fragment": {"Resources": {
        "Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": [
            {"Name": "J", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}},
        ]}},
        "Big": {"Type": "Attini::Deploy::Runner", "Properties": {"Ec2Configuration": {"InstanceType": "m5.large"}}},
    }}});
    fs::write(env.work().join("request.json"), request.to_string()).unwrap();
    let expand = |settings: &str| {
        fs::write(env.work().join("settings.yaml"), settings).unwrap();
        env.attini(["plan", "expand", "request.json", "--settings", "settings.yaml"])
    };
    let resources = |run: Run| run.exits(0).json()["fragment"]["Resources"].clone();
    let role = |resources: &Value| resources["AttiniDeploymentPlanSfnPlan"]["Properties"]["Role"].clone();
    let subnets = |resources: &Value| {
        resources["AttiniDeploymentPlanSfnPlanTrigger"]["Properties"]["Runners"][0]["subnets"].clone()
    };
    let image =
        |resources: &Value| resources["BigTaskDefinition"]["Properties"]["ContainerDefinitions"][0]["Image"].clone();

    let absent = resources(expand(""));
    let default = "arn:aws-cn:iam::111122223333:role/attini/attini-deployment-plan-default-role-cn-north-1";
    assert_eq!((role(&absent), subnets(&absent)), (json!(default), json!("subnet-00000000000000000")));
    assert!(image(&absent).as_str().unwrap().starts_with("public.ecr.aws/attini/default-runner:"));
    let given = resources(expand("defaultRole: r\ndefaultRunnerImage: i:1\ndefaultVpcSubnets: [b, a]\n"));
    assert_eq!((role(&given), subnets(&given), image(&given)), (json!("r"), json!("a,b"), json!("i:1")));

    let message = |run: Run| run.exits(1).json()["errorMessage"].as_str().unwrap().to_owned();
    assert!(message(expand("defaultRole: null")).contains("RoleArn"));
    assert!(message(expand("defaultVpcSubnets: null")).contains("AwsVpcConfiguration"));
    assert!(message(expand("defaultVpcSubnets: []")).contains("subnet"));
    expand("defaultRole: 5").exits(151).complains(&["`defaultRole` must be", "--> settings.yaml:1:14"]);
    expand("defaultRoles: x").exits(0).complains(&["Warning", "`defaultRoles` is no setting"]);
}

#[test]
fn plan_render_shows_a_distribution_in_an_environment() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    let project = project.to_str().unwrap();
    let json = env.attini(["plan", "render", project, "-e", "prod", "--json"]).exits(0).json();
    assert_eq!(json["Transform"], json!(["AWS::Serverless-2016-10-31"]));
    assert_eq!(json["Parameters"]["NetworkRange"]["Default"], "10.100.0.0/16");
    let text = json.to_string();
    assert!(text.contains("prod-network-and-app-plan") && !text.contains("Attini::Deploy"), "{text}");
    // The text for people is the same document.
    let run = env.attini(["plan", "render", project, "-e", "prod"]).exits(0);
    let yaml = attini_core::document::Document::parse("t.yaml", &run.stdout).unwrap();
    assert_eq!(yaml.to_json(), json);
    let config = format!("{project}/attini-config.yaml");
    assert_eq!(env.attini(["plan", "render", &config, "-e", "prod", "--json"]).exits(0).json(), json);
    // Another environment has other values, and the zip those of its project.
    let dev = env.attini(["plan", "render", project, "--json"]).exits(0).json();
    assert_eq!(dev["Parameters"]["NetworkRange"]["Default"], "10.0.0.0/16");
    let zip = env.attini(["package", project]).exits(0);
    let zip = zip.line("Distribution created: ").trim_start_matches("Distribution created: ").to_owned();
    assert_eq!(env.attini(["plan", "render", &zip, "--json"]).exits(0).json()["Resources"], dev["Resources"]);
}

#[test]
fn plan_render_asl_is_one_machine_without_functions() {
    let env = TestEnv::new();
    let project = env.project("examples/network-and-app");
    let machine = env.attini(["plan", "render", project.to_str().unwrap(), "--asl"]).exits(0).json();
    assert_eq!(machine["StartAt"], "AttiniPrepareDeployment");
    let text = machine.to_string();
    assert!(!text.contains("Fn::") && !text.contains("\"Ref\""), "{text}");
    assert_eq!(machine["States"]["Network"]["ResultPath"], "$.output.Network");

    fs::write(env.work().join("none.yaml"), "Resources: {T: {Type: 'AWS::SNS::Topic'}}\n").unwrap();
    env.attini(["plan", "render", "none.yaml", "--asl"]).exits(1).complains(&["none.yaml holds no plan"]);
}

#[test]
fn plan_render_explains_what_is_wrong() {
    let env = TestEnv::new();
    fs::write(env.work().join("plan.yaml"), format!("Parameters: {{A: {{Type: String}}}}\n{REFUSED}")).unwrap();
    env.attini(["plan", "render", "plan.yaml"]).exits(1).complains(&[
        "warning: the parameter A has neither a value nor a default",
        "--> plan.yaml:7:27",
        "did you mean AttiniCfn?",
    ]);
    env.attini(["plan", "render", "none"]).exits(151).complains(&["none is neither a directory"]);
    fs::write(env.work().join("broken.zip"), "no zip").unwrap();
    env.attini(["plan", "render", "broken.zip"]).exits(151).complains(&["cannot read broken.zip"]);
    fs::write(env.work().join("attini-config.yaml"), "distributionName: x\n").unwrap();
    env.attini(["plan", "render", "."]).exits(1).complains(&["x has no init template"]);
    fs::write(env.work().join("attini-config.yaml"), "distributionName: [\n").unwrap();
    env.attini(["plan", "render"]).exits(155).complains(&["--> attini-config.yaml:"]);
}

/// The text of a template whose plan has so many `Parallel`s in each other; as text, for it may be deeper than values can be.
fn nested(levels: usize, as_list: bool) -> String {
    let mut plan = match as_list {
        true => r#"[{"Name": "Z", "Type": "Pass"}]"#.to_owned(),
        false => r#"{"StartAt": "Z", "States": {"Z": {"Type": "Pass", "End": true}}}"#.to_owned(),
    };
    for level in 0..levels {
        plan = match as_list {
            true => format!(r#"[{{"Name": "P{level}", "Type": "Parallel", "Branches": [{plan}]}}]"#),
            false => format!(
                r#"{{"StartAt": "P{level}", "States": {{"P{level}": {{"Type": "Parallel", "End": true, "Branches": [{plan}]}}}}}}"#
            ),
        };
    }
    let kind = "Attini::Deploy::DeploymentPlan";
    format!(r#"{{"Resources": {{"Plan": {{"Type": "{kind}", "Properties": {{"DeploymentPlan": {plan}}}}}}}}}"#)
}

#[test]
fn plans_nested_50_levels_deep_pass_the_whole_way_and_deeper_ones_are_refused_with_a_reason() {
    let env = TestEnv::new();
    for as_list in [false, true] {
        let text = nested(50, as_list);
        fs::write(env.work().join("plan.json"), &text).unwrap();
        fs::write(env.work().join("plan.yaml"), &text).unwrap();
        let request =
            format!("{{\"requestId\": \"r\", \"region\": \"eu-west-1\", \"accountId\": \"1\", \"fragment\": {text}}}");
        fs::write(env.work().join("request.json"), request).unwrap();
        for file in ["plan.json", "plan.yaml", "request.json"] {
            let run = env.attini(["plan", "expand", file]).exits(0);
            // Deeper than this test's own reader goes.
            assert!(run.stdout.contains("\"status\": \"success\"") && run.stdout.contains("\"P49\""), "{file}");
        }
        let run = env.attini(["plan", "render", "plan.json", "--asl"]).exits(0);
        assert!(run.stdout.contains("\"Z\""));
        for levels in [101, 3_000] {
            let run = with_stdin(&env, &["plan", "expand", "-"], &nested(levels, as_list)).exits(1);
            assert!(run.json()["errorMessage"].as_str().unwrap().contains("deep"), "{}", run.stdout);
        }
    }
}
