use proptest::prelude::*;
use serde_json::json;

use super::*;

fn resources(resources: Value) -> Value {
    json!({"Resources": resources})
}

#[test]
fn templates_that_are_not_well_formed_are_refused_in_the_words_of_the_service() {
    let topic = json!({"Type": "AWS::SNS::Topic"});
    let cases = [
        (json!({}), "Template format error: At least one Resources member must be defined."),
        (json!([]), "Template format error: unsupported structure."),
        (json!({"Resources": {"A": topic}, "Foo": 1}), "Invalid template property or properties [Foo]"),
        (resources(json!({"A-b": topic})), "Template format error: Resource name A-b is non alphanumeric."),
        (resources(json!({"A": 1})), "Template format error: Any Resources member must be an object."),
        (
            resources(json!({"A": {}})),
            "Template format error: [/Resources/A] Every Resources object must contain a Type member.",
        ),
        (
            resources(json!({"A": {"Type": "Attini::Deploy::Runner"}, "B": {"Type": "Foo"}})),
            "Template format error: Unrecognized resource types: [Attini::Deploy::Runner, Foo]",
        ),
        (
            resources(json!({"A": {"Type": "AWS::SNS::Topic", "DependsOn": "Z", "Properties": {"x": {"Ref": "Y"}}}})),
            "Template format error: Unresolved resource dependencies [Y, Z] in the Resources block of the template (at /Resources/A/Properties/x, /Resources/A/DependsOn)",
        ),
        (
            json!({"Resources": {"A": topic}, "Outputs": {"O": {"Value": {"Fn::Sub": "${B}"}}}}),
            "Template format error: Unresolved resource dependencies [B] in the Outputs block of the template (at /Outputs/O/Value)",
        ),
        (
            resources(json!({"A": {"Type": "AWS::SNS::Topic", "Properties": {"x": {"Fn::GetAtt": "B.Arn"}}}})),
            "Template error: instance of Fn::GetAtt references undefined resource B (at /Resources/A/Properties/x)",
        ),
        (
            resources(json!({"A": {"Type": "AWS::SNS::Topic", "Condition": "C"}})),
            "Template format error: Unresolved condition dependency C in the Resources block of the template (at /Resources/A/Condition)",
        ),
        (
            json!({"Resources": {"A": topic}, "Conditions": {"C": {"Fn::Equals": [{"Ref": "A"}, "a"]}}}),
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of the template",
        ),
        (
            json!({"Resources": {"A": topic}, "Conditions": {
                "C": {"Fn::Not": [{"Condition": "D"}]}, "D": {"Fn::Not": [{"Condition": "C"}]},
            }}),
            "Template format error: Circular dependency between conditions: [C, D]",
        ),
        (
            resources(json!({
                "A": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                "B": {"Type": "AWS::SNS::Topic", "DependsOn": "A"},
                "C": {"Type": "AWS::SNS::Topic", "DependsOn": "B"},
                "D": {"Type": "AWS::SNS::Topic"},
            })),
            "Circular dependency between resources: [A, B]",
        ),
        (
            resources(json!({"A": {"Type": "AWS::SNS::Topic", "Properties": {"x": {"Fn::Sub": "${a b}"}}}})),
            "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons (at /Resources/A/Properties/x/Fn::Sub)",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(Surroundings::new().refusal(template.clone()), expected, "{template}");
    }
}

#[test]
fn unknown_functions_are_refused() {
    let template = resources(json!({"A": {"Type": "AWS::SNS::Topic", "Properties": {"x": {"Fn::Foo": "a"}}}}));
    let refused = Surroundings::new().refusal(template);
    assert!(refused.starts_with("Template error: encountered unsupported function: Fn::Foo"), "{refused}");
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let topic = json!({"Type": "AWS::SNS::Topic"});
    let in_property = |value: Value| resources(json!({"A": {"Type": "AWS::SNS::Topic", "Properties": value}}));
    let cases = [
        (
            resources(json!({"N": {"Type": "AWS::Serverless::Application"}})),
            "application N (AWS::Serverless::Application)",
        ),
        (
            in_property(json!({"a": {"Fn::Transform": {"Name": "AWS::Include"}}})),
            "Fn::Transform in /Resources/A/Properties/a",
        ),
        (json!({"Resources": {"A": topic}, "Hooks": {"h": {}}}), "section Hooks (h)"),
        (json!({"Resources": {"A": topic}, "Transform": "AWS::Include"}), "transform AWS::Include"),
    ];
    for (template, what) in cases {
        let refused = Surroundings::new().run(None, &request(OperationKind::Create, template)).expect_err("refused");
        assert_eq!(refused, Refusal::Unsupported { what: what.to_owned() });
        assert_eq!(refused.code(), "SimulatorUnsupported");
    }
}

#[test]
fn a_reference_to_a_resource_that_is_left_out_is_unresolved_unless_its_branch_is_not_taken() {
    let template = |value: Value| {
        json!({
            "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
            "Resources": {
                "Absent": {"Type": "AWS::SNS::Topic", "Condition": "Never"},
                "Queue": {"Type": "AWS::SQS::Queue", "DependsOn": "Absent", "Properties": {"Tag": value}},
            },
            "Outputs": {"O": {"Condition": "Never", "Value": {"Ref": "Absent"}}},
        })
    };
    let state = Surroundings::new().create(template(json!({"Fn::If": ["Never", {"Ref": "Absent"}, "none"]})));
    assert_eq!(state.resources["Queue"].properties["Tag"], json!("none"));
    assert!(state.outputs.is_empty());
    assert_eq!(
        Surroundings::new().refusal(template(json!({"Ref": "Absent"}))),
        "Template format error: Unresolved resource dependencies [Absent] in the Resources block of the template (at /Resources/Queue/Properties/Tag)"
    );
}

#[test]
fn transforms_are_applied_in_order_without_their_section() {
    let surroundings = Surroundings::new();
    let template = json!({"Transform": ["AddTopic", "AWS::Serverless-2016-10-31"], "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}});
    let state = surroundings.create(template);
    assert_eq!(state.resources.keys().collect::<Vec<_>>(), ["Added", "Q"]);
    assert_eq!(*surroundings.fragments.borrow(), [resources(json!({"Q": {"Type": "AWS::SQS::Queue"}}))]);
    let refusal =
        |name: &str| surroundings.refusal(json!({"Transform": name, "Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}));
    assert_eq!(refusal("Foo"), "No transform named Foo found.");
    assert_eq!(refusal("Broken"), "Transform Broken failed with: step `A` has no Type");
}

#[test]
fn a_serverless_state_machine_becomes_a_state_machine_whose_functions_are_resolved() {
    let template = json!({
        "Transform": "AWS::Serverless-2016-10-31",
        "Parameters": {"Env": {"Type": "String", "Default": "de\"v"}},
        "Resources": {"Plan": {
            "Type": "AWS::Serverless::StateMachine",
            "Metadata": {"AttiniSteps": []},
            "Properties": {
                "Definition": {"StartAt": "A", "States": {"A": {
                    "Type": "Task",
                    "Resource": {"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:f"},
                    "Parameters": {"Env": {"Ref": "Env"}, "Own": "${Own} ${HOME}", "Price": "$5"},
                    "End": true,
                }}},
                "DefinitionSubstitutions": {"Own": {"Fn::Join": ["-", ["x", {"Ref": "Env"}]]}},
                "Policies": ["AWSLambda_FullAccess", {"Statement": []}],
                "Tags": {"AttiniProvider": "DeploymentPlan"},
            },
        }},
        "Outputs": {
            "Name": {"Value": {"Fn::GetAtt": "Plan.Name"}}, "Arn": {"Value": {"Fn::GetAtt": ["Plan", "Arn"]}}, "Ref": {"Value": {"Ref": "Plan"}},
        },
    });
    let state = Surroundings::new().create(template);
    let machine = &state.resources["Plan"];
    assert_eq!(machine.resource_type, "AWS::StepFunctions::StateMachine");
    assert_eq!(machine.metadata, json!({"AttiniSteps": []}));
    let definition = machine_definition(&machine.properties).expect("definition");
    assert_eq!(
        definition["States"]["A"],
        json!({
            "Type": "Task",
            "Resource": "arn:aws:lambda:eu-west-1:000000000000:function:f",
            "Parameters": {"Env": "de\"v", "Own": "x-de\"v ${HOME}", "Price": "$5"},
            "End": true,
        })
    );
    assert_eq!(
        machine.properties["Tags"],
        json!([{"Key": "stateMachine:createdBy", "Value": "SAM"}, {"Key": "AttiniProvider", "Value": "DeploymentPlan"}])
    );
    let role = &state.resources["PlanRole"];
    assert_eq!(role.properties["ManagedPolicyArns"], json!(["arn:aws:iam::aws:policy/AWSLambda_FullAccess"]));
    assert_eq!(Some(&machine.properties["RoleArn"]), role.attributes.get("Arn"));
    let outputs: BTreeMap<_, _> = state.outputs.iter().cloned().collect();
    assert_eq!(outputs["Arn"], outputs["Ref"]);
    assert!(outputs["Name"].starts_with("shop-Plan-"), "{outputs:?}");
    assert!(outputs["Arn"].ends_with(&format!(":stateMachine:{}", outputs["Name"])));
}

#[test]
fn serverless_functions_take_the_globals_and_get_a_role() {
    let template = json!({
        "Transform": "AWS::Serverless-2016-10-31",
        "Globals": {"Function": {"Timeout": 3, "Runtime": "python3.13", "Environment": {"Variables": {"A": "1"}}}},
        "Resources": {"Fun": {"Type": "AWS::Serverless::Function", "Properties": {"Timeout": 5}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": "Fun.Arn"}}, "Role": {"Value": {"Fn::GetAtt": "FunRole.Arn"}}},
    });
    let state = Surroundings::new().create(template);
    let properties = &state.resources["Fun"].properties;
    assert_eq!((&properties["Timeout"], &properties["Runtime"]), (&json!(5), &json!("python3.13")));
    assert!(state.outputs[0].1.starts_with("arn:aws:lambda:eu-west-1:000000000000:function:shop-Fun-"));
    let untransformed = resources(json!({"Fun": {"Type": "AWS::Serverless::Function"}}));
    assert_eq!(
        Surroundings::new().refusal(untransformed),
        "Template format error: Unrecognized resource types: [AWS::Serverless::Function]"
    );
}

#[test]
fn a_template_of_the_cdk() {
    let regions = json!({"Fn::Or": [
        {"Fn::Equals": [{"Ref": "AWS::Region"}, "af-south-1"]}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]},
    ]});
    let template = json!({
        "Parameters": {"BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/hnb659fds/version",
            "Description": "Version of the CDK Bootstrap resources in this environment",
        }},
        "Rules": {"CheckBootstrapVersion": {"Assertions": [{
            "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}]},
            "AssertDescription": "CDK bootstrap stack version 6 required.",
        }]}},
        "Conditions": {"CDKMetadataAvailable": {"Fn::Or": [regions, {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}]}},
        "Resources": {
            "Table710B521B": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]},
                "UpdateReplacePolicy": "Retain", "DeletionPolicy": "Retain",
                "Metadata": {"aws:cdk:path": "hello/Table/Resource"},
            },
            "Handler886CB40B": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Code": {"S3Bucket": {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"}, "S3Key": "a.zip"},
                    "Environment": {"Variables": {"TABLE": {"Ref": "Table710B521B"}}},
                    "Role": {"Fn::GetAtt": ["Role1ABCC5F0", "Arn"]},
                },
                "DependsOn": ["Role1ABCC5F0"],
            },
            "Role1ABCC5F0": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": [
                {"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:a": {"Ref": "AWS::AccountId"}}}},
            ]}}},
            "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:deflate64:H4s"}, "Condition": "CDKMetadataAvailable"},
        },
        "Outputs": {"TableName": {"Value": {"Ref": "Table710B521B"}}},
    });
    let state = Surroundings::new().create(template);
    assert_eq!(state.resources.len(), 4);
    let table = &state.resources["Table710B521B"].physical_id;
    assert_eq!(&state.outputs[0].1, table);
    assert_eq!(state.resources["Handler886CB40B"].properties["Environment"]["Variables"]["TABLE"], json!(table));
}

