use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use attini_core::port::{Body, BoxError, ObjectReader, ObjectStore, Page, Precondition, StoreError};
use attini_core::value::{KeyPrefix, ObjectKey, VersionId};
use bytes::Bytes;
use rusqlite::params;
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::tx::{Tx, TxError};
use super::{Home, HomeError};

/// Keys returned by one call.
const PAGE: usize = 1000;

/// One bucket: contents as files, names and versions as rows of the home's database.
///
/// A content reaches the disk under a name of its own before the row that makes it visible is written, so a crash leaves
/// at most a file that nobody refers to.
#[derive(Debug, Clone)]
pub struct FsObjectStore {
    home: Home,
    bucket: String,
}

/// A file with the content of a version that is not recorded yet.
struct Blob {
    name: String,
    size: u64,
}

impl Home {
    /// Returns the file of a content.
    pub(super) fn blob_path(&self, blob: &str) -> PathBuf {
        let folder = blob.get(..2).unwrap_or("00");
        self.path().join("objects").join(folder).join(blob)
    }
}

impl FsObjectStore {
    /// Takes the bucket of that name; it exists as soon as someone writes to it.
    #[must_use]
    pub fn new(home: Home, bucket: impl Into<String>) -> Self {
        Self { home, bucket: bucket.into() }
    }

    /// Returns the file with the content of the newest version or the given one.
    fn locate(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<PathBuf, StoreError> {
        let found = self.home.read(|tx| match version {
            None => Ok(newest(tx, &self.bucket, key)?.and_then(|(_, blob)| blob)),
            Some(version) => {
                let Some(version) = parse_version(version) else { return Ok(None) };
                let sql = "SELECT blob FROM objects WHERE bucket = ?1 AND key = ?2 AND version = ?3";
                Ok(tx.first(sql, params![self.bucket, key.as_str(), version], |row| Ok(row.get(0)?))?.flatten())
            }
        });
        match found.map_err(unavailable("read", key))? {
            Some(blob) => Ok(self.home.blob_path(&blob)),
            None => Err(StoreError::NotFound { key: key.clone() }),
        }
    }

    fn open_file(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<File, StoreError> {
        let path = self.locate(key, version)?;
        File::open(&path).map_err(|error| unavailable("read", key)(HomeError::file("open", &path, error)))
    }

    /// Writes a content to the disk, durably, under a new name.
    fn write_blob(&self, body: Body) -> Result<Blob, BoxError> {
        let name = Uuid::new_v4().simple().to_string();
        let path = self.home.blob_path(&name);
        let folder = path.parent().unwrap_or(&path);
        let failed = |error| HomeError::file("write", &path, error);
        let parent = folder.parent().unwrap_or(folder);
        if !folder.exists() {
            fs::create_dir_all(folder).map_err(failed)?;
            sync_folder(parent).map_err(failed)?;
        }
        let mut file = NamedTempFile::new_in(folder).map_err(failed)?;
        let size = match body {
            Body::Bytes(bytes) => {
                file.write_all(&bytes).map_err(failed)?;
                u64::try_from(bytes.len()).unwrap_or(u64::MAX)
            }
            Body::Reader(mut reader) => copy(reader.as_mut(), file.as_file_mut(), &path)?,
        };
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path).map_err(|error| failed(error.error))?;
        sync_folder(folder).map_err(failed)?;
        Ok(Blob { name, size })
    }

    fn record(
        &self,
        key: &ObjectKey,
        blob: &Blob,
        when: &Precondition<VersionId>,
    ) -> Result<Option<VersionId>, HomeError> {
        self.home.write(|tx| {
            let current = newest(tx, &self.bucket, key)?.and_then(|(version, blob)| blob.map(|_| version));
            let holds = match when {
                Precondition::None => true,
                Precondition::Absent => current.is_none(),
                Precondition::Unchanged(expected) => current.is_some() && current == parse_version(expected),
            };
            if !holds {
                return Ok(None);
            }
            let version = tx.next_number()?;
            let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
            insert(tx, &self.bucket, key, version, Some(&blob.name), size)?;
            Ok(Some(format_version(version)))
        })
    }
}

#[async_trait]
impl ObjectStore for FsObjectStore {
    async fn get(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        let mut file = self.open_file(key, version)?;
        let mut content = Vec::new();
        file.read_to_end(&mut content).map_err(|error| StoreError::Unavailable {
            operation: "read",
            key: key.to_string(),
            source: error.into(),
        })?;
        Ok(content.into())
    }

