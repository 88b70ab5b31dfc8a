//! What the framework itself would refuse, sorted by kind. Its own check is asked, so that lint and deployment agree.

use super::{Example, Findings, Level, Rule};
use crate::document::Segment;
use crate::plan::PlanProblem;
use crate::plan::lint::facts::Facts;

/// The kinds of refusals that have a rule of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Target,
    Name,
    Type,
    Property,
    Unreachable,
    Runner,
    Commands,
    Other,
}

/// Returns the kind of a refusal by its words, which are this library's own.
pub(super) fn kind_of(problem: &PlanProblem) -> Kind {
    let text = own_text(problem);
    let begins = |words: &[&str]| words.iter().any(|word| text.starts_with(word));
    if text.ends_with("which is no state of this scope") {
        Kind::Target
    } else if begins(&["the step name ", "the name ", "the state "]) {
        Kind::Name
    } else if begins(&["Type is missing", "Type must be ", "unknown Type "]) {
        Kind::Type
    } else if begins(&["unknown property ", "key "]) || text.ends_with("is no field of a step") {
        Kind::Property
    } else if begins(&["can never run, "]) {
        Kind::Unreachable
    } else if text.ends_with("is no runner of this template") {
        Kind::Runner
    } else if begins(&["Commands is missing", "Commands must not be empty"]) {
        Kind::Commands
    } else {
        Kind::Other
    }
}

/// Returns the message without the names of resource and step in front.
fn own_text(problem: &PlanProblem) -> &str {
    let resource = match problem.path.segments() {
        [Segment::Key(section), Segment::Key(resource), ..] if section == "Resources" => Some(resource),
        _ => None,
    };
    let front = match (resource, &problem.step) {
        (Some(resource), Some(step)) => format!("{resource}, step {step}: "),
        (Some(resource), None) => format!("{resource}: "),
        (None, Some(step)) => format!("step {step}: "),
        (None, None) => String::new(),
    };
    problem.message.strip_prefix(&front).unwrap_or(&problem.message)
}

/// Reports the refusals of a kind.
pub(super) fn report(facts: &Facts<'_>, kind: Kind, to: &mut Findings) {
    let Some(template) = &facts.template else { return };
    for problem in template.refusals.iter().filter(|problem| kind_of(problem) == kind) {
        // What is missing has no value to point at, the name of its step has.
        let at = match kind {
            Kind::Property => template.document.key_spot(&problem.path),
            _ => template.document.spot(&problem.path),
        };
        let added = to.spot(at, problem.message.clone()).level(Level::Error);
        if let Some(help) = &problem.help {
            added.help(help.clone());
        }
    }
}

pub(super) const REFUSED_PLAN: Rule = Rule {
    code: "AT003",
    name: "refused-plan",
    level: Level::Error,
    summary: "The framework refuses the plan or a runner of it.",
    why: "Packaging or the init stack's deployment ends with this message. Rules with a code of their own tell the most frequent \
          mistakes; this one tells the others.",
    fix: "The message names the resource, the step and the field.",
    bad: Example::Steps("- Name: Database\n  Type: AttiniCfn\n  Properties:\n    Template: /database.yaml\n"),
    good: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties:\n    StackName: !Sub ${AttiniEnvironmentName}-database\n    Template: /database.yaml\n",
    ),
    check: |facts, to| report(facts, Kind::Other, to),
};

pub(super) const UNKNOWN_TARGET: Rule = Rule {
    code: "AT004",
    name: "unknown-target",
    level: Level::Error,
    summary: "`StartAt`, `Next` or `Default` names a step that does not exist in the same scope.",
    why: "Step Functions refuses the state machine. A branch and the iterator of a map are scopes of their own: no link leads in or out.",
    fix: "Write the name of a step of the same scope; letter case and blanks count.",
    bad: Example::States(
        "StartAt: Build\nStates:\n  Build: {Type: Pass, Next: Deplyo}\n  Deploy: {Type: Pass, End: true}\n",
    ),
    good: Example::States(
        "StartAt: Build\nStates:\n  Build: {Type: Pass, Next: Deploy}\n  Deploy: {Type: Pass, End: true}\n",
    ),
    check: |facts, to| report(facts, Kind::Target, to),
};

pub(super) const UNKNOWN_TYPE: Rule = Rule {
    code: "AT006",
    name: "unknown-type",
    level: Level::Error,
    summary: "A step has no type, or one that nobody knows.",
    why: "Nobody could run the step; Step Functions refuses the state machine.",
    fix: "Write one of the types of Attini or of the States Language; letter case counts.",
    bad: Example::Steps("- Name: Wait\n  Type: AttiniManualAproval\n"),
    good: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    check: |facts, to| report(facts, Kind::Type, to),
};

pub(super) const UNKNOWN_PROPERTY: Rule = Rule {
    code: "AT007",
    name: "unknown-property",
    level: Level::Error,
    summary: "A step, a plan or a runner has a field or property that it does not know.",
    why: "What it should set would not be set. Most often it is misspelt, or stands beside `Properties` instead of in it. \
          Plans with unknown properties of steps are deployed all the same, with a warning, since they always were.",
    fix: "Correct the name, or move it into `Properties`.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n    Enviroment: {STAGE: test}\n",
    ),
    good: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n    Environment: {STAGE: test}\n",
    ),
    check: |facts, to| report(facts, Kind::Property, to),
};

pub(super) const UNKNOWN_RUNNER: Rule = Rule {
    code: "AT050",
    name: "unknown-runner",
    level: Level::Error,
    summary: "A step or a plan names a runner that the template does not define.",
    why: "Nobody would take the job; the framework refuses the plan.",
    fix: "Write the logical id of a resource of type `Attini::Deploy::Runner` in the same template, or leave `Runner` out.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Runner: Builder\n    Commands: [make]\n",
    ),
    good: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    check: |facts, to| report(facts, Kind::Runner, to),
};
