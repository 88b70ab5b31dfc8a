use std::collections::BTreeMap;

use attini_core::framework::Failure;
use attini_core::port::StackEvent;
use attini_core::value::{Place, Region, StackName, Timestamp};

use super::deploy::{LocalWorld, WorldError};
use super::stacks::read_event;
use super::values::Values;
use crate::simulator::{ResourceDrift, StackState, drift, stack_id_prefix};
use crate::store::{EnvironmentValues, stacks as rows};

/// Tag that names the environment of a stack.
const ENVIRONMENT_TAG: &str = "AttiniEnvironmentName";

/// A stack of the simulator in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackSummary {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its environment, when the framework made it.
    pub environment: Option<String>,
    /// Status in CloudFormation's words.
    pub status: String,
    /// Time of its last operation.
    pub updated: Timestamp,
    /// How many resources it has.
    pub resources: usize,
    /// Name of the stack it is nested in.
    pub nested_in: Option<String>,
}

/// A resource of a stack in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSummary {
    /// Name in the template.
    pub logical_id: String,
    /// Type.
    pub resource_type: String,
    /// What `Ref` gives.
    pub physical_id: String,
    /// Status in CloudFormation's words.
    pub status: String,
}

/// A stack of the simulator with all that can be shown of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDetails {
    /// The stack in a line. One that was deleted has the status `DELETE_COMPLETE` and nothing but events.
    pub summary: StackSummary,
    /// Its unique id.
    pub id: String,
    /// Reason of its status.
    pub reason: Option<String>,
    /// Whether it is protected against deletion.
    pub termination_protection: bool,
    /// Parameters; those with `NoEcho` as `****`.
    pub parameters: BTreeMap<String, String>,
    /// Outputs in template order.
    pub outputs: Vec<(String, String)>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resources in order of their names.
    pub resources: Vec<ResourceSummary>,
    /// Resources that the environment's values say were changed from outside.
    pub drift: Vec<ResourceDrift>,
    /// Events, oldest first.
    pub events: Vec<StackEvent>,
}

impl LocalWorld {
    /// Returns the stacks of an environment, or all, in order of their names, nested ones after the one they are in.
    ///
    /// # Errors
    ///
    /// When the home fails or a stack cannot be read.
    pub fn stacks(&self, environment: Option<&str>) -> Result<Vec<StackSummary>, WorldError> {
        let mut found = Vec::new();
        for (region, state) in self.stack_states()? {
            collect(&state, &region, None, &mut found);
        }
        found.retain(|stack| environment.is_none_or(|wanted| stack.environment.as_deref() == Some(wanted)));
        Ok(found)
    }

    /// Returns the stacks of a name, nested ones included, one for each region that has it; when there is none, the last
    /// one of the name that was deleted.
    ///
    /// # Errors
    ///
    /// As [`Self::stacks`].
    pub fn stack(&self, name: &str, region: Option<&Region>) -> Result<Vec<StackDetails>, WorldError> {
        let mut found = Vec::new();
        for (own, root) in self.stack_states()? {
            if region.is_some_and(|wanted| wanted.as_str() != own) {
                continue;
            }
            let mut all = Vec::new();
            collect(&root, &own, None, &mut all);
            let states = std::iter::once(&root).chain(root.nested());
            for state in states.filter(|state| state.name == name) {
                let Some(summary) = all.iter().find(|summary| summary.name == name).cloned() else { continue };
                found.push(self.details(state, summary)?);
            }
        }
        if found.is_empty() {
            found.extend(self.deleted_stack(name, region)?);
        }
        Ok(found)
    }

    fn stack_states(&self) -> Result<Vec<(String, StackState)>, WorldError> {
        let rows = self.parts().home.read(rows::all)?;
        let read = |(region, stored): (String, rows::StoredStack)| {
            let state: StackState = serde_json::from_value(stored.state).map_err(|error| {
                Failure::new("InternalError", format!("the stack {} cannot be read: {error}", stored.name))
            })?;
            Ok((region, state))
        };
        rows.into_iter().map(read).collect()
    }

