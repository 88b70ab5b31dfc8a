//! `AttiniRunnerJob`: runs commands on a runner (deployment-plan.md 8.9).

use serde_json::{Map, Value};

use super::{check_keys, required_properties, take_runner};
use crate::asl::kind_of;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Takes, UserFields, framed};
use crate::plan::retry;

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::Heartbeats, to);
    let Ok(mut properties) = required_properties(step, to) else { return };
    check_keys(step, to, &properties, &["Properties"], &["Commands", "Environment", "Runner"]);
    let way = ["Properties", "Commands"];
    match properties.get("Commands") {
        None | Some(Value::Null) if properties.contains_key("Commands.$") => {}
        None | Some(Value::Null) => to.report(step, &["Properties"], "Commands is missing in Properties", None),
        Some(Value::Array(commands)) if commands.is_empty() => {
            to.report(step, &way, "Commands must not be empty", None);
        }
        Some(Value::Array(_)) => {}
        Some(other) => {
            to.report(step, &way, format!("Commands must be a list, not {}", kind_of(other)), None);
        }
    }
    take_runner(step, to, &mut properties);
    let state = framed(to, step.name(), "ExecuteRunner", Some(properties), vec![retry::lambda_service()], &user);
    to.list(step.name(), "AttiniRunnerJob");
    states.insert(step.name().to_owned(), Value::Object(state));
}
