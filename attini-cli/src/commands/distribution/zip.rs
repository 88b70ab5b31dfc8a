//! What the commands on finished zips share.

use std::path::Path;

use attini_core::distribution::{ArchiveError, InspectError};
use attini_local::project::ZipError;

use crate::error::{CommandError, ErrorKind};

/// Refuses what is not the name of a zip that is there.
pub(crate) fn check_path(path: &Path) -> Result<(), CommandError> {
    if path.extension().is_none_or(|extension| extension != "zip") {
        return Err(CommandError::illegal(format!("Illegal path: {} is not the name of a zip", path.display())));
    }
    match path.is_file() {
        true => Ok(()),
        false => Err(CommandError::illegal(format!("Target does not exist: {}", path.display()))),
    }
}

impl From<ZipError> for CommandError {
    fn from(error: ZipError) -> Self {
        let text = error.to_string();
        match error {
            ZipError::Inspect { source: InspectError::Config(problems), .. } => Self::config(problems).context(text),
            ZipError::Inspect { source: InspectError::Archive(error), .. } => {
                let kind = match error {
                    ArchiveError::NoConfig | ArchiveError::SeveralConfigs { .. } | ArchiveError::Empty => {
                        ErrorKind::Config
                    }
                    _ => ErrorKind::IllegalArgument,
                };
                Self::new(kind, error).context(text)
            }
            error @ (ZipError::Read { .. } | ZipError::Key { .. }) => Self::illegal(error),
            error => Self::execution(error),
        }
    }
}
