use proptest::prelude::*;

use super::parse::yamlish;
use crate::document::{DocPath, Document};

fn path(text: &str) -> DocPath {
    text.split('/').fold(DocPath::root(), |path, part| match part.parse() {
        Ok(index) => path.index(index),
        Err(_) => path.key(part),
    })
}

fn set(name: &str, text: &str, at: &str, value: &str) -> String {
    let document = Document::parse(name, text).expect("valid");
    document.set(&path(at), value).unwrap_or_else(|problems| panic!("{text:?}: {problems}"))
}

#[track_caller]
fn yaml(text: &str, at: &str, expected: &str) {
    assert_eq!(set("f.yaml", text, at, "v"), expected);
}

#[track_caller]
fn json(text: &str, at: &str, expected: &str) {
    assert_eq!(set("f.json", text, at, "v"), expected);
}

#[test]
fn existing_values_are_replaced_and_the_rest_stays() {
    yaml("# top\na: 1 # one\nb:   x\n", "a", "# top\na: \"v\" # one\nb:   x\n");
    yaml("a: 'old'\n", "a", "a: \"v\"\n");
    yaml("a:\nb: 1\n", "a", "a: \"v\"\nb: 1\n");
    yaml("a: # why\nb: 1\n", "a", "a: \"v\" # why\nb: 1\n");
    yaml("a: null\n", "a", "a: \"v\"\n");
    yaml("a: |\n  x\n  y\n\nb: 1\n", "a", "a: \"v\"\n\nb: 1\n");
    yaml("a: x\n  y\nb: 1\n", "a", "a: \"v\"\nb: 1\n");
    yaml("a: [1, {b: 2}]\n", "a/1/b", "a: [1, {b: \"v\"}]\n");
    yaml("a: {b: , c}\n", "a/b", "a: {b: \"v\" , c}\n");
    yaml("a: {b, c}\n", "a/c", "a: {b, c: \"v\"}\n");
    yaml("a:\n  - b\n  - c\n", "a/1", "a:\n  - b\n  - \"v\"\n");
    yaml("a: !!str 1\n", "a", "a: \"v\"\n");
}

#[test]
fn what_looks_like_a_comment_in_a_block_of_text_is_text() {
    yaml("a:\n  b: |\n    text # why\nc: 1\n", "a/b", "a:\n  b: \"v\"\nc: 1\n");
    yaml("a:\n  b: |\n    text\n\n    # deep\n# apart\n", "a/b", "a:\n  b: \"v\"\n# apart\n");
}

#[test]
fn texts_that_are_there_already_stay_as_they_are() {
    yaml("a: v # why\n", "a", "a: v # why\n");
    yaml("a: 'v'\n", "a", "a: 'v'\n");
    assert_eq!(set("f.yaml", "a: 1\n", "a", "1"), "a: \"1\"\n");
}

#[test]
fn missing_keys_are_added_behind_the_last_one() {
    yaml("a: 1\n\n# end\n", "b", "a: 1\nb: \"v\"\n\n# end\n");
    yaml("a: 1", "b", "a: 1\nb: \"v\"");
    yaml("a: 1 # one\r\n", "b", "a: 1 # one\r\nb: \"v\"\r\n");
    yaml("a:\n    b: 1\nc: 2\n", "a/d", "a:\n    b: 1\n    d: \"v\"\nc: 2\n");
    yaml("a:\n  b:\n    c: [1,\n     2]\nd: 1\n", "a/x/z", "a:\n  b:\n    c: [1,\n     2]\n  x:\n    z: \"v\"\nd: 1\n");
    yaml("a:\n  - b: 1\n  - c\n", "a/0/d", "a:\n  - b: 1\n    d: \"v\"\n  - c\n");
    yaml("a:\n- 1\n", "b", "a:\n- 1\nb: \"v\"\n");
    yaml("a: |\n  text\n\n\n", "b", "a: |\n  text\nb: \"v\"\n\n\n");
    yaml("a: |+\n  text\n\n", "b", "a: |+\n  text\n\nb: \"v\"\n");
    yaml("a:\n", "b", "a:\nb: \"v\"\n");
    yaml("a: 1\n---\nb: 2\n", "c", "a: 1\nc: \"v\"\n---\nb: 2\n");
}

