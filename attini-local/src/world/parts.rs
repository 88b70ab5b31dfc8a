use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attini_core::framework::{Framework, Settings};
use attini_core::port::{Clock, Ids, JobQueue, RunnerFleet, StackService};
use attini_core::value::{ExecutionArn, Place};
use attini_runner::SupervisorCommand;
use tokio::sync::mpsc::UnboundedSender;

use super::functions::ValueFunctions;
use super::stacks::SimulatedStacks;
use super::watch::{StackOperation, WatchedStacks};
use super::workflows::LocalWorkflows;
use crate::store::{
    FsObjectStore, Home, SqliteInventory, SqliteNotifications, SqliteParameters, SqliteQueue, SqliteTaskTokens,
};

/// What every part of a local world is made of.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub(super) home: Home,
    pub(super) place: Place,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    /// Stacks of steps; `None` is the simulator.
    pub(super) step_stacks: Option<Arc<dyn StackService>>,
    /// Directories in which jobs find programs.
    pub(super) search_path: String,
    /// Environment variables that every job gets besides, on request of the caller.
    pub(super) job_variables: BTreeMap<String, String>,
    /// What runs jobs so that they survive their worker.
    pub(super) supervisor: Option<SupervisorCommand>,
    /// Directory for what jobs work on.
    pub(super) work: PathBuf,
}

/// Where a worker hears of what it has to look after.
#[derive(Debug, Clone)]
pub(super) struct Channels {
    pub(super) executions: UnboundedSender<ExecutionArn>,
    pub(super) operations: UnboundedSender<StackOperation>,
}

/// How long a job that was taken from a queue stays hidden. Queues belong to one worker, so nobody else would take it.
const VISIBILITY: Duration = Duration::from_secs(3600);

impl Parts {
    /// Returns the framework's ports for one environment. Without channels it can look and answer, but runs nothing.
    pub(super) fn framework(
        &self,
        environment: &str,
        channels: Option<&Channels>,
        fleet: Arc<dyn RunnerFleet>,
        queue: Arc<dyn JobQueue>,
    ) -> Framework {
        let simulator: Arc<dyn StackService> = Arc::new(SimulatedStacks::new(self.clone(), environment));
        let step_stacks = self.step_stacks.clone().unwrap_or_else(|| Arc::clone(&simulator));
        let watched = |stacks: Arc<dyn StackService>, are_init_stacks| -> Arc<dyn StackService> {
            match channels {
                Some(channels) => Arc::new(WatchedStacks::new(stacks, channels.operations.clone(), are_init_stacks)),
                None => stacks,
            }
        };
        Framework {
            place: self.place.clone(),
            settings: Settings::default(),
            origin: Arc::new(FsObjectStore::new(self.home.clone(), self.place.origin_bucket())),
            artifacts: Arc::new(FsObjectStore::new(self.home.clone(), self.place.artifact_bucket())),
            inventory: Arc::new(SqliteInventory::new(self.home.clone())),
            parameters: Arc::new(super::parameters::ValueParameters::new(self.home.clone(), environment)),
            init_stacks: watched(simulator, true),
            stacks: watched(step_stacks, false),
            workflows: Arc::new(LocalWorkflows::new(
                self.clone(),
                channels.map(|channels| channels.executions.clone()),
            )),
            tokens: Arc::new(SqliteTaskTokens::new(self.home.clone(), Arc::clone(&self.clock))),
            jobs: queue,
            fleet,
            functions: Arc::new(ValueFunctions::new(self.home.clone(), environment)),
            notifications: Arc::new(SqliteNotifications::new(self.home.clone())),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
        }
    }

    /// Returns the ports for a process that runs nothing itself.
    pub(super) fn onlooker(&self, environment: &str) -> Framework {
        self.framework(environment, None, Arc::new(super::fleet::NoFleet), self.queue())
    }

    pub(super) fn queue(&self) -> Arc<SqliteQueue> {
        Arc::new(SqliteQueue::new(self.home.clone(), Arc::clone(&self.clock), VISIBILITY))
    }

    pub(super) fn account_parameters(&self) -> SqliteParameters {
        SqliteParameters::new(self.home.clone())
    }
}
