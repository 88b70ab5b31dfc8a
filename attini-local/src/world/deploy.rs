use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attini_core::distribution::{Archive, Limits};
use attini_core::follow::FollowPorts;
use attini_core::framework::{Failure, Framework};
use attini_core::guard::{Answer, Approval, answer_approval};
use attini_core::inventory::{DeploymentRecord, Outcome, ensure_environment, find_deployment};
use attini_core::port::{Body, Clock, Ids, Precondition, StackService, StoreError};
use attini_core::problem::Problems;
use attini_core::value::{
    AccountId, DeploymentName, DistributionName, Environment, EnvironmentType, KeyPrefix, ObjectIdentifier, ObjectKey,
    Place, Region,
};
use attini_runner::SupervisorCommand;
use futures::executor::block_on;
use md5::{Digest, Md5};
use serde_json::{Value, json};
use thiserror::Error;

use super::followed::RecoveringInventory;
use super::parts::Parts;
use super::recover::{names_in, recover, uninterrupt};
use super::region::region_of;
use super::submission::{Submission, claim};
use super::values::Values;
use super::worker::{self, UPLOAD};
use crate::store::deployments::DeploymentState;
use crate::store::intents::{self, Intent};
use crate::store::{EnvironmentValues, FileLogStore, Home, HomeError, HomeGate, RandomIds, SystemClock, deployments};

/// How to open a [`LocalWorld`]. Nothing is taken from the environment of the process.
#[derive(Debug, Clone)]
pub struct Options {
    /// Directory that holds everything.
    pub home: PathBuf,
    /// Region that templates and steps see; default `eu-west-1`.
    pub region: Option<Region>,
    /// Directories in which jobs find programs, in the form of `PATH`; default `/usr/local/bin:/usr/bin:/bin`.
    pub search_path: Option<String>,
    /// Further environment variables of every job. Nothing else of the process reaches them.
    pub job_variables: BTreeMap<String, String>,
    /// Who deploys, for the records.
    pub user: String,
    /// Runs jobs so that they survive the process that deploys: a program that calls [`attini_runner::supervise`] with its
    /// last argument. `None` lets jobs end with that process.
    pub supervisor: Option<SupervisorCommand>,
}

impl Options {
    /// Returns the defaults for a home.
    #[must_use]
    pub fn new(home: impl Into<PathBuf>) -> Self {
        Self {
            home: home.into(),
            region: None,
            search_path: None,
            job_variables: BTreeMap::new(),
            user: "local".to_owned(),
            supervisor: None,
        }
    }
}

/// The environments of one directory on this machine.
#[derive(Debug, Clone)]
pub struct LocalWorld {
    parts: Parts,
    user: String,
}

/// A deployment that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployed {
    /// Its record.
    pub record: DeploymentRecord,
    /// What its plan returned, when it succeeded.
    pub output: Option<Value>,
}

impl Deployed {
    /// Returns how it ended.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.record.outcome.unwrap_or(Outcome::Interrupted)
    }

    /// Returns the name and the cause of the failure, unless it succeeded.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        let record = &self.record;
        let failed = self.outcome() != Outcome::Succeeded;
        failed.then(|| Failure::new(text(&record.error_code), text(&record.error_message)))
    }

    /// Returns the output of one step.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&Value> {
        self.output.as_ref()?.get("output")?.get(name)
    }
}

/// The local world cannot do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorldError {
    /// The directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A function of the framework failed.
    #[error("{}", .0.cause)]
    Failed(Failure),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The zip cannot be deployed.
    #[error("{} cannot be deployed", path.display())]
    Zip {
        /// The zip.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of values has mistakes.
    #[error("{0}")]
    Values(Problems),
    /// A deployment runs and would lose its ground.
    #[error(
        "a deployment of {} runs; wait for its end, or replace it with another `attini deploy run`, which stops it at its \
         next step",
        short_name(.0)
    )]
    Busy(ObjectIdentifier),
    /// There is nothing to resume.
    #[error("the deployment of {} cannot be resumed: {why}", short_name(object))]
    NotInterrupted {
        /// Which one.
        object: ObjectIdentifier,
        /// Why not.
        why: String,
    },
}

impl From<Failure> for WorldError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Returns `<distribution> in <environment>`.
fn short_name(object: &ObjectIdentifier) -> String {
    let (environment, distribution) = names_in(object);
    format!("{distribution} in {environment}")
}

/// Account of every local environment.
const ACCOUNT: &str = "000000000000";

