//! What each step type becomes.

use super::*;

fn machine(steps: Value) -> Value {
    let start = steps.as_object().unwrap().keys().next().unwrap().clone();
    json!({"StartAt": start, "States": steps})
}

fn one(step: Value) -> Value {
    states(machine(json!({"X": step})))
}

fn errors(state: &Value) -> Vec<&str> {
    state["Retry"].as_array().unwrap().iter().map(|retrier| retrier["ErrorEquals"][0].as_str().unwrap()).collect()
}

#[test]
fn plan_case_18_links_lead_to_the_packaging() {
    let found = states(machine(json!({
        "C": {"Type": "Choice", "Default": "S", "Choices": [{"Variable": "$.a", "IsPresent": true, "Next": "S"}]},
        "T": {"Type": "Task", "Resource": "r", "End": true, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}]},
        "S": sam(),
    })));
    assert_eq!(found["C"]["Choices"][0]["Next"], "SPackageSam");
    assert_eq!(found["C"]["Default"], "SPackageSam");
    assert_eq!(found["T"]["Catch"][0]["Next"], "SPackageSam");
    assert_eq!(found["SPackageSam"]["Next"], "S");
}

#[test]
fn plan_case_19_and_20_nested_scopes_start_at_the_packaging() {
    let scope = json!({"StartAt": "S", "States": {"S": sam()}});
    let found = one(json!({"Type": "Map", "Iterator": scope, "End": true}));
    assert_eq!(found["X"]["Iterator"]["StartAt"], "SPackageSam");
    let found = one(json!({"Type": "Parallel", "Branches": [scope], "End": true}));
    assert_eq!(found["X"]["Branches"][0]["StartAt"], "SPackageSam");
}

#[test]
fn plan_case_22_fields_of_the_user() {
    let step = json!({
        "Type": "AttiniCfn", "Properties": {"StackName": "x"}, "ResultPath": "$.x", "Comment": "c",
        "TimeoutSeconds": 60, "Catch": [{"ErrorEquals": ["E"], "Next": "N"}], "Next": "N", "End": true,
    });
    let found = states(machine(json!({"X": step, "N": {"Type": "Succeed"}})));
    assert_eq!(found["X"]["ResultPath"], "$.output.X");
    assert_eq!((&found["X"]["Comment"], &found["X"]["TimeoutSeconds"]), (&json!("c"), &json!(60)));
    assert_eq!(found["X"]["Catch"][0]["Next"], "N");
    assert_eq!((&found["X"]["Next"], found["X"].get("End")), (&json!("N"), None));
}

#[test]
fn plan_case_23_retriers_of_the_user_come_last() {
    let step = |retry: Value| json!({"Type": "AttiniCfn", "Properties": {"StackName": "x"}, "Retry": retry});
    let found = one(step(json!([{"ErrorEquals": ["X"]}])));
    assert_eq!(errors(&found["X"]), ["IsExecuting", "RollBackCompleteState", "Lambda.TooManyRequestsException", "X"]);
    let found = one(step(json!([{"ErrorEquals": ["Lambda.TooManyRequestsException", "IsExecuting"]}])));
    assert_eq!(
        errors(&found["X"]),
        ["RollBackCompleteState", "Lambda.ServiceException", "Lambda.TooManyRequestsException"]
    );
    // Case 109 of the corpus: an empty list names no error, so nothing is taken out.
    let untouched = one(json!({"Type": "AttiniCfn", "Properties": {"StackName": "x"}}));
    assert_eq!(one(step(json!([])))["X"]["Retry"], untouched["X"]["Retry"]);
    let off = one(step(json!([{"ErrorEquals": ["RollBackCompleteState"], "MaxAttempts": 0}])));
    assert_eq!(errors(&off["X"]), ["IsExecuting", "Lambda.TooManyRequestsException", "RollBackCompleteState"]);
}