#[test]
fn templates_that_are_too_large_or_too_deep_are_refused() {
    let large = resources(json!({"A": {"Type": "AWS::SNS::Topic", "Properties": {"x": "x".repeat(1_000_000)}}}));
    assert_eq!(Surroundings::new().refusal(large), "Template may not exceed 1000000 bytes in size.");
    let mut deep = json!("x");
    for _ in 0..120 {
        deep = json!([deep]);
    }
    assert!(Surroundings::new().refusal(resources(json!({"A": deep}))).contains("levels deep"));
    let many: serde_json::Map<_, _> = (0..501).map(|n| (format!("A{n}"), json!({"Type": "AWS::SNS::Topic"}))).collect();
    let refused = Surroundings::new().refusal(resources(Value::Object(many)));
    assert_eq!(refused, "Template format error: Number of resources, 501, is greater than maximum allowed, 500");
}

#[test]
fn a_preview_shows_the_changes_and_makes_none() {
    let wanted = request(OperationKind::Create, resources(json!({"A": {"Type": "AWS::SNS::Topic"}})));
    let nothing = |_: &str| None;
    let nobody = |_: &str| Vec::new();
    let unknown = |_: &TransformCall<'_>| Err(TransformError::Unknown);
    let exports = BTreeMap::new();
    let place = Place {
        account: AccountId::parse("000000000000").expect("valid"),
        region: Region::parse("eu-west-1").expect("valid"),
    };
    let mut hooks = DefaultHooks;
    let world = World {
        place,
        now: Timestamp::from_ms(0),
        ssm: &nothing,
        exports: &exports,
        imports_in_use: &nobody,
        transforms: &unknown,
        templates: &|_| Err(String::new()),
        nesting: 0,
        hooks: &mut hooks,
    };
    let changes = preview(None, &wanted, &world).expect("accepted");
    assert_eq!(changes.iter().map(|change| change.action).collect::<Vec<_>>(), [ChangeAction::Add]);
}

