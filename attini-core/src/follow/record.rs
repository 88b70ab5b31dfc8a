use serde_json::{Map, Value};

use crate::value::{ExecutionArn, StackName, Timestamp};

/// What following uses of a deployment record (init-deploy.md 8.1).
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RecordView {
    pub deployed: Timestamp,
    pub environment: String,
    pub distribution: String,
    pub id: Option<String>,
    pub version: Option<String>,
    pub tags: Map<String, Value>,
    pub error: Option<(String, String)>,
    pub stack: Option<StackName>,
    pub is_app: bool,
    pub init_unchanged: bool,
    pub init_errors: Vec<ResourceError>,
    pub plan_count: Option<i64>,
    pub step_types: Vec<(String, String)>,
    pub executions: Vec<ExecutionArn>,
    pub errors: Vec<ResourceError>,
    pub outcome: Option<(String, String)>,
    pub warnings: Vec<String>,
}

/// An entry of `initStackErrors` or `errors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ResourceError {
    pub step: String,
    pub resource: String,
    pub status: String,
    pub error: String,
}

impl RecordView {
    pub(super) fn read(deployed: Timestamp, body: &Map<String, Value>) -> Self {
        let code = text(body, "errorCode");
        let message = text(body, "errorMessage");
        let error = (!code.is_empty() || !message.is_empty()).then(|| {
            let code = if code.is_empty() { "DeploymentError".to_owned() } else { code };
            (code.clone(), if message.is_empty() { code } else { message })
        });
        let outcome = text(body, "outcome");
        Self {
            deployed,
            environment: text(body, "environment"),
            distribution: text(body, "distributionName"),
            id: some_text(body, "distributionId"),
            version: some_text(body, "version"),
            tags: body.get("distributionTags").and_then(Value::as_object).cloned().unwrap_or_default(),
            error,
            stack: some_text(body, "stackName").and_then(|name| StackName::parse(&name).ok()),
            is_app: text(body, "deploymentType") == "app",
            init_unchanged: body.get("initStackUnchanged").and_then(Value::as_bool).unwrap_or(false),
            init_errors: objects(body.get("initStackErrors")).map(ResourceError::read).collect(),
            plan_count: body.get("deploymentPlanCount").and_then(Value::as_i64),
            step_types: objects(body.get("attiniSteps")).map(|step| (text(step, "name"), text(step, "type"))).collect(),
            executions: body
                .get("executionArns")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Map::values)
                .filter_map(Value::as_str)
                .map(ExecutionArn::from_record)
                .collect(),
            errors: body
                .get("errors")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(Map::values)
                .flat_map(|list| objects(Some(list)))
                .map(ResourceError::read)
                .collect(),
            warnings: body
                .get("warnings")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|warning| warning.as_str().map(str::to_owned))
                .collect(),
            outcome: (!outcome.is_empty()).then(|| (outcome, text(body, "outcomeMessage"))),
        }
    }

    /// Returns the outcome and its message, when it is another one than success.
    pub(super) fn bad_outcome(&self) -> Option<(&str, &str)> {
        let (outcome, message) = self.outcome.as_ref()?;
        // The error of the deployment says what became of it, and what to do.
        let message = self.error.as_ref().filter(|_| message.is_empty()).map_or(message, |(_, message)| message);
        (outcome != "SUCCEEDED").then_some((outcome, message))
    }
}

impl ResourceError {
    fn read(body: &Map<String, Value>) -> Self {
        Self {
            step: text(body, "stepName"),
            resource: text(body, "resourceName"),
            status: text(body, "resourceStatus"),
            error: text(body, "error"),
        }
    }
}

/// Returns the text under a key, empty when there is none.
pub(super) fn text(body: &Map<String, Value>, key: &str) -> String {
    body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn some_text(body: &Map<String, Value>, key: &str) -> Option<String> {
    body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn objects(list: Option<&Value>) -> impl Iterator<Item = &Map<String, Value>> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}
