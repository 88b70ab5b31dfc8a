//! Whole results, field by field, for rules that the acceptance cases only touch.

use super::*;
use crate::plan::decode_defaults;

const PLAIN_PAYLOAD: [&str; 6] =
    ["customData", "deploymentOriginData", "output", "dependencies", "environment", "stackParameters"];

/// R3 as the specification tables it (8.2).
fn lambda_service() -> Value {
    json!({
        "ErrorEquals": [
            "Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.AWSLambdaException",
            "Lambda.SdkClientException", "Lambda.ClientExecutionTimeoutException",
        ],
        "IntervalSeconds": 2, "MaxAttempts": 30, "BackoffRate": 1.2,
    })
}

/// R1 and R2.
fn stack_operations() -> Vec<Value> {
    vec![
        json!({"ErrorEquals": ["IsExecuting"], "IntervalSeconds": 3, "MaxAttempts": 650, "BackoffRate": 1.01, "MaxDelaySeconds": 30}),
        json!({"ErrorEquals": ["RollBackCompleteState"], "IntervalSeconds": 4, "MaxAttempts": 1, "BackoffRate": 1}),
    ]
}

/// The frame of 8.2, without a link.
fn frame(name: &str, action: &str, properties: Option<Value>) -> Value {
    let mut payload = json!({
        "attiniActionType": action,
        "deploymentPlanExecutionMetadata": {
            "executionArn.$": "$$.Execution.Id", "executionStartTime.$": "$$.Execution.StartTime",
            "sfnToken.$": "$$.Task.Token", "retryCounter.$": "$$.State.RetryCount", "stepName.$": "$$.State.Name",
        },
    });
    for field in PLAIN_PAYLOAD {
        payload[format!("{field}.$")] = json!(format!("$.{field}"));
    }
    if let Some(properties) = properties {
        payload["Properties"] = properties;
    }
    json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": "attini-action", "Payload": payload},
        "Retry": [lambda_service()], "ResultPath": format!("$.output.{name}"),
    })
}

fn with(mut state: Value, fields: Value) -> Value {
    state.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    state
}