#[test]
fn plan_case_24_a_stack_needs_a_name() {
    let step = |properties: Value| json!({"X": {"Type": "AttiniCfn", "Properties": properties, "End": true}});
    refused(machine(step(json!({}))), &["step X", "StackName or ConfigFile"]);
    for key in ["StackName.$", "ConfigFile", "ConfigFile.$"] {
        states(machine(step(json!({(key): "$.a"}))));
    }
}

#[test]
fn plan_case_25_names_in_result_paths() {
    let step = json!({"Type": "AttiniManualApproval", "End": true});
    let path = |name: &str| states(machine(json!({(name): step.clone()})))[name]["ResultPath"].clone();
    assert_eq!(path("Deploy Stack"), "$['output']['Deploy Stack']");
    assert_eq!(path("Deploy-Stack_1"), "$.output.Deploy-Stack_1");
    assert_eq!(path("Bob's \\"), "$['output']['Bob\\'s \\\\']");
}

#[test]
fn a_read_path_in_dot_form_is_rewritten_for_names_that_need_brackets() {
    let job = |key: &str, path: &str| {
        json!({
            "Name": "Job", "Type": "AttiniRunnerJob",
            "Properties": {"Commands": ["make"], "Environment": {(key): path}},
        })
    };
    let read = |path: &str| {
        let states = states(json!([cfn("Deploy Stack"), cfn("a.b"), cfn("a"), job("E.$", path)]));
        states["Job"]["Parameters"]["Payload"]["Properties"]["Environment"]["E.$"].as_str().unwrap().to_owned()
    };
    assert_eq!(read("$.output.Deploy Stack.Url"), "$['output']['Deploy Stack'].Url");
    assert_eq!(read("$.output.Deploy Stack"), "$['output']['Deploy Stack']");
    assert_eq!(read("$.output.Deploy Stacks.Url"), "$.output.Deploy Stacks.Url");
    assert_eq!(read("$.output.a.b"), "$.output.a.b", "the plain reading is possible too");
    assert_eq!(
        read("States.Format('{} $.output.Deploy Stack', $.output.Deploy Stack.Url, $.x)"),
        "States.Format('{} $.output.Deploy Stack', $['output']['Deploy Stack'].Url, $.x)"
    );
    let states = states(json!([
        cfn("My Db"),
        {"Name": "C", "Type": "Choice", "Condition": {"Variable": "$.output.My Db.X", "IsPresent": true}, "IsTrue": []},
    ]));
    assert_eq!(states["C"]["Choices"][0]["Variable"], "$['output']['My Db'].X");
}

