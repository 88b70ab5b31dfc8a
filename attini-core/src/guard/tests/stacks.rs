//! Events of stacks that steps deploy.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::contract::{Answer, Faults, MemStackService, Moment};
use crate::framework::Framework;
use crate::guard::stack_event;
use crate::port::{
    DeclaredParameter, Page, StackDescription, StackError, StackRequest, StackService, StackTarget, TemplateLocation,
};
use crate::value::ObjectKey;

/// A waiting step whose stack is there, and its token.
fn waiting(more: Value, outputs: &[(&str, &str)]) -> (TestFramework, TaskToken) {
    let world = world();
    let token = world.tokens.open();
    block_on(world.put(&step_stack_key(&world), waiting_record(Some(&token), more)));
    world.stacks.set_outputs("dev-db", outputs);
    create(&world);
    (world, token)
}

fn create(world: &TestFramework) {
    let request = StackRequest {
        target: StackTarget::own(StackName::parse("dev-db").unwrap()),
        template: TemplateLocation::Artifact(ObjectKey::new("t")),
        parameters: BTreeMap::new(),
        tags: BTreeMap::new(),
        service_role: None,
        on_failure: None,
        termination_protection: None,
        token: "t1".to_owned(),
    };
    block_on(world.framework.stacks.create(&request)).unwrap();
}

fn guard(world: &TestFramework, event: &StackEvent) {
    block_on(stack_event(&world.framework, &world.framework.place, event)).unwrap();
}

/// Lets the operation end, and hands all its events to the guard.
fn run(world: &TestFramework) {
    for event in world.step_events() {
        guard(world, &event);
    }
}

fn failed(error: &str, cause: &str) -> Answer {
    Answer::Failed { error: error.to_owned(), cause: cause.to_owned() }
}

#[test]
fn framework_case_9_outputs_become_the_step_s_output() {
    for (more, outputs, expected) in [
        (json!({}), &[("Url", "u")][..], json!({"Url": "u"})),
        (json!({"outputPath": "db"}), &[("Url", "u")], json!({"db": {"Url": "u"}})),
        (json!({}), &[], json!({})),
    ] {
        let (world, token) = waiting(more, outputs);
        run(&world);
        assert_eq!(world.tokens.answer_to(&token), Some(Answer::Succeeded(expected)));
        assert!(world.body(&step_stack_key(&world)).get("sfnToken").is_none(), "the secret is not kept");
        assert_eq!(deployment(&world).get("errorMessage"), None);
    }
}

#[test]
fn framework_case_9_an_output_that_is_too_large_fails_the_step() {
    let long = "x".repeat(270_000);
    let (world, token) = waiting(json!({}), &[("Url", &long)]);
    run(&world);
    let Some(Answer::Failed { error, .. }) = world.tokens.answer_to(&token) else { panic!("the step goes on") };
    assert_eq!(error, "InvalidOutput");
}

#[test]
fn framework_case_10_a_stack_that_cannot_be_read_fails_the_step() {
    for (status, expected) in [
        ("UPDATE_COMPLETE", failed("unknown", "denied")),
        (
            "UPDATE_ROLLBACK_FAILED",
            failed("Unknown", "could not resolve error, check cloudformation logs for more info"),
        ),
    ] {
        let (world, token) = waiting(json!({}), &[]);
        let framework = Framework { stacks: Arc::new(Denied), ..world.framework.clone() };
        block_on(stack_event(&framework, &framework.place, &event(1, "dev-db", status, None, "t1"))).unwrap();
        assert_eq!(world.tokens.answer_to(&token), Some(expected));
    }
}

#[test]
fn a_stack_that_is_gone_when_it_is_read_fails_the_step() {
    let (world, token) = waiting(json!({}), &[]);
    let framework =
        Framework { stacks: Arc::new(MemStackService::new(world.clock.clone())), ..world.framework.clone() };
    block_on(stack_event(&framework, &framework.place, &event(1, "dev-db", "CREATE_COMPLETE", None, "t1"))).unwrap();
    assert_eq!(world.tokens.answer_to(&token), Some(failed("unknown", "the stack was deleted by someone else")));
}

