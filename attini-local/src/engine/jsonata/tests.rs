use std::cell::Cell;

use proptest::prelude::*;
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
    for text in ["$nothing", "$states.input.x", "$states.result", "$", "$$", "a.b", "$states.input.a.none.x"] {
        assert_eq!(evaluate(text), Err(Failure::Undefined), "{text}");
    }
}

#[test]
fn functions_are_no_results() {
    for text in ["$sum", "function($x) { $x }", "/a/"] {
        assert_eq!(evaluate(text), Err(Failure::Function), "{text}");
    }
    is("{'a': $sum, 'b': 1}", &json!({"b": 1}));
}

#[test]
fn functions_that_the_service_adds() {
    is("$partition([1, 2, 3], 2)", &json!([[1, 2], [3]]));
    is("$range(0, 9, 3)", &json!([0, 3, 6, 9]));
    is("$range(3, 0, -1)", &json!([3, 2, 1, 0]));
    is("$hash('a', 'MD5')", &json!("0cc175b9c0f1b6a831c399e269772661"));
    is("$parse('{\"a\": [1]}').a", &json!([1]));
    is("$random(7) = $random(7)", &json!(true));
    // What `java.util.Random` gives for the seed.
    is("$random(42)", &json!(0.727_563_680_032_868_1));
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
    throws("'a' + 1", "T2001: The left side of the \"+\" operator must evaluate to a number");
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
    throws(
        "$reduce([1..9000], function($a, $i) { $reduce([1..9000], function($b, $j) { {'a': $b} }, $a) }, 1)",
        "D1012: Evaluation timeout after 1000 milliseconds. Check for infinite loop",
    );
    throws("$pad('', 1000000000)", "the width of $pad may be at most 1000000");
    assert!(evaluate("[1..1000000]").is_err());
}

#[test]
fn deep_nesting_is_refused_and_not_fatal() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{'a': ", "}"), ("-", ""), ("$not(", ")")] {
        let text = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(Expression::parse(&text).is_err(), "{open}");
    }
    let long = (0..20_000).map(|n| n.to_string()).collect::<Vec<_>>().join("+");
    if let Ok(expression) = Expression::parse(&long) {
        let _ = expression.evaluate(&World::default());
    }
}

/// Texts that can be read, most of them, whatever they mean.
fn expression() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "$states.input",
        "$states.input.a",
        "$list",
        "$n",
        "$x",
        "a",
        "*",
        "**",
        "%",
        "$",
        "1",
        "-0.5",
        "'x y'",
        "''",
        "null",
        "true",
        "/a(b)?|$/i",
        "[]",
        "{}",
        "$sum",
        "$uuid",
        "'[Y0001]-[M01]'",
        "'#,##0.00'",
        "'[1]'",
        "[1..3]",
        "2016",
    ])
    .prop_map(str::to_owned);
    let functions = proptest::sample::select(vec![
        "map",
        "filter",
        "reduce",
        "sort",
        "sift",
        "each",
        "single",
        "zip",
        "merge",
        "spread",
        "lookup",
        "keys",
        "append",
        "replace",
        "split",
        "match",
        "contains",
        "substring",
        "substringBefore",
        "join",
        "pad",
        "trim",
        "string",
        "number",
        "formatNumber",
        "formatBase",
        "formatInteger",
        "parseInteger",
        "fromMillis",
        "toMillis",
        "now",
        "random",
        "shuffle",
        "partition",
        "range",
        "hash",
        "parse",
        "uuid",
        "power",
        "sqrt",
        "round",
        "encodeUrl",
        "decodeUrlComponent",
        "type",
        "base64decode",
        "base64encode",
        "distinct",
        "reverse",
        "count",
        "average",
        "error",
        "assert",
        "exists",
        "not",
        "eval",
    ]);
    leaf.prop_recursive(5, 24, 3, move |inner| {
        let functions = functions.clone();
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}.{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}; $x := {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}^(>{b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}@$v#$i.{b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}{{'k': {b}}}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} ~> |{b}|{{'k': 1}}, ['a']|)")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            (
                inner.clone(),
                inner.clone(),
                proptest::sample::select(vec!["+", "&", "=", "<", "in", "and", "~>", "..", "/"])
            )
                .prop_map(|(a, b, operator)| format!("({a} {operator} {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("function($x, $y) {{ {a} }}({b}, ?)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("function($x) {{ {a} }}({b})")),
            (functions.clone(), inner.clone()).prop_map(|(name, a)| format!("${name}({a})")),
            (functions.clone(), inner.clone(), inner.clone()).prop_map(|(name, a, b)| format!("${name}({a}, {b})")),
            (functions, inner.clone(), inner.clone(), inner)
                .prop_map(|(name, a, b, c)| format!("${name}({a}, {b}, {c})")),
        ]
    })
}

proptest! {
    #[test]
    fn any_expression_is_read_and_evaluated_without_a_panic(text in expression()) {
        if let Ok(expression) = Expression::parse(&text) {
            let variables = json!({"n": 3, "list": [1, "b", {"a": null}]});
            let world = World {
                input: json!({"a": [{"a": 1}, "text ä", [[2]]]}),
                variables: variables.as_object().cloned().unwrap_or_default(),
                ..World::default()
            };
            let _ = expression.evaluate(&world);
        }
    }
}

#[test]
fn errors_have_the_words_of_the_reference() {
    for (text, message) in [
        ("$sum(['a'])", "T0412: Argument 1 of function \"sum\" must be an array of \"numbers\""),
        ("$join([1])", "T0412: Argument 1 of function \"join\" must be an array of \"strings\""),
        ("$abs('x')", "T0410: Argument 1 of function \"abs\" does not match function signature"),
        ("'x' ~> $abs", "T0410: Argument 1 of function \"abs\" does not match function signature"),
        ("$map(1)", "T0410: Argument 2 of function \"map\" does not match function signature"),
        ("$length('a', 1)", "T0410: Argument 2 of function \"length\" does not match function signature"),
        ("$parse(5)", "T0410: Argument 1 of function \"parse\" does not match function signature"),
        ("'a' + 1", "T2001: The left side of the \"+\" operator must evaluate to a number"),
        ("1 % 'a'", "T2002: The right side of the \"%\" operator must evaluate to a number"),
        (
            "true <= 1",
            "T2010: The expressions either side of operator \"<=\" must evaluate to numeric or string values",
        ),
        ("$replace('a', '', 'x')", "D3010: Second argument of replace function cannot be an empty string"),
        (
            "$formatBase(1, 99)",
            "D3100: The radix of the formatBase function must be between 2 and 36.  It was given 99",
        ),
    ] {
        throws(text, message);
    }
}

#[test]
fn comparisons_of_two_types_show_both_values() {
    let words = "must be of the same data type";
    throws("1 < 'a'", &format!("T2009: The values 1 and \"a\" either side of operator \"<\" {words}"));
    let both = format!("T2009: The values \"a\" and 3 either side of operator \">=\" {words}");
    throws("$n > 1 and 'a' >= $n", &both);
}

#[test]
fn urls_are_encoded_as_in_the_reference() {
    is("$encodeUrl('a b&c=\u{e9}\"')", &json!("a%20b&c=%C3%A9%22"));
    is("$exists($encodeUrl($states.input.no))", &json!(false));
}
