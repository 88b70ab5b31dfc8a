//! Rules of the simulator, each seen through [`run`].

#![allow(clippy::needless_pass_by_value, reason = "a template written with json! reads better by value")]

mod fixtures;
mod functions;
mod language;
mod nested;
mod operations;
mod parameters;
mod policy;
mod templates;

use std::cell::RefCell;
use std::collections::BTreeMap;

use attini_core::port::{ParameterValue, StackEvent};
use attini_core::value::{AccountId, Place, Region, StackName, Timestamp};
use serde_json::{Value, json};

use super::*;

/// A place with some exports, stored parameters and imports.
struct Surroundings {
    now: i64,
    ssm: BTreeMap<String, String>,
    exports: BTreeMap<String, Export>,
    imports: BTreeMap<&'static str, Vec<String>>,
    fragments: RefCell<Vec<Value>>,
    templates: BTreeMap<&'static str, Value>,
}

impl Surroundings {
    fn new() -> Self {
        let export = Export { value: "vpc-1".to_owned(), stack: "network".to_owned() };
        Self {
            now: 1_700_000_000_000,
            ssm: [("/cdk-bootstrap/hnb659fds/version", "21"), ("/list", "a, b")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            exports: BTreeMap::from([("network:vpc".to_owned(), export)]),
            imports: BTreeMap::new(),
            fragments: RefCell::new(Vec::new()),
            templates: BTreeMap::new(),
        }
    }

    fn run_with(
        &self,
        hooks: &mut dyn ResourceHooks,
        previous: Option<&StackState>,
        request: &OperationRequest,
    ) -> Result<OperationOutcome, Refusal> {
        let ssm = |name: &str| self.ssm.get(name).cloned();
        let imports = |export: &str| self.imports.get(export).cloned().unwrap_or_default();
        let transforms = |call: &TransformCall<'_>| {
            self.fragments.borrow_mut().push(call.fragment.clone());
            match call.name {
                "AddTopic" => {
                    let mut template = call.fragment.clone();
                    template["Resources"]["Added"] = json!({"Type": "AWS::SNS::Topic"});
                    Ok(template)
                }
                "Broken" => Err(TransformError::Failed("step `A` has no Type".to_owned())),
                _ => Err(TransformError::Unknown),
            }
        };
        let mut world = World {
            place: Place {
                account: AccountId::parse("000000000000").expect("valid"),
                region: Region::parse("eu-west-1").expect("valid"),
            },
            now: Timestamp::from_ms(self.now),
            ssm: &ssm,
            exports: &self.exports,
            imports_in_use: &imports,
            transforms: &transforms,
            templates: &|address| {
                let template = self.templates.get(address).cloned();
                template.ok_or_else(|| "it is not in the distribution; put it there".to_owned())
            },
            nesting: 0,
            hooks,
        };
        run(previous, request, &mut world)
    }

    fn run(&self, previous: Option<&StackState>, request: &OperationRequest) -> Result<OperationOutcome, Refusal> {
        self.run_with(&mut DefaultHooks, previous, request)
    }

    fn create(&self, template: Value) -> StackState {
        let outcome = self.run(None, &request(OperationKind::Create, template)).expect("accepted");
        let state = outcome.state.expect("exists");
        assert_eq!(state.status, "CREATE_COMPLETE", "{:?}", state.status_reason);
        state
    }

    fn refusal(&self, template: Value) -> String {
        let refusal = self.run(None, &request(OperationKind::Create, template)).expect_err("refused");
        refusal.to_string()
    }
}

fn request(kind: OperationKind, template: Value) -> OperationRequest {
    OperationRequest {
        kind,
        name: StackName::parse("shop").expect("valid"),
        template,
        parameters: BTreeMap::new(),
        tags: BTreeMap::new(),
        on_failure: None,
        termination_protection: None,
        token: String::new(),
        failures: BTreeMap::new(),
        rollback_failures: BTreeMap::new(),
        delays: BTreeMap::new(),
        policy: None,
    }
}

fn with_parameters(mut request: OperationRequest, parameters: &[(&str, &str)]) -> OperationRequest {
    let texts = parameters.iter().map(|(name, text)| ((*name).to_owned(), ParameterValue::Text((*text).to_owned())));
    request.parameters = texts.collect();
    request
}

fn failing(mut request: OperationRequest, logical_id: &str) -> OperationRequest {
    request.failures.insert(logical_id.to_owned(), "no capacity".to_owned());
    request
}

/// One line per event: `logical id STATUS reason`.
fn lines(events: &[StackEvent]) -> Vec<String> {
    let line = |event: &StackEvent| {
        let reason = event.reason.as_deref().map(|reason| format!(" {reason}")).unwrap_or_default();
        format!("{} {}{reason}", event.logical_id, event.status)
    };
    events.iter().map(line).collect()
}

/// Returns the value of the output `Out` for a function.
fn output(function: Value) -> String {
    output_with(json!({}), function)
}

/// As [`output`], with further sections of the template.
fn output_with(sections: Value, function: Value) -> String {
    let state = Surroundings::new().create(template_with(sections, function));
    state.outputs.first().map(|(_, value)| value.clone()).expect("there is one output")
}

fn template_with(mut sections: Value, function: Value) -> Value {
    if sections.get("Resources").is_none() {
        sections["Resources"] = json!({"Topic": {"Type": "AWS::SNS::Topic"}});
    }
    sections["Outputs"] = json!({"Out": {"Value": function}});
    sections
}
