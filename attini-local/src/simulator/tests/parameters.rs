use serde_json::json;

use super::*;

fn create(parameters: Value, given: &[(&str, &str)]) -> Result<StackState, String> {
    let template = json!({"Parameters": parameters, "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}});
    let request = with_parameters(request(OperationKind::Create, template), given);
    let outcome = Surroundings::new().run(None, &request).map_err(|refusal| refusal.to_string())?;
    Ok(outcome.state.expect("exists"))
}

#[test]
fn all_parameters_without_a_value_are_named() {
    let declared = json!({"A": {"Type": "String"}, "C": {"Type": "String", "Default": ""}, "B": {"Type": "Number"}});
    assert_eq!(create(declared, &[]).expect_err("refused"), "Parameters: [A, B] must have values");
}

#[test]
fn parameters_that_the_template_does_not_have() {
    let declared = json!({"A": {"Type": "String", "Default": "x"}});
    let refused = create(declared, &[("B", "1"), ("C", "1")]).expect_err("refused");
    assert_eq!(refused, "Parameters: [B, C] do not exist in the template");
    let refused = create(json!({}), &[("B", "1")]).expect_err("refused");
    assert_eq!(refused, "Parameter values specified for a template which does not require them.");
}

#[test]
fn constraints_are_checked_and_described() {
    let check = |declaration: Value, value: &str| create(json!({"P": declaration}), &[("P", value)]).map(|_| ());
    let cases = [
        (json!({"Type": "String", "AllowedValues": ["a", 1]}), "1", Ok(())),
        (
            json!({"Type": "String", "AllowedValues": ["a", "b"]}),
            "c",
            Err("Parameter 'P' must be one of AllowedValues: a, b"),
        ),
        (json!({"Type": "String", "AllowedPattern": "[a-z]*"}), "abc", Ok(())),
        (
            json!({"Type": "String", "AllowedPattern": "[a-z]*"}),
            "abc1",
            Err("Parameter 'P' must match pattern AllowedPattern"),
        ),
        (
            json!({"Type": "String", "AllowedPattern": "(?!aws)[a-z]+"}),
            "awsome",
            Err("Parameter 'P' must match pattern AllowedPattern"),
        ),
        (json!({"Type": "String", "MinLength": "3"}), "ab", Err("Parameter 'P' must contain at least 3 characters")),
        (json!({"Type": "String", "MaxLength": 1}), "ab", Err("Parameter 'P' must contain at most 1 characters")),
        (
            json!({"Type": "Number", "MinValue": 1, "MaxValue": 5}),
            "0",
            Err("Parameter 'P' must be a number not less than 1"),
        ),
        (json!({"Type": "Number", "MaxValue": 5}), "5.5", Err("Parameter 'P' must be a number not greater than 5")),
        (json!({"Type": "Number"}), "many", Err("Parameter 'P' must be a number.")),
        (json!({"Type": "List<Number>"}), "1, 2,3", Ok(())),
        (json!({"Type": "CommaDelimitedList", "AllowedValues": ["a", "b"]}), "a, b", Ok(())),
        (json!({"Type": "AWS::EC2::VPC::Id"}), "vpc-1", Ok(())),
        (
            json!({"Type": "String", "MinLength": 3, "ConstraintDescription": "three at least"}),
            "ab",
            Err("Parameter P failed to satisfy constraint: three at least"),
        ),
    ];
    for (declaration, value, expected) in cases {
        assert_eq!(check(declaration.clone(), value), expected.map_err(str::to_owned), "{declaration} {value}");
    }
}

#[test]
fn lists_are_split_and_trimmed() {
    let state = create(json!({"L": {"Type": "CommaDelimitedList", "Default": "a, b ,c"}}), &[]).expect("accepted");
    assert_eq!(state.parameters["L"].value, json!(["a", "b", "c"]));
}

#[test]
fn stored_parameters_are_looked_up() {
    let declared = json!({
        "V": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/hnb659fds/version"},
        "L": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/list"},
    });
    let state = create(declared, &[]).expect("accepted");
    assert_eq!(state.parameters["V"].value, json!("21"));
    assert_eq!(state.parameters["V"].text, "/cdk-bootstrap/hnb659fds/version");
    assert_eq!(state.parameters["L"].value, json!(["a", "b"]));
    let missing = json!({"V": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/none"}});
    assert_eq!(
        create(missing, &[]).expect_err("refused"),
        "Unable to fetch parameters [/none (parameter V)] from parameter store for this account."
    );
}

#[test]
fn secrets_are_kept_but_not_shown() {
    let declared = json!({"S": {"Type": "String", "NoEcho": true}});
    let state = create(declared, &[("S", "hunter2")]).expect("accepted");
    assert_eq!(state.parameters["S"].value, json!("hunter2"));
    let name = StackName::parse("shop").expect("valid");
    assert_eq!(state.describe(&name).parameters["S"], "****");
    assert!(!format!("{state:?}").contains("hunter2"));
}

#[test]
fn previous_keeps_the_value() {
    let template = |topic: &str| {
        json!({
            "Parameters": {"S": {"Type": "String", "NoEcho": "true"}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": topic}}},
        })
    };
    let surroundings = Surroundings::new();
    let first = with_parameters(request(OperationKind::Create, template("a")), &[("S", "x")]);
    let state = surroundings.run(None, &first).expect("accepted").state.expect("exists");
    let mut second = request(OperationKind::Update, template("b"));
    second.parameters.insert("S".to_owned(), ParameterValue::Previous);
    let state = surroundings.run(Some(&state), &second).expect("accepted").state.expect("exists");
    assert_eq!(state.parameters["S"].text, "x");
    second.kind = OperationKind::Create;
    assert!(surroundings.run(None, &second).expect_err("refused").to_string().contains("parameter key S"));
}

#[test]
fn declared_parameters_of_a_template() {
    let template =
        json!({"Parameters": {"A": {"Type": "String", "NoEcho": true}, "B": {"Type": "Number", "Default": 1}}});
    let declared = declared_parameters(&template).expect("well-formed");
    let shown: Vec<_> = declared.iter().map(|one| (one.name.as_str(), one.has_default, one.no_echo)).collect();
    assert_eq!(shown, [("A", false, true), ("B", true, false)]);
}

#[test]
fn rules_name_every_assertion_that_does_not_hold() {
    let template = |version: &str| {
        json!({
            "Parameters": {"BootstrapVersion": {"Type": "String", "Default": version}},
            "Rules": {
                "CheckBootstrapVersion": {"Assertions": [{
                    "Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2", "3", "4", "5"], {"Ref": "BootstrapVersion"}]}]},
                    "AssertDescription": "CDK bootstrap stack version 6 required.",
                }]},
                "Skipped": {
                    "RuleCondition": {"Fn::Equals": ["a", "b"]},
                    "Assertions": [{"Assert": {"Fn::EachMemberEquals": [["a"], "b"]}}],
                },
                "In": {"Assertions": [{"Assert": {"Fn::EachMemberIn": [["a"], ["a", "b"]]}}]},
            },
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        })
    };
    Surroundings::new().create(template("6"));
    assert_eq!(
        Surroundings::new().refusal(template("5")),
        "Template error: rules are not satisfied: CheckBootstrapVersion: CDK bootstrap stack version 6 required."
    );
}
