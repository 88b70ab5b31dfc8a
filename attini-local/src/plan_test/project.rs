use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attini_core::config::{self, Config, InitStackConfig, Pipeline, choose_file};
use attini_core::deploy::{Registration, check_plans, framework_parameters, register_plan};
use attini_core::document::Document;
use attini_core::framework::{Failure, Settings, explain};
use attini_core::inventory::{DeploymentRecord, DeploymentSource, InitStackRecord, init_stack_key, save_deployment};
use attini_core::plan::{MacroSettings, decode_defaults, find_plans, macro_response, steps};
use attini_core::port::{Inventory, ParameterValue, Precondition};
use attini_core::problem::{Problem, Problems};
use attini_core::value::{
    AccountId, DistributionId, DistributionName, Environment, KeyPrefix, MachineArn, ObjectIdentifier, Place, Region,
};
use futures::executor::block_on;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::coverage::{Marked, mark};
use super::iteration::{Kinds, kinds};
use super::ports::{Files, Records, START};
use crate::engine::Definition;
use crate::simulator::{
    self, Attributes, OperationKind, OperationRequest, ResourceHooks, ResourceView, TransformCall, TransformError,
    World,
};

/// The folder of a distribution, as far as tests of its plan need it.
#[derive(Debug)]
pub struct Project {
    root: PathBuf,
    config: Config,
    name: DistributionName,
    id: DistributionId,
    place: Place,
}

/// A project cannot be tested.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The `attini-config` file is missing or wrong.
    #[error("{0}")]
    Config(Problems),
}

/// A plan in one environment, ready to run.
pub(super) struct Machine {
    pub(super) definition: Arc<Definition>,
    pub(super) marked: Marked,
    /// Types of all states.
    pub(super) kinds: Kinds,
    /// Names of the states that no other state holds.
    pub(super) top_level: BTreeSet<String>,
    /// Types of the steps that the author wrote, by name.
    pub(super) steps: BTreeMap<String, String>,
    pub(super) arn: MachineArn,
    pub(super) place: Place,
    pub(super) records: Records,
    pub(super) files: Files,
    /// Values of parameters that nobody may see.
    pub(super) secrets: Vec<String>,
}

/// What a machine is made of; cases with the same share one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Setting {
    pub(super) environment: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) parameter_store: BTreeMap<String, String>,
}

/// Account of all simulated resources.
const ACCOUNT: &str = "000000000000";
/// Region of all simulated resources.
const REGION: &str = "eu-west-1";
/// Id of a distribution that has none.
const ID: &str = "test";

impl Project {
    /// Reads the configuration of the distribution in a folder.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when there is no usable one.
    pub fn open(root: &Path) -> Result<Self, OpenError> {
        let present = config::FILE_NAMES.into_iter().filter(|name| root.join(name).is_file());
        let file = choose_file(present).map_err(|error| OpenError::Config(Problems::one(error.to_string())))?;
        let path = root.join(file);
        let text = fs::read_to_string(&path).map_err(|source| OpenError::Read { path, source })?;
        let (config, _) = Config::parse(file, &text).map_err(OpenError::Config)?;
        let name = config.require_name().map_err(|problem| OpenError::Config(problem.into()))?.clone();
        let test = || DistributionId::parse(ID).expect("the id for tests is one");
        let id = config.distribution_id.clone().unwrap_or_else(test);
        let place = Place {
            account: AccountId::parse(ACCOUNT).expect("it has 12 digits"),
            region: Region::parse(REGION).expect("it is a region"),
        };
        Ok(Self { root: root.to_owned(), config, name, id, place })
    }

