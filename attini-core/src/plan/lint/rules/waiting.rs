//! Rules about steps that wait: for people, or for time to pass.

use serde_json::Value;

use super::flow::concurrent;
use super::{Example, Findings, Level, Rule};
use crate::plan::lint::facts::Facts;
use crate::plan::lint::graph::successors;

/// Seconds of a day, the longest wait that nobody wonders at.
const DAY: u64 = 24 * 3600;

pub(super) const APPROVAL_WITHOUT_TIMEOUT: Rule = Rule {
    code: "AT075",
    name: "approval-without-timeout",
    level: Level::Note,
    summary: "An approval waits without `TimeoutSeconds`.",
    why: "An approval that everybody forgot keeps its deployment open for up to a year.",
    fix: "Add `TimeoutSeconds` to the step.",
    bad: Example::Steps(
        "- Name: Tell\n  Type: AttiniLambdaInvoke\n  Parameters: {FunctionName: tell}\n- Name: Approve\n  Type: AttiniManualApproval\n",
    ),
    good: Example::Steps(
        "- Name: Tell\n  Type: AttiniLambdaInvoke\n  Parameters: {FunctionName: tell}\n- Name: Approve\n  Type: AttiniManualApproval\n  TimeoutSeconds: 86400\n",
    ),
    check: |facts, to| {
        for state in facts.states().filter(|it| it.state.kind == "AttiniManualApproval") {
            if state.field("TimeoutSeconds").is_none() && state.field("TimeoutSecondsPath").is_none() {
                let text = format!("{} waits for up to a year", state.state.name);
                to.spot(state.spot(), text).help("add `TimeoutSeconds: 86400`");
            }
        }
    },
};

pub(super) const APPROVAL_IN_PARALLEL: Rule = Rule {
    code: "AT076",
    name: "approval-in-parallel",
    level: Level::Warning,
    summary: "An approval is in a branch of a `Parallel` or in a map.",
    why: "What the other branches do goes on, approved or not, and a rejection stops them half-way. Iterations of a map ask under the same name, \
          and only the last question can be answered.",
    fix: "Ask before the `Parallel` or map.",
    bad: Example::Steps(
        "- Name: Both\n  Type: Parallel\n  Branches:\n    - - Name: Tell\n        Type: AttiniLambdaInvoke\n        Parameters: {FunctionName: tell}\n      - Name: Approve\n        Type: AttiniManualApproval\n        TimeoutSeconds: 86400\n    \
         - - Name: Build\n        Type: AttiniRunnerJob\n        Properties: {Commands: [make]}\n",
    ),
    good: Example::Steps(
        "- Name: Tell\n  Type: AttiniLambdaInvoke\n  Parameters: {FunctionName: tell}\n- Name: Approve\n  Type: AttiniManualApproval\n  TimeoutSeconds: 86400\n- Name: Both\n  Type: Parallel\n  Branches:\n    \
         - - Name: Test\n        Type: AttiniRunnerJob\n        Properties: {Commands: [make test]}\n    - - Name: Build\n        Type: AttiniRunnerJob\n        Properties: {Commands: [make]}\n",
    ),
    check: |facts, to| {
        for state in facts.states().filter(|it| it.state.kind == "AttiniManualApproval") {
            if let Some(around) = concurrent(&state) {
                let text =
                    format!("{} asks in the middle of {}", state.state.name, state.plan.states[around].state.name);
                to.spot(state.spot(), text);
            }
        }
    },
};

pub(super) const APPROVAL_UNANNOUNCED: Rule = Rule {
    code: "AT077",
    name: "approval-unannounced",
    level: Level::Note,
    summary: "Nothing tells anybody that an approval waits.",
    why: "Whoever has to approve learns of it only by looking.",
    fix: "Put a step in front that tells: a job, a function, or a `Task` that publishes to a topic.",
    bad: Example::Steps(
        "- Name: Database\n  Type: AttiniCfn\n  Properties: {StackName: !Sub \"${AttiniEnvironmentName}-database\", Template: /database.yaml}\n- Name: Approve\n  Type: AttiniManualApproval\n  TimeoutSeconds: 86400\n",
    ),
    good: Example::Steps(
        "- Name: Tell\n  Type: AttiniRunnerJob\n  Properties: {Commands: [./tell.sh]}\n- Name: Approve\n  Type: AttiniManualApproval\n  TimeoutSeconds: 86400\n",
    ),
    check: approval_unannounced,
};

/// Looks for a step that could tell, anywhere before the approval in its scope.
fn approval_unannounced(facts: &Facts<'_>, to: &mut Findings) {
    const TELLING: [&str; 3] = ["AttiniRunnerJob", "AttiniLambdaInvoke", "Task"];
    for (template, plan) in facts.plans() {
        for scope in &plan.scopes {
            let states = &scope.scope.states;
            if !states.iter().any(|state| state.kind == "AttiniManualApproval") {
                continue;
            }
            let mut told = vec![false; scope.graph.nodes()];
            for (number, _) in states.iter().enumerate().filter(|(_, state)| TELLING.contains(&state.kind.as_str())) {
                if successors(&states[number]).is_empty() || told[scope.graph.done(number)] {
                    continue;
                }
                let after = scope.graph.flood(Some(scope.graph.done(number)), &std::collections::HashSet::new());
                told.iter_mut().zip(after).for_each(|(told, after)| *told |= after);
            }
            for (number, state) in states.iter().enumerate().filter(|(_, state)| state.kind == "AttiniManualApproval") {
                if !told[scope.graph.enter(number)] {
                    let at = crate::plan::lint::facts::state_spot(template.document, state);
                    to.spot(at, format!("nothing tells anybody that {} waits", state.name));
                }
            }
        }
    }
}

pub(super) const LONG_WAIT: Rule = Rule {
    code: "AT078",
    name: "long-wait",
    level: Level::Warning,
    summary: "A `Wait` lasts longer than a day.",
    why: "The deployment stays open all that time, and the next one of the same distribution replaces it: what comes after the wait may never run.",
    fix: "Split the plan into two distributions, or let a schedule start the rest.",
    bad: Example::Steps("- Name: Soak\n  Type: Wait\n  Seconds: 604800\n"),
    good: Example::Steps("- Name: Soak\n  Type: Wait\n  Seconds: 600\n"),
    check: |facts, to| {
        for state in facts.states().filter(|it| it.state.kind == "Wait") {
            if let Some(own) = state.field("Seconds").and_then(Value::as_u64).filter(|own| *own > DAY) {
                let text = format!("{} waits for {} days", state.state.name, own.div_ceil(DAY));
                to.value(state.template.document, &state.state.origin.key("Seconds"), text);
            }
        }
    },
};
