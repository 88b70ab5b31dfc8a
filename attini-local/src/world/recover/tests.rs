use attini_core::inventory::{DeploymentRecord, Outcome, find_deployment, save_deployment};
use attini_core::port::ExecutionStatus;
use attini_core::value::{DeploymentName, MachineArn, Timestamp};
use serde_json::json;

use super::*;
use crate::store::executions::{self, Machine};
use crate::world::submission::claim;
use crate::world::{LocalWorld, Options};

/// As the object's: `dev/site/site.zip#1`.
const ID: &str = "faa0fadbff17f125a10a2db720a05b87";

/// A deployment that was recorded, whose worker is gone.
struct Left {
    _dir: tempfile::TempDir,
    world: LocalWorld,
    object: ObjectIdentifier,
}

impl Left {
    fn waiting() -> Self {
        let dir = tempfile::tempdir().expect("creates");
        let world = LocalWorld::open(Options::new(dir.path())).expect("opens");
        let object = ObjectIdentifier::from_record("dev/site/site.zip#1");
        let now = Timestamp::from_ms(5);
        world.parts().home.write(|tx| deployments::insert(tx, ID, &object, now)).expect("writes");
        Self { _dir: dir, world, object }
    }

    fn working() -> Self {
        let left = Self::waiting();
        let taken = left.world.parts().home.write(|tx| deployments::take(tx, ID, 7, Timestamp::from_ms(6)));
        assert!(taken.expect("writes"));
        left
    }

    async fn recorded(self) -> Self {
        let ports = self.world.framework("dev");
        let mut record = DeploymentRecord::new("dev", "site", "one", &self.object, Timestamp::from_ms(5));
        save_deployment(ports.inventory.as_ref(), &mut record).await.expect("saves");
        self
    }

    fn execution(&self, outcome: Option<&executions::Outcome>) -> ExecutionArn {
        let arn = MachineArn::from_record("arn:aws:states:eu-west-1:000000000000:stateMachine:plan");
        let machine = Machine { arn, definition: json!({}), updated: Timestamp::from_ms(6) };
        let execution = machine.arn.execution(&format!("{ID}-5"));
        self.world
            .parts()
            .home
            .write(|tx| {
                executions::insert(tx, &execution, &machine, &json!({}), "s", Timestamp::from_ms(7))?;
                match outcome {
                    Some(outcome) => executions::finish(tx, &execution, outcome, Timestamp::from_ms(8)),
                    None => Ok(true),
                }
            })
            .expect("writes");
        execution
    }

    async fn recovered(&self) -> Option<DeploymentRecord> {
        self.world.recover().await.expect("recovers");
        self.record().await
    }

    async fn status(&self, execution: &ExecutionArn) -> ExecutionStatus {
        self.world.framework("dev").workflows.describe(execution).await.expect("is there").status
    }

    async fn record(&self) -> Option<DeploymentRecord> {
        let ports = self.world.framework("dev");
        let name = DeploymentName::of_raw("dev", "site");
        find_deployment(ports.inventory.as_ref(), &name, &self.object).await.expect("reads")
    }

    fn state(&self) -> DeploymentState {
        let found = self.world.parts().home.read(|tx| deployments::find(tx, ID));
        found.expect("reads").expect("is there").state
    }
}

#[tokio::test]
async fn a_claimed_deployment_is_left_alone_until_the_claim_ends() {
    let left = Left::waiting();
    let held = claim(&left.world.parts().home, ID).expect("asks").expect("is free");
    assert!(left.recovered().await.is_none());
    assert_eq!(left.state(), DeploymentState::Waiting);
    drop(held);
    let record = left.recovered().await.expect("is recorded");
    assert_eq!(record.outcome, Some(Outcome::Interrupted));
    assert!(record.error_message.expect("says why").starts_with("its worker never started"));
    assert_eq!(left.state(), DeploymentState::Interrupted);
}

#[tokio::test]
async fn a_living_worker_is_left_alone() {
    let left = Left::working().recorded().await;
    let lease = WorkerLease::acquire(&left.world.parts().home, ID).expect("asks").expect("is free");
    assert_eq!(left.recovered().await.expect("is there").outcome, None);
    drop(lease);
    assert_eq!(left.recovered().await.expect("is there").outcome, Some(Outcome::Interrupted));
}

