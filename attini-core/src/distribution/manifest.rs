//! The list of files that packaging puts into every distribution.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::digest::{FileRecord, content_digest};

/// Name of the manifest in the root of a distribution.
pub const MANIFEST_FILE: &str = "attini-manifest.json";

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Bytes of a manifest that are read, at most: 100,000 files with long names.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// What a distribution held when it was packaged.
///
/// The manifest does not list itself, nor directories, which cannot be lost: they hold files or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    files: Vec<FileRecord>,
}

/// A manifest cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It has more than 64 MiB.
    #[error("{MANIFEST_FILE} has more than {MAX_BYTES} bytes")]
    TooLarge,
    /// It is no JSON of the known form.
    #[error("{MANIFEST_FILE} cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// A newer version of the program wrote it.
    #[error("{MANIFEST_FILE} has the format {format}, this version reads {FORMAT}; use a newer version of attini")]
    Format {
        /// The format it names.
        format: u64,
    },
    /// A file stands in it that cannot, or with values that cannot be.
    #[error("{MANIFEST_FILE}: entry `{}` {reason}", .path.escape_debug())]
    Entry {
        /// The path it names.
        path: String,
        /// What is wrong, as the end of a sentence.
        reason: &'static str,
    },
}

/// One way in which a distribution is not what its manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestDifference {
    /// A listed file is not there.
    Missing {
        /// Its path.
        path: String,
    },
    /// A file is there that is not listed.
    Unlisted {
        /// Its path.
        path: String,
    },
    /// A file has another size, mode or content.
    Changed {
        /// Its path.
        path: String,
        /// What the manifest says, and what is there.
        difference: String,
    },
    /// The digest in the manifest is not that of its own list.
    Digest {
        /// The digest it names.
        listed: String,
    },
}

impl fmt::Display for ManifestDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "{path} is listed and missing"),
            Self::Unlisted { path } => write!(f, "{path} is there and not listed"),
            Self::Changed { path, difference } => write!(f, "{path} was changed: {difference}"),
            Self::Digest { listed } => write!(f, "the digest {listed} is not that of the listed files"),
        }
    }
}

#[derive(Deserialize)]
struct FormatWire {
    format: u64,
}

/// The file; its field names do not change within a format.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ManifestWire {
    #[serde(rename = "format")]
    _format: u64,
    digest: String,
    files: Vec<FileWire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileWire {
    path: String,
    mode: String,
    size: u64,
    sha256: String,
}

impl Manifest {
    /// Returns the manifest of some files, in byte order of their paths.
    #[must_use]
    pub fn of(files: &[FileRecord]) -> Self {
        let mut files: Vec<_> = files.iter().filter(|file| file.path != MANIFEST_FILE).cloned().collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Self { files }
    }

    /// Returns the listed files, in byte order of their paths.
    #[must_use]
    pub fn files(&self) -> &[FileRecord] {
        &self.files
    }

    /// Returns the file's text: JSON with one line per file, so that a plain comparison of two manifests is readable.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("{{\"format\":{FORMAT},\"digest\":\"{}\",\"files\":[", content_digest(&self.files));
        for (index, file) in self.files.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let path = Value::from(file.path.as_str());
            let (mode, sha256) = (file.mode(), hex::encode(file.sha256));
            let line = format!(
                "{comma}\n{{\"path\":{path},\"mode\":\"{mode}\",\"size\":{},\"sha256\":\"{sha256}\"}}",
                file.size
            );
            text.push_str(&line);
        }
        text.push_str("\n]}\n");
        text
    }

    /// Reads a manifest, together with what is wrong with its own digest.
    ///
    /// # Errors
    ///
    /// [`ManifestError`] for the first thing that is wrong.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Option<ManifestDifference>), ManifestError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(ManifestError::TooLarge);
        }
        // The number alone decides what else there may be.
        let FormatWire { format } = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        if format != u64::from(FORMAT) {
            return Err(ManifestError::Format { format });
        }
        let wire: ManifestWire = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        let mut files = BTreeMap::new();
        for file in wire.files {
            let path = file.path.clone();
            let failed = |reason| ManifestError::Entry { path: path.clone(), reason };
            let record = file.into_record().map_err(failed)?;
            if files.insert(record.path.clone(), record).is_some() {
                return Err(failed("is listed twice"));
            }
        }
        let manifest = Self { files: files.into_values().collect() };
        let wrong = content_digest(&manifest.files) != wire.digest;
        Ok((manifest, wrong.then_some(ManifestDifference::Digest { listed: wire.digest })))
    }

    /// Compares the list with the files that are there: every file listed, nothing else, all of them the same.
    #[must_use]
    pub fn compare(&self, found: &[FileRecord]) -> Vec<ManifestDifference> {
        let found: BTreeMap<&str, &FileRecord> =
            found.iter().filter(|file| file.path != MANIFEST_FILE).map(|file| (file.path.as_str(), file)).collect();
        let listed: BTreeMap<&str, &FileRecord> = self.files.iter().map(|file| (file.path.as_str(), file)).collect();
        let mut differences = Vec::new();
        for (path, listed) in &listed {
            match found.get(path) {
                None => differences.push(ManifestDifference::Missing { path: (*path).to_owned() }),
                Some(found) => {
                    if let Some(difference) = difference(listed, found) {
                        differences.push(ManifestDifference::Changed { path: (*path).to_owned(), difference });
                    }
                }
            }
        }
        let unlisted = found.keys().filter(|path| !listed.contains_key(*path));
        differences.extend(unlisted.map(|path| ManifestDifference::Unlisted { path: (*path).to_owned() }));
        differences
    }
}

