//! The local store keeps the promises of the ports, also between processes and after a kill.

#![cfg(feature = "engine")]

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use attini_core::contract;
use attini_core::contract::SettableClock;
use attini_core::port::{
    Body, Clock, Inventory, JobQueue, LogLine, LogStore, ObjectStore, Precondition, RecordKey, ResourceKind, update,
};
use attini_core::value::{ExecutionArn, ObjectKey, TaskToken, Timestamp};
use attini_local::store::{
    EnvironmentValues, FileLogStore, FsObjectStore, Home, NamedLock, RandomIds, SqliteInventory, SqliteNotifications,
    SqliteParameters, SqliteQueue, SqliteTaskTokens, SystemClock, WorkerLease, task_tokens,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Names the home in processes that a test starts from this same program.
const HELPER_HOME: &str = "ATTINI_TEST_HELPER_HOME";

fn home() -> (TempDir, Home) {
    let dir = tempfile::tempdir().expect("creates");
    let home = Home::open(dir.path()).expect("opens");
    (dir, home)
}

/// Runs one of the `helper_*` tests below in a process of its own.
fn helper(test: &str, home: &Path) -> Child {
    let program = std::env::current_exe().expect("is known");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]).env(HELPER_HOME, home);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts")
}

/// The home that a helper works on; `None` when the test was not started as one.
fn helper_home() -> Option<Home> {
    let path = std::env::var_os(HELPER_HOME)?;
    Some(Home::open(Path::new(&path)).expect("opens"))
}

#[tokio::test]
async fn sqlite_inventory() {
    let (_dir, home) = home();
    contract::inventory::all(&SqliteInventory::new(home)).await;
}

#[tokio::test]
async fn sqlite_inventory_has_all_pages() {
    let (_dir, home) = home();
    let inventory = SqliteInventory::new(home);
    for number in 0..250 {
        let key = RecordKey::Resource(ResourceKind::Runner, format!("{number:03}"));
        inventory.put(&key, serde_json::Map::new(), Precondition::None).await.expect("writes");
    }
    let first = inventory.list_resources(ResourceKind::Runner, None).await.expect("lists");
    assert_eq!((first.items.len(), first.more), (100, true));
    let last = inventory.list_resources(ResourceKind::Runner, Some("149")).await.expect("lists");
    assert_eq!((last.items.len(), last.more), (100, false));
}

#[tokio::test]
async fn fs_object_store() {
    let (_dir, home) = home();
    contract::object_store::all(&FsObjectStore::new(home, "bucket")).await;
}

#[tokio::test]
async fn buckets_are_apart() {
    let (_dir, home) = home();
    let (one, two) = (FsObjectStore::new(home.clone(), "one"), FsObjectStore::new(home, "two"));
    let key = ObjectKey::new("contract/a");
    let version = one.put(&key, "x".into(), Precondition::None).await.expect("writes");
    assert!(two.get(&key, Some(&version)).await.is_err());
    contract::object_store::all(&two).await;
}

#[tokio::test]
async fn versions_sort_like_the_writes() {
    let (_dir, home) = home();
    let store = FsObjectStore::new(home, "bucket");
    let mut versions = Vec::new();
    for _ in 0..12 {
        versions.push(store.put(&ObjectKey::new("a"), "x".into(), Precondition::None).await.expect("writes"));
    }
    assert!(versions.is_sorted());
}

#[tokio::test]
async fn a_refused_or_failed_write_leaves_no_file() {
    let (dir, home) = home();
    let store = FsObjectStore::new(home, "bucket");
    let key = ObjectKey::new("a");
    store.put(&key, "x".into(), Precondition::Absent).await.expect("writes");
    store.put(&key, "y".into(), Precondition::Absent).await.expect_err("exists");
    let broken = Body::Reader(Box::new(io::empty().chain(Broken)));
    store.put(&key, broken, Precondition::None).await.expect_err("fails");
    let files = walkdir::WalkDir::new(dir.path().join("objects")).into_iter();
    assert_eq!(files.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file())).count(), 1);
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("broken"))
    }
}

#[tokio::test]
async fn sqlite_parameters() {
    let (_dir, home) = home();
    contract::parameter_store::all(&SqliteParameters::new(home)).await;
}

#[tokio::test]
async fn sqlite_queue() {
    let (_dir, home) = home();
    let clock = Arc::new(SettableClock::at(1_000));
    let visibility = Duration::from_secs(15);
    let queue = SqliteQueue::new(home, clock.clone(), visibility);
    contract::job_queue::all(&queue, ["a", "b"], clock.as_ref(), visibility).await;
}