    /// Returns the name of the distribution.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Expands the plan for an environment.
    ///
    /// # Errors
    ///
    /// Everything that keeps the init stack from being created.
    pub(super) fn machine(&self, setting: &Setting) -> Result<Machine, Problems> {
        let environment = Environment::parse(&setting.environment).map_err(|error| Problems::one(error.to_string()))?;
        let resolved = self.config.resolve(&environment, &self.name, &self.id)?;
        let Pipeline::InitStack(stack) = &resolved.pipeline else {
            return Err(Problems::one("the distribution has no `initDeployConfig`, so there is no plan to test"));
        };
        let path = self.root.join(&stack.template);
        let text = fs::read_to_string(&path).map_err(|error| {
            let text = format!("cannot read the init template `{}`: {error}", stack.template);
            Problem::error(text).with_help("if a package command makes it, run that first: tests run none")
        })?;
        let (template, _) = check_plans(&stack.template, &text)?;
        let plans = find_plans(&template);
        let Some((plan, source)) = plans.first().and_then(|plan| Some((plan, plan.definition(&template)?))) else {
            return Err(Problems::one(format!("there is no plan in `{}`", stack.template)));
        };
        let written = steps(source, &plan.path());
        let own = self.own_parameters(stack, setting)?;
        let mut given: BTreeMap<String, String> = own;
        given.extend(framework_parameters(
            &Settings::default(),
            environment.as_str(),
            self.name.as_str(),
            self.id.as_str(),
        ));
        given.insert("AttiniRandomString".to_owned(), "00000000-0000-4000-8000-000000000000".to_owned());
        let declared = template.get("Parameters").and_then(Value::as_object).cloned().unwrap_or_default();
        let unknown = setting.parameters.keys().filter(|name| !declared.contains_key(*name));
        let unknown: Vec<Problem> = unknown
            .map(|name| Problem::error(format!("`{}` declares no parameter `{name}`", stack.template)))
            .collect();
        if !unknown.is_empty() {
            return Err(Problems(unknown));
        }
        given.retain(|name, _| declared.contains_key(name));
        let is_secret = |name: &str| declared.get(name).and_then(|it| it.get("NoEcho")).is_some_and(is_true);
        let secrets = given.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.clone());
        let secrets = secrets.filter(|value| !value.is_empty()).collect();

        let records = Records::default();
        let prefix = KeyPrefix::of_files(&environment, &self.name, &self.id);
        let tags = resolved.distribution_tags.clone().into_iter().chain(stack.tags.clone()).collect();
        let mut record = self.deployment(&environment, stack, &prefix);
        record.distribution_tags = resolved.distribution_tags.clone();
        record.version = resolved.version.as_ref().map(|version| version.as_str().to_owned());
        let told = |failure: Failure| Problems::one(failure.to_string());
        block_on(save_deployment(&records, &mut record)).map_err(told)?;
        block_on(self.put_init_stack(&records, &record, stack)).map_err(told)?;
        let is_list = source.is_array();
        let request = OperationRequest {
            kind: OperationKind::Create,
            name: stack.stack_name.clone(),
            template: template.clone(),
            parameters: given.into_iter().map(|(name, value)| (name, ParameterValue::Text(value))).collect(),
            tags,
            on_failure: None,
            termination_protection: None,
            token: String::new(),
            failures: BTreeMap::new(),
            rollback_failures: BTreeMap::new(),
            delays: BTreeMap::new(),
            policy: None,
        };
        let (arn, definition) = self.create(&request, &records, setting)?;
        let steps: BTreeMap<String, String> =
            written.iter().map(|step| (step.name.clone(), step.kind.clone())).collect();
        let order: Vec<String> = written.into_iter().map(|step| step.name).collect();
        let kinds = kinds(&definition);
        let top_level = definition["States"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        let (definition, marked) = mark(definition, &order, is_list);
        let definition = Definition::parse(&definition).map_err(|texts| refused(&texts))?;
        Ok(Machine {
            definition: Arc::new(definition),
            marked,
            kinds,
            top_level,
            steps,
            arn,
            place: self.place.clone(),
            records,
            files: Files { root: self.root.clone(), prefix },
            secrets,
        })
    }

    /// Returns the parameters of the init stack: those of the configuration, then those of the case.
    fn own_parameters(&self, stack: &InitStackConfig, setting: &Setting) -> Result<BTreeMap<String, String>, Problems> {
        let mut own = BTreeMap::new();
        let mut problems = Vec::new();
        for (name, value) in &stack.parameters {
            match value {
                _ if setting.parameters.contains_key(name) => {}
                config::ParameterValue::Text(text) => {
                    own.insert(name.clone(), text.clone());
                }
                config::ParameterValue::Import(import) => {
                    let text = format!(
                        "the parameter `{name}` is imported from the distribution `{}`, which tests do not have",
                        import.distribution
                    );
                    let help = format!("give the case `parameters: {{{name}: …}}`");
                    problems.push(Problem::error(text).with_help(help));
                }
            }
        }
        own.extend(setting.parameters.clone());
        if problems.is_empty() { Ok(own) } else { Err(Problems(problems)) }
    }

