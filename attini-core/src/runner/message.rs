use std::fmt;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::value::coerce::{self, IllegalFormat, PropertyReader, WrongKind};
use crate::value::{ExecutionArn, KeyPrefix, ObjectIdentifier, ObjectKey, StepName, TaskToken};

const PROPERTIES: &str = "Properties";
const METADATA: &str = "deploymentPlanExecutionMetadata";
const ORIGIN: &str = "deploymentOriginData";
const SOURCE: &str = "deploymentSource";
const HASH: &str = "taskConfigHashCode";
const ENVIRONMENT: &str = "environment";
const ACTION: &str = "attiniActionType";

/// Keys of a message that a job does not get to see (runner.md 4.5).
const HIDDEN: [&str; 5] = [PROPERTIES, "RunnerConfig", ACTION, METADATA, HASH];

/// `Properties` of a runner job (actions.md 9.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunnerJobProperties {
    /// Commands, run in one shell.
    pub commands: Vec<String>,
    /// Logical id of the runner.
    pub runner: Option<String>,
    /// Environment variables of the job, in the order of their author.
    pub environment: Vec<(String, String)>,
}

impl RunnerJobProperties {
    /// Reads the properties of a step; unknown ones are ignored, null and missing ones are absent.
    ///
    /// # Errors
    ///
    /// [`IllegalFormat`] with everything that has a wrong kind.
    pub fn read(step: &str, properties: Option<&Value>) -> Result<Self, IllegalFormat> {
        let empty = Map::new();
        let properties = match properties {
            None | Some(Value::Null) => &empty,
            Some(Value::Object(properties)) => properties,
            Some(other) => {
                let problem = coerce::string_map(PROPERTIES, Some(other)).err();
                return Err(IllegalFormat { step: step.to_owned(), problems: problem.into_iter().collect() });
            }
        };
        let mut reader = PropertyReader::new(properties);
        let read = Self {
            commands: reader.string_list("Commands").unwrap_or_default(),
            runner: reader.string("Runner"),
            environment: reader.string_map("Environment").unwrap_or_default(),
        };
        reader.finish(step)?;
        Ok(read)
    }

    fn to_value(&self) -> Value {
        let environment: Map<String, Value> =
            self.environment.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        let environment = if environment.is_empty() { Value::Null } else { Value::Object(environment) };
        json!({"Commands": self.commands, "Runner": self.runner, "Environment": environment})
    }
}

/// Returns the message that queues a job (runner.md 5).
///
/// `input` is what the step got; all of it travels, except for what only the dispatcher needs. `hash` is the runner's
/// [`configuration_hash`](super::configuration_hash): only a runner with the same one takes the message.
#[must_use]
pub fn render_job_message(input: &Map<String, Value>, properties: &RunnerJobProperties, hash: i32) -> String {
    let mut message = input.clone();
    message.shift_remove(ACTION);
    message.insert(PROPERTIES.to_owned(), properties.to_value());
    message.entry("appConfig").or_insert(Value::Null);
    message.insert(HASH.to_owned(), Value::from(hash));
    Value::Object(message).to_string()
}

