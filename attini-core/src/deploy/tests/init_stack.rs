//! The init stack: request, refusals, the unchanged path.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::guard::{init_stack_event, init_stack_token};
use crate::inventory::plan_key;
use crate::port::{DeclaredParameter, ParameterValue, StackError, StackTarget, TemplateLocation};
use crate::value::{ObjectKey, StackName};

/// A parameter without a default.
pub(super) fn parameter(name: &str) -> DeclaredParameter {
    DeclaredParameter { name: name.to_owned(), kind: "String".to_owned(), has_default: false, no_echo: false }
}

fn declare(world: &TestFramework, id: &str, names: &[&str]) {
    let template = ObjectKey::new(format!("dev/infra/{id}/distribution-origin/plan.yaml"));
    let names = names.iter().map(|name| parameter(name)).collect();
    world.init_stacks.declare(&TemplateLocation::Artifact(template), names);
}

fn config(id: &str, more: &str) -> String {
    format!("{}{more}", WITH_STACK.replace("abc", id))
}

fn deploy_stack(world: &TestFramework, id: &str, more: &str) -> (Upload, Result<(), Failure>) {
    world.clock.advance(Duration::from_secs(1));
    deploy(world, &[("attini-config.yaml", &config(id, more)), ("plan.yaml", TEMPLATE)])
}

/// Hands all events of init stacks to the guard.
fn guard(world: &TestFramework) {
    for event in world.init_events() {
        block_on(init_stack_event(&world.framework, &event)).unwrap();
    }
}

fn item(world: &TestFramework) -> Value {
    world.body(&init_stack_key("dev-infra"))
}

