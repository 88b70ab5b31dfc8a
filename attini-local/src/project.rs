//! Project folders on this machine: packaging, its parts, and edits of configuration files (cli.md 7.2, 15).
//!
//! [`package()`] does all of this:
//!
//! ```text
//! DistFolder::lock -> WorkCopy::of -> run_commands(prePackage) -> write_zip(FolderTree::copy) -> run_commands(postPackage)
//!   -> DistFolder::take
//! DistFolder::lock -> write_zip(FolderTree::source) -> DistFolder::publish     without package commands
//! ```

mod commands;
mod container;
mod copy;
mod dist;
mod edit;
mod explain;
mod folder;
mod package;
mod shell;
mod validate;
mod zip;

use std::io;

use attini_core::distribution::Scratch;

pub use commands::{CommandError, CommandPhase, PhaseCommands, run_commands};
pub use container::{ContainerError, ContainerOptions, package_in_container};
pub use copy::{CopyError, WorkCopy};
pub use dist::{DistError, DistFolder, zip_file_name};
pub use edit::{EditError, find_config, set_value};
pub use explain::explain;
pub use folder::FolderTree;
pub use package::report::size_text;
pub use package::{PackageError, PackageEvent, PackageOptions, Packaged, SamError, package};
pub use validate::{ValidateError, Validation, validate};
pub use zip::{
    SignatureState, Verification, ZipError, inspect_zip, sign_zip, signature_path, signature_state, verify_zip,
    zip_content,
};

/// The variable that tells package commands the id that was asked for: `configure set-dist-id` keeps it (cli.md 7.2).
///
/// It counts only for the project in `ATTINI_WORK_DIR`.
pub const FIXED_ID_VARIABLE: &str = "ATTINI_PACKAGE_DISTRIBUTION_ID";

/// The folder in a project that receives the finished zip.
pub const DIST_FOLDER: &str = "attini_dist";

/// Returns a temporary file without a name, for [`WriteOptions::scratch`](attini_core::distribution::WriteOptions).
///
/// # Errors
///
/// The temporary directory cannot be written to.
pub fn scratch() -> io::Result<Box<dyn Scratch>> {
    Ok(Box::new(tempfile::tempfile()?))
}

/// Says whether a path, relative to the root of a project, never becomes part of a distribution (cli.md 7.2).
///
/// Only the part below the root counts: a project that itself lies below a `node_modules` is packaged like any other.
fn is_excluded(relative: &str) -> bool {
    let mut parts = relative.split('/');
    parts.clone().next() == Some(DIST_FOLDER)
        || parts.any(|part| matches!(part, "node_modules" | ".DS_Store" | ".vscode"))
}

#[cfg(test)]
mod tests;
