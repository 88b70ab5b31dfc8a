use super::*;

const HEAD: &str = "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      DeploymentPlan:\n";

fn list(steps: &str) -> Outcome {
    of(&format!("{HEAD}{}", steps.lines().map(|line| format!("        {line}\n")).collect::<String>()))
}

#[test]
fn a_comment_covers_what_begins_on_its_line() {
    let field = list("- Name: Soak\n  Type: Wait\n  Seconds: 604800 # attini-lint: ignore AT078 it has to soak\n");
    assert_eq!((codes(&field), field.silenced), (vec![], 1), "{}", shown(&field));
    let step = list("- Name: Soak # attini-lint: ignore long-wait\n  Type: Wait\n  Seconds: 604800\n");
    assert_eq!((codes(&step), step.silenced), (vec![], 1), "{}", shown(&step));
    let other = list("- Name: Soak\n  Type: Wait # attini-lint: ignore AT078\n  Seconds: 604800\n");
    assert_eq!((codes(&other), other.silenced), (vec!["AT091", "AT078"], 0), "{}", shown(&other));
}

#[test]
fn a_comment_alone_covers_what_begins_on_the_next_line() {
    let found = list(
        "# attini-lint: ignore AT078, AT080 both of them\n# another comment\n\n- Name: 'Soak '\n  Type: Wait\n  Seconds: 604800\n- Name: Again\n  Type: Wait\n  Seconds: 604800\n",
    );
    assert_eq!((codes(&found), found.silenced), (vec!["AT078"], 2), "{}", shown(&found));
}

#[test]
fn text_of_a_command_is_no_comment() {
    let found = list(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands:\n      - |\n        # attini-lint: ignore AT999\n        make\n      - \"echo # attini-lint: ignore AT999\"\n",
    );
    // Text in quotes on one line looks like a comment only to whoever does not parse it.
    assert!(
        found.findings.iter().all(|finding| finding.at.as_ref().is_some_and(|at| at.line == 14)),
        "{}",
        shown(&found)
    );
}

#[test]
fn metadata_covers_its_resource_and_that_of_the_template_the_file() {
    let template = |top: &str, plan: &str| {
        format!(
            r#"{{"Transform": ["AttiniDeploymentPlan", "AWS::Serverless-2016-10-31"], {top}
  "Resources": {{
    "Builder": {{"Type": "Attini::Deploy::Runner"}},
    "Plan": {{"Type": "Attini::Deploy::DeploymentPlan", {plan}
      "Properties": {{"DeploymentPlan": [
        {{"Name": "Soak", "Type": "Wait", "Seconds": 604800}}]}}}}}}}}"#
        )
    };
    let lint = |text: &str| super::lint(&Project::of_template("plan.json", text), &all());
    let metadata = |codes: &str| format!(r#""Metadata": {{"Attini": {{"Lint": {{"Ignore": [{codes}]}}}}}},"#);
    assert_eq!(codes(&lint(&template("", ""))), ["AT051", "AT078"]);
    let of_plan = lint(&template("", &metadata(r#""AT078 it has to soak", "AT051""#)));
    assert_eq!((codes(&of_plan), of_plan.silenced), (vec!["AT051", "AT091"], 1), "{}", shown(&of_plan));
    let of_file = lint(&template(&metadata(r#""AT078", "unused-runner", "AT998", 5"#), ""));
    assert_eq!((codes(&of_file), of_file.silenced), (vec!["AT090"], 2), "{}", shown(&of_file));
}

#[test]
fn silencers_that_mean_nothing_are_found() {
    for comment in ["ignore", "ignore AT998", "silence AT078", "ignore AT078,AT998 why"] {
        let found = list(&format!("# attini-lint: {comment}\n- Name: Soak\n  Type: Wait\n  Seconds: 604800\n"));
        assert!(codes(&found).contains(&"AT090"), "{comment}: {}", shown(&found));
    }
}

#[test]
fn a_silencer_of_a_rule_that_does_not_run_is_not_useless() {
    let text = format!(
        "{HEAD}        - Name: Soak # attini-lint: ignore AT078\n          Type: Wait\n          Seconds: 604800\n"
    );
    let without: Vec<&Rule> = RULES.iter().filter(|rule| rule.code != "AT078").collect();
    let found = lint(&Project::of_template("plan.yaml", &text), &without);
    assert_eq!(codes(&found), Vec::<&str>::new());
}