fn sent(world: &TestFramework) -> BTreeMap<String, String> {
    let text = |value: &ParameterValue| match value {
        ParameterValue::Text(text) => text.clone(),
        ParameterValue::Previous => "(previous)".to_owned(),
    };
    let requests = world.init_stacks.requests();
    requests.last().unwrap().parameters.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Deploys id `abc` with a plan to its success.
fn deployed() -> TestFramework {
    let world = world();
    deploy_stack(&world, "abc", "").1.unwrap();
    block_on(world.register("dev-infra", json!([{"name": "Db", "type": "AttiniCfn"}])));
    guard(&world);
    world
}

#[test]
fn init_deploy_case_15_parameters_of_the_environment() {
    for (parameters, a, b) in [
        ("default: {A: 1, B: x}, dev: {B: y}, prod: {C: z}", Some("1"), Some("y")),
        ("default: {A: 1, B: x}, test: {B: y}", Some("1"), Some("x")),
        ("prod: {A: 1}", None, None),
    ] {
        let world = world();
        declare(&world, "abc", if a.is_some() { &["A", "B"] } else { &[] });
        deploy_stack(&world, "abc", &format!("  parameters: {{{parameters}}}\n")).1.unwrap();
        let sent = sent(&world);
        assert_eq!((sent.get("A").map(String::as_str), sent.get("B").map(String::as_str)), (a, b));
        assert!(!sent.contains_key("C"));
    }
}

#[test]
fn init_deploy_case_19_only_declared_parameters_and_the_frameworks_own_win() {
    let world = world();
    declare(&world, "abc", &["AttiniEnvironmentName", "A"]);
    let parameters = "  parameters: {default: {A: 1, B: 2, AttiniEnvironmentName: x}}\n";
    let (upload, done) = deploy_stack(&world, "abc", parameters);
    done.unwrap();
    let expected = [("A", "1"), ("AttiniEnvironmentName", "dev")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(sent(&world), BTreeMap::from(expected));
    let warnings = world.deployment("dev", "infra", &upload.object())["warnings"].to_string();
    assert!(warnings.contains("parameter B"), "{warnings}");
}

#[test]
fn init_deploy_case_18_and_20_token_and_tags() {
    let world = world();
    let tags = "  tags: {dev: {k: 2}}\ndistributionTags: {k: 1, AttiniResourceType: z}\n";
    let (upload, done) = deploy_stack(&world, "abc", tags);
    done.unwrap();
    let request = &world.init_stacks.requests()[0];
    assert_eq!(request.token, init_stack_token(&upload.object()));
    assert_eq!(
        json!(request.tags),
        json!({"k": "2", "AttiniDistributionName": "infra", "AttiniEnvironmentName": "dev", "AttiniResourceType": "init-deploy"})
    );
}

#[test]
fn init_deploy_case_21_an_existing_stack_is_updated_and_a_new_one_created() {
    let world = deployed();
    let (upload, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    done.unwrap();
    let requests = world.init_stacks.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].token, init_stack_token(&upload.object()));
    assert_eq!(requests[1].tags, requests[0].tags);
}

#[test]
fn init_deploy_case_22_nothing_to_update_is_the_unchanged_path() {
    let world = deployed();
    world
        .init_stacks
        .refuse_next("dev-infra", StackError::NothingToUpdate { name: StackName::parse("dev-infra").unwrap() });
    let (upload, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    done.unwrap();
    let record = world.deployment("dev", "infra", &upload.object());
    assert_eq!((&record["initStackUnchanged"], &record["deploymentPlanCount"]), (&json!(true), &json!(1)));
    assert_eq!(world.workflows.executions().len(), 2);
    assert!(item(&world).get("pendingInitStackMd5Hex").is_none());
}

#[test]
fn init_deploy_case_23_a_rolled_back_creation_is_made_anew() {
    let world = world();
    world.init_stacks.fail_next("dev-infra", "boom");
    deploy_stack(&world, "abc", "").1.unwrap();
    guard(&world);
    let (upload, done) = deploy_stack(&world, "def", "");
    done.unwrap();
    assert_eq!(world.init_stacks.requests().len(), 2);
    let deletion = world.init_events().into_iter().find(|event| event.status.0 == "DELETE_COMPLETE").unwrap();
    assert!(deletion.token.unwrap().starts_with("recreate-call-"));
    guard(&world);
    assert_eq!(world.deployment("dev", "infra", &upload.object())["outcome"], "SUCCEEDED");

    let world = self::world();
    world.init_stacks.fail_next("dev-infra", "boom");
    deploy_stack(&world, "abc", "").1.unwrap();
    guard(&world);
    world.init_stacks.fail_next("dev-infra", "cannot go");
    let (upload, done) = deploy_stack(&world, "def", "");
    let failure = done.unwrap_err();
    assert!(failure.error == "ValidationError" && failure.cause.contains("DELETE_FAILED"), "{failure}");
    assert_eq!(world.deployment("dev", "infra", &upload.object())["outcome"], "FAILED");
}

#[test]
fn init_deploy_case_24_a_refused_update_is_recorded_and_forgets_the_fingerprint() {
    let world = deployed();
    let refusal = StackError::Refused { code: "ValidationError".to_owned(), message: "X".to_owned() };
    world.init_stacks.refuse_next("dev-infra", refusal);
    let (upload, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    done.unwrap_err();
    let record = world.deployment("dev", "infra", &upload.object());
    assert_eq!((&record["errorCode"], &record["errorMessage"]), (&json!("ValidationError"), &json!("X")));
    assert_eq!((&record["stackName"], &record["outcome"]), (&json!("dev-infra"), &json!("FAILED")));
    let item = item(&world);
    assert!(item.get("initStackMd5Hex").is_none() && item.get("pendingInitStackMd5Hex").is_none());
    assert_eq!((&item["initStackUnchanged"], item["sfnArns"].as_array().unwrap().len()), (&json!(false), 1));
    assert_eq!(world.notified().last().unwrap().1, "FAILED");
}

#[test]
fn init_deploy_case_24_a_template_that_cannot_be_used_is_a_refusal_too() {
    let world = deployed();
    declare(&world, "def", &["Missing"]);
    let (upload, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    assert!(done.unwrap_err().cause.contains("Missing"));
    assert_eq!(world.deployment("dev", "infra", &upload.object())["stackName"], "dev-infra");
    assert!(item(&world).get("pendingInitStackMd5Hex").is_none());
}

#[test]
fn init_deploy_case_25_an_unchanged_stack_is_left_alone_and_its_plan_started() {
    let world = deployed();
    let (upload, done) = deploy_stack(&world, "def", "");
    done.unwrap();
    let object = upload.object();
    assert_eq!(world.init_stacks.requests().len(), 1);
    let record = world.deployment("dev", "infra", &object);
    assert_eq!((&record["initStackUnchanged"], &record["deploymentPlanCount"]), (&json!(true), &json!(1)));
    assert_eq!(record["attiniSteps"], json!([{"name": "Db", "type": "AttiniCfn"}]));
    let plan = world.body(&plan_key(&world.framework.place.machine_arn("dev-infra-Plan")));
    assert_eq!((&plan["attiniObjectIdentifier"], &plan["distributionId"]), (&json!(object.as_str()), &json!("def")));
    let item = item(&world);
    assert_eq!((&item["attiniObjectIdentifier"], &item["initStackUnchanged"]), (&json!(object.as_str()), &json!(true)));
    assert_eq!(world.workflows.executions().len(), 2);
    deploy_stack(&world, "ghi", "  variables: {default: {v: 1}}\n").1.unwrap();
    assert!(self::item(&world).get("initStackUnchanged").is_none(), "this one is not unchanged");
}

#[test]
fn init_deploy_case_16_and_26_when_the_stack_is_deployed_all_the_same() {
    for (more, prepare) in [
        ("  forceUpdate: \"TRUE\"\n", None),
        ("", Some("initStackMd5Hex")),
        ("  variables: {default: {v: 1}}\n", None),
        ("distributionTags: {a: b}\n", None),
    ] {
        let world = deployed();
        if let Some(field) = prepare {
            let mut body = item(&world);
            body[field] = json!("");
            block_on(world.put(&init_stack_key("dev-infra"), body));
        }
        deploy_stack(&world, "def", more).1.unwrap();
        assert_eq!(world.init_stacks.requests().len(), 2, "{more}");
    }
    let world = deployed();
    deploy_stack(&world, "def", "  forceUpdate: \"yes\"\n").1.unwrap();
    assert_eq!(world.init_stacks.requests().len(), 1);
}

#[test]
fn a_stack_that_is_gone_or_failed_is_not_unchanged() {
    let world = deployed();
    let target = StackTarget::own(StackName::parse("dev-infra").unwrap());
    block_on(world.framework.init_stacks.delete(&target, None, "Console-1")).unwrap();
    let _ = world.init_events();
    deploy_stack(&world, "def", "").1.unwrap();
    assert_eq!(world.init_stacks.requests().len(), 2);
}

#[test]
fn an_upload_while_the_stack_is_busy_fails_and_leaves_the_operation_to_its_own_upload() {
    let world = world();
    let (first, done) = deploy_stack(&world, "abc", "");
    done.unwrap();
    let (second, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    let failure = done.unwrap_err();
    assert!(failure.cause.contains("CREATE_IN_PROGRESS") && failure.cause.contains("deploy again"), "{failure}");
    guard(&world);
    assert_eq!(world.deployment("dev", "infra", &first.object())["outcome"], "SUCCEEDED");
    assert_eq!(world.deployment("dev", "infra", &second.object())["outcome"], "FAILED");
}

#[test]
fn a_refused_upload_leaves_an_operation_whose_end_nobody_saw_to_its_own_upload() {
    let world = world();
    let (first, done) = deploy_stack(&world, "abc", "");
    done.unwrap();
    let events = world.init_events();
    let refusal = StackError::Refused { code: "AccessDenied".to_owned(), message: "no".to_owned() };
    world.init_stacks.refuse_next("dev-infra", refusal);
    deploy_stack(&world, "def", "  forceUpdate: true\n").1.unwrap_err();
    for event in &events {
        block_on(init_stack_event(&world.framework, event)).unwrap();
    }
    assert_eq!(world.deployment("dev", "infra", &first.object())["outcome"], "SUCCEEDED");
}

#[test]
fn an_upload_that_overtakes_an_operation_whose_end_nobody_saw_ends_that_deployment() {
    let world = world();
    let (first, done) = deploy_stack(&world, "abc", "");
    done.unwrap();
    let late = world.init_events();
    // What the first upload wanted is not what the second one finds unchanged.
    let (second, done) = deploy_stack(&world, "def", "  forceUpdate: true\n");
    done.unwrap();
    for event in late.into_iter().chain(world.init_events()) {
        block_on(init_stack_event(&world.framework, &event)).unwrap();
    }
    let first = world.deployment("dev", "infra", &first.object());
    assert_eq!((&first["outcome"], &first["errorCode"]), (&json!("ABORTED"), &json!("DeploymentSuperseded")));
    assert!(first["errorMessage"].as_str().unwrap().contains("def"));
    assert_eq!(world.deployment("dev", "infra", &second.object())["outcome"], "SUCCEEDED");
}

#[test]
fn while_an_operation_s_end_is_unseen_nothing_is_unchanged() {
    let world = deployed();
    let (_, done) = deploy_stack(&world, "def", "  variables: {default: {v: 1}}\n");
    done.unwrap();
    let _ = world.init_events();
    // The same as the first one, whose fingerprint is still recorded, but not what the stack is by now.
    deploy_stack(&world, "ghi", "").1.unwrap();
    assert_eq!(world.init_stacks.requests().len(), 3);
}
