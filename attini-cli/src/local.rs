//! The one place that joins the commands with the libraries behind them.

mod packager;
mod stacks;
mod world;

use crate::error::CommandError;
use crate::world::{Backends, LocalOptions, LocalWorld, Packager};

/// The libraries of this build.
pub(crate) struct Libraries;

impl Backends for Libraries {
    fn local_world(&self, options: &LocalOptions) -> Result<Box<dyn LocalWorld>, CommandError> {
        Ok(Box::new(world::Home::open(options)?))
    }

    fn packager(&self) -> Box<dyn Packager> {
        Box::new(packager::Folders)
    }
}
