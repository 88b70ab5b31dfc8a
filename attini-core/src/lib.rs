//! The pure library of Attini: values, parsing, decisions, and the ports through which they meet the outside.
//!
//! Nothing in here reads a file, a clock, the environment or the network; nothing knows in which world it runs. Decisions
//! are functions from values to values. What runs once (an init deploy, a step) is one async function over the ports it
//! needs; what lives long and is driven by events returns the actions that a driver performs.

pub mod asl;
pub mod config;
#[cfg(feature = "contract")]
pub mod contract;
pub mod deploy;
pub mod distribution;
pub mod document;
pub mod follow;
pub mod framework;
pub mod guard;
pub mod inventory;
pub mod payload;
pub mod plan;
pub mod port;
pub mod problem;
pub mod runner;
pub mod stack;
pub mod step;
pub mod value;
