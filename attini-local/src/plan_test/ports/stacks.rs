//! Stacks in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use async_trait::async_trait;
use attini_core::document::Document;
use attini_core::port::{
    DeclaredParameter, Page, ParameterValue, StackDescription, StackError, StackEvent, StackRequest, StackService,
    StackStatus, StackTarget, StoreError, TemplateLocation,
};
use attini_core::problem::Problems;
use attini_core::value::{Place, StackName};
use serde_json::{Value, json};

use super::{Files, START, lock, page};
use crate::simulator;

/// What a step asked the stack service for.
#[derive(Clone, PartialEq)]
pub(in crate::plan_test) struct StackCall {
    /// Name, action, template, region, parameters and tags, as an expectation writes them.
    pub(in crate::plan_test) wanted: Value,
    /// Values that nobody may see.
    pub(in crate::plan_test) secrets: Vec<String>,
}

/// One stack.
#[derive(Clone)]
struct Stack {
    description: StackDescription,
    token: String,
    /// Whether the operation that runs deletes it.
    is_leaving: bool,
}

/// Stacks as steps want them. An operation runs until [`Stacks::end`].
pub(in crate::plan_test) struct Stacks {
    place: Place,
    files: Files,
    state: Mutex<(BTreeMap<String, Stack>, Vec<StackCall>)>,
}

/// Names only: parameters can be secrets.
impl fmt::Debug for Stacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.state).0.keys()).finish()
    }
}

impl Stacks {
    pub(in crate::plan_test) fn new(place: Place, files: Files) -> Self {
        Self { place, files, state: Mutex::default() }
    }

    fn key(&self, target: &StackTarget) -> String {
        format!("{}/{}", target.region.as_ref().unwrap_or(&self.place.region), target.name)
    }

    /// Returns what was asked for since the last call.
    pub(in crate::plan_test) fn take_calls(&self) -> Vec<StackCall> {
        std::mem::take(&mut lock(&self.state).1)
    }

    /// Ends the operation of a stack, and returns the event that tells it with the place of the stack; `None` when none runs.
    pub(in crate::plan_test) fn end(&self, outputs: Option<Vec<(String, String)>>) -> Option<(Place, StackEvent)> {
        let mut state = lock(&self.state);
        let (key, stack) = state.0.iter_mut().find(|(_, stack)| stack.description.status.is_in_progress())?;
        let key = key.clone();
        let region = key.split('/').next().and_then(|region| attini_core::value::Region::parse(region).ok())?;
        let place = Place { account: self.place.account.clone(), region };
        let begun = stack.description.status.0.trim_end_matches("_IN_PROGRESS").to_owned();
        let status = match (&outputs, begun.as_str()) {
            (Some(_), _) => format!("{begun}_COMPLETE"),
            (None, "CREATE") => "ROLLBACK_COMPLETE".to_owned(),
            (None, "UPDATE") => "UPDATE_ROLLBACK_COMPLETE".to_owned(),
            (None, _) => "DELETE_FAILED".to_owned(),
        };
        let event = StackEvent {
            id: status.clone(),
            time: START,
            stack: stack.description.name.clone(),
            stack_id: stack.description.id.clone(),
            logical_id: stack.description.name.as_str().to_owned(),
            physical_id: Some(stack.description.id.clone()),
            resource_type: StackEvent::STACK_TYPE.to_owned(),
            status: StackStatus(status.clone()),
            reason: None,
            token: Some(stack.token.clone()),
        };
        stack.description.status = StackStatus(status);
        if stack.is_leaving && outputs.is_some() {
            state.0.remove(&key);
        } else if let Some(outputs) = outputs {
            stack.description.outputs = outputs;
        }
        Some((place, event))
    }

    /// Undoes the operation that runs, as if it had been refused.
    pub(in crate::plan_test) fn refuse(&self) {
        let mut state = lock(&self.state);
        state.0.retain(|_, stack| stack.description.status.0 != "CREATE_IN_PROGRESS");
        for stack in state.0.values_mut().filter(|stack| stack.description.status.is_in_progress()) {
            stack.description.status = StackStatus("UPDATE_COMPLETE".to_owned());
            stack.is_leaving = false;
        }
    }

    pub(in crate::plan_test) fn template(
        &self,
        name: &StackName,
        location: &TemplateLocation,
    ) -> Result<Value, StackError> {
        let refuse = |message: String| StackError::Refused { code: "ValidationError".to_owned(), message };
        let TemplateLocation::Artifact(key) = location else {
            return Err(refuse(format!(
                "the template {location} is not in the distribution, and tests read nothing else; put it there"
            )));
        };
        let file = key.as_str().strip_prefix(self.files.prefix.as_str()).unwrap_or(key.as_str());
        let bytes = self.files.read(key).map_err(|error| match error {
            StoreError::NotFound { .. } => {
                refuse(format!("the template {file} is not in the project; check the step's `Template`"))
            }
            other => {
                StackError::Unavailable { operation: "read the template of", name: name.clone(), source: other.into() }
            }
        })?;
        let text =
            String::from_utf8(bytes.to_vec()).map_err(|_| refuse(format!("the template {file} is not UTF-8")))?;
        let document = Document::parse(file, &text).map_err(|problems| refuse(problems.to_string()))?;
        let duplicates = document.duplicate_keys();
        match duplicates.is_empty() {
            true => Ok(document.to_json()),
            false => Err(refuse(Problems(duplicates).to_string())),
        }
    }

