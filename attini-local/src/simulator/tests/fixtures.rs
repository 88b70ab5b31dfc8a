//! The templates in `tests/fixtures/simulator`, whose outcome was written down from CloudFormation's documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use attini_core::document::Document;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    template: String,
    doc: String,
    #[serde(default)]
    parameters: BTreeMap<String, String>,
    #[serde(default)]
    exports: BTreeMap<String, String>,
    #[serde(default)]
    ssm: BTreeMap<String, String>,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    outputs: BTreeMap<String, String>,
    refused: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/simulator")
}

fn read(name: &str) -> Value {
    let text = fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    Document::parse(name, &text).unwrap_or_else(|problems| panic!("{problems}")).to_json()
}

fn cases() -> Vec<Case> {
    serde_json::from_value(read("cases.yaml")).expect("is a list of cases")
}

/// Returns what is wrong with the outcome.
fn problem(case: &Case) -> Option<String> {
    let mut surroundings = Surroundings::new();
    surroundings.ssm.extend(case.ssm.clone());
    for (name, value) in &case.exports {
        let export = Export { value: value.clone(), stack: "other".to_owned() };
        surroundings.exports.insert(name.clone(), export);
    }
    let mut wanted = request(OperationKind::Create, read(&case.template));
    wanted.name = StackName::parse("fixture").expect("valid");
    wanted.parameters =
        case.parameters.iter().map(|(name, text)| (name.clone(), ParameterValue::Text(text.clone()))).collect();
    let outcome = surroundings.run(None, &wanted);
    match (outcome, &case.refused) {
        (Err(refusal), Some(part)) if refusal.to_string().contains(part) => None,
        (Err(refusal), _) => Some(format!("refused: {refusal}")),
        (Ok(_), Some(_)) => Some("was not refused".to_owned()),
        (Ok(outcome), None) => {
            let state = outcome.state.expect("exists");
            let resources: Vec<&String> = state.resources.keys().collect();
            let outputs: BTreeMap<String, String> = state.outputs.iter().cloned().collect();
            let mut expected: Vec<&String> = case.resources.iter().collect();
            expected.sort_unstable();
            let same = state.status == "CREATE_COMPLETE" && resources == expected && outputs == case.outputs;
            (!same).then(|| format!("{} {:?} {resources:?} {outputs:?}", state.status, state.status_reason))
        }
    }
}

#[test]
fn all_templates_end_as_the_documentation_says() {
    let problems: Vec<String> =
        cases().iter().filter_map(|case| Some(format!("{}: {}", case.template, problem(case)?))).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn there_are_enough_templates_for_every_function() {
    let cases = cases();
    let count = |is: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| is(case)).count();
    assert!(cases.len() >= 60 && cases.iter().all(|case| case.doc.starts_with("https://docs.aws.amazon.com/")));
    assert!(count(&|case| case.refused.is_some()) >= 10);
    assert!(count(&|case| case.template.starts_with("cdk-")) >= 10);
    let files = fs::read_dir(folder()).expect("is there").count();
    assert_eq!(files, cases.len() + 1, "every template has a case");
    let texts: Vec<String> = cases.iter().map(|case| read(&case.template).to_string()).collect();
    for function in [
        "Ref",
        "Fn::Base64",
        "Fn::Cidr",
        "Fn::And",
        "Fn::Equals",
        "Fn::If",
        "Fn::Not",
        "Fn::Or",
        "Fn::FindInMap",
        "Fn::ForEach::",
        "Fn::GetAtt",
        "Fn::GetAZs",
        "Fn::ImportValue",
        "Fn::Join",
        "Fn::Length",
        "Fn::Select",
        "Fn::Split",
        "Fn::Sub",
        "Fn::ToJsonString",
    ] {
        let with = texts.iter().filter(|text| text.contains(&format!("\"{function}"))).count();
        assert!(with >= 5, "{function}: {with}");
    }
}
