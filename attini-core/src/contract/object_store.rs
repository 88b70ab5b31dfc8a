//! Promises of [`ObjectStore`].

use std::io::{self, Read, Seek, SeekFrom};

use crate::port::{Body, ObjectStore, Page, Precondition, StoreError};
use crate::value::{KeyPrefix, ObjectKey, VersionId};

/// Runs all tests. The store holds nothing below `contract/`.
pub async fn all(store: &dyn ObjectStore) {
    a_missing_object_is_not_found(store).await;
    an_object_is_read_back(store).await;
    an_opened_object_is_read_at_any_position(store).await;
    a_reader_is_stored_to_its_end(store).await;
    a_reader_that_fails_stores_nothing(store).await;
    a_write_keeps_older_versions(store).await;
    absent_is_checked(store).await;
    unchanged_is_checked(store).await;
    a_deletion_hides_and_is_repeatable(store).await;
    a_version_belongs_to_its_object(store).await;
    a_listing_has_each_key_once_in_byte_order(store).await;
    a_listing_goes_on_after_any_key(store).await;
    prefix_of_an_id_spares_its_neighbours(store).await;
    keys_are_compared_byte_by_byte(store).await;
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(format!("contract/{text}"))
}

async fn put(store: &dyn ObjectStore, key: &ObjectKey, content: &'static str) -> VersionId {
    store.put(key, content.into(), Precondition::None).await.expect("writes")
}

async fn get(store: &dyn ObjectStore, key: &ObjectKey, version: Option<&VersionId>) -> String {
    let content = store.get(key, version).await.expect("reads");
    String::from_utf8(content.to_vec()).expect("is text")
}

async fn assert_missing(store: &dyn ObjectStore, key: &ObjectKey, version: Option<&VersionId>) {
    let error = store.get(key, version).await.expect_err("is missing");
    assert!(matches!(&error, StoreError::NotFound { key: found } if found == key), "{error}");
    match store.open(key, version).await {
        Err(StoreError::NotFound { key: found }) => assert_eq!(found, *key),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{key} is there"),
    }
}

fn assert_conflict(result: Result<VersionId, StoreError>, key: &ObjectKey) {
    match result {
        Err(StoreError::Conflict { key: found }) => assert_eq!(found, *key),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{key} was written although its condition does not hold"),
    }
}

async fn list(store: &dyn ObjectStore, prefix: &str, after: Option<ObjectKey>) -> Vec<String> {
    let prefix = KeyPrefix::closed(&format!("contract/{prefix}"));
    let mut after = after;
    let mut found = Vec::new();
    loop {
        let Page { items, more } = store.list(&prefix, after.as_ref()).await.expect("lists");
        for key in items {
            let rest = key.as_str().strip_prefix(prefix.as_str());
            found.push(rest.expect("the listing holds keys of the prefix only").to_owned());
            after = Some(key);
        }
        if !more {
            return found;
        }
    }
}

/// With its key in the error.
pub async fn a_missing_object_is_not_found(store: &dyn ObjectStore) {
    assert_missing(store, &key("missing"), None).await;
    assert_eq!(list(store, "missing", None).await, [""; 0]);
}

/// Empty ones, too.
pub async fn an_object_is_read_back(store: &dyn ObjectStore) {
    for (name, content) in [("read/full", "content ä\r\n\u{0}"), ("read/empty", "")] {
        let version = put(store, &key(name), content).await;
        assert_eq!(get(store, &key(name), None).await, content);
        assert_eq!(get(store, &key(name), Some(&version)).await, content);
    }
}

/// A zip is read from its end.
pub async fn an_opened_object_is_read_at_any_position(store: &dyn ObjectStore) {
    let key = key("open");
    put(store, &key, "0123456789").await;
    let mut reader = store.open(&key, None).await.expect("opens");
    let mut text = String::new();
    reader.seek(SeekFrom::End(-3)).and_then(|_| reader.read_to_string(&mut text)).expect("reads");
    assert_eq!(text, "789");
    text.clear();
    reader.seek(SeekFrom::Start(8)).and_then(|_| reader.read_to_string(&mut text)).expect("reads");
    assert_eq!(text, "89");
    text.clear();
    reader.rewind().and_then(|()| reader.read_to_string(&mut text)).expect("reads");
    assert_eq!(text, "0123456789");
}

/// Gives its content in pieces of seven bytes, then fails if it should.
struct Pieces {
    content: io::Cursor<Vec<u8>>,
    fails: bool,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len().min(7);
        match self.content.read(&mut buffer[..length])? {
            0 if self.fails => Err(io::Error::other("the reader failed")),
            count => Ok(count),
        }
    }
}

/// However small the pieces.
pub async fn a_reader_is_stored_to_its_end(store: &dyn ObjectStore) {
    let key = key("reader");
    let content: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    let reader = Pieces { content: io::Cursor::new(content.clone()), fails: false };
    store.put(&key, Body::Reader(Box::new(reader)), Precondition::None).await.expect("writes");
    assert_eq!(store.get(&key, None).await.expect("reads"), content);
}

/// A write is seen whole or not at all.
pub async fn a_reader_that_fails_stores_nothing(store: &dyn ObjectStore) {
    let key = key("broken");
    let reader = Pieces { content: io::Cursor::new(vec![0; 1000]), fails: true };
    let result = store.put(&key, Body::Reader(Box::new(reader)), Precondition::None).await;
    assert!(matches!(result, Err(StoreError::Unavailable { .. })), "{result:?}");
    assert_missing(store, &key, None).await;
}

