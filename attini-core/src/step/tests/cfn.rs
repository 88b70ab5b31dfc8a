//! Steps that deploy or delete a stack.

use super::*;
use crate::guard::stack_event;
use crate::inventory::stack_key;
use crate::port::{ParameterValue, RecordKey, StackError, StackRequest, StackTarget};
use crate::value::StackName;

pub(super) fn key(world: &TestFramework) -> RecordKey {
    stack_key(&StackName::parse("dev-db").unwrap(), &world.framework.place)
}

/// Runs the step `Db` for stack `dev-db`, with more properties.
pub(super) fn deploy(world: &TestFramework, more: &Value) -> TaskToken {
    let mut properties = json!({"StackName": "dev-db", "Template": "/db.yaml"});
    properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    run(world, "DeployCfn", "Db", &properties)
}

/// Lets the operation end, and hands all its events to the guard.
pub(super) fn finish(world: &TestFramework) {
    for event in world.step_events() {
        block_on(stack_event(&world.framework, &world.framework.place, &event)).unwrap();
    }
}

pub(super) fn succeeded(world: &TestFramework, token: &TaskToken) -> Value {
    match world.tokens.answer_to(token) {
        Some(Answer::Succeeded(output)) => output,
        other => panic!("the step has not succeeded: {other:?}"),
    }
}

pub(super) fn last(world: &TestFramework) -> StackRequest {
    world.stacks.requests().pop().unwrap()
}

/// A stack that a step has deployed, with outputs.
fn existing() -> TestFramework {
    let (world, _) = world();
    world.stacks.set_outputs("dev-db", &[("A", "1")]);
    deploy(&world, &json!({}));
    finish(&world);
    world
}

fn target() -> StackTarget {
    StackTarget::own(StackName::parse("dev-db").unwrap())
}

#[test]
fn a_new_stack_and_what_is_recorded_of_it() {
    let (world, _) = world();
    let token = deploy(&world, &json!({"OutputPath": "net", "RoleArn": "arn:r"}));
    let request = last(&world);
    let stack = block_on(world.framework.stacks.find(&target())).unwrap().unwrap();
    let expected = json!({
        "distributionId": "42", "distributionName": "network", "environment": "dev", "attiniObjectIdentifier": UPLOAD,
        "desiredState": "DEPLOYED", "stepName": "Db", "clientRequestToken": request.token, "stackName": "dev-db",
        "stackId": stack.id, "sfnToken": token.expose(), "template": format!("{PREFIX}/db.yaml"), "stackType": "Cfn",
        "sfnExecutionArn": "arn:aws:states:eu-west-1:111122223333:execution:network-Plan:e1", "outputPath": "net",
        "errors": [],
    });
    assert_eq!(world.body(&key(&world)), expected);
    assert!(request.token.starts_with("e11700000000000") && request.token.len() <= 128, "{}", request.token);
    assert_eq!(request.service_role.as_deref(), Some("arn:r"));
    assert_eq!(world.tokens.answer_to(&token), None, "the guard answers");
}

#[test]
fn actions_case_34_the_output_with_and_without_an_output_path() {
    for (more, expected) in [(json!({"OutputPath": "net"}), json!({"net": {"A": "1"}})), (json!({}), json!({"A": "1"}))]
    {
        let (world, _) = world();
        world.stacks.set_outputs("dev-db", &[("A", "1")]);
        let token = deploy(&world, &more);
        finish(&world);
        assert_eq!(succeeded(&world, &token), expected);
    }
    let world = existing();
    deploy(&world, &json!({"OutputPath": "net", "Template": "/new.yaml"}));
    finish(&world);
    let token = deploy(&world, &json!({"Template": "/newer.yaml"}));
    finish(&world);
    assert_eq!(succeeded(&world, &token), json!({"A": "1"}), "an earlier output path is forgotten");
}

#[test]
fn actions_case_2_and_3_properties_of_a_wrong_kind() {
    let (world, _) = world();
    let token = deploy(&world, &json!({"Parameters": "x"}));
    let failed = failure(&world, &token);
    assert_eq!(failed.error, "IllegalFormatException");
    assert!(["Db", "Parameters", "Object"].iter().all(|word| failed.cause.contains(word)), "{failed}");
    assert_eq!(world.find_body(&key(&world)), None);
}

