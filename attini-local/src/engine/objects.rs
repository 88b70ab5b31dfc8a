//! Objects for distributed Maps: how the tasks by which the engine asks for them are answered from a store.

use serde_json::{Value, json};

use super::action::TaskRequest;
use super::simulate::TaskEnd;

/// A request that a task makes of S3, for an item reader, a result writer or a state of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectRequest {
    /// `s3:getObject`
    Get {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
    },
    /// `s3:listObjectsV2`
    List {
        /// The bucket.
        bucket: String,
        /// What keys begin with; empty for all.
        prefix: String,
    },
    /// `s3:putObject`
    Put {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// The content.
        body: String,
    },
}

impl ObjectRequest {
    /// Reads the request of a task; `None` when the task asks for something else.
    #[must_use]
    pub fn of(task: &TaskRequest) -> Option<Self> {
        let action = task.resource.split(":states:::").nth(1)?;
        let text = |name: &str| task.parameters.get(name).and_then(Value::as_str).map(str::to_owned);
        let bucket = text("Bucket")?;
        match action {
            "s3:getObject" => Some(Self::Get { bucket, key: text("Key")? }),
            "s3:listObjectsV2" => Some(Self::List { bucket, prefix: text("Prefix").unwrap_or_default() }),
            "s3:putObject" => Some(Self::Put { bucket, key: text("Key")?, body: text("Body")? }),
            _ => None,
        }
    }
}

/// A store of objects as the engine needs it.
pub trait Objects {
    /// Returns the content of an object; `None` when there is none.
    fn get(&self, bucket: &str, key: &str) -> Option<String>;
    /// Returns the keys that begin with `prefix`, in byte order, with their sizes in bytes.
    fn list(&self, bucket: &str, prefix: &str) -> Vec<(String, u64)>;
    /// Stores an object.
    fn put(&mut self, bucket: &str, key: &str, body: String);
}

/// Answers a request from a store, with the fields of the answers of S3 that a Map looks at.
pub fn answer(request: ObjectRequest, objects: &mut dyn Objects) -> TaskEnd {
    match request {
        ObjectRequest::Get { bucket, key } => match objects.get(&bucket, &key) {
            Some(body) => TaskEnd::Succeeded(body_answer(&body)),
            None => no_such_key(&bucket, &key),
        },
        ObjectRequest::List { bucket, prefix } => TaskEnd::Succeeded(list_answer(&objects.list(&bucket, &prefix))),
        ObjectRequest::Put { bucket, key, body } => {
            objects.put(&bucket, &key, body);
            TaskEnd::Succeeded(json!({}))
        }
    }
}

/// Returns what `s3:getObject` answers.
#[must_use]
pub fn body_answer(body: &str) -> Value {
    json!({"Body": body, "ContentLength": body.len()})
}

/// Returns what `s3:listObjectsV2` answers for keys with their sizes.
#[must_use]
pub fn list_answer(objects: &[(String, u64)]) -> Value {
    let contents: Vec<Value> =
        objects.iter().map(|(key, size)| json!({"Key": key, "Size": size, "StorageClass": "STANDARD"})).collect();
    json!({"Contents": contents, "IsTruncated": false, "KeyCount": contents.len()})
}

/// Returns what becomes of a task that asks for an object that is not there.
#[must_use]
pub fn no_such_key(bucket: &str, key: &str) -> TaskEnd {
    TaskEnd::Failed {
        error: Some("S3.NoSuchKeyException".to_owned()),
        cause: Some(format!("The specified key does not exist: s3://{bucket}/{key}")),
    }
}
