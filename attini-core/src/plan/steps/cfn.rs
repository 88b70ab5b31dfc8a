//! `AttiniCfn`: deploys a stack (deployment-plan.md 8.6, 8.12).

use serde_json::{Map, Value};

use super::{Checked, Reported, check_keys, has, properties, required_properties};
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Takes, UserFields, framed};
use crate::plan::retry;

/// Properties of every step that deploys a stack, but for the template.
pub(super) const STACK_PROPERTIES: [&str; 13] = [
    "StackName",
    "ConfigFile",
    "Parameters",
    "Variables",
    "Tags",
    "StackRoleArn",
    "RoleArn",
    "ExecutionRoleArn",
    "Region",
    "OutputPath",
    "Action",
    "OnFailure",
    "EnableTerminationProtection",
];

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::NoHeartbeats, to);
    let Ok(properties) = checked(step, to) else { return };
    let known: Vec<&str> = STACK_PROPERTIES.into_iter().chain(["Template"]).collect();
    check_keys(step, to, &properties, &["Properties"], &known);
    let state = stack_state(step, to, properties, &user);
    states.insert(step.name().to_owned(), Value::Object(state));
}

fn checked(step: &Step<'_>, to: &mut Expander<'_>) -> Checked<Map<String, Value>> {
    if step.in_attini_map {
        let mut own = properties(step, to)?.unwrap_or_default();
        if !has(&own, "ConfigFile") && !has(&own, "StackName") {
            own.insert("ConfigFile.$".to_owned(), Value::String("$.ConfigFile".to_owned()));
        }
        return Ok(own);
    }
    let own = required_properties(step, to)?;
    named(step, to, &own)?;
    Ok(own)
}

/// Checks that the stack's name is known.
pub(super) fn named(step: &Step<'_>, to: &mut Expander<'_>, properties: &Map<String, Value>) -> Checked<()> {
    if has(properties, "StackName") || has(properties, "ConfigFile") {
        return Ok(());
    }
    to.report(step, &[], "StackName or ConfigFile is missing in Properties", None);
    Err(Reported)
}

/// Builds the state that deploys the stack.
pub(super) fn stack_state(
    step: &Step<'_>,
    to: &mut Expander<'_>,
    properties: Map<String, Value>,
    user: &UserFields,
) -> Map<String, Value> {
    to.list(step.name(), "AttiniCfn");
    framed(to, step.name(), "DeployCfn", Some(properties), retry::stack_operations(), user)
}
