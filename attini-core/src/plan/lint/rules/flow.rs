//! Rules about the way through a plan.

use std::collections::BTreeSet;

use serde_json::Value;

use super::refusal::{self, Kind};
use super::{Example, Findings, Level, Rule};
use crate::document::Segment;
use crate::plan::lint::facts::{Facts, PlanFacts, StateIn, TemplateFacts, state_spot};
use crate::plan::lint::graph::{catchers, is_fail};
use crate::plan::lint::payload::Loss;

const CATCH_ALL: &str = "States.ALL";

pub(super) const UNREACHABLE_STEP: Rule = Rule {
    code: "AT010",
    name: "unreachable-step",
    level: Level::Warning,
    summary: "No way leads to a step.",
    why: "It never runs. Either a link is missing, or the step is left over.",
    fix: "Link to the step, or remove it.",
    bad: Example::States(
        "StartAt: Build\nStates:\n  Build: {Type: Pass, Next: Deploy}\n  Test: {Type: Pass, Next: Deploy}\n  Deploy: {Type: Pass, End: true}\n",
    ),
    good: Example::States(
        "StartAt: Build\nStates:\n  Build: {Type: Pass, Next: Test}\n  Test: {Type: Pass, Next: Deploy}\n  Deploy: {Type: Pass, End: true}\n",
    ),
    check: unreachable_step,
};

fn unreachable_step(facts: &Facts<'_>, to: &mut Findings) {
    refusal::report(facts, Kind::Unreachable, to);
    let Some(template) = &facts.template else { return };
    if is_blurred(template) {
        return;
    }
    for scope in template.plans.iter().flat_map(|plan| &plan.scopes) {
        if scope.graph.start().is_none() {
            continue;
        }
        for (number, state) in scope.scope.states.iter().enumerate() {
            if state.made_for.is_none() && !scope.graph.is_reached(number) {
                to.spot(state_spot(template.document, state), format!("no way leads to the step {}", state.name));
            }
        }
    }
}

/// Says whether mistakes of other kinds leave open which links are meant.
fn is_blurred(template: &TemplateFacts<'_>) -> bool {
    let blurs = |kind: Kind| matches!(kind, Kind::Target | Kind::Name | Kind::Unreachable | Kind::Other);
    template.refusals.iter().any(|problem| blurs(refusal::kind_of(problem)))
}

pub(super) const ENDLESS_LOOP: Rule = Rule {
    code: "AT011",
    name: "endless-loop",
    level: Level::Error,
    summary: "Steps lead back to themselves and never to an end.",
    why: "The deployment runs until somebody stops it, or Step Functions does after 25,000 events.",
    fix: "Let a `Choice` in the loop lead out of it.",
    bad: Example::States(
        "StartAt: Look\nStates:\n  Look: {Type: AttiniRunnerJob, Properties: {Commands: [./look.sh]}, Next: Pause}\n  Pause: {Type: Wait, Seconds: 60, Next: Look}\n",
    ),
    good: Example::States(
        "StartAt: Look\nStates:\n  Look: {Type: AttiniRunnerJob, Properties: {Commands: [./look.sh]}, Next: Ready?}\n  Ready?:\n    Type: Choice\n    \
         Choices: [{Variable: $.output.Look.result, StringEquals: ready, Next: Done}]\n    Default: Pause\n  Pause: {Type: Wait, Seconds: 60, Next: Look}\n  Done: {Type: Succeed}\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans().filter(|(template, _)| !is_blurred(template)) {
            for scope in &plan.scopes {
                let Some(state) = scope.graph.trap().map(|number| &scope.scope.states[number]) else { continue };
                let text = format!("from {} on no way leads to an end", state.name);
                to.spot(state_spot(template.document, state), text).help("let a Choice lead out of the loop");
            }
        }
    },
};

