use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;

use super::{lock, page};
use crate::port::{Body, ObjectReader, ObjectStore, Page, Precondition, StoreError};
use crate::value::{KeyPrefix, ObjectKey, VersionId};

/// Objects of one bucket in memory, in pages of two.
#[derive(Debug, Default)]
pub struct MemObjectStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Versions of each key, oldest first; `None` is a deletion.
    objects: BTreeMap<ObjectKey, Vec<(VersionId, Option<Bytes>)>>,
    writes: u64,
}

impl State {
    fn newest(&self, key: &ObjectKey) -> Option<(&VersionId, &Bytes)> {
        let (version, content) = self.objects.get(key)?.last()?;
        content.as_ref().map(|content| (version, content))
    }

    fn append(&mut self, key: &ObjectKey, content: Option<Bytes>) -> VersionId {
        self.writes += 1;
        let version = VersionId::new(format!("v{:06}", self.writes));
        self.objects.entry(key.clone()).or_default().push((version.clone(), content));
        version
    }
}

impl MemObjectStore {
    /// Returns the keys of all objects that are not deleted, in byte order.
    #[must_use]
    pub fn keys(&self) -> Vec<ObjectKey> {
        let state = lock(&self.0);
        state.objects.keys().filter(|key| state.newest(key).is_some()).cloned().collect()
    }

    /// Returns the newest content of an object.
    #[must_use]
    pub fn content(&self, key: &ObjectKey) -> Option<Bytes> {
        lock(&self.0).newest(key).map(|(_, content)| content.clone())
    }

    fn find(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        let state = lock(&self.0);
        let content = match version {
            None => state.newest(key).map(|(_, content)| content.clone()),
            Some(version) => {
                let versions = state.objects.get(key).map(Vec::as_slice).unwrap_or_default();
                versions.iter().find(|(found, _)| found == version).and_then(|(_, content)| content.clone())
            }
        };
        content.ok_or_else(|| StoreError::NotFound { key: key.clone() })
    }
}

#[async_trait]
impl ObjectStore for MemObjectStore {
    async fn get(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Bytes, StoreError> {
        self.find(key, version)
    }

    async fn open(&self, key: &ObjectKey, version: Option<&VersionId>) -> Result<Box<dyn ObjectReader>, StoreError> {
        Ok(Box::new(Cursor::new(self.find(key, version)?)))
    }

    async fn put(&self, key: &ObjectKey, body: Body, when: Precondition<VersionId>) -> Result<VersionId, StoreError> {
        let content = match body {
            Body::Bytes(bytes) => bytes,
            Body::Reader(mut reader) => {
                let mut content = Vec::new();
                reader.read_to_end(&mut content).map_err(|error| StoreError::Unavailable {
                    operation: "write",
                    key: key.to_string(),
                    source: error.into(),
                })?;
                content.into()
            }
        };
        let mut state = lock(&self.0);
        let current = state.newest(key).map(|(version, _)| version);
        let holds = match &when {
            Precondition::None => true,
            Precondition::Absent => current.is_none(),
            Precondition::Unchanged(version) => current == Some(version),
        };
        if holds { Ok(state.append(key, Some(content))) } else { Err(StoreError::Conflict { key: key.clone() }) }
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let mut state = lock(&self.0);
        if state.newest(key).is_some() {
            state.append(key, None);
        }
        Ok(())
    }

    async fn list(&self, prefix: &KeyPrefix, after: Option<&ObjectKey>) -> Result<Page<ObjectKey>, StoreError> {
        let keys = self.keys().into_iter();
        Ok(page(keys.filter(|key| key.as_str().starts_with(prefix.as_str()) && after.is_none_or(|after| key > after))))
    }
}
