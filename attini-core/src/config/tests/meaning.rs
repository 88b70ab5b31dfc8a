use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::value::Version;

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn parameters(pairs: &[(&str, &str)]) -> BTreeMap<String, ParameterValue> {
    texts(pairs).into_iter().map(|(key, value)| (key, ParameterValue::Text(value))).collect()
}

const EVERYTHING: &str = r#"
distributionName: shop
distributionId: "build-17"
version: "1.4.0"
distributionTags:
  branch: main
dependencies:
  - distributionName: network
    version: ">1.0.0"
initDeployConfig:
  template: /plan/deployment-plan.yaml
  stackName: ${environment}-${distributionName}-plan
  forceUpdate: true
  parameters: {default: {VpcId: {sourceType: Distribution, source: {name: network, mapping: $.output.Vpc.VpcId}}}}
  variables: {default: {v: 1}}
  tags: {default: {t: 1}}
package:
  container:
    image: registry.example.com/builder:$(uname -m)
    loginCommands:
      - registry-login registry.example.com
    options:
      - --env CI=true
  prePackage:
    commands:
      - attini configure set-dist-id --id "$BUILD_ID" --override
      - |
        npm ci
        npm test
  postPackage:
    commands:
      - sha256sum shop.zip
"#;

#[test]
fn every_key_is_read() {
    let config = parse(EVERYTHING);
    assert_eq!(config.require_name().unwrap().as_str(), "shop");
    assert_eq!(config.distribution_id.as_ref().unwrap().as_str(), "build-17");
    assert_eq!(config.version.as_ref().unwrap().as_str(), "1.4.0");
    assert_eq!(config.distribution_tags, texts(&[("branch", "main")]));
    assert_eq!(config.distribution_type, DistributionType::Platform);
    assert_eq!(config.package.pre_commands[1], "npm ci\nnpm test\n");
    assert_eq!(config.package.post_commands, ["sha256sum shop.zip"]);
    let container = config.package.container.as_ref().unwrap();
    assert_eq!(container.image.as_deref(), Some("registry.example.com/builder:$(uname -m)"));
    assert_eq!(container.options, ["--env CI=true"]);
    let Pipeline::InitStack(stack) = resolve(&config, "dev").pipeline else { panic!("no init stack") };
    assert_eq!(stack.template, "plan/deployment-plan.yaml");
    assert_eq!(stack.stack_name.as_str(), "dev-infra-plan");
    assert!(stack.force_update);
    let import = Import { distribution: "network".to_owned(), mapping: "$.output.Vpc.VpcId".to_owned() };
    assert_eq!(stack.parameters["VpcId"], ParameterValue::Import(import));
}

#[test]
fn the_same_file_as_json_means_the_same() {
    let value = crate::document::Document::parse("f.yaml", EVERYTHING).unwrap().to_json();
    let json = serde_json::to_string_pretty(&value).unwrap();
    let (config, warnings) = Config::parse("attini-config.json", &json).unwrap();
    assert_eq!(warnings, []);
    assert_eq!(resolve(&config, "dev"), resolve(&parse(EVERYTHING), "dev"));
}

#[test]
fn init_deploy_case_4_only_a_name() {
    let config = parse("distributionName: infra");
    assert_eq!(config.distribution_id, None);
    let resolved = resolve(&config, "dev");
    assert_eq!(resolved.pipeline, Pipeline::None);
    assert_eq!(resolved.dependencies, []);
}

#[test]
fn init_deploy_case_7_and_cli_case_10_scalars_keep_their_spelling() {
    let (config, _) =
        Config::parse("f.yaml", "distributionId: 0123 # id\nversion: 1.10\ndistributionTags: {a: 1e3, b: yes}\n")
            .unwrap();
    assert_eq!(config.distribution_id.as_ref().unwrap().as_str(), "0123");
    assert_eq!(config.version, Version::new("1.10"));
    assert_eq!(config.distribution_tags, texts(&[("a", "1e3"), ("b", "yes")]));
    assert_eq!(
        config.text_with_quotes(),
        "distributionId: \"0123\" # id\nversion: \"1.10\"\ndistributionTags: {a: \"1e3\", b: \"yes\"}\n"
    );
    assert_eq!(parse("distributionId: 20240101").distribution_id.unwrap().as_str(), "20240101");
    assert_eq!(parse("distributionId: 1e3").distribution_id.unwrap().as_str(), "1e3");
}

