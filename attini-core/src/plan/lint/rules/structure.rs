//! Rules about files and the frame of a template.

use std::collections::BTreeSet;

use serde_json::Value;

use super::refusal::{self, Kind};
use super::{Example, Findings, Level, Rule};
use crate::document::{DocPath, Node};
use crate::plan::lint::facts::{Facts, TemplateFacts};
use crate::problem::SourceSpot;

const MACRO: &str = "AttiniDeploymentPlan";
const SAM: &str = "AWS::Serverless-2016-10-31";

pub(super) const UNREADABLE_FILE: Rule = Rule {
    code: "AT001",
    name: "unreadable-file",
    level: Level::Error,
    summary: "A file cannot be read: a mistake of syntax, a key that stands twice, a name that cannot be published.",
    why: "Nothing in the file can be trusted: of two equal keys one would be lost without a word.",
    fix: "Correct the place that the finding shows.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n    Commands: [make test]\n",
    ),
    good: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make, make test]\n"),
    check: |facts, to| {
        facts.project.unreadable.iter().for_each(|problem| to.problem(problem));
        let Some(template) = &facts.template else { return };
        let names: Vec<SourceSpot> = repeated_states(template).into_iter().map(|(_, spot)| spot).collect();
        for problem in template.document.duplicate_keys() {
            if problem.at.as_ref().is_none_or(|at| !names.contains(at)) {
                to.problem(&problem);
            }
        }
    },
};

/// Returns the names of states that stand twice in their scope, with their second places.
fn repeated_states(template: &TemplateFacts<'_>) -> Vec<(String, SourceSpot)> {
    let duplicates: Vec<SourceSpot> = template.document.duplicate_keys().into_iter().filter_map(|it| it.at).collect();
    if duplicates.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for scope in template.plans.iter().flat_map(|plan| &plan.scopes) {
        let path = scope.scope.origin.key("States");
        let mut seen = BTreeSet::new();
        for (key, _) in template.document.get(&path).and_then(Node::as_map).into_iter().flatten() {
            if !seen.insert(key.text.as_str()) {
                // The spot of a path is that of its last key, which is the second one of two.
                found.extend(template.document.key_spot(&path.key(&key.text)).map(|spot| (key.text.clone(), spot)));
            }
        }
    }
    found.retain(|(_, spot)| duplicates.contains(spot));
    found
}

pub(super) const INVALID_CONFIG: Rule = Rule {
    code: "AT002",
    name: "invalid-config",
    level: Level::Error,
    summary: "The `attini-config` file is missing or wrong.",
    why: "The distribution cannot be packaged or deployed.",
    fix: "`attini config validate` shows the same with all values; the [keys](../reference/attini-config.md) are listed in the reference.",
    bad: Example::Files(&[("attini-config.yaml", "distributionName: shop\ndistributionTag:\n  team: web\n")]),
    good: Example::Files(&[("attini-config.yaml", "distributionName: shop\ndistributionTags:\n  team: web\n")]),
    check: |facts, to| facts.project.misconfigured.iter().for_each(|problem| to.problem(problem)),
};

pub(super) const DUPLICATE_NAME: Rule = Rule {
    code: "AT005",
    name: "duplicate-step-name",
    level: Level::Error,
    summary: "Two steps of a plan have the same name, or one has that of a step that Attini makes.",
    why: "Names are unique in the whole plan, branches included: outputs are kept by the name of their step, and Step Functions refuses \
          such a state machine.",
    fix: "Rename one of them.",
    bad: Example::Steps("- Name: Build\n  Type: Pass\n- Name: Build\n  Type: Pass\n"),
    good: Example::Steps("- Name: Build\n  Type: Pass\n- Name: Test\n  Type: Pass\n"),
    check: |facts, to| {
        refusal::report(facts, Kind::Name, to);
        for (name, spot) in facts.template.iter().flat_map(repeated_states) {
            to.spot(Some(spot), format!("the step name {name} stands twice, only the last one would count"))
                .help("rename one of them");
        }
    },
};

pub(super) const TRANSFORM_HEADER: Rule = Rule {
    code: "AT008",
    name: "transform-header",
    level: Level::Error,
    summary: "A template with a plan or a runner does not begin with the transforms that translate it, in their order.",
    why: "Without `AttiniDeploymentPlan` CloudFormation does not know the types `Attini::Deploy::…`. It makes SAM resources, so \
          `AWS::Serverless-2016-10-31` has to come after it.",
    fix: "Write `Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]`.",
    bad: Example::Template(
        "Transform: AWS::Serverless-2016-10-31\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    Properties:\n      \
         DeploymentPlan:\n        - Name: A\n          Type: Pass\n",
    ),
    good: Example::Template(
        "Transform: [AttiniDeploymentPlan, AWS::Serverless-2016-10-31]\nResources:\n  Plan:\n    Type: Attini::Deploy::DeploymentPlan\n    \
         Properties:\n      DeploymentPlan:\n        - Name: A\n          Type: Pass\n",
    ),
    check: transform_header,
};

fn transform_header(facts: &Facts<'_>, to: &mut Findings) {
    let Some(template) = &facts.template else { return };
    if template.plans.is_empty() && template.runners().next().is_none() {
        return;
    }
    let transforms: Vec<&str> = match template.json.get("Transform") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let place = |name: &str| transforms.iter().position(|found| *found == name);
    let message = match (place(MACRO), place(SAM)) {
        (Some(own), Some(sam)) if own < sam => return,
        (Some(_), Some(_)) => format!("`{MACRO}` has to stand before `{SAM}`"),
        (None, _) => format!("`Transform` lacks `{MACRO}`, without which nobody knows the types of Attini"),
        (Some(_), None) => format!("`Transform` lacks `{SAM}`, which translates what `{MACRO}` makes"),
    };
    to.key(template.document, &DocPath::root().key("Transform"), message)
        .help(format!("write `Transform: [{MACRO}, {SAM}]`"));
}