    async fn open(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError> {
        Ok(Box::new(self.open_file(key, version)?))
    }

    async fn put(&self, key: &ObjectKey, body: Body, when: Precondition<VersionId>) -> Result<VersionId, StoreError> {
        // Waiting for the disk, and for the reader's own source, must not keep other tasks from running.
        let store = self.clone();
        let written = tokio::task::spawn_blocking(move || store.write_blob(body)).await;
        let failed = |source: BoxError| StoreError::Unavailable { operation: "write", key: key.to_string(), source };
        let blob = written.map_err(|error| failed(error.into()))?.map_err(failed)?;
        let recorded = self.record(key, &blob, &when);
        if !matches!(recorded, Ok(Some(_))) {
            // Nobody refers to the file. When it cannot be removed it only takes space, and the caller's news is more important.
            let _ = fs::remove_file(self.home.blob_path(&blob.name));
        }
        recorded.map_err(unavailable("write", key))?.ok_or_else(|| StoreError::Conflict { key: key.clone() })
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let deleted = self.home.write(|tx| {
            if let Some((_, Some(_))) = newest(tx, &self.bucket, key)? {
                let version = tx.next_number()?;
                insert(tx, &self.bucket, key, version, None, 0)?;
            }
            Ok(())
        });
        deleted.map_err(unavailable("delete", key))
    }

    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError> {
        // A prefix ends in `/`, so the keys under it are those from it up to the same text with the next byte, `0`.
        let end = prefix.as_str().strip_suffix('/').map(|start| format!("{start}0"));
        let sql = "SELECT key FROM objects o \
                   WHERE bucket = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) AND (?4 IS NULL OR key > ?4) AND blob IS NOT NULL \
                   AND version = (SELECT max(version) FROM objects WHERE bucket = o.bucket AND key = o.key) \
                   ORDER BY key LIMIT ?5";
        let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
        let values = params![self.bucket, prefix.as_str(), end, after.map(ObjectKey::as_str), limit];
        let found = self.home.read(|tx| tx.all(sql, values, |row| Ok(ObjectKey::new(row.get::<_, String>(0)?))));
        let mut items = found.map_err(unavailable("list", prefix))?;
        let more = items.len() > PAGE;
        items.truncate(PAGE);
        Ok(Page { items, more })
    }
}

/// Returns the newest version with its blob, which is `None` when that version is a deletion.
fn newest(tx: &Tx<'_>, bucket: &str, key: &ObjectKey) -> Result<Option<(i64, Option<String>)>, TxError> {
    let sql = "SELECT version, blob FROM objects WHERE bucket = ?1 AND key = ?2 ORDER BY version DESC LIMIT 1";
    tx.first(sql, params![bucket, key.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn insert(
    tx: &Tx<'_>,
    bucket: &str,
    key: &ObjectKey,
    version: i64,
    blob: Option<&str>,
    size: i64,
) -> Result<(), TxError> {
    let sql = "INSERT INTO objects (bucket, key, version, blob, size) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![bucket, key.as_str(), version, blob, size])?;
    Ok(())
}

/// Version ids sort like the writes they stand for.
fn format_version(version: i64) -> VersionId {
    VersionId::new(format!("{version:016}"))
}

fn parse_version(version: &VersionId) -> Option<i64> {
    version.as_str().parse().ok().filter(|number| format_version(*number) == *version)
}

/// Copies a reader to a file, telling apart which of the two failed.
fn copy(reader: &mut dyn Read, file: &mut File, path: &Path) -> Result<u64, BoxError> {
    let mut buffer = vec![0; 128 * 1024];
    let mut size = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok(size),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        let part = buffer.get(..count).unwrap_or_default();
        file.write_all(part).map_err(|error| HomeError::file("write", path, error))?;
        size += u64::try_from(count).unwrap_or(u64::MAX);
    }
}

/// Makes new names in a folder durable. Only Unix has, and needs, such a call.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn unavailable(operation: &'static str, key: impl ToString) -> impl FnOnce(HomeError) -> StoreError {
    move |error| StoreError::Unavailable { operation, key: key.to_string(), source: error.into() }
}
