//! placeholder

#[cfg(feature = "engine")]
pub mod store;
