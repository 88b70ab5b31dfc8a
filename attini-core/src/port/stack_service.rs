use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use thiserror::Error;

use super::{BoxError, Page};
use crate::value::{ObjectKey, Region, StackName, Timestamp};

/// A stack, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackTarget {
    /// Its name.
    pub name: StackName,
    /// Its region; `None` is the environment's own.
    pub region: Option<Region>,
    /// ARN of the role to take for every call; `None` is the caller's own.
    pub role: Option<String>,
}

impl StackTarget {
    /// Returns a stack of the environment's own account and region.
    #[must_use]
    pub fn own(name: StackName) -> Self {
        Self { name, region: None, role: None }
    }
}

/// Where a template is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplateLocation {
    /// In the artifact store of the environment.
    Artifact(ObjectKey),
    /// In any other bucket.
    S3 {
        /// Name of the bucket.
        bucket: String,
        /// Key in it.
        key: ObjectKey,
    },
    /// At an `https://` address.
    Url(String),
}

impl fmt::Display for TemplateLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Artifact(key) => write!(f, "{key}"),
            Self::S3 { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Url(url) => f.write_str(url),
        }
    }
}

/// What a parameter is set to.
#[derive(Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// A new value.
    Text(String),
    /// The value the stack has now.
    Previous,
}

/// Values can be secrets, so only their presence is shown.
impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text(…)",
            Self::Previous => "Previous",
        })
    }
}

/// What becomes of a stack whose creation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFailure {
    /// It is deleted.
    Delete,
    /// It stays as it is.
    DoNothing,
    /// Its resources are deleted, its record stays.
    Rollback,
}

/// A wanted state of a stack.
#[derive(Debug, Clone)]
pub struct StackRequest {
    /// Which stack.
    pub target: StackTarget,
    /// Its template.
    pub template: TemplateLocation,
    /// Parameters by name; only names that the template declares.
    pub parameters: BTreeMap<String, ParameterValue>,
    /// Tags of the stack.
    pub tags: BTreeMap<String, String>,
    /// Service role that CloudFormation takes.
    pub service_role: Option<String>,
    /// Only for creation.
    pub on_failure: Option<OnFailure>,
    /// Wanted protection; `None` leaves it as it is.
    pub termination_protection: Option<bool>,
    /// Marks the events of this operation. The same token twice is one operation.
    pub token: String,
}

/// Status of a stack or of one of its resources, in CloudFormation's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StackStatus(pub String);

impl StackStatus {
    /// Says whether an operation is under way.
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        self.0.ends_with("_IN_PROGRESS")
    }

    /// Says whether the wanted state was reached and the operation has ended: `CREATE_COMPLETE`, `UPDATE_COMPLETE`.
    ///
    /// `UPDATE_COMPLETE_CLEANUP_IN_PROGRESS` is still in progress: the stack takes no other operation until old resources are
    /// gone.
    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self.0.as_str(), "CREATE_COMPLETE" | "UPDATE_COMPLETE")
    }

    /// Says whether the stack can only be deleted, because its creation never succeeded.
    #[must_use]
    pub fn needs_recreation(&self) -> bool {
        matches!(self.0.as_str(), "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "CREATE_FAILED" | "REVIEW_IN_PROGRESS")
    }
}

impl fmt::Display for StackStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A stack as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackDescription {
    /// Its name.
    pub name: StackName,
    /// Its unique id (ARN).
    pub id: String,
    /// Its status.
    pub status: StackStatus,
    /// Reason of the status, when the service gives one.
    pub status_reason: Option<String>,
    /// Outputs in template order.
    pub outputs: Vec<(String, String)>,
    /// Parameters; those with `NoEcho` as `****`.
    pub parameters: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is protected against deletion.
    pub termination_protection: bool,
}

/// One line of a stack's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackEvent {
    /// Unique id, in the order of events of the stack.
    pub id: String,
    /// When.
    pub time: Timestamp,
    /// Name of the stack.
    pub stack: StackName,
    /// Unique id of the stack.
    pub stack_id: String,
    /// Logical id of the resource; the stack's name for the stack itself.
    pub logical_id: String,
    /// Physical id, when known.
    pub physical_id: Option<String>,
    /// Type of the resource.
    pub resource_type: String,
    /// New status.
    pub status: StackStatus,
    /// Why, when the service says so.
    pub reason: Option<String>,
    /// Token of the operation that led to it.
    pub token: Option<String>,
}

