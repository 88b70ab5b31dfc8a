//! What the commands need from the libraries behind them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use attini_core::config::Explained;
use attini_core::follow::FollowPorts;
use attini_core::problem::Problem;
use attini_core::value::{DistributionId, DistributionName, Environment, ObjectIdentifier, Region};
use attini_local::project::Validation;
use attini_local::world::Redriving;
use serde_json::{Map, Value};

use crate::error::CommandError;

/// A place where distributions can be deployed.
///
/// Environments, deployments, distributions and waiting approvals are read and written through the records of
/// [`World::ports`]; what stands here cannot be done that way.
#[async_trait]
pub(crate) trait World: Send + Sync {
    /// Returns what following and the listings read from.
    fn ports(&self) -> FollowPorts;

    /// Returns what to show about the place: key and value, in order (`account`, `user`, `region`, `home`).
    fn about(&self) -> Vec<(&'static str, String)>;

    /// Stores the zip as an upload, starts its deployment and returns without waiting for it.
    async fn upload(
        &self,
        environment: &Environment,
        distribution: &DistributionName,
        zip: &Path,
    ) -> Result<ObjectIdentifier, CommandError>;

    /// Uploads the bytes of an earlier upload again, as a new deployment of the same environment and distribution.
    async fn upload_again(&self, earlier: &ObjectIdentifier) -> Result<ObjectIdentifier, CommandError>;

    /// Says whether an upload of the distribution has no deployment record yet: there will be one in a moment.
    async fn has_unrecorded_upload(&self, _environment: &str, _distribution: &str) -> Result<bool, CommandError> {
        Ok(false)
    }

    /// Returns the uploads to an environment whose deployments were interrupted and can go on, oldest first.
    async fn interrupted(&self, _environment: &str) -> Result<Vec<ObjectIdentifier>, CommandError> {
        Ok(Vec::new())
    }

    /// Lets an interrupted deployment go on, and returns without waiting for it.
    async fn resume(&self, deployment: &ObjectIdentifier) -> Result<ObjectIdentifier, CommandError> {
        Err(CommandError::illegal(format!("the deployment of {deployment} was not interrupted")))
    }

    /// Lets a deployment go on that ended without success, and returns without waiting for it.
    async fn redrive(&self, deployment: &ObjectIdentifier, _how: &Redriving) -> Result<ObjectIdentifier, CommandError> {
        Err(CommandError::illegal(format!("the deployment of {deployment} cannot go on")))
    }

    /// Returns the zip of a published distribution, if it is still kept.
    async fn download(&self, environment: &str, distribution: &str, id: &str) -> Result<Option<Vec<u8>>, CommandError>;

    /// Returns the payload that the last successful plan of that id left, if there is one.
    async fn output(&self, environment: &str, distribution: &str, id: &str) -> Result<Option<Value>, CommandError>;

    /// Approves or rejects a waiting step. An answer that nobody waits for any more is an error.
    async fn answer(&self, answer: &ApprovalAnswer) -> Result<(), CommandError>;
}

/// What only the local world can do.
#[async_trait]
pub(crate) trait LocalWorld: World {
    /// Loads values that a real account would hold; returns what was set, one text each.
    async fn set_values(&self, environment: &Environment, file: &Path) -> Result<Vec<String>, CommandError>;

    /// Returns the values that were loaded for an environment.
    async fn values(&self, environment: &str) -> Result<Value, CommandError>;

    /// Returns the stacks of one environment, or all, nested ones after the one they are in.
    async fn stacks(&self, environment: Option<&str>) -> Result<Vec<Value>, CommandError>;

    /// Returns the stacks of that name, one for each region that has it.
    async fn stack(&self, name: &str, region: Option<&Region>) -> Result<Vec<Value>, CommandError>;

    /// Removes the state of one environment or of all, and returns their names. Refuses while deployments run.
    async fn reset(&self, environment: Option<&str>) -> Result<Vec<String>, CommandError>;

    /// Runs one deployment to its end: the body of the worker process.
    async fn work(&self, deployment: &ObjectIdentifier) -> Result<(), CommandError>;
}

/// Where the local world lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalOptions {
    /// `ATTINI_HOME`; `None` is the platform's data directory.
    pub home: Option<PathBuf>,
    /// Region that templates and steps see; `None` leaves the choice to the world.
    pub region: Option<Region>,
}