/// Returns the id under which a queue recognizes the job: 64 hexadecimal digits that do not betray the token.
///
/// Made of the token and not of execution and step, so that retries, loops and maps queue a job each (runner.md 3.2).
#[must_use]
pub fn job_dedup_id(token: &TaskToken) -> String {
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

/// A job as taken from a queue (runner.md 5).
#[derive(Clone, PartialEq)]
pub struct JobMessage {
    /// Answers the waiting step.
    pub token: TaskToken,
    /// Execution the job belongs to.
    pub execution: ExecutionArn,
    /// Step the job is run for.
    pub step: StepName,
    /// Name of the environment, as recorded.
    pub environment: String,
    /// Name of the distribution, as recorded.
    pub distribution_name: String,
    /// Id of the distribution, as recorded.
    pub distribution_id: String,
    /// Upload that is deployed.
    pub object_identifier: ObjectIdentifier,
    /// Bucket of the distribution's files.
    pub source_bucket: String,
    /// Prefix of the distribution's files.
    pub source_prefix: KeyPrefix,
    /// Configuration of the runner that may take the job.
    pub configuration_hash: i32,
    /// What to run.
    pub properties: RunnerJobProperties,
    input: Map<String, Value>,
}

/// A message that cannot be run. The step is still to be answered, when its token is known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the job message cannot be read: {reason}")]
pub struct InvalidMessage {
    /// Token of the step, when the message names it.
    pub token: Option<TaskToken>,
    /// Error name for the step.
    pub error_name: &'static str,
    /// What is wrong, without values.
    pub reason: String,
}

impl JobMessage {
    /// Reads a message. Unknown fields are kept for the job; absent commands and variables are none.
    ///
    /// # Errors
    ///
    /// [`InvalidMessage`] when it is not JSON, misses something or has something of a wrong kind.
    pub fn parse(body: &str) -> Result<Self, InvalidMessage> {
        let invalid = |token: Option<&TaskToken>, reason: String| InvalidMessage {
            token: token.cloned(),
            error_name: super::error_name::RUNTIME_ERROR,
            reason,
        };
        let Ok(Value::Object(mut message)) = serde_json::from_str(body) else {
            return Err(invalid(None, "it is not a JSON object".to_owned()));
        };
        let token = required(&message, &[METADATA, "sfnToken"]).map_err(|reason| invalid(None, reason))?;
        let token = TaskToken::new(token);
        let text = |path: &[&str]| required(&message, path).map_err(|reason| invalid(Some(&token), reason));
        let step = text(&[METADATA, "stepName"])?;
        let hash = text(&[HASH])?;
        let configuration_hash =
            hash.parse().map_err(|_| invalid(Some(&token), format!("{HASH} is not a signed 32-bit number")))?;
        let properties = RunnerJobProperties::read(&step, message.get(PROPERTIES)).map_err(|error| InvalidMessage {
            token: Some(token.clone()),
            error_name: IllegalFormat::ERROR_NAME,
            reason: error.to_string(),
        })?;
        let mut job = Self {
            execution: ExecutionArn::from_record(text(&[METADATA, "executionArn"])?),
            step: StepName::new(step),
            environment: text(&[ORIGIN, ENVIRONMENT])?,
            distribution_name: text(&[ORIGIN, "distributionName"])?,
            distribution_id: text(&[ORIGIN, "distributionId"])?,
            object_identifier: ObjectIdentifier::from_record(text(&[ORIGIN, "objectIdentifier"])?),
            source_bucket: text(&[ORIGIN, SOURCE, "deploymentSourceBucket"])?,
            source_prefix: KeyPrefix::closed(&text(&[ORIGIN, SOURCE, "deploymentSourcePrefix"])?),
            configuration_hash,
            properties,
            input: Map::new(),
            token,
        };
        message.retain(|key, _| !HIDDEN.contains(&key.as_str()));
        message.entry(ENVIRONMENT).or_insert_with(|| Value::from(job.environment.as_str()));
        job.input = message;
        Ok(job)
    }

    /// Returns what the job finds in `$ATTINI_INPUT`: the message without the token and without what only the runner needs.
    #[must_use]
    pub fn input_document(&self) -> &Map<String, Value> {
        &self.input
    }

    /// Returns the key of the distribution's zip: `<source prefix>/<distribution name>.zip`.
    #[must_use]
    pub fn source_key(&self) -> ObjectKey {
        self.source_prefix.key(&format!("{}.zip", self.distribution_name))
    }

    /// Returns the key of the job's log (runner.md 4.9).
    #[must_use]
    pub fn log_key(&self) -> ObjectKey {
        ObjectKey::of_step_log(
            &self.environment,
            &self.distribution_name,
            &self.distribution_id,
            self.step.as_str(),
            self.execution.id(),
        )
    }

    /// Returns the id under which queues and runners recognize the job.
    #[must_use]
    pub fn dedup_id(&self) -> String {
        job_dedup_id(&self.token)
    }
}

/// Names the job only: commands, variables and input can hold secrets.
impl fmt::Debug for JobMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobMessage")
            .field("step", &self.step)
            .field("execution", &self.execution)
            .field("object_identifier", &self.object_identifier)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// Returns the scalar at the path, as text.
fn required(message: &Map<String, Value>, path: &[&str]) -> Result<String, String> {
    let (last, parents) = path.split_last().expect("every path names a field");
    let name = path.join(".");
    let parent = parents.iter().try_fold(message, |map, key| map.get(*key).and_then(Value::as_object));
    let value = parent.and_then(|map| map.get(*last));
    match coerce::string(&name, value) {
        Ok(Some(text)) if !text.is_empty() => Ok(text),
        Ok(_) => Err(format!("{name} is missing")),
        Err(WrongKind { actual, .. }) => Err(format!("{name} should be a String, it is of type {actual}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of runner.md 5.
    pub(crate) const EXAMPLE: &str = r#"{"output":{"Db":{"Arn":"a"}},
 "Properties":{"Commands":["echo hi"],"Runner":"MyRunner","Environment":{"K":"v"}},
 "deploymentPlanExecutionMetadata":{"retryCounter":0,"sfnToken":"S3CRET","stepName":"Job","executionArn":"arn:aws:states:r:a:execution:sm:e1","executionStartTime":"2024-01-01T00:00:00Z"},
 "deploymentOriginData":{"distributionName":"d","deploymentTime":1700000000000,"deploymentSource":{"deploymentSourcePrefix":"dev/d/id1/distribution-origin","deploymentSourceBucket":"attini-artifact-store-r-a"},"environment":"dev","distributionId":"id1","deploymentName":"dev-d","objectIdentifier":"dev/d/d.zip#v1","stackName":"dev-d-plan","distributionTags":{},"version":null,"samPackaged":false},
 "dependencies":{},"customData":{},"stackParameters":{"P":"1"},"appConfig":null,"taskConfigHashCode":-1102536878}"#;

    #[test]
    fn runner_case_25_input_has_the_payload_but_no_properties_and_no_token() {
        let job = JobMessage::parse(EXAMPLE).expect("complete");
        let input = job.input_document();
        for key in ["output", ORIGIN, "stackParameters", "dependencies", "customData", "appConfig"] {
            assert!(input.contains_key(key), "{key}");
        }
        for key in HIDDEN {
            assert!(!input.contains_key(key), "{key}");
        }
        assert_eq!(input[ENVIRONMENT], json!("dev"));
        let text = Value::Object(input.clone()).to_string();
        assert!(!text.contains("S3CRET"));
        assert!(!format!("{job:?}").contains("S3CRET"));
    }

    #[test]
    fn example_message_is_read() {
        let job = JobMessage::parse(EXAMPLE).expect("complete");
        assert_eq!(job.token.expose(), "S3CRET");
        assert_eq!(job.configuration_hash, -1_102_536_878);
        assert_eq!(job.source_key().as_str(), "dev/d/id1/distribution-origin/d.zip");
        assert_eq!(job.log_key().as_str(), "attini/deployment/logs/runner/dev/d/id1/Job/e1");
        assert_eq!(job.properties.commands, ["echo hi"]);
        assert_eq!(job.properties.environment, [("K".to_owned(), "v".to_owned())]);
        assert_eq!(job.dedup_id().len(), 64);
    }

    #[test]
    fn unreadable_messages_keep_the_token_when_there_is_one() {
        assert_eq!(JobMessage::parse("[]").expect_err("no object").token, None);
        let error = JobMessage::parse(&EXAMPLE.replace("stepName", "x")).expect_err("no step");
        assert_eq!(error.token, Some(TaskToken::new("S3CRET")));
        assert!(error.to_string().contains("stepName is missing"), "{error}");
        assert!(!format!("{error:?}").contains("S3CRET"));
        let error = JobMessage::parse(&EXAMPLE.replace(r#"["echo hi"]"#, r#""echo""#)).expect_err("no list");
        assert_eq!(error.error_name, "IllegalFormatException");
    }

    #[test]
    fn runner_case_4_and_rendered_messages_read_back() {
        let properties = json!({"Commands": ["echo", 5, true], "Runner": "R", "Environment": null, "Other": 1});
        let properties = RunnerJobProperties::read("Job", Some(&properties)).expect("scalars");
        let Ok(Value::Object(mut input)) = serde_json::from_str(EXAMPLE) else { panic!("object") };
        input.insert(ACTION.to_owned(), json!("ExecuteRunner"));
        input.shift_remove("appConfig");
        let body = render_job_message(&input, &properties, 7);
        let message: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(message[PROPERTIES]["Commands"], json!(["echo", "5", "true"]));
        assert_eq!(message[PROPERTIES]["Environment"], Value::Null);
        assert_eq!(message.get(ACTION), None);
        let job = JobMessage::parse(&body).expect("complete");
        assert_eq!((job.configuration_hash, job.properties), (7, properties));
    }

    #[test]
    fn runner_case_3_wrong_kinds_name_step_and_field() {
        let error = RunnerJobProperties::read("S", Some(&json!({"Commands": "echo"}))).expect_err("no list");
        let text = error.to_string();
        for part in ["step S", "Commands", "List/Array", "String"] {
            assert!(text.contains(part), "{text}");
        }
        let error = RunnerJobProperties::read("S", Some(&json!([1]))).expect_err("no map");
        assert!(error.to_string().contains("Properties should be a Object"), "{error}");
    }
}