#[test]
fn actions_case_25_and_26_termination_protection_is_what_is_said_last() {
    let (world, _) = world();
    let is_protected = |world: &TestFramework| {
        block_on(world.framework.stacks.find(&target())).unwrap().unwrap().termination_protection
    };
    for (number, (said, expected)) in [
        (json!({"EnableTerminationProtection": true}), true),
        (json!({"EnableTerminationProtection": "TRUE"}), true),
        (json!({}), true),
        (json!({"EnableTerminationProtection": false}), false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut more = said;
        more["Template"] = json!(format!("/{number}.yaml"));
        deploy(&world, &more);
        finish(&world);
        assert_eq!(is_protected(&world), expected, "{more}");
    }
}

#[test]
fn actions_case_27_unknown_actions() {
    let (world, _) = world();
    let token = deploy(&world, &json!({"Action": "delete"}));
    let failed = failure(&world, &token);
    assert_eq!(failed.error, "StackConfigError");
    assert!(failed.cause.contains("`Deploy`") && failed.cause.contains("`Delete`"), "{failed}");
}

#[test]
fn actions_case_28_deletions() {
    let (world, _) = world();
    let token = deploy(&world, &json!({"Action": "Delete"}));
    assert_eq!(succeeded(&world, &token), json!({}));
    assert_eq!(world.find_body(&key(&world)), None);

    let world = existing();
    let token = deploy(&world, &json!({"Action": "Delete", "OutputPath": "x"}));
    assert_eq!(world.tokens.answer_to(&token), None);
    assert_eq!(world.body(&key(&world))["desiredState"], "DELETED");
    finish(&world);
    assert_eq!((succeeded(&world, &token), world.find_body(&key(&world))), (json!({}), None));

    let world = existing();
    let before = world.bodies();
    let token = deploy(&world, &json!({"Action": "Delete", "EnableTerminationProtection": true}));
    assert_eq!((failure(&world, &token).error, world.bodies()), ("StackConfigError".to_owned(), before));
}

#[test]
fn actions_case_29_nothing_to_update_returns_the_outputs() {
    let world = existing();
    let token = deploy(&world, &json!({"OutputPath": "net"}));
    assert_eq!(succeeded(&world, &token), json!({"net": {"A": "1"}}));
    assert!(world.body(&key(&world)).get("sfnToken").is_none(), "the secret is not kept");
}

#[test]
fn actions_case_30_a_rolled_back_creation_is_made_anew_in_one_go() {
    let (world, _) = world();
    world.stacks.fail_next("dev-db", "boom");
    let first = deploy(&world, &json!({}));
    finish(&world);
    assert_eq!(failure(&world, &first), Failure::new("CREATE_FAILED", "boom"));
    let second = deploy(&world, &json!({}));
    assert_eq!(world.stacks.requests().len(), 2);
    finish(&world);
    assert_eq!(succeeded(&world, &second), json!({}));
    assert_eq!(world.tokens.answers().len(), 2);
}

#[test]
fn actions_case_31_a_foreign_stack() {
    let (world, _) = world();
    let mut foreign = {
        deploy(&world, &json!({}));
        last(&world)
    };
    let other = TestFramework::new();
    foreign.tags.clear();
    block_on(other.framework.stacks.create(&foreign)).unwrap();
    let _ = other.step_events();
    deployed(&other, &object(), NOW);
    let token = deploy(&other, &json!({}));
    let failed = failure(&other, &token);
    assert_eq!(failed.error, "AccessDenied");
    assert!(failed.cause.contains("AttiniResourceType: cloudformation-stack"), "{failed}");
    let token = deploy(&other, &json!({"Action": "Delete"}));
    assert_eq!(failure(&other, &token).error, "AccessDenied");

    let (world, _) = self::world();
    world.stacks.refuse_next("dev-db", StackError::AlreadyExists { name: StackName::parse("dev-db").unwrap() });
    let token = deploy(&world, &json!({}));
    assert!(failure(&world, &token).cause.contains("AttiniResourceType: cloudformation-stack"));
}

#[test]
fn a_refusal_keeps_its_code() {
    let (world, _) = world();
    let refusal = StackError::Refused { code: "LimitExceededException".to_owned(), message: "too many".to_owned() };
    world.stacks.refuse_next("dev-db", refusal);
    let token = deploy(&world, &json!({}));
    assert_eq!(failure(&world, &token), Failure::new("LimitExceededException", "too many"));
}

#[test]
fn another_operation_under_way_is_waited_for_by_retrying() {
    let (world, _) = world();
    deploy(&world, &json!({}));
    let token = deploy(&world, &json!({}));
    assert_eq!(failure(&world, &token).error, "IsExecuting");
    finish(&world);
    assert_eq!(world.tokens.answers().len(), 2, "the first one got its answer all the same");
}

#[test]
fn a_step_that_is_run_again_with_its_token_waits_for_the_operation_it_began() {
    let (world, _) = world();
    world.stacks.set_outputs("dev-db", &[("A", "1")]);
    let token = deploy(&world, &json!({}));
    let properties = json!({"StackName": "dev-db", "Template": "/db.yaml"});
    let again = || block_on(run_action(&world.framework, input("DeployCfn", "Db", &token, &properties))).unwrap();
    let before = world.bodies();
    again();
    let _ = world.step_events();
    again();
    assert_eq!((world.bodies(), world.stacks.requests().len()), (before, 1));
    finish(&world);
    assert_eq!(world.tokens.answers(), [(token, Answer::Succeeded(json!({"A": "1"})))]);
}

#[test]
fn a_step_that_was_interrupted_before_its_operation_goes_on_under_the_same_operation_token() {
    let (world, _) = world();
    let token = world.tokens.open();
    let properties = json!({"StackName": "dev-db", "Template": "/db.yaml"});
    // As if the process had died before the stack service was called, and before anybody was told.
    let calls = crate::contract::Faults::none();
    let input = || input("DeployCfn", "Db", &token, &properties);
    let other = TestFramework::new();
    deployed(&other, &object(), NOW);
    other.tokens.open_as(&token);
    block_on(run_action(&other.under(&calls), input())).unwrap();
    let create = calls.calls().iter().position(|call| *call == "StackService::create").unwrap() + 1;
    let dead = crate::contract::Faults::from(create);
    block_on(run_action(&world.under(&dead), input())).unwrap_err();
    let recorded = world.body(&key(&world))["clientRequestToken"].clone();
    block_on(run_action(&world.framework, input())).unwrap();
    assert_eq!(last(&world).token, recorded);
    finish(&world);
    assert_eq!(succeeded(&world, &token), json!({}));
}

#[test]
fn actions_case_24_and_35_parameters_and_tags_of_the_framework() {
    let (world, _) = world();
    let template = crate::port::TemplateLocation::Artifact(crate::value::ObjectKey::new(format!("{PREFIX}/db.yaml")));
    let declared =
        ["AttiniEnvironmentName", "AttiniDistributionId", "Ram"].map(|name| crate::port::DeclaredParameter {
            name: name.to_owned(),
            kind: "String".to_owned(),
            has_default: true,
            no_echo: false,
        });
    world.stacks.declare(&template, declared.to_vec());
    let more = json!({"Parameters": {"AttiniEnvironmentName": "x", "Ram": 1, "Foo": 2}, "Tags": {"a": "b", "AttiniResourceType": "z"}});
    deploy(&world, &more);
    let request = last(&world);
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let expected = [("AttiniDistributionId", text("42")), ("AttiniEnvironmentName", text("x")), ("Ram", text("1"))];
    assert!(request.parameters == expected.map(|(name, value)| (name.to_owned(), value)).into());
    let tags = json!({"a": "b", "AttiniDistributionName": "network", "AttiniEnvironmentName": "dev",
        "AttiniResourceType": "cloudformation-stack"});
    assert_eq!(json!(request.tags), tags);
}
