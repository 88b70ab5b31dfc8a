//! A plan becomes a state machine, a trigger that registers it, and a rule for its end (deployment-plan.md 4).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::expander::{Expander, PlanContext};
use super::expansion::Surroundings;
use super::problem::PlanProblem;
use super::{DEFAULT_RUNNER, encode_defaults, parameters, references, translate};
use crate::asl::{kind_of, scalar_text};
use crate::document::DocPath;
use crate::framework::ACTION_FUNCTION;

const PROPERTIES: [&str; 10] = [
    "DeploymentPlan",
    "RoleArn",
    "Policies",
    "PermissionsBoundary",
    "DefinitionSubstitutions",
    "PayloadDefaults",
    "DefaultRunner",
    "Name",
    "Tags",
    "Concurrency",
];

/// Returns the logical id of a plan's state machine. IAM policies and the CLI rely on the prefix.
pub(super) fn machine_id(plan: &str) -> String {
    format!("AttiniDeploymentPlanSfn{plan}")
}

/// What a plan becomes.
pub(super) struct PlanParts {
    /// Logical ids of the runners that its steps use.
    pub(super) used_runners: BTreeSet<String>,
    resources: Map<String, Value>,
    trigger_id: String,
}

impl PlanParts {
    /// Returns the plan's resources; the trigger registers the runners of the whole template.
    pub(super) fn into_resources(mut self, runners: Vec<Value>) -> Map<String, Value> {
        if let Some(trigger) = self.resources.get_mut(&self.trigger_id) {
            trigger["Properties"]["Runners"] = Value::Array(runners);
        }
        self.resources
    }
}

/// Expands a plan; what is wrong with it is reported.
pub(super) fn expand_plan(
    fragment: &Value,
    id: &str,
    resource: &Value,
    app: bool,
    runners: &BTreeSet<String>,
    around: &Surroundings<'_>,
    problems: &mut Vec<PlanProblem>,
) -> PlanParts {
    let origin = DocPath::root().key("Resources").key(id);
    let empty = Map::new();
    let properties = match resource.get("Properties") {
        Some(Value::Object(properties)) => properties,
        None | Some(Value::Null) => &empty,
        Some(other) => {
            let text = format!("Properties must be an object, not {}", kind_of(other));
            problems.push(PlanProblem::new(origin.key("Properties"), None, text));
            &empty
        }
    };
    let mut plan = Plan { id, origin: origin.key("Properties"), properties, runners, around, problems };
    plan.check_keys();
    if app && plan.get("Name").is_none() {
        plan.report("Name", "Name is missing, app distributions choose the plan by it");
    }
    let context = PlanContext {
        partition: around.partition,
        region: around.region.map(ToOwned::to_owned),
        app,
        queue_interval: (plan.concurrency() == Some("queue")).then_some(around.settings.queue_interval_seconds),
        default_runner: plan.default_runner(),
        runners: runners.clone(),
        no_echo: parameters::no_echo(fragment),
    };
    let (definition, listed, used_runners) = plan.definition(&context);
    let metadata = metadata(resource, listed);
    let machine = plan.machine(&context, definition);
    let trigger = plan.trigger(&context, parameters::for_trigger(fragment));
    let rule = rule(&context, &machine_id(id));

    let mut machine = resource_of("AWS::Serverless::StateMachine", machine);
    machine["Metadata"] = Value::Object(metadata);
    let kind = if app { super::APP_PLAN_TRIGGER } else { super::PLAN_TRIGGER };
    let mut trigger = resource_of(kind, trigger);
    let mut rule = resource_of("AWS::Events::Rule", rule);
    if let Some(condition) = resource.get("Condition").filter(|value| !value.is_null()) {
        for part in [&mut machine, &mut trigger, &mut rule] {
            part["Condition"] = condition.clone();
        }
    }
    if let Some(depends) = depends_on(resource, runners) {
        for part in [&mut machine, &mut trigger] {
            part["DependsOn"] = depends.clone();
        }
    }
    let trigger_id = format!("{}Trigger", machine_id(id));
    let mut resources = Map::new();
    resources.insert(machine_id(id), machine);
    resources.insert(trigger_id.clone(), trigger);
    resources.insert(format!("AttiniPostExecutionActions{id}"), rule);
    PlanParts { used_runners, resources, trigger_id }
}

/// Joins type and properties; `json!` would copy the whole state machine.
fn resource_of(kind: &str, properties: Map<String, Value>) -> Value {
    let mut resource = Map::new();
    resource.insert("Type".to_owned(), Value::String(kind.to_owned()));
    resource.insert("Properties".to_owned(), Value::Object(properties));
    Value::Object(resource)
}

