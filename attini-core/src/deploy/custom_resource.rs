//! The custom resource behind a plan's trigger: CloudFormation's request in, registration, answer out (deployment-plan.md 10).

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::registration::{Registration, register_plan, unregister_plan};
use crate::framework::Failure;
use crate::plan::{PLAN_TRIGGER, decode_defaults};
use crate::port::{BoxError, Clock, Inventory};
use crate::value::{MachineArn, Timestamp};

/// The physical id of every trigger. Another one would make CloudFormation delete the plan's old registration.
pub const TRIGGER_ID: &str = "DeploymentPlan";
/// Longest `Reason` that CloudFormation takes, in bytes.
const MAX_REASON: usize = 1024;
/// So often an answer is sent at most, and so long after each other (deployment-plan.md 10.2).
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(2);

/// What CloudFormation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestType {
    /// The resource is new.
    Create,
    /// Its properties have changed.
    Update,
    /// It goes.
    Delete,
}

/// A request to the custom resource (deployment-plan.md 10.1). It has no `Debug`: properties hold parameter values.
#[derive(Clone)]
pub struct CustomResourceRequest {
    /// What to do.
    pub request_type: RequestType,
    /// Where the answer goes.
    pub response_url: String,
    /// Type of the resource.
    pub resource_type: String,
    /// Properties of the resource.
    pub properties: Map<String, Value>,
    /// Properties before an update.
    pub old_properties: Option<Map<String, Value>>,
    /// `StackId`, `RequestId` and `LogicalResourceId`, which go back in the answer.
    identity: [(&'static str, Value); 3],
}

impl CustomResourceRequest {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// When `RequestType` is none of the three, or `ResponseURL` is no URL: then nobody can be answered.
    pub fn read(event: &Value) -> Result<Self, Failure> {
        let request_type = match event.get("RequestType").and_then(Value::as_str) {
            Some("Create") => RequestType::Create,
            Some("Update") => RequestType::Update,
            Some("Delete") => RequestType::Delete,
            other => {
                let cause = match other {
                    Some(text) => format!("the request has the RequestType {text}; it is Create, Update or Delete"),
                    None => "the request has no RequestType; it is Create, Update or Delete".to_owned(),
                };
                return Err(Failure::new("InvalidRequest", cause));
            }
        };
        let response_url = event.get("ResponseURL").and_then(Value::as_str).unwrap_or_default();
        if !["https://", "http://"].iter().any(|scheme| response_url.starts_with(scheme)) {
            let cause = "the request has no ResponseURL that is a URL, so CloudFormation cannot be answered";
            return Err(Failure::new("InvalidRequest", cause));
        }
        let identity = ["StackId", "RequestId", "LogicalResourceId"];
        Ok(Self {
            request_type,
            response_url: response_url.to_owned(),
            resource_type: event.get("ResourceType").and_then(Value::as_str).unwrap_or_default().to_owned(),
            properties: event.get("ResourceProperties").and_then(Value::as_object).cloned().unwrap_or_default(),
            old_properties: event.get("OldResourceProperties").and_then(Value::as_object).cloned(),
            identity: identity.map(|field| (field, event.get(field).cloned().unwrap_or_default())),
        })
    }

    /// Says whether the plan's `AttiniSteps` are needed, which its state machine's metadata holds.
    #[must_use]
    pub fn registers(&self) -> bool {
        self.resource_type == PLAN_TRIGGER && self.request_type != RequestType::Delete
    }

    /// Returns the body that is put to the request's `ResponseURL` (deployment-plan.md 10.2).
    #[must_use]
    pub fn answer(&self, outcome: &Result<(), Failure>) -> Value {
        let (status, reason) = match outcome {
            Ok(()) => ("SUCCESS", "All is good".to_owned()),
            Err(failure) => ("FAILED", shortened(&failure.cause)),
        };
        let mut body = json!({ "Status": status, "Reason": reason, "PhysicalResourceId": TRIGGER_ID });
        for (field, value) in &self.identity {
            body[*field] = value.clone();
        }
        body
    }
}

/// Sends an answer once.
#[async_trait]
pub trait AnswerChannel: Send + Sync {
    /// Puts the body to the URL, without a `Content-Type`, and returns the HTTP status.
    async fn put(&self, url: &str, body: &Value) -> Result<u16, BoxError>;
}

/// Sends an answer until it is taken: every two seconds, 60 times at most, and not after `until`, when the caller's own time
/// ends (deployment-plan.md 10.2).
///
/// # Errors
///
/// What the last attempt came to; CloudFormation then waits until its own limit.
pub async fn deliver_answer(
    channel: &dyn AnswerChannel,
    clock: &dyn Clock,
    url: &str,
    body: &Value,
    until: Timestamp,
) -> Result<(), Failure> {
    let mut attempt = 1;
    loop {
        let why = match channel.put(url, body).await {
            Ok(200..=299) => return Ok(()),
            Ok(status) => format!("the status {status}"),
            Err(error) => crate::framework::explain(error.as_ref()),
        };
        if attempt == ATTEMPTS || clock.now().after(PAUSE) > until {
            let cause = format!("CloudFormation did not take the answer, attempt {attempt} was the last: {why}");
            return Err(Failure::new("AnswerNotTaken", cause));
        }
        attempt += 1;
        clock.sleep(PAUSE).await;
    }
}

/// Carries out a request (deployment-plan.md 10.3). `steps` are the plan's `AttiniSteps` where the request registers one.
///
/// Anything else that is deleted is a success: a stack with it must be able to go.
///
/// # Errors
///
/// When the type is unknown, or as [`register_plan`] and [`unregister_plan`] say.
pub async fn handle_custom_resource(
    inventory: &dyn Inventory,
    request: &CustomResourceRequest,
    steps: Value,
    version: &str,
) -> Result<(), Failure> {
    match (request.resource_type.as_str(), request.request_type) {
        (PLAN_TRIGGER, RequestType::Delete) => {
            let plan = Registration::read(&request.properties, Value::Null);
            unregister_plan(inventory, &plan.stack, &plan.machine).await
        }
        (PLAN_TRIGGER, _) => {
            let old = request.old_properties.as_ref().and_then(machine_of);
            register_plan(inventory, &Registration::read(&request.properties, steps), old.as_ref(), version).await
        }
        (_, RequestType::Delete) => Ok(()),
        (other, _) => {
            let cause = format!("the custom resource type {other} is unknown; this version knows {PLAN_TRIGGER}");
            Err(Failure::new("UnknownResourceType", cause))
        }
    }
}

/// Returns the state machine that the properties of a trigger name.
#[must_use]
pub fn machine_of(properties: &Map<String, Value>) -> Option<MachineArn> {
    properties.get("SfnArn").and_then(Value::as_str).map(|arn| MachineArn::from_record(arn.to_owned()))
}

impl Registration {
    /// Reads the properties of a trigger (deployment-plan.md 4.5). Those that are absent, as in old stacks, count as empty.
    #[must_use]
    pub fn read(properties: &Map<String, Value>, steps: Value) -> Self {
        let text = |field: &str| properties.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let runners = properties.get("Runners").and_then(Value::as_array).into_iter().flatten();
        let parameters = properties.get("Parameters").and_then(Value::as_object).into_iter().flatten();
        let parameter = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        Self {
            stack: text("StackName"),
            machine: MachineArn::from_record(text("SfnArn")),
            runners: runners.filter_map(|runner| runner.as_object().cloned()).collect(),
            parameters: parameters.map(|(name, value)| (name.clone(), parameter(value))).collect(),
            payload_defaults: decode_defaults(properties.get("PayloadDefaults").unwrap_or(&json!({}))),
            concurrency: properties.get("Concurrency").and_then(Value::as_str).map(str::to_owned),
            steps,
        }
    }
}

/// Cuts a text at a character, so that it fits.
fn shortened(text: &str) -> String {
    if text.len() <= MAX_REASON {
        return text.to_owned();
    }
    const MORE: &str = "…";
    let end = (0..=MAX_REASON - MORE.len()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}{MORE}", &text[..end])
}
