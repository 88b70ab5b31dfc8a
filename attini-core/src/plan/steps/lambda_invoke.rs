//! `AttiniLambdaInvoke`: calls a function of the user's and waits for its result (deployment-plan.md 8.10).

use serde_json::{Map, Value, json};

use super::has;
use crate::asl::kind_of;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Takes, UserFields};
use crate::plan::paths::output_path;
use crate::plan::retry;

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::OwnCall, to);
    let mut parameters = match step.fields.get("Parameters") {
        Some(Value::Object(parameters)) => parameters.clone(),
        None | Some(Value::Null) => return to.report(step, &[], "Parameters with FunctionName is missing", None),
        Some(other) => {
            let text = format!("Parameters must be an object with FunctionName, not {}", kind_of(other));
            return to.report(step, &["Parameters"], text, None);
        }
    };
    if !has(&parameters, "FunctionName") {
        to.report(step, &["Parameters"], "FunctionName is missing in Parameters", None);
    }
    if !parameters.contains_key("Payload") && !parameters.contains_key("Payload.$") {
        parameters.insert("Payload.$".to_owned(), Value::String("$".to_owned()));
    }
    let mut state = Map::new();
    let mut put = |key: &str, value: Value| state.insert(key.to_owned(), value);
    put("Type", json!("Task"));
    put("Resource", json!(format!("arn:{}:states:::lambda:invoke", to.plan.partition)));
    put("InputPath", json!("$"));
    put("OutputPath", json!("$"));
    put("ResultSelector", json!({"result.$": "$.Payload"}));
    put("Retry", retry::merged(vec![retry::lambda_service()], user.retry.as_deref()));
    state.extend(user.copied);
    state.insert("Parameters".to_owned(), Value::Object(parameters));
    state.insert("ResultPath".to_owned(), Value::String(output_path(step.name(), &[])));
    user.link.write(&mut state);
    to.list(step.name(), "AttiniLambdaInvoke");
    states.insert(step.name().to_owned(), Value::Object(state));
}