impl StackEvent {
    /// Type of the stack's own events.
    pub const STACK_TYPE: &'static str = "AWS::CloudFormation::Stack";

    /// Says whether the event is about the stack itself, not one of its resources or nested stacks.
    ///
    /// A nested stack may have the name of its parent as its logical id, but not its unique id (framework-stack.md C4).
    #[must_use]
    pub fn is_about_the_stack(&self) -> bool {
        self.resource_type == Self::STACK_TYPE
            && self.logical_id == self.stack.as_str()
            && self.physical_id.as_ref().is_none_or(|id| *id == self.stack_id)
    }
}

/// A parameter that a template declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredParameter {
    /// Its name.
    pub name: String,
    /// Its type: `String`, `List<Number>`, …
    pub kind: String,
    /// Whether it has a default.
    pub has_default: bool,
    /// Whether its value is a secret.
    pub no_echo: bool,
}

/// Stacks.
///
/// Operations return when they are accepted; how they end is seen in [`StackService::find`] and
/// [`StackService::events`]. Not promised: that a call which failed had no effect.
#[async_trait]
pub trait StackService: fmt::Debug + Send + Sync {
    /// Starts the creation of a stack and returns its unique id.
    ///
    /// # Errors
    ///
    /// [`StackError::AlreadyExists`], or [`StackError::Refused`] with the service's code and message.
    async fn create(&self, request: &StackRequest) -> Result<String, StackError>;

    /// Starts the update of a stack and returns its unique id.
    ///
    /// # Errors
    ///
    /// [`StackError::NothingToUpdate`], [`StackError::NotFound`], or [`StackError::Refused`].
    async fn update(&self, request: &StackRequest) -> Result<String, StackError>;

    /// Starts the deletion of a stack; absent is fine, and so is one that is being deleted.
    ///
    /// # Errors
    ///
    /// [`StackError::Refused`], for a protected stack say.
    async fn delete(&self, target: &StackTarget, service_role: Option<&str>, token: &str) -> Result<(), StackError>;

    /// Returns the stack, if it exists. A deleted stack does not exist.
    async fn find(&self, target: &StackTarget) -> Result<Option<StackDescription>, StackError>;

    /// Returns a page of the stack's events, oldest first, those after the event with id `after`.
    ///
    /// Events of a deleted stack can still be read by its unique id in `target.name`'s place: pass `stack_id`.
    ///
    /// # Errors
    ///
    /// [`StackError::NotFound`] for a stack that never was, and, by services that find no deleted stack by its name, for a
    /// deleted one without its `stack_id`.
    async fn events(
        &self,
        target: &StackTarget,
        stack_id: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page<StackEvent>, StackError>;

    /// Returns the parameters that a template declares.
    ///
    /// # Errors
    ///
    /// [`StackError::Refused`] for a template that is not there or no template.
    async fn declared_parameters(
        &self,
        target: &StackTarget,
        template: &TemplateLocation,
    ) -> Result<Vec<DeclaredParameter>, StackError>;
}

/// A call to the stack service failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StackError {
    /// A stack of that name exists.
    #[error("stack {name} already exists")]
    AlreadyExists {
        /// The stack.
        name: StackName,
    },
    /// There is no such stack.
    #[error("stack {name} does not exist")]
    NotFound {
        /// The stack.
        name: StackName,
    },
    /// The stack is already as wanted.
    #[error("stack {name} needs no update")]
    NothingToUpdate {
        /// The stack.
        name: StackName,
    },
    /// The service refused the request; the same request will be refused again.
    #[error("{code}: {message}")]
    Refused {
        /// The service's error code: `ValidationError`, `AccessDenied`, …
        code: String,
        /// The service's message.
        message: String,
    },
    /// The service could not be reached; trying again may help.
    #[error("cannot {operation} stack {name}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The stack.
        name: StackName,
        /// Why.
        source: BoxError,
    },
}
