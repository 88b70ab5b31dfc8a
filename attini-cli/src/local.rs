//! The one place that joins the commands with the libraries behind them.

use crate::error::CommandError;
use crate::world::{
    Backends, Edit, Identity, LocalOptions, LocalWorld, PackageEvent, PackageRequest, Packaged, Packager,
};

/// The libraries of this build.
pub(crate) struct Libraries;

impl Backends for Libraries {
    fn local_world(&self, _: &LocalOptions) -> Result<Box<dyn LocalWorld>, CommandError> {
        Err(missing("the local world"))
    }

    fn packager(&self) -> Box<dyn Packager> {
        Box::new(NoPackager)
    }
}

/// A build without packaging.
struct NoPackager;

impl Packager for NoPackager {
    fn package(&self, _: &PackageRequest, _: &mut dyn FnMut(PackageEvent)) -> Result<Packaged, CommandError> {
        Err(missing("packaging"))
    }

    fn inspect(&self, _: &std::path::Path) -> Result<Identity, CommandError> {
        Err(missing("reading distributions"))
    }

    fn edit(&self, _: &Edit) -> Result<(), CommandError> {
        Err(missing("editing files"))
    }
}

fn missing(what: &str) -> CommandError {
    CommandError::execution(format!("{what} is not in this build"))
}
