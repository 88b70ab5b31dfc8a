#![allow(clippy::unwrap_used, reason = "tests may panic")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{JsonPath, Query, ReferencePath, Root};

fn sample() -> Value {
    json!({
        "a": {"b": [1, 2, {"c-d": "x"}], "with blank": true},
        "items": [{"n": 1, "s": "one"}, {"n": 2}, {"n": 3, "s": "three"}],
        "text": "hello"
    })
}

#[track_caller]
fn check(path: &str, expected: &Value) {
    let selected = JsonPath::parse(path).unwrap().select(&sample()).unwrap().into_value();
    assert_eq!(&selected, expected, "{path}");
}

#[test]
fn definite_paths() {
    check("$", &sample());
    check("$.a.b[0]", &json!(1));
    check("$['a']['b'][-1].c-d", &json!("x"));
    check("$.a.with blank", &json!(true));
    check("$.items.length()", &json!(3));
    check("$.text.length()", &json!(5));
    check("$.items[0]['n', 'no']", &json!({"n": 1}));
}

#[test]
fn other_paths_return_lists() {
    check("$.items[*].n", &json!([1, 2, 3]));
    check("$.items[1:].n", &json!([2, 3]));
    check("$.items[:-2].n", &json!([1]));
    check("$.items[0,2].n", &json!([1, 3]));
    check("$..n", &json!([1, 2, 3]));
    check("$.items[?(@.n > 1 && @.s)].s", &json!(["three"]));
    check("$.items[?(@.s == 'one' || @['n'] == 2)].n", &json!([1, 2]));
    check("$.items[?(!@.s)].n", &json!([2]));
    check("$.items[?(@.n in [1, 3])].n", &json!([1, 3]));
    check("$.items[*].n.max()", &json!(3));
    check("$.nothing.at[*].all", &json!([]));
}

#[test]
fn missing_values_are_named_as_the_service_names_them() {
    let message = |path: &str| JsonPath::parse(path).unwrap().select(&sample()).unwrap_err().to_string();
    assert_eq!(message("$.no.such.path"), "Missing property in path $['no']");
    assert_eq!(message("$.a.no"), "No results for path: $['a']['no']");
    assert_eq!(message("$.items[7]"), "No results for path: $['items'][7]");
}

#[test]
fn texts_that_are_no_paths() {
    for text in ["", "a", "$.", "$.a.", "$[", "$['a", "$[?(]", "$[a]", "$.a[::0]", "$.f()", "$.a[?(@.b =~ /x/)]", "$x"]
    {
        assert!(JsonPath::parse(text).is_err(), "{text}");
    }
    assert_eq!(JsonPath::parse("$.a[x]").unwrap_err().position, 5);
}

#[test]
fn queries_name_their_root() {
    assert_eq!(Query::parse("$$.Task.Token").unwrap().root, Root::Context);
    assert_eq!(Query::parse("$.a").unwrap().root, Root::Input);
    let variable = Query::parse("$name.a").unwrap();
    assert_eq!((variable.root, variable.path.canonical()), (Root::Variable("name".to_owned()), "$['a']".to_owned()));
}

#[test]
fn reference_paths_put_values() {
    let put = |path: &str, mut root: Value| {
        ReferencePath::parse(path).unwrap().set(&mut root, json!(1)).map(|()| root).map_err(|error| error.to_string())
    };
    assert_eq!(put("$", json!({"a": 2})), Ok(json!(1)));
    assert_eq!(put("$.output.Deploy Stack", json!({"a": 2})), Ok(json!({"a": 2, "output": {"Deploy Stack": 1}})));
    assert_eq!(put("$.a[1]", json!({"a": [0]})), Ok(json!({"a": [0, 1]})));
    assert_eq!(put("$.a.b", json!({"a": null})), Ok(json!({"a": {"b": 1}})));
    assert_eq!(put("$.a.b", json!({"a": 2})), Err("Unable to apply ReferencePath $.a.b to input {\"a\":2}".to_owned()));
    assert!(put("$.a", json!("text")).is_err());
    assert!(put("$.a[999999999]", json!({"a": []})).is_err());
    assert!(put("$.a[999999999]", json!({})).is_err());
    assert!(ReferencePath::parse("$.a[*]").is_err());
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(\\$|\\$\\$)?[ -~ä\\[\\]'.?()@*:,]{0,40}") {
        if let Ok(path) = JsonPath::parse(&text) {
            let _ = path.select(&sample());
        }
        let _ = Query::parse(&text);
        if let Ok(path) = ReferencePath::parse(&text) {
            let mut value = sample();
            if path.set(&mut value, json!("put")).is_ok() {
                prop_assert_eq!(path.get(&value), Some(&json!("put")));
            }
        }
    }
}
