//! Which fields the States Language gives to which type of state and to which query language.

use serde_json::{Map, Value};

const ALL: &[&str] = &["Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map"];
const NOT_FAIL: &[&str] = &["Task", "Wait", "Pass", "Succeed", "Choice", "Parallel", "Map"];
const GO_ON: &[&str] = &["Task", "Wait", "Pass", "Parallel", "Map"];
const ASSIGN: &[&str] = &["Task", "Wait", "Pass", "Choice", "Parallel", "Map"];
const WORK: &[&str] = &["Task", "Parallel", "Map"];
const WITH_RESULT: &[&str] = &["Task", "Pass", "Parallel", "Map"];
const MAP: &[&str] = &["Map"];
const TASK: &[&str] = &["Task"];
const WAIT: &[&str] = &["Wait"];
const FAIL: &[&str] = &["Fail"];

/// A query language that alone has a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Only {
    Both,
    JsonPath,
    Jsonata,
}
use Only::{Both, JsonPath, Jsonata};

/// The fields of states, the types that have them, and the query language.
const FIELDS: [(&str, &[&str], Only); 48] = [
    ("Type", ALL, Both),
    ("Comment", ALL, Both),
    ("QueryLanguage", ALL, Both),
    ("Next", GO_ON, Both),
    ("End", GO_ON, Both),
    ("InputPath", NOT_FAIL, JsonPath),
    ("OutputPath", NOT_FAIL, JsonPath),
    ("Output", NOT_FAIL, Jsonata),
    ("Assign", ASSIGN, Both),
    ("Parameters", WITH_RESULT, JsonPath),
    ("Arguments", &["Task", "Parallel"], Jsonata),
    ("ResultPath", WITH_RESULT, JsonPath),
    ("ResultSelector", WORK, JsonPath),
    ("Retry", WORK, Both),
    ("Catch", WORK, Both),
    ("Result", &["Pass"], JsonPath),
    ("Resource", TASK, Both),
    ("Credentials", TASK, Both),
    ("TimeoutSeconds", TASK, Both),
    ("TimeoutSecondsPath", TASK, JsonPath),
    ("HeartbeatSeconds", TASK, Both),
    ("HeartbeatSecondsPath", TASK, JsonPath),
    ("Choices", &["Choice"], Both),
    ("Default", &["Choice"], Both),
    ("Seconds", WAIT, Both),
    ("SecondsPath", WAIT, JsonPath),
    ("Timestamp", WAIT, Both),
    ("TimestampPath", WAIT, JsonPath),
    ("Error", FAIL, Both),
    ("ErrorPath", FAIL, JsonPath),
    ("Cause", FAIL, Both),
    ("CausePath", FAIL, JsonPath),
    ("Branches", &["Parallel"], Both),
    ("ItemProcessor", MAP, Both),
    ("Iterator", MAP, Both),
    ("Items", MAP, Jsonata),
    ("ItemsPath", MAP, JsonPath),
    ("ItemSelector", MAP, Both),
    ("ItemReader", MAP, Both),
    ("ItemBatcher", MAP, Both),
    ("ResultWriter", MAP, Both),
    ("Label", MAP, Both),
    ("MaxConcurrency", MAP, Both),
    ("MaxConcurrencyPath", MAP, JsonPath),
    ("ToleratedFailureCount", MAP, Both),
    ("ToleratedFailureCountPath", MAP, JsonPath),
    ("ToleratedFailurePercentage", MAP, Both),
    ("ToleratedFailurePercentagePath", MAP, JsonPath),
];

/// Returns what is wrong with the fields of a state, in the service's words.
pub(super) fn problems(state: &Map<String, Value>, kind: &str, is_jsonata: bool) -> Vec<String> {
    let language = |is_jsonata: bool| if is_jsonata { "JSONata" } else { "JSONPath" };
    let other = if is_jsonata { JsonPath } else { Jsonata };
    state
        .keys()
        .filter_map(|name| {
            let known = FIELDS.iter().find(|(known, kinds, _)| known == name && kinds.contains(&kind));
            match known {
                None => Some(format!("Field '{name}' is not supported")),
                Some((_, _, only)) if *only == other => Some(format!(
                    "The QueryLanguage is set to '{}', but field '{name}' is only supported for the '{}' QueryLanguage",
                    language(is_jsonata),
                    language(!is_jsonata)
                )),
                Some(_) => None,
            }
        })
        .collect()
}