/// Every write makes a new version, also of the same content.
pub async fn a_write_keeps_older_versions(store: &dyn ObjectStore) {
    let key = key("versions");
    let first = put(store, &key, "one").await;
    let second = put(store, &key, "two").await;
    let third = put(store, &key, "two").await;
    assert!(first != second && second != third && first != third);
    assert_eq!(get(store, &key, None).await, "two");
    assert_eq!(get(store, &key, Some(&first)).await, "one");
    assert_eq!(get(store, &key, Some(&second)).await, "two");
}

/// [`Precondition::Absent`] leaves an existing object untouched, and takes one that was deleted.
pub async fn absent_is_checked(store: &dyn ObjectStore) {
    let key = key("absent");
    let first = store.put(&key, "one".into(), Precondition::Absent).await.expect("writes");
    assert_conflict(store.put(&key, "two".into(), Precondition::Absent).await, &key);
    assert_eq!(get(store, &key, None).await, "one");
    store.delete(&key).await.expect("deletes");
    let second = store.put(&key, "three".into(), Precondition::Absent).await.expect("writes");
    assert_ne!(first, second);
    assert_eq!(get(store, &key, None).await, "three");
}

/// [`Precondition::Unchanged`] takes the newest version only.
pub async fn unchanged_is_checked(store: &dyn ObjectStore) {
    let key = key("unchanged");
    let first = put(store, &key, "one").await;
    let second = store.put(&key, "two".into(), Precondition::Unchanged(first.clone())).await.expect("writes");
    assert_conflict(store.put(&key, "three".into(), Precondition::Unchanged(first)).await, &key);
    assert_eq!(get(store, &key, None).await, "two");
    store.delete(&key).await.expect("deletes");
    assert_conflict(store.put(&key, "four".into(), Precondition::Unchanged(second)).await, &key);
    assert_missing(store, &key, None).await;
}

/// Older versions stay.
pub async fn a_deletion_hides_and_is_repeatable(store: &dyn ObjectStore) {
    let key = key("delete/one");
    let version = put(store, &key, "one").await;
    store.delete(&key).await.expect("deletes");
    assert_missing(store, &key, None).await;
    assert_eq!(get(store, &key, Some(&version)).await, "one");
    assert_eq!(list(store, "delete", None).await, [""; 0]);
    store.delete(&key).await.expect("is absent already");
    put(store, &key, "two").await;
    assert_eq!(get(store, &key, None).await, "two");
    assert_eq!(list(store, "delete", None).await, ["one"]);
}

/// The version of another object finds nothing.
pub async fn a_version_belongs_to_its_object(store: &dyn ObjectStore) {
    let one = put(store, &key("of/one"), "one").await;
    put(store, &key("of/two"), "two").await;
    assert_missing(store, &key("of/two"), Some(&one)).await;
    assert_missing(store, &key("of/three"), Some(&one)).await;
}

/// Newest versions that are not deleted, in all pages.
pub async fn a_listing_has_each_key_once_in_byte_order(store: &dyn ObjectStore) {
    let sorted = ["A", "Z", "a", "a-b", "a.b", "a/b", "a/b/c", "ä"];
    for name in sorted.iter().rev() {
        put(store, &key(&format!("list/{name}")), "one").await;
        put(store, &key(&format!("list/{name}")), "two").await;
    }
    put(store, &key("list/gone"), "one").await;
    store.delete(&key("list/gone")).await.expect("deletes");
    assert_eq!(list(store, "list", None).await, sorted);
}

/// Whether that key is there or not.
pub async fn a_listing_goes_on_after_any_key(store: &dyn ObjectStore) {
    for name in ["a", "c", "d"] {
        put(store, &key(&format!("after/{name}")), "").await;
    }
    assert_eq!(list(store, "after", Some(key("after/b"))).await, ["c", "d"]);
    assert_eq!(list(store, "after", Some(key("after/c"))).await, ["d"]);
    assert_eq!(list(store, "after", Some(key("after/d"))).await, [""; 0]);
    assert_eq!(list(store, "after", Some(key("after"))).await, ["a", "c", "d"]);
}

/// Id `1.0` and id `1.0-rc` are two (user guide, case 18).
pub async fn prefix_of_an_id_spares_its_neighbours(store: &dyn ObjectStore) {
    for name in ["1.0/file", "1.0-rc/file", "1.00/file", "1.0", "1/0/file"] {
        put(store, &key(&format!("ids/{name}")), "").await;
    }
    assert_eq!(list(store, "ids/1.0", None).await, ["file"]);
    assert_eq!(list(store, "ids/1.0-rc", None).await, ["file"]);
}

/// A key is not a path, and nothing is folded together.
pub async fn keys_are_compared_byte_by_byte(store: &dyn ObjectStore) {
    let keys = ["a", "A", "a ", "a%20", "ä", "a\u{308}", "a/", "a//b", "a/b", "a+b", "a&b=c", "a\"b", "a'b"];
    for name in keys {
        put(store, &key(&format!("bytes/{name}")), name).await;
    }
    for name in keys {
        assert_eq!(get(store, &key(&format!("bytes/{name}")), None).await, name);
    }
    assert_eq!(list(store, "bytes", None).await.len(), keys.len());
}