#[test]
fn whatever_fails_the_event_can_be_given_again() {
    let (world, _) = waiting(json!({}), &[]);
    let events = world.step_events();
    let none = Faults::none();
    let end = events.iter().rfind(|event| event.is_about_the_stack()).unwrap();
    block_on(stack_event(&world.under(&none), &world.framework.place, end)).unwrap();
    for call in 1..=none.calls().len() {
        for moment in [Moment::Before, Moment::After] {
            let (world, token) = waiting(json!({}), &[("Url", "u")]);
            let events = world.step_events();
            let end = events.iter().rfind(|event| event.is_about_the_stack()).unwrap();
            block_on(stack_event(&world.under(&Faults::at(call, moment)), &world.framework.place, end)).unwrap_err();
            guard(&world, end);
            assert_eq!(world.tokens.answers(), [(token, Answer::Succeeded(json!({"Url": "u"})))]);
            assert!(world.body(&step_stack_key(&world)).get("sfnToken").is_none());
        }
    }
}

/// A stack service that lets nobody read.
#[derive(Debug)]
struct Denied;

fn denied<T>() -> Result<T, StackError> {
    Err(StackError::Refused { code: "AccessDenied".to_owned(), message: "denied".to_owned() })
}

#[async_trait]
impl StackService for Denied {
    async fn create(&self, _: &StackRequest) -> Result<String, StackError> {
        denied()
    }

    async fn update(&self, _: &StackRequest) -> Result<String, StackError> {
        denied()
    }

    async fn delete(&self, _: &StackTarget, _: Option<&str>, _: &str) -> Result<(), StackError> {
        denied()
    }

    async fn find(&self, _: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        denied()
    }

    async fn events(&self, _: &StackTarget, _: Option<&str>, _: Option<&str>) -> Result<Page<StackEvent>, StackError> {
        denied()
    }

    async fn declared_parameters(
        &self,
        _: &StackTarget,
        _: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        denied()
    }
}

#[test]
fn framework_case_11_and_12_events_of_others_change_nothing() {
    let (world, token) = waiting(json!({}), &[]);
    let before = world.bodies();
    for foreign in [
        event(1, "dev-db", "UPDATE_COMPLETE", None, "t2"),
        event(2, "dev-db", "DELETE_COMPLETE", None, "t2"),
        event(3, "Fn", "CREATE_FAILED", Some("boom"), "t2"),
        StackEvent { token: None, ..event(4, "dev-db", "UPDATE_COMPLETE", None, "") },
        StackEvent { stack: StackName::parse("other").unwrap(), ..event(5, "dev-db", "UPDATE_COMPLETE", None, "t1") },
    ] {
        guard(&world, &foreign);
    }
    assert_eq!((world.tokens.answer_to(&token), world.bodies()), (None, before));
}

#[test]
fn framework_case_8_a_resource_or_nested_stack_with_the_stack_s_name_is_not_the_stack() {
    let (world, token) = waiting(json!({}), &[]);
    let function = StackEvent {
        resource_type: "AWS::Lambda::Function".to_owned(),
        physical_id: Some("f".to_owned()),
        ..event(1, "dev-db", "CREATE_FAILED", Some("boom"), "t1")
    };
    let nested =
        StackEvent { physical_id: Some("arn:nested".to_owned()), ..event(2, "dev-db", "CREATE_COMPLETE", None, "t1") };
    guard(&world, &function);
    guard(&world, &nested);
    assert_eq!(world.tokens.answer_to(&token), None);
    assert_eq!(deployment(&world)["errors"]["dev-db-eu-west-1-111122223333"][0]["resourceName"], "dev-db");
}

