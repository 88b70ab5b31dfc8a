//! Promises of [`Inventory`].

use serde_json::{Map, Value, json};

use crate::port::{
    Inventory, InventoryError, Page, Precondition, Record, RecordKey, ResourceKind, Revision, update, update_if_present,
};
use crate::value::{DeploymentName, ObjectIdentifier, Timestamp};

/// Runs all tests. The inventory holds nothing whose name starts with `contract`.
pub async fn all(inventory: &dyn Inventory) {
    a_missing_record_is_none(inventory).await;
    a_record_is_read_back_whole(inventory).await;
    a_write_replaces_the_whole_record(inventory).await;
    absent_is_checked(inventory).await;
    unchanged_is_checked(inventory).await;
    a_revision_never_returns(inventory).await;
    a_deletion_is_conditional_and_repeatable(inventory).await;
    deployments_come_newest_first_without_the_copy(inventory).await;
    deployments_of_one_name_spare_its_neighbours(inventory).await;
    an_upload_has_its_copy_only_while_that_is_its_own(inventory).await;
    resources_come_in_byte_order_of_one_kind(inventory).await;
    an_update_keeps_the_rest_and_creates_only_when_asked(inventory).await;
}

fn body(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(body) => body,
        other => panic!("{other} is no object"),
    }
}

fn resource(name: &str) -> RecordKey {
    RecordKey::Resource(ResourceKind::Distribution, format!("contract-{name}"))
}

fn name(text: &str) -> DeploymentName {
    DeploymentName::of_raw("contract", text)
}

fn deployment(text: &str, ms: i64) -> RecordKey {
    RecordKey::Deployment(name(text), Timestamp::from_ms(ms))
}

async fn put(inventory: &dyn Inventory, key: &RecordKey, value: Value) -> Revision {
    inventory.put(key, body(value), Precondition::None).await.expect("writes")
}

async fn find(inventory: &dyn Inventory, key: &RecordKey) -> Option<Record> {
    inventory.find(key).await.expect("reads")
}

fn assert_conflict<T>(result: Result<T, InventoryError>, key: &RecordKey) {
    match result {
        Err(InventoryError::Conflict { key: found }) => assert_eq!(found, *key),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{key} was changed although its condition does not hold"),
    }
}

/// Nothing there is no error.
pub async fn a_missing_record_is_none(inventory: &dyn Inventory) {
    assert_eq!(find(inventory, &resource("missing")).await, None);
    assert_eq!(find(inventory, &deployment("missing", 1)).await, None);
    assert_eq!(find(inventory, &RecordKey::latest(&name("missing"))).await, None);
}

/// Every kind of attribute survives.
pub async fn a_record_is_read_back_whole(inventory: &dyn Inventory) {
    let value = json!({
        "text": "ä \"quoted\" \n", "empty": "", "number": 1_666_777_560_930_i64, "negative": -1, "fraction": 0.5, "yes": true,
        "null": null, "list": [1, "a", {"b": []}], "map": {"a b": {}, "ä.[0]": "x"},
    });
    for key in [resource("whole"), deployment("whole", 7), RecordKey::latest(&name("whole"))] {
        let revision = put(inventory, &key, value.clone()).await;
        let record = find(inventory, &key).await.expect("was written");
        assert_eq!(record, Record { key, body: body(value.clone()), revision });
    }
}

/// `put` is not an update.
pub async fn a_write_replaces_the_whole_record(inventory: &dyn Inventory) {
    let key = resource("replace");
    put(inventory, &key, json!({"a": 1, "b": 2})).await;
    put(inventory, &key, json!({"a": 3})).await;
    assert_eq!(find(inventory, &key).await.expect("was written").body, body(json!({"a": 3})));
}

