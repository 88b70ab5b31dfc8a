//! `AWS::LanguageExtensions`.

use serde_json::json;

use super::*;

fn extended(mut template: Value) -> Value {
    template["Transform"] = json!("AWS::LanguageExtensions");
    template
}

fn looped(collection: Value, fragment: Value) -> Value {
    extended(json!({"Resources": {"Fn::ForEach::Loop": ["Name", collection, fragment]}}))
}

fn topic(name: Value) -> Value {
    json!({"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}})
}

fn ids(state: &StackState) -> Vec<&str> {
    state.resources.keys().map(String::as_str).collect()
}

#[test]
fn a_loop_makes_a_resource_for_each_value() {
    let fragment = json!({"Topic${Name}": topic(json!({"Fn::Sub": "${Name}.fifo"})), "Queue${Name}": {
        "Type": "AWS::SQS::Queue", "DependsOn": "Topic${Name}", "Properties": {"QueueName": {"Ref": "Name"}},
    }});
    let state = Surroundings::new().create(looped(json!(["A", "B"]), fragment));
    assert_eq!(ids(&state), ["QueueA", "QueueB", "TopicA", "TopicB"]);
    assert_eq!(state.resources["TopicB"].properties["TopicName"], "B.fifo");
    assert_eq!(state.resources["QueueA"].properties["QueueName"], "A");
    assert!(state.resources["QueueA"].depends_on.contains("TopicA"));
}

#[test]
fn values_that_are_no_names_need_the_ampersand_in_keys() {
    let refused = Surroundings::new().refusal(looped(json!(["a-b"]), json!({"T${Name}": topic(json!("x"))})));
    assert!(refused.contains("OutputKey 'Ta-b' should be alphanumeric (at /Resources/Fn::ForEach::Loop)"), "{refused}");
    let state =
        Surroundings::new().create(looped(json!(["10.0.2.1"]), json!({"T&{Name}": topic(json!({"Ref": "Name"}))})));
    assert_eq!(ids(&state), ["T10021"]);
    assert_eq!(state.resources["T10021"].properties["TopicName"], "10.0.2.1");
}

#[test]
fn loops_nest_and_stand_in_conditions_outputs_and_properties() {
    let template = extended(json!({
        "Parameters": {"Zones": {"Type": "CommaDelimitedList", "Default": "A,B"}, "OnA": {"Type": "String", "Default": "yes"},
            "OnB": {"Type": "String", "Default": "no"}},
        "Mappings": {"Props": {"Queue": {"DelaySeconds": "5"}}},
        "Conditions": {"Fn::ForEach::On": ["Zone", {"Ref": "Zones"},
            {"Is${Zone}": {"Fn::Equals": [{"Ref": {"Fn::Sub": "On${Zone}"}}, "yes"]}}]},
        "Resources": {"Fn::ForEach::Outer": ["Kind", ["Fast", "Slow"], {"Fn::ForEach::Inner": ["Zone", {"Ref": "Zones"}, {
            "${Kind}${Zone}": {"Type": "AWS::SQS::Queue", "Condition": "Is${Zone}", "Properties": {
                "Fn::ForEach::Properties": ["Property", ["DelaySeconds", "Missing"], {"${Property}":
                    {"Fn::FindInMap": ["Props", "Queue", {"Ref": "Property"}, {"DefaultValue": {"Ref": "AWS::NoValue"}}]}}],
                "QueueName": {"Fn::Sub": "${Kind}-${Zone}"}}},
        }]}]},
        "Outputs": {"Fn::ForEach::Names": ["Kind", ["Fast", "Slow"], {"${Kind}Name":
            {"Condition": "IsA", "Value": {"Fn::GetAtt": [{"Fn::Sub": "${Kind}A"}, "QueueName"]}}}]},
    }));
    let state = Surroundings::new().create(template);
    assert_eq!(ids(&state), ["FastA", "SlowA"]);
    let properties = Value::Object(state.resources["FastA"].properties.clone());
    assert_eq!(properties, json!({"DelaySeconds": "5", "QueueName": "Fast-A"}));
    let outputs: Vec<_> = state.outputs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(outputs, [("FastName", "Fast-A"), ("SlowName", "Slow-A")]);
}

#[test]
fn what_a_loop_may_not_do_is_refused_with_its_place() {
    let good = json!({"T${Name}": topic(json!("x"))});
    let with = |sections: Value| {
        let mut template = looped(json!(["A"]), good.clone());
        for (section, entries) in sections.as_object().cloned().unwrap_or_default() {
            for (key, entry) in entries.as_object().cloned().unwrap_or_default() {
                template[&section][&key] = entry;
            }
        }
        template
    };
    let cases = [
        (extended(json!({"Resources": {"Fn::ForEach::L": ["Name", ["A"]]}})), "layout is incorrect"),
        (extended(json!({"Resources": {"Fn::ForEach": ["Name", ["A"], good]}})), "a loop needs a name"),
        (
            extended(json!({"Resources": {"Fn::ForEach::a-b": ["Name", ["A"], good]}})),
            "name of a loop must be alphanumeric",
        ),
        (looped(json!("A"), good.clone()), "must be a list of strings (at /Resources/Fn::ForEach::Loop/1)"),
        (looped(json!([["A"]]), good.clone()), "must be a list of strings"),
        (looped(json!(["A", "A"]), good.clone()), "OutputKey 'TA' is there more than once"),
        (
            looped(json!(["A"]), json!({"Topic": topic(json!("x"))})),
            "OutputKey 'Topic' must contain ${Name} or &{Name}",
        ),
        (with(json!({"Resources": {"TA": topic(json!("x"))}})), "OutputKey 'TA' is there more than once"),
        (with(json!({"Resources": {"Loop": topic(json!("x"))}})), "the loop has the name of a resource, Loop"),
        (
            with(json!({"Parameters": {"Name": {"Type": "String", "Default": ""}}})),
            "identifier has the name of a parameter",
        ),
        (
            with(json!({"Outputs": {"Fn::ForEach::Loop": ["X", ["A"], {"O${X}": {"Value": "x"}}]}})),
            "more than one loop Loop",
        ),
        (
            with(json!({"Mappings": {"Fn::ForEach::M": ["X", ["A"], {"O${X}": {}}]}})),
            "Fn::ForEach cannot be used in Mappings",
        ),
        (looped(json!(["A"]), json!({"Fn::ForEach::In": ["Name", ["B"], good]})), "is that of an outer loop"),
        (looped(json!([{"Ref": "Other"}]), good.clone()), "the collection of Fn::ForEach is not known"),
        (
            json!({"Resources": {"Fn::ForEach::L": ["Name", ["A"], good]}}),
            "needs the transform AWS::LanguageExtensions",
        ),
    ];
    for (template, part) in cases {
        let refused = Surroundings::new().refusal(template.clone());
        assert!(refused.contains(part), "{template}\n{refused}");
    }
}

#[test]
fn a_secret_cannot_be_looped_over() {
    let mut template = looped(json!({"Ref": "Secret"}), json!({"T${Name}": topic(json!("x"))}));
    template["Parameters"] = json!({"Secret": {"Type": "CommaDelimitedList", "NoEcho": true, "Default": "a,b"}});
    assert!(Surroundings::new().refusal(template).contains("the parameter Secret, which is NoEcho"));
}

#[test]
fn loops_are_nested_five_deep_at_most_and_cannot_fill_the_memory() {
    let nested = |depth: usize, values: &Value| {
        let keys: String = (0..depth).map(|level| format!("${{L{level}}}")).collect();
        (0..depth).rev().fold(
            json!({ keys: topic(json!({"Ref": "AWS::NoValue"})) }),
            |inner, level| json!({ format!("Fn::ForEach::Loop{level}"): [format!("L{level}"), values, inner] }),
        )
    };
    let state = Surroundings::new().create(extended(json!({"Resources": nested(6, &json!(["a"]))})));
    assert_eq!(ids(&state), ["aaaaaa"]);
    let refused = Surroundings::new().refusal(extended(json!({"Resources": nested(7, &json!(["a"]))})));
    assert!(refused.contains("nested more than 5 deep"), "{refused}");
    let many: Vec<String> = (0..1_000).map(|number| format!("{number:03}")).collect();
    let refused = Surroundings::new().refusal(extended(json!({"Resources": nested(6, &json!(many))})));
    assert!(refused.contains("the loops produce more than"), "{refused}");
}

#[test]
fn policies_can_depend_on_parameters_and_conditions() {
    let template = |transform: bool| {
        let plain = json!({
            "Parameters": {"Stage": {"Type": "String", "Default": "prod"}},
            "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}},
            "Resources": {"T": {"Type": "AWS::SNS::Topic", "DeletionPolicy": {"Fn::If": ["IsProd", "Retain", "Delete"]},
                "UpdateReplacePolicy": {"Fn::Sub": "Retain"}}},
        });
        if transform { extended(plain) } else { plain }
    };
    let state = Surroundings::new().create(template(true));
    let resource = &state.resources["T"];
    assert_eq!((resource.deletion_policy, resource.update_replace_policy), (Policy::Retain, Policy::Retain));
    let refused = Surroundings::new().refusal(template(false));
    assert!(refused.contains("a function in DeletionPolicy of resource T needs the transform"), "{refused}");
}

#[test]
fn maps_and_lengths_are_known_before_resources_are() {
    let mappings = json!({"Transform": "AWS::LanguageExtensions", "Mappings": {"M": {"a": {"b": "found"}}}});
    let select = json!({"Fn::FindInMap": ["M", {"Fn::Select": [0, {"Fn::Split": [".", "a.b"]}]}, "b"]});
    assert_eq!(output_with(mappings.clone(), select.clone()), "found");
    let resource = json!({"Fn::FindInMap": ["M", {"Ref": "Topic"}, "b", {"DefaultValue": "d"}]});
    let refused = Surroundings::new().refusal(template_with(mappings.clone(), resource));
    assert!(refused.contains("Fn::FindInMap cannot depend on the resource Topic"), "{refused}");
    let length = json!({"Fn::Length": {"Fn::Split": [":", {"Ref": "Topic"}]}});
    let refused = Surroundings::new().refusal(template_with(mappings, length));
    assert!(refused.contains("Fn::Length cannot depend on the resource Topic, whose values"), "{refused}");
    let plain = json!({"Mappings": {"M": {"a": {"b": "found"}}}});
    let refused = Surroundings::new().refusal(template_with(plain, select));
    assert!(refused.contains("need the transform AWS::LanguageExtensions"), "{refused}");
}
