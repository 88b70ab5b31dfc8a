//! `AttiniImport`: reads values from a document elsewhere (deployment-plan.md 8.10).

use serde_json::{Map, Value};

use super::{check_keys, has, required_properties};
use crate::asl::kind_of;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Takes, UserFields, framed};
use crate::plan::retry;

const PROPERTIES: [&str; 4] = ["SourceType", "Source", "Mapping", "ExecutionRoleArn"];

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::NoHeartbeats, to);
    let Ok(properties) = required_properties(step, to) else { return };
    check_keys(step, to, &properties, &["Properties"], &PROPERTIES);
    if !has(&properties, "SourceType") {
        to.report(step, &["Properties"], "SourceType is missing in Properties", None);
    }
    for key in ["Source", "Mapping"] {
        let way = ["Properties", key];
        match properties.get(key) {
            None | Some(Value::Null) if has(&properties, key) => {}
            None | Some(Value::Null) => {
                to.report(step, &["Properties"], format!("{key} is missing in Properties"), None);
            }
            Some(Value::Object(fields)) if fields.is_empty() => {
                to.report(step, &way, format!("{key} must not be empty"), None);
            }
            Some(Value::Object(fields)) => {
                if key == "Source" {
                    check_keys(step, to, &fields.clone(), &way, &["Name", "Bucket", "Key"]);
                }
            }
            Some(other) => {
                to.report(step, &way, format!("{key} must be an object, not {}", kind_of(other)), None);
            }
        }
    }
    let state = framed(to, step.name(), "Import", Some(properties), vec![retry::lambda_service()], &user);
    to.list(step.name(), "AttiniImport");
    states.insert(step.name().to_owned(), Value::Object(state));
}
