//! Templates in the artifact store.

use attini_core::document::Document;
use attini_core::port::{ObjectStore, StoreError};
use attini_core::problem::Problems;
use attini_core::value::ObjectKey;
use futures::executor::block_on;
use serde_json::Value;

use super::parts::Parts;
use crate::store::FsObjectStore;

/// Reads a template of the artifact store.
pub(super) fn parse(key: &ObjectKey, bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("the template {key} is not UTF-8"))?;
    let file = key.as_str().rsplit("distribution-origin/").next().unwrap_or(key.as_str());
    let document = Document::parse(file, text).map_err(|problems| problems.to_string())?;
    let duplicates = document.duplicate_keys();
    if duplicates.is_empty() { Ok(document.to_json()) } else { Err(Problems(duplicates).to_string()) }
}

/// Returns the template that the `TemplateURL` of a nested stack names, or why it cannot be had.
///
/// As in an account, it has to be an address of S3; only those in the artifact store are on this machine.
pub(super) fn nested(parts: &Parts, address: &str) -> Result<Value, String> {
    let bucket = parts.place.artifact_bucket();
    let advice = format!(
        "put the template into the distribution and name it there: https://{bucket}.s3.{}.{}/ENVIRONMENT/DISTRIBUTION/ID/distribution-origin/FILE",
        parts.place.region,
        parts.place.region.partition().suffix
    );
    let key = match object(address) {
        Some((named, key)) if named == bucket => key,
        Some((named, _)) => return Err(format!("the bucket {named} is not on this machine; {advice}")),
        None => return Err(format!("CloudFormation takes an address of S3 only; {advice}")),
    };
    let key = ObjectKey::new(key);
    let store = FsObjectStore::new(parts.home.clone(), bucket);
    // The store behind the port answers at once, so there is nothing to wait for here.
    match block_on(store.get(&key, None)) {
        Ok(bytes) => parse(&key, &bytes),
        Err(StoreError::NotFound { .. }) => Err(format!("there is no object {key} in the artifact store; {advice}")),
        Err(error) => Err(attini_core::framework::explain(&error)),
    }
}

/// Returns bucket and key of an address of S3 in any of its forms.
fn object(address: &str) -> Option<(&str, &str)> {
    if let Some(rest) = address.strip_prefix("s3://") {
        return rest.split_once('/');
    }
    let (host, path) = address.strip_prefix("https://")?.split_once('/')?;
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let service = |host: &str| {
        let rest = host.strip_prefix("s3")?;
        (rest.starts_with(['.', '-']) && rest.contains(".amazonaws.")).then_some(())
    };
    if service(host).is_some() {
        return path.split_once('/');
    }
    let at = host.find(".s3.").or_else(|| host.find(".s3-"))?;
    let (bucket, rest) = host.split_at(at);
    service(rest.strip_prefix('.')?)?;
    Some((bucket, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_s3_have_bucket_and_key() {
        for address in [
            "https://s3.amazonaws.com/bucket/a/b.yaml",
            "https://s3.eu-west-1.amazonaws.com/bucket/a/b.yaml",
            "https://s3-eu-west-1.amazonaws.com/bucket/a/b.yaml",
            "https://bucket.s3.amazonaws.com/a/b.yaml",
            "https://bucket.s3.eu-west-1.amazonaws.com/a/b.yaml?versionId=1",
            "https://bucket.s3-eu-west-1.amazonaws.com/a/b.yaml",
            "https://bucket.s3.cn-north-1.amazonaws.com.cn/a/b.yaml",
            "s3://bucket/a/b.yaml",
        ] {
            assert_eq!(object(address), Some(("bucket", "a/b.yaml")), "{address}");
        }
        for address in ["./child.yaml", "/child.yaml", "http://s3.amazonaws.com/b/k", "https://example.com/b/k"] {
            assert_eq!(object(address), None, "{address}");
        }
    }
}