#[test]
fn blank_and_null_ids_are_not_set() {
    for id in ["", "~", "null", "\"\"", "\"  \""] {
        assert_eq!(parse(&format!("distributionId: {id}\nversion: {id}\n")).distribution_id, None, "{id}");
    }
    assert!(parse("distributionId: \"null\"").distribution_id.is_some());
}

#[test]
fn cli_case_7_exactly_one_file() {
    assert_eq!(choose_file(["a.txt", "attini-config.yml"]), Ok("attini-config.yml"));
    let several = choose_file(["attini-config.json", "attini-config.yaml"]).unwrap_err();
    assert_eq!(
        several.to_string(),
        "More then one attini-config file in directory: attini-config.yaml, attini-config.json"
    );
    let missing = choose_file(["Attini-Config.yaml"]).unwrap_err().to_string();
    assert!(missing.starts_with("No attini-config file in directory"), "{missing}");
}

#[test]
fn init_deploy_case_13_variables() {
    let stack =
        init_stack("  tags: {dev: {'${environment}-k': 'a ${unknown} ${unknown:-x} $${environment}'}}\n", "dev");
    assert_eq!(stack.tags, texts(&[("dev-k", "a ${unknown} x ${environment}")]));
    let config = parse("initDeployConfig:\n  stackName: ${environment}-${distributionName}-plan\n");
    let Pipeline::InitStack(stack) = resolve(&config, "dev").pipeline else { panic!("no init stack") };
    assert_eq!(stack.stack_name.as_str(), "dev-infra-plan");
}

#[test]
fn init_deploy_case_14_templates() {
    for (template, expected) in [
        ("  template: /plan.yaml\n", "plan.yaml"),
        ("  template: ./a/../b//plan.json\n", "b/plan.json"),
        ("  template: ${environment}/${x:-plan}.yaml\n", "dev/plan.yaml"),
        ("  template:\n", "ci-cd/attini-init-deploy.yaml"),
        ("", "ci-cd/attini-init-deploy.yaml"),
    ] {
        assert_eq!(init_stack(template, "dev").template, expected, "{template}");
    }
}

#[test]
fn init_deploy_case_15_parameters_of_an_environment() {
    let text = "  parameters: {default: {A: 1, B: x}, dev: {B: y}, prod: {C: z}}\n";
    assert_eq!(init_stack(text, "dev").parameters, parameters(&[("A", "1"), ("B", "y")]));
    assert_eq!(init_stack(text, "test").parameters, parameters(&[("A", "1"), ("B", "x")]));
    assert_eq!(init_stack("  parameters: {prod: {C: z}}\n", "dev").parameters, parameters(&[]));
    assert_eq!(init_stack("  parameters: {default: , dev: {C: z}}\n", "dev").parameters, parameters(&[("C", "z")]));
}

#[test]
fn parameters_are_texts_lists_or_left_out() {
    let text = "  parameters:\n    default: {A: 1.10, B: [a, 1, true], C: ~, D: x, E: ''}\n    dev: {D: null}\n";
    let expected = parameters(&[("A", "1.10"), ("B", "a,1,true"), ("E", "")]);
    assert_eq!(init_stack(text, "dev").parameters, expected);
}