    /// Returns the parameters of the init stack that come from other distributions.
    pub(super) fn imported(&self, environment: &str) -> Vec<String> {
        let resolved = Environment::parse(environment)
            .ok()
            .and_then(|environment| self.config.resolve(&environment, &self.name, &self.id).ok());
        let Some(Pipeline::InitStack(stack)) = resolved.map(|resolved| resolved.pipeline) else { return Vec::new() };
        let imported = |value: &config::ParameterValue| matches!(value, config::ParameterValue::Import(_));
        stack.parameters.iter().filter(|(_, value)| imported(value)).map(|(name, _)| name.clone()).collect()
    }

    fn deployment(&self, environment: &Environment, stack: &InitStackConfig, prefix: &KeyPrefix) -> DeploymentRecord {
        let object = ObjectIdentifier::from_record(format!("{environment}/{}/test.zip#test", self.name));
        let mut record =
            DeploymentRecord::new(environment.as_str(), self.name.as_str(), self.id.as_str(), &object, START);
        record.stack_name = Some(stack.stack_name.as_str().to_owned());
        record.deployment_source = DeploymentSource {
            deployment_source_bucket: self.place.artifact_bucket(),
            deployment_source_prefix: Some(prefix.without_slash().to_owned()),
        };
        record
    }

    async fn put_init_stack(
        &self,
        records: &Records,
        deployment: &DeploymentRecord,
        stack: &InitStackConfig,
    ) -> Result<(), Failure> {
        let record = InitStackRecord {
            attini_object_identifier: deployment.object_identifier.clone(),
            distribution_id: deployment.distribution_id.clone(),
            distribution_name: deployment.distribution_name.clone(),
            environment: deployment.environment.clone(),
            variables: stack.variables.clone(),
            ..InitStackRecord::default()
        };
        let body = json!(record).as_object().cloned().unwrap_or_default();
        records.put(&init_stack_key(stack.stack_name.as_str()), body, Precondition::Absent).await?;
        Ok(())
    }