#[test]
fn rule_8_3_every_field_a_user_may_set_is_kept_on_a_framed_state() {
    let own = json!({"ErrorEquals": ["Flaky", "States.Timeout"], "IntervalSeconds": 1, "JitterStrategy": "FULL"});
    let kept = json!({
        "Comment": "c", "TimeoutSecondsPath": "$.customData.t", "InputPath": "$", "OutputPath": "$",
        "ResultSelector": {"a.$": "$.a"}, "Credentials": {"RoleArn.$": "$.customData.r"},
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.customData.e", "Next": "N"}],
    });
    let step = with(
        kept.clone(),
        json!({
            "Type": "AttiniCfn", "Properties": {"StackName": "x", "Parameters": {"P.$": "$.output.Y.Arn"}},
            "ResultPath": null, "Retry": [own], "End": false,
        }),
    );
    let found = states(json!({"StartAt": "X", "States": {"X": step, "N": {"Type": "Succeed"}}}));
    let properties = json!({"StackName": "x", "Parameters": {"P.$": "$.output.Y.Arn"}});
    let retriers = [stack_operations(), vec![lambda_service(), own]].concat();
    let expected = with(with(frame("X", "DeployCfn", Some(properties)), kept), json!({"Retry": retriers, "End": true}));
    assert_eq!(found["X"], expected);
    let first = json!({
        "Type": "Task", "Resource": {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:attini-action"},
        "Parameters": {
            "customData.$": "$", "attiniActionType": "GetDeployOriginData", "sfnArn.$": "$$.StateMachine.Id",
            "executionArn.$": "$$.Execution.Id",
        },
        "Retry": [lambda_service()], "ResultPath": "$", "Next": "X",
    });
    assert_eq!(found["AttiniPrepareDeployment"], first);
}

#[test]
fn rule_8_3_heartbeats_are_kept_where_a_runner_sends_them() {
    let job =
        |more: Value| with(json!({"Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}, "End": true}), more);
    let plan = |state: Value| json!({"StartAt": "X", "States": {"X": state}});
    let found = states(plan(job(json!({"HeartbeatSeconds": 900}))));
    assert_eq!(found["X"]["HeartbeatSeconds"], 900);
    let cdk = states(plan(json!({"Type": "AttiniCdk", "HeartbeatSecondsPath": "$.h", "End": true})));
    let expected = with(
        frame("X", "DeployCdk", Some(json!({"Path": "./", "Runner": "AttiniDefaultRunner"}))),
        json!({"HeartbeatSecondsPath": "$.h", "End": true}),
    );
    assert_eq!(cdk["X"], expected, "a CDK step needs no Properties");
    for kind in ["AttiniCfn", "AttiniSam", "AttiniImport", "AttiniManualApproval"] {
        refused(plan(json!({"Type": kind, "HeartbeatSeconds": 5, "End": true})), &["step X", "HeartbeatSeconds", kind]);
    }
}

#[test]
fn rule_8_7_both_states_of_a_sam_step_get_the_users_fields() {
    let properties = json!({
        "StackName.$": "$.customData.n", "Project": {"Path.$": "$.customData.p", "BuildDir": "b", "Template": "t.yaml"},
        "Runner": "Linux", "Region": {"Ref": "AWS::Region"},
    });
    let catch = json!([{"ErrorEquals": ["States.ALL"], "Next": "S"}]);
    let step = json!({
        "Type": "AttiniSam", "Properties": properties, "Comment": "c", "TimeoutSeconds": 9, "Catch": catch, "End": true,
    });
    let mut template = template(json!({"StartAt": "S", "States": {"S": step}}));
    template["Resources"]["Linux"] = json!({"Type": "Attini::Deploy::Runner"});
    let resources = resources(template);
    let states = &resources[MACHINE]["Properties"]["Definition"]["States"];
    let user =
        json!({"Comment": "c", "TimeoutSeconds": 9, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "SPackageSam"}]});
    let packaging = frame("SPackageSam", "PackageSam", Some(properties.clone()));
    assert_eq!(states["SPackageSam"], with(with(packaging, user.clone()), json!({"Next": "S"})));
    let deploying =
        frame("S", "DeployCfn", Some(with(properties, json!({"Template.$": "$.output.SPackageSam.result"}))));
    let retriers = [stack_operations(), vec![lambda_service()]].concat();
    assert_eq!(states["S"], with(with(deploying, user), json!({"Retry": retriers, "End": true})));
    assert_eq!(states["AttiniPrepareDeployment"]["Next"], "SPackageSam");
    // 5.6: a SAM step that names its runner needs no default one.
    assert_eq!(resources.get("AttiniRunnerQueueAttiniDefaultRunner"), None);
}

#[test]
fn rule_8_8_a_diff_becomes_four_states_in_front_of_one_another() {
    let properties = json!({"Path": "/cdk", "Diff": {"Enabled": true}, "Stacks": ["a"], "Environment": {"A.$": "$.a"}});
    let step = json!({
        "Type": "AttiniCdk", "Properties": properties, "TimeoutSeconds": 60,
        "Retry": [{"ErrorEquals": ["RuntimeError"]}], "Next": "N",
    });
    let found = states(json!({"StartAt": "My App", "States": {"My App": step, "N": {"Type": "Succeed"}}}));
    let sent = with(properties, json!({"Path": "./cdk", "Runner": "AttiniDefaultRunner"}));
    let user = json!({"TimeoutSeconds": 60, "Retry": [lambda_service(), {"ErrorEquals": ["RuntimeError"]}]});
    let path = |name: &str| json!({"ResultPath": format!("$['output']['{name}']")});
    let diff = with(with(frame("", "DeployCdkChangeset", Some(sent.clone())), user.clone()), path("My AppCdkDiff"));
    assert_eq!(found["My AppCdkDiff"], with(diff, json!({"Next": "My AppApproveChanges?"})));
    let rule = json!({
        "Variable": "$['output']['My AppCdkDiff']['result']", "StringEquals": "change-detected",
        "Next": "My AppApproveChanges",
    });
    assert_eq!(found["My AppApproveChanges?"], json!({"Type": "Choice", "Choices": [rule], "Default": "My App"}));
    let approval = with(frame("", "ManualApproval", None), path("My AppApproveChanges"));
    assert_eq!(found["My AppApproveChanges"], with(approval, json!({"Next": "My App"})));
    let deploy = with(with(frame("", "DeployCdk", Some(sent)), user), path("My App"));
    assert_eq!(found["My App"], with(deploy, json!({"Next": "N"})));
}

#[test]
fn rule_8_12_an_attini_map_sets_what_each_item_gets() {
    let item = json!({
        "ConfigFile.$": "$$.Map.Item.Value", "customData.$": "$.customData", "dependencies.$": "$.dependencies",
        "output.$": "$.output", "deploymentOriginData.$": "$.deploymentOriginData", "environment.$": "$.environment",
        "stackParameters.$": "$.stackParameters",
    });
    let scope = json!({"StartAt": "S", "States": {"S": {"Type": "AttiniCfn", "End": true}}});
    let map = json!({
        "Type": "AttiniMap", "ItemsPath": "$.customData.files", "MaxConcurrency": 2, "InputPath": "$.x",
        "Parameters": {"mine": 1}, "ResultPath": "$.r", "Comment": "c", "Iterator": scope,
        "Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "J"}], "Next": "J",
    });
    let plan = json!({"StartAt": "M", "States": {"M": map, "J": {"Type": "AttiniMergeOutput", "End": true}}});
    let resources = resources(template(plan));
    let states = &resources[MACHINE]["Properties"]["Definition"]["States"];
    let mut inner = frame("S", "DeployCfn", Some(json!({"ConfigFile.$": "$.ConfigFile"})));
    inner["Retry"] = Value::Array([stack_operations(), vec![lambda_service()]].concat());
    let expected = with(
        map,
        json!({
            "Type": "Map", "InputPath": "$", "Parameters": item,
            "Iterator": {"StartAt": "S", "States": {"S": with(inner, json!({"End": true}))}},
        }),
    );
    assert_eq!(states["M"], expected, "no retriers of the framework on the map itself");
    let merge = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "OutputPath": "$.Payload", "End": true,
        "Parameters": {"FunctionName": "attini-action", "Payload": {
            "attiniActionType": "AttiniMergeOutput", "InputsToMerge.$": "$",
        }},
        "Retry": [lambda_service()],
    });
    assert_eq!(states["J"], merge);
    assert_eq!(listed(&resources), ["J", "S"]);
}