    fn begin(&self, request: &StackRequest, status: &str) -> Result<String, StackError> {
        let name = &request.target.name;
        let template = self.template(name, &request.template)?;
        let declared = simulator::declared_parameters(&template).map_err(|refusal| refusal.into_stack_error(name))?;
        let key = self.key(&request.target);
        let mut state = lock(&self.state);
        let before = state.0.get(&key).map(|stack| stack.description.clone());
        let missing: Vec<&str> = declared
            .iter()
            .filter(|parameter| !parameter.has_default && !request.parameters.contains_key(&parameter.name))
            .filter(|parameter| before.as_ref().is_none_or(|stack| !stack.parameters.contains_key(&parameter.name)))
            .map(|parameter| parameter.name.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("Parameters: [{}] must have values", missing.join(", "));
            return Err(StackError::Refused { code: "ValidationError".to_owned(), message });
        }
        let mut parameters = BTreeMap::new();
        for (parameter, value) in &request.parameters {
            let value = match value {
                ParameterValue::Text(text) => text.clone(),
                ParameterValue::Previous => {
                    before.as_ref().and_then(|stack| stack.parameters.get(parameter)).cloned().unwrap_or_default()
                }
            };
            parameters.insert(parameter.clone(), value);
        }
        let secrets = declared.iter().filter(|parameter| parameter.no_echo);
        let secrets = secrets.filter_map(|parameter| parameters.get(&parameter.name)).cloned().collect();
        let mut wanted = json!({
            "name": name.as_str(), "action": "Deploy", "template": self.path(&request.template),
            "parameters": parameters, "tags": request.tags,
        });
        if let Some(region) = &request.target.region {
            wanted["region"] = region.as_str().into();
        }
        state.1.push(StackCall { wanted, secrets });
        let id = before.as_ref().map_or_else(
            || format!("arn:aws:cloudformation:{}:{}:stack/{name}/test", self.place.region, self.place.account),
            |stack| stack.id.clone(),
        );
        let description = StackDescription {
            name: name.clone(),
            id: id.clone(),
            status: StackStatus(status.to_owned()),
            status_reason: None,
            outputs: Vec::new(),
            parameters,
            tags: request.tags.clone(),
            termination_protection: request
                .termination_protection
                .unwrap_or(before.is_some_and(|stack| stack.termination_protection)),
        };
        state.0.insert(key, Stack { description, token: request.token.clone(), is_leaving: false });
        Ok(id)
    }

    /// Returns the path of a template as an author writes it.
    fn path(&self, location: &TemplateLocation) -> String {
        match location {
            TemplateLocation::Artifact(key) => {
                let path = key.as_str().strip_prefix(self.files.prefix.as_str());
                path.map_or_else(|| key.to_string(), |path| format!("/{path}"))
            }
            other => other.to_string(),
        }
    }
}

#[async_trait]
impl StackService for Stacks {
    async fn create(&self, request: &StackRequest) -> Result<String, StackError> {
        if lock(&self.state).0.contains_key(&self.key(&request.target)) {
            return Err(StackError::AlreadyExists { name: request.target.name.clone() });
        }
        self.begin(request, "CREATE_IN_PROGRESS")
    }

    async fn update(&self, request: &StackRequest) -> Result<String, StackError> {
        if !lock(&self.state).0.contains_key(&self.key(&request.target)) {
            return Err(StackError::NotFound { name: request.target.name.clone() });
        }
        self.begin(request, "UPDATE_IN_PROGRESS")
    }

    async fn delete(&self, target: &StackTarget, _role: Option<&str>, token: &str) -> Result<(), StackError> {
        let key = self.key(target);
        let mut state = lock(&self.state);
        let (stacks, calls) = &mut *state;
        let Some(stack) = stacks.get_mut(&key) else { return Ok(()) };
        if token.starts_with("recreate-") {
            stacks.remove(&key);
            return Ok(());
        }
        let mut wanted = json!({"name": target.name.as_str(), "action": "Delete"});
        if let Some(region) = &target.region {
            wanted["region"] = region.as_str().into();
        }
        calls.push(StackCall { wanted, secrets: Vec::new() });
        token.clone_into(&mut stack.token);
        stack.is_leaving = true;
        stack.description.status = StackStatus("DELETE_IN_PROGRESS".to_owned());
        Ok(())
    }

    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError> {
        Ok(lock(&self.state).0.get(&self.key(target)).map(|stack| stack.description.clone()))
    }

    async fn events(
        &self,
        _target: &StackTarget,
        _stack_id: Option<&str>,
        _after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError> {
        Ok(page(std::iter::empty()))
    }

    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError> {
        let template = self.template(&target.name, template)?;
        simulator::declared_parameters(&template).map_err(|refusal| refusal.into_stack_error(&target.name))
    }
}
