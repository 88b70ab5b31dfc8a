use std::io;

use thiserror::Error;
use zip::result::ZipError;

use super::is_content;
use crate::distribution::tree::TreeEntry;

/// Why an archive is no distribution, or cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The data is something else.
    #[error("the file is no zip archive")]
    NotAZip,
    /// The data begins like a zip and ends before its list of entries.
    #[error("the zip archive is cut off or damaged at its end; build and upload it again")]
    Truncated,
    /// There is no file in it.
    #[error("the zip archive holds no files")]
    Empty,
    /// The list of entries breaks the format.
    #[error("the list of entries of the zip archive is damaged")]
    DamagedDirectory(#[source] ZipError),
    /// Content or header of an entry break the format, contradict the list of entries, or do not match the declared
    /// size or checksum.
    #[error("entry `{entry}` of the zip archive is damaged")]
    Damaged {
        /// Path of the entry.
        entry: String,
        /// What is wrong with it.
        source: ZipError,
    },
    /// The content would lie behind the end.
    #[error("entry `{entry}` of the zip archive reaches beyond the archive's data")]
    OutOfBounds {
        /// Path of the entry.
        entry: String,
    },
    /// Two entries share bytes, as they do in archives that unpack to more than anybody can hold.
    #[error("entries `{first}` and `{second}` of the zip archive overlap")]
    Overlap {
        /// Path of the entry that begins earlier.
        first: String,
        /// Path of the other entry.
        second: String,
    },
    /// A name that is no relative path inside the distribution.
    #[error("entry `{}` of the zip archive {reason}", .entry.escape_debug())]
    UnsafeName {
        /// Name as it stands in the archive.
        entry: String,
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },
    /// A path appears twice.
    #[error("the zip archive holds `{entry}` twice")]
    Duplicate {
        /// The path.
        entry: String,
    },
    /// Two paths are the same on systems that do not tell upper and lower case apart.
    #[error("entries `{first}` and `{second}` of the zip archive differ in letter case only")]
    CaseCollision {
        /// One path.
        first: String,
        /// The other path.
        second: String,
    },
    /// A file is used as a directory.
    #[error("the zip archive holds `{entry}` below `{file}`, which is a file")]
    BelowFile {
        /// Path of the file.
        file: String,
        /// Path of the entry below it.
        entry: String,
    },
    /// A symbolic link.
    #[error("entry `{entry}` of the zip archive is a symbolic link; put the file itself in its place")]
    Link {
        /// Path of the entry.
        entry: String,
    },
    /// A device, a socket, or a file by its name and a directory by its mode.
    #[error("entry `{entry}` of the zip archive is neither a file nor a directory")]
    Special {
        /// Path of the entry.
        entry: String,
    },
    /// Content behind a password.
    #[error("entry `{entry}` of the zip archive is encrypted")]
    Encrypted {
        /// Path of the entry.
        entry: String,
    },
    /// Neither stored nor deflated.
    #[error("entry `{entry}` of the zip archive is compressed by {method}, only DEFLATE is supported")]
    Compression {
        /// Path of the entry.
        entry: String,
        /// Name of the method.
        method: String,
    },
    /// More entries than allowed.
    #[error("the zip archive holds {entries} entries, at most {limit} are allowed")]
    TooManyEntries {
        /// Number of entries.
        entries: usize,
        /// Number allowed.
        limit: usize,
    },
    /// The list of entries itself is larger than any honest one.
    #[error("the list of entries of the zip archive has more than {limit} bytes")]
    DirectoryTooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// A file is larger than allowed.
    #[error("`{entry}` has {size} bytes, at most {limit} are allowed")]
    FileTooLarge {
        /// Path of the entry.
        entry: String,
        /// Declared bytes.
        size: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// All files together are larger than allowed.
    #[error("the files of the zip archive have more than {limit} bytes together")]
    TooLarge {
        /// Bytes allowed.
        limit: u64,
    },
    /// There is no config file in the root.
    #[error("the zip archive holds no attini-config file at its top level")]
    NoConfig,
    /// There is more than one config file in the root.
    #[error("the zip archive holds more than one attini-config file: {}", .names.join(", "))]
    SeveralConfigs {
        /// Their names.
        names: Vec<&'static str>,
    },
    /// There is no file of that path.
    #[error("the zip archive holds no file `{entry}`")]
    NotFound {
        /// The path.
        entry: String,
    },
    /// The archive could not be read; trying again may help.
    #[error("cannot read the zip archive")]
    Unreadable(#[source] io::Error),
    /// Whoever was given a file could not go on.
    #[error("cannot unpack `{entry}`")]
    Consumer {
        /// Path of the entry.
        entry: String,
        /// Why.
        source: io::Error,
    },
}

impl ArchiveError {
    /// Says whether the archive itself is to blame, so that only another archive helps.
    #[must_use]
    pub fn is_archives_fault(&self) -> bool {
        !matches!(self, Self::Unreadable(_) | Self::Consumer { .. } | Self::NotFound { .. })
    }

    /// Says whether somebody may have built the archive to do harm; nothing that packs files makes such a thing.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        matches!(
            self,
            Self::UnsafeName { .. } | Self::Overlap { .. } | Self::Duplicate { .. } | Self::DirectoryTooLarge { .. }
        )
    }

    pub(super) fn of_directory(error: ZipError) -> Self {
        match error {
            ZipError::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => Self::Truncated,
            ZipError::Io(source) if !is_content(&source) => Self::Unreadable(source),
            error => Self::DamagedDirectory(error),
        }
    }

    pub(super) fn of_entry(entry: &TreeEntry, error: ZipError) -> Self {
        match error {
            ZipError::Io(source) if !is_content(&source) => Self::Unreadable(source),
            source => Self::Damaged { entry: entry.path.clone(), source },
        }
    }
}
