use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use attini_core::document::{DocPath, Document, Reader};
use attini_core::problem::{Problem, Problems, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::simulator::Changed;

/// What a real account would hold, as `attini local set` loads it: answers for everything that is not on this machine.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Values {
    /// Values of the account's parameter store, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// Exports of stacks that are not on this machine, by export name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub exports: BTreeMap<String, String>,
    /// Answers of Lambda functions, by function name (or the name at the end of the ARN).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub functions: BTreeMap<String, Answers>,
    /// Answers for single steps of a plan, by step name; they win over `functions`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub steps: BTreeMap<String, Answers>,
    /// Subnets of the default VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// What happens to stacks, by stack name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub stacks: BTreeMap<String, StackValues>,
    /// What happens to runners, by logical id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub runners: BTreeMap<String, RunnerValues>,
}

/// One answer, or a list of them: the first call gets the first, calls beyond the last get the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answers {
    /// Each call gets this one.
    One(Answer),
    /// Calls get these in order.
    Many(Vec<Answer>),
}

/// What a call returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It fails.
    Failure(FailureAnswer),
    /// It returns a value.
    Success(SuccessAnswer),
}

/// A call that returns a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuccessAnswer {
    /// The value.
    pub result: Value,
}

/// A call that fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureAnswer {
    /// Error name, as `Catch` and `Retry` match it.
    pub error: String,
    /// The reason.
    #[serde(default)]
    pub cause: String,
}

/// What happens to a stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct StackValues {
    /// Resources that fail, by logical id, with the reason. `Child.Bucket` is a resource of the nested stack `Child`, here
    /// and in the next two.
    pub fail: BTreeMap<String, String>,
    /// Resources that fail while an operation is rolled back, by logical id, with the reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fail_rollback: BTreeMap<String, String>,
    /// Resources that take time, in seconds, by logical id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub slow: BTreeMap<String, f64>,
    /// Stack policy, as CloudFormation has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Value>,
    /// Resources that somebody changed behind the stack's back, by logical id: properties as they are now, `null` for one
    /// that is gone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: Changed,
}

/// Longest time a resource may take, in seconds: a day.
const MAX_SLOW_SECONDS: f64 = 86_400.0;

impl StackValues {
    /// Returns how long resources take. A number below 0 is no time, one above a day is a day.
    pub(super) fn delays(&self) -> BTreeMap<String, Duration> {
        let delay = |seconds: f64| Duration::from_secs_f64(seconds.clamp(0.0, MAX_SLOW_SECONDS));
        let usable = self.slow.iter().filter(|(_, seconds)| seconds.is_finite());
        usable.map(|(id, seconds)| (id.clone(), delay(*seconds))).collect()
    }
}

/// What happens to a runner.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct RunnerValues {
    /// Whether its startup commands run on this machine. They are made for an image, so the default is no.
    pub run_startup_commands: bool,
}

/// Names only: parameters hold passwords, and so may everything else.
impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Values")
            .field("parameters", &self.parameters.keys())
            .field("exports", &self.exports.keys())
            .field("functions", &self.functions.keys())
            .field("steps", &self.steps.keys())
            .field("stacks", &self.stacks.keys())
            .field("runners", &self.runners.keys())
            .finish_non_exhaustive()
    }
}

impl Values {
    /// Reads a file of values, YAML or JSON.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, Problems> {
        let document = Document::parse(file_name, text)?;
        let mut reader = Reader::new(&document);
        let root = DocPath::root();
        if reader.value(&root).is_some() {
            check(&mut reader);
        }
        let ((), warnings) = reader.finish(())?;
        // A key without effect is a mistake here: the file serves nothing else.
        if !warnings.is_empty() {
            let errors = warnings.into_iter().map(|problem| Problem { severity: Severity::Error, ..problem });
            return Err(Problems(errors.collect()));
        }
        let json = document.to_json();
        if json.is_null() {
            return Ok(Self::default());
        }
        Self::from_json(json).map_err(|message| Problems::one(format!("{file_name}: {message}")))
    }

    /// Reads stored values.
    ///
    /// # Errors
    ///
    /// What the first problem is.
    pub fn from_json(json: Value) -> Result<Self, String> {
        serde_json::from_value(json).map_err(|error| error.to_string())
    }

    /// Returns the value of a parameter of the account.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        // The CDK checks this one in every stack; any version that is new enough will do.
        let bootstrap = name.starts_with("/cdk-bootstrap/") && name.ends_with("/version");
        match self.parameters.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(Value::Array(items)) => Some(items.iter().map(text_of).collect::<Vec<_>>().join(",")),
            Some(other) => Some(other.to_string()),
            None if bootstrap => Some("9999".to_owned()),
            None => None,
        }
    }
}