#[test]
fn rule_8_14_standard_states_pass_through_as_they_are() {
    let plan = json!({"StartAt": "W", "States": {
        "W": {"Type": "Wait", "SecondsPath": "$.customData.s", "Next": "T"},
        "T": {
            "Type": "Task", "Resource": {"Fn::GetAtt": ["Fn", "Arn"]}, "Parameters": {"a.$": "$.output.X.y"},
            "Retry": [], "ResultPath": null, "HeartbeatSeconds": 3, "Next": "Q",
        },
        "Q": {
            "Type": "Pass", "QueryLanguage": "JSONata", "Output": {"a": "{% $states.input.a %}"},
            "Assign": {"x": "{% 1 + 1 %}"}, "Next": "C",
        },
        "C": {"Type": "Choice", "Default": "F", "Choices": [
            {"Or": [{"Variable": "$.a", "IsNull": true}, {"Not": {"Variable": "$.b", "NumericLessThan": 3.5}}], "Next": "M"},
        ]},
        "M": {
            "Type": "Map", "ItemsPath": "$.l", "MaxConcurrency": 0, "ToleratedFailurePercentage": 5,
            "ItemSelector": {"v.$": "$$.Map.Item.Value"}, "Next": "P",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"}, "Comment": "c", "StartAt": "I",
                "States": {"I": {"Type": "Pass", "End": true}},
            },
        },
        "P": {
            "Type": "Parallel", "ResultSelector": {"a.$": "$[0]"}, "Next": "S",
            "Branches": [{"Comment": "b", "StartAt": "B", "States": {"B": {"Type": "Succeed"}}}],
        },
        "F": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}', $.c)"},
        "S": {"Type": "Succeed", "InputPath": "$.output"},
    }});
    let mut found = states(plan.clone());
    found.as_object_mut().unwrap().shift_remove("AttiniPrepareDeployment");
    assert_eq!(found, plan["States"]);
}

