use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use attini_core::port::{ObjectStore, StoreError};
use attini_core::runner::JobMessage;
use tempfile::{NamedTempFile, TempPath};
use thiserror::Error;
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::Limits;
use crate::backoff::Backoff;

/// How many zips are kept for further jobs. App distributions of one plan take turns on a runner.
const KEPT: usize = 4;

/// The zips of the distributions that jobs were run for, each fetched once per object identifier.
#[derive(Debug)]
pub(crate) struct Sources {
    folder: PathBuf,
    store: Arc<dyn ObjectStore>,
    /// The newest last.
    known: Mutex<Vec<(String, Arc<Zip>)>>,
}

type Zip = OnceCell<TempPath>;

/// The source of a job could not be provided.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    #[error("cannot fetch the distribution {key}")]
    Fetch { key: String, source: StoreError },
    #[error("cannot store the distribution {key} in {}", folder.display())]
    Store { key: String, folder: PathBuf, source: io::Error },
    #[error("cannot extract the distribution {key}")]
    Extract { key: String, source: ExtractError },
    #[error("the work of extracting was interrupted")]
    Interrupted,
}

/// An archive could not be extracted.
#[derive(Debug, Error)]
pub(crate) enum ExtractError {
    #[error("cannot open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("the entry {name:?} leaves the folder of the source")]
    Leaves { name: String },
    #[error(transparent)]
    Archive(#[from] ZipError),
}

impl Sources {
    pub(crate) fn new(folder: PathBuf, store: Arc<dyn ObjectStore>) -> Self {
        Self { folder, store, known: Mutex::default() }
    }

    /// Provides the job's source: its distribution, extracted into the folder.
    pub(crate) async fn provide(&self, job: &JobMessage, into: PathBuf, limits: &Limits) -> Result<(), SourceError> {
        let zip = self.slot(job);
        let path = zip.get_or_try_init(|| self.fetch(job, limits)).await?.to_path_buf();
        let extracted = tokio::task::spawn_blocking(move || {
            let extracted = extract(&path, &into);
            // Not before here: the zip is removed with the last job that uses it.
            drop(zip);
            extracted
        });
        let extracted = extracted.await.map_err(|_| SourceError::Interrupted)?;
        extracted.map_err(|source| SourceError::Extract { key: job.source_key().to_string(), source })
    }

    fn slot(&self, job: &JobMessage) -> Arc<Zip> {
        let id = format!("{} {} {}", job.source_bucket, job.source_key(), job.object_identifier);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match known.iter().position(|(other, _)| *other == id) {
            Some(position) => known.remove(position),
            None => (id, Arc::default()),
        };
        let zip = Arc::clone(&entry.1);
        known.push(entry);
        if known.len() > KEPT {
            known.remove(0);
        }
        zip
    }

    async fn fetch(&self, job: &JobMessage, limits: &Limits) -> Result<TempPath, SourceError> {
        let mut backoff = Backoff::new(limits);
        let start = Instant::now();
        loop {
            let error = match self.try_fetch(job).await {
                Ok(path) => return Ok(path),
                Err(error) => error,
            };
            let hopeless = matches!(&error, SourceError::Fetch { source: StoreError::NotFound { .. }, .. });
            let pause = backoff.pause();
            if hopeless || start.elapsed() + pause > limits.patience {
                return Err(error);
            }
            sleep(pause).await;
        }
    }

    async fn try_fetch(&self, job: &JobMessage) -> Result<TempPath, SourceError> {
        let key = job.source_key();
        let fetched = self.store.open(&key, None).await;
        let mut reader = fetched.map_err(|source| SourceError::Fetch { key: key.to_string(), source })?;
        let folder = self.folder.clone();
        let stored = tokio::task::spawn_blocking(move || {
            let mut file = NamedTempFile::new_in(folder)?;
            io::copy(&mut reader, file.as_file_mut())?;
            Ok(file.into_temp_path())
        });
        let stored = stored.await.map_err(|_| SourceError::Interrupted)?;
        stored.map_err(|source| SourceError::Store { key: key.to_string(), folder: self.folder.clone(), source })
    }
}

/// Extracts an archive into an empty folder, with the permissions its entries record.
///
/// Nothing is extracted when an entry names a place outside of the folder; links that point outside are refused too.
fn extract(zip: &Path, into: &Path) -> Result<(), ExtractError> {
    let file = File::open(zip).map_err(|source| ExtractError::Open { path: zip.to_owned(), source })?;
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    let leaves = |name: &str| name.starts_with(['/', '\\']) || name.split(['/', '\\']).any(|part| part == "..");
    for name in archive.file_names() {
        let name = name?;
        if leaves(&name) {
            return Err(ExtractError::Leaves { name: name.into_owned() });
        }
    }
    archive.extract(into)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn archive(dir: &Path, entries: &[(&str, u32)]) -> PathBuf {
        let path = dir.join("a.zip");
        let mut writer = ZipWriter::new(File::create(&path).expect("writable"));
        for (name, mode) in entries {
            writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).expect("writable");
            writer.write_all(b"x").expect("writable");
        }
        writer.finish().expect("writable");
        path
    }

    #[test]
    fn unix_modes_are_restored() {
        let dir = tempfile::tempdir().expect("writable");
        let zip = archive(dir.path(), &[("a/run.sh", 0o755), ("data", 0o644)]);
        let into = dir.path().join("into");
        std::fs::create_dir(&into).expect("writable");
        extract(&zip, &into).expect("harmless");
        let mode = |name: &str| into.join(name).metadata().expect("extracted").permissions().mode() & 0o777;
        assert_eq!((mode("a/run.sh"), mode("data")), (0o755, 0o644));
    }

    #[test]
    fn names_that_leave_the_folder_are_refused_before_anything_is_written() {
        for bad in ["../evil", "a/../../evil", "/evil"] {
            let dir = tempfile::tempdir().expect("writable");
            let zip = archive(dir.path(), &[("good", 0o644), (bad, 0o644)]);
            let into = dir.path().join("into");
            std::fs::create_dir(&into).expect("writable");
            assert!(matches!(extract(&zip, &into), Err(ExtractError::Leaves { .. })), "{bad}");
            assert_eq!(into.read_dir().expect("readable").count(), 0);
        }
    }

    #[test]
    fn links_that_leave_the_folder_are_refused() {
        let dir = tempfile::tempdir().expect("writable");
        let path = dir.path().join("a.zip");
        let mut writer = ZipWriter::new(File::create(&path).expect("writable"));
        writer.add_symlink("link", "../..", SimpleFileOptions::default()).expect("writable");
        writer.finish().expect("writable");
        let into = dir.path().join("into");
        std::fs::create_dir(&into).expect("writable");
        assert!(extract(&path, &into).is_err());
    }
}
