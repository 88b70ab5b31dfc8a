use std::collections::BTreeMap;

use serde_json::json;

use super::objects::{self, ObjectRequest, Objects};
use super::*;

/// A world with objects; other tasks are answered as [`Echo`] does.
#[derive(Default)]
struct Store(BTreeMap<String, String>);

impl Objects for Store {
    fn get(&self, bucket: &str, key: &str) -> Option<String> {
        self.0.get(&format!("{bucket}/{key}")).cloned()
    }

    fn list(&self, bucket: &str, prefix: &str) -> Vec<(String, u64)> {
        let start = format!("{bucket}/{prefix}");
        let found = self.0.iter().filter(|(path, _)| path.starts_with(&start));
        found.map(|(path, body)| (path[bucket.len() + 1..].to_owned(), body.len() as u64)).collect()
    }

    fn put(&mut self, bucket: &str, key: &str, body: String) {
        self.0.insert(format!("{bucket}/{key}"), body);
    }
}

impl Mocks for Store {
    fn answer(&mut self, effect: &EffectId, task: &TaskRequest) -> Answer {
        match ObjectRequest::of(task) {
            Some(request) => Answer::of(objects::answer(request, self)),
            None => Echo.answer(effect, task),
        }
    }
}

fn map(extra: &Value) -> Value {
    map_of(json!({"Type": "Pass", "End": true}), extra)
}

fn map_of(state: impl Into<Value>, extra: &Value) -> Value {
    let mut map = json!({"Type": "Map", "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "P", "States": {"P": state.into()}
    }});
    map.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    only(map)
}

fn run_in(store: &mut Store, machine: &Value, input: Value) -> SimulationResult {
    simulate(definition(machine), context(input), store, NOW)
}

fn reader(config: &Value, objects: &[(&str, &str)]) -> Option<Outcome> {
    let action = if config["List"] == true { "listObjectsV2" } else { "getObject" };
    let machine = map(&json!({"ItemReader": {
        "Resource": format!("arn:aws:states:::s3:{action}"), "ReaderConfig": config,
        "Parameters": {"Bucket": "b", "Key.$": "$.key", "Prefix": "in/"}
    }}));
    let mut store = Store(objects.iter().map(|(key, body)| (format!("b/{key}"), (*body).to_owned())).collect());
    run_in(&mut store, &machine, json!({"key": objects[0].0, "most": 1, "none": "x"})).outcome
}

#[track_caller]
fn reads(config: &Value, objects: &[(&str, &str)], expected: &Value) {
    assert_eq!(reader(config, objects), Some(Outcome::Succeeded { output: expected.clone() }));
}

#[track_caller]
fn reads_nothing(config: &Value, objects: &[(&str, &str)], part_of_cause: &str) {
    match reader(config, objects) {
        Some(Outcome::Failed { error: Some(error), cause: Some(cause) }) => {
            assert_eq!(error, "States.ItemReaderFailed");
            assert!(cause.contains(part_of_cause), "{cause}");
        }
        other => panic!("{other:?}"),
    }
}

fn kinds(result: &SimulationResult) -> Vec<&str> {
    result.events.iter().map(|event| event.kind.as_str()).collect()
}

#[test]
fn items_come_from_json() {
    let json = json!({"InputType": "JSON"});
    reads(&json, &[("f", "[1, {\"a\": 2}]")], &json!([1, {"a": 2}]));
    reads(&json!({"InputType": "JSON", "ItemsPointer": "/x/y"}), &[("f", "{\"x\": {\"y\": [1]}}")], &json!([1]));
    reads_nothing(&json, &[("f", "{}")], "Attempting to map over non-iterable node.");
    reads_nothing(&json, &[("f", "[1")], "the object is not JSON");
    reads(&json!({"InputType": "JSONL"}), &[("f", "{\"a\": 1}\n\n2\n")], &json!([{"a": 1}, 2]));
    reads_nothing(&json!({"InputType": "JSONL"}), &[("f", "1\n{")], "line 2 is not JSON");
}

