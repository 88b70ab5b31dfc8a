//! The distribution as files: what goes in, writing the zip, reading one safely.
//!
//! ```text
//! FileTree -> select(ignore rules) -> Selection -> write_zip -> zip + WriteReport (digest)
//! zip -> Archive::open (everything checked) -> entries, read, extract
//! ```

mod digest;
mod glob;
mod ignore;
mod read;
mod select;
mod tree;
mod write;

pub use digest::{FileRecord, content_digest};
pub use ignore::{IGNORE_FILE, IgnoreRules, SkipReason};
pub use read::{Archive, ArchiveError, Limits};
pub use select::{SelectError, Selection, Skipped, select};
pub use tree::{EntryKind, FileTree, Listing, TreeEntry, TreeError};
pub use write::{EntryTime, Scratch, WriteError, WriteOptions, WriteReport, write_zip};

/// The names a config file may have in the root of a distribution; exactly one of them is there (cli.md 6.1).
pub const CONFIG_FILES: [&str; 3] = ["attini-config.yaml", "attini-config.yml", "attini-config.json"];
