//! Distributions that need others.

use serde_json::json;

use super::*;
use crate::port::Precondition;
use crate::value::ObjectKey;

/// Lets `network` be deployed in a version, with an output.
fn deploy_network(world: &TestFramework, version: &str) {
    let config = format!("distributionName: network\ndistributionId: '7'\n{version}");
    let upload = upload(world, "dev/network/network.zip", &[("attini-config.yaml", &config)]);
    block_on(init_deploy(&world.framework, &upload)).unwrap();
    let key = distribution_key("dev", "network");
    let mut body = world.body(&key);
    body["outputUrl"] = json!("https://x/outputs/dev/network/7/output.json");
    block_on(world.put(&key, body));
    let output = r#"{"output": {"Vpc": {"Id": "vpc-1", "Port": 8080, "Zones": ["a", "b"], "More": {}}}}"#;
    let key = ObjectKey::of_output("dev", "network", "7");
    block_on(world.framework.artifacts.put(&key, output.as_bytes().to_vec().into(), Precondition::None)).unwrap();
}

fn depending(range: &str) -> String {
    format!("{WITH_STACK}dependencies: [{{distributionName: network{range}}}]\n")
}

fn files(config: &str) -> [(&str, &str); 2] {
    [("attini-config.yaml", config), ("plan.yaml", TEMPLATE)]
}

#[test]
fn init_deploy_case_28_a_missing_dependency() {
    let world = world();
    let (failure, record) = refused(&world, "infra", &files(&depending("")));
    assert_eq!((failure.error.as_str(), &record["distributionId"]), ("DependencyError", &json!("abc")));
    assert!(failure.cause.contains("network") && failure.cause.contains("not present"), "{failure}");
    assert_untouched(&world);
}

#[test]
fn init_deploy_case_29_versions() {
    for (version, expected) in [
        ("version: 1.9.0\n", None),
        ("version: v1.9\n", None),
        ("version: 2.0.0\n", Some("2.0.0")),
        ("", Some("without a version")),
        ("version: latest\n", Some("not semantic")),
    ] {
        let world = world();
        deploy_network(&world, version);
        let config = depending(", version: ^1.2.0");
        match expected {
            None => deploy(&world, &files(&config)).1.unwrap(),
            Some(word) => {
                let (failure, _) = refused(&world, "infra", &files(&config));
                assert!(failure.cause.contains(word) && failure.cause.contains("^1.2.0"), "{failure}");
            }
        }
    }
}

#[test]
fn init_deploy_case_29_a_dependency_that_never_succeeded_says_why() {
    let world = world();
    deploy_network(&world, "");
    let key = distribution_key("dev", "network");
    let mut body = world.body(&key);
    body.as_object_mut().unwrap().remove("lastSuccess");
    block_on(world.put(&key, body));
    let upload = upload(&world, "dev/network/network.zip", &[("attini-config.yaml", "distributionName: [\n")]);
    block_on(init_deploy(&world.framework, &upload)).unwrap_err();
    let (failure, _) = refused(&world, "infra", &files(&depending("")));
    assert!(failure.cause.contains("attini-config.yaml:"), "{failure}");
}

#[test]
fn init_deploy_case_31_imports() {
    let importing = |mapping: &str| {
        let import = format!("{{sourceType: Distribution, source: {{name: network, mapping: {mapping}}}}}");
        depending("").replace("dependencies:", &format!("  parameters: {{default: {{P: {import}}}}}\ndependencies:"))
    };
    let template = TEMPLATE.replace("Resources:", "Parameters: {P: {Type: String}}\nResources:");
    for (mapping, expected) in
        [("$.output.Vpc.Id", "vpc-1"), ("$.output.Vpc.Port", "8080"), ("$.output.Vpc.Zones", "a,b")]
    {
        let world = world();
        deploy_network(&world, "");
        let template_key =
            crate::port::TemplateLocation::Artifact(ObjectKey::new("dev/infra/abc/distribution-origin/plan.yaml"));
        world.init_stacks.declare(&template_key, vec![super::init_stack::parameter("P")]);
        deploy(&world, &[("attini-config.yaml", &importing(mapping)), ("plan.yaml", &template)]).1.unwrap();
        let request = &world.init_stacks.requests()[0];
        assert!(request.parameters["P"] == crate::port::ParameterValue::Text(expected.to_owned()), "{mapping}");
    }
    for mapping in ["$.output.Missing", "$.output.Vpc.More"] {
        let world = world();
        deploy_network(&world, "");
        let config = importing(mapping);
        let before = artifact_keys(&world).len();
        let (failure, _) = refused(&world, "infra", &[("attini-config.yaml", &config), ("plan.yaml", &template)]);
        assert!(failure.error == "InvalidConfig" && failure.cause.contains("parameter P"), "{failure}");
        assert_eq!((artifact_keys(&world).len(), latest_id(&world)), (before, None));
    }
    let world = world();
    let undeclared = importing("$.a").replace("dependencies: [{distributionName: network}]\n", "");
    let (failure, _) = refused(&world, "infra", &[("attini-config.yaml", &undeclared), ("plan.yaml", &template)]);
    assert!(failure.cause.contains("not declared"), "{failure}");
}