#[test]
fn items_come_from_csv() {
    let first = json!({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"});
    reads(&first, &[("f", "a,b\n1,\"x,y\"\n2\n")], &json!([{"a": "1", "b": "x,y"}, {"a": "2", "b": ""}]));
    let given = json!({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a"], "CSVDelimiter": "PIPE"});
    reads(&given, &[("f", "1|2\n3\n")], &json!([{"a": "1"}, {"a": "3"}]));
    reads_nothing(&first, &[("f", "a,a\n1,2\n")], "CSV headers cannot contain duplicates.");
}

#[test]
fn items_come_from_listings_and_manifests() {
    let objects = [("in/1", "[1]"), ("in/2", "[2, 3]"), ("other", "")];
    let listed = json!([{"Key": "in/1", "Size": 3, "StorageClass": "STANDARD"}, {"Key": "in/2", "Size": 6, "StorageClass": "STANDARD"}]);
    reads(&json!({"List": true}), &objects, &listed);
    let flat = json!({"List": true, "InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"});
    reads(&flat, &objects, &json!([1, 2, 3]));
    let athena = json!({"InputType": "JSONL", "ManifestType": "ATHENA_DATA"});
    reads(&athena, &[("m", "s3://b/x\ns3://b/y\n"), ("x", "1\n2"), ("y", "3")], &json!([1, 2, 3]));
    let manifest = json!({"destinationBucket": "arn:aws:s3:::b", "fileFormat": "CSV", "fileSchema": "Bucket, Key",
        "files": [{"key": "data.csv"}]});
    let inventory = [("m", &*manifest.to_string()), ("data.csv", "\"b\",\"k\"\n")];
    reads(&json!({"InputType": "MANIFEST"}), &inventory, &json!([{"Bucket": "b", "Key": "k"}]));
}

#[test]
fn max_items_limits_what_is_read_and_zero_does_not() {
    let read = |field: &str, value: Value| {
        let mut config = json!({"InputType": "JSON"});
        config[field] = value;
        config
    };
    let objects = [("f", "[1, 2, 3]")];
    reads(&read("MaxItems", json!(2)), &objects, &json!([1, 2]));
    reads(&read("MaxItems", json!(0)), &objects, &json!([1, 2, 3]));
    reads(&read("MaxItemsPath", json!("$.most")), &objects, &json!([1]));
    let cause = "The MaxItemsPath field refers to value \"x\" which is not a valid integer: $.none";
    reads_nothing(&read("MaxItemsPath", json!("$.none")), &objects, cause);
}

#[test]
fn a_missing_object_fails_the_reader_and_can_be_caught() {
    let machine = map(&json!({
        "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key": "k"}},
        "Catch": [{"ErrorEquals": ["States.ItemReaderFailed"], "ResultPath": "$.e", "Next": "C"}]
    }));
    let mut machine = machine;
    machine["States"]["C"] = json!({"Type": "Pass", "OutputPath": "$.e.Cause", "End": true});
    let result = run_in(&mut Store::default(), &machine, json!({}));
    let output = json!("The specified key does not exist: s3://b/k");
    assert_eq!(result.outcome, Some(Outcome::Succeeded { output }));
    let expected = ["MapRunStarted", "MapRunFailed", "MapStateFailed", "MapStateExited"];
    assert_eq!(kinds(&result)[3..7], expected);
}

#[test]
fn the_history_of_the_parent_shows_the_run_and_none_of_its_states() {
    let result = run(&map(&json!({"Label": "Run"})), json!([1, 2]));
    let expected = [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ];
    assert_eq!(kinds(&result), expected);
    let arn = result.events[3].details["mapRunArn"].as_str().unwrap();
    assert!(arn.starts_with("arn:aws:states:eu-west-1:000000000000:mapRun:m/Run:"), "{arn}");
}

#[test]
fn children_are_executions_of_their_own() {
    let state =
        json!({"Type": "Pass", "Parameters": {"id.$": "$$.Execution.Id", "in.$": "$$.Execution.Input"}, "End": true});
    let result = run(&map_of(state, &json!({"Label": "L"})), json!(["a"]));
    let Some(Outcome::Succeeded { output }) = result.outcome else { panic!("{:?}", result.outcome) };
    assert_eq!(output[0]["in"], "a");
    assert!(output[0]["id"].as_str().unwrap().starts_with("arn:aws:states:eu-west-1:000000000000:execution:m/L:"));
}

#[test]
fn failures_are_tolerated_up_to_the_threshold() {
    let state = json!({"Type": "Task", "Resource": TASK, "End": true});
    let items = || json!([{"fail": "E"}, {"ok": 1}, {"fail": "E"}, {"ok": 2}]);
    for (extra, is_fine) in [
        (json!({}), false),
        (json!({"ToleratedFailureCount": 1}), false),
        (json!({"ToleratedFailureCount": 2}), true),
        (json!({"ToleratedFailurePercentage": 49.9}), false),
        (json!({"ToleratedFailurePercentage": 50}), true),
        (json!({"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 1}), false),
    ] {
        let result = run(&map_of(state.clone(), &extra), items());
        match result.outcome {
            Some(Outcome::Succeeded { output }) if is_fine => {
                assert_eq!(output[1], json!({"ok": 1}));
                assert_eq!((&output[0]["Status"], &output[0]["Error"]), (&json!("FAILED"), &json!("E")));
            }
            Some(Outcome::Failed { error, cause }) if !is_fine => {
                assert_eq!(error.as_deref(), Some("States.ExceedToleratedFailureThreshold"));
                assert_eq!(cause.as_deref(), Some("The specified tolerated failure threshold was exceeded"));
            }
            other => panic!("{extra}: {other:?}"),
        }
    }
}

#[test]
fn batches_keep_to_both_limits() {
    let batcher = json!({"MaxItemsPerBatch": 3, "MaxInputBytesPerBatch": 40, "BatchInput": {"n.$": "$.n"}});
    let machine = map(&json!({"ItemsPath": "$.items", "ItemBatcher": batcher}));
    let long = "x".repeat(30);
    let expected = json!([
        {"BatchInput": {"n": 7}, "Items": [1]},
        {"BatchInput": {"n": 7}, "Items": [long.clone()]},
        {"BatchInput": {"n": 7}, "Items": [2, 3]}
    ]);
    let Some(Outcome::Succeeded { output }) = run(&machine, json!({"n": 7, "items": [1, long, 2, 3]})).outcome else {
        panic!("the run fails");
    };
    assert_eq!(output, expected);
    let threes = map(&json!({"ItemBatcher": {"MaxItemsPerBatch": 3}}));
    succeeds(&threes, json!([1, 2, 3, 4]), &json!([{"Items": [1, 2, 3]}, {"Items": [4]}]));
}

#[test]
fn results_are_written_with_a_manifest() {
    let writer = json!({"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "out"}});
    let state = json!({"Type": "Task", "Resource": TASK, "End": true});
    let machine = map_of(state, &json!({"ResultWriter": writer, "ToleratedFailureCount": 1}));
    let mut store = Store::default();
    let result = run_in(&mut store, &machine, json!([{"a": 1}, {"fail": "E"}]));
    let Some(Outcome::Succeeded { output }) = result.outcome else { panic!("{:?}", result.outcome) };
    let key = output["ResultWriterDetails"]["Key"].as_str().unwrap();
    let read = |key: &str| serde_json::from_str::<Value>(&store.0[&format!("b/{key}")]).unwrap();
    let manifest = read(key);
    assert_eq!(manifest["MapRunArn"], output["MapRunArn"]);
    let file = |status: &str| read(manifest["ResultFiles"][status][0]["Key"].as_str().unwrap());
    assert_eq!(file("SUCCEEDED")[0]["Output"], "{\"a\":1}");
    assert_eq!(file("FAILED")[0]["Error"], "E");
    assert_eq!(manifest["ResultFiles"]["PENDING"], json!([]));
}

#[test]
fn results_may_be_flattened_without_being_written() {
    let flat = json!({"WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSON"}});
    succeeds(&map(&json!({"ResultWriter": flat})), json!([[1, 2], 3]), &json!([1, 2, 3]));
}

#[test]
fn concurrency_limits_the_children() {
    let wait = || json!({"Type": "Wait", "Seconds": 1, "End": true});
    let ends =
        |extra: Value, items: usize| run(&map_of(wait(), &extra), json!(vec![0; items])).ended.since(NOW).as_secs();
    assert_eq!(ends(json!({"MaxConcurrency": 2}), 5), 3);
    assert_eq!(ends(json!({}), 100), 1);
}

#[test]
fn a_stored_run_goes_on_as_if_nothing_had_happened() {
    let machine = map_of(
        json!({"Type": "Task", "Resource": CALLBACK, "End": true}),
        &json!({"MaxConcurrency": 1, "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": "b", "Key": "k"}
        }}),
    );
    let machine = definition(&machine);
    let (mut kept, _) = Execution::start(Arc::clone(&machine), context(json!({})), NOW);
    let succeeded = |effect: &str, output: Value| Event::TaskSucceeded { effect: EffectId::new(effect), output };
    for event in [
        succeeded("S.1#0/read.0", json!({"Body": "[1, 2]"})),
        succeeded("S.1#0[0]/P.1#0", json!("a")),
        succeeded("S.1#0[1]/P.1#0", json!("b")),
    ] {
        let snapshot = serde_json::to_value(&kept).unwrap();
        let mut restored = Execution::restore(snapshot, Arc::clone(&machine)).unwrap();
        assert_eq!(restored.apply(event.clone(), NOW), kept.apply(event, NOW));
    }
    assert_eq!(kept.is_ended(), Some(&Outcome::Succeeded { output: json!(["a", "b"]) }));
}