#[tokio::test]
async fn a_release_of_an_older_delivery_leaves_the_newer_one_hidden() {
    let (_dir, home) = home();
    let clock = Arc::new(SettableClock::at(1_000));
    let queue = SqliteQueue::new(home, clock.clone(), Duration::from_secs(15));
    queue.send("q", "1", "job").await.expect("sends");
    let first = queue.receive("q").await.expect("receives").expect("was sent");
    clock.advance(Duration::from_secs(15));
    queue.receive("q").await.expect("receives").expect("shows again");
    queue.release("q", &first.handle).await.expect("does nothing");
    assert_eq!(queue.receive("q").await.expect("receives"), None);
}

#[tokio::test]
async fn file_log_store() {
    let (_dir, home) = home();
    contract::log_store::all(&FileLogStore::new(home)).await;
}

#[tokio::test]
async fn a_follower_in_another_process_sees_what_a_writer_appends() {
    let (_dir, home) = home();
    let (writer, follower) = (FileLogStore::new(home.clone()), FileLogStore::new(home));
    let log = ObjectKey::new("log");
    for number in 0..50 {
        let line = LogLine { time: Timestamp::from_ms(number), text: format!("line {number}") };
        writer.append(&log, std::slice::from_ref(&line)).await.expect("writes");
        let from = usize::try_from(number).expect("is small");
        assert_eq!(follower.read(&log, from).await.expect("reads"), [line]);
    }
}

#[tokio::test]
async fn sqlite_notifications() {
    let (_dir, home) = home();
    let notifications = SqliteNotifications::new(home);
    contract::notifications::all(&notifications).await;
    let found = notifications.list(0).expect("reads");
    assert_eq!(found.iter().map(|found| found.kind.as_str()).collect::<Vec<_>>(), ["InitDeploy", "InitDeploy"]);
    let first = found.first().expect("two were published");
    assert_eq!((first.status.as_str(), first.environment.as_str()), ("STARTED", "dev"));
    assert_eq!(first.body, json!({"type": "InitDeploy", "text": "ä"}));
    assert_eq!(notifications.list(first.number).expect("reads"), found[1..]);
}

#[tokio::test]
async fn sqlite_task_tokens() {
    let (_dir, home) = home();
    let clock: Arc<dyn Clock> = Arc::new(SettableClock::at(1_000));
    let ids = attini_core::contract::SequentialIds::default();
    let execution = ExecutionArn::from_record("arn:e");
    let open = || {
        let token = TaskToken::new(attini_core::port::Ids::uuid(&ids));
        let opened = home.write(|tx| task_tokens::open(tx, &token, &execution, "effect", Timestamp::from_ms(1)));
        opened.expect("opens");
        token
    };
    contract::task_tokens::all(&SqliteTaskTokens::new(home.clone(), clock), &open).await;
    let answers = home.write(|tx| task_tokens::take_answers(tx, &execution)).expect("takes");
    let cut = task_tokens::Answer::Failed { error: "ä".repeat(256), cause: "ä".repeat(32_768) };
    assert!(answers.contains(&("effect".to_owned(), cut)));
    assert_eq!(answers.first().map(|(_, answer)| answer), Some(&task_tokens::Answer::Succeeded(json!({"a": "ä"}))));
}

#[tokio::test]
async fn system_clock_and_random_ids() {
    contract::clock::all(&SystemClock::new()).await;
    contract::clock::ids(&RandomIds);
}

#[test]
fn environments_have_values_of_their_own() {
    let (_dir, home) = home();
    let values = EnvironmentValues::new(home);
    values.set_values("dev", &json!({"parameters": {"/a": "1"}})).expect("writes");
    values.set_values("dev", &json!({"parameters": {"/a": "2"}})).expect("writes");
    assert_eq!(values.values("dev").expect("reads"), json!({"parameters": {"/a": "2"}}));
    assert_eq!(values.values("prod").expect("reads"), json!({}));
}

const COUNTER: &str = "counter";

async fn count(home: &Home, times: usize) {
    let inventory = SqliteInventory::new(home.clone());
    let key = RecordKey::Resource(ResourceKind::Environment, COUNTER.to_owned());
    for _ in 0..times {
        update(&inventory, &key, |body| {
            let count = body.get("count").and_then(Value::as_i64).unwrap_or(0);
            body.insert("count".to_owned(), json!(count + 1));
        })
        .await
        .expect("writes");
    }
}

/// Part of [`writers_in_two_processes_lose_nothing`].
#[tokio::test]
async fn helper_counts() {
    if let Some(home) = helper_home() {
        count(&home, 500).await;
    }
}

#[tokio::test]
async fn writers_in_two_processes_lose_nothing() {
    let (dir, home) = home();
    let mut child = helper("helper_counts", dir.path());
    count(&home, 500).await;
    assert!(child.wait().expect("ends").success());
    let key = RecordKey::Resource(ResourceKind::Environment, COUNTER.to_owned());
    let record = SqliteInventory::new(home).find(&key).await.expect("reads").expect("was written");
    assert_eq!(record.body.get("count"), Some(&json!(1_000)));
}