#[test]
fn init_deploy_case_16_force_update() {
    for (value, expected) in
        [("true", true), ("\"TRUE\"", true), ("false", false), ("~", false), ("yes", true), ("off", false)]
    {
        assert_eq!(init_stack(&format!("  forceUpdate: {value}\n"), "dev").force_update, expected, "{value}");
    }
    let text = "initDeployConfig: {stackName: s, forceUpdate: \"yes\"}";
    let (config, warnings) = Config::parse("f.yaml", text).unwrap();
    assert!(!config.init_deploy.unwrap().force_update);
    assert_eq!(warnings[0].message, "`initDeployConfig.forceUpdate` is the text `yes`, which means false");
}

#[test]
fn init_deploy_case_20_tags_of_distribution_and_environment() {
    let text =
        "distributionTags: {k: 1, AttiniResourceType: z}\ninitDeployConfig: {stackName: s, tags: {dev: {k: 2}}}\n";
    let resolved = resolve(&parse(text), "dev");
    assert_eq!(resolved.distribution_tags, texts(&[("AttiniResourceType", "z"), ("k", "1")]));
    let Pipeline::InitStack(stack) = resolved.pipeline else { panic!("no init stack") };
    assert_eq!(stack.tags, texts(&[("k", "2")]));
}

#[test]
fn flat_tags_count_in_all_environments() {
    let text = "  tags: {team: a, cost: 1, default: {team: b}, dev: {team: c}, prod: }\n";
    assert_eq!(init_stack(text, "dev").tags, texts(&[("cost", "1"), ("team", "c")]));
    assert_eq!(init_stack(text, "test").tags, texts(&[("cost", "1"), ("team", "b")]));
    assert_eq!(init_stack("  tags: {team: a}\n", "dev").tags, texts(&[("team", "a")]));
}

#[test]
fn init_deploy_case_34_app_config() {
    let text = "
distributionType: app
appDeploymentPlan: ${environment}-plan
appConfig:
  default: {c: {keep: 1, t: a}, l: [1], gone: {x: 1}, n: 1.5}
  dev: {c: {t: b}, l: [2], gone: ~, '${environment}': '${distributionId}'}
";
    let Pipeline::App(app) = resolve(&parse(text), "dev").pipeline else { panic!("no app") };
    assert_eq!(app.plan, "dev-plan");
    assert_eq!(app.config, json!({"c": {"keep": 1, "t": "b"}, "l": [1, 2], "gone": null, "n": 1.5, "dev": "abc"}));
    let Pipeline::App(app) = resolve(&parse("distributionType: app\nappDeploymentPlan: p\n"), "dev").pipeline else {
        panic!("no app")
    };
    assert_eq!(app.config, json!({}));
}

#[test]
fn version_ranges_are_those_of_npm() {
    let accepts =
        |range: &str, version: &str| VersionRange::parse(range).unwrap().accepts(&Version::new(version).unwrap());
    for (range, version, expected) in [
        ("^1.2.0", "1.9.0", Some(true)),
        ("^1.2.0", "2.0.0", Some(false)),
        (">1.0.0", "1.0.0", Some(false)),
        ("1.x || 3", "3.4", Some(true)),
        ("latest", "0.0.1", Some(true)),
        ("", "v7", Some(true)),
        ("1.2 - 1.4", "1.4.9", Some(true)),
        (">=1.0.0", "1.2.0-rc.1", Some(false)),
        (">=1.0.0", "nightly", None),
    ] {
        assert_eq!(accepts(range, version), expected, "{range} {version}");
    }
    assert!(VersionRange::parse("newest one").is_err());
}

#[test]
fn an_identity_is_found_in_files_with_other_mistakes() {
    let text =
        "distributionName: infra\ndistributionId: 7\ndependencies: [{distributionName: a, distributionIdRegex: x}]\n";
    assert!(Config::parse("f.yaml", text).is_err());
    let identity = Config::identity("f.yaml", text);
    assert_eq!(identity.name.unwrap().as_str(), "infra");
    assert_eq!(identity.id.unwrap().as_str(), "7");
    assert_eq!(Config::identity("f.yaml", "a: ["), Identity::default());
}
