//! placeholder

#[cfg(feature = "engine")]
pub mod store;
pub mod engine;
pub mod simulator;
pub mod project;
