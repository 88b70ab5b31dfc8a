use std::io::{Seek as _, SeekFrom};

use attini_core::framework::explain;
use attini_core::port::{Body, FunctionError, ObjectStore as _, Precondition, StoreError};
use attini_core::value::{KeyPrefix, ObjectKey};
use serde_json::{Value, json};

use super::parts::Parts;
use crate::engine::TaskRequest;
use crate::engine::objects::{ObjectRequest, body_answer, list_answer};
use crate::store::FsObjectStore;

/// Answers a task that reads or writes an object of a bucket that this world has; `None` for every other task.
pub(super) async fn answer(parts: &Parts, task: &TaskRequest) -> Option<Result<Value, FunctionError>> {
    let request = ObjectRequest::of(task)?;
    let (ObjectRequest::Get { bucket, .. } | ObjectRequest::List { bucket, .. } | ObjectRequest::Put { bucket, .. }) =
        &request;
    if *bucket != parts.place.origin_bucket() && *bucket != parts.place.artifact_bucket() {
        return None;
    }
    let store = FsObjectStore::new(parts.home.clone(), bucket.clone());
    let state = &task.state;
    Some(perform(&store, request).await.map_err(|error| {
        let name = match error {
            StoreError::NotFound { .. } => "S3.NoSuchKeyException",
            _ => "S3.S3Exception",
        };
        FunctionError::Failed { error: name.to_owned(), cause: format!("State `{state}`: {}", explain(&error)) }
    }))
}

async fn perform(store: &FsObjectStore, request: ObjectRequest) -> Result<Value, StoreError> {
    let unreadable = |key: &str, source: std::io::Error| StoreError::Unavailable {
        operation: "read",
        key: key.to_owned(),
        source: source.into(),
    };
    match request {
        ObjectRequest::Get { key, .. } => {
            let content = store.get(&ObjectKey::new(key.as_str()), None).await?;
            let text = std::str::from_utf8(&content)
                .map_err(|error| unreadable(&key, std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
            Ok(body_answer(text))
        }
        ObjectRequest::List { prefix, .. } => {
            // The port lists whole folders; the rest of the prefix is compared here.
            let folder = prefix.rfind('/').map_or("", |at| prefix.get(..=at).unwrap_or_default());
            let folder = KeyPrefix::closed(folder);
            let mut objects = Vec::new();
            let mut after: Option<ObjectKey> = None;
            loop {
                let page = store.list(&folder, after.as_ref()).await?;
                for key in page.items.iter().filter(|key| key.as_str().starts_with(&prefix)) {
                    let mut content = store.open(key, None).await?;
                    let size = content.seek(SeekFrom::End(0)).map_err(|error| unreadable(key.as_str(), error))?;
                    objects.push((key.as_str().to_owned(), size));
                }
                if !page.more {
                    return Ok(list_answer(&objects));
                }
                after = page.items.last().cloned();
            }
        }
        ObjectRequest::Put { key, body, .. } => {
            store.put(&ObjectKey::new(key), Body::Bytes(body.into()), Precondition::None).await?;
            Ok(json!({}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Home;

    #[tokio::test]
    async fn objects_of_this_world_are_listed_read_and_written() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let home = Home::open(folder.path()).expect("a home");
        let store = FsObjectStore::new(home, "b");
        let bucket = || "b".to_owned();
        for key in ["in/1.json", "in/2.json", "in/other", "out"] {
            let put = ObjectRequest::Put { bucket: bucket(), key: key.to_owned(), body: format!("[{}]", key.len()) };
            perform(&store, put).await.expect("it is written");
        }
        let listed = perform(&store, ObjectRequest::List { bucket: bucket(), prefix: "in/".to_owned() }).await;
        let keys = |value: &Value| -> Vec<String> {
            let objects = value["Contents"].as_array().expect("a list");
            objects.iter().map(|object| object["Key"].as_str().expect("a key").to_owned()).collect()
        };
        assert_eq!(keys(&listed.expect("it is listed")), ["in/1.json", "in/2.json", "in/other"]);
        let part = ObjectRequest::List { bucket: bucket(), prefix: "in/2".to_owned() };
        assert_eq!(keys(&perform(&store, part).await.expect("it is listed")), ["in/2.json"]);
        let get = |key: &str| ObjectRequest::Get { bucket: bucket(), key: key.to_owned() };
        assert_eq!(perform(&store, get("in/1.json")).await.expect("it is read")["Body"], "[9]");
        assert!(matches!(perform(&store, get("none")).await, Err(StoreError::NotFound { .. })));
    }
}
