//! The one place that joins the commands with the libraries behind them.

mod packager;
mod stacks;
mod world;

use std::path::Path;

use async_trait::async_trait;

use crate::error::CommandError;
use crate::world::{Backends, LocalOptions, LocalWorld, Packager};

/// The libraries of this build.
pub(crate) struct Libraries;

#[async_trait(?Send)]
impl Backends for Libraries {
    async fn supervise(&self, folder: &Path) -> Result<(), CommandError> {
        attini_local::world::supervise(folder)
            .await
            .map_err(|error| CommandError::execution(format!("cannot run the job of {}: {error}", folder.display())))
    }

    fn local_world(&self, options: &LocalOptions) -> Result<Box<dyn LocalWorld>, CommandError> {
        Ok(Box::new(world::Home::open(options)?))
    }

    fn packager(&self) -> Box<dyn Packager> {
        Box::new(packager::Folders)
    }
}