#[test]
fn writers_with_two_handles_lose_nothing() {
    let (dir, _home) = home();
    let add = || {
        let home = Home::open(dir.path()).expect("opens");
        for _ in 0..500 {
            let values = EnvironmentValues::new(home.clone());
            let added = home.write(|tx| attini_local::store::stacks::append_event(tx, "id", &json!(1)));
            added.expect("writes");
            values.values("dev").expect("reads");
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(add);
        scope.spawn(add);
    });
    let home = Home::open(dir.path()).expect("opens");
    let mut found = 0;
    let mut after = 0;
    loop {
        let page = home.read(|tx| attini_local::store::stacks::events(tx, "id", after)).expect("reads");
        found += page.items.len();
        after = page.items.last().map_or(after, |(number, _)| *number);
        if !page.more {
            break;
        }
    }
    assert_eq!(found, 1_000);
}

#[test]
fn many_processes_may_open_a_new_home_at_once() {
    let dir = tempfile::tempdir().expect("creates");
    let path = dir.path().join("home");
    let children: Vec<_> = (0..4).map(|_| helper("helper_opens", &path)).collect();
    for mut child in children {
        assert!(child.wait().expect("ends").success());
    }
    let values = EnvironmentValues::new(Home::open(&path).expect("opens"));
    assert_eq!(values.values("dev").expect("reads"), json!({"opened": true}));
}

/// Part of [`many_processes_may_open_a_new_home_at_once`].
#[test]
fn helper_opens() {
    if let Some(home) = helper_home() {
        EnvironmentValues::new(home).set_values("dev", &json!({"opened": true})).expect("writes");
    }
}

/// Part of [`the_lease_and_locks_of_a_killed_process_are_free`]: holds both until it is killed.
#[test]
fn helper_holds() {
    if let Some(home) = helper_home() {
        let _lease = WorkerLease::acquire(&home, "d1").expect("asks").expect("is free");
        let _lock = NamedLock::try_acquire(&home, "name").expect("asks").expect("is free");
        let mut output = io::stdout().lock();
        output.write_all(b"\nheld\n").and_then(|()| output.flush()).expect("tells");
        drop(output);
        // Ends by itself when the test that started it is gone.
        io::stdin().read_to_end(&mut Vec::new()).expect("waits");
    }
}

#[test]
fn the_lease_and_locks_of_a_killed_process_are_free() {
    let (dir, home) = home();
    let mut child = helper("helper_holds", dir.path());
    let output = io::BufReader::new(child.stdout.take().expect("is piped"));
    let held = io::BufRead::lines(output).any(|line| line.expect("reads") == "held");
    assert!(held, "the helper ended early");
    assert!(WorkerLease::is_alive(&home, "d1").expect("asks"));
    assert!(WorkerLease::acquire(&home, "d1").expect("asks").is_none());
    assert!(NamedLock::try_acquire(&home, "name").expect("asks").is_none());

    child.kill().and_then(|()| child.wait()).expect("dies");
    assert!(!WorkerLease::is_alive(&home, "d1").expect("asks"));
    assert!(WorkerLease::acquire(&home, "d1").expect("asks").is_some());
    assert!(NamedLock::try_acquire(&home, "name").expect("asks").is_some());
}

/// Gives bytes that cost no memory.
struct Numbers {
    left: u64,
}

impl Read for Numbers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buffer[..count].fill(7);
        self.left -= u64::try_from(count).expect("fits");
        Ok(count)
    }
}

const LARGE_BYTES: u64 = 200 << 20;

/// Part of [`a_large_reader_is_stored_piece_by_piece`].
#[tokio::test]
async fn helper_stores_a_large_object() {
    if let Some(home) = helper_home() {
        let store = FsObjectStore::new(home, "bucket");
        let key = ObjectKey::new("large");
        let body = Body::Reader(Box::new(Numbers { left: LARGE_BYTES }));
        store.put(&key, body, Precondition::None).await.expect("writes");
        if let Some(peak_kib) = peak_memory_kib() {
            assert!(peak_kib < 100 << 10, "{peak_kib} KiB");
        }
    }
}

/// The most memory this process has used, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[tokio::test]
async fn a_large_reader_is_stored_piece_by_piece() {
    let (dir, home) = home();
    assert!(helper("helper_stores_a_large_object", dir.path()).wait().expect("ends").success());
    let mut reader = FsObjectStore::new(home, "bucket").open(&ObjectKey::new("large"), None).await.expect("opens");
    assert_eq!(reader.seek(SeekFrom::End(0)).expect("seeks"), LARGE_BYTES);
}