impl LocalWorld {
    /// Opens the world of a directory, which is created when it is absent, and sets right what died workers left in it.
    ///
    /// A region that is named here holds for this handle; the first one ever named is the home's from then on.
    ///
    /// # Errors
    ///
    /// [`WorldError::Home`] when the directory cannot be used.
    pub fn open(options: Options) -> Result<Self, WorldError> {
        let home = Home::open(&options.home)?;
        let region = region_of(&options.home, options.region)?;
        let account = AccountId::parse(ACCOUNT).expect("twelve digits");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ids: Arc<dyn Ids> = Arc::new(RandomIds);
        let parts = Parts {
            work: home.path().join("work"),
            home,
            place: Place { account, region },
            clock,
            ids,
            step_stacks: None,
            search_path: options.search_path.unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".to_owned()),
            job_variables: options.job_variables,
            supervisor: options.supervisor,
        };
        // The stores behind the ports answer at once, so there is nothing to wait for here.
        block_on(recover(&parts))?;
        Ok(Self { parts, user: options.user })
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Lets stacks of steps go to another service than the simulator. Stacks that hold plans stay here.
    #[must_use]
    pub fn with_stacks(mut self, stacks: Arc<dyn StackService>) -> Self {
        self.parts.step_stacks = Some(stacks);
        self
    }

    /// Returns account and region.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.parts.place
    }

