use attini_core::port::OnFailure;
use serde_json::json;

use super::*;

fn chain() -> Value {
    json!({"Resources": {
        "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {}},
        "Topic": {"Type": "AWS::SNS::Topic", "DependsOn": "Function"},
    }})
}

fn bucket(properties: Value) -> Value {
    json!({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}})
}

fn update(surroundings: &Surroundings, state: &StackState, template: Value) -> OperationOutcome {
    surroundings.run(Some(state), &request(OperationKind::Update, template)).expect("accepted")
}

#[test]
fn creation_goes_in_the_order_of_dependencies() {
    let outcome = Surroundings::new().run(None, &request(OperationKind::Create, chain())).expect("accepted");
    assert_eq!(
        lines(&outcome.events),
        [
            "shop CREATE_IN_PROGRESS User Initiated",
            "Role CREATE_IN_PROGRESS",
            "Role CREATE_IN_PROGRESS Resource creation Initiated",
            "Role CREATE_COMPLETE",
            "Function CREATE_IN_PROGRESS",
            "Function CREATE_IN_PROGRESS Resource creation Initiated",
            "Function CREATE_COMPLETE",
            "Topic CREATE_IN_PROGRESS",
            "Topic CREATE_IN_PROGRESS Resource creation Initiated",
            "Topic CREATE_COMPLETE",
            "shop CREATE_COMPLETE",
        ]
    );
    let ids: Vec<_> = outcome.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids[..2], ["shop-CREATE_IN_PROGRESS-1", "Role-CREATE_IN_PROGRESS-2"]);
    let state = outcome.state.expect("exists");
    assert_eq!(outcome.events[0].physical_id.as_ref(), Some(&state.id));
    assert_eq!(state.event_count, 11);
    let role = state.resources["Function"].properties["Role"].as_str().expect("text");
    assert!(role.starts_with("arn:aws:iam::000000000000:role/shop-Role-"), "{role}");
}

#[test]
fn the_same_inputs_give_the_same_stack() {
    assert_eq!(Surroundings::new().create(chain()), Surroundings::new().create(chain()));
}

#[test]
fn a_failed_resource_cancels_its_neighbors_and_rolls_the_stack_back() {
    let template = json!({"Resources": {
        "First": {"Type": "AWS::SNS::Topic"},
        "Broken": {"Type": "AWS::SQS::Queue"},
        "Beside": {"Type": "AWS::SQS::Queue"},
        "After": {"Type": "AWS::SNS::Topic", "DependsOn": ["Broken"]},
    }});
    let outcome = Surroundings::new().run(None, &failing(request(OperationKind::Create, template), "Broken"));
    let outcome = outcome.expect("accepted");
    assert_eq!(
        lines(&outcome.events),
        [
            "shop CREATE_IN_PROGRESS User Initiated",
            "First CREATE_IN_PROGRESS",
            "Broken CREATE_IN_PROGRESS",
            "Beside CREATE_IN_PROGRESS",
            "First CREATE_IN_PROGRESS Resource creation Initiated",
            "First CREATE_COMPLETE",
            "Broken CREATE_FAILED no capacity",
            "Beside CREATE_FAILED Resource creation cancelled",
            "shop ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Beside, Broken]. Rollback requested by user.",
            "Beside DELETE_COMPLETE",
            "Broken DELETE_COMPLETE",
            "First DELETE_IN_PROGRESS",
            "First DELETE_COMPLETE",
            "shop ROLLBACK_COMPLETE",
        ]
    );
    let state = outcome.state.expect("exists");
    assert_eq!(state.status, "ROLLBACK_COMPLETE");
    assert!(state.resources.is_empty());
    let refused = Surroundings::new().run(Some(&state), &request(OperationKind::Update, chain())).expect_err("refused");
    assert_eq!(refused.code(), "ValidationError");
    assert!(refused.to_string().ends_with("is in ROLLBACK_COMPLETE state and can not be updated."), "{refused}");
}

