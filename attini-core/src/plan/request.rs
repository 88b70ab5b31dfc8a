//! The macro's request and response, as CloudFormation defines them (deployment-plan.md 2).

use serde_json::{Map, Value, json};

use super::expansion::expand;
use super::problem::{PlanProblem, error_message};
use crate::document::DocPath;
use crate::value::Region;

/// Image of runners on EC2 that name none (deployment-plan.md 1).
pub const DEFAULT_RUNNER_IMAGE: &str = "public.ecr.aws/attini/default-runner:attini-default-runner-2.0.2";

/// What CloudFormation asks the macro to expand.
#[derive(Debug, Clone, PartialEq)]
pub struct MacroRequest {
    /// Region of the stack.
    pub region: String,
    /// Account of the stack.
    pub account_id: String,
    /// Id to answer with, as sent.
    pub request_id: Value,
    /// Values of the template's parameters.
    pub parameter_values: Map<String, Value>,
    /// The template without its `Transform`.
    pub fragment: Value,
}

impl MacroRequest {
    /// Reads a request. Absent fields count as empty; a request without a fragment has `null` there.
    #[must_use]
    pub fn read(request: &Value) -> Self {
        let text = |key: &str| request.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = |key: &str| request.get(key).cloned().unwrap_or_default();
        Self {
            region: text("region"),
            account_id: text("accountId"),
            request_id: value("requestId"),
            parameter_values: request
                .get("templateParameterValues")
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
            fragment: value("fragment"),
        }
    }
}

/// What the macro finds around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MacroSettings {
    /// ARN of the role of plans without `RoleArn` and `Policies`; `None` when the framework was installed without one.
    pub default_role: Option<String>,
    /// Image of runners on EC2 that name none.
    pub default_runner_image: String,
    /// Subnets of the default VPC, in any order; `None` when there is no default VPC.
    pub default_vpc_subnets: Option<Vec<String>>,
    /// Seconds after which a plan with `Concurrency: queue` looks again whether it is its turn; 30 in AWS
    /// (deployment-plan.md 4.1), where every look costs something.
    pub queue_interval_seconds: u32,
}

impl MacroSettings {
    /// Returns what the macro finds in an account with the framework in it, and one subnet in its default VPC.
    #[must_use]
    pub fn of_place(region: &str, account: &str) -> Self {
        let partition = partition_of(region);
        let role = format!("role/attini/attini-deployment-plan-default-role-{region}");
        Self {
            default_role: Some(format!("arn:{partition}:iam::{account}:{role}")),
            default_runner_image: DEFAULT_RUNNER_IMAGE.to_owned(),
            default_vpc_subnets: Some(vec!["subnet-00000000000000000".to_owned()]),
            queue_interval_seconds: 30,
        }
    }
}

/// Returns the second part of ARNs in a region; `aws` for one that nobody knows.
pub(super) fn partition_of(region: &str) -> &'static str {
    Region::parse(region).map_or("aws", |region| region.partition().id)
}

/// Answers a macro request.
///
/// `uuid` is a new random UUID: it makes every stack update run the registration again. The answer is a success with the
/// new fragment, or a failure whose message lists the problems, one a line, in at most 1024 characters.
#[must_use]
pub fn macro_response(request: &Value, settings: &MacroSettings, uuid: &str) -> Value {
    let request = MacroRequest::read(request);
    let outcome = if request.fragment.is_object() {
        expand(&request, settings, uuid)
    } else {
        Err(vec![PlanProblem::new(DocPath::root(), None, "the request holds no template fragment")])
    };
    match outcome {
        Ok(expansion) => success(&request.request_id, expansion.fragment),
        Err(problems) => failure(&request.request_id, &problems),
    }
}

/// Answers a macro request with the new template.
#[must_use]
pub fn success(request_id: &Value, fragment: Value) -> Value {
    // Built by hand: the macro `json!` would copy the template.
    let mut response = Map::new();
    response.insert("requestId".to_owned(), request_id.clone());
    response.insert("status".to_owned(), json!("success"));
    response.insert("fragment".to_owned(), fragment);
    Value::Object(response)
}

/// Answers a macro request with what is wrong: one problem a line, in at most 1024 characters.
#[must_use]
pub fn failure(request_id: &Value, problems: &[PlanProblem]) -> Value {
    json!({ "requestId": request_id, "status": "FAILURE", "errorMessage": error_message(problems) })
}