impl FileWire {
    fn into_record(self) -> Result<FileRecord, &'static str> {
        let executable = match self.mode.as_str() {
            "0755" => true,
            "0644" => false,
            _ => return Err("has a mode that is neither 0644 nor 0755"),
        };
        let mut sha256 = [0; 32];
        let is_lower = !self.sha256.contains(|c: char| c.is_ascii_uppercase());
        if !is_lower || hex::decode_to_slice(&self.sha256, &mut sha256).is_err() {
            return Err("has a digest that is not 64 lower-case hexadecimal digits");
        }
        if let Some(reason) = super::read::why_unsafe(&self.path) {
            return Err(reason);
        }
        if self.path == MANIFEST_FILE {
            return Err("is the manifest itself");
        }
        Ok(FileRecord { path: self.path, sha256, executable, size: self.size })
    }
}

fn difference(listed: &FileRecord, found: &FileRecord) -> Option<String> {
    let mut text = String::new();
    if listed.size != found.size {
        write!(text, "{} instead of {} bytes", found.size, listed.size).ok()?;
    } else if listed.sha256 != found.sha256 {
        text.push_str("other content of the same size");
    }
    if listed.executable != found.executable {
        let comma = if text.is_empty() { "" } else { ", " };
        write!(text, "{comma}mode {} instead of {}", found.mode(), listed.mode()).ok()?;
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    fn record(path: &str, content: &str, executable: bool) -> FileRecord {
        let sha256 = Sha256::digest(content).into();
        FileRecord { path: path.to_owned(), sha256, executable, size: content.len() as u64 }
    }

    fn sample() -> Vec<FileRecord> {
        vec![record("b/run.sh", "hi", true), record("a \"x\"", "", false)]
    }

    #[test]
    fn one_line_per_file() {
        insta::assert_snapshot!(Manifest::of(&sample()).render(), @r#"
        {"format":1,"digest":"3ad1e5bca2400183c214ac0d5d5cd77adb3639d9d833383626fca8afebd37e13","files":[
        {"path":"a \"x\"","mode":"0644","size":0,"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"path":"b/run.sh","mode":"0755","size":2,"sha256":"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"}
        ]}
        "#);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let manifest = Manifest::of(&sample());
        let (read, wrong) = Manifest::parse(manifest.render().as_bytes()).unwrap();
        assert_eq!((read, wrong), (manifest.clone(), None));
        assert_eq!(manifest.compare(&sample()), []);
    }

    #[test]
    fn every_difference_is_told() {
        let manifest = Manifest::of(&[sample(), vec![record("c", "old", false), record("d", "same", false)]].concat());
        let found = [
            record("b/run.sh", "ho", false),
            record("c", "newer", false),
            record("d", "same", false),
            record("e", "", false),
        ];
        let lines: Vec<_> = manifest.compare(&found).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        a "x" is listed and missing
        b/run.sh was changed: other content of the same size, mode 0644 instead of 0755
        c was changed: 5 instead of 3 bytes
        e is there and not listed
        "#);
    }

    #[test]
    fn a_list_that_was_edited_does_not_fit_its_digest() {
        let text = Manifest::of(&sample()).render().replace("\"size\":2", "\"size\":3");
        let (_, wrong) = Manifest::parse(text.as_bytes()).unwrap();
        assert!(matches!(wrong, Some(ManifestDifference::Digest { .. })));
    }

    #[test]
    fn manifests_that_cannot_be_used() {
        let good = Manifest::of(&[record("a", "x", false)]).render();
        let line = good.lines().nth(1).unwrap().to_owned();
        let told = |text: &str| Manifest::parse(text.as_bytes()).unwrap_err().to_string();
        for (from, to, expected) in [
            ("\"format\":1", "\"format\":2", "has the format 2, this version reads 1; use a newer version of attini"),
            ("\"format\":1", "\"format\":1,\"format\":1", "cannot be read"),
            ("\"size\"", "\"extra\":0,\"size\"", "cannot be read"),
            ("0644", "0600", "entry `a` has a mode that is neither 0644 nor 0755"),
            ("\"a\"", "\"../a\"", "entry `../a` leaves the distribution by `..`"),
            ("\"a\"", "\"attini-manifest.json\"", "is the manifest itself"),
            ("\"sha256\":\"", "\"sha256\":\"0", "is not 64 lower-case hexadecimal digits"),
            (line.as_str(), &format!("{line},{line}"), "entry `a` is listed twice"),
        ] {
            let text = told(&good.replacen(from, to, 1));
            assert!(text.contains(expected), "{text}");
        }
        assert!(told("").contains("cannot be read"));
    }
}
