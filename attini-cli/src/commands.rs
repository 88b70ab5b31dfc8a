//! The commands, one file each.

pub(crate) mod config;
pub(crate) mod configure;
pub(crate) mod deploy;
pub(crate) mod distribution;
pub(crate) mod environment;
pub(crate) mod init_project;
pub(crate) mod local;
pub(crate) mod plan;
