use std::fmt;
use std::io::{Read, Seek};

use async_trait::async_trait;
use bytes::Bytes;
use thiserror::Error;

use super::{BoxError, Page, Precondition};
use crate::value::{KeyPrefix, ObjectKey, VersionId};

/// The content of an object, readable at any position without being held in memory.
pub trait ObjectReader: Read + Seek + Send {}

impl<T: Read + Seek + Send> ObjectReader for T {}

/// What to store.
pub enum Body {
    /// Content in memory.
    Bytes(Bytes),
    /// Content that is read to its end while it is stored.
    Reader(Box<dyn Read + Send>),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Bytes(text.into())
    }
}

/// Objects of one bucket; every write makes a new version and keeps the older ones.
///
/// A write is seen whole or not at all, and a finished write is seen by every later read. Not promised: that a call which
/// failed had no effect. Callers must be able to repeat any call.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync {
    /// Returns the newest version of the object, or the given one, in memory. For small objects.
    async fn get(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Bytes, StoreError>;

    /// Opens the newest version of the object, or the given one.
    async fn open(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError>;

    /// Writes the object and returns the new version. With [`Precondition::Absent`] an existing object stays untouched.
    async fn put(&self, key: &ObjectKey, body: Body, when: Precondition<VersionId>) -> Result<VersionId, StoreError>;

    /// Makes the object absent for reads without a version; it may be absent already.
    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// Returns one page of the keys under `prefix`, in byte order, those after `after`.
    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError>;
}

/// A call to a store failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such object, or no such version of it.
    #[error("object {key} not found")]
    NotFound {
        /// The object.
        key: ObjectKey,
    },
    /// The object is not in the state the caller expected. Read it again and decide again.
    #[error("object {key} was changed by someone else")]
    Conflict {
        /// The object.
        key: ObjectKey,
    },
    /// The store could not be reached or refused to work; trying again may help.
    #[error("cannot {operation} {key}")]
    Unavailable {
        /// What was tried.
        operation: &'static str,
        /// The object or prefix.
        key: String,
        /// Why.
        source: BoxError,
    },
}
