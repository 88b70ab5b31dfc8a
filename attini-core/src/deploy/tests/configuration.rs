//! What a configuration means, and how a wrong one is refused.

use serde_json::json;

use super::*;

fn with_plan(step: &str) -> String {
    TEMPLATE.replace("          Type: AttiniCfn\n          Properties: {StackName: dev-db, Template: /db.yaml}\n", step)
}

#[test]
fn init_deploy_case_6_and_32_broken_configurations() {
    for config in ["distributionName: infra\ndependencies: [\n", "distributionName: infra\nversoin: 1\n"] {
        let world = world();
        let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", config)]);
        assert_eq!(failure.error, "InvalidConfig");
        assert!(failure.cause.contains("attini-config.yaml:2:"), "{failure}");
        assert_eq!(record["distributionId"].as_str().unwrap().len(), 36, "the id that it would have got");
        assert_untouched(&world);
    }
}

#[test]
fn init_deploy_case_7_scalars_keep_their_spelling() {
    let world = world();
    let (upload, done) =
        deploy(&world, &[("attini-config.yaml", "distributionName: infra\ndistributionId: 20240101\nversion: 1.10\n")]);
    done.unwrap();
    let record = world.deployment("dev", "infra", &upload.object());
    assert_eq!((&record["distributionId"], &record["version"]), (&json!("20240101"), &json!("1.10")));
}

#[test]
fn init_deploy_case_12_tags_are_recorded_however_many() {
    let world = world();
    let tags: String = (0..12).map(|number| format!("  t{number}: v\n")).collect();
    let (upload, done) = deploy(&world, &[("attini-config.yaml", &format!("{CONFIG}distributionTags:\n{tags}"))]);
    done.unwrap();
    let record = world.deployment("dev", "infra", &upload.object());
    assert_eq!(record["distributionTags"].as_object().unwrap().len(), 12);
}

#[test]
fn init_deploy_case_13_stack_names() {
    for (text, expected) in [
        ("${environment}-${distributionName}-plan", Ok("dev-infra-plan")),
        ("a-${unknown:-x}", Ok("a-x")),
        ("${unknown}", Err("${unknown}")),
        ("$${environment}", Err("${environment}")),
    ] {
        let world = world();
        let config = format!("{CONFIG}initDeployConfig:\n  template: plan.yaml\n  stackName: {text}\n");
        let files = [("attini-config.yaml", config.as_str()), ("plan.yaml", TEMPLATE)];
        match expected {
            Ok(name) => {
                let (upload, done) = deploy(&world, &files);
                done.unwrap();
                assert_eq!(world.deployment("dev", "infra", &upload.object())["stackName"], name);
            }
            Err(shown) => assert!(refused(&world, "infra", &files).0.cause.contains(shown)),
        }
    }
}

#[test]
fn init_deploy_case_14_templates() {
    for (line, file) in [("  template: /plan.yaml\n", "plan.yaml"), ("", "ci-cd/attini-init-deploy.yaml")] {
        let world = world();
        let config = format!("{CONFIG}initDeployConfig:\n  stackName: s\n{line}");
        deploy(&world, &[("attini-config.yaml", &config), (file, TEMPLATE)]).1.unwrap();
        let template = world.init_stacks.requests()[0].template.to_string();
        assert_eq!(template, format!("dev/infra/abc/distribution-origin/{file}"));
    }
    let world = world();
    let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", WITH_STACK)]);
    assert!(failure.cause.contains("plan.yaml"), "{failure}");
    assert_eq!(record["distributionId"], "abc");
    assert_untouched(&world);
}

#[test]
fn init_deploy_case_30_and_33_refused_by_name() {
    for (config, word) in [
        ("dependencies: [{distributionName: a, distributionIdRegex: x}]\n", "distributionIdRegex"),
        ("distributionType: app\n", "app"),
    ] {
        let world = world();
        let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", &format!("{CONFIG}{config}"))]);
        assert!(failure.error == "InvalidConfig" && failure.cause.contains(word), "{failure}");
        assert_eq!(record["distributionId"], "abc");
        assert_untouched(&world);
    }
    let world = world();
    deploy(&world, &[("attini-config.yaml", &format!("{CONFIG}distributionType: App\n"))]).1.unwrap();
}

#[test]
fn a_wrong_plan_is_refused_with_its_place() {
    let world = world();
    let plan = with_plan("          Type: AttiniCfn\n          Properties: {Template: /db.yaml, Tmplate: x}\n");
    let (failure, record) = refused(&world, "infra", &[("attini-config.yaml", WITH_STACK), ("plan.yaml", &plan)]);
    assert_eq!(failure.error, "InvalidTemplate");
    assert!(record["errorMessage"].as_str().unwrap().contains("plan.yaml:7:11: Plan, step Db"), "{failure}");
    assert_untouched(&world);
}

#[test]
fn steps_of_types_that_this_version_cannot_run_are_refused_first() {
    let steps = [
        ("AttiniSam", "{StackName: s, Project: {Path: /s}}"),
        ("AttiniCdk", "{Path: /c}"),
        ("AttiniImport", "{SourceType: Distribution, Source: {Name: a}, Mapping: {x: $.y}}"),
    ];
    for (kind, properties) in steps {
        let world = world();
        let plan = with_plan(&format!("          Type: {kind}\n          Properties: {properties}\n"));
        let (failure, _) = refused(&world, "infra", &[("attini-config.yaml", WITH_STACK), ("plan.yaml", &plan)]);
        assert_eq!(failure.error, "InvalidTemplate");
        assert!(failure.cause.contains("`Db`") && failure.cause.contains(kind), "{failure}");
        assert!(failure.cause.contains("plan.yaml:8:17"), "{failure}");
        assert_eq!(failure.cause.lines().count(), 1, "nothing else about the step hides it: {failure}");
        assert_untouched(&world);
    }
}
