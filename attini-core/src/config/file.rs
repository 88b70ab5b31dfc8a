use thiserror::Error;

/// The names the file can have in the root of a distribution, in the order they are looked for.
pub const FILE_NAMES: [&str; 3] = ["attini-config.yaml", "attini-config.yml", "attini-config.json"];

/// A distribution has not exactly one configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigFileError {
    /// None of the names exists. The framework deploys such a distribution with defaults.
    #[error("No attini-config file in directory (expected one of {})", FILE_NAMES.join(", "))]
    Missing,
    /// Nobody knows which one the author means.
    #[error("More then one attini-config file in directory: {}", found.join(", "))]
    Several {
        /// The files that exist.
        found: Vec<&'static str>,
    },
}

/// Returns the name of the configuration file among the names in a distribution's root (cli.md 6.1).
///
/// # Errors
///
/// [`ConfigFileError`] unless there is exactly one.
pub fn choose_file<'a>(present: impl IntoIterator<Item = &'a str>) -> Result<&'static str, ConfigFileError> {
    let present: Vec<&str> = present.into_iter().collect();
    let found: Vec<_> = FILE_NAMES.into_iter().filter(|name| present.contains(name)).collect();
    match found.as_slice() {
        [] => Err(ConfigFileError::Missing),
        [name] => Ok(name),
        _ => Err(ConfigFileError::Several { found }),
    }
}