#[test]
fn a_failed_creation_is_deleted_or_kept_when_the_request_says_so() {
    let mut wanted = failing(request(OperationKind::Create, chain()), "Function");
    wanted.on_failure = Some(OnFailure::Delete);
    let outcome = Surroundings::new().run(None, &wanted).expect("accepted");
    assert_eq!(outcome.state, None);
    assert_eq!(
        lines(&outcome.events)[6..],
        [
            "shop DELETE_IN_PROGRESS The following resource(s) failed to create: [Function]. Delete requested by user.",
            "Function DELETE_COMPLETE",
            "Role DELETE_IN_PROGRESS",
            "Role DELETE_COMPLETE",
            "shop DELETE_COMPLETE",
        ]
    );
    wanted.on_failure = Some(OnFailure::DoNothing);
    let state = Surroundings::new().run(None, &wanted).expect("accepted").state.expect("exists");
    assert_eq!(state.status, "CREATE_FAILED");
    assert_eq!(state.resources.keys().collect::<Vec<_>>(), ["Role"]);
}

#[test]
fn update_modifies_in_place_adds_and_removes() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(chain());
    let mut template = chain();
    template["Resources"]["Role"]["Properties"]["Description"] = json!("new");
    template["Resources"]["Queue"] = json!({"Type": "AWS::SQS::Queue"});
    template["Resources"].as_object_mut().expect("object").remove("Topic");
    let outcome = update(&surroundings, &state, template);
    assert_eq!(
        lines(&outcome.events),
        [
            "shop UPDATE_IN_PROGRESS User Initiated",
            "Role UPDATE_IN_PROGRESS",
            "Queue CREATE_IN_PROGRESS",
            "Role UPDATE_COMPLETE",
            "Queue CREATE_IN_PROGRESS Resource creation Initiated",
            "Queue CREATE_COMPLETE",
            "shop UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Topic DELETE_IN_PROGRESS",
            "Topic DELETE_COMPLETE",
            "shop UPDATE_COMPLETE",
        ]
    );
    let actions: Vec<_> = outcome.changes.iter().map(|change| (change.logical_id.as_str(), change.action)).collect();
    let expected = [("Role", ChangeAction::Modify), ("Queue", ChangeAction::Add), ("Topic", ChangeAction::Remove)];
    assert_eq!(actions, expected);
    assert_eq!(outcome.changes[0].properties, ["Description"]);
    let updated = outcome.state.expect("exists");
    assert_eq!(updated.resources["Role"].physical_id, state.resources["Role"].physical_id);
    assert_eq!(outcome.events[0].id, "shop-UPDATE_IN_PROGRESS-12");
}

#[test]
fn a_replaced_resource_gets_a_new_id_which_its_dependents_see() {
    let template = |family: &str| {
        json!({"Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"KeySchema": [family]}},
            "Name": {"Type": "AWS::SSM::Parameter", "Properties": {"Value": {"Ref": "Table"}, "Type": "String"}},
        }})
    };
    let surroundings = Surroundings::new();
    let state = surroundings.create(template("a"));
    let outcome = update(&surroundings, &state, template("b"));
    assert_eq!(
        lines(&outcome.events)[1..],
        [
            "Table UPDATE_IN_PROGRESS Requested update requires the creation of a new physical resource; hence creating one.",
            "Table UPDATE_IN_PROGRESS Resource creation Initiated",
            "Table UPDATE_COMPLETE",
            "Name UPDATE_IN_PROGRESS",
            "Name UPDATE_COMPLETE",
            "shop UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Table DELETE_IN_PROGRESS",
            "Table DELETE_COMPLETE",
            "shop UPDATE_COMPLETE",
        ]
    );
    let updated = outcome.state.expect("exists");
    let (old, new) = (&state.resources["Table"].physical_id, &updated.resources["Table"].physical_id);
    assert_ne!(old, new);
    assert_eq!(updated.resources["Name"].properties["Value"], json!(new));
    assert_eq!(outcome.events[7].physical_id.as_ref(), Some(old));
}

