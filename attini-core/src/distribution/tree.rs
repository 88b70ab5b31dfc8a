use std::io::{self, Read};

use thiserror::Error;

use crate::problem::{Problem, Problems};

/// The files that a distribution is made of, wherever they are.
///
/// Synchronous, because compressing is work for threads. Not promised: that nothing changes between two calls.
pub trait FileTree: Sync {
    /// Returns the entries below the root, each directory before what it holds.
    ///
    /// `keep` is asked once per entry; one it declines is left out, and a declined directory is not looked into.
    /// The order of siblings is the implementation's own.
    ///
    /// # Errors
    ///
    /// [`TreeError`] when something that was kept cannot be listed.
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError>;

    /// Opens a listed file.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being read; the caller adds the path.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>>;
}

/// What a tree holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// The kept entries.
    pub entries: Vec<TreeEntry>,
    /// What could not be taken along although nothing declined it, by name: links that leave the tree, sockets.
    pub warnings: Vec<Problem>,
}

/// One file or directory of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Path relative to the root, its parts joined by `/`, without a `/` at either end.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
}

impl TreeEntry {
    /// Returns the last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(&self.path, |(_, name)| name)
    }

    /// Says whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.kind == EntryKind::Directory
    }
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory, perhaps an empty one.
    Directory,
    /// A file.
    File {
        /// May be run by its owner.
        executable: bool,
        /// Bytes when it was listed.
        size: u64,
    },
}

/// A tree could not be listed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// Something cannot be read.
    #[error("cannot read {path}")]
    Unreadable {
        /// Path as a person knows it.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The tree holds what no distribution can: names that are no text, links to nothing, links in circles.
    #[error("{0}")]
    Unusable(Problems),
}

#[cfg(test)]
pub(super) mod memory {
    use std::collections::BTreeMap;

    use super::*;

    /// A tree in memory. A path that ends in `/` is an empty directory, parents come by themselves.
    #[derive(Debug, Default)]
    pub(in crate::distribution) struct MemTree {
        nodes: BTreeMap<String, (EntryKind, Vec<u8>)>,
    }

    impl MemTree {
        pub(in crate::distribution) fn of<B: AsRef<[u8]>>(files: impl IntoIterator<Item = (&'static str, B)>) -> Self {
            let mut tree = Self::default();
            for (path, content) in files {
                tree.add(path, content.as_ref(), false);
            }
            tree
        }

        pub(in crate::distribution) fn add(&mut self, path: &str, content: &[u8], executable: bool) {
            for (end, _) in path.match_indices('/') {
                self.nodes.insert(path[..end].to_owned(), (EntryKind::Directory, Vec::new()));
            }
            if !path.ends_with('/') {
                let kind = EntryKind::File { executable, size: content.len() as u64 };
                self.nodes.insert(path.to_owned(), (kind, content.to_vec()));
            }
        }
    }

    impl FileTree for MemTree {
        fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
            let mut listing = Listing::default();
            let mut declined: Vec<String> = Vec::new();
            for (path, (kind, _)) in &self.nodes {
                let entry = TreeEntry { path: path.clone(), kind: *kind };
                if declined.iter().any(|above| path.starts_with(above)) {
                    continue;
                }
                if keep(&entry) {
                    listing.entries.push(entry);
                } else {
                    declined.push(format!("{path}/"));
                }
            }
            // The opposite of what the archive needs, as far as the promise allows.
            listing
                .entries
                .sort_by_key(|entry| (entry.path.matches('/').count(), std::cmp::Reverse(entry.path.clone())));
            Ok(listing)
        }

        fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
            let (_, content) = self.nodes.get(path).ok_or(io::ErrorKind::NotFound)?;
            Ok(Box::new(content.as_slice()))
        }
    }
}