#[test]
fn framework_case_13_and_15_a_failed_stack_fails_the_step_and_says_why() {
    let world = world();
    let token = world.tokens.open();
    block_on(world.put(&step_stack_key(&world), waiting_record(Some(&token), json!({}))));
    world.stacks.fail_next("dev-db", "boom");
    create(&world);
    run(&world);
    assert_eq!(world.tokens.answer_to(&token), Some(failed("CREATE_FAILED", "boom")));
    let record = deployment(&world);
    assert_eq!(
        (&record["errorCode"], &record["errorMessage"]),
        (&json!("CloudformationError"), &json!("Step: DeployDb failed with error: boom"))
    );
    let errors = &record["errors"]["dev-db-eu-west-1-111122223333"];
    let entry = json!({
        "resourceName": "Resource", "resourceStatus": "CREATE_FAILED", "errorType": "CloudFormation", "error": "boom",
        "stepName": "DeployDb", "stackName": "dev-db", "region": "eu-west-1", "eventId": errors[0]["eventId"],
    });
    assert_eq!(*errors, json!([entry]));
    assert_eq!(record.get("outcome"), None, "the plan may catch it");
}

#[test]
fn framework_case_6_a_resource_without_a_reason_is_no_entry() {
    let (world, _) = waiting(json!({}), &[]);
    for reason in [None, Some(""), Some("Resource creation cancelled")] {
        guard(&world, &event(1, "Fn", "CREATE_FAILED", reason, "t1"));
    }
    assert_eq!(deployment(&world)["errors"], json!({}));
}

#[test]
fn framework_case_14_when_nobody_knows_why() {
    let (world, token) = waiting(json!({}), &[]);
    guard(
        &world,
        &StackEvent {
            stack_id: "arn:x".to_owned(),
            physical_id: None,
            ..event(1, "dev-db", "ROLLBACK_COMPLETE", None, "t1")
        },
    );
    let cause = "could not resolve error, check cloudformation logs for more info";
    assert_eq!(world.tokens.answer_to(&token), Some(failed("Unknown", cause)));
}

#[test]
fn framework_case_16_a_deleted_stack() {
    let (world, token) = waiting(json!({"desiredState": "DELETED", "outputPath": "db"}), &[]);
    let gone = event(1, "dev-db", "DELETE_COMPLETE", None, "t1");
    guard(&world, &gone);
    assert_eq!(world.tokens.answer_to(&token), Some(Answer::Succeeded(json!({}))));
    assert_eq!(world.find_body(&step_stack_key(&world)), None);

    let (world, token) = waiting(json!({}), &[]);
    guard(&world, &gone);
    assert!(matches!(world.tokens.answer_to(&token), Some(Answer::Failed { .. })));
    assert_eq!(world.find_body(&step_stack_key(&world)), None);
    assert!(deployment(&world)["errorMessage"].as_str().unwrap().starts_with("Step: DeployDb"));
}

#[test]
fn framework_case_17_a_late_deletion_leaves_a_newer_operation_alone() {
    let (world, token) = waiting(json!({"clientRequestToken": "t2"}), &[]);
    let before = world.bodies();
    guard(&world, &event(1, "dev-db", "DELETE_COMPLETE", None, "t1"));
    assert_eq!((world.tokens.answer_to(&token), world.bodies()), (None, before));
}

#[test]
fn framework_case_18_without_a_token_the_records_are_kept_all_the_same() {
    let world = world();
    block_on(world.put(&step_stack_key(&world), waiting_record(None, json!({"desiredState": "DELETED"}))));
    guard(&world, &event(1, "dev-db", "UPDATE_COMPLETE", None, "t1"));
    guard(&world, &event(2, "dev-db", "DELETE_COMPLETE", None, "t1"));
    assert!(world.tokens.answers().is_empty());
    assert_eq!(world.find_body(&step_stack_key(&world)), None);
}

#[test]
fn framework_case_19_a_step_that_timed_out_is_no_error() {
    let (world, token) = waiting(json!({}), &[]);
    world.tokens.close(&token);
    run(&world);
    assert!(world.tokens.answers().is_empty());
    assert!(world.body(&step_stack_key(&world)).get("sfnToken").is_none());
}
