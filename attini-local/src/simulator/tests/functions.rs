use serde_json::json;

use super::*;

fn comma(list: Value) -> Value {
    json!({"Fn::Join": [",", list]})
}

#[test]
fn pseudo_parameters() {
    let text = "${AWS::AccountId} ${AWS::Region} ${AWS::Partition} ${AWS::URLSuffix} ${AWS::StackName}";
    assert_eq!(output(json!({"Fn::Sub": text})), "000000000000 eu-west-1 aws amazonaws.com shop");
    let id = output(json!({"Ref": "AWS::StackId"}));
    assert!(id.starts_with("arn:aws:cloudformation:eu-west-1:000000000000:stack/shop/"), "{id}");
}

#[test]
fn ref_gives_the_physical_id_and_get_att_takes_text_or_list() {
    let arn = output(json!({"Ref": "Topic"}));
    assert!(arn.starts_with("arn:aws:sns:eu-west-1:000000000000:shop-Topic-"), "{arn}");
    assert_eq!(output(json!({"Fn::GetAtt": "Topic.TopicArn"})), arn);
    assert_eq!(output(json!({"Fn::GetAtt": ["Topic", "TopicArn"]})), arn);
    assert!(arn.ends_with(&output(json!({"Fn::Sub": "${Topic.TopicName}"}))));
}

#[test]
fn unknown_attributes_are_a_text_that_stays_the_same() {
    let first = output(json!({"Fn::GetAtt": "Topic.Whatever"}));
    assert!(first.starts_with("Topic-Whatever-"), "{first}");
    assert_eq!(first, output(json!({"Fn::GetAtt": "Topic.Whatever"})));
}

#[test]
fn sub_replaces_variables_of_its_own_first_and_keeps_escaped_ones() {
    let with_variables = json!({"Fn::Sub": ["www.${Domain}", {"Domain": {"Fn::Join": [".", ["a", "b"]]}}]});
    assert_eq!(output(with_variables), "www.a.b");
    assert_eq!(output(json!({"Fn::Sub": "${!Literal} ${AWS::Region} $5 {x}"})), "${Literal} eu-west-1 $5 {x}");
}

#[test]
fn join_of_the_documentation() {
    assert_eq!(output(json!({"Fn::Join": [":", ["a", "b", "c"]]})), "a:b:c");
    assert_eq!(output(json!({"Fn::Join": ["", ["a", 1, true, {"Ref": "AWS::NoValue"}]]})), "a1true");
}

#[test]
fn select_of_the_documentation() {
    let fruits = json!(["apples", "grapes", "oranges", "mangoes"]);
    assert_eq!(output(json!({"Fn::Select": ["1", fruits]})), "grapes");
    let refused = Surroundings::new().refusal(template_with(json!({}), json!({"Fn::Select": [4, fruits]})));
    assert_eq!(
        refused,
        "Template error: Fn::Select cannot select nonexistent value at index 4 (at /Outputs/Out/Value)"
    );
}

#[test]
fn split_of_the_documentation() {
    assert_eq!(output(comma(json!({"Fn::Split": ["|", "a|b|c"]}))), "a,b,c");
    assert_eq!(output(comma(json!({"Fn::Split": ["|", "a||c|"]}))), "a,,c,");
}

#[test]
fn find_in_map_of_the_documentation() {
    let mappings = json!({"Mappings": {"RegionMap": {
        "us-east-1": {"HVM64": "ami-0ff8a91507f77f867"},
        "eu-west-1": {"HVM64": "ami-047bb4163c506cd98"},
    }}});
    let found = json!({"Fn::FindInMap": ["RegionMap", {"Ref": "AWS::Region"}, "HVM64"]});
    assert_eq!(output_with(mappings.clone(), found), "ami-047bb4163c506cd98");
    let missing = json!({"Fn::FindInMap": ["RegionMap", "eu-west-1", "HVMG2"]});
    let refused = Surroundings::new().refusal(template_with(mappings.clone(), missing));
    assert_eq!(
        refused,
        "Template error: Unable to get mapping for RegionMap::eu-west-1::HVMG2 (at /Outputs/Out/Value)"
    );
    let unknown = json!({"Fn::FindInMap": ["Other", "eu-west-1", "HVM64"]});
    assert_eq!(
        Surroundings::new().refusal(template_with(mappings, unknown)),
        "Template error: Mapping named 'Other' is not present in the 'Mappings' section of template."
    );
}

#[test]
fn base64_of_the_documentation() {
    assert_eq!(output(json!({"Fn::Base64": "AWS CloudFormation"})), "QVdTIENsb3VkRm9ybWF0aW9u");
    assert_eq!(output(json!({"Fn::Base64": "a"})), "YQ==");
    assert_eq!(output(json!({"Fn::Base64": "ab"})), "YWI=");
}

