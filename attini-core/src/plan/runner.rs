//! A runner becomes a queue, its network and task definition, and a record for the registration (deployment-plan.md 5).

mod network;
mod settings;
mod task_definition;

use serde_json::{Map, Value, json};

use super::expansion::Surroundings;
use super::problem::PlanProblem;
use crate::asl::kind_of;
use crate::document::DocPath;

/// What a runner becomes.
pub(super) struct RunnerParts {
    /// The resources by logical id.
    pub(super) resources: Map<String, Value>,
    /// The element of the trigger's `Runners`.
    pub(super) record: Value,
}

/// A runner on its way, with the problems found so far.
struct Runner<'a> {
    id: &'a str,
    /// Where its properties were written.
    origin: DocPath,
    properties: Map<String, Value>,
    around: &'a Surroundings<'a>,
    problems: &'a mut Vec<PlanProblem>,
}

/// Expands a runner; what is wrong with it is reported.
pub(super) fn expand_runner(
    id: &str,
    resource: &Value,
    origin: &DocPath,
    around: &Surroundings<'_>,
    problems: &mut Vec<PlanProblem>,
) -> RunnerParts {
    let mut runner = Runner { id, origin: origin.key("Properties"), properties: Map::new(), around, problems };
    match resource.get("Properties") {
        None | Some(Value::Null) => {}
        Some(Value::Object(properties)) => runner.properties = present(properties),
        Some(other) => runner.report(&[], format!("Properties must be an object, not {}", kind_of(other))),
    }
    settings::check(&mut runner);
    let mut record = Map::new();
    let mut resources = Map::new();
    record.insert("name".to_owned(), json!(id));
    let queue = format!("AttiniRunnerQueue{id}");
    network::add(&mut runner, &mut record, &mut resources);
    record.insert("taskDefinitionArn".to_owned(), task_definition::add(&mut runner, &mut resources));
    record.insert("queueUrl".to_owned(), json!({"Fn::GetAtt": format!("{queue}.QueueUrl")}));
    settings::record(&mut runner, &mut record, &mut resources);
    resources.insert(
        queue,
        json!({
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "FifoQueue": "True",
                "KmsDataKeyReusePeriodSeconds": "86400",
                "ReceiveMessageWaitTimeSeconds": "20",
                "VisibilityTimeout": "15",
                "MessageRetentionPeriod": "43200",
            },
        }),
    );
    let record = keep_attributes(resource, &mut resources, Value::Object(record));
    RunnerParts { resources, record }
}

/// Carries the attributes of the runner's resource over to what it becomes.
fn keep_attributes(resource: &Value, resources: &mut Map<String, Value>, record: Value) -> Value {
    let attribute = |key: &str| resource.get(key).filter(|value| !value.is_null());
    if let Some(policy) = attribute("DeletionPolicy") {
        for part in resources.values_mut() {
            if part["Type"] == "AWS::SQS::Queue" || part["Type"] == "AWS::Logs::LogGroup" {
                part["DeletionPolicy"] = policy.clone();
            }
        }
    }
    let Some(condition) = attribute("Condition") else { return record };
    for part in resources.values_mut() {
        part["Condition"] = condition.clone();
    }
    json!({"Fn::If": [condition, record, {"Ref": "AWS::NoValue"}]})
}

/// Leaves out what is `null`, which counts as absent.
fn present(properties: &Map<String, Value>) -> Map<String, Value> {
    properties.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.clone(), value.clone())).collect()
}

impl Runner<'_> {
    /// Reports a problem; `way` leads from the properties to what is wrong.
    fn report(&mut self, way: &[&str], text: impl Into<String>) {
        let path = way.iter().fold(self.origin.clone(), |path, key| path.key(*key));
        self.problems.push(PlanProblem::new(path, None, self.named(&text.into())));
    }

    fn report_word(&mut self, way: &[&str], text: &str, word: &str, candidates: &[&str]) {
        let path = way.iter().fold(self.origin.clone(), |path, key| path.key(*key));
        let problem = PlanProblem::new(path, None, self.named(text));
        self.problems.push(problem.suggest(word, candidates.iter().copied()));
    }

    /// A generated runner has no resource of its own whose name a message could start with.
    fn named(&self, text: &str) -> String {
        let own =
            self.origin.parent().is_some_and(|resource| resource == DocPath::root().key("Resources").key(self.id));
        if own { text.to_owned() } else { format!("runner {}: {text}", self.id) }
    }

    /// Returns an object among the properties; anything else is reported when the settings are checked.
    fn group(&self, key: &str) -> Option<Map<String, Value>> {
        self.properties.get(key)?.as_object().map(present)
    }
}
