//! The distribution as files: what goes in, writing the zip, reading one safely.
//!
//! ```text
//! FileTree -> select(ignore rules) -> Selection -> write_zip -> zip with manifest + WriteReport (digest)
//! zip -> Archive::open (everything checked) -> entries, read, extract -> Content::read (compared with the manifest)
//! ```

mod content;
mod diff;
mod digest;
mod glob;
mod ignore;
mod inspect;
mod manifest;
mod read;
mod select;
mod signature;
mod tree;
mod write;

pub use content::{Content, ManifestState, RenewError, renew_manifest};
pub use diff::{Change, Difference, FileChange, FileFacts, PlanChange, ValueChange, diff};
pub use digest::{FileRecord, content_digest};
pub use ignore::{IGNORE_FILE, IgnoreRules, SkipReason};
pub use inspect::{InspectError, InspectedTemplate, Inspection, PlanOutline};
pub use manifest::{MANIFEST_FILE, Manifest, ManifestDifference, ManifestError};
pub use read::{Archive, ArchiveError, Limits};
pub use select::{SelectError, Selection, Skipped, select};
pub use signature::{KeyError, Mismatch, PrivateKey, PublicKey, SIGNATURE_SUFFIX, Signature, SignatureError};
pub use tree::{EntryKind, FileTree, Listing, TreeEntry, TreeError};
pub use write::{EntryTime, Scratch, WriteError, WriteOptions, WriteReport, write_zip};

/// The names a config file may have in the root of a distribution; exactly one of them is there (cli.md 6.1).
pub const CONFIG_FILES: [&str; 3] = ["attini-config.yaml", "attini-config.yml", "attini-config.json"];
