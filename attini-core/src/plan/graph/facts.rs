//! What to know of a step besides its name: its stack, its runner, how long it waits.

use serde_json::{Map, Value};

use super::{Fact, StepClass};
use crate::asl::scalar_text;

/// Label of the fact that a step asks a person before it changes something.
pub(super) const APPROVES_CHANGES: &str = "waits for approval of changes";

/// What a step does, told from its type and, in a state machine that was translated already, from what it sends.
pub(super) struct Kind<'s> {
    pub name: String,
    pub class: StepClass,
    pub properties: Option<&'s Map<String, Value>>,
}

/// Finds out what a step does.
pub(super) fn kind_of<'s>(kind: &str, fields: &'s Map<String, Value>) -> Kind<'s> {
    let properties = fields.get("Properties").and_then(Value::as_object);
    let translated = fields.get("Parameters").and_then(|parameters| parameters.get("Payload")?.as_object());
    let action = translated.and_then(|payload| payload.get("attiniActionType")?.as_str());
    let name = match action.filter(|_| kind == "Task") {
        Some("DeployCfn") => "AttiniCfn",
        Some("PackageSam") => "AttiniSam",
        Some("DeployCdk" | "DeployCdkChangeset") => "AttiniCdk",
        Some("ExecuteRunner") => "AttiniRunnerJob",
        Some("Import") => "AttiniImport",
        Some("ManualApproval") => "AttiniManualApproval",
        Some("AttiniMergeOutput") => "AttiniMergeOutput",
        _ => kind,
    };
    let translated = translated.filter(|_| name != kind).and_then(|payload| payload.get("Properties")?.as_object());
    let class = match name {
        "AttiniCfn" | "AttiniSam" | "AttiniCdk" => StepClass::Stack,
        "AttiniRunnerJob" => StepClass::Job,
        "AttiniManualApproval" => StepClass::Approval,
        "AttiniLambdaInvoke" | "Task" => StepClass::Call,
        "AttiniImport" => StepClass::Import,
        "AttiniMergeOutput" => StepClass::Merge,
        "Choice" => StepClass::Choice,
        "Parallel" => StepClass::Parallel,
        "Map" | "AttiniMap" => StepClass::Map,
        "Pass" => StepClass::Pass,
        "Wait" => StepClass::Wait,
        "Succeed" => StepClass::Succeed,
        "Fail" => StepClass::Fail,
        _ => StepClass::Unknown,
    };
    Kind { name: name.to_owned(), class, properties: translated.or(properties) }
}

/// Returns what to know of a step; `default_runner` is that of the plan.
pub(super) fn facts_of(kind: &Kind<'_>, fields: &Map<String, Value>, default_runner: Option<&str>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |label: &'static str, value: Option<String>| {
        if let Some(value) = value {
            facts.push(Fact { label, value });
        }
    };
    let property = |name: &str| kind.properties.and_then(|properties| find(properties, name));
    let field = |name: &str| find(fields, name);
    match kind.name.as_str() {
        "AttiniCfn" | "AttiniSam" => {
            let deletes = property("Action").is_some_and(|action| action.eq_ignore_ascii_case("delete"));
            let stack = property("StackName").or_else(|| property("ConfigFile").map(|file| format!("of {file}")));
            add(if deletes { "deletes stack" } else { "stack" }, stack);
        }
        "AttiniCdk" => {
            let stacks = kind.properties.and_then(|properties| properties.get("Stacks")?.as_array());
            let stacks = stacks.map(|stacks| stacks.iter().map(text_of).collect::<Vec<_>>().join(", "));
            add("stacks", stacks.filter(|stacks| !stacks.is_empty()));
            add("project", property("Path"));
            let diff = kind.properties.and_then(|properties| properties.get("Diff")?.get("Enabled"));
            add(
                APPROVES_CHANGES,
                diff.and_then(crate::plan::kinds::read_flag).filter(|wants| *wants).map(|_| String::new()),
            );
        }
        "AttiniImport" => {
            let source = kind.properties.and_then(|properties| properties.get("Source"));
            let source = source.and_then(|source| {
                let source = source.as_object()?;
                let parts = ["Name", "Bucket", "Key"].iter().filter_map(|key| find(source, key));
                Some(parts.collect::<Vec<_>>().join("/")).filter(|text| !text.is_empty())
            });
            add("from", source.or_else(|| property("Source")));
        }
        "AttiniLambdaInvoke" => {
            let parameters = fields.get("Parameters").and_then(Value::as_object);
            add("function", parameters.and_then(|parameters| find(parameters, "FunctionName")));
        }
        "Task" => add("calls", field("Resource").map(|resource| short_arn(&resource))),
        "Wait" => {
            add("for", field("Seconds").or_else(|| field("SecondsPath")).map(|seconds| duration(&seconds)));
            add("until", field("Timestamp").or_else(|| field("TimestampPath")));
        }
        "Fail" => add("error", field("Error").or_else(|| field("ErrorPath"))),
        "Map" | "AttiniMap" => {
            add("each of", field("ItemsPath").or_else(|| field("Items")));
            add("concurrency", field("MaxConcurrency").filter(|most| most != "0"));
        }
        _ => {}
    }
    if matches!(kind.name.as_str(), "AttiniRunnerJob" | "AttiniSam" | "AttiniCdk") {
        add("runner", property("Runner").or_else(|| default_runner.map(ToOwned::to_owned)));
    }
    add(
        "times out after",
        field("TimeoutSeconds").or_else(|| field("TimeoutSecondsPath")).map(|seconds| duration(&seconds)),
    );
    facts
}

