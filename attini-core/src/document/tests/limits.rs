use std::fmt::Write;

use crate::document::{Document, MAX_BYTES, MAX_DEPTH};

fn problem(name: &str, text: &str) -> String {
    Document::parse(name, text).expect_err("over a limit").to_string()
}

#[test]
fn deep_nesting_is_a_problem_with_a_place_and_no_overflow() {
    let texts = [
        "[".repeat(20_000),
        "- ".repeat(20_000),
        "{a: ".repeat(20_000),
        (0..1_000).fold(String::new(), |text, indent| text + &" ".repeat(indent) + "a:\n"),
    ];
    for text in texts {
        let problem = problem("f.yaml", &text);
        assert!(problem.contains("nested more than 250 deep") && problem.contains("f.yaml:"), "{problem}");
    }
    for text in ["[".repeat(20_000), "{\"a\":".repeat(20_000)] {
        let problem = problem("f.json", &text);
        assert!(problem.contains("nested more than 250 deep") && problem.contains("f.json:1:"), "{problem}");
    }
}

#[test]
fn nesting_up_to_the_limit_is_read() {
    for name in ["f.yaml", "f.json"] {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Document::parse(name, &nested(MAX_DEPTH)).is_ok());
        assert!(Document::parse(name, &nested(MAX_DEPTH + 2)).is_err());
        let maps = "{\"a\": ".repeat(MAX_DEPTH) + "1" + &"}".repeat(MAX_DEPTH);
        assert!(Document::parse(name, &maps).is_ok(), "{name}");
    }
}

#[test]
fn an_alias_bomb_names_the_limit_and_the_place() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        writeln!(text, "a{level}: &a{level} [{}]", [alias.as_str(); 10].join(", ")).expect("writes to a String");
    }
    let problem = problem("f.yaml", &text);
    assert!(problem.contains("copy more than 100000 values"), "{problem}");
    assert!(problem.starts_with("f.yaml:"), "{problem}");
}

#[test]
fn copied_texts_are_limited_too() {
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1_000_000), "*a, ".repeat(1_000));
    assert!(problem("f.yaml", &text).contains("copy more than"));
}

#[test]
fn merge_keys_count_as_copies() {
    let entries = (0..400).fold(String::new(), |text, n| format!("{text}k{n}: 1, "));
    let mut text = format!("a: &a {{{entries}}}\nb:\n");
    for _ in 0..400 {
        text.push_str("- <<: *a\n");
    }
    assert!(problem("f.yaml", &text).contains("copy more than"));
}

#[test]
fn aliases_that_deepen_each_other_stop_at_the_nesting_limit() {
    let mut text = String::from("a0: &a0 [x]\n");
    for level in 1..400 {
        writeln!(text, "a{level}: &a{level} [*a{}]", level - 1).expect("writes to a String");
    }
    assert!(problem("f.yaml", &text).contains("nested more than 250 deep"));
}

#[test]
fn an_alias_inside_of_its_own_value_is_a_problem() {
    assert!(problem("f.yaml", "a: &a [*a]\n").contains("stands inside the value it means"));
}

#[test]
fn large_files_are_refused() {
    assert_eq!(problem("f.yaml", &"#".repeat(MAX_BYTES + 1)), "`f.yaml` is larger than 10 MiB");
}
