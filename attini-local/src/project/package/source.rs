//! The `attini-config` file of a project, and the values that packaging sets in it.

use std::fs;
use std::path::{Path, PathBuf};

use attini_core::config::{Config, FILE_NAMES, choose_file};
use attini_core::distribution::{Skipped, WriteReport};
use attini_core::document::DocPath;
use attini_core::problem::{Problem, Problems};
use attini_core::value::{DistributionId, DistributionName};
use uuid::Uuid;

use super::{PackageError, PackageOptions, Packaged};

/// A configuration file without mistakes.
pub(in crate::project) struct Source {
    /// Its name in the root of the project.
    pub(in crate::project) file: &'static str,
    pub(in crate::project) config: Config,
}

impl Source {
    /// Reads the file in a folder and returns it with its warnings.
    pub(in crate::project) fn read(root: &Path) -> Result<(Self, Vec<Problem>), PackageError> {
        let present = FILE_NAMES.into_iter().filter(|name| root.join(name).is_file());
        let file = choose_file(present).map_err(PackageError::ConfigFile)?;
        let path = root.join(file);
        let text = fs::read_to_string(&path).map_err(|source| PackageError::Read { path, source })?;
        Self::parse(file, &text)
    }

    fn parse(file: &'static str, text: &str) -> Result<(Self, Vec<Problem>), PackageError> {
        let (config, warnings) = Config::parse(file, text).map_err(PackageError::Config)?;
        Ok((Self { file, config }, warnings))
    }

    pub(in crate::project) fn name(&self) -> Result<&DistributionName, PackageError> {
        self.config.require_name().map_err(|problem| PackageError::Config(problem.into()))
    }

    pub(in crate::project) fn has_commands(&self) -> bool {
        let package = &self.config.package;
        !package.pre_commands.is_empty() || !package.post_commands.is_empty()
    }

    /// Sets id and version that were asked for.
    pub(in crate::project) fn with_values_of(self, options: &PackageOptions<'_>) -> Result<Self, PackageError> {
        let id = options.distribution_id.map(|id| ("distributionId", id.as_str()));
        let version = options.distribution_version.map(|version| ("version", version.as_str()));
        [id, version].into_iter().flatten().try_fold(self, |source, (key, value)| source.with(key, value))
    }

    /// Sets a random id when there is none.
    pub(in crate::project) fn with_some_id(self, tell: &mut dyn FnMut(String)) -> Result<Self, PackageError> {
        if self.config.distribution_id.is_some() {
            return Ok(self);
        }
        let id = Uuid::new_v4().to_string();
        tell(format!("No distributionId is set, a random one is used: {id}"));
        self.with("distributionId", &id)
    }

    fn with(self, key: &str, value: &str) -> Result<Self, PackageError> {
        let text = self.config.document().set(&DocPath::root().key(key), value).map_err(PackageError::Config)?;
        // The warnings are those of the file as its author wrote it.
        Self::parse(self.file, &text).map(|(source, _)| source)
    }

    /// Returns the bytes in front of a path in the shortest key that its object can have (init-deploy.md 3).
    pub(in crate::project) fn key_prefix_bytes(&self) -> usize {
        let name = self.config.distribution_name.as_ref().map_or(0, |name| name.as_str().len());
        let id = self.config.distribution_id.as_ref().map_or(0, |id| id.as_str().len());
        "e/".len() + name + "/".len() + id + "/distribution-origin/".len()
    }

    pub(in crate::project) fn packaged(
        self,
        zip: PathBuf,
        report: WriteReport,
        skipped: Vec<Skipped>,
    ) -> Result<Packaged, PackageError> {
        let name = self.name()?.clone();
        let missing = || PackageError::Config(Problems::one("`distributionId` is missing"));
        let id: DistributionId = self.config.distribution_id.ok_or_else(missing)?;
        let (version, tags) = (self.config.version, self.config.distribution_tags);
        Ok(Packaged { zip, name, id, version, tags, report, skipped })
    }
}
