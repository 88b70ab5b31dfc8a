//! Nested stacks.

use std::time::Duration;

use serde_json::json;

use super::*;

fn surroundings() -> Surroundings {
    let mut surroundings = Surroundings::new();
    let child = json!({
        "Parameters": {"Name": {"Type": "String"}, "Zones": {"Type": "CommaDelimitedList", "Default": "none"}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}},
        "Outputs": {
            "Name": {"Value": {"Fn::GetAtt": "Queue.QueueName"}, "Export": {"Name": "child-queue"}},
            "Zones": {"Value": {"Fn::Join": ["+", {"Ref": "Zones"}]}},
        },
    });
    let mut slower = child.clone();
    slower["Resources"]["Queue"]["Properties"]["DelaySeconds"] = json!(5);
    let importer = json!({"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::ImportValue": "child-queue"}}}}});
    let endless = json!({"Resources": {"Again": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "endless"}}}});
    surroundings.templates.extend([("child", child), ("slower", slower), ("importer", importer), ("endless", endless)]);
    surroundings
}

fn nested(address: &str, name: &str) -> Value {
    json!({"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": address, "Parameters": {"Name": name, "Zones": ["a", "b"]}}})
}

fn parent(address: &str, name: &str) -> Value {
    json!({
        "Resources": {
            "Child": nested(address, name),
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Fn::GetAtt": ["Child", "Outputs.Name"]}}},
        },
        "Outputs": {"Zones": {"Value": {"Fn::GetAtt": "Child.Outputs.Zones"}}},
    })
}

fn child(state: &StackState) -> &StackState {
    state.resources["Child"].nested.as_deref().expect("is a stack")
}

/// As [`lines`], with `>` before the events of nested stacks, whose ids are cut.
fn family(events: &[StackEvent]) -> Vec<String> {
    let child = |event: &StackEvent| event.stack.as_str() != "shop";
    lines(events)
        .into_iter()
        .zip(events)
        .map(|(line, event)| {
            let line = match line.split_once(" arn:") {
                Some((before, after)) => format!("{before} …{}", after.split_once(' ').map_or("", |(_, rest)| rest)),
                None => line,
            };
            if !child(event) {
                return line;
            }
            format!("> {}", line.replace(event.stack.as_str(), "child"))
        })
        .collect()
}

#[test]
fn a_nested_stack_has_parameters_outputs_and_events_of_its_own() {
    let outcome = surroundings().run(None, &request(OperationKind::Create, parent("child", "q"))).expect("accepted");
    assert_eq!(
        family(&outcome.events),
        [
            "shop CREATE_IN_PROGRESS User Initiated",
            "Child CREATE_IN_PROGRESS",
            "Child CREATE_IN_PROGRESS Resource creation Initiated",
            "> child CREATE_IN_PROGRESS User Initiated",
            "> Queue CREATE_IN_PROGRESS",
            "> Queue CREATE_IN_PROGRESS Resource creation Initiated",
            "> Queue CREATE_COMPLETE",
            "> child CREATE_COMPLETE",
            "Child CREATE_COMPLETE",
            "Topic CREATE_IN_PROGRESS",
            "Topic CREATE_IN_PROGRESS Resource creation Initiated",
            "Topic CREATE_COMPLETE",
            "shop CREATE_COMPLETE",
        ]
    );
    let state = outcome.state.expect("exists");
    assert_eq!(state.resources["Topic"].properties["TopicName"], "q");
    assert_eq!(state.outputs, [("Zones".to_owned(), "a+b".to_owned())]);
    let child = child(&state);
    assert!(child.name.starts_with("shop-Child-"), "{}", child.name);
    assert_eq!(child.id, state.resources["Child"].physical_id);
    assert_eq!(state.nested().len(), 1);
    let changes: Vec<_> = outcome.changes.iter().map(|change| change.logical_id.as_str()).collect();
    assert_eq!(changes, ["Child", "Child.Queue", "Topic"]);
}

#[test]
fn a_failure_inside_rolls_all_of_it_back() {
    let wanted = failing(request(OperationKind::Create, parent("child", "q")), "Child.Queue");
    let outcome = surroundings().run(None, &wanted).expect("accepted");
    assert_eq!(
        family(&outcome.events),
        [
            "shop CREATE_IN_PROGRESS User Initiated",
            "Child CREATE_IN_PROGRESS",
            "Child CREATE_IN_PROGRESS Resource creation Initiated",
            "> child CREATE_IN_PROGRESS User Initiated",
            "> Queue CREATE_IN_PROGRESS",
            "> Queue CREATE_FAILED no capacity",
            "> child ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Queue]. Rollback requested by user.",
            "> Queue DELETE_COMPLETE",
            "> child ROLLBACK_COMPLETE",
            "Child CREATE_FAILED Embedded stack …was not successfully created: The following resource(s) failed to create: [Queue].",
            "shop ROLLBACK_IN_PROGRESS The following resource(s) failed to create: [Child]. Rollback requested by user.",
            "Child DELETE_IN_PROGRESS",
            "> child DELETE_IN_PROGRESS User Initiated",
            "> child DELETE_COMPLETE",
            "Child DELETE_COMPLETE",
            "shop ROLLBACK_COMPLETE",
        ]
    );
    assert!(outcome.state.expect("exists").resources.is_empty());
}