#[test]
fn plan_case_26_what_a_sam_step_needs() {
    let step = |change: Value| {
        let mut step = sam();
        step["Properties"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        machine(json!({"X": step}))
    };
    refused(step(json!({"Project": null})), &["step X", "Project is missing"]);
    refused(step(json!({"Project": {}})), &["step X", "Project.Path is missing"]);
    let region = step(json!({"Region": "us-east-1"}));
    refused(region.clone(), &["step X", "Region"]);
    assert_eq!(check(&template(region)), [], "the region is not known when a template is only checked");
    states(step(json!({"Region": "eu-west-1"})));
}

#[test]
fn plan_case_27_the_path_of_a_cdk_project() {
    let path = |properties: Value| {
        one(json!({"Type": "AttiniCdk", "Properties": properties}))["X"]["Parameters"]["Payload"]["Properties"]["Path"]
            .clone()
    };
    assert_eq!(path(json!({})), "./");
    assert_eq!(path(Value::Null), "./");
    for (given, expected) in [("", "./"), ("/x", "./x"), (".", "."), ("x", "x")] {
        assert_eq!(path(json!({"Path": given})), expected, "{given}");
    }
    refused(machine(json!({"X": {"Type": "AttiniCdk", "Properties": {"Path": ["x"]}}})), &["step X", "Path"]);
}

#[test]
fn plan_case_28_the_diff_of_a_cdk_project() {
    let step = |diff: Value| json!({"Type": "AttiniCdk", "Properties": {"Path": "/cdk", "Diff": diff}, "Next": "N"});
    let plan = |diff: Value| machine(json!({"Cdk": step(diff), "N": {"Type": "Succeed"}}));
    refused(plan(json!(true)), &["step Cdk", "Diff must be an object"]);
    refused(plan(json!({})), &["step Cdk", "Diff.Enabled is missing"]);
    let found = states(plan(json!({"Enabled": false})));
    assert_eq!(found.as_object().unwrap().len(), 3);
    let found = states(plan(json!({"Enabled": true})));
    assert_eq!(found["AttiniPrepareDeployment"]["Next"], "CdkCdkDiff");
    assert_eq!(found["CdkCdkDiff"]["Next"], "CdkApproveChanges?");
    let choice = &found["CdkApproveChanges?"];
    assert_eq!((&choice["Choices"][0]["Next"], &choice["Default"]), (&json!("CdkApproveChanges"), &json!("Cdk")));
    assert_eq!(found["CdkApproveChanges"]["Next"], "Cdk");
    assert_eq!(found["Cdk"]["Next"], "N");
    for name in ["Cdk", "CdkCdkDiff"] {
        let properties = &found[name]["Parameters"]["Payload"]["Properties"];
        assert_eq!((&properties["Path"], &properties["Runner"]), (&json!("./cdk"), &json!("AttiniDefaultRunner")));
    }
}

#[test]
fn plan_case_29_what_a_runner_job_needs() {
    refused(machine(json!({"X": {"Type": "AttiniRunnerJob"}})), &["step X", "Properties is missing"]);
    let step = json!({"Type": "AttiniRunnerJob", "Properties": {"Commands": ["a"], "Runner.$": "$.r"}});
    let resources = resources(template(machine(json!({"X": step}))));
    let state = &resources[MACHINE]["Properties"]["Definition"]["States"]["X"];
    assert_eq!(state["Parameters"]["Payload"]["Properties"].get("Runner"), None);
    assert_eq!(resources.get("AttiniRunnerQueueAttiniDefaultRunner"), None);
}

#[test]
fn plan_case_33_the_call_of_a_function() {
    let step = |parameters: Value| json!({"Type": "AttiniLambdaInvoke", "Parameters": parameters});
    let found = one(step(json!({"FunctionName": "f"})));
    assert_eq!(found["X"]["Parameters"], json!({"FunctionName": "f", "Payload.$": "$"}));
    assert_eq!(found["X"]["ResultSelector"], json!({"result.$": "$.Payload"}));
    for given in [json!({"FunctionName": "f", "Payload": {"a": 1}}), json!({"FunctionName": "f", "Payload.$": "$.a"})] {
        assert_eq!(one(step(given.clone()))["X"]["Parameters"], given);
    }
    refused(machine(json!({"X": {"Type": "AttiniLambdaInvoke"}})), &["step X", "Parameters"]);
}

#[test]
fn plan_case_34_what_an_import_needs() {
    let whole = json!({"SourceType": "S3", "Source": {"Bucket": "b", "Key": "k"}, "Mapping": {"a": "$.a"}});
    for key in ["SourceType", "Source", "Mapping"] {
        let mut properties = whole.clone();
        properties.as_object_mut().unwrap().remove(key);
        let step = json!({"X": {"Type": "AttiniImport", "Properties": properties.clone()}});
        refused(machine(step), &["step X", &format!("{key} is missing")]);
        properties[format!("{key}.$")] = json!("$.a");
        one(json!({"Type": "AttiniImport", "Properties": properties}));
    }
}

#[test]
fn plan_case_35_a_merge_becomes_the_whole_payload() {
    let found = one(json!({"Type": "AttiniMergeOutput", "ResultPath": "$.x", "Comment": "c"}));
    assert_eq!(found["X"]["OutputPath"], "$.Payload");
    assert_eq!(found["X"].get("ResultPath"), None);
    assert_eq!(found["X"]["Parameters"]["Payload"]["InputsToMerge.$"], "$");
    assert_eq!(found["X"]["Comment"], "c");
}

#[test]
fn plan_case_36_a_map_over_configuration_files() {
    let inner = json!({"StartAt": "S", "States": {"S": {"Type": "AttiniCfn", "End": true}}});
    let step = json!({
        "Type": "AttiniMap", "ItemsPath": "$.customData.files", "MaxConcurrency": 2,
        "Parameters": {"mine": 1}, "Iterator": inner, "End": true,
    });
    let found = one(step);
    let map = &found["X"];
    assert_eq!((&map["Type"], &map["InputPath"], &map["MaxConcurrency"]), (&json!("Map"), &json!("$"), &json!(2)));
    let mut keys: Vec<&String> = map["Parameters"].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "ConfigFile.$",
            "customData.$",
            "dependencies.$",
            "deploymentOriginData.$",
            "environment.$",
            "output.$",
            "stackParameters.$"
        ]
    );
    let properties = &map["Iterator"]["States"]["S"]["Parameters"]["Payload"]["Properties"];
    assert_eq!(*properties, json!({"ConfigFile.$": "$.ConfigFile"}));
}

