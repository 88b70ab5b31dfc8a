use std::fmt;

use super::name::text_value;
use super::{DistributionId, DistributionName, Environment};

/// Says whether a character is one that S3 advises against in keys, or that the framework refuses in file names.
///
/// ``# % \ { } ` ~ < > | ^ space & ; ? $ , + = @ [ ] * "`` and control characters (cli.md 8.3).
#[must_use]
pub fn is_key_hostile(c: char) -> bool {
    c.is_control() || "#%\\{}`~<>|^ &;?$,+=@[]*\"".contains(c)
}

text_value! {
    /// The full name of an object in a store. A key is not a path: `/` has no meaning but the one readers give it.
    ObjectKey
}

impl ObjectKey {
    /// Takes a key as it is.
    #[must_use]
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns the key of an uploaded distribution: `<environment>/<name>/<name>.zip`.
    #[must_use]
    pub fn of_upload(environment: &Environment, name: &DistributionName) -> Self {
        Self(format!("{environment}/{name}/{name}.zip"))
    }

    /// Returns the key of the output that a finished deployment publishes.
    #[must_use]
    pub fn of_output(environment: &str, name: &str, id: &str) -> Self {
        Self(format!("outputs/{environment}/{name}/{id}/output.json"))
    }

    /// Returns the key of the log of one step in one execution (runner.md 4.9).
    #[must_use]
    pub fn of_step_log(environment: &str, name: &str, id: &str, step: &str, execution_id: &str) -> Self {
        Self(format!("attini/deployment/logs/runner/{environment}/{name}/{id}/{step}/{execution_id}"))
    }
}

/// The common beginning of some keys.
///
/// Always ends in `/`: the prefix of id `1.0` must not also match the files of `1.0-rc`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// Returns the prefix of everything that belongs to one distribution id.
    #[must_use]
    pub fn of_id(environment: &Environment, name: &DistributionName, id: &DistributionId) -> Self {
        Self(format!("{environment}/{name}/{id}/"))
    }

    /// Returns the prefix of the files of one distribution id: `<environment>/<name>/<id>/distribution-origin/`.
    #[must_use]
    pub fn of_files(environment: &Environment, name: &DistributionName, id: &DistributionId) -> Self {
        Self(format!("{environment}/{name}/{id}/distribution-origin/"))
    }

    /// Takes a prefix and adds the closing `/` when it is missing.
    #[must_use]
    pub fn closed(prefix: &str) -> Self {
        if prefix.ends_with('/') || prefix.is_empty() { Self(prefix.to_owned()) } else { Self(format!("{prefix}/")) }
    }

    /// Returns the key of a file below the prefix.
    #[must_use]
    pub fn key(&self, relative: &str) -> ObjectKey {
        ObjectKey(format!("{}{relative}", self.0))
    }

    /// Returns the prefix without its closing `/`, as records and payloads spell it.
    #[must_use]
    pub fn without_slash(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or(&self.0)
    }

    /// Returns the text, closing `/` included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_value! {
    /// The version of an object in a versioned store, given by the store.
    VersionId
}

impl VersionId {
    /// Takes a version as the store gave it.
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self(version.into())
    }
}

text_value! {
    /// `<key>#<version id>` of an upload: what identifies one deployment everywhere (init-deploy.md 1).
    ObjectIdentifier
}

impl ObjectIdentifier {
    /// Joins key and version.
    #[must_use]
    pub fn new(key: &ObjectKey, version: &VersionId) -> Self {
        Self(format!("{key}#{version}"))
    }

    /// Takes an identifier as recorded.
    #[must_use]
    pub fn from_record(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Splits at the last `#`; `None` for a text without one.
    #[must_use]
    pub fn split(&self) -> Option<(ObjectKey, VersionId)> {
        let (key, version) = self.0.rsplit_once('#')?;
        Some((ObjectKey::new(key), VersionId::new(version)))
    }
}