#[test]
fn an_update_reaches_the_nested_stack_and_no_change_does_not() {
    let surroundings = surroundings();
    let state = surroundings.create(parent("child", "q"));
    let update = |template: Value| request(OperationKind::Update, template);
    assert_eq!(surroundings.run(Some(&state), &update(parent("child", "q"))), Err(Refusal::NoUpdates));
    let outcome = surroundings.run(Some(&state), &update(parent("slower", "q"))).expect("accepted");
    let changed = outcome.state.expect("exists");
    assert_eq!(changed.status, "UPDATE_COMPLETE");
    assert_eq!(child(&changed).status, "UPDATE_COMPLETE");
    assert_eq!(child(&changed).resources["Queue"].properties["DelaySeconds"], 5);
    assert_eq!(child(&changed).id, child(&state).id);
    let mut newer = self::surroundings();
    let content = newer.templates["slower"].clone();
    newer.templates.insert("child", content);
    let outcome = newer.run(Some(&state), &update(parent("child", "q"))).expect("its template is another one");
    assert_eq!(child(&outcome.state.expect("exists")).status, "UPDATE_COMPLETE");
}

#[test]
fn an_update_that_fails_later_brings_the_nested_stack_back() {
    let surroundings = surroundings();
    let state = surroundings.create(parent("child", "q"));
    let wanted = failing(request(OperationKind::Update, parent("slower", "other")), "Topic");
    let outcome = surroundings.run(Some(&state), &wanted).expect("accepted");
    let back = outcome.state.expect("exists");
    assert_eq!(
        (back.status.as_str(), child(&back).status.as_str()),
        ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    );
    assert_eq!(child(&back).resources["Queue"].properties, child(&state).resources["Queue"].properties);
    assert!(family(&outcome.events).contains(&"> child UPDATE_ROLLBACK_IN_PROGRESS User Initiated".to_owned()));
    let inside = failing(request(OperationKind::Update, parent("slower", "q")), "Child.Queue");
    let outcome = surroundings.run(Some(&state), &inside).expect("accepted");
    let reason = "Child UPDATE_FAILED Embedded stack …was not successfully updated. Currently in UPDATE_ROLLBACK_IN_PROGRESS with reason: The following resource(s) failed to update: [Queue].";
    assert!(family(&outcome.events).contains(&reason.to_owned()), "{:#?}", family(&outcome.events));
    assert_eq!(child(&outcome.state.expect("exists")).status, "UPDATE_ROLLBACK_COMPLETE");
}

#[test]
fn deletion_takes_the_nested_stack_along_unless_it_is_retained() {
    let surroundings = surroundings();
    let state = surroundings.create(parent("child", "q"));
    let delete = request(OperationKind::Delete, Value::Null);
    let outcome = surroundings.run(Some(&state), &delete).expect("accepted");
    assert!(outcome.state.is_none() && outcome.retained.is_empty());
    assert!(family(&outcome.events).contains(&"> child DELETE_COMPLETE".to_owned()));
    let stuck = surroundings.run(Some(&state), &failing(delete.clone(), "Child.Queue")).expect("accepted");
    let stuck = stuck.state.expect("exists");
    assert_eq!((stuck.status.as_str(), child(&stuck).status.as_str()), ("DELETE_FAILED", "DELETE_FAILED"));
    let mut template = parent("child", "q");
    template["Resources"]["Child"]["DeletionPolicy"] = json!("Retain");
    let retained = surroundings.run(Some(&surroundings.create(template)), &delete).expect("accepted").retained;
    assert_eq!(retained.len(), 1);
}

#[test]
fn siblings_see_each_others_exports() {
    let mut template = json!({"Resources": {"Child": nested("child", "q"), "Other": nested("importer", "q")}});
    template["Resources"]["Other"]["Properties"].as_object_mut().expect("object").remove("Parameters");
    template["Resources"]["Other"]["DependsOn"] = json!("Child");
    let state = surroundings().create(template);
    let other = state.resources["Other"].nested.as_deref().expect("is a stack");
    assert_eq!(other.resources["Topic"].properties["TopicName"], "q");
}

#[test]
fn templates_that_are_not_here_are_refused_and_endless_ones_end() {
    let refused = surroundings().refusal(parent("https://example.com/x.yaml", "q"));
    for part in ["stack shop", "nested stack Child", "/Resources/Child/Properties/TemplateURL", "put it there"] {
        assert!(refused.contains(part), "{refused}");
    }
    let without = json!({"Resources": {"Child": {"Type": "AWS::CloudFormation::Stack"}}});
    assert!(surroundings().refusal(without).contains("required key [TemplateURL] not found"));
    let mut unknown = parent("child", "q");
    unknown["Outputs"]["Zones"]["Value"] = json!({"Fn::GetAtt": "Child.Outputs.Missing"});
    let outcome = surroundings().run(None, &request(OperationKind::Create, unknown)).expect("accepted");
    let reason = outcome.state.expect("exists").status_reason.unwrap_or_default();
    assert!(reason.contains("output 'Missing' not found in the nested stack Child"), "{reason}");
    let endless = request(OperationKind::Create, json!({"Resources": {"Child": nested("endless", "q")}}));
    let outcome = surroundings().run(None, &endless);
    assert_eq!(outcome.expect("accepted").state.expect("exists").status, "ROLLBACK_COMPLETE");
}

#[test]
fn slow_resources_take_their_time() {
    let mut wanted = request(OperationKind::Create, parent("child", "q"));
    wanted.delays.insert("Child.Queue".to_owned(), Duration::from_secs(30));
    wanted.delays.insert("Topic".to_owned(), Duration::from_secs(5));
    let outcome = surroundings().run(None, &wanted).expect("accepted");
    assert_eq!(outcome.duration, Duration::from_secs(35));
    let (first, last) = (outcome.events.first().expect("some"), outcome.events.last().expect("some"));
    assert_eq!(last.time.as_ms() - first.time.as_ms(), 35_000);
}