/// Finds a value under a name, or the path that gives it under the name with `.$`.
fn find(fields: &Map<String, Value>, name: &str) -> Option<String> {
    let value = fields.get(name).filter(|value| !value.is_null());
    value.or_else(|| fields.get(&format!("{name}.$"))).map(text_of)
}

/// Returns a value as its author would say it; references look like those of `Fn::Sub`.
pub(super) fn text_of(value: &Value) -> String {
    if let Some(text) = scalar_text(value) {
        return text;
    }
    let call = value.as_object().filter(|object| object.len() == 1).and_then(|object| object.iter().next());
    match call {
        Some((name, Value::String(target))) if name == "Ref" => format!("${{{target}}}"),
        Some((name, Value::String(text))) if name == "Fn::Sub" => text.clone(),
        Some((name, Value::Array(parts))) if name == "Fn::Sub" => parts.first().map(text_of).unwrap_or_default(),
        Some((name, Value::String(target))) if name == "Fn::GetAtt" => format!("${{{target}}}"),
        Some((name, Value::Array(parts))) if name == "Fn::GetAtt" => {
            format!("${{{}}}", parts.iter().map(text_of).collect::<Vec<_>>().join("."))
        }
        _ => value.to_string(),
    }
}

/// Returns the part of a resource name that says something: `sns:publish`, `function:resize`.
fn short_arn(resource: &str) -> String {
    let Some(rest) = resource.strip_prefix("arn:") else { return resource.to_owned() };
    let parts: Vec<&str> = rest.split(':').collect();
    match parts.as_slice() {
        [_, "states", _, _, rest @ ..] => rest.join(":"),
        [_, service, _, _, rest @ ..] => format!("{service}:{}", rest.join(":")),
        _ => resource.to_owned(),
    }
}

/// Returns a number of seconds in the largest unit that divides it; a path stays as it is.
fn duration(seconds: &str) -> String {
    let Ok(count) = seconds.parse::<u64>() else { return seconds.to_owned() };
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (size, unit) = units.into_iter().find(|(size, _)| count > 0 && count % size == 0).unwrap_or((1, "second"));
    let count = count / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(kind: &str, fields: &Value, facts: &[&str]) {
        let fields = fields.as_object().expect("a step");
        let found = facts_of(&kind_of(kind, fields), fields, Some("Default"));
        assert_eq!(found.iter().map(Fact::text).collect::<Vec<_>>(), facts);
    }

    #[test]
    fn a_stack_is_known_by_its_name_or_its_file() {
        check("AttiniCfn", &json!({"Properties": {"StackName": {"Fn::Sub": "${Env}-db"}}}), &["stack ${Env}-db"]);
        check("AttiniCfn", &json!({"Properties": {"ConfigFile": "/db.yaml"}}), &["stack of /db.yaml"]);
        check("AttiniCfn", &json!({"Properties": {"StackName.$": "$.name"}}), &["stack $.name"]);
        check("AttiniCfn", &json!({"Properties": {"StackName": "x", "Action": "Delete"}}), &["deletes stack x"]);
        check("AttiniCfn", &json!({}), &[]);
        check("AttiniCfn", &json!({"Properties": 3}), &[]);
    }

    #[test]
    fn runner_approval_and_time_limit_are_told() {
        check("AttiniRunnerJob", &json!({"Properties": {"Runner": {"Ref": "Big"}}}), &["runner ${Big}"]);
        check("AttiniRunnerJob", &json!({}), &["runner Default"]);
        check("AttiniManualApproval", &json!({"TimeoutSeconds": 86400}), &["times out after 1 day"]);
        let cdk = json!({"Properties": {"Path": "./app", "Diff": {"Enabled": "true"}, "Stacks": ["A", "B"]}});
        check("AttiniCdk", &cdk, &["stacks A, B", "project ./app", APPROVES_CHANGES, "runner Default"]);
    }

    #[test]
    fn steps_of_the_language_tell_what_matters() {
        check("Wait", &json!({"Seconds": 90}), &["for 90 seconds"]);
        check("Wait", &json!({"Timestamp": "2030-01-01T00:00:00Z"}), &["until 2030-01-01T00:00:00Z"]);
        check("Task", &json!({"Resource": "arn:aws:states:::sns:publish"}), &["calls sns:publish"]);
        check("Task", &json!({"Resource": "arn:aws:lambda:eu-west-1:1:function:f"}), &["calls lambda:function:f"]);
        check("Fail", &json!({"Error": "Oops"}), &["error Oops"]);
        check("Map", &json!({"ItemsPath": "$.a", "MaxConcurrency": 3}), &["each of $.a", "concurrency 3"]);
        check("AttiniImport", &json!({"Properties": {"Source": {"Name": "net"}}}), &["from net"]);
        check("AttiniLambdaInvoke", &json!({"Parameters": {"FunctionName": "f"}}), &["function f"]);
    }

    #[test]
    fn a_translated_step_is_recognized_by_what_it_sends() {
        let fields = json!({"Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken", "Parameters": {
            "Payload": {"attiniActionType": "DeployCfn", "Properties": {"StackName": "db"}}}});
        check("Task", &fields, &["stack db"]);
        assert_eq!(kind_of("Task", fields.as_object().expect("a step")).class, StepClass::Stack);
    }
}