#[test]
fn a_named_resource_cannot_be_replaced_under_its_name() {
    let template = |key: &str| json!({"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": "t", "KeySchema": [key]}}}});
    let surroundings = Surroundings::new();
    let outcome = update(&surroundings, &surroundings.create(template("a")), template("b"));
    let reason = "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename t and update the stack again.";
    assert_eq!(lines(&outcome.events)[2], format!("Table UPDATE_FAILED {reason}"));
    assert_eq!(outcome.state.expect("exists").status, "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn a_failed_update_brings_everything_back() {
    let template = |version: &str, with_queue: bool| {
        let mut template = json!({"Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Description": version}},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {"TableName": version}},
            "Function": {"Type": "AWS::Lambda::Function", "DependsOn": ["Role", "Table", "Queue"], "Properties": {"Description": version}},
            "Queue": {"Type": "AWS::SQS::Queue"},
        }});
        if !with_queue {
            template["Resources"].as_object_mut().expect("object").remove("Queue");
            template["Resources"]["Function"]["DependsOn"] = json!(["Role", "Table"]);
        }
        template
    };
    let surroundings = Surroundings::new();
    let state = surroundings.create(template("1", false));
    let wanted = failing(request(OperationKind::Update, template("2", true)), "Function");
    let outcome = surroundings.run(Some(&state), &wanted).expect("accepted");
    assert_eq!(
        lines(&outcome.events)[10..],
        [
            "Function UPDATE_FAILED no capacity",
            "shop UPDATE_ROLLBACK_IN_PROGRESS The following resource(s) failed to update: [Function]. ",
            "Role UPDATE_IN_PROGRESS",
            "Role UPDATE_COMPLETE",
            "Table UPDATE_IN_PROGRESS",
            "Table UPDATE_COMPLETE",
            "Function UPDATE_COMPLETE",
            "shop UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "Table DELETE_IN_PROGRESS",
            "Queue DELETE_IN_PROGRESS",
            "Table DELETE_COMPLETE",
            "Queue DELETE_COMPLETE",
            "shop UPDATE_ROLLBACK_COMPLETE",
        ]
    );
    let back = outcome.state.expect("exists");
    assert_eq!(back.resources, state.resources);
    assert_eq!(back.template, state.template);
    assert_eq!(back.status, "UPDATE_ROLLBACK_COMPLETE");
    let again = update(&surroundings, &back, template("2", true)).state.expect("exists");
    assert_eq!(again.status, "UPDATE_COMPLETE");
}

#[test]
fn the_same_request_again_is_no_update() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(chain());
    let mut described = chain();
    described["Description"] = json!("now with words");
    for template in [chain(), described] {
        let refused = surroundings.run(Some(&state), &request(OperationKind::Update, template)).expect_err("refused");
        assert_eq!(refused, Refusal::NoUpdates);
        assert_eq!(refused.to_string(), "No updates are to be performed.");
    }
    let mut tagged = request(OperationKind::Update, chain());
    tagged.tags.insert("team".to_owned(), "a".to_owned());
    let outcome = surroundings.run(Some(&state), &tagged).expect("accepted");
    assert_eq!(lines(&outcome.events).len(), 3);
}

#[test]
fn mappings_and_conditions_cannot_be_updated_by_themselves() {
    let surroundings = Surroundings::new();
    let mut template = chain();
    template["Conditions"] = json!({"C": {"Fn::Equals": ["a", "a"]}});
    template["Resources"]["Topic"]["Condition"] = json!("C");
    let state = surroundings.create(template.clone());
    template["Mappings"] = json!({"M": {"a": {"b": "c"}}});
    let refused = surroundings.run(Some(&state), &request(OperationKind::Update, template.clone()));
    assert_eq!(refused.expect_err("refused"), Refusal::NoUpdates);
    template["Conditions"]["C"] = json!({"Fn::Equals": ["a", "b"]});
    let outcome = update(&surroundings, &state, template);
    assert_eq!(lines(&outcome.events)[2..4], ["Topic DELETE_IN_PROGRESS", "Topic DELETE_COMPLETE"]);
}