pub(super) const CHOICE_WITHOUT_DEFAULT: Rule = Rule {
    code: "AT012",
    name: "choice-without-default",
    level: Level::Warning,
    summary: "A `Choice` has no `Default`.",
    why: "When no rule matches, the deployment fails with `States.NoChoiceMatched`, which says little to whoever reads it.",
    fix: "Add `Default`; if no other value may come, let it lead to a `Fail` state that says so.",
    bad: Example::States(
        "StartAt: Stage\nStates:\n  Stage:\n    Type: Choice\n    Choices: [{Variable: $.environment, StringEquals: dev, Next: Done}]\n  Done: {Type: Succeed}\n",
    ),
    good: Example::States(
        "StartAt: Stage\nStates:\n  Stage:\n    Type: Choice\n    Choices: [{Variable: $.environment, StringEquals: dev, Next: Done}]\n    Default: Refuse\n  \
         Done: {Type: Succeed}\n  Refuse: {Type: Fail, Error: UnknownStage, Cause: this distribution is for dev only}\n",
    ),
    check: |facts, to| {
        for state in facts.states().filter(|it| it.state.kind == "Choice" && it.field("Choices").is_some()) {
            if state.field("Default").is_none() {
                let text = format!("{} has no Default, so any other value fails the deployment", state.state.name);
                to.spot(state.spot(), text).help("add `Default: STEP`");
            }
        }
    },
};

pub(super) const MISSING_LINK: Rule = Rule {
    code: "AT013",
    name: "missing-link",
    level: Level::Error,
    summary: "A state of the States Language has neither `Next` nor `End`, or both.",
    why: "Step Functions refuses it. (Steps of Attini end the plan when they have no `Next`.)",
    fix: "Write either `Next: STEP` or `End: true`.",
    bad: Example::States("StartAt: Pause\nStates:\n  Pause: {Type: Wait, Seconds: 60}\n"),
    good: Example::States("StartAt: Pause\nStates:\n  Pause: {Type: Wait, Seconds: 60, End: true}\n"),
    check: |facts, to| {
        const LINKED: [&str; 6] = ["Task", "Pass", "Wait", "Parallel", "Map", "AttiniMap"];
        for state in facts.states().filter(|it| LINKED.contains(&it.state.kind.as_str())) {
            let listed = matches!(state.state.origin.segments().last(), Some(Segment::Index(_)));
            let ends = state.field("End").is_some_and(|end| *end == true);
            let text = match (state.field("Next").is_some(), ends) {
                (false, false) if !listed => "has neither Next nor End",
                (true, true) => "has both Next and End",
                _ => continue,
            };
            to.spot(state.spot(), format!("{} {text}", state.state.name)).help("write `Next: STEP` or `End: true`");
        }
    },
};

pub(super) const CATCH_ALL_NOT_LAST: Rule = Rule {
    code: "AT014",
    name: "catch-all-not-last",
    level: Level::Error,
    summary: "`States.ALL` stands with other errors, or not in the last entry of `Catch` or `Retry`.",
    why: "Step Functions refuses it: what comes after `States.ALL` could never match.",
    fix: "Put `States.ALL` alone into the last entry.",
    bad: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    Retry:\n      - ErrorEquals: [States.ALL]\n        MaxAttempts: 1\n      \
         - ErrorEquals: [RuntimeError]\n        MaxAttempts: 2\n",
    ),
    good: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    Retry:\n      - ErrorEquals: [RuntimeError]\n        MaxAttempts: 2\n      \
         - ErrorEquals: [States.ALL]\n        MaxAttempts: 1\n",
    ),
    check: |facts, to| {
        for state in facts.states() {
            for key in ["Catch", "Retry"] {
                let entries = state.field(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                for (index, entry) in entries.iter().enumerate() {
                    let names = errors(entry);
                    if names.contains(&CATCH_ALL) && (names.len() > 1 || index + 1 < entries.len()) {
                        let text = format!("{CATCH_ALL} has to stand alone in the last entry of {key}");
                        let path = state.state.origin.key(key).index(index).key("ErrorEquals");
                        to.value(state.template.document, &path, text);
                    }
                }
            }
        }
    },
};