    fn details(&self, state: &StackState, summary: StackSummary) -> Result<StackDetails, WorldError> {
        let changed = match &summary.environment {
            Some(environment) => {
                let stored = EnvironmentValues::new(self.parts().home.clone()).values(environment)?;
                let values = Values::from_json(stored).map_err(|error| Failure::new("InternalError", error))?;
                values.stacks.get(&state.name).map(|stack| stack.changed.clone()).unwrap_or_default()
            }
            None => BTreeMap::new(),
        };
        let name = stack_name(&state.name)?;
        let shown = state.describe(&name);
        let resources = state.resources.iter().map(|(id, resource)| ResourceSummary {
            logical_id: id.clone(),
            resource_type: resource.resource_type.clone(),
            physical_id: resource.physical_id.clone(),
            status: resource.status.clone(),
        });
        Ok(StackDetails {
            summary,
            reason: shown.status_reason,
            termination_protection: shown.termination_protection,
            parameters: shown.parameters,
            outputs: shown.outputs,
            tags: shown.tags,
            resources: resources.collect(),
            drift: drift(state, &changed),
            events: self.stack_events(&state.id, &name)?,
            id: shown.id,
        })
    }

    fn deleted_stack(&self, name: &str, region: Option<&Region>) -> Result<Option<StackDetails>, WorldError> {
        let Ok(name) = StackName::parse(name) else { return Ok(None) };
        let own = self.place();
        let place = Place { account: own.account.clone(), region: region.unwrap_or(&own.region).clone() };
        let prefix = stack_id_prefix(&place, &name);
        let Some(id) = self.parts().home.read(|tx| rows::newest_id(tx, &prefix))? else { return Ok(None) };
        let events = self.stack_events(&id, &name)?;
        let updated = events.last().map_or(Timestamp::from_ms(0), |event| event.time);
        let summary = StackSummary {
            name: name.as_str().to_owned(),
            region: place.region.as_str().to_owned(),
            environment: None,
            status: "DELETE_COMPLETE".to_owned(),
            updated,
            resources: 0,
            nested_in: None,
        };
        Ok(Some(StackDetails {
            summary,
            id,
            reason: None,
            termination_protection: false,
            parameters: BTreeMap::new(),
            outputs: Vec::new(),
            tags: BTreeMap::new(),
            resources: Vec::new(),
            drift: Vec::new(),
            events,
        }))
    }

    fn stack_events(&self, id: &str, name: &StackName) -> Result<Vec<StackEvent>, WorldError> {
        let (mut events, mut after) = (Vec::new(), 0);
        loop {
            let page = self.parts().home.read(|tx| rows::events(tx, id, after))?;
            after = page.items.last().map_or(after, |(number, _)| *number);
            events.extend(page.items.iter().filter_map(|(number, body)| read_event(*number, body, name, id)));
            if !page.more {
                return Ok(events);
            }
        }
    }
}

fn stack_name(name: &str) -> Result<StackName, WorldError> {
    Ok(StackName::parse(name).map_err(|error| Failure::new("InternalError", error.to_string()))?)
}

fn collect(state: &StackState, region: &str, nested_in: Option<&str>, found: &mut Vec<StackSummary>) {
    found.push(StackSummary {
        name: state.name.clone(),
        region: region.to_owned(),
        environment: state.tags.get(ENVIRONMENT_TAG).cloned(),
        status: state.status.clone(),
        updated: Timestamp::from_ms(state.updated_ms),
        resources: state.resources.len(),
        nested_in: nested_in.map(str::to_owned),
    });
    for child in state.resources.values().filter_map(|resource| resource.nested.as_deref()) {
        collect(child, region, Some(&state.name), found);
    }
}
