use std::io::{self, Read, Seek, Write};

use sha2::{Digest, Sha256};
use thiserror::Error;
use zip::{ZipArchive, ZipWriter};

use super::digest::{FileRecord, content_digest};
use super::manifest::{MANIFEST_FILE, MAX_BYTES, Manifest, ManifestDifference, ManifestError};
use super::read::{Archive, ArchiveError, Limits};
use super::tree::{EntryKind, TreeEntry};
use super::write::{EntryTime, WriteError, entry_options};

/// What an archive really holds: every byte of it was read once.
#[derive(Debug)]
pub struct Content {
    /// All files but the manifest, in byte order of their paths.
    pub files: Vec<FileRecord>,
    /// [`content_digest`] of the files.
    pub digest: String,
    /// Whether the files are those of the manifest.
    pub manifest: ManifestState,
}

/// What the manifest says about the files beside it.
#[derive(Debug)]
pub enum ManifestState {
    /// There is none: the zip was made by an earlier version or by another tool.
    Absent,
    /// Every file is listed, nothing else is, and all of them are as listed.
    Matches,
    /// What is not as listed, at least one thing.
    Differs(Vec<ManifestDifference>),
    /// It cannot be read.
    Unusable(ManifestError),
}

impl Content {
    /// Reads all files of an archive and compares them with its manifest. Memory depends on their number, not their sizes.
    ///
    /// # Errors
    ///
    /// What is wrong with the archive. A manifest that does not fit is no error here, see [`ManifestState`].
    pub fn read<R: Read + Seek>(archive: &mut Archive<R>) -> Result<Self, ArchiveError> {
        let mut files = Vec::new();
        let mut manifest = None;
        archive.extract(&mut |entry, content| {
            if entry.path == MANIFEST_FILE {
                let mut bytes = Vec::new();
                content.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
                manifest = Some(bytes);
                return Ok(());
            }
            files.push(record(entry, content)?);
            Ok(())
        })?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let manifest = match manifest.as_deref().map(Manifest::parse) {
            None => ManifestState::Absent,
            Some(Err(error)) => ManifestState::Unusable(error),
            Some(Ok((manifest, wrong))) => {
                let mut differences = manifest.compare(&files);
                differences.extend(wrong);
                match differences.is_empty() {
                    true => ManifestState::Matches,
                    false => ManifestState::Differs(differences),
                }
            }
        };
        Ok(Self { digest: content_digest(&files), files, manifest })
    }
}

/// Writes an archive again with a manifest of what it holds now; everything else is taken over as it is packed.
///
/// # Errors
///
/// What is wrong with the archive, or [`WriteError::Write`] when the output does not take it.
pub fn renew_manifest<R: Read + Seek, W: Write + Seek>(
    mut reader: R,
    output: W,
    time: EntryTime,
) -> Result<Content, RenewError> {
    let mut archive = Archive::open(&mut reader, &Limits::default())?;
    let mut content = Content::read(&mut archive)?;
    drop(archive);
    let failed = |error| RenewError::Write(WriteError::Write(error));
    let mut archive = ZipArchive::new(reader).map_err(failed)?;
    let mut written = ZipWriter::new(output);
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(failed)?;
        if file.name().map_err(failed)? != MANIFEST_FILE {
            written.raw_copy_file(file).map_err(failed)?;
        }
    }
    written.start_file(MANIFEST_FILE, entry_options(time, 0o644)).map_err(failed)?;
    let text = Manifest::of(&content.files).render();
    written.write_all(text.as_bytes()).map_err(|error| failed(error.into()))?;
    written.finish().map_err(failed)?;
    content.manifest = ManifestState::Matches;
    Ok(content)
}

/// A manifest could not be renewed.
#[derive(Debug, Error)]
pub enum RenewError {
    /// The archive is no distribution.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The new archive could not be written.
    #[error(transparent)]
    Write(WriteError),
}

/// Reads a file to its end.
fn record(entry: &TreeEntry, content: &mut dyn Read) -> io::Result<FileRecord> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut size = 0;
    loop {
        let count = match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        size += count as u64;
    }
    let executable = matches!(entry.kind, EntryKind::File { executable: true, .. });
    Ok(FileRecord { path: entry.path.clone(), sha256: hasher.finalize().into(), executable, size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may panic")]
mod tests {
    use std::io::Cursor;

    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(files: &[(&str, &str)]) -> Cursor<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, text) in files {
            zip.start_file(*path, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap()
    }

    fn content(files: &[(&str, &str)]) -> Content {
        let mut archive = Archive::open(zipped(files), &Limits::default()).unwrap();
        Content::read(&mut archive).unwrap()
    }

    #[test]
    fn a_manifest_is_renewed() {
        let changed = zipped(&[("a", "1"), (MANIFEST_FILE, "old"), ("d/b", "2")]);
        let mut renewed = Cursor::new(Vec::new());
        let told = renew_manifest(changed, &mut renewed, EntryTime::default()).unwrap();
        let mut archive = Archive::open(renewed, &Limits::default()).unwrap();
        let found = Content::read(&mut archive).unwrap();
        assert!(matches!(found.manifest, ManifestState::Matches));
        assert_eq!((found.files, found.digest), (told.files, told.digest));
    }

    #[test]
    fn a_zip_without_a_manifest() {
        let found = content(&[("b", "2"), ("a", "1")]);
        assert!(matches!(found.manifest, ManifestState::Absent));
        let paths: Vec<_> = found.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["a", "b"]);
        assert_eq!(found.digest, content_digest(&found.files));
    }

    #[test]
    fn a_manifest_is_compared_and_does_not_count() {
        let plain = content(&[("a", "1"), ("b", "2")]);
        let text = Manifest::of(&plain.files).render();
        let whole = content(&[("a", "1"), (MANIFEST_FILE, &text), ("b", "2")]);
        assert!(matches!(whole.manifest, ManifestState::Matches));
        assert_eq!(whole.digest, plain.digest);
        let ManifestState::Differs(found) = content(&[("a", "0"), (MANIFEST_FILE, &text), ("c", "")]).manifest else {
            panic!("it differs")
        };
        assert_eq!(found.len(), 3);
        assert!(matches!(content(&[("a", ""), (MANIFEST_FILE, "x")]).manifest, ManifestState::Unusable(_)));
    }
}