struct Plan<'a> {
    id: &'a str,
    /// Path of the properties.
    origin: DocPath,
    properties: &'a Map<String, Value>,
    runners: &'a BTreeSet<String>,
    around: &'a Surroundings<'a>,
    problems: &'a mut Vec<PlanProblem>,
}

impl<'a> Plan<'a> {
    /// Returns a property; `null` counts as absent.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.properties.get(key).filter(|value| !value.is_null())
    }

    fn report(&mut self, key: &str, text: impl Into<String>) {
        let path = if self.properties.contains_key(key) { self.origin.key(key) } else { self.origin.clone() };
        self.problems.push(PlanProblem::new(path, None, text.into()));
    }

    fn check_keys(&mut self) {
        for (key, value) in self.properties {
            let path = self.origin.key(key);
            if !PROPERTIES.contains(&key.as_str()) {
                let problem = PlanProblem::new(path, None, format!("unknown property {key}"));
                self.problems.push(problem.suggest(key, PROPERTIES));
            } else if !matches!(key.as_str(), "DeploymentPlan" | "DefaultRunner")
                && let Some(runner) = references::runner_in(value, self.runners)
            {
                let problem = PlanProblem::new(path, None, format!("{key} has a Ref to the runner {runner}"));
                self.problems.push(problem.help("use the plain runner name".to_owned()));
            }
        }
    }

    /// Returns a property that must be an object.
    fn object(&mut self, key: &str) -> Option<&'a Map<String, Value>> {
        match self.get(key)? {
            Value::Object(object) => Some(object),
            other => {
                self.report(key, format!("{key} must be an object, not {}", kind_of(other)));
                None
            }
        }
    }

    fn concurrency(&mut self) -> Option<&'a str> {
        const MODES: [&str; 3] = ["replace", "queue", "reject"];
        let value = self.get("Concurrency")?;
        let mode = value.as_str().filter(|mode| MODES.contains(mode));
        if mode.is_none() {
            self.report("Concurrency", format!("Concurrency must be one of {}", MODES.join(", ")));
        }
        mode
    }

    fn default_runner(&mut self) -> String {
        let Some(value) = self.get("DefaultRunner") else { return DEFAULT_RUNNER.to_owned() };
        let Some(name) = scalar_text(value) else {
            self.report("DefaultRunner", format!("DefaultRunner must be a string, not {}", kind_of(value)));
            return DEFAULT_RUNNER.to_owned();
        };
        if !self.runners.contains(&name) && name != DEFAULT_RUNNER {
            let text = format!("DefaultRunner {name} is no runner of this template");
            let problem = PlanProblem::new(self.origin.key("DefaultRunner"), None, text);
            self.problems.push(problem.suggest(&name, self.runners.iter().map(String::as_str)));
        }
        name
    }

    /// Returns the state machine's definition, the entries of `AttiniSteps`, and the runners that steps use.
    fn definition(&mut self, context: &PlanContext) -> (Value, Vec<Value>, BTreeSet<String>) {
        let Some(plan) = self.get("DeploymentPlan") else {
            self.report("DeploymentPlan", "DeploymentPlan is missing in Properties");
            return (Value::Null, Vec::new(), BTreeSet::new());
        };
        let (scope, found) = translate::read_plan(plan, &self.origin.key("DeploymentPlan"));
        self.problems.extend(found.into_iter().map(PlanProblem::from));
        let mut expander = Expander::new(context);
        let definition = expander.machine(&scope);
        self.problems.append(&mut expander.problems);
        (definition, expander.listed, expander.used_runners)
    }

    fn machine(&mut self, context: &PlanContext, definition: Value) -> Map<String, Value> {
        let mut machine = Map::new();
        self.role(context, &mut machine);
        machine.insert("Definition".to_owned(), definition);
        machine.insert("Tags".to_owned(), Value::Object(self.tags()));
        if let Some(substitutions) = self.object("DefinitionSubstitutions").filter(|object| !object.is_empty()) {
            machine.insert("DefinitionSubstitutions".to_owned(), Value::Object(substitutions.clone()));
        }
        if let Some(boundary) = self.get("PermissionsBoundary") {
            machine.insert("PermissionsBoundary".to_owned(), boundary.clone());
        }
        machine
    }

    /// Whose rights the plan has (deployment-plan.md 4.2).
    fn role(&mut self, context: &PlanContext, machine: &mut Map<String, Value>) {
        match (self.get("RoleArn"), self.get("Policies"), &self.around.settings.default_role) {
            (Some(_), Some(_), _) => {
                self.report("Policies", "RoleArn and Policies cannot both be given, give one of them");
            }
            (Some(role), None, _) => {
                machine.insert("Role".to_owned(), role.clone());
            }
            (None, Some(policies), _) => {
                machine.insert("Policies".to_owned(), with_own_policy(policies, context));
            }
            (None, None, Some(role)) => {
                machine.insert("Role".to_owned(), Value::String(role.clone()));
            }
            (None, None, None) => {
                let text = "no role or policy: RoleArn or Policies is missing, and the default role of the framework is disabled";
                self.report("RoleArn", text);
            }
        }
    }

    /// Returns the state machine's tags: the user's, given as a map or as a list of keys and values, and ours.
    fn tags(&mut self) -> Map<String, Value> {
        let mut tags = Map::new();
        match self.get("Tags") {
            None => {}
            Some(Value::Object(given)) => tags.extend(given.clone()),
            Some(Value::Array(given)) => {
                for tag in given {
                    match (tag.get("Key").and_then(Value::as_str), tag.get("Value")) {
                        (Some(key), Some(value)) => {
                            tags.insert(key.to_owned(), value.clone());
                        }
                        _ => self.report("Tags", "each tag in Tags must have a Key and a Value"),
                    }
                }
            }
            Some(other) => {
                let text = format!("Tags must be an object or a list of Key and Value, not {}", kind_of(other));
                self.report("Tags", text);
            }
        }
        tags.insert("AttiniProvider".to_owned(), json!("DeploymentPlan"));
        tags
    }

    /// Returns what the registration needs (deployment-plan.md 4.5), but for the runners.
    fn trigger(&mut self, context: &PlanContext, parameters: Option<Map<String, Value>>) -> Map<String, Value> {
        let machine = machine_id(self.id);
        let defaults = self.object("PayloadDefaults").cloned().unwrap_or_default();
        let mut trigger = Map::new();
        let mut put = |key: &str, value: Value| trigger.insert(key.to_owned(), value);
        put("ServiceToken", context.function("attini-deployment-plan-setup"));
        put("StackName", json!({"Ref": "AWS::StackName"}));
        put("SfnName", json!({"Fn::GetAtt": format!("{machine}.Name")}));
        put("SfnArn", json!({"Ref": machine}));
        put("DeploymentPlanLogicalName", json!(machine));
        put("RandomGUID", json!(self.around.uuid));
        put("PayloadDefaults", encode_defaults(&Value::Object(defaults)));
        put("Runners", json!([]));
        if let Some(parameters) = parameters {
            put("Parameters", Value::Object(parameters));
        }
        if let Some(name) = self.get("Name").filter(|_| context.app) {
            put("AppPipelineName", name.clone());
        }
        if let Some(concurrency) = self.get("Concurrency") {
            put("Concurrency", concurrency.clone());
        }
        trigger
    }
}

