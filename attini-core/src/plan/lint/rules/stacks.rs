//! Rules about stacks that are deployed at the same time.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Example, Findings, Level, Rule};
use crate::plan::lint::facts::{Facts, PlanFacts, StateIn};

pub(super) const SAME_STACK_IN_PARALLEL: Rule = Rule {
    code: "AT060",
    name: "same-stack-in-parallel",
    level: Level::Error,
    summary: "Two branches of a `Parallel`, or the iterations of a map, deploy the same stack.",
    why: "CloudFormation works on a stack once at a time: whoever comes second fails with `ValidationError`, sometimes.",
    fix: "Give the stacks different names, or deploy one after the other.",
    bad: Example::Steps(
        "- Name: Both\n  Type: Parallel\n  Branches:\n    - - Name: Api\n        Type: AttiniCfn\n        Properties: {StackName: !Sub \"${AttiniEnvironmentName}-app\", Template: /api.yaml}\n    \
         - - Name: Web\n        Type: AttiniCfn\n        Properties: {StackName: !Sub \"${AttiniEnvironmentName}-app\", Template: /web.yaml}\n",
    ),
    good: Example::Steps(
        "- Name: Both\n  Type: Parallel\n  Branches:\n    - - Name: Api\n        Type: AttiniCfn\n        Properties: {StackName: !Sub \"${AttiniEnvironmentName}-api\", Template: /api.yaml}\n    \
         - - Name: Web\n        Type: AttiniCfn\n        Properties: {StackName: !Sub \"${AttiniEnvironmentName}-web\", Template: /web.yaml}\n",
    ),
    check: same_stack_in_parallel,
};

fn same_stack_in_parallel(facts: &Facts<'_>, to: &mut Findings) {
    let mut known: BTreeMap<String, Vec<StateIn<'_, '_>>> = BTreeMap::new();
    for state in facts.states().filter(|it| matches!(it.state.kind.as_str(), "AttiniCfn" | "AttiniSam")) {
        let Some(name) = state.property("StackName") else { continue };
        let map = state.plan.around(state.index).find(|around| state.plan.states[*around].state.kind.ends_with("Map"));
        let place = ["Region", "Region.$", "ExecutionRoleArn", "ExecutionRoleArn.$", "ConfigFile", "ConfigFile.$"];
        let place: Vec<Option<&Value>> = place.iter().map(|key| state.property(key)).collect();
        // A name with variables may differ, when their values do.
        let is_fixed =
            state.property("Variables").is_none() && place[1].is_none() && place[3].is_none() && place[5].is_none();
        let many = map.filter(|map| is_fixed && concurrency(state.plan, *map) != Some(1));
        if let Some(map) = many {
            let around = &state.plan.states[map].state.name;
            let text = format!("every iteration of {around} deploys the same stack");
            let path = state.state.origin.key("Properties").key("StackName");
            to.value(state.template.document, &path, text).help("make the name of the item, with `StackName.$`");
        }
        let variables = state.property("Variables");
        let key = format!("{} {name} {:?} {variables:?}", state.plan.resource.logical_id, &place[..4]);
        known.entry(key).or_default().push(state);
    }
    for states in known.values() {
        // Those that one after the other meet in the same two branches say no more than the first.
        for (index, second) in states.iter().enumerate().skip(1) {
            let first = states[..index]
                .iter()
                .find_map(|first| Some((first, meeting(second.plan, first.index, second.index)?)));
            if let Some((first, around)) = first {
                let around = &second.plan.states[around].state.name;
                let text = format!("{} deploys the same stack in another branch of {around}", first.state.name);
                let path = second.state.origin.key("Properties").key("StackName");
                to.value(second.template.document, &path, text);
            }
        }
    }
}

/// Returns the state in whose branches two states are, when they are in different ones.
fn meeting(plan: &PlanFacts<'_>, one: usize, other: usize) -> Option<usize> {
    let ways = [one, other].map(|state| {
        let mut scopes = vec![plan.states[state].scope];
        scopes.extend(plan.around(state).map(|around| plan.states[around].scope));
        scopes.reverse();
        scopes
    });
    let differ = ways[0].iter().zip(&ways[1]).find(|(one, other)| one != other)?;
    let (one, other) = (plan.scopes[*differ.0].owner?, plan.scopes[*differ.1].owner?);
    (one == other).then_some(one)
}

/// Returns the most iterations of a map at a time, when it is known and there is a limit.
fn concurrency(plan: &PlanFacts<'_>, map: usize) -> Option<u64> {
    plan.states[map].state.fields.get("MaxConcurrency").and_then(Value::as_u64).filter(|most| *most > 0)
}

pub(super) const UNBOUNDED_MAP: Rule = Rule {
    code: "AT061",
    name: "unbounded-map",
    level: Level::Warning,
    summary: "A map deploys stacks without `MaxConcurrency`.",
    why: "All items begin at once: CloudFormation refuses calls that come too fast, and quotas of the account are used up in one go.",
    fix: "Add `MaxConcurrency`, for example 5.",
    bad: Example::Steps(
        "- Name: Stacks\n  Type: AttiniMap\n  ItemsPath: $.customData.files\n  ItemProcessor:\n    - Name: Deploy\n      Type: AttiniCfn\n- Name: Merge\n  Type: AttiniMergeOutput\n",
    ),
    good: Example::Steps(
        "- Name: Stacks\n  Type: AttiniMap\n  ItemsPath: $.customData.files\n  MaxConcurrency: 5\n  ItemProcessor:\n    - Name: Deploy\n      Type: AttiniCfn\n- Name: Merge\n  Type: AttiniMergeOutput\n",
    ),
    check: |facts, to| {
        const DEPLOYING: [&str; 3] = ["AttiniCfn", "AttiniSam", "AttiniCdk"];
        let mut maps = BTreeMap::new();
        for state in facts.states().filter(|it| DEPLOYING.contains(&it.state.kind.as_str())) {
            for around in state.plan.around(state.index) {
                let map = state.plan.states[around].state;
                let open = ["MaxConcurrency", "MaxConcurrencyPath"]
                    .iter()
                    .all(|key| map.fields.get(*key).is_none_or(|value| value.is_null() || *value == 0));
                if map.kind.ends_with("Map") && open {
                    maps.entry((state.template.document.file_name(), map.origin.clone()))
                        .or_insert((map, state.template));
                }
            }
        }
        for (map, template) in maps.into_values() {
            let at = crate::plan::lint::facts::state_spot(template.document, map);
            to.spot(at, format!("{} deploys all its stacks at once", map.name)).help("add `MaxConcurrency: 5`");
        }
    },
};
