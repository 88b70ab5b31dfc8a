use std::fs;
use std::io;
use std::path::Path;

use rusqlite::params;

use super::file_name::segment;
use super::tx::{Tx, TxError};
use super::{Home, HomeError, executions};

impl Home {
    /// Removes what an environment left here besides its resource records: objects in all their versions, deployments with
    /// their executions, notifications, values and logs. Nobody may work on a deployment of it meanwhile.
    ///
    /// # Errors
    ///
    /// [`HomeError`] when the database refuses, and nothing is removed then; or when a file cannot be removed, which nobody
    /// refers to any more.
    pub fn purge(&self, environment: &str) -> Result<(), HomeError> {
        let (deployments, blobs) = self.write(|tx| {
            let deployments = remove_deployments(tx, environment)?;
            tx.execute("DELETE FROM notifications WHERE environment = ?1", [environment])?;
            tx.execute("DELETE FROM environment_values WHERE environment = ?1", [environment])?;
            let mut blobs = remove_objects(tx, &format!("{environment}/"))?;
            blobs.extend(remove_objects(tx, &format!("outputs/{environment}/"))?);
            Ok((deployments, blobs))
        })?;
        for blob in blobs {
            remove(&self.blob_path(&blob), |path| fs::remove_file(path))?;
        }
        let logs = self.path().join("logs");
        for deployment in deployments {
            remove(&logs.join("worker").join(format!("{deployment}.log")), |path| fs::remove_file(path))?;
        }
        let jobs = ["attini", "deployment", "logs", "runner"].iter().fold(logs, |path, part| path.join(part));
        remove(&jobs.join(segment(environment)), |path| fs::remove_dir_all(path))
    }
}

fn remove(path: &Path, act: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), HomeError> {
    match act(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(HomeError::file("remove", path, error)),
        _ => Ok(()),
    }
}

/// The least text that is greater than all texts that begin with `prefix`, which ends in `/`: the next byte is `0`.
fn end_of(prefix: &str) -> String {
    format!("{}0", prefix.trim_end_matches('/'))
}

/// Returns the files of what was removed.
fn remove_objects(tx: &Tx<'_>, prefix: &str) -> Result<Vec<String>, TxError> {
    let range = params![prefix, end_of(prefix)];
    let sql = "SELECT blob FROM objects WHERE key >= ?1 AND key < ?2 AND blob IS NOT NULL";
    let blobs = tx.all(sql, range, |row| Ok(row.get(0)?))?;
    tx.execute("DELETE FROM objects WHERE key >= ?1 AND key < ?2", range)?;
    Ok(blobs)
}