    /// Returns the directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.parts.home.path()
    }

    /// Returns the ports of an environment for reading and answering. What is started through them does not run.
    #[must_use]
    pub fn framework(&self, environment: &str) -> Framework {
        self.parts.onlooker(environment)
    }

    /// Returns the ports that following a deployment needs.
    #[must_use]
    pub fn follow_ports(&self) -> FollowPorts {
        let framework = self.parts.onlooker("");
        FollowPorts {
            inventory: Arc::new(RecoveringInventory::new(self.parts.clone(), framework.inventory)),
            workflows: framework.workflows,
            logs: Arc::new(FileLogStore::new(self.parts.home.clone())),
            stacks: framework.init_stacks,
            clock: framework.clock,
        }
    }

    /// Sets right what died workers left, so that all records are true. Cheap when there is nothing.
    ///
    /// # Errors
    ///
    /// When the home fails.
    pub async fn recover(&self) -> Result<(), WorldError> {
        Ok(recover(&self.parts).await?)
    }

    /// Stores a zip as an upload and records that it waits for a worker.
    ///
    /// The environment must exist. The deployment starts when [`LocalWorld::work`] is called with the result's object.
    ///
    /// # Errors
    ///
    /// [`WorldError::Zip`] for a file that is no distribution; nothing is stored then.
    pub async fn submit(
        &self,
        environment: &Environment,
        distribution: &DistributionName,
        zip: &Path,
    ) -> Result<Submission, WorldError> {
        let unusable =
            |source: Box<dyn std::error::Error + Send + Sync>| WorldError::Zip { path: zip.to_owned(), source };
        let file = File::open(zip).map_err(|error| unusable(error.into()))?;
        Archive::open(&file, &Limits::default()).map_err(|error| unusable(error.into()))?;
        let file = File::open(zip).map_err(|error| unusable(error.into()))?;
        self.store(environment, distribution, Body::Reader(Box::new(file))).await
    }

    async fn store(
        &self,
        environment: &Environment,
        distribution: &DistributionName,
        body: Body,
    ) -> Result<Submission, WorldError> {
        self.recover().await?;
        let _gate = HomeGate::to_add(&self.parts.home)?;
        let framework = self.parts.onlooker(environment.as_str());
        let key = ObjectKey::of_upload(environment, distribution);
        let version = framework.origin.put(&key, body, Precondition::None).await?;
        let object = ObjectIdentifier::new(&key, &version);
        let now = self.parts.clock.now();
        let note = json!({ "user": self.user, "time": now.as_ms() });
        let id = deployment_id(&object);
        // Before the row: whoever finds it must see that somebody takes care of it.
        let Some(claim) = claim(&self.parts.home, &id)? else {
            return Err(Failure::new("InternalError", format!("upload {object} is claimed by another process")).into());
        };
        self.parts.home.write(|tx| {
            deployments::insert(tx, &id, &object, now)?;
            intents::put(tx, &id, &Intent { kind: UPLOAD.to_owned(), body: note.clone(), created: now })
        })?;
        Ok(Submission::new(object, claim))
    }

    /// Carries out a submitted deployment to its end, in this process. Returns at once when another process does.
    ///
    /// # Errors
    ///
    /// When the home fails. What fails in the deployment itself is in its record.
    pub async fn work(&self, object: &ObjectIdentifier) -> Result<(), WorldError> {
        Ok(worker::work(&self.parts, &deployment_id(object)).await?)
    }

    /// Deploys a zip in this process: creates the environment (type test) when it is absent, and returns when all is done.
    ///
    /// # Errors
    ///
    /// When the zip cannot be used or the home fails. A deployment that fails is `Ok` with its outcome.
    pub async fn deploy(&self, environment: &Environment, zip: &Path) -> Result<Deployed, WorldError> {
        let distribution = distribution_name(zip)?;
        let framework = self.parts.onlooker(environment.as_str());
        let known =
            attini_core::inventory::find_environment(framework.inventory.as_ref(), environment.as_str()).await?;
        if known.is_none() {
            ensure_environment(framework.inventory.as_ref(), environment, EnvironmentType::Test).await?;
        }
        let submission = self.submit(environment, &distribution, zip).await?;
        self.work(submission.object()).await?;
        self.deployed(submission.object()).await
    }

    /// Returns a deployment as it is, and the output of its plan when there is one.
    ///
    /// # Errors
    ///
    /// When there is no such deployment, or the home fails.
    pub async fn deployed(&self, object: &ObjectIdentifier) -> Result<Deployed, WorldError> {
        let (environment, distribution) = names_in(object);
        let framework = self.parts.onlooker(&environment);
        let name = DeploymentName::of_raw(&environment, &distribution);
        let Some(record) = find_deployment(framework.inventory.as_ref(), &name, object).await? else {
            return Err(Failure::new("NotFound", format!("there is no deployment of {object}")).into());
        };
        let output = match record.outcome {
            Some(Outcome::Succeeded) => {
                self.output(&environment, &record.distribution_name, &record.distribution_id).await?
            }
            _ => None,
        };
        Ok(Deployed { record, output })
    }

    /// Uploads the bytes of an earlier deployment again: from the upload itself, else from the published copy.
    ///
    /// # Errors
    ///
    /// When neither is there any more.
    pub async fn submit_again(&self, earlier: &DeploymentRecord) -> Result<Submission, WorldError> {
        let invalid = |error: attini_core::value::InvalidValue| Failure::new("InvalidUpload", error.to_string());
        let environment = Environment::parse(&earlier.environment).map_err(invalid)?;
        let distribution = DistributionName::parse(&earlier.distribution_name).map_err(invalid)?;
        let framework = self.parts.onlooker(environment.as_str());
        let upload = match earlier.object().split() {
            Some((key, version)) => framework.origin.open(&key, Some(&version)).await.ok(),
            None => None,
        };
        let body = match upload {
            Some(reader) => reader,
            None => {
                let prefix = earlier.deployment_source.deployment_source_prefix.clone().unwrap_or_default();
                let key = KeyPrefix::closed(&prefix).key(&format!("{distribution}.zip"));
                framework.artifacts.open(&key, None).await?
            }
        };
        self.store(&environment, &distribution, Body::Reader(Box::new(body))).await
    }

    /// Returns the published zip of a distribution id, if it is still kept.
    ///
    /// # Errors
    ///
    /// When the store fails.
    pub async fn download(&self, environment: &str, name: &str, id: &str) -> Result<Option<Vec<u8>>, WorldError> {
        let key = ObjectKey::new(format!("{environment}/{name}/{id}/distribution-origin/{name}.zip"));
        self.artifact(environment, &key).await
    }

    /// Returns what the last successful plan of an id returned, if there is one.
    ///
    /// # Errors
    ///
    /// When the store fails or the output cannot be read.
    pub async fn output(&self, environment: &str, name: &str, id: &str) -> Result<Option<Value>, WorldError> {
        match self.artifact(environment, &ObjectKey::of_output(environment, name, id)).await? {
            Some(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
                Failure::new("InternalError", format!("the stored output is no JSON: {error}")).into()
            }),
            None => Ok(None),
        }
    }

    async fn artifact(&self, environment: &str, key: &ObjectKey) -> Result<Option<Vec<u8>>, WorldError> {
        let framework = self.parts.onlooker(environment);
        match framework.artifacts.get(key, None).await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands a person's answer to a waiting step. `approval.user` empty is the user of this world.
    ///
    /// # Errors
    ///
    /// When the home fails.
    pub async fn answer(&self, mut approval: Approval) -> Result<Answer, WorldError> {
        self.recover().await?;
        if approval.user.is_empty() {
            approval.user.clone_from(&self.user);
        }
        let framework = self.parts.onlooker(&approval.environment);
        Ok(answer_approval(&framework, &approval).await?)
    }

    /// Loads what a real account would hold for an environment; replaces what was loaded before.
    ///
    /// # Errors
    ///
    /// [`WorldError::Values`] with everything that is wrong with the text.
    pub fn set_values(&self, environment: &Environment, file_name: &str, text: &str) -> Result<Values, WorldError> {
        let values = Values::parse(file_name, text).map_err(WorldError::Values)?;
        let json = serde_json::to_value(&values)
            .map_err(|error| Failure::new("InternalError", format!("the values cannot be stored: {error}")))?;
        EnvironmentValues::new(self.parts.home.clone()).set_values(environment.as_str(), &json)?;
        Ok(values)
    }

    /// Returns what was loaded for an environment, in the form that [`LocalWorld::set_values`] takes.
    ///
    /// # Errors
    ///
    /// When the home fails.
    pub fn values(&self, environment: &str) -> Result<Value, WorldError> {
        Ok(EnvironmentValues::new(self.parts.home.clone()).values(environment)?)
    }

    /// Returns the uploads whose deployments run, or are about to.
    ///
    /// # Errors
    ///
    /// When the home fails.
    pub async fn running(&self) -> Result<Vec<ObjectIdentifier>, WorldError> {
        self.open_deployments(false).await
    }

    /// Returns the uploads whose deployments were interrupted and can be resumed, oldest first.
    ///
    /// # Errors
    ///
    /// When the home fails.
    pub async fn interrupted(&self) -> Result<Vec<ObjectIdentifier>, WorldError> {
        self.open_deployments(true).await
    }

    async fn open_deployments(&self, interrupted: bool) -> Result<Vec<ObjectIdentifier>, WorldError> {
        self.recover().await?;
        let open = self.parts.home.read(deployments::list_open)?.into_iter();
        let wanted = open.filter(|open| (open.state == DeploymentState::Interrupted) == interrupted);
        Ok(wanted.map(|open| open.object).collect())
    }

    /// Takes an interrupted deployment up again: it goes on where it was when [`LocalWorld::work`] is called with its object.
    ///
    /// # Errors
    ///
    /// [`WorldError::NotInterrupted`] for a deployment that runs or has ended, or when a newer one runs.
    pub async fn resume(&self, object: &ObjectIdentifier) -> Result<Submission, WorldError> {
        let refused = |why: String| WorldError::NotInterrupted { object: object.clone(), why };
        let names = names_in(object);
        let newer = self.running().await?.into_iter().find(|other| other != object && names_in(other) == names);
        if let Some(newer) = newer {
            return Err(refused(format!("a newer one runs ({newer}), which takes its place")));
        }
        let _gate = HomeGate::to_add(&self.parts.home)?;
        let id = deployment_id(object);
        let Some(claim) = claim(&self.parts.home, &id)? else {
            return Err(refused("another process resumes it".to_owned()));
        };
        match self.parts.home.read(|tx| deployments::find(tx, &id))?.map(|found| found.state) {
            Some(DeploymentState::Interrupted) => {}
            Some(DeploymentState::Ended) => return Err(refused("it has ended".to_owned())),
            Some(_) => return Err(refused("it runs".to_owned())),
            None => return Err(refused("it is not known".to_owned())),
        }
        // Before anybody follows it: who does must not take the old end for the new one.
        self.parts.home.write(|tx| deployments::put_down(tx, &id, true))?;
        uninterrupt(&self.parts, object).await?;
        Ok(Submission::new(object.clone(), claim))
    }

    /// Returns who deploys.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

/// Returns the name in a zip's configuration.
fn distribution_name(zip: &Path) -> Result<DistributionName, WorldError> {
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| WorldError::Zip { path: zip.to_owned(), source };
    let file = File::open(zip).map_err(|error| unusable(error.into()))?;
    let mut archive = Archive::open(file, &Limits::default()).map_err(|error| unusable(error.into()))?;
    let config = archive.find_config().map_err(|error| unusable(error.into()))?;
    let bytes = archive.read(config, 10 << 20).map_err(|error| unusable(error.into()))?;
    let text = String::from_utf8_lossy(&bytes);
    let (config, _) =
        attini_core::config::Config::parse(config, &text).map_err(|problems| unusable(problems.into()))?;
    config.require_name().cloned().map_err(|problem| unusable(Problems::from(problem).into()))
}

/// The id of a deployment's row and lease: the digest that also begins the names of its executions.
pub(super) fn deployment_id(object: &ObjectIdentifier) -> String {
    hex::encode(Md5::digest(object.as_str().as_bytes()))
}