#[test]
fn rule_8_3_steps_in_jsonata_are_refused_and_jsonpath_may_be_said() {
    let step = |language: &str| {
        json!({"StartAt": "A", "QueryLanguage": "JSONPath", "States": {"A": {
            "Type": "AttiniManualApproval", "QueryLanguage": language, "End": true,
        }}})
    };
    let found = states(step("JSONPath"));
    assert_eq!(found["A"], with(frame("A", "ManualApproval", None), json!({"End": true})));
    refused(step("JSONata"), &["step A", "QueryLanguage", "JSONPath"]);
}

#[test]
fn rule_8_4_names_of_any_kind_are_read_back_as_they_were_written() {
    for name in
        ["Deploy Stack", "it's", "a.b", "back\\slash", "Größe", "部署", "a[0]", "$", "\"q\"", "x\ty", "--", "🚀"]
    {
        let plan = json!([
            {"Name": name, "Type": "AttiniRunnerJob", "Properties": {"Commands": ["make"]}},
            {"Name": "Next", "Type": "AttiniSam", "Properties": {"StackName": "s", "Project": {"Path": "/s"}}},
        ]);
        let resources = resources(template(plan));
        let path =
            resources[MACHINE]["Properties"]["Definition"]["States"][name]["ResultPath"].as_str().unwrap().to_owned();
        // Writing there and reading it back is the same place.
        let parsed = crate::asl::path::ReferencePath::parse(&path).unwrap();
        let mut written = json!({"output": {}});
        parsed.set(&mut written, json!(1)).unwrap();
        assert_eq!(written, json!({"output": {name: 1}}), "{path}");
        assert!(listed(&resources).contains(&name.to_owned()));
    }
}

