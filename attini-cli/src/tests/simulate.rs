use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::memory::{Memory, Ran, attini, attini_on};
use crate::ui::Terminal;

/// Runs `plan simulate` with options in which files are named without their folder.
fn simulate(folder: &Path, options: &str) -> Ran {
    let file = |word: &str| {
        if folder.join(word).is_file() { folder.join(word).display().to_string() } else { word.to_owned() }
    };
    let words: Vec<String> = options.split(' ').map(file).collect();
    let world = Memory::with_environments(&[]);
    attini(&world, &format!("plan simulate {}", words.join(" ")))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulate.md")
}

/// `UPDATE_DOCS=1 cargo test -p attini-cli simulate` records anew.
#[test]
fn the_examples_of_the_page_are_real_runs() {
    let text = fs::read_to_string(page()).expect("the page");
    let yaml: Vec<&str> = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [machine, mocks] = yaml[..] else { panic!("the page has a machine and mocks") };
    let folder = folder(&[("machine.yaml", machine), ("mocks.yaml", mocks)]);
    let mut recorded = String::new();
    for (index, part) in text.split("```console\n").enumerate() {
        let Some((block, rest)) = part.split_once("```").filter(|_| index > 0) else {
            recorded.push_str(part);
            continue;
        };
        let command =
            block.lines().next().and_then(|line| line.strip_prefix("$ attini plan simulate ")).expect("a command");
        let ran = simulate(folder.path(), command);
        let shown = format!("{}{}", ran.out, ran.err).replace(&format!("{}/", folder.path().display()), "");
        recorded.push_str(&format!("```console\n$ attini plan simulate {command}\n{shown}```{rest}"));
    }
    if text != recorded && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(page(), recorded).expect("written");
        return;
    }
    assert_eq!(text, recorded, "record it with `UPDATE_DOCS=1 cargo test -p attini-cli simulate`");
    assert!(text.lines().filter(|line| line.contains("Entered")).all(|line| line.chars().count() <= 80));
}

const FAILING: &str = r#"{"kind": "execution", "input": {}, "tasks": [], "machine_type": "STANDARD",
    "definition": {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}},
    "expected": {"status": "SUCCEEDED"}}"#;

#[test]
fn a_case_prints_one_json_document_whatever_its_end() {
    let folder = folder(&[("case.json", FAILING)]);
    for options in ["--case case.json", "--case case.json --json"] {
        let ran = simulate(folder.path(), options);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
        assert_eq!(
            (&answer["status"], &answer["error"], &answer["cause"]),
            (&json!("FAILED"), &json!("E"), &json!("c"))
        );
        assert_eq!(answer["events"].as_array().map(Vec::len), Some(3));
    }
}

#[test]
fn a_case_that_cannot_be_run_says_why() {
    let waiting = r#"{"kind": "execution", "tasks": [], "definition": {"StartAt": "A", "States":
        {"A": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": true}}}}"#;
    let folder = folder(&[
        ("none.json", "{}"),
        ("kind.json", r#"{"kind": "poem", "definition": {}}"#),
        ("text.json", "{"),
        ("waiting.json", waiting),
    ]);
    for (file, why) in [
        ("none.json", "`kind` is missing"),
        ("kind.json", "`poem`"),
        ("text.json", "EOF while parsing"),
        ("waiting.json", "no result left for a task of A"),
        ("missing.json", "cannot read missing.json"),
    ] {
        let ran = simulate(folder.path(), &format!("--case {file}"));
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{file}: {}", ran.err);
        assert!(ran.err.contains(why), "{file}: {}", ran.err);
    }
}

#[test]
fn json_is_one_document() {
    let machine = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#;
    let folder = folder(&[("machine.json", machine), ("input.yaml", "n: 1\n")]);
    let ran = simulate(folder.path(), "--definition machine.json --input input.yaml --json");
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(answer, json!({"status": "SUCCEEDED", "output": {"n": 1}}));
    let ran = simulate(folder.path(), "--definition machine.json --json --history");
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(answer["events"][1]["type"], "PassStateEntered");
    let ran = simulate(folder.path(), "--definition machine.json --state A --json");
    let answer: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(answer, json!({"status": "SUCCEEDED", "output": {}}));
}

#[test]
fn a_failure_of_data_says_what_the_state_was_given_and_what_to_do() {
    let machine = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "InputPath": "$.b", "End": true}}}"#;
    let choice = r#"{"StartAt": "C", "States": {"C": {"Type": "Choice", "Choices":
        [{"Variable": "$.n", "NumericEquals": 1, "Next": "D"}]}, "D": {"Type": "Succeed"}}}"#;
    let folder = folder(&[("a.json", machine), ("c.json", choice), ("input.json", "{\"n\": 2}")]);
    for (file, hint) in [
        ("a.json", "state `A` of execution `simulation` was given {\"n\":2}; correct the path"),
        ("c.json", "state `C` of execution `simulation` was given {\"n\":2}; add a rule for this, or a `Default`"),
    ] {
        let ran = simulate(folder.path(), &format!("--definition {file} --input input.json"));
        assert!(ran.out.contains(hint) || ran.err.contains(hint), "{} {}", ran.out, ran.err);
    }
}

#[test]
fn input_comes_from_stdin_too() {
    let machine = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#;
    let folder = folder(&[("machine.json", machine)]);
    let line = format!("plan simulate --definition {} --input -", folder.path().join("machine.json").display());
    let ran = attini_on(&Memory::with_environments(&[]), &line, Terminal::default(), "{\"n\": 2}");
    assert!(ran.out.contains("\"n\": 2"), "{} {}", ran.out, ran.err);
    let ran = simulate(folder.path(), "--definition - --input -");
    assert_eq!((ran.code, ran.err.contains("only one file")), (151, true), "{}", ran.err);
}

#[test]
fn mistakes_in_mocks_are_shown_where_they_are() {
    let machine = r#"{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}"#;
    let folder = folder(&[("machine.json", machine), ("mocks.yaml", "A:\n  reslt: 1\n")]);
    let ran = simulate(folder.path(), "--definition machine.json --mocks mocks.yaml");
    assert_eq!(ran.code, 151);
    assert!(ran.err.contains("mocks.yaml:2:3") && ran.err.contains("did you mean `result`?"), "{}", ran.err);
}
