//! What others say of generated templates and state machines: `cfn-lint` and `asl-validator`, installed by `scripts/checkers`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use attini_core::asl::{Dialect, Scope, validate};
use attini_core::document::{DocPath, Document};
use attini_core::plan::{MacroSettings, known_place, macro_response, plan_machine, resolve_template};
use attini_tests::plan_cases;
use serde_json::{Value, json};

use crate::packaged::{self, Packaged};
use crate::support::repository;

/// A template that the macro made.
struct Generated {
    name: String,
    template: Value,
    /// Resources that the author wrote, which are not ours to check.
    written: BTreeSet<String>,
    machine: Option<Value>,
}

impl Generated {
    /// Expands a template; `None` when it is refused.
    fn of(name: &str, input: &Value, settings: &MacroSettings) -> Option<Self> {
        let response = macro_response(input, settings, "0b5f9c1e-7f3d-4a57-9a0c-3d5b8f6f1c11");
        let mut template = response.get("fragment")?.clone();
        let fragment = &input["fragment"];
        let keys = fragment["Resources"].as_object().into_iter().flatten().map(|(id, _)| id.clone());
        let written: BTreeSet<String> = keys.collect();
        let text = |key: &str| input[key].as_str().unwrap_or_default();
        let mut resolved = template.clone();
        resolve_template(&mut resolved, &known_place(text("region"), text("accountId"), Some("stack")));
        let machine = plan_machine(fragment, &resolved);
        let loops = written.iter().any(|id| id.starts_with("Fn::ForEach"));
        template["Transform"] = match loops {
            true => json!(["AWS::LanguageExtensions", "AWS::Serverless-2016-10-31"]),
            false => json!("AWS::Serverless-2016-10-31"),
        };
        Some(Self { name: name.to_owned(), template, written, machine })
    }
}

fn request(mut fragment: Value) -> Value {
    fragment.as_object_mut().unwrap().shift_remove("Transform");
    json!({
        "requestId": "r", "region": "eu-west-1", "accountId": "111122223333",
        "templateParameterValues": {}, "fragment": fragment,
    })
}

/// Everything that can be generated from what is here: examples, projects of users, cases of the corpus.
fn generated() -> Vec<Generated> {
    let mut all = Vec::new();
    let account = MacroSettings::of_place("eu-west-1", "111122223333");
    for entry in fs::read_dir(repository().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = fs::read_to_string(path.join("deployment-plan.yaml")) else { continue };
        let name = format!("example-{}", path.file_name().unwrap().to_string_lossy());
        let template = Document::parse("deployment-plan.yaml", &text).unwrap().to_json();
        all.push(Generated::of(&name, &request(template), &account).expect(&name));
    }
    assert!(!all.is_empty());
    for name in packaged::names() {
        let fragment = Packaged::of(&name).fragment();
        all.push(Generated::of(&format!("project-{name}"), &request(fragment), &account).expect(&name));
    }
    for case in plan_cases().unwrap_or_default() {
        let given = case.settings();
        let settings = MacroSettings {
            default_role: given["defaultRole"].as_str().map(ToOwned::to_owned),
            default_runner_image: given["defaultRunnerImage"].as_str().unwrap_or_default().to_owned(),
            default_vpc_subnets: serde_json::from_value(given["defaultVpcSubnets"].clone()).unwrap(),
            ..account.clone()
        };
        all.extend(Generated::of(&format!("case-{}", case.name), case.input(), &settings));
    }
    all
}

/// Where the checkers are. Without them a test fails where `CI` is set, and says so elsewhere.
fn installed() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("checkers");
    let folder = std::env::var_os("ATTINI_CHECKERS").map_or_else(beside, PathBuf::from);
    if folder.join("installed").exists() {
        return Some(folder);
    }
    let text = format!(
        "cfn-lint and asl-validator are not in {}: run `scripts/checkers`, which needs PyPI and npm once; offline, copy that \
         folder from a machine that has it, or set ATTINI_CHECKERS to one",
        folder.display()
    );
    assert!(std::env::var_os("CI").is_none(), "{text}");
    println!("skipped: {text}");
    None
}

fn write(folder: &Path, documents: impl Iterator<Item = (String, Value)>) -> Vec<PathBuf> {
    let write = |(name, value): (String, Value)| {
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, format!("{value:#}")).unwrap();
        path
    };
    documents.map(write).collect()
}

#[test]
fn cfn_lint_finds_no_error_in_what_the_macro_makes() {
    let Some(checkers) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let all = generated();
    let files = write(folder.path(), all.iter().map(|made| (made.name.clone(), made.template.clone())));
    let output =
        Command::new(checkers.join("venv/bin/cfn-lint")).args(["--format", "json", "-t"]).args(&files).output();
    let output = output.unwrap();
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let mut errors = Vec::new();
    for problem in found.as_array().unwrap().iter().filter(|problem| problem["Level"] == "Error") {
        let name = Path::new(problem["Filename"].as_str().unwrap()).file_stem().unwrap().to_string_lossy().into_owned();
        let path = problem["Location"]["Path"].as_array().cloned().unwrap_or_default();
        let made = all.iter().find(|made| made.name == name).unwrap();
        let by_author = path.first().is_some_and(|section| section == "Resources")
            && path.get(1).and_then(Value::as_str).is_some_and(|id| made.written.contains(id));
        if !by_author {
            errors.push(format!("{name}: {} {} at {path:?}", problem["Rule"]["Id"], problem["Message"]));
        }
    }
    println!("{} templates", files.len());
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

#[test]
fn asl_validator_and_our_own_model_take_every_machine() {
    let machines: Vec<(String, Value)> =
        generated().into_iter().filter_map(|made| Some((made.name, made.machine?))).collect();
    let mut errors = Vec::new();
    for (name, machine) in &machines {
        let mut problems = Vec::new();
        let scope = Scope::read(machine, &DocPath::root(), Dialect::PLAIN, &[], &mut problems);
        problems.extend(validate(&scope, Dialect::PLAIN));
        errors.extend(problems.iter().map(|problem| format!("{name}: our own model: {}", problem.message)));
    }
    println!("{} state machines", machines.len());
    assert!(errors.is_empty(), "{}", errors.join("\n"));

    let Some(checkers) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let files = write(folder.path(), machines.into_iter());
    let script = repository().join("tests/checkers/asl.cjs");
    let mut command = Command::new(checkers.join("node/node"));
    let output = command.arg(script).args(&files).env("ATTINI_CHECKERS", &checkers).output().unwrap();
    let found: BTreeMap<String, Vec<String>> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    for (file, messages) in &found {
        errors.extend(messages.iter().map(|message| format!("{file}: {message}")));
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// The checkers would find something.
#[test]
fn the_checkers_do_check() {
    let Some(checkers) = installed() else { return };
    let folder = tempfile::tempdir().unwrap();
    let template = json!({"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": "Maybe"}}}});
    let machine = json!({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}});
    let documents = [("template".to_owned(), template), ("machine".to_owned(), machine)];
    let files = write(folder.path(), documents.into_iter());
    let output = Command::new(checkers.join("venv/bin/cfn-lint")).arg("-t").arg(&files[0]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("E3012"));
    let mut command = Command::new(checkers.join("node/node"));
    command.arg(repository().join("tests/checkers/asl.cjs")).arg(&files[1]).env("ATTINI_CHECKERS", &checkers);
    assert!(String::from_utf8_lossy(&command.output().unwrap().stdout).contains("machine.json"));
}