/// Returns the errors that an entry of `Catch` or `Retry` matches.
pub(super) fn errors(entry: &Value) -> Vec<&str> {
    entry.get("ErrorEquals").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

pub(super) const SWALLOWED_ERRORS: Rule = Rule {
    code: "AT015",
    name: "swallowed-errors",
    level: Level::Warning,
    summary: "A `Catch` of all errors goes on to a successful end.",
    why: "The deployment is reported as a success although a step failed: nobody looks, and distributions that depend on it are deployed.",
    fix: "End the handling with a `Fail` state, ask a person with `AttiniManualApproval`, or catch only the errors that do not matter.",
    bad: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    \
         Catch: [{ErrorEquals: [States.ALL], ResultPath: $.output.Failure, Next: Tell}]\n    Next: Done\n  Tell: {Type: AttiniRunnerJob, Properties: {Commands: [./tell.sh]}, Next: Done}\n  Done: {Type: Succeed}\n",
    ),
    good: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    \
         Catch: [{ErrorEquals: [States.ALL], ResultPath: $.output.Failure, Next: Tell}]\n    Next: Done\n  Tell: {Type: AttiniRunnerJob, Properties: {Commands: [./tell.sh]}, Next: Failed}\n  \
         Failed: {Type: Fail, Error: TestsFailed, Cause: see the job above}\n  Done: {Type: Succeed}\n",
    ),
    check: swallowed_errors,
};

fn swallowed_errors(facts: &Facts<'_>, to: &mut Findings) {
    for (template, plan) in facts.plans() {
        for scope in &plan.scopes {
            let graph = &scope.graph;
            let states = scope.scope.states.iter().enumerate();
            let judges = states.filter(|(_, state)| is_fail(state) || state.kind == "AttiniManualApproval");
            let judged = graph.leading_to(judges.map(|(number, _)| graph.enter(number)).collect());
            let ending = graph.leading_to(vec![graph.end()]);
            for (position, (number, catcher)) in graph.catchers.iter().enumerate() {
                let state = &scope.scope.states[*number];
                let node = graph.catcher(position);
                let matches_all = catchers(state).nth(*catcher).is_some_and(|(_, entry)| {
                    errors(entry).iter().any(|it| *it == CATCH_ALL || *it == "States.TaskFailed")
                });
                if matches_all && graph.is_reached(*number) && ending[node] && !judged[node] {
                    let text = format!("whatever goes wrong in {}, the plan goes on and ends as a success", state.name);
                    let path = state.origin.key("Catch").index(*catcher);
                    to.value(template.document, &path, text).help("let the way from here end in a `Fail` state");
                }
            }
        }
    }
}

pub(super) const PAYLOAD_LOST_IN_CATCH: Rule = Rule {
    code: "AT016",
    name: "payload-lost-in-catch",
    level: Level::Error,
    summary: "A `Catch` without `ResultPath` leads to a step that needs the payload.",
    why: "Without `ResultPath` the error takes the place of the whole payload: the next step of Attini fails because it finds no environment, \
          no outputs and no parameters.",
    fix: "Add `ResultPath: $.output.NAME`; the error is then at `$.output.NAME.Error` and `.Cause`.",
    bad: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    Catch: [{ErrorEquals: [States.ALL], Next: Tell}]\n    Next: Done\n  \
         Tell: {Type: AttiniRunnerJob, Properties: {Commands: [./tell.sh]}, Next: Failed}\n  Failed: {Type: Fail, Error: TestsFailed}\n  Done: {Type: Succeed}\n",
    ),
    good: Example::States(
        "StartAt: Test\nStates:\n  Test:\n    Type: AttiniRunnerJob\n    Properties: {Commands: [make test]}\n    \
         Catch: [{ErrorEquals: [States.ALL], ResultPath: $.output.Failure, Next: Tell}]\n    Next: Done\n  Tell: {Type: AttiniRunnerJob, Properties: {Commands: [./tell.sh]}, Next: Failed}\n  \
         Failed: {Type: Fail, Error: TestsFailed}\n  Done: {Type: Succeed}\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            for (loss, broken) in &plan.shapes.broken {
                let Loss::Error { state, catcher } = loss else { continue };
                let text = format!("the error takes the place of the payload, which {} needs", name(plan, *broken));
                let path = plan.states[*state].state.origin.key("Catch").index(*catcher);
                to.value(template.document, &path, text).help("add `ResultPath: $.output.Failure` to the catcher");
            }
        }
    },
};

fn name<'a>(plan: &PlanFacts<'a>, state: usize) -> &'a str {
    &plan.states[state].state.name
}

