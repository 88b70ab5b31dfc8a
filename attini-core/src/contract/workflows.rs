//! Promises of [`Workflows`].

use std::collections::BTreeSet;

use serde_json::json;

use crate::port::{ExecutionStatus, Page, WorkflowError, Workflows};
use crate::value::{ExecutionArn, MachineArn};

/// Runs all tests. The machine has no executions, and those it gets run until they are stopped.
pub async fn all(workflows: &dyn Workflows, machine: &MachineArn) {
    an_unknown_machine_or_execution_is_not_found(workflows, machine).await;
    an_execution_runs_with_its_input(workflows, machine).await;
    the_same_name_is_the_same_execution(workflows, machine).await;
    a_stopped_execution_stays_so(workflows, machine).await;
    running_executions_are_listed_each_once(workflows, machine).await;
    history_comes_oldest_first(workflows, machine).await;
}

async fn start(workflows: &dyn Workflows, machine: &MachineArn, name: &str) -> ExecutionArn {
    workflows.start(machine, name, &json!({"name": name})).await.expect("starts")
}

async fn running(workflows: &dyn Workflows, machine: &MachineArn) -> Vec<ExecutionArn> {
    let mut found: Vec<ExecutionArn> = Vec::new();
    loop {
        let Page { items, more } = workflows.list_running(machine, found.last()).await.expect("lists");
        found.extend(items);
        if !more {
            return found;
        }
    }
}

fn assert_not_found<T>(result: Result<T, WorkflowError>) {
    match result {
        Err(WorkflowError::NotFound { .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("something that was never made is there"),
    }
}

/// Every call says so.
pub async fn an_unknown_machine_or_execution_is_not_found(workflows: &dyn Workflows, machine: &MachineArn) {
    let unknown = MachineArn::from_record(format!("{machine}-unknown"));
    assert_not_found(workflows.start(&unknown, "contract", &json!({})).await);
    let execution = machine.execution("contract-unknown");
    assert_not_found(workflows.describe(&execution).await);
    assert_not_found(workflows.stop(&execution, "cause").await);
    assert_not_found(workflows.history(&execution, 0).await);
}

/// And can be asked about.
pub async fn an_execution_runs_with_its_input(workflows: &dyn Workflows, machine: &MachineArn) {
    let arn = start(workflows, machine, "contract-run").await;
    assert_eq!(arn, machine.execution("contract-run"));
    let found = workflows.describe(&arn).await.expect("is there");
    assert_eq!((found.arn, found.status), (arn.clone(), ExecutionStatus::Running));
    assert_eq!(found.input, json!({"name": "contract-run"}));
    assert_eq!((found.output, found.error, found.ended), (None, None, None));
    workflows.stop(&arn, "done").await.expect("stops");
}

/// While it runs, and afterwards.
pub async fn the_same_name_is_the_same_execution(workflows: &dyn Workflows, machine: &MachineArn) {
    let arn = start(workflows, machine, "contract-same").await;
    assert_eq!(start(workflows, machine, "contract-same").await, arn);
    workflows.stop(&arn, "done").await.expect("stops");
    assert_eq!(start(workflows, machine, "contract-same").await, arn);
    assert_eq!(workflows.describe(&arn).await.expect("is there").status, ExecutionStatus::Aborted);
}

/// Stopping again changes nothing.
pub async fn a_stopped_execution_stays_so(workflows: &dyn Workflows, machine: &MachineArn) {
    let arn = start(workflows, machine, "contract-stop").await;
    workflows.stop(&arn, "replaced by ä").await.expect("stops");
    let first = workflows.describe(&arn).await.expect("is there");
    assert_eq!((first.status, first.cause.as_deref()), (ExecutionStatus::Aborted, Some("replaced by ä")));
    assert!(first.ended.is_some_and(|ended| ended >= first.started));
    workflows.stop(&arn, "another cause").await.expect("has ended");
    assert_eq!(workflows.describe(&arn).await.expect("is there"), first);
}

/// In all pages, without those that ended.
pub async fn running_executions_are_listed_each_once(workflows: &dyn Workflows, machine: &MachineArn) {
    let mut arns = BTreeSet::new();
    for number in 0..5 {
        arns.insert(start(workflows, machine, &format!("contract-list-{number}")).await);
    }
    let stopped = machine.execution("contract-list-2");
    workflows.stop(&stopped, "done").await.expect("stops");
    arns.remove(&stopped);
    let found = running(workflows, machine).await;
    assert_eq!(found.len(), arns.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), arns);
    for arn in &arns {
        workflows.stop(arn, "done").await.expect("stops");
    }
    assert_eq!(running(workflows, machine).await, []);
}

/// Ids count from 1, and who follows asks for what is new.
pub async fn history_comes_oldest_first(workflows: &dyn Workflows, machine: &MachineArn) {
    let arn = start(workflows, machine, "contract-history").await;
    workflows.stop(&arn, "done").await.expect("stops");
    let mut events = Vec::new();
    loop {
        let after = u64::try_from(events.len()).expect("is small");
        let Page { items, more } = workflows.history(&arn, after).await.expect("reads");
        events.extend(items);
        if !more {
            break;
        }
    }
    for (event, id) in events.iter().zip(1..) {
        assert_eq!(event.id, id);
        assert!(event.previous_id < event.id);
    }
    assert!(events.is_sorted_by_key(|event| event.time));
    let kinds = (events.first().map(|event| event.kind.as_str()), events.last().map(|event| event.kind.as_str()));
    assert_eq!(kinds, (Some("ExecutionStarted"), Some("ExecutionAborted")));
    let last = events.last().map_or(0, |event| event.id);
    assert_eq!(workflows.history(&arn, last).await.expect("reads").items, []);
}
