use proptest::prelude::*;
use serde_json::{Value, json};

use crate::document::{DocPath, Document, Segment};

fn yaml(text: &str) -> Document {
    Document::parse("f.yaml", text).unwrap_or_else(|problems| panic!("{text:?}: {problems}"))
}

fn path(text: &str) -> DocPath {
    text.split('/').filter(|part| !part.is_empty()).fold(DocPath::root(), |path, part| match part.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(part),
    })
}

#[test]
fn scalars_have_the_types_of_the_core_schema_and_keep_their_spelling() {
    let cases = [
        ("true", json!(true)),
        ("FALSE", json!(false)),
        ("12", json!(12)),
        ("-7", json!(-7)),
        ("+7", json!(7)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        ("1.10", json!(1.1)),
        ("1e3", json!(1000.0)),
        ("0", json!(0)),
        ("0.5", json!(0.5)),
        (".5", json!(0.5)),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
        ("yes", json!("yes")),
        ("on", json!("on")),
        ("0123", json!("0123")),
        ("1_000", json!("1_000")),
        ("1:30", json!("1:30")),
        ("2024-01-01", json!("2024-01-01")),
        ("123456789012345678901234", json!("123456789012345678901234")),
        ("12e345", json!("12e345")),
        (".inf", json!(".inf")),
        ("-", json!("-")),
        (".", json!(".")),
        ("1.2.3", json!("1.2.3")),
        ("0x", json!("0x")),
        ("0x+1", json!("0x+1")),
        ("\"12\"", json!("12")),
        ("'true'", json!("true")),
        ("!!str 12", json!("12")),
        ("! 12", json!("12")),
        ("!!int 12", json!(12)),
        ("~", Value::Null),
        ("null", Value::Null),
        ("\"null\"", json!("null")),
    ];
    for (text, expected) in cases {
        if text == "-" {
            continue; // an empty list item
        }
        assert_eq!(yaml(&format!("a: {text}\n")).to_json(), json!({ "a": expected }), "{text}");
    }
    assert_eq!(yaml("a: 1.10").get(&path("a")).unwrap().as_text(), Some("1.10"));
}

#[test]
fn short_tags_are_expanded_and_paths_go_through_them() {
    let text = r#"
A: !Ref x
B: !GetAtt Res.Outputs.Arn
C: !GetAtt [Res, Arn]
D: !Sub
  - "${a}"
  - {a: !Ref b}
E: !Condition IsProd
F: !GetAZs
G: !Length [1, 2]
H: !Sub |
  text
I: [!Select [0, !Split [",", !ImportValue v]]]
J: !Fn::Sub 12
K: &anchor !Ref y
"#;
    let document = yaml(text);
    assert_eq!(
        document.to_json(),
        json!({
            "A": {"Ref": "x"},
            "B": {"Fn::GetAtt": ["Res", "Outputs.Arn"]},
            "C": {"Fn::GetAtt": ["Res", "Arn"]},
            "D": {"Fn::Sub": ["${a}", {"a": {"Ref": "b"}}]},
            "E": {"Condition": "IsProd"},
            "F": {"Fn::GetAZs": ""},
            "G": {"Fn::Length": [1, 2]},
            "H": {"Fn::Sub": "text\n"},
            "I": [{"Fn::Select": [0, {"Fn::Split": [",", {"Fn::ImportValue": "v"}]}]}],
            "J": {"Fn::Sub": "12"},
            "K": {"Ref": "y"},
        })
    );
    let at = |text: &str| {
        let spot = document.spot(&path(text)).unwrap();
        (spot.line, spot.column, spot.length)
    };
    assert_eq!(at("A"), (2, 4, 6));
    assert_eq!(at("A/Ref"), (2, 9, 1));
    assert_eq!(at("B/Fn::GetAtt/1"), (3, 12, 15));
    assert_eq!(at("D/Fn::Sub/1/a/Ref"), (7, 14, 1));
    assert_eq!(at("K/Ref"), (15, 17, 1));
    let key = document.key_spot(&path("A/Ref")).unwrap();
    assert_eq!((key.line, key.column, key.length), (2, 4, 4));
}

#[test]
fn json_files_are_json_with_positions() {
    let document = Document::parse("f.json", "{\"a\": [1.10, \"é\", null],\n \"b\": {\"c\": true}}").unwrap();
    assert_eq!(document.to_json(), json!({"a": [1.1, "é", null], "b": {"c": true}}));
    let spot = document.spot(&path("b/c")).unwrap();
    assert_eq!((spot.line, spot.column, spot.length), (2, 13, 4));
    assert_eq!(document.spot(&path("b/c/d/e")), document.spot(&path("b/c")));
    assert_eq!(document.get(&path("a/0")).unwrap().as_text(), Some("1.10"));
}

#[test]
fn only_the_first_document_is_read() {
    assert_eq!(yaml("a: 1\n---\nb: [\n").to_json(), json!({"a": 1}));
    assert_eq!(yaml("a: 1\n...\n").to_json(), json!({"a": 1}));
}

#[test]
fn empty_files_are_null() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "\u{feff}"] {
        assert_eq!(yaml(text).to_json(), Value::Null, "{text:?}");
    }
    assert_eq!(Document::parse("f.json", " \n").unwrap().to_json(), Value::Null);
    assert_eq!(yaml("").spot(&path("a")).unwrap().line, 1);
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let document = yaml("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: [*x]\nw:\n  <<: [{b: 4}, *x]\nq: {\"<<\": 1}\n");
    assert_eq!(
        document.to_json(),
        json!({
            "x": {"a": 1, "b": 2},
            "y": {"b": 3, "a": 1},
            "z": [{"a": 1, "b": 2}],
            "w": {"b": 4, "a": 1},
            "q": {"<<": 1},
        })
    );
    assert!(document.duplicate_keys().is_empty());
}

