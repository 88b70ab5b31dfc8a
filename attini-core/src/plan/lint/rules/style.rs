//! Rules about how things are written.

use super::{Example, Findings, Level, Rule};
use crate::document::Segment;
use crate::plan::lint::facts::Facts;
use crate::plan::lint::payload::FRAMED;

pub(super) const BLANKS_IN_NAME: Rule = Rule {
    code: "AT080",
    name: "blanks-in-name",
    level: Level::Warning,
    summary: "The name of a step begins or ends with a blank, or has two in a row.",
    why: "Nobody sees it, and whoever reads the step's output or links to it writes another name.",
    fix: "Remove the blank.",
    bad: Example::Steps("- Name: \"Build \"\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    good: Example::Steps("- Name: Build all\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    check: |facts, to| {
        for state in facts.states() {
            let name = &state.state.name;
            let doubled =
                name.chars().zip(name.chars().skip(1)).any(|(one, two)| one.is_whitespace() && two.is_whitespace());
            if name.trim() != name || doubled {
                to.spot(state.spot(), format!("the name `{name}` has blanks that nobody sees"));
            }
        }
    },
};

pub(super) const DEPRECATED_ITERATOR: Rule = Rule {
    code: "AT081",
    name: "deprecated-iterator",
    level: Level::Note,
    summary: "A map is written with `Iterator`, the older name of `ItemProcessor`.",
    why: "The States Language has replaced `Iterator` by `ItemProcessor` and `Parameters` of a map by `ItemSelector`; tools drop the old names.",
    fix: "Rename the field.",
    bad: Example::Steps(
        "- Name: Stacks\n  Type: AttiniMap\n  ItemsPath: $.customData.files\n  MaxConcurrency: 5\n  Iterator:\n    - Name: Deploy\n      Type: AttiniCfn\n- Name: Merge\n  Type: AttiniMergeOutput\n",
    ),
    good: Example::Steps(
        "- Name: Stacks\n  Type: AttiniMap\n  ItemsPath: $.customData.files\n  MaxConcurrency: 5\n  ItemProcessor:\n    - Name: Deploy\n      Type: AttiniCfn\n- Name: Merge\n  Type: AttiniMergeOutput\n",
    ),
    check: |facts, to| {
        use crate::asl::{IteratorKey, Nested};
        for state in facts.states() {
            if let Nested::Iterator(IteratorKey::Iterator, _) = &state.state.nested {
                let path = state.state.origin.key("Iterator");
                to.key(state.template.document, &path, "`Iterator` is the older name of `ItemProcessor`");
            }
        }
    },
};

pub(super) const IGNORED_FIELD: Rule = Rule {
    code: "AT082",
    name: "ignored-field",
    level: Level::Note,
    summary: "A step has a field that Attini does not look at.",
    why: "The output of a step is always at `$.output.NAME`, whatever its `ResultPath` says; `End` does not count beside `Next`; an `AttiniMap` makes \
          its own `Parameters`.",
    fix: "Remove the field.",
    bad: Example::Steps(
        "- Name: Build\n  Type: AttiniRunnerJob\n  ResultPath: $.build\n  Properties:\n    Commands: [make]\n",
    ),
    good: Example::Steps("- Name: Build\n  Type: AttiniRunnerJob\n  Properties:\n    Commands: [make]\n"),
    check: ignored_field,
};

fn ignored_field(facts: &Facts<'_>, to: &mut Findings) {
    for state in facts.states() {
        let kind = state.state.kind.as_str();
        let is_framed = FRAMED.contains(&kind) || kind == "AttiniLambdaInvoke";
        let is_listed = matches!(state.state.origin.segments().last(), Some(Segment::Index(_)));
        let mut found: Vec<(&str, &str)> = Vec::new();
        if is_framed || kind == "AttiniMergeOutput" {
            found.push(("ResultPath", "the output of a step is always at `$.output`, under its name"));
            if !is_listed && state.field("Next").is_some() {
                found.push(("End", "`Next` wins over `End`"));
            } else if !is_listed && state.field("End").is_some_and(|end| *end != true) {
                found.push(("End", "a step without `Next` ends the plan, whatever `End` says"));
            }
        }
        if kind == "AttiniMap" {
            found.extend(
                ["Parameters", "ItemSelector", "InputPath"].map(|key| (key, "an AttiniMap makes this by itself")),
            );
        }
        if kind == "AttiniLambdaInvoke" {
            found.push(("Properties", "an AttiniLambdaInvoke takes `Parameters`"));
        }
        for (key, why) in found {
            if state.field(key).is_some() {
                let text = format!("`{key}` of {} does not count: {why}", state.state.name);
                to.key(state.template.document, &state.state.origin.key(key), text).help("remove it");
            }
        }
    }
}