#[tokio::test]
async fn an_execution_without_a_worker_is_interrupted_and_stays_where_it_was() {
    let left = Left::working().recorded().await;
    let execution = left.execution(None);
    let record = left.recovered().await.expect("is there");
    assert_eq!(record.outcome, Some(Outcome::Interrupted));
    assert!(record.error_message.expect("says why").starts_with("its worker (process 7) died"));
    assert_eq!(left.status(&execution).await, ExecutionStatus::Running);
    assert!(left.world.running().await.expect("reads").is_empty());
    assert_eq!(left.world.interrupted().await.expect("reads"), std::slice::from_ref(&left.object));
}

#[tokio::test]
async fn a_resumed_deployment_has_no_outcome_until_its_claim_ends() {
    let left = Left::working().recorded().await;
    left.execution(None);
    left.recovered().await;
    let submission = left.world.resume(&left.object).await.expect("can be resumed");
    let record = left.recovered().await.expect("is there");
    assert_eq!((record.outcome, record.error_code, record.end_time), (None, None, None));
    let again = left.world.resume(&left.object).await.expect_err("is being resumed");
    assert!(again.to_string().contains("site in dev cannot be resumed"), "{again}");
    drop(submission);
    assert_eq!(left.recovered().await.expect("is there").outcome, Some(Outcome::Interrupted));
}

#[tokio::test]
async fn what_has_ended_is_not_resumed() {
    let left = Left::working().recorded().await;
    left.execution(Some(&executions::Outcome::Succeeded(json!({"output": {}}))));
    assert_eq!(left.recovered().await.expect("is there").outcome, Some(Outcome::Succeeded));
    let refused = left.world.resume(&left.object).await.expect_err("has ended");
    assert!(refused.to_string().ends_with("it has ended"), "{refused}");
}

#[tokio::test]
async fn an_interrupted_deployment_ends_when_it_is_replaced() {
    let left = Left::working().recorded().await;
    let execution = left.execution(None);
    left.recovered().await;
    abandon(left.world.parts(), ID, "replaced by the deployment of site two").await.expect("ends it");
    let record = left.record().await.expect("is there");
    let cause = Some("replaced by the deployment of site two".to_owned());
    assert_eq!((record.outcome, record.error_message), (Some(Outcome::Aborted), cause));
    assert_eq!(left.status(&execution).await, ExecutionStatus::Aborted);
    assert_eq!(left.state(), DeploymentState::Ended);
    abandon(left.world.parts(), ID, "again").await.expect("has nothing to do");
}

#[tokio::test]
async fn a_deployment_that_never_began_ends_when_it_is_replaced() {
    let left = Left::waiting();
    left.recovered().await;
    abandon(left.world.parts(), ID, "replaced").await.expect("ends it");
    assert_eq!(left.record().await.expect("is there").outcome, Some(Outcome::Aborted));
}

#[tokio::test]
async fn a_reset_needs_no_end_of_interrupted_deployments() {
    let left = Left::working().recorded().await;
    left.world.reset(Some("dev")).await.expect("resets");
    assert!(left.world.interrupted().await.expect("reads").is_empty());
    assert!(left.record().await.is_none());
}

#[tokio::test]
async fn an_end_that_was_not_recorded_any_more_is_recorded() {
    let left = Left::working().recorded().await;
    left.execution(Some(&executions::Outcome::Succeeded(json!({"output": {}}))));
    assert_eq!(left.recovered().await.expect("is there").outcome, Some(Outcome::Succeeded));
}

#[tokio::test]
async fn a_plan_that_was_superseded_before_it_was_recorded_is_aborted() {
    let left = Left::working().recorded().await;
    let cause = "replaced by the deployment of site two".to_owned();
    left.execution(Some(&executions::Outcome::Failed {
        error: Some("ExecutionSuperseded".to_owned()),
        cause: Some(cause.clone()),
    }));
    let record = left.recovered().await.expect("is there");
    assert_eq!((record.outcome, record.error_message), (Some(Outcome::Aborted), Some(cause)));
}