#[test]
fn left_out_values_stand_where_their_key_does() {
    let document = yaml("a:\n\n# comment\nb: 1\n");
    assert_eq!(document.spot(&path("a")).unwrap().line, 1);
    assert_eq!(document.spot(&path("missing")).unwrap().line, 1);
}

#[test]
fn positions_count_characters_behind_a_byte_order_mark_too() {
    let document = yaml("\u{feff}ä: [ö, \"x\"]\r\nb: 1\r\n");
    let spot = document.spot(&path("ä/1")).unwrap();
    assert_eq!((spot.line, spot.column, spot.length, spot.text.as_str()), (1, 8, 3, "ä: [ö, \"x\"]"));
    assert_eq!(document.text(), "\u{feff}ä: [ö, \"x\"]\r\nb: 1\r\n");
}

#[test]
fn characters_of_several_bytes_beside_syntax_errors_do_not_panic() {
    for text in
        ["¡:\t{$\u{feff}", "%漢\r\n: \u{feff}", "é: [|\u{feff}", "a: \"é\" 漢", "a: 漢: é", "é:漢\nb: 1", "a: *漢"]
    {
        assert!(Document::parse("f.yaml", text).is_err(), "{text:?}");
    }
}

fn every_path(value: &Value, at: &DocPath, paths: &mut Vec<DocPath>) {
    paths.push(at.clone());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| every_path(item, &at.index(index), paths));
        }
        Value::Object(map) => map.iter().for_each(|(key, item)| every_path(item, &at.key(key), paths)),
        _ => {}
    }
}

/// Text made of the pieces that have a meaning in YAML.
pub(super) fn yamlish() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b",
        ":",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "\"",
        "'",
        "|",
        "|+\n",
        ">-\n",
        "#c",
        " # c",
        "&x ",
        "*x",
        "!Ref ",
        "!GetAtt a.b",
        "!!str ",
        "<<: ",
        "? ",
        "---\n",
        "...",
        "\t",
        "\r\n",
        "é",
        "漢",
        "1.10",
        "null",
        "~",
        "%",
        "\u{feff}",
        "\0",
        "\u{85}",
        "\\",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,80}", name in prop_oneof!["f.yaml", "f.json"]) {
        let _ = Document::parse(&name, &text);
    }

    #[test]
    fn every_value_has_a_line_of_the_file(text in yamlish(), name in prop_oneof!["f.yaml", "f.json"]) {
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split('\n').collect();
        match Document::parse(&name, &text) {
            Ok(document) => {
                let mut paths = Vec::new();
                every_path(&document.to_json(), &DocPath::root(), &mut paths);
                for path in paths {
                    prop_assert!(document.get(&path).is_some(), "{path}");
                    let spot = document.spot(&path).unwrap();
                    prop_assert!(text.contains(&spot.text));
                    prop_assert!(spot.line >= 1 && spot.column >= 1 && spot.length >= 1);
                    prop_assert!(spot.line as usize <= lines.len() + text.matches('\r').count());
                    if let Some(Segment::Key(_)) = path.segments().last() {
                        prop_assert!(document.key_spot(&path).is_some());
                    }
                }
            }
            Err(problems) => {
                for problem in &problems.0 {
                    prop_assert!(!crate::document::excerpt(problem).is_empty());
                    prop_assert!(problem.at.is_some(), "{problem}");
                }
            }
        }
    }
}
