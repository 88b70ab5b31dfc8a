//! Adapters from the ports of `attini-core` to AWS services.
//!
//! No port has an adapter here yet: this version deploys in the local world only. What the crate offers is the answer that
//! every frontend gives until then.

use std::fmt;

/// The AWS world was asked for, and this version does not have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotInThisVersion;

impl fmt::Display for NotInThisVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the AWS world is not in this version")
    }
}

impl std::error::Error for NotInThisVersion {}
