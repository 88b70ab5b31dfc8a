//! Promises of [`StackService`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::port::{
    Clock, OnFailure, Page, ParameterValue, StackDescription, StackError, StackEvent, StackRequest, StackService,
    StackTarget, TemplateLocation,
};
use crate::value::StackName;

/// Content of [`Fixture::template`]. Its resource exists in every account and costs nothing.
pub const TEMPLATE: &str = "\
Parameters:
  Greeting: {Type: String}
  Secret: {Type: String, NoEcho: true, Default: nothing}
Resources:
  Handle: {Type: AWS::CloudFormation::WaitConditionHandle}
Outputs:
  Greeted: {Value: !Ref Greeting}
";

/// What the tests work on.
#[derive(Debug)]
pub struct Fixture<'a> {
    /// The stacks' names start with this; there are none yet.
    pub prefix: &'a str,
    /// Where [`TEMPLATE`] is.
    pub template: TemplateLocation,
    /// Whether outputs are evaluated; fakes do not.
    pub has_outputs: bool,
    /// Time between two looks at an operation.
    pub clock: &'a dyn Clock,
}

impl Fixture<'_> {
    fn target(&self, name: &str) -> StackTarget {
        let name = StackName::parse(&format!("{}-{name}", self.prefix)).expect("is a stack name");
        StackTarget::own(name)
    }

    fn request(&self, name: &str, greeting: &str, token: &str) -> StackRequest {
        StackRequest {
            target: self.target(name),
            template: self.template.clone(),
            parameters: BTreeMap::from([("Greeting".to_owned(), ParameterValue::Text(greeting.to_owned()))]),
            tags: BTreeMap::from([("Owner".to_owned(), "contract".to_owned())]),
            service_role: None,
            on_failure: Some(OnFailure::DoNothing),
            termination_protection: None,
            token: token.to_owned(),
        }
    }
}

/// Runs all tests.
pub async fn all(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    a_template_tells_its_parameters(stacks, fixture).await;
    a_missing_stack_is_told(stacks, fixture).await;
    a_stack_lives_from_creation_to_deletion(stacks, fixture).await;
    the_same_token_is_one_operation(stacks, fixture).await;
    a_stack_as_wanted_needs_no_update(stacks, fixture).await;
    a_wrong_parameter_is_refused(stacks, fixture).await;
    a_protected_stack_is_not_deleted(stacks, fixture).await;
}

async fn find(stacks: &dyn StackService, target: &StackTarget) -> Option<StackDescription> {
    stacks.find(target).await.expect("reads")
}

/// Waits until nothing is under way; at most about ten minutes.
async fn settled(stacks: &dyn StackService, fixture: &Fixture<'_>, target: &StackTarget) -> Option<StackDescription> {
    for _ in 0..600 {
        match find(stacks, target).await {
            Some(stack) if stack.status.is_in_progress() => fixture.clock.sleep(Duration::from_secs(1)).await,
            found => return found,
        }
    }
    panic!("the operation on {} does not end", target.name);
}

async fn expect_status(stacks: &dyn StackService, fixture: &Fixture<'_>, target: &StackTarget, status: &str) {
    let found = settled(stacks, fixture, target).await.expect("is there");
    assert_eq!(found.status.0, status, "{:?}", found.status_reason);
}

async fn delete(stacks: &dyn StackService, fixture: &Fixture<'_>, target: &StackTarget) {
    stacks.delete(target, None, "contract-delete").await.expect("deletes");
    assert_eq!(settled(stacks, fixture, target).await, None);
}

async fn events(stacks: &dyn StackService, target: &StackTarget, stack_id: Option<&str>) -> Vec<StackEvent> {
    let mut found: Vec<StackEvent> = Vec::new();
    loop {
        let after = found.last().map(|event| event.id.clone());
        let Page { items, more } = stacks.events(target, stack_id, after.as_deref()).await.expect("reads");
        found.extend(items);
        if !more {
            return found;
        }
    }
}

/// Types, defaults and secrets.
pub async fn a_template_tells_its_parameters(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let found = stacks.declared_parameters(&fixture.target("none"), &fixture.template).await.expect("reads");
    let mut found: Vec<_> =
        found.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.has_default, p.no_echo)).collect();
    found.sort_unstable();
    assert_eq!(found, [("Greeting", "String", false, false), ("Secret", "String", true, true)]);
}

/// By each call in its own way.
pub async fn a_missing_stack_is_told(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let target = fixture.target("missing");
    assert_eq!(find(stacks, &target).await, None);
    let error = stacks.update(&fixture.request("missing", "hi", "contract-1")).await.expect_err("is missing");
    assert!(matches!(&error, StackError::NotFound { name } if *name == target.name), "{error}");
    stacks.delete(&target, None, "contract-2").await.expect("is absent already");
}

