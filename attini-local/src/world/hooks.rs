use std::collections::{BTreeMap, HashMap};

use attini_core::deploy::{Registration, TRIGGER_ID, machine_of, register_plan, unregister_plan};
use attini_core::framework::{Settings, explain};
use attini_core::inventory::plan_key;
use attini_core::plan::PLAN_TRIGGER;
use attini_core::port::Inventory;
use attini_core::value::{MachineArn, Place};
use futures::executor::block_on;
use serde_json::{Value, json};

use super::parts::Parts;
use crate::engine::Definition;
use crate::simulator::{Attributes, ResourceHooks, ResourceView, machine_definition};
use crate::store::SqliteInventory;
use crate::store::executions::{self, Machine};

const STATE_MACHINE: &str = "AWS::StepFunctions::StateMachine";

/// Gives meaning to the resources of init stacks: state machines become machines of the home, the trigger of a plan
/// registers it.
pub(super) struct PlanHooks<'a> {
    parts: &'a Parts,
    place: &'a Place,
    /// `AttiniSteps` of the machines of this operation, by machine ARN.
    steps: HashMap<String, Value>,
}

impl<'a> PlanHooks<'a> {
    pub(super) fn new(parts: &'a Parts, place: &'a Place) -> Self {
        Self { parts, place, steps: HashMap::new() }
    }

    fn put_machine(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        let definition = machine_definition(resource.properties)?;
        if let Err(problems) = Definition::parse(&definition) {
            return Err(format!("Invalid State Machine Definition: {}", problems.join("; ")));
        }
        let arn = machine_arn(resource, self.place);
        let machine = Machine { arn: arn.clone(), definition, updated: self.parts.clock.now() };
        self.parts.home.write(|tx| executions::put_machine(tx, &machine)).map_err(|error| explain(&error))?;
        let steps = resource.metadata.get("AttiniSteps").cloned().unwrap_or_else(|| json!([]));
        self.steps.insert(arn.as_str().to_owned(), steps);
        Ok(Attributes {
            values: BTreeMap::from([("Arn".to_owned(), arn.as_str().into()), ("Name".to_owned(), arn.name().into())]),
            physical_id: Some(arn.as_str().to_owned()),
        })
    }

    fn registered_steps(&self, machine: &MachineArn) -> Result<Value, String> {
        let inventory = SqliteInventory::new(self.parts.home.clone());
        let found = block_on(inventory.find(&plan_key(machine))).map_err(|error| explain(&error))?;
        Ok(found.and_then(|record| record.body.get("attiniSteps").cloned()).unwrap_or_else(|| json!([])))
    }

    fn register(&self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        let properties = resource.properties;
        let machine = machine_of(properties).ok_or_else(|| "the trigger names no state machine (SfnArn)".to_owned())?;
        // A state machine that did not change is not among this operation's; its steps are those registered before.
        let steps = match self.steps.get(machine.as_str()) {
            Some(steps) => steps.clone(),
            None => self.registered_steps(&machine)?,
        };
        let plan = Registration::read(properties, steps);
        let old = resource.previous.and_then(|previous| machine_of(&previous.properties));
        let inventory = SqliteInventory::new(self.parts.home.clone());
        // The store behind the port answers at once, so there is nothing to wait for here.
        block_on(register_plan(&inventory, &plan, old.as_ref(), &Settings::default().version))
            .map_err(|failure| failure.cause)?;
        Ok(Attributes { physical_id: Some(TRIGGER_ID.to_owned()), values: BTreeMap::new() })
    }
}

fn machine_arn(resource: &ResourceView<'_>, place: &Place) -> MachineArn {
    if resource.physical_id.starts_with("arn:") {
        MachineArn::from_record(resource.physical_id)
    } else {
        place.machine_arn(resource.physical_id)
    }
}

impl ResourceHooks for PlanHooks<'_> {
    fn created(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        match resource.resource_type {
            STATE_MACHINE => self.put_machine(resource),
            PLAN_TRIGGER => self.register(resource),
            _ => Ok(Attributes::default()),
        }
    }

    fn updated(&mut self, resource: &ResourceView<'_>) -> Result<Attributes, String> {
        self.created(resource)
    }

    fn deleted(&mut self, resource: &ResourceView<'_>) -> Result<(), String> {
        let failed = |error: &(dyn std::error::Error + 'static)| explain(error);
        match resource.resource_type {
            STATE_MACHINE => {
                let arn = machine_arn(resource, self.place);
                self.parts.home.write(|tx| executions::delete_machine(tx, &arn)).map_err(|error| failed(&error))
            }
            PLAN_TRIGGER => {
                let arn = resource.properties.get("SfnArn").and_then(Value::as_str).unwrap_or_default();
                let inventory = SqliteInventory::new(self.parts.home.clone());
                block_on(unregister_plan(&inventory, resource.stack, &MachineArn::from_record(arn)))
                    .map_err(|failure| failure.cause)
            }
            _ => Ok(()),
        }
    }
}