#[test]
fn plan_case_37_both_names_of_an_iterator() {
    let inner = json!({"StartAt": "S", "States": {"S": {"Type": "Pass", "End": true}}});
    let found = one(json!({"Type": "Map", "ItemProcessor": inner, "End": true}));
    assert_eq!(found["X"]["ItemProcessor"]["StartAt"], "S");
    refused(machine(json!({"X": {"Type": "Map", "End": true}})), &["step X", "Iterator"]);
    let found = one(json!({"Type": "AttiniMap", "ItemProcessor": inner, "Parameters": {}, "End": true}));
    assert_eq!(found["X"]["ItemSelector"]["ConfigFile.$"], "$$.Map.Item.Value");
    assert_eq!(found["X"].get("Parameters"), None);
}

#[test]
fn unknown_properties_of_steps_are_handed_on_as_the_original_did() {
    let found = one(json!({"Type": "AttiniRunnerJob", "Properties": {"Commands": ["a"], "Owner": "b"}, "End": true}));
    assert_eq!(found["X"]["Parameters"]["Payload"]["Properties"]["Owner"], "b");
}

#[test]
fn misspelt_words_get_a_suggestion() {
    let step = json!({"Type": "AttiniCfn", "Properties": {"StackNane": "a", "ConfigFile": "/c"}, "End": true});
    warned(machine(json!({"X": step})), &["unknown property StackNane", "did you mean StackName?"]);
    refused(machine(json!({"X": {"Type": "AttinCfn"}})), &["unknown Type AttinCfn", "did you mean AttiniCfn?"]);
    let job = json!({"Type": "AttiniRunnerJob", "Properties": {"Commands": ["a"], "runner": "Linux"}});
    warned(machine(json!({"X": job})), &["did you mean Runner?"]);
}

#[test]
fn a_secret_parameter_cannot_be_read_in_any_spelling() {
    for path in [
        "$.stackParameters.Pin",
        "$['stackParameters']['Pin']",
        "$.stackParameters['Pin']",
        "States.Format('{}', $.stackParameters.Pin)",
    ] {
        let step = json!({"Type": "Pass", "Parameters": {"p.$": path}, "End": true});
        let mut template = template(machine(json!({"X": step})));
        template["Parameters"] = json!({"Pin": {"Type": "String", "NoEcho": true}, "PinCode": {"Type": "String"}});
        assert!(message(template.clone()).contains("NoEcho"), "{path}");
        let near = path.replace("Pin", "PinCode");
        template["Resources"]["Plan"]["Properties"]["DeploymentPlan"]["States"]["X"]["Parameters"]["p.$"] = json!(near);
        resources(template);
    }
}
