use std::io::{self, Cursor, Read, Seek};
use std::sync::{Mutex, PoisonError};

use crate::distribution::{Archive, FileTree, Listing, TreeEntry, TreeError};
use crate::document::MAX_BYTES;

/// A packaged distribution as a tree of files.
pub struct ArchiveTree<R> {
    entries: Vec<TreeEntry>,
    archive: Mutex<Archive<R>>,
}

impl<R: Read + Seek> ArchiveTree<R> {
    /// Takes an archive; only what is opened is unpacked.
    #[must_use]
    pub fn of(archive: Archive<R>) -> Self {
        Self { entries: archive.entries().to_vec(), archive: Mutex::new(archive) }
    }
}

impl<R: Read + Seek + Send> FileTree for ArchiveTree<R> {
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
        let mut listing = Listing::default();
        let mut declined: Vec<String> = Vec::new();
        for entry in &self.entries {
            if declined.iter().any(|above| entry.path.starts_with(above)) {
                continue;
            }
            if keep(entry) {
                listing.entries.push(entry.clone());
            } else if entry.is_directory() {
                declined.push(format!("{}/", entry.path));
            }
        }
        Ok(listing)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        let mut archive = self.archive.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = archive.read(path, MAX_BYTES as u64).map_err(io::Error::other)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}
