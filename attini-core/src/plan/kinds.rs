//! The step types of Attini and how many states each becomes.

use serde_json::{Map, Value};

use crate::asl::{Dialect, State};

/// The plan language: States Language plus the types of Attini.
pub(super) const DIALECT: Dialect = Dialect {
    types: &[
        "AttiniCfn",
        "AttiniSam",
        "AttiniCdk",
        "AttiniRunnerJob",
        "AttiniImport",
        "AttiniManualApproval",
        "AttiniLambdaInvoke",
        "AttiniMergeOutput",
        "AttiniMap",
    ],
    maps: &["AttiniMap"],
};

/// Name of the state in front of every plan. The CLI hides it (deployment-plan.md 8.13).
pub(super) const FIRST_STATE: &str = "AttiniPrepareDeployment";

/// Returns the name of the merge state that the list syntax puts behind a `Parallel`.
pub(super) fn merge_state_name(parallel: &str) -> String {
    format!("{parallel}-Merge")
}

pub(super) fn package_sam_name(step: &str) -> String {
    format!("{step}PackageSam")
}

pub(super) fn cdk_diff_name(step: &str) -> String {
    format!("{step}CdkDiff")
}

pub(super) fn approval_choice_name(step: &str) -> String {
    format!("{step}ApproveChanges?")
}

pub(super) fn approval_name(step: &str) -> String {
    format!("{step}ApproveChanges")
}

/// Says whether a CDK step asks for a diff first; a `Diff` that cannot be read counts as no and is reported elsewhere.
pub(super) fn wants_diff(fields: &Map<String, Value>) -> bool {
    let enabled = fields.get("Properties").and_then(|properties| properties.get("Diff")?.get("Enabled"));
    enabled.and_then(read_flag) == Some(true)
}

/// Reads a boolean, or one of the words `true` and `false` in any letter case.
pub(super) fn read_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Returns the names of the states that a step becomes besides the one with its own name; the entry comes first.
pub(super) fn generated_names(state: &State) -> Vec<String> {
    let name = &state.name;
    match state.kind.as_str() {
        "AttiniSam" => vec![package_sam_name(name)],
        "AttiniCdk" if wants_diff(&state.fields) => {
            vec![cdk_diff_name(name), approval_choice_name(name), approval_name(name)]
        }
        _ => Vec::new(),
    }
}
