#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::cell::Cell;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Call, Scope};
use crate::asl::path::{NoMatch, Query};

struct Fixed {
    input: Value,
    random: Cell<u64>,
}

impl Scope for Fixed {
    fn query(&self, query: &Query) -> Result<Value, NoMatch> {
        query.path.select(&self.input).map(super::super::path::Selection::into_value)
    }

    fn random(&self) -> u64 {
        self.random.set(self.random.get() + 1);
        self.random.get()
    }
}

fn evaluate(call: &str) -> Result<Value, String> {
    let scope = Fixed { input: json!({"a": [1, 2, 2], "o": {"x": "y"}, "t": "a,b"}), random: Cell::new(0) };
    Call::parse(call).map_err(|error| error.to_string())?.evaluate(&scope).map_err(|error| error.to_string())
}

#[test]
fn every_function() {
    for (call, expected) in [
        ("States.Format('{} is \\{{}\\}', 'it', $.o)", json!("it is {{x=y}}")),
        ("States.StringToJson('{\"a\": 1}')", json!({"a": 1})),
        ("States.JsonToString($.o)", json!("{\"x\":\"y\"}")),
        ("States.Array($.o.x, 1, true, null, -1.5)", json!(["y", 1, true, null, -1.5])),
        ("States.ArrayPartition($.a, 2)", json!([[1, 2], [2]])),
        ("States.ArrayContains($.a, 2.0)", json!(true)),
        ("States.ArrayRange(1, 9, 2)", json!([1, 3, 5, 7, 9])),
        ("States.ArrayGetItem($.a, 1)", json!(2)),
        ("States.ArrayLength($.a[1:])", json!(2)),
        ("States.ArrayUnique($.a)", json!([1, 2])),
        ("States.Base64Decode(States.Base64Encode('x, \\'y\\''))", json!("x, 'y'")),
        ("States.Hash('input data', 'SHA-1')", json!("aaff4a450a104cd177d28d18d74485e8cae074b7")),
        ("States.JsonMerge($.o, States.StringToJson('{\"z\":1}'), false)", json!({"x": "y", "z": 1})),
        ("States.MathRandom(1, 2)", json!(1)),
        ("States.MathAdd(-1.5, 0)", json!(-1)),
        ("States.StringSplit($.t, ',')", json!(["a", "b"])),
        ("States.UUID()", json!("00000000-0000-4001-8000-000000000002")),
        ("States.Format('no arguments')", json!("no arguments")),
    ] {
        assert_eq!(evaluate(call), Ok(expected), "{call}");
    }
}

#[test]
fn wrong_calls_say_why() {
    for (call, expected) in [
        ("States.Foo()", "there is no function `States.Foo`"),
        ("States.MathAdd(1)", "States.MathAdd takes 2 arguments, not 1"),
        ("States.Format('{}')", "fewer arguments than `{}`"),
        ("States.ArrayLength($.nothing)", "No results for path: $['nothing']"),
        ("States.Format('x'", "expected `,` or `)`"),
        ("States.Format('x", "the closing ' is missing"),
        ("States.ArrayPartition($.a, 0)", "must be a positive number"),
        ("States.ArrayRange(0, 5000, 1)", "more than 1000 items"),
        ("States.JsonMerge($.o, $.o, true)", "shallow"),
    ] {
        let error = evaluate(call).unwrap_err();
        assert!(error.contains(expected), "{call}: {error}");
    }
}

#[test]
fn ten_levels_of_calls_are_allowed() {
    let nested = |levels: usize| format!("{}1{}", "States.Array(".repeat(levels), ")".repeat(levels));
    assert!(evaluate(&nested(10)).is_ok());
    assert!(evaluate(&nested(11)).unwrap_err().contains("deeper than 10"));
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text in "(States\\.(Format|Array|MathAdd)\\()?[ -~ä]{0,40}") {
        let _ = evaluate(&text);
    }
}
