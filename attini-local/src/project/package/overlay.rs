//! A folder with some files that are only in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use attini_core::distribution::{EntryKind, FileTree, Listing, TreeEntry, TreeError};
use attini_core::problem::Problems;

use crate::project::FolderTree;

/// Files in memory replace those of the folder, or are added to it. Replaced files keep their execute bits.
pub(super) struct Overlay {
    base: FolderTree,
    files: BTreeMap<String, Vec<u8>>,
}

impl Overlay {
    pub(super) fn new(base: FolderTree, files: BTreeMap<String, Vec<u8>>) -> Self {
        Self { base, files }
    }

    fn over(&self, entry: &TreeEntry) -> TreeEntry {
        match (self.files.get(&entry.path), entry.kind) {
            (Some(content), EntryKind::File { executable, .. }) => {
                let kind = EntryKind::File { executable, size: content.len() as u64 };
                TreeEntry { path: entry.path.clone(), kind }
            }
            _ => entry.clone(),
        }
    }
}

impl FileTree for Overlay {
    fn list(&self, keep: &mut dyn FnMut(&TreeEntry) -> bool) -> Result<Listing, TreeError> {
        let mut declined = BTreeSet::new();
        let mut listing = self.base.list(&mut |entry| {
            let kept = keep(&self.over(entry));
            if !kept {
                declined.insert(entry.path.clone());
            }
            kept
        })?;
        let mut known: BTreeMap<String, bool> = BTreeMap::new();
        for entry in &mut listing.entries {
            *entry = self.over(entry);
            known.insert(entry.path.clone(), entry.is_directory());
        }
        for (path, content) in &self.files {
            let directories = path.match_indices('/').map(|(end, _)| (&path[..end], EntryKind::Directory));
            let file = (path.as_str(), EntryKind::File { executable: false, size: content.len() as u64 });
            for (path, kind) in directories.chain([file]) {
                let entry = TreeEntry { path: path.to_owned(), kind };
                match known.get(path) {
                    Some(is_directory) if *is_directory == entry.is_directory() => continue,
                    Some(_) => {
                        let text = format!("{path} has the name of something that packaging writes; rename it");
                        return Err(TreeError::Unusable(Problems::one(text)));
                    }
                    None => {}
                }
                if declined.contains(path) || !keep(&entry) {
                    declined.insert(path.to_owned());
                    break;
                }
                known.insert(path.to_owned(), entry.is_directory());
                listing.entries.push(entry);
            }
        }
        Ok(listing)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send + '_>> {
        match self.files.get(path) {
            Some(content) => Ok(Box::new(content.as_slice())),
            None => self.base.open(path),
        }
    }
}
