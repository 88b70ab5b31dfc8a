//! `attini-config`: what a distribution is called, what it depends on, and how it is deployed.
//!
//! One model for the command line and the framework. [`Config::parse`] reads the file and names all of its problems at
//! once; [`Config::resolve`] answers what it means in one environment, with all variables replaced, and [`Config::explain`]
//! where each of these values came from. [`schema()`] describes the file to editors.

mod dependency;
mod explain;
mod file;
mod model;
mod read;
mod resolve;
mod schema;
mod substitute;

#[cfg(test)]
mod tests;

pub use dependency::{InvalidRange, VersionRange};
pub use explain::{Explained, Origin, Written};
pub use file::{ConfigFileError, FILE_NAMES, choose_file};
pub use model::{
    AppConfig, Config, Container, DEFAULT_TEMPLATE, Dependency, DistributionType, Identity, Import, InitDeployConfig,
    InitStackConfig, Package, ParameterValue, PerEnvironment, Pipeline, ResolvedConfig, ResolvedDependency,
};
pub use read::literal_template;
pub use schema::schema;
pub use substitute::{SubstitutionError, substitute};