    /// Returns the template that a nested stack of the init stack names: a file of the distribution by its address there.
    fn nested(&self, address: &str) -> Result<Value, String> {
        let path = address.split_once("/distribution-origin/").and_then(|(_, path)| path.split(['?', '#']).next());
        let path = path.filter(|path| !path.split('/').any(|part| part == ".."));
        let Some(path) = path else {
            return Err(format!("the template {address} is not in the distribution, and tests read nothing else"));
        };
        let text = fs::read_to_string(self.root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
        let document = Document::parse(path, &text).map_err(|problems| problems.to_string())?;
        let duplicates = document.duplicate_keys();
        if duplicates.is_empty() { Ok(document.to_json()) } else { Err(Problems(duplicates).to_string()) }
    }

    /// Creates the init stack, and returns its state machine.
    fn create(
        &self,
        request: &OperationRequest,
        records: &Records,
        setting: &Setting,
    ) -> Result<(MachineArn, Value), Problems> {
        let (account, region) = (&self.place.account, &self.place.region);
        let settings = MacroSettings {
            default_role: Some(format!("arn:aws:iam::{account}:role/attini/attini-deployment-plan-default-role")),
            default_runner_image: "default-image".to_owned(),
            default_vpc_subnets: Some(vec!["subnet-00000000000000000".to_owned()]),
            queue_interval_seconds: 30,
        };
        let transforms = |call: &TransformCall<'_>| {
            if call.name != "AttiniDeploymentPlan" {
                return Err(TransformError::Unknown);
            }
            let request = json!({
                "requestId": "test", "region": region.as_str(), "accountId": account.as_str(),
                "transformId": "test", "templateParameterValues": call.template_parameters, "fragment": call.fragment,
            });
            let mut response = macro_response(&request, &settings, "test");
            if response.get("status").and_then(Value::as_str) == Some("success") {
                return Ok(response["fragment"].take());
            }
            let message = response.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
            Err(TransformError::Failed(message.to_owned()))
        };
        let mut hooks = PlanHooks { place: &self.place, records, machine: None, steps: json!([]) };
        let outcome = {
            let mut world = World {
                place: self.place.clone(),
                now: START,
                ssm: &|name| setting.parameter_store.get(name).cloned(),
                exports: &BTreeMap::new(),
                imports_in_use: &|_| Vec::new(),
                transforms: &transforms,
                templates: &|address| self.nested(address),
                nesting: 0,
                hooks: &mut hooks,
            };
            simulator::run(None, request, &mut world)
        };
        let what = format!("the init stack `{}` cannot be created in `{}`", request.name, setting.environment);
        let outcome = outcome.map_err(|refusal| Problems::one(format!("{what}: {refusal}")))?;
        let failed = outcome.events.iter().find(|event| event.status.0.ends_with("_FAILED"));
        if let Some(event) = failed {
            let reason = event.reason.as_deref().unwrap_or_default();
            return Err(Problems::one(format!("{what}: {}: {reason}", event.logical_id)));
        }
        hooks.machine.ok_or_else(|| Problems::one(format!("{what}: a condition of the template leaves the plan out")))
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true")))
}

fn refused(texts: &[String]) -> Problems {
    Problems(texts.iter().map(|text| Problem::error(format!("the plan cannot be run: {text}"))).collect())
}

/// Notes the state machine of the init stack, and registers its plan.
struct PlanHooks<'a> {
    place: &'a Place,
    records: &'a Records,
    machine: Option<(MachineArn, Value)>,
    steps: Value,
}

impl PlanHooks<'_> {
    fn register(&self, resource: &ResourceView<'_>) -> Result<(), String> {
        let properties = resource.properties;
        let text = |field: &str| properties.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let list = |field: &str| properties.get(field).and_then(Value::as_array).into_iter().flatten();
        let parameters: Map<String, Value> =
            properties.get("Parameters").and_then(Value::as_object).cloned().unwrap_or_default();
        let as_text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let plan = Registration {
            stack: text("StackName"),
            machine: MachineArn::from_record(text("SfnArn")),
            runners: list("Runners").filter_map(|runner| runner.as_object().cloned()).collect(),
            parameters: parameters.into_iter().map(|(name, value)| (name, as_text(value))).collect(),
            payload_defaults: decode_defaults(properties.get("PayloadDefaults").unwrap_or(&json!({}))),
            concurrency: properties.get("Concurrency").and_then(Value::as_str).map(str::to_owned),
            steps: self.steps.clone(),
        };
        block_on(register_plan(self.records, &plan, None, &Settings::default().version))
            .map_err(|failure| failure.cause)
    }
}

impl ResourceHooks for PlanHooks<'_> {
    fn created(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        match resource.resource_type {
            // Other machines of the template have no steps of Attini.
            "AWS::StepFunctions::StateMachine" if resource.metadata.get("AttiniSteps").is_some() => {
                let definition = simulator::machine_definition(resource.properties)?;
                let arn = self.place.machine_arn(resource.physical_id.rsplit(':').next().unwrap_or_default());
                self.steps = resource.metadata["AttiniSteps"].clone();
                let name = arn.name().to_owned();
                let values =
                    BTreeMap::from([("Arn".to_owned(), Value::from(arn.as_str())), ("Name".to_owned(), name.into())]);
                let physical_id = Some(arn.as_str().to_owned());
                self.machine = Some((arn, definition));
                Ok(Attributes { physical_id, values })
            }
            attini_core::plan::PLAN_TRIGGER => {
                self.register(resource)?;
                Ok(Attributes::default())
            }
            _ => Ok(Attributes::default()),
        }
    }
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine").field("arn", &self.arn).finish_non_exhaustive()
    }
}

impl OpenError {
    /// Returns what happened and why, as one text.
    #[must_use]
    pub fn text(&self) -> String {
        explain(self)
    }
}