/// The answer of a person to a step that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApprovalAnswer {
    /// Environment.
    pub environment: String,
    /// Distribution.
    pub distribution: String,
    /// Step.
    pub step: String,
    /// Whether the step is rejected.
    pub abort: bool,
    /// What the person has to say.
    pub message: Option<String>,
}

/// Name, id, version and tags of a distribution.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Identity {
    /// Name.
    pub name: DistributionName,
    /// Id, if one is set.
    pub id: Option<String>,
    /// Version, if one is set.
    pub version: Option<String>,
    /// Tags.
    pub tags: Map<String, Value>,
}

/// How to package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PackageRequest {
    /// Root of the distribution.
    pub directory: PathBuf,
    /// File name of the zip instead of the distribution's name.
    pub name: Option<String>,
    /// Shell file to source before the package commands, relative to the root.
    pub environment_config_script: Option<PathBuf>,
    /// Id to set.
    pub distribution_id: Option<String>,
    /// Version to set.
    pub distribution_version: Option<String>,
    /// Whether to leave out the package commands.
    pub skip_commands: bool,
    /// Whether this version has to run every step; what it cannot run is only warned of otherwise.
    pub must_run: bool,
    /// Whether the output of package commands must come as events instead of going to the terminal.
    pub capture_output: bool,
    /// Whether to tell how far the zip is.
    pub progress: bool,
    /// The container to do all of it in.
    pub container: Option<ContainerRequest>,
}

/// How to package in a container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ContainerRequest {
    /// Whether to log in to the repository of the image first.
    pub log_in: bool,
    /// Whether errors in it come with details.
    pub debug: bool,
}

/// What packaging tells while it works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PackageEvent {
    /// A step of packaging in words: `Packaging distribution: shop`.
    Message(String),
    /// A line that a package command wrote.
    Output(String),
    /// Something that does not stop packaging.
    Warning(Problem),
    /// How far the zip is; only when asked for.
    Progress {
        /// Bytes of files that are in it.
        done: u64,
        /// Bytes of all files.
        total: u64,
        /// Time since the first of them.
        elapsed: Duration,
    },
}

/// A finished zip.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Packaged {
    /// Where it is.
    pub zip: PathBuf,
    /// What is in it.
    pub identity: Identity,
}

/// A value to set in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// The file, or the directory that holds the `attini-config` file.
    pub target: EditTarget,
    /// Keys from the root of the file to the value.
    pub path: Vec<String>,
    /// The value.
    pub value: String,
    /// Whether an existing value may be replaced by another one.
    pub replace: bool,
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edited {
    /// The file.
    pub file: PathBuf,
    /// Whether it had another value before.
    pub changed: bool,
}

/// The file to edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EditTarget {
    /// The `attini-config` file of a directory.
    ConfigIn(PathBuf),
    /// Any configuration file.
    File(PathBuf),
}

/// What works on project folders, without a world.
pub(crate) trait Packager {
    /// Builds the zip of a directory.
    fn package(&self, request: &PackageRequest, tell: &mut dyn FnMut(PackageEvent)) -> Result<Packaged, CommandError>;

    /// Reads the identity in a zip.
    fn inspect(&self, zip: &Path) -> Result<Identity, CommandError>;

    /// Returns the digest of the content of a zip.
    fn content_digest(&self, zip: &Path) -> Result<String, CommandError>;

    /// Sets a value in a file and keeps comments and layout. Equal values need no `replace`.
    fn edit(&self, edit: &Edit) -> Result<Edited, CommandError>;

    /// Finds all that is wrong with a project.
    fn validate(&self, directory: &Path) -> Result<Validation, CommandError>;

    /// Returns the values of a project in an environment and where they came from; `id` is taken when it has none.
    fn explain(
        &self,
        directory: &Path,
        environment: &Environment,
        id: &DistributionId,
    ) -> Result<Vec<Explained>, CommandError>;
}

/// Where the commands get their libraries from.
#[async_trait(?Send)]
pub(crate) trait Backends {
    /// Runs the job of a folder to its end: the body of a supervisor process.
    async fn supervise(&self, folder: &Path) -> Result<(), CommandError> {
        Err(CommandError::execution(format!(
            "this program runs no jobs, so that of {} is left alone",
            folder.display()
        )))
    }

    /// Opens the local world.
    fn local_world(&self, options: &LocalOptions) -> Result<Box<dyn LocalWorld>, CommandError>;

    /// Returns what works on project folders.
    fn packager(&self) -> Box<dyn Packager>;
}