#[test]
fn cidr_of_the_documentation() {
    assert_eq!(
        output(comma(json!({"Fn::Cidr": ["192.168.0.0/24", "6", "5"]}))),
        "192.168.0.0/27,192.168.0.32/27,192.168.0.64/27,192.168.0.96/27,192.168.0.128/27,192.168.0.160/27"
    );
    assert_eq!(output(comma(json!({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}))), "10.0.0.0/24,10.0.1.0/24");
    assert_eq!(output(comma(json!({"Fn::Cidr": ["2001:db8::/56", 2, 64]}))), "2001:db8::/64,2001:db8:0:1::/64");
    let refused =
        Surroundings::new().refusal(template_with(json!({}), comma(json!({"Fn::Cidr": ["10.0.0.0/24", 9, 5]}))));
    assert_eq!(
        refused,
        "Template error: Fn::Cidr cannot cut 9 blocks with 5 subnet bits from the block (at /Outputs/Out/Value)"
    );
}

#[test]
fn availability_zones_of_a_region() {
    assert_eq!(output(comma(json!({"Fn::GetAZs": ""}))), "eu-west-1a,eu-west-1b,eu-west-1c");
    assert_eq!(output(comma(json!({"Fn::GetAZs": "us-east-1"}))), "us-east-1a,us-east-1b,us-east-1c");
}

#[test]
fn import_value_gives_the_export_of_another_stack_and_records_it() {
    let template = template_with(json!({}), json!({"Fn::ImportValue": {"Fn::Sub": "network:vpc"}}));
    let state = Surroundings::new().create(template);
    assert_eq!(state.outputs, [("Out".to_owned(), "vpc-1".to_owned())]);
    assert_eq!(state.imports.into_iter().collect::<Vec<_>>(), ["network:vpc"]);
}

#[test]
fn conditions_of_the_documentation() {
    let conditions = |env: &str| {
        json!({
            "Parameters": {"Env": {"Type": "String", "Default": env}},
            "Conditions": {
                "IsProd": {"Fn::Equals": [{"Ref": "Env"}, "prod"]},
                "NotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
                "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Fn::Equals": [1, "1"]}]},
                "Any": {"Fn::Or": [{"Condition": "IsProd"}, {"Fn::Equals": ["a", "b"]}]},
            },
        })
    };
    let all = json!({"Fn::Join": ["", [
        {"Fn::If": ["IsProd", "P", "p"]}, {"Fn::If": ["NotProd", "N", "n"]},
        {"Fn::If": ["Both", "B", "b"]}, {"Fn::If": ["Any", "A", "a"]},
    ]]});
    assert_eq!(output_with(conditions("prod"), all.clone()), "PnBA");
    assert_eq!(output_with(conditions("dev"), all), "pNba");
}

#[test]
fn no_value_removes_the_property_and_the_element() {
    let template = json!({
        "Conditions": {"Never": {"Fn::Equals": ["a", "b"]}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {
            "QueueName": {"Fn::If": ["Never", "x", {"Ref": "AWS::NoValue"}]},
            "Tags": ["a", {"Ref": "AWS::NoValue"}],
        }}},
    });
    let state = Surroundings::new().create(template);
    assert_eq!(Value::Object(state.resources["Queue"].properties.clone()), json!({"Tags": ["a"]}));
}

#[test]
fn length_and_json_text_need_the_language_extensions() {
    let length = json!({"Fn::Length": {"Fn::Split": [",", "a,b,c"]}});
    let with = json!({"Transform": "AWS::LanguageExtensions"});
    assert_eq!(output_with(with.clone(), length.clone()), "3");
    let json_text = json!({"Fn::ToJsonString": {"a": {"Ref": "AWS::Region"}, "b": [1]}});
    assert_eq!(output_with(with.clone(), json_text), r#"{"a":"eu-west-1","b":[1]}"#);
    let default = json!({"Fn::FindInMap": ["None", "a", "b", {"DefaultValue": "d"}]});
    assert_eq!(output_with(with, default), "d");
    let refused = Surroundings::new().refusal(template_with(json!({}), length));
    assert_eq!(refused, "Template error: Fn::Length in /Outputs/Out/Value needs the transform AWS::LanguageExtensions");
}

#[test]
fn references_to_the_parameter_store_are_looked_up_and_secrets_stay_references() {
    assert_eq!(output(json!("v{{resolve:ssm:/cdk-bootstrap/hnb659fds/version}}")), "v21");
    assert_eq!(output(json!({"Fn::Sub": "{{resolve:ssm:/cdk-bootstrap/hnb659fds/version:1}}"})), "21");
    let secret = "{{resolve:secretsmanager:db:SecretString:password}}";
    assert_eq!(output(json!(secret)), secret);
}

#[test]
fn a_text_that_doubles_again_and_again_is_stopped() {
    let mut resources =
        json!({"P0": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": "0123456789", "Type": "String"}}});
    for number in 1..40 {
        let twice = format!("${{P{}.Value}}${{P{0}.Value}}", number - 1);
        resources[format!("P{number}")] =
            json!({"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Fn::Sub": twice}, "Type": "String"}});
    }
    let outcome = Surroundings::new().run(None, &request(OperationKind::Create, json!({"Resources": resources})));
    let state = outcome.expect("accepted").state.expect("exists");
    assert_eq!(state.status, "ROLLBACK_COMPLETE");
}
