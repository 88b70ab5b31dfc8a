use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::distribution::{Archive, EntryKind, FileRecord, Limits, content_digest};
use crate::framework::{Failure, Framework};
use crate::port::{Body, ObjectReader, Precondition};
use crate::value::{KeyPrefix, ObjectKey, is_key_hostile};

/// What the framework takes of one file. A file is in memory once while it is published.
const LIMITS: Limits = Limits { total_bytes: 4 << 30, file_bytes: 512 << 20, entries: 100_000 };

/// An uploaded zip whose content has been read to the end, and is what it says.
pub(super) struct Checked {
    archive: Archive<Box<dyn ObjectReader>>,
    /// Digest of the content.
    pub(super) digest: String,
}

/// Opens a zip and reads all of it once: every path, size and checksum (init-deploy.md 3).
///
/// # Errors
///
/// `InvalidDistribution` with what is wrong, all names that cannot be keys at once.
pub(super) fn check_archive(reader: Box<dyn ObjectReader>) -> Result<Checked, Failure> {
    let invalid = |error: crate::distribution::ArchiveError| {
        Failure::new("InvalidDistribution", crate::framework::explain(&error))
    };
    let mut archive = Archive::open(reader, &LIMITS).map_err(invalid)?;
    let hostile: Vec<&str> = archive
        .entries()
        .iter()
        .filter(|entry| entry.path.chars().any(|c| c != '/' && is_key_hostile(c)))
        .map(|entry| entry.path.as_str())
        .collect();
    if !hostile.is_empty() {
        let cause = format!("these names hold characters that keys of objects must not have: {}", hostile.join(", "));
        return Err(Failure::new("InvalidDistribution", cause));
    }
    let mut files = Vec::new();
    archive
        .extract(&mut |entry, content| {
            let (sha256, size) = hash(content)?;
            let executable = matches!(entry.kind, EntryKind::File { executable: true, .. });
            files.push(FileRecord { path: entry.path.clone(), sha256, executable, size });
            Ok(())
        })
        .map_err(invalid)?;
    if files.is_empty() {
        return Err(Failure::new("InvalidDistribution", "the zip holds no file"));
    }
    Ok(Checked { archive, digest: content_digest(&files) })
}

fn hash(content: &mut dyn Read) -> io::Result<([u8; 32], u64)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            return Ok((hasher.finalize().into(), size));
        }
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
}

impl Checked {
    /// Says whether the distribution has this file.
    pub(super) fn has(&self, path: &str) -> bool {
        self.archive.entries().iter().any(|entry| entry.path == path && !entry.is_directory())
    }

    /// Returns the name of the config file; `None` when there is none.
    pub(super) fn config_file(&self) -> Result<Option<&'static str>, Failure> {
        match self.archive.find_config() {
            Ok(name) => Ok(Some(name)),
            Err(crate::distribution::ArchiveError::NoConfig) => Ok(None),
            Err(error) => Err(Failure::new("InvalidConfig", error.to_string())),
        }
    }

    /// Returns a text file of at most 10 MiB.
    pub(super) fn text(&mut self, path: &str) -> Result<String, Failure> {
        let bytes = self
            .archive
            .read(path, 10 << 20)
            .map_err(|error| Failure::new("InvalidDistribution", crate::framework::explain(&error)))?;
        String::from_utf8(bytes)
            .map_err(|_| Failure::new("InvalidDistribution", format!("{path} is not a text file in UTF-8")))
    }

    /// Writes all files to the artifact store, and removes what an earlier upload of the same id left there.
    pub(super) async fn publish(&mut self, framework: &Framework, prefix: &KeyPrefix) -> Result<(), Failure> {
        let mut keys: BTreeMap<ObjectKey, ()> = BTreeMap::new();
        let entries: Vec<(String, bool)> =
            self.archive.entries().iter().map(|entry| (entry.path.clone(), entry.is_directory())).collect();
        for (path, _) in entries.into_iter().filter(|(_, is_directory)| !is_directory) {
            let content = self
                .archive
                .read(&path, LIMITS.file_bytes)
                .map_err(|error| Failure::new("InvalidDistribution", crate::framework::explain(&error)))?;
            let key = prefix.key(&path);
            framework.artifacts.put(&key, Body::from(content), Precondition::None).await?;
            keys.insert(key, ());
        }
        let mut after: Option<ObjectKey> = None;
        loop {
            let page = framework.artifacts.list(prefix, after.as_ref()).await?;
            for key in &page.items {
                if !keys.contains_key(key) {
                    framework.artifacts.delete(key).await?;
                }
            }
            after = page.items.last().cloned();
            if !page.more || after.is_none() {
                return Ok(());
            }
        }
    }
}
