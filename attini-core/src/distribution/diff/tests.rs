#![allow(clippy::unwrap_used, reason = "tests may panic")]

use super::*;
use crate::distribution::inspect::tests::{CONFIG, PLAN, inspected};

fn differences(old: &[(&str, &str)], new: &[(&str, &str)]) -> Difference {
    diff(&inspected(old).unwrap(), &inspected(new).unwrap())
}

/// The text without its first line, which holds the digests.
fn text(found: &Difference) -> String {
    found.to_string().split_once('\n').unwrap().1.to_owned()
}

#[test]
fn equal_content_is_equal_however_it_is_packed() {
    let config = ("attini-config.yaml", CONFIG);
    let found = differences(
        &[config, ("b", "1"), ("deploy/plan.yaml", PLAN)],
        &[("deploy/plan.yaml", PLAN), ("b", "1"), config],
    );
    assert!(found.equal && found.config.is_empty() && found.plans.is_empty() && found.files.is_empty());
    assert!(found.to_string().starts_with("The distributions are equal: content "));
}

#[test]
fn what_a_reviewer_reads() {
    let config =
        CONFIG.replace("1.4.0", "1.5.0").replace(", Note: null", "").replace("users}", "users}, {distributionName: c}");
    let config = config.replace("{team: web}", "{team: web, cost: 'a b'}");
    let plan = PLAN
        .replace("[make]", "[make all, make check]")
        .replace("[{Name: Two, Type: Pass}]", "[{Name: Two, Type: Wait, Seconds: 1}, {Name: New, Type: Pass}]")
        .replace("        - Name: Ask\n          Type: AttiniManualApproval\n", "")
        .replace("DefaultRunner: Runner", "DefaultRunner: Other");
    let old =
        [("attini-config.yaml", CONFIG), ("deploy/plan.yaml", PLAN), ("gone", "x"), ("run.sh", "1"), ("same", "1")];
    let new = [
        ("attini-config.yaml", config.as_str()),
        ("deploy/plan.yaml", &plan),
        ("new.sh", "xy"),
        ("run.sh", "2"),
        ("same", "1"),
    ];
    insta::assert_snapshot!(text(&differences(&old, &new)), @r#"
    Configuration:
      ~ version: 1.4.0 -> 1.5.0
      + distributionTags.cost: a b
      + dependencies[2]: {"distributionName":"c"}
      - initDeployConfig.parameters.prod.Note: null
    Plans:
      ~ Plan
          ~ DefaultRunner: Runner -> Other
      - Plan: Ask (AttiniManualApproval)
      ~ Plan: Build (AttiniRunnerJob)
          ~ Properties.Commands[0]: make -> make all
          + Properties.Commands[1]: make check
      ~ Plan: Two (Wait)
          ~ Type: Pass -> Wait
          + Seconds: 1
      + Plan: New (Pass)
    Files:
      ~ attini-config.yaml (362 -> 386 bytes)
      ~ deploy/plan.yaml (477 -> 472 bytes)
      - gone (1 bytes, mode 0644)
      + new.sh (2 bytes, mode 0755)
      ~ run.sh (other content, 1 bytes)
    "#);
}

#[test]
fn steps_that_change_places() {
    let config = "distributionName: a\ninitDeployConfig: {template: p.yaml, stackName: s}\n";
    let plan = |steps: &str| {
        format!(
            "Resources: {{P: {{Type: 'Attini::Deploy::DeploymentPlan', Properties: {{DeploymentPlan: [{steps}]}}}}}}"
        )
    };
    let (a, b) = ("{Name: A, Type: Pass}", "{Name: B, Type: Pass}");
    let c = "{Name: C, Type: Parallel, Branches: [[{Name: D, Type: Pass}]]}";
    let old = plan(&format!("{a}, {b}, {c}"));
    let swapped = plan(&format!("{b}, {a}, {c}"));
    let moved = plan(&format!("{a}, {{Name: C, Type: Parallel, Branches: [[{{Name: D, Type: Pass}}, {b}]]}}"));
    let told = |new: &str| {
        let found = differences(
            &[("attini-config.yaml", config), ("p.yaml", &old)],
            &[("attini-config.yaml", config), ("p.yaml", new)],
        );
        text(&found)
    };
    insta::assert_snapshot!(told(&swapped), @r#"
    Plans:
      ~ P
          ~ order: A, B, C, D -> B, A, C, D
    Files:
      ~ p.yaml (other content, 198 bytes)
    "#);
    insta::assert_snapshot!(told(&moved), @r#"
    Plans:
      ~ P: B (Pass)
          + (inside): C
      ~ P
          ~ order: A, B, C, D -> A, C, D, B
    Files:
      ~ p.yaml (other content, 198 bytes)
    "#);
}

#[test]
fn no_text_reaches_the_terminal_raw() {
    let config = |note: &str| format!("distributionName: a\ndistributionTags: {{n: \"{note}\"}}\n");
    let found = differences(&[("attini-config.yaml", &config("x"))], &[("attini-config.yaml", &config("\\e[2J"))]);
    assert!(!found.to_string().contains('\u{1b}'));
    assert!(found.to_string().contains(r#"~ distributionTags.n: x -> "\u001b[2J""#), "{found}");
}