pub(super) const PAYLOAD_LOST: Rule = Rule {
    code: "AT017",
    name: "payload-lost",
    level: Level::Warning,
    summary: "A state puts something else in place of the payload, and a later step needs it.",
    why: "Steps of Attini need the whole payload: environment, outputs, parameters. The result of a `Task` or `Pass` without `ResultPath` takes \
          its place; `InputPath` and `OutputPath` leave only a part of it.",
    fix: "Add `ResultPath: $.output.NAME`, or use `AttiniLambdaInvoke`, which does so by itself.",
    bad: Example::Steps(
        "- Name: Settings\n  Type: Pass\n  Result: {size: 3}\n- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n",
    ),
    good: Example::Steps(
        "- Name: Settings\n  Type: Pass\n  Result: {size: 3}\n  ResultPath: $.output.Settings\n- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n",
    ),
    check: |facts, to| {
        for (template, plan) in facts.plans() {
            for (loss, broken) in &plan.shapes.broken {
                let (state, how, help) = match loss {
                    Loss::Result(state) => (*state, "puts its result in place of", "add `ResultPath: $.output.NAME`"),
                    Loss::Part(state) => {
                        (*state, "takes or hands on only a part of", "remove `InputPath`, `OutputPath` or `Parameters`")
                    }
                    _ => continue,
                };
                let text = format!("{} {how} the payload, which {} needs", name(plan, state), name(plan, *broken));
                to.spot(state_spot(template.document, plan.states[state].state), text).help(help);
            }
        }
    },
};

pub(super) const MISSING_MERGE: Rule = Rule {
    code: "AT018",
    name: "missing-merge",
    level: Level::Error,
    summary: "A step comes after a `Parallel` or in or after a map without getting a payload.",
    why: "The result of a `Parallel` or a map is a list with one payload per branch or item; a step of Attini needs one payload. The iterations of \
          a plain `Map` get the item alone. (In list syntax the merge after a `Parallel` is added by itself.)",
    fix: "Put an `AttiniMergeOutput` step behind the `Parallel` or map; in a `Map` hand the payload on with `ItemSelector`, or use `AttiniMap`.",
    bad: Example::States(
        "StartAt: Both\nStates:\n  Both:\n    Type: Parallel\n    Branches:\n      - {StartAt: One, States: {One: {Type: Pass, End: true}}}\n      - {StartAt: Two, States: {Two: {Type: Pass, End: true}}}\n    \
         Next: Build\n  Build: {Type: AttiniRunnerJob, Properties: {Commands: [make]}}\n",
    ),
    good: Example::States(
        "StartAt: Both\nStates:\n  Both:\n    Type: Parallel\n    Branches:\n      - {StartAt: One, States: {One: {Type: Pass, End: true}}}\n      - {StartAt: Two, States: {Two: {Type: Pass, End: true}}}\n    \
         Next: Merge\n  Merge: {Type: AttiniMergeOutput, Next: Build}\n  Build: {Type: AttiniRunnerJob, Properties: {Commands: [make]}}\n",
    ),
    check: |facts, to| {
        let mut seen = BTreeSet::new();
        for (template, plan) in facts.plans() {
            for (loss, broken) in &plan.shapes.broken {
                let (state, text, help) = match loss {
                    Loss::List(state) => (*state, "gets the list that", "put an `AttiniMergeOutput` step between them"),
                    Loss::Item(state) => {
                        (*state, "gets an item of", "hand the payload on with `ItemSelector`, or use `AttiniMap`")
                    }
                    _ => continue,
                };
                if seen.insert((&plan.resource.logical_id, *broken)) {
                    let made = if matches!(loss, Loss::List(_)) { " makes" } else { "" };
                    let text = format!("{} {text} {}{made}, not the payload", name(plan, *broken), name(plan, state));
                    to.spot(state_spot(template.document, plan.states[*broken].state), text).help(help);
                }
            }
        }
    },
};

/// Says whether a state is in a branch or an iteration; returns the nearest state around it.
pub(super) fn concurrent(state: &StateIn<'_, '_>) -> Option<usize> {
    state.plan.around(state.index).next()
}