/// Checks keys and types where they stand.
fn check(reader: &mut Reader<'_>) {
    let root = DocPath::root();
    reader.known_keys(&root, &["parameters", "exports", "functions", "steps", "subnets", "stacks", "runners"]);
    let _: Option<Vec<_>> = reader.entries(&root);
    let _: Option<Vec<_>> = reader.entries(&root.key("parameters"));
    let _: Option<BTreeMap<_, _>> = reader.text_map(&root.key("exports"));
    let _: Option<Vec<_>> = reader.texts(&root.key("subnets"));
    for section in ["functions", "steps"] {
        for (_, path, node) in reader.entries(&root.key(section)).unwrap_or_default() {
            match node.as_list() {
                Some(answers) => (0..answers.len()).for_each(|index| check_answer(reader, &path.index(index))),
                None => check_answer(reader, &path),
            }
        }
    }
    for (section, key) in [("stacks", "fail"), ("runners", "runStartupCommands")] {
        for (_, path, _) in reader.entries(&root.key(section)).unwrap_or_default() {
            let keys: &[&str] = match section {
                "stacks" => &["fail", "failRollback", "slow", "policy", "changed"],
                _ => &[key],
            };
            reader.known_keys(&path, keys);
            let _: Option<Vec<_>> = reader.entries(&path);
            match key {
                "fail" => {
                    drop(reader.text_map(&path.key(key)));
                    drop(reader.text_map(&path.key("failRollback")));
                    for key in ["slow", "policy", "changed"] {
                        let _: Option<Vec<_>> = reader.entries(&path.key(key));
                    }
                }
                _ => drop(reader.boolean(&path.key(key))),
            }
        }
    }
}

fn check_answer(reader: &mut Reader<'_>, path: &DocPath) {
    reader.known_keys(path, &["result", "error", "cause"]);
    let Some(entries) = reader.entries(path) else { return };
    let has = |key: &str| entries.iter().any(|(name, ..)| *name == key);
    if has("result") == has("error") {
        let problem = Problem::error("an answer is either `result: …`, or `error: NAME` with `cause: …`");
        let spot = reader.document().spot(path);
        reader.note(problem.at(spot));
    }
    drop(reader.text(&path.key("error")));
    drop(reader.text(&path.key("cause")));
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Answers {
    /// Returns the answer to call number `call`, counted from 0.
    #[must_use]
    pub fn for_call(&self, call: usize) -> Option<&Answer> {
        match self {
            Self::One(answer) => Some(answer),
            Self::Many(answers) => answers.get(call).or_else(|| answers.last()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_one_or_many() {
        let text = "functions:\n  a: {result: 1}\n  b:\n    - {error: Busy, cause: later}\n    - {result: done}\n";
        let values = Values::parse("v.yaml", text).expect("valid");
        assert!(matches!(values.functions["a"].for_call(7), Some(Answer::Success(_))));
        assert!(matches!(values.functions["b"].for_call(0), Some(Answer::Failure(_))));
        assert!(matches!(values.functions["b"].for_call(5), Some(Answer::Success(_))));
    }

    #[test]
    fn values_do_not_print_themselves() {
        let text = "parameters: {/db/password: hush}\nfunctions: {f: {result: hush}}\nexports: {vpc: hush}\n";
        let shown = format!("{:?}", Values::parse("v.yaml", text).expect("valid"));
        assert!(shown.contains("/db/password") && shown.contains("vpc") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn unknown_keys_are_named() {
        let problems = Values::parse("v.yaml", "fuctions: {}\n").expect_err("refused");
        assert_eq!(problems.to_string(), "v.yaml:1:1: unknown key `fuctions` (did you mean `functions`?)");
        let problems = Values::parse("v.yaml", "steps:\n  a: {reslt: 1}\n  b: 3\nother: 1\n").expect_err("refused");
        let text = problems.to_string();
        for part in ["v.yaml:2:7: unknown key `reslt` (did you mean `result`?)", "v.yaml:3:6: ", "v.yaml:4:1: "] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn the_cdk_bootstrap_version_is_there() {
        assert_eq!(Values::default().parameter("/cdk-bootstrap/hnb659fds/version").as_deref(), Some("9999"));
        assert_eq!(Values::default().parameter("/other"), None);
    }
}
