//! This machine as a place to deploy to: project folders and package commands, and, with the feature `engine`, a whole
//! environment in one directory: objects, records, the workflow engine and the stack simulator.

#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "engine")]
pub mod plan_test;
pub mod project;
#[cfg(feature = "engine")]
pub mod simulate;
#[cfg(feature = "engine")]
pub mod simulator;
#[cfg(feature = "engine")]
pub mod store;
#[cfg(feature = "engine")]
pub mod world;