#[test]
fn missing_maps_are_created() {
    yaml("a:\nb: 1\n", "a/c/d", "a:\n  c:\n    d: \"v\"\nb: 1\n");
    yaml("a: ~\n", "a/c", "a: {c: \"v\"}\n");
    yaml("a: {}\n", "a/c/d", "a: {c: {d: \"v\"}}\n");
    yaml("a: {b: 1, }\n", "a/c", "a: {b: 1, c: \"v\", }\n");
    yaml("{a: , b: 1}\n", "a/c", "{a: {c: \"v\"} , b: 1}\n");
    yaml("a: {\n  b: 1 # one\n}\n", "a/c", "a: {\n  b: 1,\n  c: \"v\" # one\n}\n");
    yaml("", "a/b", "a:\n  b: \"v\"\n");
    yaml("# only\n", "a", "# only\na: \"v\"\n");
    yaml("# only", "a", "# only\na: \"v\"\n");
    yaml("---\n", "a", "---\na: \"v\"\n");
    yaml("~\n", "a", "a: \"v\"\n");
    yaml("\u{feff}a: 1\n", "b", "\u{feff}a: 1\nb: \"v\"\n");
}

#[test]
fn json_stays_json_in_its_layout() {
    json("{\"a\": 1}", "b/c", "{\"a\": 1, \"b\": {\"c\": \"v\"}}");
    json("{\n  \"a\": 1\n}\n", "a", "{\n  \"a\": \"v\"\n}\n");
    json("{\n\t\"a\": 1\n}\n", "b/c", "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": \"v\"\n\t}\n}\n");
    json("{\n  \"a\": {}\n}", "a/b", "{\n  \"a\": {\n    \"b\": \"v\"\n  }\n}");
    json("{}", "a", "{\n  \"a\": \"v\"\n}");
    json("", "a/b", "{\n  \"a\": {\n    \"b\": \"v\"\n  }\n}\n");
    json("{\"a\": null}", "a/b", "{\"a\": {\"b\": \"v\"}}");
}

#[test]
fn values_and_keys_read_back_whatever_they_hold() {
    for value in
        ["", "true", "0123", "a: b # c", "\"'\\", "line\nline\ttab", "\u{0}\u{85}\u{2028}\u{feff}é漢🦀", "*x", "${a}"]
    {
        for name in ["f.yaml", "f.json"] {
            let text = set(name, "{}", "x", value);
            let document = Document::parse(name, &text).expect("valid");
            assert_eq!(document.get(&path("x")).and_then(|node| node.as_text()), Some(value));
            let at = DocPath::root().key(value);
            let text = Document::parse(name, "{}").expect("valid").set(&at, "v").expect("any key");
            assert_eq!(
                Document::parse(name, &text).expect("valid").get(&at).and_then(|node| node.as_text()),
                Some("v")
            );
        }
    }
}

#[test]
fn what_a_text_cannot_replace_is_refused() {
    for (text, at) in [
        ("a: {b: 1}\n", "a"),
        ("a: [1]\n", "a/5"),
        ("a: text\n", "a/b"),
        ("a: [1]\n", "a/b"),
        ("- 1\n", "b"),
        ("a: &x 1\nb: *x\n", "a"),
        ("x: &x {c: 1}\nb: *x\n", "b/c"),
        ("a: !Sub x\n", "a/b"),
    ] {
        let document = Document::parse("f.yaml", text).expect("valid");
        let problems = document.set(&path(at), "v").expect_err(text);
        assert!(problems.0[0].at.is_some(), "{problems}");
    }
}

#[test]
fn aliases_and_merged_values_are_overridden_where_they_are_used() {
    yaml("a: &x 1\nb: *x\n", "b", "a: &x 1\nb: \"v\"\n");
    yaml("x: &x {c: 1}\nb:\n  <<: *x\n", "b/c", "x: &x {c: 1}\nb:\n  <<: *x\n  c: \"v\"\n");
}

fn some_path() -> impl Strategy<Value = DocPath> {
    let step = prop_oneof!["[ab]".prop_map(Ok), (0_usize..2).prop_map(Err)];
    proptest::collection::vec(step, 1..4).prop_map(|steps| {
        steps.into_iter().fold(DocPath::root(), |path, step| match step {
            Ok(key) => path.key(key),
            Err(index) => path.index(index),
        })
    })
}

