//! Promises of [`RunnerFleet`].

use crate::port::RunnerFleet;
use crate::runner::RunnerRecord;

/// Runs all tests with a runner that can be started.
pub async fn all(fleet: &dyn RunnerFleet, runner: &RunnerRecord) {
    a_runner_can_be_asked_for_again(fleet, runner).await;
}

/// Every step of a plan asks.
pub async fn a_runner_can_be_asked_for_again(fleet: &dyn RunnerFleet, runner: &RunnerRecord) {
    for _ in 0..3 {
        fleet.ensure(runner).await.expect("starts");
    }
}
