//! Stack policies, and roll-backs that fail.

use serde_json::json;

use super::*;

fn template(name: &str, delay: u32) -> Value {
    json!({"Resources": {
        "Database": {"Type": "AWS::RDS::DBInstance", "Properties": {"DBInstanceIdentifier": name, "AllocatedStorage": delay}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": delay}},
    }})
}

fn protected() -> StackState {
    let mut wanted = request(OperationKind::Create, template("a", 1));
    wanted.policy = Some(json!({"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": ["Update:Replace", "Update:Delete"], "Resource": "*",
            "Condition": {"StringEquals": {"ResourceType": ["AWS::RDS::DBInstance"]}}},
    ]}));
    Surroundings::new().run(None, &wanted).expect("accepted").state.expect("exists")
}

fn update(state: &StackState, template: Value) -> OperationOutcome {
    Surroundings::new().run(Some(state), &request(OperationKind::Update, template)).expect("accepted")
}

#[test]
fn a_policy_denies_what_it_names_and_what_nothing_allows() {
    let state = protected();
    assert_eq!(update(&state, template("a", 2)).state.expect("exists").status, "UPDATE_COMPLETE");
    let denied = update(&state, template("b", 1));
    let reason = "Database UPDATE_FAILED Action denied by stack policy: Statement [#2] does not allow [Update:Replace] for resource [LogicalResourceId/Database]";
    assert!(lines(&denied.events).contains(&reason.to_owned()), "{:?}", lines(&denied.events));
    assert_eq!(denied.state.expect("exists").status, "UPDATE_ROLLBACK_COMPLETE");
    let mut smaller = template("a", 2);
    smaller["Resources"].as_object_mut().expect("object").remove("Database");
    let kept = update(&state, smaller).state.expect("exists");
    assert_eq!(kept.status, "UPDATE_ROLLBACK_COMPLETE");
    assert!(kept.resources.contains_key("Database"));
    let mut only = request(OperationKind::Update, template("a", 2));
    only.policy = Some(
        json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "Update:*", "Resource": "LogicalResourceId/Qu*"}]}),
    );
    let outcome = Surroundings::new().run(Some(&state), &only).expect("accepted");
    assert!(lines(&outcome.events).iter().any(|line| line.contains("no statement allows [Update:Modify]")));
}

#[test]
fn drift_names_what_differs_and_not_the_values() {
    let state = Surroundings::new().create(template("a", 1));
    let changed: Changed = serde_json::from_value(json!({
        "Database": {"DBInstanceIdentifier": "secret", "AllocatedStorage": "1", "MultiAZ": true},
        "Queue": null, "Nobody": null,
    }))
    .expect("valid");
    let found = serde_json::to_value(drift(&state, &changed)).expect("serializes");
    assert_eq!(
        found,
        json!([
            {"logicalId": "Database", "status": "MODIFIED", "differences": [
                {"path": "/DBInstanceIdentifier", "kind": "NOT_EQUAL"}, {"path": "/MultiAZ", "kind": "ADD"},
            ]},
            {"logicalId": "Queue", "status": "DELETED", "differences": []},
        ])
    );
}

#[test]
fn what_is_no_policy_is_refused() {
    for (policy, part) in [
        (json!({}), "list of statements"),
        (json!({"Statement": [{"Effect": "Maybe"}]}), "/Statement/0/Effect"),
        (json!({"Statement": [{"Effect": "Deny", "Principal": "me"}]}), "/Statement/0/Principal"),
        (json!({"Statement": [{"Effect": "Deny", "Principal": "*", "Resource": "*"}]}), "Action or NotAction"),
    ] {
        let wanted = OperationRequest { policy: Some(policy), ..request(OperationKind::Create, template("a", 1)) };
        let refused = Surroundings::new().run(None, &wanted).expect_err("refused").to_string();
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn a_roll_back_that_fails_leaves_a_stack_that_can_only_be_deleted() {
    let surroundings = Surroundings::new();
    let state = surroundings.create(template("a", 1));
    let mut wanted = failing(request(OperationKind::Update, template("a", 2)), "Queue");
    wanted.rollback_failures.insert("Database".to_owned(), "storage cannot shrink".to_owned());
    let outcome = surroundings.run(Some(&state), &wanted).expect("accepted");
    let stuck = outcome.state.expect("exists");
    assert_eq!(stuck.status, "UPDATE_ROLLBACK_FAILED");
    let refused = surroundings.run(Some(&stuck), &request(OperationKind::Update, template("a", 3)));
    assert!(refused.expect_err("refused").to_string().contains("is in UPDATE_ROLLBACK_FAILED state"));
    let gone = surroundings.run(Some(&stuck), &request(OperationKind::Delete, Value::Null)).expect("accepted");
    assert!(gone.state.is_none());
    let mut wanted = failing(request(OperationKind::Create, template("a", 1)), "Queue");
    wanted.rollback_failures.insert("Database".to_owned(), "has a snapshot".to_owned());
    let state = surroundings.run(None, &wanted).expect("accepted").state.expect("exists");
    assert_eq!(state.status, "ROLLBACK_FAILED");
}

#[test]
fn a_change_set_says_what_is_replaced_and_what_nobody_knows() {
    let surroundings = Surroundings::new();
    let with = |name: &str, size: u32| {
        let mut template = template(name, size);
        template["Resources"]["Thing"] = json!({"Type": "Vendor::Some::Thing", "Properties": {"Size": size}});
        template
    };
    let state = surroundings.create(with("a", 1));
    let outcome = surroundings.run(Some(&state), &request(OperationKind::Update, with("b", 2))).expect("accepted");
    let said: Vec<_> = outcome
        .changes
        .iter()
        .map(|change| (change.logical_id.as_str(), change.action, change.replacement.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("Database", ChangeAction::Replace, "True"),
            ("Queue", ChangeAction::Modify, "False"),
            ("Thing", ChangeAction::Modify, "Conditional (unknown)"),
        ]
    );
}