/// Returns the ids of what was removed.
fn remove_deployments(tx: &Tx<'_>, environment: &str) -> Result<Vec<String>, TxError> {
    let prefix = format!("{environment}/");
    let range = params![prefix, end_of(&prefix)];
    let sql = "SELECT id FROM deployments WHERE object >= ?1 AND object < ?2";
    let ids: Vec<String> = tx.all(sql, range, |row| Ok(row.get(0)?))?;
    for id in &ids {
        for execution in executions::list_named(tx, id)? {
            for sql in [
                "DELETE FROM history WHERE execution = ?1",
                "DELETE FROM journal WHERE execution = ?1",
                "DELETE FROM snapshots WHERE execution = ?1",
                "DELETE FROM task_tokens WHERE execution = ?1",
                "DELETE FROM executions WHERE arn = ?1",
            ] {
                tx.execute(sql, [execution.as_str()])?;
            }
        }
        tx.execute("DELETE FROM intents WHERE target = ?1", [id])?;
        // Queues belong to one deployment, whose id stands at the end of their names.
        tx.execute("DELETE FROM messages WHERE queue LIKE '%#' || ?1", [id])?;
        tx.execute("DELETE FROM message_dedup WHERE queue LIKE '%#' || ?1", [id])?;
    }
    tx.execute("DELETE FROM deployments WHERE object >= ?1 AND object < ?2", range)?;
    tx.execute("DELETE FROM deployment_records WHERE object >= ?1 AND object < ?2", range)?;
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use attini_core::port::{Body, Inventory, LogLine, LogStore, ObjectStore, Precondition, RecordKey};
    use attini_core::value::{DeploymentName, ExecutionArn, MachineArn, ObjectIdentifier, ObjectKey, Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::store::executions::Machine;
    use crate::store::{FileLogStore, FsObjectStore, SqliteInventory, deployments};

    async fn fill(home: &Home, environment: &str) {
        let store = FsObjectStore::new(home.clone(), "origin");
        let key = ObjectKey::new(format!("{environment}/shop/shop.zip"));
        for text in ["secret one", "secret two"] {
            store.put(&key, Body::Bytes(text.into()), Precondition::None).await.expect("writes");
        }
        let output = ObjectKey::new(format!("outputs/{environment}/shop/1/output.json"));
        store.put(&output, Body::Bytes("{}".into()), Precondition::None).await.expect("writes");
        let object = ObjectIdentifier::from_record(format!("{environment}/shop/shop.zip#1"));
        let id = format!("id-of-{environment}");
        let name = DeploymentName::of_raw(environment, "shop");
        let body = json!({ "objectIdentifier": object.as_str() });
        let key = RecordKey::Deployment(name, Timestamp::from_ms(7));
        let inventory = SqliteInventory::new(home.clone());
        inventory.put(&key, body.as_object().expect("object").clone(), Precondition::None).await.expect("writes");
        let arn = ExecutionArn::from_record(format!("arn:aws:states:eu-west-1:000000000000:execution:m:{id}-1"));
        home.write(|tx| {
            deployments::insert(tx, &id, &object, Timestamp::from_ms(7))?;
            let machine = MachineArn::from_record("arn:aws:states:eu-west-1:000000000000:stateMachine:m");
            let machine = Machine { arn: machine, definition: Value::Null, updated: Timestamp::from_ms(7) };
            executions::insert(tx, &arn, &machine, &Value::Null, "s", Timestamp::from_ms(7))?;
            Ok(())
        })
        .expect("writes");
        let log = ObjectKey::new(format!("attini/deployment/logs/runner/{environment}/shop/1/Job/{id}-1"));
        let line = LogLine { time: Timestamp::from_ms(7), text: "secret three".to_owned() };
        FileLogStore::new(home.clone()).append(&log, &[line]).await.expect("writes");
    }

    /// Files with contents of deployments, and rows of all tables that hold deployments.
    fn holdings(home: &Home) -> (usize, i64) {
        let files = ["objects", "logs"].map(|name| walkdir::WalkDir::new(home.path().join(name)));
        let files = files.into_iter().flatten().filter(|entry| entry.as_ref().expect("reads").file_type().is_file());
        let sql = "SELECT (SELECT count(*) FROM objects) + (SELECT count(*) FROM deployments) \
                   + (SELECT count(*) FROM deployment_records) + (SELECT count(*) FROM executions)";
        let rows = home.read(|tx| tx.first(sql, [], |row| Ok(row.get(0)?))).expect("reads").expect("counts");
        (files.count(), rows)
    }

    #[tokio::test]
    async fn nothing_of_the_environment_is_left_and_nothing_of_others_goes() {
        let dir = tempfile::tempdir().expect("creates");
        let home = Home::open(dir.path()).expect("opens");
        fill(&home, "dev").await;
        let only = holdings(&home);
        fill(&home, "dev-2").await;
        home.purge("dev-2").expect("removes");
        assert_eq!(holdings(&home), only);
        home.purge("de").expect("has nothing to remove");
        assert_eq!(holdings(&home), only);
        home.purge("dev").expect("removes");
        assert_eq!(holdings(&home), (0, 0));
        home.purge("dev").expect("can be repeated");
    }
}
