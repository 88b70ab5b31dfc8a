use std::sync::Arc;
use std::time::Duration;

use attini_core::framework::{Failure, explain};
use attini_core::inventory::{Outcome, find_deployment, list_history, update_deployment};
use attini_core::port::ExecutionStatus;
use attini_core::value::{DeploymentName, ExecutionArn, ObjectIdentifier};
use serde_json::{Value, json};

use super::deploy::{LocalWorld, WorldError, deployment_id};
use super::driver::context_of;
use super::recover::names_in;
use super::replay::Replay;
use super::submission::{Submission, claim};
use crate::engine::{Definition, Redrive};
use crate::store::intents::{self, Intent};
use crate::store::{HomeGate, deployments, executions};

/// Kind of the intent that says how an execution goes on after its end.
pub(super) const REDRIVE: &str = "redrive";

/// So often the end of a worker is waited for.
const WAITS: u32 = 250;

/// How a deployment goes on that ended without success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redriving {
    /// Step of the top level to begin at, with the payload that it had when it began last; `None` is what did not succeed.
    pub from: Option<String>,
    /// Step that did not succeed and counts as if it had, without an output.
    pub skip: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl LocalWorld {
    /// Lets a deployment go on whose plan failed, was stopped or took too long: what did not succeed runs again, when
    /// [`LocalWorld::work`] is called with its object. Who did that, when and why is in its record.
    ///
    /// # Errors
    ///
    /// [`WorldError::NotInterrupted`] when there is nothing to go on with: it succeeded or runs, it failed before its plan
    /// began, a newer deployment was made since, or it has no such step.
    pub async fn redrive(&self, object: &ObjectIdentifier, how: &Redriving) -> Result<Submission, WorldError> {
        let refused = |why: &str| WorldError::NotInterrupted { object: object.clone(), why: why.to_owned() };
        let parts = self.parts();
        let (environment, distribution) = names_in(object);
        let framework = parts.onlooker(&environment);
        let inventory = framework.inventory.as_ref();
        let name = DeploymentName::of_raw(&environment, &distribution);
        let Some(record) = find_deployment(inventory, &name, object).await? else {
            return Err(refused("it is not known"));
        };
        match record.outcome {
            None => return Err(refused("it runs")),
            Some(Outcome::Succeeded) => return Err(refused("it has succeeded")),
            Some(_) => {}
        }
        let newest = list_history(inventory, &environment, &distribution, 1).await?;
        if newest.first().is_some_and(|newest| newest.object_identifier != record.object_identifier) {
            return Err(refused("a newer deployment was made since; deploy again"));
        }
        let mut unfinished = Vec::new();
        for arn in record.execution_arns.values().map(|arn| ExecutionArn::from_record(arn.clone())) {
            if framework.workflows.describe(&arn).await.map_err(Failure::from)?.status != ExecutionStatus::Succeeded {
                unfinished.push(arn);
            }
        }
        if unfinished.is_empty() {
            return Err(refused("it ended before its plan began; deploy again"));
        }
        let mut wanted = Vec::new();
        for arn in unfinished {
            let redrive = self.plan_redrive(&arn, how).map_err(|why| refused(&why))?;
            wanted.push((arn, redrive));
        }
        let id = deployment_id(object);
        let now = parts.clock.now();
        let mut waits = 0;
        let (_gate, claim) = loop {
            let gate = HomeGate::to_add(&parts.home)?;
            if let Some(claim) = claim(&parts.home, &id)? {
                let reopened = parts.home.write(|tx| {
                    if !deployments::reopen(tx, &id)? {
                        return Ok(false);
                    }
                    for (arn, redrive) in &wanted {
                        executions::reopen(tx, arn)?;
                        let body = json!(redrive);
                        intents::put(tx, arn.as_str(), &Intent { kind: REDRIVE.to_owned(), body, created: now })?;
                    }
                    Ok(true)
                })?;
                if reopened {
                    break (gate, claim);
                }
            }
            // Who followed to the end may be here before the worker has cleaned up after itself.
            if waits == WAITS {
                return Err(refused("another process works on it"));
            }
            waits += 1;
            drop(gate);
            parts.clock.sleep(Duration::from_millis(20)).await;
        };
        let entry = json!({
            "time": now.as_ms(), "by": self.user(), "from": how.from, "skipped": how.skip, "reason": how.reason,
        });
        update_deployment(inventory, &name, object, |body| {
            for field in ["outcome", "endTime", "errorCode", "errorMessage", "deploymentPlanStatus"] {
                body.remove(field);
            }
            if let Value::Array(list) = body.entry("resumptions").or_insert_with(|| json!([])) {
                list.push(entry.clone());
            }
            if let Some(step) = &how.skip
                && let Value::Array(warnings) = body.entry("warnings").or_insert_with(|| json!([]))
            {
                let why = how.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                warnings.push(format!("step {step} was skipped by {}{why}", self.user()).into());
            }
        })
        .await?;
        Ok(Submission::new(object.clone(), claim))
    }

    /// Checks that an execution can go on as wanted.
    fn plan_redrive(&self, arn: &ExecutionArn, how: &Redriving) -> Result<Redrive, String> {
        let parts = self.parts();
        let found = parts
            .home
            .read(|tx| Ok((executions::find(tx, arn)?, executions::definition(tx, arn)?, executions::seed(tx, arn)?)));
        let (description, definition, seed) = found.map_err(|error| explain(&error))?;
        let (Some(description), Some(definition), Some(seed)) = (description, definition, seed) else {
            return Err("what it did was not kept; deploy again".to_owned());
        };
        let definition = Arc::new(Definition::parse(&definition).map_err(|problems| problems.join("; "))?);
        let context = context_of(parts, arn, description.input, seed);
        let read = |tx: &crate::store::Tx<'_>| Ok(Replay::of(tx, arn, &definition, context, description.started));
        let replay = parts.home.read(read).map_err(|error| explain(&error))?.map_err(|error| explain(&error))?.0;
        if !replay.execution.can_be_redriven() {
            return Err("its plan cannot go on; deploy again".to_owned());
        }
        let open = replay.execution.unsuccessful();
        if let Some(step) = how.skip.as_ref().filter(|step| !open.contains(&step.as_str())) {
            return Err(format!("step {step} is not one that did not succeed; these are: {}", open.join(", ")));
        }
        let from = match &how.from {
            None => None,
            Some(step) if !definition.has_state(step) => {
                return Err(format!("the plan has no step {step} outside of branches and iterations"));
            }
            Some(step) => {
                let input =
                    parts.home.read(|tx| executions::last_input(tx, arn, step)).map_err(|error| explain(&error))?;
                let input = input.ok_or_else(|| format!("step {step} never began, so it has no payload"))?;
                Some((step.clone(), input))
            }
        };
        Ok(Redrive { skip: how.skip.iter().cloned().collect(), from })
    }
}
