//! `AttiniMergeOutput`: joins the payloads of branches or iterations (deployment-plan.md 8.11).

use serde_json::{Map, Value, json};

use crate::asl::kind_of;
use crate::framework::ACTION_FUNCTION;
use crate::plan::expander::{Expander, Step};
use crate::plan::retry;

/// What the user may set; everything else is dropped, because the merged object becomes the whole payload.
const KEPT: [&str; 4] = ["Comment", "Catch", "TimeoutSeconds", "TimeoutSecondsPath"];

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let retry = match step.fields.get("Retry") {
        None | Some(Value::Null) => None,
        Some(Value::Array(retriers)) => Some(retriers.as_slice()),
        Some(other) => {
            return to.report(step, &["Retry"], format!("Retry must be a list, not {}", kind_of(other)), None);
        }
    };
    let mut state = Map::new();
    let mut put = |key: &str, value: Value| state.insert(key.to_owned(), value);
    put("Type", json!("Task"));
    put("Resource", json!(format!("arn:{}:states:::lambda:invoke", to.plan.partition)));
    let payload = json!({"attiniActionType": "AttiniMergeOutput", "InputsToMerge.$": "$"});
    put("Parameters", json!({"FunctionName": ACTION_FUNCTION, "Payload": payload}));
    put("OutputPath", json!("$.Payload"));
    put("Retry", retry::merged(vec![retry::lambda_service()], retry));
    for key in KEPT {
        if let Some(value) = step.fields.get(key) {
            put(key, value.clone());
        }
    }
    step.link().write(&mut state);
    to.list(step.name(), "AttiniMergeOutput");
    states.insert(step.name().to_owned(), Value::Object(state));
}