/// Adds the right to call the framework to the user's policies; without it the first state would be denied.
fn with_own_policy(policies: &Value, context: &PlanContext) -> Value {
    if references::is_intrinsic(policies) {
        return policies.clone();
    }
    let mut list = policies.as_array().cloned().unwrap_or_else(|| vec![policies.clone()]);
    list.push(json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction"],
            "Resource": context.function(ACTION_FUNCTION),
        }],
    }));
    Value::Array(list)
}

/// Returns what the plan depends on, without runners: they are no resources any more, and the trigger names their parts.
fn depends_on(resource: &Value, runners: &BTreeSet<String>) -> Option<Value> {
    let is_runner = |id: &Value| id.as_str().is_some_and(|id| runners.contains(id));
    match resource.get("DependsOn")? {
        Value::Null => None,
        Value::Array(ids) => {
            let kept: Vec<Value> = ids.iter().filter(|id| !is_runner(id)).cloned().collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        id => (!is_runner(id)).then(|| id.clone()),
    }
}

fn metadata(resource: &Value, mut listed: Vec<Value>) -> Map<String, Value> {
    // Two templates that differ in the order of their keys alone give the same list (user-projects.md 8, case 26).
    listed.sort_by_cached_key(|step| step["name"].as_str().map(str::to_owned));
    let mut metadata = resource.get("Metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    metadata.insert("AttiniSteps".to_owned(), Value::Array(listed));
    metadata
}

/// The rule that tells the framework when an execution of the plan has ended.
fn rule(context: &PlanContext, machine: &str) -> Map<String, Value> {
    let pattern = json!({
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {
            "stateMachineArn": [format!("${{{machine}}}")],
            "status": ["FAILED", "SUCCEEDED", "ABORTED", "TIMED_OUT"],
        },
    });
    let mut rule = Map::new();
    rule.insert("Description".to_owned(), json!("Attini deployment plan post hook"));
    rule.insert("EventPattern".to_owned(), json!({"Fn::Sub": pattern.to_string()}));
    let target = json!({"Id": "post-execution-actions", "Arn": context.function(ACTION_FUNCTION)});
    rule.insert("Targets".to_owned(), json!([target]));
    rule
}