#[test]
fn rule_5_an_ec2_runner_with_everything() {
    let properties = json!({
        "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.example.com/x"}, "ContainerName": "c", "EcsCluster": "k",
        "RoleArn": {"Fn::GetAtt": "Role.Arn"}, "Memory": "4096", "Cpu": 1024,
        "RunnerConfiguration": {"MaxConcurrentJobs": 2, "IdleTimeToLive": 60, "JobTimeout": 5, "LogLevel": "DEBUG"},
        "Startup": {"Commands": ["a", {"Ref": "P"}], "CommandsTimeout": 10},
        "AwsVpcConfiguration": {"Subnets": "a, b,a", "SecurityGroups": ["g", {"Ref": "G"}], "AssignPublicIp": false},
        "Ec2Configuration": {"InstanceType": "m5.large", "InstanceProfileName": "p", "Ami": "AmazonLinux2023"},
    });
    let mut template = template(json!([cfn("A")]));
    template["Resources"]["Big"] = json!({"Type": "Attini::Deploy::Runner", "Properties": properties});
    let resources = resources(template);
    let record = json!({
        "name": "Big", "subnets": "a,b", "securityGroups": {"Fn::Join": [",", ["g", {"Ref": "G"}]]},
        "assignPublicIp": "DISABLED", "maxConcurrentJobs": 2, "idleTimeToLive": 60, "jobTimeout": 5, "logLevel": "DEBUG",
        "taskDefinitionArn": {"Ref": "BigTaskDefinition"}, "containerName": "c", "cluster": "k",
        "queueUrl": {"Fn::GetAtt": "AttiniRunnerQueueBig.QueueUrl"}, "roleArn": {"Fn::GetAtt": "Role.Arn"},
        "installationCommands": ["a", {"Ref": "P"}], "installationCommandsTimeout": 10, "cpu": 1024, "memory": "4096",
        "ec2Configuration": {
            "instanceType": "m5.large", "ecsClientLogGroup": {"Ref": "BigEcsClientLogGroup"}, "instanceProfile": "p",
            "ami": "AmazonLinux2023",
        },
    });
    assert_eq!(resources[TRIGGER]["Properties"]["Runners"], json!([record]));
    let role = json!({"Fn::GetAtt": "Role.Arn"});
    let definition = json!({
        "Cpu": 1024, "Memory": "4096", "ExecutionRoleArn": role, "TaskRoleArn": role, "NetworkMode": "bridge",
        "RequiresCompatibilities": ["EC2"],
        "Volumes": [{"Name": "dockersock", "Host": {"SourcePath": "/var/run/docker.sock"}}],
        "ContainerDefinitions": [{
            "Name": "Container", "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.example.com/x"}, "Privileged": false,
            "MountPoints": [{"SourceVolume": "dockersock", "ContainerPath": "/var/run/docker.sock"}],
            "Environment": [{"Name": "AWS_DEFAULT_REGION", "Value": "eu-west-1"}],
            "LogConfiguration": {"LogDriver": "awslogs", "Options": {
                "awslogs-group": {"Ref": "BigLogGroup"}, "awslogs-region": {"Ref": "AWS::Region"},
                "awslogs-stream-prefix": "logs",
            }},
        }],
    });
    assert_eq!(resources["BigTaskDefinition"], json!({"Type": "AWS::ECS::TaskDefinition", "Properties": definition}));
    let group = json!({"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 90}});
    assert_eq!((&resources["BigLogGroup"], &resources["BigEcsClientLogGroup"]), (&group, &group));
    assert_eq!(resources.get("AttiniRunnerSecurityGroupBig"), None);
}

#[test]
fn rule_3_every_way_to_refer_to_a_plan_is_adapted_and_to_a_runner_refused() {
    let mut template = template(json!([cfn("A")]));
    template["Resources"]["Alarm"] = json!({"Type": "AWS::X", "DependsOn": ["Plan", "Other"], "Properties": {
        "A": {"Fn::Sub": ["${Plan.Name} ${!Plan} ${Mine} ${Planet}", {"Mine": {"Ref": "Plan"}}]},
        "B": {"Fn::Sub": ["${Plan}", {"Plan": "own"}]}, "C": "${Plan}", "D": {"Fn::Sub": "a $ ${ Plan"},
    }});
    let alarm = resources(template)["Alarm"].clone();
    assert_eq!(alarm["DependsOn"], json!([MACHINE, "Other"]));
    assert_eq!(
        alarm["Properties"],
        json!({
            "A": {"Fn::Sub": [format!("${{{MACHINE}.Name}} ${{!Plan}} ${{Mine}} ${{Planet}}"), {"Mine": {"Ref": MACHINE}}]},
            "B": {"Fn::Sub": ["${Plan}", {"Plan": "own"}]}, "C": "${Plan}", "D": {"Fn::Sub": "a $ ${ Plan"},
        })
    );
    for way in [
        json!({"Ref": "R"}),
        json!({"Fn::GetAtt": "R.Arn"}),
        json!({"Fn::Sub": "x${R}"}),
        json!({"Fn::Sub": ["${R.Arn}", {}]}),
    ] {
        let alarm = json!({"Type": "AWS::X", "Properties": {"A": {"Fn::Join": ["", [way]]}}});
        let found = message(json!({"Resources": {"R": {"Type": "Attini::Deploy::Runner"}, "Alarm": alarm}}));
        assert!(found.contains("Alarm") && found.contains("runner R"), "{found}");
    }
}

#[test]
fn rule_1_generated_arns_are_of_the_partition_of_the_region() {
    for (region, partition) in
        [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("eu-north-1", "aws"), ("xx-1", "aws")]
    {
        let request = json!({"requestId": "r", "region": region, "accountId": "1", "fragment": {"Resources": {
            "Plan": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"Policies": [], "DeploymentPlan": [
                cfn("A"), {"Name": "J", "Type": "AttiniRunnerJob", "Properties": {"Commands": ["x"]}},
                {"Name": "L", "Type": "AttiniLambdaInvoke", "Parameters": {"FunctionName": "f"}},
            ]}},
            "R": {"Type": "Attini::Deploy::Runner", "Properties": {"Image": "i"}},
        }}});
        let text = macro_response(&request, &settings(), "u").to_string();
        let arns = text.matches("arn:").count();
        // The role of the settings is as it was given.
        let given = text.matches("arn:aws:iam::111122223333").count();
        let other = if partition == "aws" { 0 } else { given };
        assert_eq!(text.matches(&format!("arn:{partition}:")).count() + other, arns, "{region}: {text}");
        assert!(arns > 8);
    }
}

