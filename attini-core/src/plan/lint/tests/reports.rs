use serde_json::Value;

use super::*;

fn found() -> Outcome {
    let mut outcome = of(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n        \
         - Name: <Soak>\n          Type: Wait\n          Seconds: 604800\n        - Name: Test\n          Type: AttiniRunnerJob\n          Properties:\n            Environment: {A.$: $.output.Biuld}\n            Commands: [make]\n",
    );
    assert_eq!(codes(&outcome), ["AT078", "AT020"], "{}", shown(&outcome));
    let mut nowhere = outcome.findings[0].clone();
    nowhere.at = None;
    outcome.findings.push(nowhere);
    outcome
}

/// What the schema of SARIF 2.1.0 demands of the parts that are used here.
#[test]
fn sarif_has_the_structure_of_its_schema() {
    let outcome = found();
    let log = sarif(&outcome, "0.1.0");
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().is_some_and(|schema| schema.starts_with("https://")));
    let runs = log["runs"].as_array().expect("required");
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert!(driver["name"].is_string());
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&runs[0]), ["tool", "columnKind", "results"]);
    assert!(["utf16CodeUnits", "unicodeCodePoints"].contains(&runs[0]["columnKind"].as_str().expect("text")));
    let rules = driver["rules"].as_array().expect("a list");
    for rule in rules {
        assert!(rule["id"].is_string() && rule["shortDescription"]["text"].is_string());
        assert!(
            ["none", "note", "warning", "error"]
                .contains(&rule["defaultConfiguration"]["level"].as_str().expect("text"))
        );
    }
    let results = runs[0]["results"].as_array().expect("a list");
    assert_eq!(results.len(), outcome.findings.len());
    for result in results {
        assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
        assert!(["none", "note", "warning", "error"].contains(&result["level"].as_str().expect("text")));
        let index = usize::try_from(result["ruleIndex"].as_u64().expect("an index")).expect("small");
        assert_eq!(rules[index]["id"], result["ruleId"]);
        for location in result["locations"].as_array().into_iter().flatten() {
            let place = &location["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].as_str().is_some_and(|uri| !uri.contains([' ', '<'])));
            let region = |key: &str| place["region"][key].as_u64().expect("a number");
            assert!(
                region("startLine") >= 1 && region("startColumn") >= 1 && region("endColumn") > region("startColumn")
            );
        }
    }
    assert!(results[2].get("locations").is_none());
}

#[test]
fn junit_counts_and_escapes() {
    let outcome = found();
    insta::assert_snapshot!(junit(&outcome, Level::Error), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="attini plan lint" tests="3" failures="1">
      <testsuite name="project" tests="1" failures="0" errors="0" skipped="0">
        <testcase classname="project" name="AT078 long-wait">
          <system-out>warning: &lt;Soak&gt; waits for 7 days</system-out>
        </testcase>
      </testsuite>
      <testsuite name="plan.yaml" tests="2" failures="1" errors="0" skipped="0">
        <testcase classname="plan.yaml" name="AT078 long-wait (9:20)">
          <system-out>warning: plan.yaml:9:20: &lt;Soak&gt; waits for 7 days</system-out>
        </testcase>
        <testcase classname="plan.yaml" name="AT020 unknown-output (13:32)">
          <failure type="error" message="`$.output.Biuld` reads the output of Biuld, which does not exist">plan.yaml:13:32: `$.output.Biuld` reads the output of Biuld, which does not exist</failure>
        </testcase>
      </testsuite>
    </testsuites>
    "#);
    assert!(junit(&outcome, Level::Warning).contains("failures=\"3\""));
    let nothing = of("Resources: {}");
    assert!(junit(&nothing, Level::Error).contains("<testcase classname=\"plan.yaml\" name=\"no findings\"/>"));
}
