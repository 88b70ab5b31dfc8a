//! Approvals and the execution they belong to.

use super::*;
use crate::inventory::{approval_key, list_waiting_approvals};
use crate::step::plan_ended;

#[test]
fn nobody_waits_for_the_approvals_of_an_execution_that_has_ended() {
    let (world, machine) = world();
    let execution = start(&world, &machine, &object(), NOW);
    prepare(&world, &execution).unwrap();
    for (step, of) in [("Mine", execution.as_str()), ("Other", "arn:other")] {
        let token = world.tokens.open();
        let mut input = input("ManualApproval", step, &token, &json!({}));
        input["deploymentPlanExecutionMetadata"]["executionArn"] = json!(of);
        block_on(run_action(&world.framework, input)).unwrap();
    }
    block_on(world.framework.workflows.stop(&execution, "stopped")).unwrap();
    let ended = block_on(world.framework.workflows.describe(&execution)).unwrap();
    block_on(plan_ended(&world.framework, &ended, 0)).unwrap();
    let waiting = block_on(list_waiting_approvals(world.inventory.as_ref(), "dev", "network")).unwrap();
    assert_eq!(waiting.iter().map(|found| found.step_name.as_str()).collect::<Vec<_>>(), ["Other"]);
    assert!(world.body(&approval_key("dev", "network", "Mine")).get("sfnToken").is_none());
}