#[test]
fn rule_4_5_defaults_keep_their_types_on_the_way() {
    let defaults = json!({"output": {"A": {"n": 1.5, "b": false, "l": ["x", 2], "r": {"Ref": "P"}, "t": "5"}}});
    let sent = resources(with_properties(json!({"DeploymentPlan": [cfn("A")], "PayloadDefaults": defaults})));
    let sent = &sent[TRIGGER]["Properties"]["PayloadDefaults"];
    let mut leaves = vec![sent];
    while let Some(value) = leaves.pop() {
        match value {
            Value::Object(fields) => leaves.extend(fields.values()),
            Value::Array(items) => leaves.extend(items),
            // CloudFormation makes texts of everything else.
            other => assert!(other.is_string(), "{other}"),
        }
    }
    assert_eq!(sent["output"]["A"]["r"], json!({"Ref": "P"}));
    assert_eq!(decode_defaults(sent), defaults);
}

#[test]
fn rule_7_4_a_parallel_at_the_end_of_a_choice_has_its_own_merge() {
    let branch = |name: &str| json!([{"Name": name, "Type": "Pass"}]);
    let found = states(json!([
        {
            "Name": "C", "Type": "Choice", "Condition": {"Variable": "$.environment", "StringEquals": "dev", "Next": "gone"},
            "IsTrue": [{"Name": "P", "Type": "Parallel", "Branches": [branch("A"), branch("B")]}],
            "IsFalse": [{"Name": "S", "Type": "Succeed"}],
        },
        {"Name": "M", "Type": "AttiniMergeOutput"},
    ]));
    let links = |name: &str| (found[name]["Next"].clone(), found[name]["End"].clone());
    assert_eq!(links("P"), (json!("P-Merge"), Value::Null));
    assert_eq!(links("P-Merge"), (json!("M"), Value::Null));
    assert_eq!(links("M"), (Value::Null, json!(true)));
    let rule = json!({"Variable": "$.environment", "StringEquals": "dev", "Next": "P"});
    assert_eq!(found["C"], json!({"Type": "Choice", "Choices": [rule], "Default": "S"}));
    assert_eq!(found["S"], json!({"Type": "Succeed"}));
}

#[test]
fn rule_6_names_fit_and_are_used_once() {
    let long = "x".repeat(81);
    refused(json!([{"Name": long, "Type": "Pass"}]), &["80", &long]);
    let sam = |name: &str| json!({"StartAt": name, "States": {name: sam()}});
    states(sam(&"x".repeat(70)));
    refused(sam(&"x".repeat(71)), &["PackageSam", "81", "80"]);
    let inner = json!({"StartAt": "Twin", "States": {"Twin": {"Type": "Pass", "End": true}}});
    refused(
        json!({"StartAt": "M", "States": {
            "M": {"Type": "Map", "ItemProcessor": inner, "Next": "Twin"}, "Twin": {"Type": "Succeed"},
        }}),
        &["Twin", "unique", "M"],
    );
    refused(json!({"Comment": "c"}), &["StartAt is missing", "States is missing"]);
    let role = with_properties(json!({"DeploymentPlan": [cfn("A")]}));
    let none = MacroSettings { default_role: None, ..settings() };
    let text = respond(role, &none)["errorMessage"].as_str().unwrap().to_owned();
    assert!(text.contains("RoleArn") && text.contains("Policies") && text.contains("default role"), "{text}");
    let unknown = message(with_properties(json!({"DeploymentPlan": [cfn("A")], "DefaultRunner": "Linus"})));
    assert!(unknown.contains("DefaultRunner Linus"), "{unknown}");
    let two = message(json!({"Resources": {
        "A": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": [cfn("X")]}},
        "B": {"Type": "Attini::Deploy::DeploymentPlan", "Properties": {"DeploymentPlan": [cfn("Y")]}},
    }}));
    assert!(two.contains("more than one deployment plan") && two.contains("A is one"), "{two}");
}
