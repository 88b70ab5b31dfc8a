use std::time::Duration;

use attini_core::framework::Failure;
use attini_core::inventory::{list_environments, remove_environment};
use attini_core::port::{Inventory, Precondition, RecordKey, ResourceKind};
use attini_core::value::{MachineArn, StackName};
use serde_json::Value;

use super::deploy::{LocalWorld, WorldError};
use super::parts::Parts;
use super::recover::{discard, names_in};
use crate::store::{HomeGate, SqliteInventory, deployments, executions, stacks as rows};

const KINDS: [ResourceKind; 7] = [
    ResourceKind::AppDeploymentPlan,
    ResourceKind::CloudformationStack,
    ResourceKind::DeploymentPlan,
    ResourceKind::Distribution,
    ResourceKind::InitDeployCloudformationStack,
    ResourceKind::ManualApproval,
    ResourceKind::Runner,
];

impl LocalWorld {
    /// Removes everything of one environment, or of all, and returns the names of those that were there.
    ///
    /// # Errors
    ///
    /// [`WorldError::Busy`] while a deployment of it runs; nothing is removed then. Interrupted ones do not run.
    pub async fn reset(&self, environment: Option<&str>) -> Result<Vec<String>, WorldError> {
        let concerned = |name: &str| environment.is_none_or(|wanted| wanted == name);
        let mut waits = 0;
        // Nobody can begin a deployment between the look and the removal.
        let _gate = loop {
            let gate = HomeGate::to_empty(&self.parts().home)?;
            let Some(busy) = self.running().await?.into_iter().find(|object| concerned(&names_in(object).0)) else {
                break gate;
            };
            // Who followed to the end may be here before the worker has cleaned up after itself.
            if waits == 250 || self.deployed(&busy).await.map_or(true, |found| found.record.outcome.is_none()) {
                return Err(WorldError::Busy(busy));
            }
            waits += 1;
            drop(gate);
            self.parts().clock.sleep(Duration::from_millis(20)).await;
        };
        for left in self.parts().home.read(deployments::list_open)? {
            if concerned(&names_in(&left.object).0) {
                discard(self.parts(), &left)?;
            }
        }
        let inventory = SqliteInventory::new(self.parts().home.clone());
        let known: Vec<String> = list_environments(&inventory)
            .await?
            .into_iter()
            .map(|found| found.name)
            .filter(|name| concerned(name))
            .collect();
        match environment {
            Some(name) => remove(self.parts(), &inventory, name).await?,
            None => self.parts().home.remove()?,
        }
        Ok(known)
    }
}

async fn remove(parts: &Parts, inventory: &SqliteInventory, environment: &str) -> Result<(), WorldError> {
    for kind in KINDS {
        for (key, body) in records_of(inventory, kind, environment).await? {
            if let RecordKey::Resource(_, name) = &key {
                remove_behind(parts, kind, name, &body)?;
            }
            inventory.delete(&key, Precondition::None).await.map_err(Failure::from)?;
        }
    }
    parts.home.purge(environment)?;
    remove_environment(inventory, environment).await?;
    Ok(())
}

/// Removes what a record stands for: a simulated stack with its exports, a state machine.
fn remove_behind(
    parts: &Parts,
    kind: ResourceKind,
    name: &str,
    body: &serde_json::Map<String, Value>,
) -> Result<(), WorldError> {
    let stack = match kind {
        ResourceKind::InitDeployCloudformationStack => Some(name.to_owned()),
        ResourceKind::CloudformationStack => body.get("stackName").and_then(Value::as_str).map(str::to_owned),
        ResourceKind::DeploymentPlan => {
            parts.home.write(|tx| executions::delete_machine(tx, &MachineArn::from_record(name)))?;
            None
        }
        _ => None,
    };
    if let Some(stack) = stack.and_then(|stack| StackName::parse(&stack).ok()) {
        let region = &parts.place.region;
        parts.home.write(|tx| {
            let found = rows::find(tx, region, &stack)?;
            let id = found.as_ref().and_then(|stack| stack.state.get("id")).and_then(Value::as_str).unwrap_or_default();
            rows::forget(tx, region, &stack, id)
        })?;
    }
    Ok(())
}

type Found = (RecordKey, serde_json::Map<String, Value>);

async fn records_of(
    inventory: &SqliteInventory,
    kind: ResourceKind,
    environment: &str,
) -> Result<Vec<Found>, WorldError> {
    let mut found = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = inventory.list_resources(kind, after.as_deref()).await.map_err(Failure::from)?;
        for record in page.items {
            if let RecordKey::Resource(_, name) = &record.key {
                after = Some(name.clone());
            }
            if record.body.get("environment").and_then(Value::as_str) == Some(environment) {
                found.push((record.key, record.body));
            }
        }
        if !page.more {
            return Ok(found);
        }
    }
}