#[test]
fn policies_decide_what_becomes_of_a_resource() {
    let table = |key: &str| {
        json!({"Resources": {"T": {
            "Type": "AWS::DynamoDB::Table", "UpdateReplacePolicy": "Retain", "Properties": {"KeySchema": [key]},
        }}})
    };
    let surroundings = Surroundings::new();
    let outcome = update(&surroundings, &surroundings.create(table("a")), table("b"));
    assert_eq!(lines(&outcome.events)[5], "T DELETE_SKIPPED");

    for (policy, expected) in [("Retain", "Kept DELETE_SKIPPED"), ("RetainExceptOnCreate", "Kept DELETE_IN_PROGRESS")] {
        let template = json!({"Resources": {
            "Kept": {"Type": "AWS::SNS::Topic", "DeletionPolicy": policy},
            "Broken": {"Type": "AWS::SNS::Topic", "DependsOn": "Kept"},
        }});
        let wanted = failing(request(OperationKind::Create, template), "Broken");
        let outcome = surroundings.run(None, &wanted).expect("accepted");
        assert!(lines(&outcome.events).contains(&expected.to_owned()), "{policy}");
    }
}

#[test]
fn a_changed_import_is_an_update() {
    let template = bucket(json!({"Tags": {"Fn::ImportValue": "network:vpc"}}));
    let mut surroundings = Surroundings::new();
    let state = surroundings.create(template.clone());
    let again = request(OperationKind::Update, template);
    assert_eq!(surroundings.run(Some(&state), &again).expect_err("refused"), Refusal::NoUpdates);
    surroundings.exports.get_mut("network:vpc").expect("is there").value = "vpc-2".to_owned();
    let updated = surroundings.run(Some(&state), &again).expect("accepted").state.expect("exists");
    assert_eq!(updated.resources["Bucket"].properties["Tags"], json!("vpc-2"));
}

#[test]
fn the_same_token_again_is_the_same_operation() {
    let surroundings = Surroundings::new();
    let mut wanted = request(OperationKind::Create, chain());
    wanted.token = "t1".to_owned();
    let state = surroundings.run(None, &wanted).expect("accepted").state.expect("exists");
    let again = surroundings.run(Some(&state), &wanted).expect("accepted");
    assert_eq!((again.state, again.events.len()), (Some(state.clone()), 0));
    wanted.kind = OperationKind::Delete;
    assert_eq!(surroundings.run(Some(&state), &wanted).expect("accepted").state, None);
    wanted.kind = OperationKind::Create;
    wanted.token = "t2".to_owned();
    let refused = surroundings.run(Some(&state), &wanted).expect_err("refused");
    assert_eq!(
        (refused.code(), refused.to_string()),
        ("AlreadyExistsException", "Stack [shop] already exists".to_owned())
    );
}

#[test]
fn a_stack_that_does_not_exist_cannot_be_updated_and_need_not_be_deleted() {
    let surroundings = Surroundings::new();
    let refused = surroundings.run(None, &request(OperationKind::Update, chain())).expect_err("refused");
    assert_eq!(refused.to_string(), "Stack [shop] does not exist");
    let outcome = surroundings.run(None, &request(OperationKind::Delete, Value::Null)).expect("accepted");
    assert_eq!((outcome.state, outcome.events.len()), (None, 0));
}

#[test]
fn deletion_goes_backwards_and_skips_what_is_retained() {
    let surroundings = Surroundings::new();
    let mut template = chain();
    template["Resources"]["Role"]["DeletionPolicy"] = json!("Retain");
    let state = surroundings.create(template);
    let outcome = surroundings.run(Some(&state), &request(OperationKind::Delete, Value::Null)).expect("accepted");
    assert_eq!(
        lines(&outcome.events),
        [
            "shop DELETE_IN_PROGRESS User Initiated",
            "Topic DELETE_IN_PROGRESS",
            "Topic DELETE_COMPLETE",
            "Function DELETE_IN_PROGRESS",
            "Function DELETE_COMPLETE",
            "Role DELETE_SKIPPED",
            "shop DELETE_COMPLETE",
        ]
    );
    assert_eq!(outcome.state, None);
}

#[test]
fn a_resource_that_does_not_go_keeps_what_it_depends_on() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(chain());
    let delete = request(OperationKind::Delete, Value::Null);
    let outcome = surroundings.run(Some(&state), &failing(delete.clone(), "Function")).expect("accepted");
    assert_eq!(
        lines(&outcome.events)[3..],
        [
            "Function DELETE_IN_PROGRESS",
            "Function DELETE_FAILED no capacity",
            "shop DELETE_FAILED The following resource(s) failed to delete: [Function]. ",
        ]
    );
    let stuck = outcome.state.expect("exists");
    assert_eq!(stuck.resources.keys().collect::<Vec<_>>(), ["Function", "Role"]);
    assert_eq!(surroundings.run(Some(&stuck), &delete).expect("accepted").state, None);
}