/// JSON that is likely to look like parts of a template.
fn anything() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "Ref",
        "Fn::Sub",
        "Fn::GetAtt",
        "Fn::If",
        "Fn::Join",
        "Fn::Select",
        "Fn::Split",
        "Fn::Cidr",
        "Fn::FindInMap",
        "Fn::Equals",
        "Fn::ImportValue",
        "Fn::Base64",
        "Fn::GetAZs",
        "Condition",
        "C",
        "P",
        "A",
        "B",
        "A.Arn",
        "${A.B}${",
        "10.0.0.0/8",
        "Type",
        "Properties",
        "DependsOn",
        "AWS::SNS::Topic",
        "AWS::NoValue",
        "",
        "0",
        "-1",
        "::/0",
        "128",
        "Definition",
        "Policies",
    ]);
    let word = words.prop_map(str::to_owned);
    let leaf = prop_oneof![
        word.clone().prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((word.clone(), inner), 1..3).prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_the_simulator_panic(section in 0..7_usize, part in anything(), other in anything(), next in anything()) {
        let mut template = json!({
            "Transform": "AWS::Serverless-2016-10-31",
            "Parameters": {"P": {"Type": "String", "Default": "p"}},
            "Conditions": {"C": {"Fn::Equals": ["a", "a"]}},
            "Resources": {"A": {"Type": "AWS::SQS::Queue"}, "B": {"Type": "AWS::SNS::Topic", "Properties": {"x": other}}},
        });
        match section {
            0 => template = part,
            1 => template["Resources"]["A"] = part,
            2 => template["Parameters"] = part,
            3 => template["Conditions"] = part,
            4 => template["Outputs"] = json!({"O": part}),
            5 => template["Resources"]["B"] = json!({"Type": "AWS::Serverless::StateMachine", "Properties": part}),
            _ => template["Resources"]["A"]["Properties"] = json!({"y": part}),
        }
        let surroundings = Surroundings::new();
        if let Ok(outcome) = surroundings.run(None, &request(OperationKind::Create, template.clone())) {
            let state = outcome.state.expect("creation without OnFailure::Delete leaves a stack");
            if state.status == "CREATE_COMPLETE" {
                let again = surroundings.run(Some(&state), &request(OperationKind::Update, template));
                prop_assert_eq!(again, Err(Refusal::NoUpdates));
                let next = json!({"Resources": {
                    "A": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "x": next}}, "New": {"Type": "AWS::SNS::Topic"},
                }});
                if let Ok(outcome) = surroundings.run(Some(&state), &request(OperationKind::Update, next)) {
                    let updated = outcome.state.expect("an update leaves a stack");
                    prop_assert!(matches!(updated.status.as_str(), "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE"));
                }
            }
            let gone = surroundings.run(Some(&state), &request(OperationKind::Delete, Value::Null));
            prop_assert_eq!(gone.map(|outcome| outcome.state), Ok(None));
        }
    }
}

#[test]
fn functions_as_deep_as_a_template_may_be_are_evaluated() {
    let mut text = json!("");
    let mut condition = json!({"Fn::Equals": ["a", "a"]});
    let mut branch = json!("x");
    for _ in 0..45 {
        text = json!({"Fn::Base64": text});
        condition = json!({"Fn::Not": [condition]});
        branch = json!({"Fn::If": ["C", branch, "y"]});
    }
    let template = json!({
        "Conditions": {"C": {"Fn::Not": [condition]}},
        "Resources": {"A": {"Type": "AWS::SNS::Topic", "Properties": {"a": text, "b": branch}}},
    });
    let state = Surroundings::new().create(template);
    assert_eq!(state.resources["A"].properties["b"], json!("x"));
}
