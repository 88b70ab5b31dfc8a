//! Project folders for the commands.

use crate::error::CommandError;
use crate::world::{Edit, Identity, PackageEvent, PackageRequest, Packaged, Packager};

/// The folders of this machine.
pub(super) struct Folders;

impl Packager for Folders {
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
