//! `AttiniCdk`: deploys a CDK project on a runner, after a diff and an approval when asked (deployment-plan.md 8.8).

use serde_json::{Map, Value, json};

use super::{check_keys, properties, take_runner};
use crate::asl::kind_of;
use crate::plan::expander::{Expander, Step};
use crate::plan::frame::{Link, Takes, UserFields, framed};
use crate::plan::kinds::{approval_choice_name, approval_name, cdk_diff_name, read_flag, wants_diff};
use crate::plan::paths::output_path;
use crate::plan::{references, retry};

const PROPERTIES: [&str; 15] = [
    "Path",
    "Runner",
    "App",
    "Stacks",
    "Context",
    "StackConfiguration",
    "Build",
    "BuildExclude",
    "Plugins",
    "NotificationArns",
    "Force",
    "RoleArn",
    "Environment",
    "Exclusively",
    "Diff",
];

pub(in crate::plan) fn expand(step: &Step<'_>, to: &mut Expander<'_>, states: &mut Map<String, Value>) {
    let user = UserFields::of(step, Takes::Heartbeats, to);
    let Ok(properties) = properties(step, to) else { return };
    let mut properties = properties.unwrap_or_default();
    check_keys(step, to, &properties, &["Properties"], &PROPERTIES);
    check_diff(step, to, &properties);
    normalize_path(step, to, &mut properties);
    take_runner(step, to, &mut properties);
    if wants_diff(&step.fields) {
        add_diff(step, to, &properties, &user, states);
    }
    let state = framed(to, step.name(), "DeployCdk", Some(properties), vec![retry::lambda_service()], &user);
    to.list(step.name(), "AttiniCdk");
    states.insert(step.name().to_owned(), Value::Object(state));
}

fn check_diff(step: &Step<'_>, to: &mut Expander<'_>, properties: &Map<String, Value>) {
    let key = if properties.contains_key("Diff.$") { "Diff.$" } else { "Diff" };
    match properties.get(key) {
        None => {}
        Some(Value::Null) if key == "Diff" => {}
        Some(Value::Object(diff)) if key == "Diff" => {
            check_keys(step, to, diff, &["Properties", "Diff"], &["Enabled"]);
            match diff.get("Enabled") {
                None | Some(Value::Null) => {
                    to.report(step, &["Properties", "Diff"], "Diff.Enabled is missing", None);
                }
                Some(enabled) if read_flag(enabled).is_none() => {
                    let text = format!("Diff.Enabled must be true or false, not {}", kind_of(enabled));
                    to.report(step, &["Properties", "Diff", "Enabled"], text, None);
                }
                Some(_) => {}
            }
        }
        Some(other) => {
            let text = format!("{key} must be an object with Enabled, not {}", kind_of(other));
            to.report(step, &["Properties", key], text, None);
        }
    }
}

/// Makes the project's folder relative to the distribution's root; the root itself when there is none.
fn normalize_path(step: &Step<'_>, to: &mut Expander<'_>, properties: &mut Map<String, Value>) {
    let blank = |value: &Value| value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
    if properties.get("Path.$").is_some_and(|value| !blank(value)) {
        return;
    }
    properties.shift_remove("Path.$");
    let path = match properties.get("Path") {
        None => "./".to_owned(),
        Some(value) if blank(value) => "./".to_owned(),
        Some(Value::String(text)) if text.starts_with('/') => format!(".{text}"),
        Some(value @ Value::Object(_)) if !references::is_intrinsic(value) => {
            return to.report(step, &["Properties", "Path"], "Path must be a string, not an object", None);
        }
        Some(Value::Array(_)) => {
            return to.report(step, &["Properties", "Path"], "Path must be a string, not a list", None);
        }
        Some(_) => return,
    };
    properties.insert("Path".to_owned(), Value::String(path));
}

/// Adds diff, choice and approval in front of the deployment.
fn add_diff(
    step: &Step<'_>,
    to: &mut Expander<'_>,
    properties: &Map<String, Value>,
    user: &UserFields,
    states: &mut Map<String, Value>,
) {
    let own = step.name().to_owned();
    let (diff, choice, approval) = (cdk_diff_name(&own), approval_choice_name(&own), approval_name(&own));

    let link = Link::To(choice.clone());
    let fields = UserFields { link, ..user.clone() };
    let retriers = || vec![retry::lambda_service()];
    let state = framed(to, &diff, "DeployCdkChangeset", Some(properties.clone()), retriers(), &fields);
    states.insert(diff.clone(), Value::Object(state));

    let rule = json!({
        "Variable": output_path(&diff, &["result"]),
        "StringEquals": "change-detected",
        "Next": approval,
    });
    states.insert(choice.clone(), json!({"Type": "Choice", "Choices": [rule], "Default": own}));

    let fields = UserFields { copied: Map::new(), retry: None, link: Link::To(own) };
    let state = framed(to, &approval, "ManualApproval", None, retriers(), &fields);
    states.insert(approval.clone(), Value::Object(state));

    to.list(&diff, "AttiniRunnerJob");
    to.list(&choice, "Choice");
    to.list(&approval, "AttiniManualApproval");
}
