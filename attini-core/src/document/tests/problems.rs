use crate::document::{DocPath, Document, Reader, excerpt};
use crate::problem::Problem;

fn rendered(name: &str, text: &str) -> String {
    let problems = Document::parse(name, text).expect_err("broken");
    problems.0.iter().map(excerpt).collect::<Vec<_>>().join("\n")
}

macro_rules! broken {
    ($($rule:ident: $name:literal, $text:literal => @$expected:literal)*) => {$(
        #[test]
        fn $rule() {
            insta::assert_snapshot!(rendered($name, $text), @$expected);
        }
    )*};
}

broken! {
    a_tab_indents: "f.yaml", "a:\n\tb: 1\n" => @r"
    error: a tab indents this line, which YAML does not allow
     --> f.yaml:2:1
      |
    2 |  b: 1
      | ^
      = help: indent with spaces
    "
    a_tab_indents_a_later_line: "f.yaml", "a:\n  b: 1\n\tc: 1\n" => @r"
    error: a tab indents this line, which YAML does not allow
     --> f.yaml:3:1
      |
    3 |  c: 1
      | ^
      = help: indent with spaces
    "
    no_blank_behind_a_colon: "f.yaml", "a: 1\nb:2\nc: 3\n" => @r"
    error: a blank is missing after the `:`
     --> f.yaml:2:1
      |
    2 | b:2
      | ^^^
      = help: write `b: 2`
    "
    no_blank_behind_the_first_colon: "f.yaml", "b:2\nc: 3\n" => @r"
    error: a blank is missing after the `:`
     --> f.yaml:1:1
      |
    1 | b:2
      | ^^^
      = help: write `b: 2`
    "
    no_blank_in_a_list_item: "f.yaml", "a:\n  - b:1\n    c: 2\n" => @r"
    error: a blank is missing after the `:`
     --> f.yaml:2:5
      |
    2 |   - b:1
      |     ^^^
      = help: write `b: 1`
    "
    no_colon: "f.yaml", "a: 1\nfoo\nb: 2\n" => @r"
    error: this line has no `:` and so is no key
     --> f.yaml:2:1
      |
    2 | foo
      | ^^^
      = help: write it as `key: value`
    "
    an_open_double_quote: "f.yaml", "a: \"foo\nb: 1\n" => @r#"
    error: the quote that opens here is not closed
     --> f.yaml:1:4
      |
    1 | a: "foo
      |    ^^^^
      = help: close it with `"`; a quoted text goes on in the next line only when that is indented
    "#
    an_open_single_quote_at_the_end: "f.yaml", "a: 'foo" => @r"
    error: the quote that opens here is not closed
     --> f.yaml:1:4
      |
    1 | a: 'foo
      |    ^^^^
      = help: close it with `'`; a quoted text goes on in the next line only when that is indented
    "
    an_open_bracket: "f.yaml", "a: [1, 2\nb: 3\n" => @r"
    error: the `[` that opens here is not closed
     --> f.yaml:1:4
      |
    1 | a: [1, 2
      |    ^
      = help: close it with `]`
    "
    an_open_bracket_at_the_end: "f.yaml", "a: [\n 1,\n" => @r"
    error: the `[` that opens here is not closed
     --> f.yaml:1:4
      |
    1 | a: [
      |    ^
      = help: close it with `]`
    "
    an_open_brace: "f.yaml", "a: {b: 1\nc: 2\n" => @r"
    error: the `{` that opens here is not closed
     --> f.yaml:1:4
      |
    1 | a: {b: 1
      |    ^
      = help: close it with `}`
    "
    a_missing_comma: "f.yaml", "a: [\"b\" \"c\"]\n" => @r#"
    error: expected `,` or `]` in the `[` that opens in column 4
     --> f.yaml:1:9
      |
    1 | a: ["b" "c"]
      |         ^
      = help: quote texts that hold `:`, `,` or brackets
    "#
    two_colons: "f.yaml", "a: b: c\n" => @r#"
    error: a `:` followed by a blank makes a second key in this line
     --> f.yaml:1:5
      |
    1 | a: b: c
      |     ^
      = help: quote the value: "b: c"
    "#
    wrong_indentation: "f.yaml", "a: 1\n b: 2\n" => @r"
    error: this line is indented further than the one above, which has a value already
     --> f.yaml:2:2
      |
    2 |  b: 2
      |  ^^^^
      = help: indent it like the line it belongs with
    "
    wrong_dedentation: "f.yaml", "a:\n    b: 1\n  c: 2\n" => @r"
    error: no line above has the indentation of this one
     --> f.yaml:3:3
      |
    3 |   c: 2
      |   ^^^^
      = help: indent it like the line it belongs with
    "
    a_key_among_items: "f.yaml", "- a\nb: 1\n" => @r"
    error: this line stands in a list but is no item of it
     --> f.yaml:2:1
      |
    2 | b: 1
      | ^^^^
      = help: check the indentation; a list holds only lines that begin with `-`
    "
    a_list_behind_its_key: "f.yaml", "a: - b\n" => @r"
    error: a list cannot start in the line of its key
     --> f.yaml:1:4
      |
    1 | a: - b
      |    ^
      = help: put the `-` into the next line, indented further than the key
    "
    a_value_with_an_at: "f.yaml", "a: @x\n" => @r"
    error: a value cannot start with `@` unless it is quoted
     --> f.yaml:1:4
      |
    1 | a: @x
      |    ^
      = help: put the value in quotes
    "
    a_closing_bracket: "f.yaml", "a: ]\n" => @r"
    error: this `]` closes nothing
     --> f.yaml:1:4
      |
    1 | a: ]
      |    ^
      = help: remove it, or quote the value it belongs to
    "
    an_unknown_alias: "f.yaml", "a: *.txt\n" => @r#"
    error: the alias `*.txt` has no anchor `&.txt` before it
     --> f.yaml:1:4
      |
    1 | a: *.txt
      |    ^^^^^
      = help: write `"*.txt"` if the text itself is meant
    "#
    an_unknown_tag: "f.yaml", "a: !<tag:x> y\n" => @r"
    error: the tag `!<tag:x>` is not known
     --> f.yaml:1:4
      |
    1 | a: !<tag:x> y
      |    ^^^^^^^^
      = help: use tags such as `!Ref` or `!Sub`, or none
    "
    a_list_as_key: "f.yaml", "{{ x }}: 1\n" => @r"
    error: a key must be text, not a list or map
     --> f.yaml:1:1
      |
    1 | {{ x }}: 1
      | ^
      = help: quote the whole text if the bracket belongs to it
    "
    text_behind_a_quote: "f.yaml", "a: 'it's'\n" => @r"
    error: text follows the closing quote
     --> f.yaml:1:8
      |
    1 | a: 'it's'
      |        ^
      = help: quote the whole value, or double the quotes inside of it
    "
    an_unknown_escape: "f.yaml", "a: \"\\d\"\n" => @r#"
    error: a `\` in this double-quoted text is followed by something that is no escape
     --> f.yaml:1:4
      |
    1 | a: "\d"
      |    ^
      = help: use single quotes, or write `\\` for a `\`
    "#
    a_control_character: "f.yaml", "a: 1\0\n" => @r"
    error: the control character \u{0} cannot stand in a file
     --> f.yaml:1:5
      |
    1 | a: 1?
      |     ^
    "
    json_comment: "f.json", "{\n  // why\n  \"a\": 1\n}" => @r"
    error: JSON has no comments
     --> f.json:2:3
      |
    2 |   // why
      |   ^^^^^^
      = help: remove the comment, or write the file as YAML
    "
    json_trailing_comma: "f.json", "{\"a\": 1,}" => @r#"
    error: a comma follows the last entry, which JSON does not allow
     --> f.json:1:8
      |
    1 | {"a": 1,}
      |        ^
      = help: remove the comma
    "#
    json_missing_comma: "f.json", "{\"a\": 1 \"b\": 2}" => @r#"
    error: a comma is missing here
     --> f.json:1:8
      |
    1 | {"a": 1 "b": 2}
      |        ^
      = help: separate entries by `,`
    "#
    json_open_brace: "f.json", "{\"a\": {\n  \"b\": 1\n" => @r#"
    error: the `{` that opens here is not closed
     --> f.json:1:7
      |
    1 | {"a": {
      |       ^
      = help: close it
    "#
    json_open_quote: "f.json", "{\"a\": \"x}\n" => @r#"
    error: the quote that opens here is not closed
     --> f.json:1:7
      |
    1 | {"a": "x}
      |       ^^^
      = help: close it with `"` in the same line; a line break in a text is written `\n`
    "#
    json_word: "f.json", "{\"a\": yes}" => @r#"
    error: this is not valid JSON: unexpected token
     --> f.json:1:7
      |
    1 | {"a": yes}
      |       ^^^
    "#
    json_single_quotes: "f.json", "{'a': 1}" => @r"
    error: JSON has no single quotes
     --> f.json:1:2
      |
    1 | {'a': 1}
      |  ^
      = help: put it in double quotes
    "
    json_number_with_leading_zero: "f.json", "{\"a\": 01}" => @r#"
    error: a comma is missing here
     --> f.json:1:8
      |
    1 | {"a": 01}
      |        ^
      = help: separate entries by `,`
    "#
    json_two_values: "f.json", "{} {}" => @r"
    error: text follows the end of the document
     --> f.json:1:4
      |
    1 | {} {}
      |    ^
      = help: a JSON file holds one value; check the brackets
    "
}

fn at(text: &str, path: &DocPath, message: &str) -> String {
    let document = Document::parse("dir/f.yaml", text).expect("valid");
    excerpt(&Problem::error(message).with_help("do it").at(document.spot(path)))
}

#[test]
fn excerpts_put_carets_under_wide_characters_and_tabs() {
    insta::assert_snapshot!(at("漢字: [\t\"é\", '\u{202e}x']\n", &DocPath::root().key("漢字").index(1), "wrong"), @r#"
    error: wrong
     --> dir/f.yaml:1:12
      |
    1 | 漢字: [ "é", '?x']
      |              ^^^^
      = help: do it
    "#);
}

#[test]
fn excerpts_cut_long_lines_around_the_place() {
    let text = format!("a: [{}, target, {}]\n", "x".repeat(300), "y".repeat(300));
    insta::assert_snapshot!(at(&text, &DocPath::root().key("a").index(1), "wrong"), @r"
    error: wrong
     --> dir/f.yaml:1:307
      |
    1 | ...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, target, yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy...
      |                                            ^^^^^^
      = help: do it
    ");
}

#[test]
fn problems_without_a_place_have_no_excerpt() {
    assert_eq!(excerpt(&Problem::warning("odd").with_help("look")), "warning: odd\n = help: look");
}

#[test]
fn duplicate_keys_are_found_at_every_depth() {
    let document = Document::parse("f.yaml", "a: 1\nb:\n  - c: 1\n    c: 2\na: 3\n").expect("valid");
    let rendered: Vec<String> = document.duplicate_keys().iter().map(ToString::to_string).collect();
    assert_eq!(
        rendered,
        [
            "f.yaml:4:5: the key `c` stands twice in this map; first in line 3 (remove or rename one of them)",
            "f.yaml:5:1: the key `a` stands twice in this map; first in line 1 (remove or rename one of them)",
        ]
    );
    assert_eq!(document.get(&DocPath::root().key("a")).and_then(|node| node.as_text()), Some("3"));
}

#[test]
fn init_deploy_case_40_lenient_readers() {
    let text = "s: 123\nm: {a: true}\nf: \"false\"\nw: \"some\"\ny: yes\nq: \"yes\"\nl: [\"a\", 1, null]\nn: {a: {b: 1}}\nz: ~\n";
    let document = Document::parse("f.yaml", text).expect("valid");
    let mut reader = Reader::new(&document);
    let key = |name: &str| DocPath::root().key(name);
    assert_eq!(reader.text(&key("s")).as_deref(), Some("123"));
    assert_eq!(reader.text(&key("m")), None);
    assert_eq!(reader.boolean(&key("f")), Some(false));
    assert_eq!(reader.boolean(&key("w")), None);
    assert_eq!(reader.boolean(&key("y")), Some(true));
    assert_eq!(reader.boolean(&key("q")), None);
    assert_eq!(reader.texts(&key("l")), Some(vec!["a".into(), "1".into(), "null".into()]));
    assert_eq!(reader.texts(&key("s")), None);
    assert_eq!(reader.text_map(&key("m")), Some([("a".into(), "true".into())].into()));
    assert_eq!(reader.text_map(&key("n")), Some([].into()));
    assert_eq!(reader.text(&key("z")), None);
    assert_eq!(reader.text(&key("missing")), None);
    let problems = reader.finish(()).expect_err("five errors");
    insta::assert_snapshot!(problems.to_string(), @"
    f.yaml:1:4: `s` must be a list, not a number (write `s:`, and below it each element on a line that begins with `- `)
    f.yaml:2:4: `m` must be text, not a map (write `m: value`, in quotes if need be)
    f.yaml:4:4: `w` must be true or false, not text (write `w: true` or `w: false`)
    f.yaml:6:4: `q` must be true or false, not text (write `q: true` or `q: false`)
    f.yaml:8:8: `n.a` must be text, not a map (write `a: value`, in quotes if need be)
    ");
}

#[test]
fn unknown_keys_are_errors_only_when_they_look_like_known_ones() {
    let document =
        Document::parse("f.yaml", "templatePath: 1\ntemplat: 2\nStackname: 3\nowner: 4\ntags: 5\n").expect("valid");
    let mut reader = Reader::new(&document);
    reader.known_keys(&DocPath::root(), &["template", "stackName", "tags"]);
    insta::assert_snapshot!(reader.finish(()).expect_err("two errors").to_string(), @r"
    f.yaml:1:1: unknown key `templatePath` has no effect (known keys are `template`, `stackName`, `tags`)
    f.yaml:2:1: unknown key `templat` (did you mean `template`?)
    f.yaml:3:1: unknown key `Stackname` (did you mean `stackName`?)
    f.yaml:4:1: unknown key `owner` has no effect (known keys are `template`, `stackName`, `tags`)
    ");
}