/// A value of a well laid out file: what stands behind the colon, or lines below the key.
#[derive(Debug, Clone)]
enum Laid {
    Inline(&'static str),
    Block(Vec<(char, Laid, &'static str)>),
}

fn laid() -> impl Strategy<Value = Laid> {
    let inline = [
        "",
        "1",
        "x y",
        "'q'",
        "\"q\" ",
        "{}",
        "{a: 1}",
        "{a: , b: {c: 2}}",
        "[1, {a: 2}]",
        "|\n          text\n",
        "~",
        "!Ref x",
        ">+\n          text\n\n",
        "\n          - a: 1\n            b: 2",
    ];
    let leaf = proptest::sample::select(inline.to_vec()).prop_map(Laid::Inline);
    leaf.prop_recursive(3, 20, 4, |inner| {
        let after = proptest::sample::select(vec!["", "", " # why", "\n", "\n# apart", "\n\n          # deep"]);
        proptest::collection::vec((inner, after), 1..4).prop_map(|values| {
            Laid::Block("abcd".chars().zip(values).map(|(key, (value, after))| (key, value, after)).collect())
        })
    })
}

fn ends_in_block(value: &Laid) -> bool {
    match value {
        Laid::Inline(value) => value.starts_with(['|', '>']),
        Laid::Block(entries) => entries.last().is_some_and(|(_, value, _)| ends_in_block(value)),
    }
}

fn lay_out(value: &Laid, indent: usize, text: &mut String) {
    match value {
        Laid::Inline(value) => {
            text.push(' ');
            text.push_str(value.trim_end_matches('\n'));
        }
        Laid::Block(entries) => {
            for (key, value, after) in entries {
                text.push_str(&format!("\n{}{key}:", " ".repeat(indent)));
                lay_out(value, indent + 2, text);
                // Behind a block of text, what looks like a comment is a part of it unless it stands further left.
                if !ends_in_block(value) || !after.contains('#') || *after == "\n# apart" {
                    text.push_str(after);
                }
            }
        }
    }
}

/// Whether a text can be set at a path: nothing but maps, null or nothing on the way, no map or list at the end.
fn can_be_set(document: &Document, path: &DocPath) -> bool {
    let ancestors = std::iter::successors(path.parent(), DocPath::parent);
    let open = |path: DocPath| document.get(&path).is_none_or(|node| node.is_null() || node.as_map().is_some());
    // An expanded short tag is a map that nobody wrote.
    let is_tag = |path: &DocPath| document.get(path).is_some_and(|node| node.get("Ref").is_some());
    document.get(path).is_none_or(|node| node.is_null() || node.as_text().is_some())
        && std::iter::successors(path.parent(), DocPath::parent).all(|path| !is_tag(&path))
        && ancestors.into_iter().all(open)
}

proptest! {
    #[test]
    fn ordinary_files_can_be_edited(value in laid(), keys in "[a-e]{1,4}", crlf in any::<bool>()) {
        let mut text = String::new();
        lay_out(&Laid::Block(vec![('a', value, "")]), 0, &mut text);
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        let document = Document::parse("f.yaml", &text).expect("well laid out");
        let path = keys.chars().fold(DocPath::root(), |path, key| path.key(key));
        let edited = document.set(&path, "v");
        prop_assert_eq!(edited.is_ok(), can_be_set(&document, &path), "{} in {:?}: {:?}", path, text, edited);
        if let Ok(edited) = edited {
            prop_assert_eq!(edited.matches('#').count(), text.matches('#').count(), "{:?}", edited);
            prop_assert_eq!(edited.matches("\r\n").count(), if crlf { edited.matches('\n').count() } else { 0 });
        }
    }

    #[test]
    fn only_the_value_changes(text in yamlish(), path in some_path(), value in ".{0,8}") {
        for name in ["f.yaml", "f.json"] {
            let Ok(document) = Document::parse(name, &text) else { continue };
            let Ok(edited) = document.set(&path, &value) else { continue };
            let reread = Document::parse(name, &edited).expect("still valid");
            let node = reread.get(&path).expect("set");
            prop_assert_eq!(node.to_json(), serde_json::Value::String(value.clone()));
            // Nothing but white space, null or the old value may be gone.
            if document.get(&path).is_none() {
                let mut rest = edited.chars();
                let lost = text.chars().filter(|c| !c.is_whitespace() && !"null~&x".contains(*c)).find(|c| !rest.any(|r| r == *c));
                prop_assert_eq!(lost, None, "{:?} -> {:?}", text, edited);
            }
            let again = reread.set(&path, &value).expect("again");
            prop_assert_eq!(again, edited);
        }
    }
}
