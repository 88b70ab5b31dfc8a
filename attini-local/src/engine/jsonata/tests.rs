use std::cell::Cell;

use serde_json::json;

use super::*;

#[derive(Default)]
struct World {
    input: Value,
    variables: Map<String, Value>,
    converted: Converted,
    randoms: Cell<u64>,
}

impl Names for World {
    fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    fn states(&self, field: Field) -> Option<&Value> {
        (field == Field::Input).then_some(&self.input)
    }

    fn converted(&self) -> &Converted {
        &self.converted
    }

    fn now_ms(&self) -> i64 {
        1_767_225_600_000
    }

    fn random(&self) -> u64 {
        self.randoms.set(self.randoms.get() + 1);
        self.randoms.get()
    }
}

fn evaluate_in(world: &World, text: &str) -> Result<Value, Failure> {
    Expression::parse(text).unwrap_or_else(|problem| panic!("{problem}")).evaluate(world)
}

fn evaluate(text: &str) -> Result<Value, Failure> {
    let variables = json!({"n": 3, "list": [1, 2, 3], "one": [1], "empty": []});
    let world = World {
        input: json!({"a": {"b": [{"c": 1}, {"c": 2}], "none": null}}),
        variables: variables.as_object().cloned().unwrap_or_default(),
        ..World::default()
    };
    evaluate_in(&world, text)
}

#[track_caller]
fn is(text: &str, expected: &Value) {
    assert_eq!(evaluate(text).as_ref(), Ok(expected), "{text}");
}

#[track_caller]
fn throws(text: &str, expected: &str) {
    assert_eq!(evaluate(text), Err(Failure::Threw(expected.to_owned())), "{text}");
}

#[test]
fn only_texts_that_begin_and_end_with_the_delimiters_are_expressions() {
    assert_eq!(delimited("{% 1 %}"), Some(" 1 "));
    for text in [" {% 1 %}", "{% 1 %} ", "{% 1", "1 %}", "{%}", ""] {
        assert_eq!(delimited(text), None, "{text}");
    }
}

#[test]
fn paths_read_input_and_variables() {
    is("$states.input.a.none", &Value::Null);
    is("$states.input.a.b.c", &json!([1, 2]));
    is("$states.input.a.b[c = 2].c", &json!(2));
    is("$list", &json!([1, 2, 3]));
    is("$one", &json!([1]));
    is("$empty", &json!([]));
    is("$sum($list) + $n", &json!(9));
    is("$local := $n * 2", &json!(6));
    is("$keys($states)", &json!("input"));
    for text in ["$nothing", "$states.input.x", "$states.result", "$", "$$", "a.b", "$states.input.a.none.x", "$sum"] {
        assert_eq!(evaluate(text), Err(Failure::Undefined), "{text}");
    }
}

#[test]
fn functions_that_the_service_adds() {
    is("$partition([1, 2, 3], 2)", &json!([[1, 2], [3]]));
    is("$range(0, 9, 3)", &json!([0, 3, 6, 9]));
    is("$range(3, 0, -1)", &json!([3, 2, 1, 0]));
    is("$hash('a', 'MD5')", &json!("0cc175b9c0f1b6a831c399e269772661"));
    is("$parse('{\"a\": [1]}').a", &json!([1]));
    is("$random(7) = $random(7)", &json!(true));
    is("$random() = $random()", &json!(false));
    is("$uuid() = $uuid()", &json!(false));
    is("$length($uuid())", &json!(36));
    is("$sort($shuffle([3, 1, 2]))", &json!([1, 2, 3]));
    is("$partition($nothing, 2) ? 1 : 2", &json!(2));
    throws("$parse('{')", "the text is not JSON (EOF while parsing an object at line 1 column 1)");
}

#[test]
fn time_is_the_time_of_the_execution() {
    is("$now()", &json!("2026-01-01T00:00:00.000Z"));
    is("$now('[Y0001]')", &json!("2026"));
    is("$millis()", &json!(1_767_225_600_000_i64));
}

#[test]
fn chance_is_the_chance_of_the_execution() {
    let roll = || evaluate_in(&World::default(), "[$random(), $uuid(), $shuffle([1..20])]");
    assert_eq!(roll(), roll());
}

#[test]
fn errors_have_the_words_of_the_service() {
    throws("$randomSeeded(1)", "T1006: Attempted to invoke a non-function");
    throws("$eval('1')", "T1006: Attempted to invoke a non-function");
    throws("['1'] ~> $map($eval)", "T1006: Attempted to invoke a non-function");
    throws("'a' + 1", "T2001: The left side of the + operator must evaluate to a number");
    throws("$number('x')", "D3030: Unable to cast value to a number: \"x\"");
    throws("$error('boom')", "D3137: boom");
    assert!(Expression::parse("(1").is_err_and(|problem| problem.contains("`(1` is not a JSONata expression: S0203")));
}

#[test]
fn whole_numbers_stay_whole() {
    for (text, expected) in [("1", "1"), ("10 / 4", "2.5"), ("-0", "0"), ("1e20", "1e+20")] {
        assert_eq!(evaluate(text).map(|value| value.to_string()), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_has_no_end_is_stopped() {
    throws(
        "($f := function($n) { 1 + $f($n) }; $f(1))",
        "D1011: Stack overflow. Check for non-terminating recursive function. Consider rewriting as tail-recursive",
    );
    throws("$reduce([1..100000], function($a, $i) { {'a': $a} })", "the result is nested deeper than 512 levels");
    throws("$pad('', 1000000000)", "the width of $pad may be at most 1000000");
    assert!(evaluate("[1..1000000]").is_err());
}