#[test]
fn a_protected_stack_is_not_deleted() {
    let surroundings = Surroundings::new();
    let mut wanted = request(OperationKind::Create, chain());
    wanted.termination_protection = Some(true);
    let state = surroundings.run(None, &wanted).expect("accepted").state.expect("exists");
    let refused = surroundings.run(Some(&state), &request(OperationKind::Delete, Value::Null)).expect_err("refused");
    assert_eq!(refused.to_string(), "Stack [shop] cannot be deleted while TerminationProtection is enabled");
}

#[test]
fn exports_in_use_are_locked() {
    let exporting = |value: &str| {
        let mut template = chain();
        template["Outputs"] =
            json!({"Arn": {"Value": value, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:arn"}}}});
        template
    };
    let mut surroundings = Surroundings::new();
    let state = surroundings.create(exporting("1"));
    assert_eq!(state.exports, BTreeMap::from([("shop:arn".to_owned(), "1".to_owned())]));
    surroundings.imports.insert("shop:arn", vec!["app".to_owned()]);
    let refused = surroundings.run(Some(&state), &request(OperationKind::Delete, Value::Null)).expect_err("refused");
    assert_eq!(refused.to_string(), "Export shop:arn cannot be deleted as it is in use by app");
    for (template, verb) in [(chain(), "deleted"), (exporting("2"), "updated")] {
        let outcome = update(&surroundings, &state, template);
        let reason = format!("Export shop:arn cannot be {verb} as it is in use by app");
        assert!(lines(&outcome.events).contains(&format!("shop UPDATE_ROLLBACK_IN_PROGRESS {reason}")));
        let back = outcome.state.expect("exists");
        assert_eq!((back.exports, back.outputs), (state.exports.clone(), state.outputs.clone()));
    }
}

#[test]
fn an_export_of_another_stack_cannot_be_taken() {
    let mut template = chain();
    template["Outputs"] = json!({"Vpc": {"Value": "v", "Export": {"Name": "network:vpc"}}});
    let outcome = Surroundings::new().run(None, &request(OperationKind::Create, template)).expect("accepted");
    let reason = "Export with name network:vpc is already exported by stack network. Rollback requested by user.";
    assert!(lines(&outcome.events).contains(&format!("shop ROLLBACK_IN_PROGRESS {reason}")));
}

#[test]
fn a_missing_export_fails_the_stack_before_its_resources() {
    let template = bucket(json!({"Tags": {"Fn::ImportValue": "none"}}));
    let outcome = Surroundings::new().run(None, &request(OperationKind::Create, template)).expect("accepted");
    assert_eq!(
        lines(&outcome.events),
        [
            "shop CREATE_IN_PROGRESS User Initiated",
            "shop ROLLBACK_IN_PROGRESS No export named none found. Rollback requested by user.",
            "shop ROLLBACK_COMPLETE",
        ]
    );
}

#[test]
fn a_resource_cannot_change_its_type() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(bucket(json!({})));
    let other = json!({"Resources": {"Bucket": {"Type": "AWS::SQS::Queue"}}});
    let refused = surroundings.run(Some(&state), &request(OperationKind::Update, other)).expect_err("refused");
    assert_eq!(
        refused.to_string(),
        "Update of resource type is not permitted. The new template modifies resource type of the following resources: [Bucket]"
    );
}

/// Answers custom resources and writes down every call.
#[derive(Default)]
struct Recorder {
    calls: Vec<String>,
    id: Option<String>,
}

impl ResourceHooks for Recorder {
    fn created(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        self.calls.push(format!("created {}", resource.logical_id));
        let values = BTreeMap::from([("Answer".to_owned(), json!("42"))]);
        Ok(Attributes { physical_id: self.id.clone(), values })
    }

    fn updated(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        let before = resource.previous.map(|previous| previous.physical_id.as_str()).unwrap_or_default();
        self.calls.push(format!("updated {} from {before}", resource.logical_id));
        Ok(Attributes { physical_id: self.id.clone(), values: BTreeMap::new() })
    }

    fn deleted(&mut self, resource: &ResourceView<'_>) -> Result<(), String> {
        self.calls.push(format!("deleted {}", resource.physical_id));
        Ok(())
    }
}

#[test]
fn hooks_give_ids_and_attributes_and_a_new_id_is_a_replacement() {
    let template = |version: u32| {
        let token = "arn:aws:lambda:eu-west-1:000000000000:function:f";
        let properties = json!({"ServiceToken": token, "Version": version});
        let mut template = json!({"Resources": {"Own": {"Type": "Custom::Own", "Properties": properties}}});
        template["Outputs"] =
            json!({"Id": {"Value": {"Ref": "Own"}}, "Answer": {"Value": {"Fn::GetAtt": "Own.Answer"}}});
        template
    };
    let surroundings = Surroundings::new();
    let mut hooks = Recorder { id: Some("own-1".to_owned()), ..Recorder::default() };
    let create = request(OperationKind::Create, template(1));
    let state = surroundings.run_with(&mut hooks, None, &create).expect("accepted").state.expect("exists");
    let outputs: Vec<_> = state.outputs.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(outputs, ["own-1", "42"]);
    hooks.id = Some("own-2".to_owned());
    let change = request(OperationKind::Update, template(2));
    let state = surroundings.run_with(&mut hooks, Some(&state), &change).expect("accepted").state.expect("exists");
    assert_eq!(state.resources["Own"].physical_id, "own-2");
    assert_eq!(hooks.calls, ["created Own", "updated Own from own-1", "deleted own-1"]);
}

/// Refuses to delete anything, and to change anything back to version 1.
struct Stubborn;

impl ResourceHooks for Stubborn {
    fn updated(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        match resource.properties.get("Description") {
            Some(description) if description == "1" => Err("no way back".to_owned()),
            _ => Ok(Attributes::default()),
        }
    }

    fn deleted(&mut self, _: &ResourceView<'_>) -> Result<(), String> {
        Err("still in use".to_owned())
    }
}

#[test]
fn a_failed_way_back_leaves_the_stack_in_update_rollback_failed() {
    let template = |version: &str| {
        json!({"Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Description": version}},
            "Function": {"Type": "AWS::Lambda::Function", "DependsOn": "Role", "Properties": {"Description": version}},
        }})
    };
    let surroundings = Surroundings::new();
    let state = surroundings.create(template("1"));
    let wanted = failing(request(OperationKind::Update, template("2")), "Function");
    let outcome = surroundings.run_with(&mut Stubborn, Some(&state), &wanted).expect("accepted");
    let last = lines(&outcome.events).pop().expect("has events");
    assert_eq!(last, "shop UPDATE_ROLLBACK_FAILED The following resource(s) failed to update: [Role]. ");
    let stuck = outcome.state.expect("exists");
    let refused = surroundings.run(Some(&stuck), &request(OperationKind::Update, template("3"))).expect_err("refused");
    assert!(refused.to_string().ends_with("is in UPDATE_ROLLBACK_FAILED state and can not be updated."), "{refused}");
    let gone = surroundings.run(Some(&stuck), &request(OperationKind::Delete, Value::Null)).expect("accepted");
    assert_eq!(gone.state, None);
}

#[test]
fn what_cannot_be_cleaned_up_is_left_behind() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(chain());
    let mut template = chain();
    template["Resources"].as_object_mut().expect("object").remove("Topic");
    let wanted = request(OperationKind::Update, template);
    let outcome = surroundings.run_with(&mut Stubborn, Some(&state), &wanted).expect("accepted");
    assert_eq!(
        lines(&outcome.events)[2..],
        ["Topic DELETE_IN_PROGRESS", "Topic DELETE_FAILED still in use", "shop UPDATE_COMPLETE"]
    );
}

#[test]
fn a_state_can_be_stored_and_read_back() {
    let state = Surroundings::new().create(chain());
    let text = serde_json::to_string(&state).expect("states are JSON");
    assert_eq!(serde_json::from_str::<StackState>(&text).expect("reads back"), state);
}