/// [`Precondition::Absent`] takes a free key only, and leaves a record as it is.
pub async fn absent_is_checked(inventory: &dyn Inventory) {
    for key in [resource("absent"), deployment("absent", 5)] {
        let first = inventory.put(&key, body(json!({"a": 1})), Precondition::Absent).await.expect("writes");
        assert_conflict(inventory.put(&key, body(json!({"a": 2})), Precondition::Absent).await, &key);
        let record = find(inventory, &key).await.expect("was written");
        assert_eq!((record.body, record.revision), (body(json!({"a": 1})), first));
    }
}

/// [`Precondition::Unchanged`] takes the newest revision only.
pub async fn unchanged_is_checked(inventory: &dyn Inventory) {
    for key in [resource("unchanged"), deployment("unchanged", 5)] {
        let first = put(inventory, &key, json!({"a": 1})).await;
        let when = Precondition::Unchanged(first.clone());
        let second = inventory.put(&key, body(json!({"a": 2})), when.clone()).await.expect("writes");
        assert_conflict(inventory.put(&key, body(json!({"a": 3})), when).await, &key);
        assert_eq!(find(inventory, &key).await.map(|record| record.revision), Some(second.clone()));

        inventory.delete(&key, Precondition::None).await.expect("deletes");
        assert_conflict(inventory.put(&key, body(json!({"a": 4})), Precondition::Unchanged(second)).await, &key);
        assert_eq!(find(inventory, &key).await, None);
    }
}

/// Two equal revisions mean that nobody wrote in between: not even the same content, nor after a deletion.
pub async fn a_revision_never_returns(inventory: &dyn Inventory) {
    let key = resource("revision");
    let first = put(inventory, &key, json!({"a": 1})).await;
    let second = put(inventory, &key, json!({"a": 1})).await;
    inventory.delete(&key, Precondition::None).await.expect("deletes");
    let third = put(inventory, &key, json!({"a": 1})).await;
    assert!(first != second && second != third && first != third, "{first:?} {second:?} {third:?}");
}

/// A deletion is checked like a write; without a condition it may find nothing.
pub async fn a_deletion_is_conditional_and_repeatable(inventory: &dyn Inventory) {
    let key = resource("delete");
    let first = put(inventory, &key, json!({})).await;
    let second = put(inventory, &key, json!({})).await;
    assert_conflict(inventory.delete(&key, Precondition::Unchanged(first)).await, &key);
    assert!(find(inventory, &key).await.is_some());
    inventory.delete(&key, Precondition::Unchanged(second.clone())).await.expect("deletes");
    assert_eq!(find(inventory, &key).await, None);
    inventory.delete(&key, Precondition::None).await.expect("is absent already");
    assert_conflict(inventory.delete(&key, Precondition::Unchanged(second)).await, &key);
}

async fn times(inventory: &dyn Inventory, of: &str, before: Option<i64>) -> Vec<i64> {
    let mut before = before.map(Timestamp::from_ms);
    let mut found = Vec::new();
    loop {
        let Page { items, more } = inventory.list_deployments(&name(of), before).await.expect("lists");
        for record in items {
            match record.key {
                RecordKey::Deployment(owner, time) => {
                    assert_eq!(owner, name(of));
                    found.push(time.as_ms());
                    before = Some(time);
                }
                other @ RecordKey::Resource(..) => panic!("{other} is no deployment"),
            }
        }
        if !more {
            return found;
        }
    }
}

/// Pages of deployments, newest first; time 0 is a copy and no deployment.
pub async fn deployments_come_newest_first_without_the_copy(inventory: &dyn Inventory) {
    for ms in [30, 0, 10, 1_700_000_000_000, 9, 20] {
        put(inventory, &deployment("list", ms), json!({})).await;
    }
    assert_eq!(times(inventory, "list", None).await, [1_700_000_000_000, 30, 20, 10, 9]);
    assert_eq!(times(inventory, "list", Some(20)).await, [10, 9]);
    assert_eq!(times(inventory, "list", Some(9)).await, [0_i64; 0]);
    assert_eq!(times(inventory, "list-none", None).await, [0_i64; 0]);
}