/// Create, update, delete, and what is seen of it.
pub async fn a_stack_lives_from_creation_to_deletion(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let target = fixture.target("life");
    let mut request = fixture.request("life", "hello", "contract-create");
    request.parameters.insert("Secret".to_owned(), ParameterValue::Text("hidden".to_owned()));
    let id = stacks.create(&request).await.expect("creates");
    expect_status(stacks, fixture, &target, "CREATE_COMPLETE").await;
    let found = find(stacks, &target).await.expect("is there");
    assert_eq!((&found.name, &found.id), (&target.name, &id));
    assert_eq!(found.tags, request.tags);
    let parameter = |name: &str| found.parameters.get(name).map(String::as_str);
    assert_eq!((parameter("Greeting"), parameter("Secret")), (Some("hello"), Some("****")));

    let mut change = fixture.request("life", "goodbye", "contract-update");
    change.parameters.insert("Secret".to_owned(), ParameterValue::Previous);
    assert_eq!(stacks.update(&change).await.expect("updates"), id);
    expect_status(stacks, fixture, &target, "UPDATE_COMPLETE").await;
    if fixture.has_outputs {
        let found = find(stacks, &target).await.expect("is there");
        assert_eq!(found.outputs, [("Greeted".to_owned(), "goodbye".to_owned())]);
    }

    let before = events(stacks, &target, None).await;
    delete(stacks, fixture, &target).await;
    let after = events(stacks, &target, Some(&id)).await;
    assert_eq!(after.get(..before.len()), Some(before.as_slice()), "events change");
    let own: Vec<_> = after
        .iter()
        .filter(|event| event.is_about_the_stack() && !event.status.0.contains("CLEANUP"))
        .map(|event| (event.status.0.as_str(), event.token.as_deref()))
        .collect();
    let expected = [
        ("CREATE_IN_PROGRESS", Some("contract-create")),
        ("CREATE_COMPLETE", Some("contract-create")),
        ("UPDATE_IN_PROGRESS", Some("contract-update")),
        ("UPDATE_COMPLETE", Some("contract-update")),
        ("DELETE_IN_PROGRESS", Some("contract-delete")),
        ("DELETE_COMPLETE", Some("contract-delete")),
    ];
    assert_eq!(own, expected);
    assert!(after.iter().all(|event| event.stack_id == id));
    assert!(after.is_sorted_by_key(|event| event.time));
}

/// Also while it is under way.
pub async fn the_same_token_is_one_operation(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let request = fixture.request("token", "hello", "contract-once");
    let id = stacks.create(&request).await.expect("creates");
    assert_eq!(stacks.create(&request).await.expect("is the same"), id);
    let other = fixture.request("token", "hello", "contract-other");
    let error = stacks.create(&other).await.expect_err("exists");
    assert!(matches!(&error, StackError::AlreadyExists { name } if *name == request.target.name), "{error}");
    expect_status(stacks, fixture, &request.target, "CREATE_COMPLETE").await;
    delete(stacks, fixture, &request.target).await;
}

/// The same template, parameters and tags.
pub async fn a_stack_as_wanted_needs_no_update(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let request = fixture.request("same", "hello", "contract-1");
    stacks.create(&request).await.expect("creates");
    expect_status(stacks, fixture, &request.target, "CREATE_COMPLETE").await;
    let error = stacks.update(&fixture.request("same", "hello", "contract-2")).await.expect_err("is as wanted");
    assert!(matches!(&error, StackError::NothingToUpdate { name } if *name == request.target.name), "{error}");
    delete(stacks, fixture, &request.target).await;
}

/// One too many, and one too few; nothing is made.
pub async fn a_wrong_parameter_is_refused(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let mut more = fixture.request("wrong", "hello", "contract-1");
    more.parameters.insert("Unknown".to_owned(), ParameterValue::Text("x".to_owned()));
    let mut fewer = fixture.request("wrong", "hello", "contract-2");
    fewer.parameters.clear();
    for (request, name) in [(more, "Unknown"), (fewer, "Greeting")] {
        let error = stacks.create(&request).await.expect_err("is wrong");
        assert!(matches!(error, StackError::Refused { .. }), "{error}");
        assert!(error.to_string().contains(name), "{error}");
        assert_eq!(find(stacks, &request.target).await, None);
    }
}

/// Until the protection is taken away.
pub async fn a_protected_stack_is_not_deleted(stacks: &dyn StackService, fixture: &Fixture<'_>) {
    let mut request = fixture.request("protected", "hello", "contract-1");
    request.termination_protection = Some(true);
    stacks.create(&request).await.expect("creates");
    expect_status(stacks, fixture, &request.target, "CREATE_COMPLETE").await;
    assert!(find(stacks, &request.target).await.is_some_and(|stack| stack.termination_protection));
    let error = stacks.delete(&request.target, None, "contract-2").await.expect_err("is protected");
    assert!(matches!(error, StackError::Refused { .. }), "{error}");

    let mut change = fixture.request("protected", "goodbye", "contract-3");
    change.termination_protection = Some(false);
    stacks.update(&change).await.expect("updates");
    expect_status(stacks, fixture, &request.target, "UPDATE_COMPLETE").await;
    delete(stacks, fixture, &request.target).await;
}
