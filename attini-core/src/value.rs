//! Names, ids and other small values, checked once where they enter.

pub mod coerce;
mod name;
mod object;
mod place;
mod secret;
mod time;

pub use name::{
    DeploymentName, DistributionId, DistributionName, Environment, EnvironmentType, InvalidValue, StackName, StepName,
    Version,
};
pub use object::{KeyPrefix, ObjectIdentifier, ObjectKey, VersionId, is_key_hostile};
pub use place::{AccountId, ExecutionArn, MachineArn, Partition, Place, Region};
pub use secret::TaskToken;
pub use time::Timestamp;