/// A name that starts like another is another.
pub async fn deployments_of_one_name_spare_its_neighbours(inventory: &dyn Inventory) {
    for of in ["site", "site-2", "sit"] {
        put(inventory, &deployment(of, 1), json!({})).await;
    }
    assert_eq!(times(inventory, "site", None).await, [1]);
}

/// Later writers find every record of an upload by its identifier (init-deploy.md 8.1).
pub async fn an_upload_has_its_copy_only_while_that_is_its_own(inventory: &dyn Inventory) {
    let owner = name("upload");
    let of = |object: &str| json!({"objectIdentifier": object});
    let list = async |object: &str| {
        let object = ObjectIdentifier::from_record(object);
        let found = inventory.list_by_object(&owner, &object).await.expect("lists");
        let mut times: Vec<i64> = found
            .into_iter()
            .map(|record| match record.key {
                RecordKey::Deployment(found, time) if found == owner => time.as_ms(),
                other => panic!("{other} is none of {owner}"),
            })
            .collect();
        times.sort_unstable();
        times
    };
    put(inventory, &deployment("upload", 1), of("k#1")).await;
    put(inventory, &deployment("upload", 0), of("k#1")).await;
    put(inventory, &deployment("upload-2", 1), of("k#1")).await;
    assert_eq!(list("k#1").await, [0, 1]);

    put(inventory, &deployment("upload", 2), of("k#11")).await;
    put(inventory, &deployment("upload", 0), of("k#11")).await;
    assert_eq!(list("k#1").await, [1]);
    assert_eq!(list("k#11").await, [0, 2]);
    assert_eq!(list("k#").await, [0_i64; 0]);
}

async fn names(inventory: &dyn Inventory, kind: ResourceKind, after: Option<&str>) -> Vec<String> {
    let mut after = after.map(str::to_owned);
    let mut found: Vec<String> = Vec::new();
    loop {
        let Page { items, more } = inventory.list_resources(kind, after.as_deref()).await.expect("lists");
        for record in items {
            match record.key {
                RecordKey::Resource(owner, name) if owner == kind => {
                    after = Some(name.clone());
                    found.push(name);
                }
                other => panic!("{other} is no {}", kind.as_str()),
            }
        }
        if !more {
            return found.into_iter().filter(|name| name.starts_with("contract-r-")).collect();
        }
    }
}

/// Pages of one kind in byte order: `Z` before `a`, `-` before `.`, text beyond ASCII last.
pub async fn resources_come_in_byte_order_of_one_kind(inventory: &dyn Inventory) {
    let sorted = ["contract-r-A", "contract-r-Z", "contract-r-a", "contract-r-a-b", "contract-r-a.b", "contract-r-ä"];
    for name in sorted.iter().rev() {
        put(inventory, &RecordKey::Resource(ResourceKind::Environment, (*name).to_owned()), json!({})).await;
    }
    put(inventory, &RecordKey::Resource(ResourceKind::Runner, "contract-r-x".to_owned()), json!({})).await;
    assert_eq!(names(inventory, ResourceKind::Environment, None).await, sorted);
    assert_eq!(names(inventory, ResourceKind::Environment, Some("contract-r-a-a")).await, sorted[3..]);
    assert_eq!(names(inventory, ResourceKind::Runner, None).await, ["contract-r-x"]);
}

/// [`update`] and [`update_if_present`] work on this inventory.
pub async fn an_update_keeps_the_rest_and_creates_only_when_asked(inventory: &dyn Inventory) {
    let key = resource("update");
    let set = |field: &'static str| move |body: &mut Map<String, Value>| drop(body.insert(field.to_owned(), json!(1)));
    assert_eq!(update_if_present(inventory, &key, set("a")).await.expect("reads"), None);
    assert_eq!(find(inventory, &key).await, None);
    update(inventory, &key, set("a")).await.expect("writes");
    let found = update_if_present(inventory, &key, set("b")).await.expect("writes");
    assert_eq!(found, Some(body(json!({"a": 1, "b": 1}))));
    assert_eq!(find(inventory, &key).await.map(|record| record.body), found);
}
