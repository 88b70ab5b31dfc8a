use std::fmt;

use nodejs_semver::{Range, Version as SemVer};
use thiserror::Error;

use crate::value::Version;

/// The versions of another distribution that a distribution accepts, with npm's meaning (init-deploy.md 9).
#[derive(Debug, Clone)]
pub struct VersionRange {
    text: String,
    range: Range,
}

/// A text that is no version range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no version range")]
pub struct InvalidRange {
    /// The text as given.
    pub text: String,
}

impl VersionRange {
    /// Reads a range such as `^1.2.0`, `>=1 <3`, `1.x || 2.x`; blank and `latest` mean any version.
    ///
    /// # Errors
    ///
    /// [`InvalidRange`] when npm would not understand it.
    pub fn parse(text: &str) -> Result<Self, InvalidRange> {
        let range = match text.trim() {
            "" | "latest" | "*" | "x" | "X" => Range::any(),
            other => Range::parse(other).map_err(|_| InvalidRange { text: text.to_owned() })?,
        };
        Ok(Self { text: text.to_owned(), range })
    }

    /// Says whether a deployed version lies in the range; `None` when the version is not semantic.
    ///
    /// A leading `v` and missing minor and patch numbers are fine in deployed versions.
    #[must_use]
    pub fn accepts(&self, deployed: &Version) -> Option<bool> {
        Some(self.range.satisfies(&lenient(deployed.as_str())?))
    }
}

/// The text as its author wrote it.
impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for VersionRange {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for VersionRange {}

fn lenient(text: &str) -> Option<SemVer> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let core = text.find(['-', '+']).unwrap_or(text.len());
    let (core, suffix) = text.split_at(core);
    let padding = match core.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => "",
    };
    SemVer::parse(format!("{core}{padding}{suffix}")).ok()
}
