//! `AttiniManualApproval`: waits until somebody says yes (deployment-plan.md 8.10).

use serde_json::{Map, Value};

use super::properties;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Takes, UserFields, framed};
use crate::plan::retry;

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::NoHeartbeats, to);
    let Ok(properties) = properties(step, to) else { return };
    let state = framed(to, step.name(), "ManualApproval", properties, vec![retry::lambda_service()], &user);
    to.list(step.name(), "AttiniManualApproval");
    states.insert(step.name().to_owned(), Value::Object(state));
}
